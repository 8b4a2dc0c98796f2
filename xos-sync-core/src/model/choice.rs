//! Columns that hold one of a few words.

/// Declares an enum that a model's column stores as one of a few words.
///
/// The column gets a `CHECK` constraint, so that no writer can put anything else there. Mark
/// the field with `#[choice]`.
///
/// ```
/// xos_sync_core::choices! {
///     /// How a thing is shown.
///     pub enum Visibility {
///         /// To all.
///         Public = "public",
///         /// To its owner.
///         Private = "private",
///     }
/// }
/// assert_eq!(Visibility::Private.as_str(), "private");
/// assert_eq!("public".parse(), Ok(Visibility::Public));
/// assert_eq!(
///     "hidden".parse::<Visibility>().unwrap_err(),
///     "`hidden` is not a Visibility: write one of public, private"
/// );
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[derive($crate::__private::diesel::expression::AsExpression)]
        #[derive($crate::__private::diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = $crate::__private::diesel::sql_types::Text)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant),+
        }

        impl ::std::convert::From<$name> for $crate::model::Value {
            fn from(choice: $name) -> Self {
                Self::Text(choice.as_str().to_owned())
            }
        }

        impl $name {
            /// All the words, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word that the column holds.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The word as a literal in SQL.
            #[doc(hidden)]
            pub const fn as_sql(self) -> &'static str {
                match self {
                    $(Self::$variant => ::std::concat!("'", $word, "'")),+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::string::String;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(::std::format!(
                        "`{text}` is not a {}: write one of {}",
                        ::std::stringify!($name),
                        Self::WORDS.join(", "),
                    )),
                }
            }
        }

        impl<DB> $crate::__private::diesel::serialize::ToSql<$crate::__private::diesel::sql_types::Text, DB> for $name
        where
            DB: $crate::__private::diesel::backend::Backend,
            str: $crate::__private::diesel::serialize::ToSql<$crate::__private::diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut $crate::__private::diesel::serialize::Output<'b, '_, DB>,
            ) -> $crate::__private::diesel::serialize::Result {
                $crate::__private::diesel::serialize::ToSql::<$crate::__private::diesel::sql_types::Text, DB>::to_sql(self.as_str(), out)
            }
        }

        impl<DB> $crate::__private::diesel::deserialize::FromSql<$crate::__private::diesel::sql_types::Text, DB> for $name
        where
            DB: $crate::__private::diesel::backend::Backend,
            ::std::string::String: $crate::__private::diesel::deserialize::FromSql<$crate::__private::diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> $crate::__private::diesel::deserialize::Result<Self> {
                let text = <::std::string::String as $crate::__private::diesel::deserialize::FromSql<
                    $crate::__private::diesel::sql_types::Text,
                    DB,
                >>::from_sql(bytes)?;
                text.parse().map_err(::std::convert::Into::into)
            }
        }
    };
}

//! Which column a Rust type becomes.

use quote::ToTokens;
use syn::{GenericArgument, PathArguments, Type};

/// What a field holds.
pub(super) struct FieldType {
    pub(super) kind: Kind,
    /// Whether it is an `Option`.
    pub(super) nullable: bool,
    /// The type without the `Option`.
    pub(super) inner: Type,
}

/// A type that a column can hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text,
    Secret,
    Choice,
    Integer,
    BigInt,
    Micros,
    Id(Box<Type>),
    Bool,
    Double,
}

/// What is told about any other type.
pub(super) const UNKNOWN: &str = "a column cannot hold this type: write `String`, `Secret`, `i32`, `i64`, `f64`, \
     `bool`, `Micros`, `Id<Model>`, or an `Option` of one of them; an enum made with \
     `xos_sync_core::choices!` needs `#[choice]`";

impl FieldType {
    /// Recognizes a type by its last name, as macros see no more; `choice` makes any other
    /// type one of ours.
    pub(super) fn of(ty: &Type, choice: bool) -> Option<Self> {
        let (nullable, inner) = match argument(ty, "Option") {
            Some(inner) => (true, inner),
            None => (false, ty),
        };
        let kind = match (Kind::of(inner), choice) {
            (Some(kind), false) => kind,
            (None, true) if last_name(inner).is_some() => Kind::Choice,
            _ => return None,
        };
        Some(Self { kind, nullable, inner: inner.clone() })
    }
}

impl Kind {
    fn of(ty: &Type) -> Option<Self> {
        if let Some(target) = argument(ty, "Id") {
            return Some(Self::Id(Box::new(target.clone())));
        }
        Some(match last_name(ty)?.as_str() {
            "String" => Self::Text,
            "Secret" => Self::Secret,
            "i32" => Self::Integer,
            "i64" => Self::BigInt,
            "Micros" => Self::Micros,
            "bool" => Self::Bool,
            "f64" => Self::Double,
            _ => return None,
        })
    }

    /// The name that diesel and `ColumnType` share for the column's type.
    pub(super) fn sql_type(&self) -> &'static str {
        match self {
            Self::Text | Self::Secret | Self::Choice => "Text",
            Self::Integer => "Integer",
            Self::BigInt | Self::Micros | Self::Id(_) => "BigInt",
            Self::Bool => "Bool",
            Self::Double => "Double",
        }
    }
}

/// The last name of a type without arguments, such as `String` in `std::string::String`.
fn last_name(ty: &Type) -> Option<String> {
    let last = path(ty)?.segments.last()?;
    matches!(last.arguments, PathArguments::None).then(|| last.ident.to_string())
}

/// The `T` of `Name<T>`.
fn argument<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let last = path(ty)?.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (last.ident == name, arguments.args.first(), arguments.args.len()) {
        (true, Some(GenericArgument::Type(ty)), 1) => Some(ty),
        _ => None,
    }
}

fn path(ty: &Type) -> Option<&syn::Path> {
    match ty {
        Type::Path(path) if path.qself.is_none() => Some(&path.path),
        // A type that came through a `macro_rules!` variable.
        Type::Group(group) => self::path(&group.elem),
        _ => None,
    }
}

/// A type or path as people write it, without spaces.
pub(super) fn written(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn of(ty: Type, choice: bool) -> Option<(Kind, bool)> {
        FieldType::of(&ty, choice).map(|field| (field.kind, field.nullable))
    }

    #[test]
    fn types_are_known_by_their_last_name() {
        assert_eq!(of(parse_quote!(String), false), Some((Kind::Text, false)));
        assert_eq!(
            of(parse_quote!(std::option::Option<std::string::String>), false),
            Some((Kind::Text, true))
        );
        assert_eq!(of(parse_quote!(Option<i64>), false), Some((Kind::BigInt, true)));
        let site: Type = parse_quote!(models::Site);
        assert_eq!(
            of(parse_quote!(Option<Id<models::Site>>), false),
            Some((Kind::Id(Box::new(site)), true))
        );
    }

    #[test]
    fn a_choice_is_any_name_that_is_not_known() {
        assert_eq!(of(parse_quote!(Isolation), true), Some((Kind::Choice, false)));
        assert_eq!(of(parse_quote!(Option<Isolation>), true), Some((Kind::Choice, true)));
        assert_eq!(of(parse_quote!(String), true), None);
        assert_eq!(of(parse_quote!(Vec<Isolation>), true), None);
    }

    #[test]
    fn other_types_are_not() {
        for ty in [
            "u32",
            "Vec<String>",
            "&'static str",
            "(i32, i32)",
            "Option<Option<i32>>",
            "Id",
            "Isolation",
        ] {
            let parsed: Type = syn::parse_str(ty).unwrap();
            assert_eq!(of(parsed, false), None, "{ty}");
        }
    }
}

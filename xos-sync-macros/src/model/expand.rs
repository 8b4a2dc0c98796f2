//! What a model becomes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{
    new,
    table::{bookkeeping, table},
    valid::{Column, Model},
};

/// The struct, its table, its `New…`, its implementation and its registration.
pub(super) fn expand(model: &Model) -> TokenStream {
    let (name, table_name) = (&model.item.ident, &model.table);
    let columns = bookkeeping(table_name);
    let item = item(
        model,
        &quote! {
            #[derive(
                ::xos_sync_core::__private::diesel::Queryable,
                ::xos_sync_core::__private::diesel::Selectable,
            )]
            #[diesel(table_name = #table_name, check_for_backend(::xos_sync_core::db::AnyDb))]
        },
        &quote! {
            #[diesel(select_expression = #columns, select_expression_type = #columns)]
        },
    );
    let table = table(model);
    let new = new::new(
        model,
        &quote! {
            #[derive(::xos_sync_core::__private::diesel::Insertable)]
            #[diesel(table_name = #table_name, treat_none_as_default_value = false)]
        },
    );
    let (info, queries, plain) = (info(model), queries(model), plain(model));
    let new_name = new::name(model);
    quote! {
        #item
        #table
        #new

        impl ::xos_sync_core::Model for #name {
            type New = #new_name;
            const INFO: &'static ::xos_sync_core::model::ModelInfo = &#info;
            #queries
            #plain
        }

        ::xos_sync_core::__private::inventory::submit! {
            ::xos_sync_core::__private::ModelRegistration(|| <#name as ::xos_sync_core::Model>::INFO)
        }
    }
}

/// What stands after a mistake: all that other code may name, doing nothing.
pub(super) fn dummy(model: &Model) -> TokenStream {
    let name = &model.item.ident;
    let item = item(model, &quote!(), &quote!());
    let table = (model.table != *name).then(|| table(model));
    let (new, new_name) = (new::new(model, &quote!()), new::name(model));
    let named = model.columns.iter().filter_map(|column| Some(&column.input.marks.references.as_ref()?.target));
    quote! {
        // What the author imports is in use.
        const _: fn() = || { #(let _: ::core::option::Option<#named> = ::core::option::Option::None;)* };
        #item
        #table
        #new

        impl ::xos_sync_core::Model for #name {
            type New = #new_name;
            const INFO: &'static ::xos_sync_core::model::ModelInfo = &::xos_sync_core::model::ModelInfo {
                name: "", table: "", crate_name: "", doc: "", label: ::core::option::Option::None, columns: &[], references: &[], uniques: &[],
            };
            fn id(&self) -> ::xos_sync_core::Id<Self> { loop {} }
            fn bookkeeping(&self) -> &::xos_sync_core::model::Bookkeeping { loop {} }
            fn load(
                _: &mut ::xos_sync_core::db::AnyConnection,
                _: &str,
                _: i64,
            ) -> ::xos_sync_core::__private::diesel::QueryResult<::std::vec::Vec<Self>> { loop {} }
            fn insert(
                _: &mut ::xos_sync_core::db::AnyConnection,
                _: &Self::New,
            ) -> ::xos_sync_core::__private::diesel::QueryResult<Self> { loop {} }
            fn save_backend(
                &self,
                _: &mut ::xos_sync_core::db::AnyConnection,
            ) -> ::xos_sync_core::__private::diesel::QueryResult<usize> { loop {} }
            fn goal_difference(&self, _: &Self) -> ::core::option::Option<&'static str> { loop {} }
            fn backend_differs(&self, _: &Self) -> bool { loop {} }
            fn reference_ids(&self) -> ::std::vec::Vec<::core::option::Option<i64>> { loop {} }
            fn label(&self) -> ::std::string::String { loop {} }
        }
    }
}

/// The author's struct with the framework's two fields.
fn item(model: &Model, derives: &TokenStream, on_bookkeeping: &TokenStream) -> TokenStream {
    let (attrs, vis, name) = (&model.item.attrs, &model.item.vis, &model.item.ident);
    let fields = model.columns.iter().map(|Column { input, .. }| {
        let (attrs, vis, ident, ty) = (&input.attrs, &input.vis, &input.ident, &input.ty);
        quote! { #(#attrs)* #vis #ident: #ty, }
    });
    quote! {
        #(#attrs)*
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        #derives
        #vis struct #name {
            /// The row's key.
            pub id: ::xos_sync_core::Id<#name>,
            #(#fields)*
            /// What the framework and the database keep about the row.
            #on_bookkeeping
            pub bookkeeping: ::xos_sync_core::model::Bookkeeping,
        }
    }
}

/// `ModelInfo { … }`.
fn info(model: &Model) -> TokenStream {
    let (name, table, doc) = (model.item.ident.to_string(), model.table.to_string(), &model.doc);
    let columns = model.columns.iter().filter_map(column);
    let references = model.columns.iter().filter_map(reference);
    let uniques = model.uniques.iter().map(|columns| {
        quote! { ::xos_sync_core::model::Unique { columns: &[#(#columns),*] } }
    });
    let label_column = optional(
        model.label.and_then(|at| model.columns.get(at)).map(|column| column.input.ident.to_string()),
    );
    quote! {
        ::xos_sync_core::model::ModelInfo {
            name: #name,
            table: #table,
            crate_name: ::core::env!("CARGO_CRATE_NAME"),
            doc: #doc,
            label: #label_column,
            columns: &[#(#columns),*],
            references: &[#(#references),*],
            uniques: &[#(#uniques),*],
        }
    }
}

fn column(column: &Column) -> Option<TokenStream> {
    let field_type = column.field_type.as_ref()?;
    let (name, nullable) = (&column.name, field_type.nullable);
    let kind = if column.is_backend() { quote!(Backend) } else { quote!(Goal) };
    let sql_type = quote::format_ident!("{}", field_type.kind.sql_type());
    let default = optional(column.default.as_ref().map(|default| &default.sql));
    let choices = optional(column.input.marks.choice.as_ref().map(|_| {
        let inner = &field_type.inner;
        quote!(<#inner>::WORDS)
    }));
    Some(quote! {
        ::xos_sync_core::model::Column {
            name: #name,
            kind: ::xos_sync_core::model::ColumnKind::#kind,
            sql_type: ::xos_sync_core::model::ColumnType::#sql_type,
            nullable: #nullable,
            default: #default,
            choices: #choices,
        }
    })
}

fn reference(column: &Column) -> Option<TokenStream> {
    let mark = column.input.marks.references.as_ref()?;
    let (name, nullable) = (&column.name, column.field_type.as_ref()?.nullable);
    let target = &mark.target;
    let target = quote_spanned! { target.span()=> <#target as ::xos_sync_core::Model>::INFO };
    let on_delete = if mark.cascade.is_some() { quote!(Cascade) } else { quote!(Wait) };
    Some(quote! {
        ::xos_sync_core::model::Reference {
            column: #name,
            target: || #target,
            nullable: #nullable,
            on_delete: ::xos_sync_core::model::OnDelete::#on_delete,
        }
    })
}

/// The functions that talk to the database.
fn queries(model: &Model) -> TokenStream {
    let table = &model.table;
    let diesel = quote!(::xos_sync_core::__private::diesel);
    let backend: Vec<_> =
        model.columns.iter().filter(|column| column.is_backend()).map(|column| &column.input.ident).collect();
    let save = if backend.is_empty() {
        quote! {
            let _ = conn;
            ::core::result::Result::Ok(0)
        }
    } else {
        quote! {
            use #diesel::prelude::*;
            #diesel::update(#table::table.filter(#table::id.eq(self.id)))
                .set((#(#table::#backend.eq(&self.#backend),)*))
                .execute(conn)
        }
    };
    quote! {
        fn load(
            conn: &mut ::xos_sync_core::db::AnyConnection,
            filter: &str,
            limit: i64,
        ) -> #diesel::QueryResult<::std::vec::Vec<Self>> {
            use #diesel::prelude::*;
            #table::table
                .filter(#diesel::dsl::sql::<#diesel::sql_types::Bool>(filter))
                .order(#table::id)
                .limit(limit)
                .select(<Self as #diesel::SelectableHelper<_>>::as_select())
                .load(conn)
        }

        fn insert(
            conn: &mut ::xos_sync_core::db::AnyConnection,
            new: &Self::New,
        ) -> #diesel::QueryResult<Self> {
            use #diesel::prelude::*;
            let uid = ::xos_sync_core::__private::uuid::Uuid::new_v4().simple().to_string();
            #diesel::insert_into(#table::table).values((#table::uid.eq(&uid), new)).execute(conn)?;
            // The letters and digits of the identity need no quoting.
            <Self as ::xos_sync_core::Model>::load(conn, &::std::format!("uid = '{uid}'"), 1)?
                .pop()
                .ok_or(#diesel::NotFound)
        }

        fn save_backend(
            &self,
            conn: &mut ::xos_sync_core::db::AnyConnection,
        ) -> #diesel::QueryResult<usize> {
            #save
        }
    }
}

/// The functions that need no database.
fn plain(model: &Model) -> TokenStream {
    let goal = model.columns.iter().filter(|column| !column.is_backend()).map(|column| {
        let (ident, name) = (&column.input.ident, &column.name);
        quote! {
            if self.#ident != before.#ident {
                return ::core::option::Option::Some(#name);
            }
        }
    });
    let backend = model.columns.iter().filter(|column| column.is_backend()).map(|column| {
        let ident = &column.input.ident;
        quote! { self.#ident != before.#ident }
    });
    let backend = model
        .columns
        .iter()
        .any(Column::is_backend)
        .then(|| quote! { #(#backend)||* })
        .unwrap_or_else(|| quote! { { let _ = before; false } });
    let references = model.columns.iter().filter_map(reference_id);
    let label = label(model);
    quote! {
        fn id(&self) -> ::xos_sync_core::Id<Self> {
            self.id
        }

        fn bookkeeping(&self) -> &::xos_sync_core::model::Bookkeeping {
            &self.bookkeeping
        }

        fn goal_difference(&self, before: &Self) -> ::core::option::Option<&'static str> {
            #(#goal)*
            let _ = before;
            ::core::option::Option::None
        }

        fn backend_differs(&self, before: &Self) -> bool {
            #backend
        }

        fn reference_ids(&self) -> ::std::vec::Vec<::core::option::Option<i64>> {
            ::std::vec![#(#references),*]
        }

        fn label(&self) -> ::std::string::String {
            #label
        }
    }
}

/// The key as a number; the compiler checks that field and reference name one model.
fn reference_id(column: &Column) -> Option<TokenStream> {
    let target = &column.input.marks.references.as_ref()?.target;
    let ident = &column.input.ident;
    let field_type = column.field_type.as_ref()?;
    let key = quote_spanned! { column.input.ty.span()=> self.#ident };
    Some(if field_type.nullable {
        quote! { ::core::option::Option::map(#key, ::xos_sync_core::Id::<#target>::raw) }
    } else {
        quote! { ::core::option::Option::Some(::xos_sync_core::Id::<#target>::raw(#key)) }
    })
}

fn label(model: &Model) -> TokenStream {
    let Some(column) = model.label.and_then(|at| model.columns.get(at)) else {
        return quote! { ::std::string::String::new() };
    };
    let ident = &column.input.ident;
    if column.field_type.as_ref().is_some_and(|field_type| field_type.nullable) {
        quote! {
            match &self.#ident {
                ::core::option::Option::Some(label) => ::std::string::ToString::to_string(label),
                ::core::option::Option::None => ::std::string::String::new(),
            }
        }
    } else {
        quote! { ::std::string::ToString::to_string(&self.#ident) }
    }
}

fn optional<T: quote::ToTokens>(value: Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

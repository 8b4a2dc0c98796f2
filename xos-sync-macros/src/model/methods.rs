//! The functions of a model's `Model`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::valid::{Column, Model};

/// The functions that talk to the database.
pub(super) fn queries(model: &Model) -> TokenStream {
    let table = &model.table;
    let diesel = quote!(::xos_sync_core::__private::diesel);
    let backend: Vec<_> = model
        .columns
        .iter()
        .filter(|column| column.is_backend())
        .map(|column| &column.input.ident)
        .collect();
    let update = if backend.is_empty() {
        quote! {
            let _ = (conn, which);
            ::core::result::Result::Ok(1)
        }
    } else {
        quote! {
            use #diesel::prelude::*;
            #diesel::update(#table::table.filter(#diesel::dsl::sql::<#diesel::sql_types::Bool>(which)))
                .set((#(#table::#backend.eq(&self.#backend),)*))
                .execute(conn)
        }
    };
    quote! {
        fn load_rows(
            conn: &mut ::xos_sync_core::db::AnyConnection,
            query: &str,
        ) -> #diesel::QueryResult<::std::vec::Vec<(::xos_sync_core::model::Bookkeeping, Self)>> {
            use #diesel::prelude::*;
            #diesel::dsl::sql::<(::xos_sync_core::model::BookkeepingSql, #table::SqlType)>(query)
                .load(conn)
        }

        fn insert_new(
            conn: &mut ::xos_sync_core::db::AnyConnection,
            new: &Self::New,
        ) -> #diesel::QueryResult<usize> {
            use #diesel::prelude::*;
            #diesel::insert_into(#table::table).values(new).execute(conn)
        }

        fn update_backend(
            &self,
            conn: &mut ::xos_sync_core::db::AnyConnection,
            which: &str,
        ) -> #diesel::QueryResult<usize> {
            #update
        }
    }
}

/// The functions that need no database.
pub(super) fn plain(model: &Model) -> TokenStream {
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
        quote! {
            if self.#ident != before.#ident {
                return true;
            }
        }
    });
    let (backend_names, backend_idents): (Vec<_>, Vec<_>) = model
        .columns
        .iter()
        .filter(|column| column.is_backend())
        .map(|column| (&column.name, &column.input.ident))
        .unzip();
    let references = model.columns.iter().filter_map(reference_id);
    let label = label(model);
    quote! {
        fn id(&self) -> ::xos_sync_core::Id<Self> {
            self.id
        }

        fn backend_values(&self) -> ::std::vec::Vec<(&'static str, ::xos_sync_core::model::Value)> {
            ::std::vec![#((#backend_names, ::xos_sync_core::model::Value::from(::core::clone::Clone::clone(&self.#backend_idents)))),*]
        }

        fn goal_difference(&self, before: &Self) -> ::core::option::Option<&'static str> {
            #(#goal)*
            let _ = before;
            ::core::option::Option::None
        }

        fn backend_differs(&self, before: &Self) -> bool {
            #(#backend)*
            let _ = before;
            false
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
    // The type may come from the author's own macro, which knows no `self` of ours.
    let this = quote!(self);
    let key = quote_spanned! { column.input.ty.span()=> #this.#ident };
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

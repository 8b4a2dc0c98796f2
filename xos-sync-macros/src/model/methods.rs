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

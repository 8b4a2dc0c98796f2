//! What a model becomes after a mistake.

use proc_macro2::TokenStream;
use quote::quote;

use super::{expand::item, expansion, new, table::table, valid::Model};

/// What stands after a mistake: all that other code may name, doing nothing.
pub(super) fn dummy(model: &Model) -> TokenStream {
    let name = &model.item.ident;
    let item = item(model, &quote!());
    let table = (model.table != *name).then(|| table(model));
    let (new, new_name) = (new::new(model, &quote!()), new::name(model));
    let named = model
        .columns
        .iter()
        .filter_map(|column| Some(&column.input.marks.references.as_ref()?.target))
        .chain(model.expansion.iter().flat_map(expansion::models));
    let key_type = &model.key_type;
    let key_type = key_type.iter().filter(|_| model.key.is_none());
    quote! {
        // What the author imports is in use.
        const _: fn() = || {
            #(let _: ::core::option::Option<#named> = ::core::option::Option::None;)*
            #(let _: ::core::option::Option<#key_type> = ::core::option::Option::None;)*
        };
        #item
        #table
        #new

        impl ::xos_sync_core::Model for #name {
            type New = #new_name;
            const INFO: &'static ::xos_sync_core::model::ModelInfo = &::xos_sync_core::model::ModelInfo {
                name: "", table: "", crate_name: "", crate_version: "", doc: "", label: ::core::option::Option::None, columns: &[], references: &[], uniques: &[],
                expansion: ::core::option::Option::None,
            };
            fn id(&self) -> ::xos_sync_core::Id<Self> { loop {} }
            fn load_rows(
                _: &mut ::xos_sync_core::db::AnyConnection,
                _: &str,
            ) -> ::xos_sync_core::__private::diesel::QueryResult<::std::vec::Vec<(::xos_sync_core::model::Bookkeeping, Self)>> { loop {} }
            fn insert_new(
                _: &mut ::xos_sync_core::db::AnyConnection,
                _: &Self::New,
            ) -> ::xos_sync_core::__private::diesel::QueryResult<usize> { loop {} }
            fn update_backend(
                &self,
                _: &mut ::xos_sync_core::db::AnyConnection,
                _: &str,
            ) -> ::xos_sync_core::__private::diesel::QueryResult<usize> { loop {} }
            fn backend_values(&self) -> ::std::vec::Vec<(&'static str, ::xos_sync_core::model::Value)> { loop {} }
            fn goal_difference(&self, _: &Self) -> ::core::option::Option<&'static str> { loop {} }
            fn backend_differs(&self, _: &Self) -> bool { loop {} }
            fn reference_ids(&self) -> ::std::vec::Vec<::core::option::Option<i64>> { loop {} }
            fn label(&self) -> ::std::string::String { loop {} }
        }
    }
}

//! Diesel's `table!` of a model.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::valid::Model;
use crate::doc;

/// The module named after the table.
pub(super) fn table(model: &Model) -> TokenStream {
    let (table, name) = (&model.table, model.item.ident.to_string());
    let doc = format!("The columns of [`{name}`] for diesel's queries.");
    let own = model.columns.iter().filter_map(|column| {
        let field_type = column.field_type.as_ref()?;
        let sql_type = sql_type(field_type.kind.sql_type(), field_type.nullable);
        let docs = doc::docs(&column.input.attrs);
        let ident = &column.input.ident;
        Some(quote! { #(#docs)* #ident -> #sql_type, })
    });
    quote! {
        ::xos_sync_core::__private::diesel::table! {
            #[doc = #doc]
            #table (id) {
                /// The row's key.
                #[allow(missing_docs)]
                id -> BigInt,
                #(#own)*
            }
        }
    }
}

fn sql_type(name: &str, nullable: bool) -> TokenStream {
    let name = ident(name);
    if nullable { quote!(Nullable<#name>) } else { quote!(#name) }
}

fn ident(name: &str) -> Ident {
    Ident::new(name, proc_macro2::Span::call_site())
}

//! `New…`: the values of a row that is not in the database yet.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::{
    field_type::Kind,
    valid::{Column, Model},
};
use crate::doc;

/// The name of the struct.
pub(super) fn name(model: &Model) -> Ident {
    format_ident!("New{}", model.item.ident)
}

/// The struct and its functions; `derives` are the attributes that it needs.
pub(super) fn new(model: &Model, derives: &TokenStream) -> TokenStream {
    let (vis, model_name, name) = (&model.item.vis, &model.item.ident, name(model));
    let fields = model.columns.iter().map(|column| {
        let docs = doc::docs(&column.input.attrs);
        let (vis, ident, ty) = (&column.input.vis, &column.input.ident, &column.input.ty);
        quote! { #(#docs)* #vis #ident: #ty, }
    });
    let (arguments, values): (Vec<_>, Vec<_>) =
        model.columns.iter().map(argument_and_value).unzip();
    let struct_doc = format!("A [`{model_name}`] that is not in the database yet.");
    let new_doc = format!(
        "A [`{model_name}`] with these values. What else it has is at its default, or `None`: set the fields."
    );
    quote! {
        #[doc = #struct_doc]
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        #derives
        #vis struct #name {
            #(#fields)*
        }

        impl #name {
            #[doc = #new_doc]
            #[allow(clippy::too_many_arguments, clippy::new_without_default)]
            #vis fn new(#(#arguments)*) -> Self {
                Self { #(#values)* }
            }

            /// Adds the row, and returns it as the database completed it.
            ///
            /// # Errors
            /// What the database answered, for instance a unique or foreign key violation.
            #vis fn insert(
                &self,
                conn: &mut ::xos_sync_core::db::AnyConnection,
            ) -> ::xos_sync_core::__private::diesel::QueryResult<::xos_sync_core::Row<#model_name>> {
                ::xos_sync_core::Row::insert(conn, self)
            }
        }
    }
}

/// The argument of `new`, when there is one, and the field's value.
fn argument_and_value(column: &Column) -> (TokenStream, TokenStream) {
    let (ident, ty) = (&column.input.ident, &column.input.ty);
    if let Some(default) = &column.default {
        let value = &default.value;
        return (quote!(), quote!(#ident: #value,));
    }
    match &column.field_type {
        Some(field_type) if field_type.nullable => {
            (quote!(), quote!(#ident: ::core::option::Option::None,))
        }
        Some(field_type) if matches!(field_type.kind, Kind::Text | Kind::Secret) => (
            quote!(#ident: impl ::core::convert::Into<#ty>,),
            quote!(#ident: ::core::convert::Into::into(#ident),),
        ),
        _ => (quote!(#ident: #ty,), quote!(#ident,)),
    }
}

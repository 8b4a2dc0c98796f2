//! What a model becomes: the struct, its description and its registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{
    ast::FieldInput,
    expansion,
    field_type::Kind,
    methods::{plain, queries},
    new,
    table::table,
    valid::{Column, Model},
};

/// The struct, its table, its `New…`, its implementation and its registration.
pub(super) fn expand(model: &Model) -> TokenStream {
    let (name, table_name) = (&model.item.ident, &model.table);
    let item = item(
        model,
        &quote! {
            #[derive(
                ::xos_sync_core::__private::diesel::Queryable,
                ::xos_sync_core::__private::diesel::Selectable,
            )]
            #[diesel(table_name = #table_name, check_for_backend(::xos_sync_core::db::AnyDb))]
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

/// The author's struct, with its key in front.
pub(super) fn item(model: &Model, derives: &TokenStream) -> TokenStream {
    let (attrs, vis, name) = (&model.item.attrs, &model.item.vis, &model.item.ident);
    let fields = model.columns.iter().map(|Column { input, .. }| {
        let (attrs, vis, ident, ty) = (&input.attrs, &input.vis, &input.ident, &input.ty);
        quote! { #(#attrs)* #vis #ident: #ty, }
    });
    let key = match &model.key {
        Some(FieldInput { attrs, vis, ident, ty, .. }) => {
            quote! { #(#attrs)* #[allow(missing_docs)] #vis #ident: #ty, }
        }
        None => quote! { #[allow(missing_docs)] pub id: ::xos_sync_core::Id<#name>, },
    };
    quote! {
        #(#attrs)*
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        #derives
        #vis struct #name {
            #key
            #(#fields)*
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
    let expansion = optional(model.expansion.as_ref().map(expansion::written_out));
    let label_column = optional(
        model
            .label
            .and_then(|at| model.columns.get(at))
            .map(|column| column.input.ident.to_string()),
    );
    quote! {
        ::xos_sync_core::model::ModelInfo {
            name: #name,
            table: #table,
            crate_name: ::core::env!("CARGO_CRATE_NAME"),
            crate_version: ::core::env!("CARGO_PKG_VERSION"),
            doc: #doc,
            label: #label_column,
            columns: &[#(#columns),*],
            references: &[#(#references),*],
            uniques: &[#(#uniques),*],
            expansion: #expansion,
        }
    }
}

fn column(column: &Column) -> Option<TokenStream> {
    let field_type = column.field_type.as_ref()?;
    let (name, nullable) = (&column.name, field_type.nullable);
    let kind = if column.is_backend() { quote!(Backend) } else { quote!(Goal) };
    let sql_type = quote::format_ident!("{}", field_type.kind.sql_type());
    let secret = field_type.kind == Kind::Secret;
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
            secret: #secret,
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
    let on_delete = if mark.cascade.is_some() { quote!(Cascade) } else { quote!(Restrict) };
    let on_update = if mark.sync.is_some() { quote!(Sync) } else { quote!(Nothing) };
    Some(quote! {
        ::xos_sync_core::model::Reference {
            column: #name,
            target: || #target,
            nullable: #nullable,
            on_delete: ::xos_sync_core::model::OnDelete::#on_delete,
            on_update: ::xos_sync_core::model::OnUpdate::#on_update,
        }
    })
}

fn optional<T: quote::ToTokens>(value: Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

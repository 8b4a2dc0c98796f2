//! `expand(s in Slice, d in SiteDeployment, on = "…", slice_id = s.id)`: rows that follow from
//! other models' rows.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    Ident, LitStr, Path, Token, ext::IdentExt as _, parse::ParseStream, spanned::Spanned as _,
};

use super::valid::Column;
use crate::errors::Errors;

/// What stands in the parentheses.
pub(super) struct Expansion {
    /// The word `expand`.
    pub(super) name: Ident,
    pub(super) sources: Vec<Source>,
    pub(super) on: Option<LitStr>,
    pub(super) values: Vec<Value>,
}

/// `s in Slice`.
pub(super) struct Source {
    alias: Ident,
    model: Path,
}

/// `slice_id = s.id`.
pub(super) struct Value {
    column: Ident,
    alias: Ident,
    field: Ident,
}

/// Taken by SQL's triggers, and by the framework.
const TAKEN: [&str; 4] = ["new", "old", "made", "in"];

/// Reads what stands in the parentheses.
pub(super) fn parse(name: Ident, input: ParseStream<'_>) -> syn::Result<Expansion> {
    let mut expansion = Expansion { name, sources: Vec::new(), on: None, values: Vec::new() };
    while !input.is_empty() {
        let word: Ident = input.parse()?;
        if input.parse::<Option<Token![in]>>()?.is_some() {
            expansion.sources.push(Source { alias: word, model: input.parse()? });
        } else {
            input.parse::<Token![=]>().map_err(|error| syn::Error::new(error.span(), HOW))?;
            if word == "on" {
                let on: LitStr = input.parse().map_err(|error| {
                    syn::Error::new(
                        error.span(),
                        "write an SQL condition: `on = \"d.site_id = s.site_id\"`",
                    )
                })?;
                expansion.on = Some(on);
            } else {
                let how = |error: syn::Error| syn::Error::new(error.span(), HOW);
                let alias = input.parse().map_err(how)?;
                input.parse::<Token![.]>().map_err(how)?;
                expansion.values.push(Value {
                    column: word,
                    alias,
                    field: input.parse().map_err(how)?,
                });
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(expansion)
}

const HOW: &str = "write a source, `s in Slice`, or the value of a column, `slice_id = s.id`";

/// Whether it names what there is, and fills in all that must be.
pub(super) fn check(
    expansion: &Expansion,
    columns: &[Column],
    uniques: &[Vec<String>],
    errors: &mut Errors,
) {
    let Expansion { name, sources, values, .. } = expansion;
    let mut aliases = BTreeSet::new();
    for Source { alias, .. } in sources {
        let word = alias.unraw().to_string();
        let taken = TAKEN.contains(&word.to_lowercase().as_str());
        if !aliases.insert(word.clone()) {
            errors.at(alias, "two sources have the same name");
        } else if taken {
            errors
                .at(alias, format!("`{word}` has a meaning of its own here: choose another name"));
        }
    }
    if sources.is_empty() {
        errors.at(name, "say what the rows follow from: `expand(s in Slice, …)`");
    }
    let mut filled = BTreeSet::new();
    for Value { column, alias, .. } in values {
        let word = column.unraw().to_string();
        match columns.iter().find(|column| column.name == word) {
            None => errors.at(column, format!("there is no column `{word}`")),
            Some(found) if found.is_backend() => {
                errors.at(column, "a step writes this column: fill in what is part of the goal");
            }
            Some(_) if !filled.insert(word) => errors.at(column, "the column is filled in twice"),
            Some(_) => {}
        }
        if !sources.is_empty() && !aliases.contains(&alias.unraw().to_string()) {
            errors.at(alias, format!("there is no source `{}`", alias.unraw()));
        }
    }
    let given = |column: &Column| {
        let optional = column.field_type.as_ref().is_none_or(|field_type| field_type.nullable);
        optional || column.default.is_some() || column.is_backend() || filled.contains(&column.name)
    };
    if let Some(column) = columns.iter().find(|column| !given(column)) {
        let name = &column.name;
        errors.at(
            &column.input.ident,
            format!("`expand` does not say what stands here: `{name} = …`"),
        );
    }
    let same = |unique: &Vec<String>| unique.iter().cloned().collect::<BTreeSet<_>>() == filled;
    if !filled.is_empty() && !uniques.iter().any(same) {
        let columns: Vec<_> = filled.into_iter().collect();
        errors.at(name, format!("each row is made once: add `unique({})`", columns.join(", ")));
    }
}

/// `Expansion { … }`.
pub(super) fn written_out(expansion: &Expansion) -> TokenStream {
    let sources = expansion.sources.iter().map(|Source { alias, model }| {
        let alias = alias.unraw().to_string();
        let info = quote_spanned! { model.span()=> <#model as ::xos_sync_core::Model>::INFO };
        quote! { ::xos_sync_core::model::Source { alias: #alias, model: || #info } }
    });
    let on = expansion.on.as_ref().map_or_else(|| quote!("TRUE"), |on| on.to_token_stream());
    let values = expansion.values.iter().map(|Value { column, alias, field }| {
        let (column, value) =
            (column.unraw().to_string(), format!("{}.{}", alias.unraw(), field.unraw()));
        quote! { (#column, #value) }
    });
    quote! {
        ::xos_sync_core::model::Expansion {
            sources: &[#(#sources),*],
            on: #on,
            values: &[#(#values),*],
        }
    }
}

/// The models that it names.
pub(super) fn models(expansion: &Expansion) -> impl Iterator<Item = &Path> {
    expansion.sources.iter().map(|source| &source.model)
}

//! What an author writes, token by token.

use proc_macro2::TokenStream;
use syn::{
    Expr, Fields, Ident, Item, Path, Token, Type, Visibility, bracketed,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    token,
};

use crate::errors::Errors;

/// What stands in the parentheses of `#[sync_step(…)]`.
#[derive(Default)]
pub(super) struct Options {
    pub(super) provides: Option<Models>,
    pub(super) observes: Option<Models>,
    pub(super) interval: Option<Expr>,
    pub(super) timeout: Option<Expr>,
    pub(super) concurrency: Option<Expr>,
    pub(super) budget: Option<Expr>,
    pub(super) only: Option<Expr>,
    pub(super) synchronizer: Option<Expr>,
    /// Whether all of it could be read.
    pub(super) complete: bool,
}

/// One model or a list, with the option's name for messages about it.
pub(super) struct Models {
    pub(super) option: Ident,
    pub(super) paths: Vec<Path>,
}

const OPTIONS: &str =
    "provides, observes, interval, concurrency, budget, timeout, only, synchronizer";

/// Reads the options; what cannot be read is noted.
pub(super) fn options(tokens: TokenStream, errors: &mut Errors) -> Options {
    let mut options = Options::default();
    let parsed = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            option(input, &mut options, errors)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    })
    .parse2(tokens);
    options.complete = errors.take(parsed).is_some();
    options
}

fn option(input: ParseStream<'_>, options: &mut Options, errors: &mut Errors) -> syn::Result<()> {
    let name: Ident = input.parse()?;
    let text = name.to_string();
    if !OPTIONS.split(", ").any(|option| option == text) {
        let message = format!("`#[sync_step]` has no option `{text}`; there are {OPTIONS}");
        return Err(syn::Error::new(name.span(), message));
    }
    input.parse::<Token![=]>()?;
    let twice = match text.as_str() {
        "provides" => put(&mut options.provides, models(&name, input)?),
        "observes" => put(&mut options.observes, models(&name, input)?),
        "interval" => put(&mut options.interval, input.parse()?),
        "timeout" => put(&mut options.timeout, input.parse()?),
        "concurrency" => put(&mut options.concurrency, input.parse()?),
        "budget" => put(&mut options.budget, input.parse()?),
        "only" => put(&mut options.only, input.parse()?),
        _ => put(&mut options.synchronizer, input.parse()?),
    };
    if twice {
        errors.at(&name, format!("`{text}` is given twice"));
    }
    Ok(())
}

/// Fills a place; whether it was taken.
fn put<T>(place: &mut Option<T>, value: T) -> bool {
    let twice = place.is_some();
    place.get_or_insert(value);
    twice
}

fn models(option: &Ident, input: ParseStream<'_>) -> syn::Result<Models> {
    let paths = if input.peek(token::Bracket) {
        let content;
        bracketed!(content in input);
        Punctuated::<Path, Token![,]>::parse_terminated(&content)?.into_iter().collect()
    } else {
        let path = input.parse().map_err(|error: syn::Error| {
            syn::Error::new(
                error.span(),
                format!("name a model, or several in brackets: `{option} = [A, B]`"),
            )
        })?;
        vec![path]
    };
    Ok(Models { option: option.clone(), paths })
}

/// The struct that the attribute stands on.
pub(super) struct StepItem {
    /// As it was written.
    pub(super) tokens: TokenStream,
    pub(super) ident: Ident,
    pub(super) vis: Visibility,
    /// The backends.
    pub(super) fields: Vec<(Ident, Type)>,
}

/// Reads the item. `None` when it is nothing to go on with.
pub(super) fn item(tokens: TokenStream, errors: &mut Errors) -> Option<StepItem> {
    const BELONGS: &str = "`#[sync_step]` belongs on a struct whose fields are its backends";
    let (ident, vis, generics, fields) = match errors.take(syn::parse2(tokens.clone()))? {
        Item::Struct(item) => (item.ident, item.vis, item.generics, item.fields),
        Item::Enum(item) => {
            errors.at(&item.ident, BELONGS);
            (item.ident, item.vis, item.generics, Fields::Unit)
        }
        other => {
            errors.at(other, BELONGS);
            return None;
        }
    };
    if !generics.params.is_empty() {
        errors.at(
            &generics,
            "a step is linked as one value, so it cannot be generic: make a step of each type that it is for",
        );
        return None;
    }
    if let Fields::Unnamed(fields) = &fields {
        errors.at(fields, "name the backends: `struct Name { ec2: Ec2 }`");
    }
    let fields = fields.into_iter().filter_map(|field| Some((field.ident?, field.ty))).collect();
    Some(StepItem { tokens, ident, vis, fields })
}

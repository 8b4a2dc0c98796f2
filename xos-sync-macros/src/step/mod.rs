//! `#[sync_step]`: parse, validate, expand.

mod ast;
mod expand;
#[cfg(test)]
mod tests;
mod valid;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

/// Expands the attribute. After a mistake the struct still stands and is a step, so that one
/// mistake gives one message.
pub(crate) fn sync_step(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = ast::options(options, &mut errors);
    let Some(item) = ast::item(item.clone(), &mut errors) else {
        return quote! { #errors #item };
    };
    let step = valid::validate(options, item, &mut errors);
    expand::expand(&step, &errors)
}

//! `#[model]`: parse, validate, expand.

mod ast;
mod default;
mod dummy;
mod expand;
mod expansion;
mod field_type;
mod methods;
mod new;
mod own_name;
mod table;
#[cfg(test)]
mod tests;
mod valid;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

/// Expands the attribute. After a mistake the struct still stands, so that one mistake gives
/// one message.
pub(crate) fn model(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = ast::parse(options, item.clone(), &mut errors) else {
        return quote! { #errors #item };
    };
    let model = valid::validate(input, &mut errors);
    if errors.count() == 0 {
        expand::expand(&model)
    } else {
        let dummy = dummy::dummy(&model);
        quote! { #errors #dummy }
    }
}

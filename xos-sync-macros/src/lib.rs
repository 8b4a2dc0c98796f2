//! The attribute macros of xos-sync.

mod doc;
mod errors;
mod model;
mod step;

use proc_macro::TokenStream;

/// Makes a struct a model.
#[proc_macro_attribute]
pub fn model(options: TokenStream, item: TokenStream) -> TokenStream {
    model::model(options.into(), item.into()).into()
}

/// Makes a struct a step.
#[proc_macro_attribute]
pub fn sync_step(options: TokenStream, item: TokenStream) -> TokenStream {
    step::sync_step(options.into(), item.into()).into()
}

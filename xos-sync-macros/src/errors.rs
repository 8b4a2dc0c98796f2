//! Collects the mistakes of one invocation, so that all are told at once.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// What is wrong so far.
#[derive(Default)]
pub(crate) struct Errors {
    errors: Vec<syn::Error>,
}

impl Errors {
    /// Notes a mistake at these tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Notes a mistake.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// The value, or nothing and a noted mistake.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// The messages inside a type: the compiler says nothing more about what depends on it.
    pub(crate) fn as_type(&self) -> TokenStream {
        quote! { [(); { #self }] }
    }

    /// How many mistakes there are.
    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// The messages, in order.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.errors.iter().map(ToString::to_string).collect()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for error in &self.errors {
            error.to_compile_error().to_tokens(tokens);
        }
    }
}

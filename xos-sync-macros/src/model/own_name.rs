//! `Self` in a field, by the struct's name: derives put types of fields into functions, where `Self`
//! means nothing.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parse;

/// The same with the name in place of `Self`, at the same place for messages.
pub(super) fn instead_of_self<T: ToTokens + Parse>(tokens: T, name: &Ident) -> T {
    syn::parse2(replaced(tokens.to_token_stream(), name)).unwrap_or(tokens)
}

fn replaced(tokens: TokenStream, name: &Ident) -> TokenStream {
    let replace = |token: TokenTree| match token {
        TokenTree::Ident(ident) if ident == "Self" => {
            TokenTree::Ident(Ident::new(&name.to_string(), ident.span()))
        }
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), replaced(group.stream(), name));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        other => other,
    };
    tokens.into_iter().map(replace).collect()
}

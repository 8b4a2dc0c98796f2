//! Documentation comments as text.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The first sentence, on one line.
pub(crate) fn first_sentence(attrs: &[Attribute]) -> String {
    let mut text = String::new();
    for line in attrs.iter().filter_map(line) {
        let line = line.trim().to_owned();
        if line.is_empty() {
            if text.is_empty() {
                continue;
            }
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&line);
    }
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

/// Only the documentation among these.
pub(crate) fn docs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("doc"))
}

fn line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attr.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value else { return None };
    attr.path().is_ident("doc").then(|| text.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_ends_at_a_period_or_an_empty_line() {
        for (attrs, sentence) in [
            (vec![], ""),
            (vec![" Who uses it."], "Who uses it."),
            (vec![" One sentence", " on two lines. And another."], "One sentence on two lines."),
            (vec!["", " No period", "", " More."], "No period"),
        ] {
            let attrs: Vec<Attribute> =
                attrs.into_iter().map(|line| syn::parse_quote!(#[doc = #line])).collect();
            assert_eq!(first_sentence(&attrs), sentence);
        }
    }
}

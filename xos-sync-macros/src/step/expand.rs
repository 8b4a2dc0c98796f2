//! What a step becomes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Path, ext::IdentExt, spanned::Spanned};

use super::valid::Step;
use crate::errors::Errors;

/// The struct, `StepDef`, and the registration unless something is wrong.
pub(super) fn expand(step: &Step, errors: &Errors) -> TokenStream {
    let (item, name) = (&step.item.tokens, &step.item.ident);
    let (spec, mut observed, mut build) = (spec(step), step.observed(), build(step));
    let rest = if errors.count() == 0 {
        registration(step)
    } else {
        build = quote! { let _ = backends; loop {} };
        if step.observes.is_empty() {
            // Everything that depends on a type with an error in it is passed over in silence.
            observed = errors.as_type();
            quote!()
        } else {
            quote!(#errors)
        }
    };
    quote! {
        #item

        impl ::xos_sync_core::StepDef for #name {
            type Observed = #observed;

            const SPEC: &'static ::xos_sync_core::step::StepSpec = &#spec;

            fn build(
                backends: &::xos_sync_core::step::Backends,
            ) -> ::core::result::Result<Self, ::xos_sync_core::step::BackendError> {
                #build
            }
        }

        #rest
    }
}

/// `StepSpec { … }`.
fn spec(step: &Step) -> TokenStream {
    let (name, interval) = (step.name(), step.interval);
    let (provides, observes) = (step.provides.iter().map(info), step.observes.iter().map(info));
    let synchronizer = match &step.synchronizer {
        Some(name) => quote!(#name),
        None => quote!(::xos_sync_core::step::StepSpec::synchronizer_of(::core::env!(
            "CARGO_CRATE_NAME"
        ))),
    };
    let concurrency = match step.concurrency {
        Some(most) => quote!(#most),
        None => quote!(::xos_sync_core::step::StepSpec::DEFAULT_CONCURRENCY),
    };
    let timeout = match step.timeout {
        Some(seconds) => quote!(::core::time::Duration::from_secs(#seconds)),
        None => quote!(::xos_sync_core::step::StepSpec::DEFAULT_TIMEOUT),
    };
    let (budget, only) = (optional(step.budget.as_ref()), optional(step.only.as_ref()));
    quote! {
        ::xos_sync_core::step::StepSpec {
            name: #name,
            synchronizer: #synchronizer,
            provides: &[#(#provides),*],
            observes: &[#(#observes),*],
            interval: ::core::time::Duration::from_secs(#interval),
            concurrency: #concurrency,
            budget: #budget,
            timeout: #timeout,
            only: #only,
        }
    }
}

fn optional(text: Option<&syn::LitStr>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

/// A function that returns a model's description; a type that is no model is told at its name.
fn info(model: &Path) -> TokenStream {
    let info = quote_spanned! { model.span()=> <#model as ::xos_sync_core::Model>::INFO };
    quote! { || #info }
}

fn build(step: &Step) -> TokenStream {
    let name = step.name();
    let fields = step.item.fields.iter().map(|(ident, ty)| {
        let text = ident.unraw().to_string();
        quote! { #ident: backends.get::<#ty>(#name, #text)?, }
    });
    quote! {
        let _ = backends;
        ::core::result::Result::Ok(Self { #(#fields)* })
    }
}

fn registration(step: &Step) -> TokenStream {
    let (name, vis) = (&step.item.ident, &step.item.vis);
    let backends =
        step.item.fields.iter().map(|(_, ty)| quote! { || ::core::any::TypeId::of::<#ty>() });
    // Said again, so that a type that is no model is told here as in `SPEC`, and so only once.
    let infos = step.observes.iter().map(info);
    // An implementation that is missing is told at the struct's name.
    let observers = step.observes.iter().map(|model| {
        // The argument keeps this crate's span: the struct may come from the author's own macro.
        let observe =
            quote_spanned! { name.span()=> ::xos_sync_core::__private::observe::<#name, #model> };
        quote! { #observe(&step) }
    });
    quote! {
        impl #name {
            /// The step for a registry that is built by hand.
            #vis const fn registration() -> ::xos_sync_core::registry::StepRegistration {
                ::xos_sync_core::registry::StepRegistration {
                    spec: || <#name as ::xos_sync_core::StepDef>::SPEC,
                    backends: &[#(#backends),*],
                    build: |backends| {
                        #(let _ = #infos;)*
                        let step = ::std::sync::Arc::new(
                            <#name as ::xos_sync_core::StepDef>::build(backends)?,
                        );
                        ::core::result::Result::Ok(::std::vec![#(#observers),*])
                    },
                }
            }
        }

        ::xos_sync_core::__private::inventory::submit! {
            #name::registration()
        }
    }
}

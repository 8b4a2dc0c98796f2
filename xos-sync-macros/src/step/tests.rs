//! What is told about each mistake, and what the struct becomes.

use proc_macro2::TokenStream;
use quote::quote;

use super::{ast, valid};
use crate::errors::Errors;

fn validated(options: TokenStream, item: TokenStream) -> (Option<valid::Step>, Vec<String>) {
    let mut errors = Errors::default();
    let options = ast::options(options, &mut errors);
    let step = ast::item(item, &mut errors).map(|item| valid::validate(options, item, &mut errors));
    (step, errors.messages())
}

#[test]
fn every_option_is_read() {
    let (step, messages) = validated(
        quote! {
            provides = [Site, models::User], observes = ControllerUser, interval = 3600, concurrency = 2,
            timeout = 5, budget = "cloud", only = "kind = 'vm'", synchronizer = "ec2",
        },
        quote! { pub struct SyncUsers { ec2: Ec2 } },
    );
    let step = step.unwrap();
    assert_eq!(messages, Vec::<String>::new());
    assert_eq!((step.provides.len(), step.observes.len()), (2, 1));
    assert_eq!((step.interval, step.timeout, step.concurrency), (3600, Some(5), Some(2)));
    assert_eq!(step.budget.unwrap().value(), "cloud");
    assert_eq!(step.only.unwrap().value(), "kind = 'vm'");
    assert_eq!(step.synchronizer.unwrap().value(), "ec2");
    assert_eq!(step.item.fields.len(), 1);
}

#[test]
fn observes_is_what_is_provided_unless_it_is_said() {
    let (step, _) = validated(
        quote!(provides = [Site, User], interval = 1),
        quote!(
            struct S;
        ),
    );
    let step = step.unwrap();
    assert_eq!(step.observes, step.provides);
    assert_eq!(step.observed().to_string(), "(Site , User)");
}

#[test]
fn each_mistake_in_the_options_is_told_once() {
    for (options, start) in [
        (quote!(interval = 1), "say which model the step provides"),
        (quote!(provides = A), "say how often the step comes round"),
        (quote!(provides = [], interval = 1), "`provides` names no model"),
        (quote!(provides = [A, A], interval = 1), "`provides` names this model twice"),
        (quote!(provides = "A", interval = 1), "name a model, or several in brackets"),
        (quote!(provides = A, provides = A, interval = 1), "`provides` is given twice"),
        (quote!(provides = A, observes = [], interval = 1), "`observes` names no model"),
        (quote!(provides = A, interval = "1h"), "write a whole number of seconds"),
        (quote!(provides = A, interval = 0), "write a whole number of seconds"),
        (quote!(provides = A, interval = -1), "write a whole number of seconds"),
        (quote!(provides = A, interval = 0.5), "write a whole number of seconds"),
        (quote!(provides = A, interval = 1, interval = 2), "`interval` is given twice"),
        (quote!(provides = A, interval = 1, timeout = 0), "write a whole number of seconds"),
        (quote!(provides = A, interval = 1, concurrency = 0), "write the number of rows"),
        (quote!(provides = A, interval = 1, concurrency = 1025), "write the number of rows"),
        (quote!(provides = A, interval = 1, only = kind), "write an SQL condition"),
        (quote!(provides = A, interval = 1, only = " "), "write an SQL condition"),
        (quote!(provides = A, interval = 1, budget = 20), "write the name of a budget"),
        (
            quote!(provides = A, interval = 1, synchronizer = ec2),
            "write the name of a Synchronizer",
        ),
        (quote!(provides = A, interval = 1, retries = 3), "`#[sync_step]` has no option `retries`"),
        (quote!(provides = A interval = 1), "expected `,`"),
    ] {
        let (_, messages) = validated(
            options.clone(),
            quote!(
                struct S;
            ),
        );
        assert_eq!(messages.len(), 1, "{options}: {messages:?}");
        assert!(messages[0].starts_with(start), "{options}: {messages:?}");
    }
}

#[test]
fn only_a_struct_with_named_fields_will_do() {
    for (item, start) in [
        (
            quote!(
                enum S {}
            ),
            "`#[sync_step]` belongs on a struct",
        ),
        (
            quote!(
                fn s() {}
            ),
            "`#[sync_step]` belongs on a struct",
        ),
        (
            quote!(
                struct S(Ec2);
            ),
            "name the backends",
        ),
        (
            quote!(
                struct S<B> {
                    backend: B,
                }
            ),
            "a step is linked as one value",
        ),
    ] {
        let (_, messages) = validated(quote!(provides = A, interval = 1), item.clone());
        assert_eq!(messages.len(), 1, "{item}: {messages:?}");
        assert!(messages[0].starts_with(start), "{item}: {messages:?}");
    }
}

#[test]
fn a_step_with_a_mistake_stands_and_is_not_linked() {
    let written = super::sync_step(
        quote!(provides = A, interval = 0),
        quote!(
            struct S;
        ),
    )
    .to_string();
    assert!(written.contains("struct S ;") && written.contains("StepDef for S"), "{written}");
    assert!(written.contains("compile_error") && !written.contains("inventory"), "{written}");
}

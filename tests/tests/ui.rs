//! Wrong input to the macros gives one message, on the author's own token; right input runs.

#[test]
fn mistakes_are_told_at_their_place() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/model/*.rs");
    cases.compile_fail("ui/step/*.rs");
}

#[test]
fn what_the_macros_offer_compiles_and_runs() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
}

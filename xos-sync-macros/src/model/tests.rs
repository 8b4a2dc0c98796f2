//! What is told about each mistake, and what the struct becomes.

use quote::quote;

use super::{ast, valid};
use crate::errors::Errors;

fn messages(options: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    if let Some(input) = ast::parse(options, item, &mut errors) {
        valid::validate(input, &mut errors);
    }
    errors.messages()
}

/// The messages about one field of a model that is right otherwise.
fn about(field: proc_macro2::TokenStream) -> Vec<String> {
    messages(quote!(table = sites), quote! { pub struct Site { pub id: Id<Site>, #field } })
}

#[test]
fn what_is_right_is_taken() {
    for field in [
        quote!(pub name: String),
        quote!(#[unique] #[label] pub name: Option<String>),
        quote!(#[default(-3)] pub count: i64),
        quote!(#[default(0.5)] pub ratio: f64),
        quote!(#[default(Color::Red)] #[choice] pub color: Color),
        quote!(#[backend] #[choice] pub color: Option<Color>),
        quote!(#[references(Site)] pub parent_id: Option<Id<Site>>),
        quote!(#[references(models::Slice, on_delete = cascade,)] pub slice_id: Id<Slice>),
        quote!(#[references(Slice, on_delete = restrict, on_update = sync)] pub slice_id: Id<Slice>),
        quote!(#[serde(skip)] pub r#type: String),
    ] {
        assert_eq!(about(field.clone()), Vec::<String>::new(), "{field}");
    }
}

#[test]
fn each_mistake_in_a_field_is_told_once() {
    for (field, start) in [
        (quote!(pub ports: Vec<u16>), "a column cannot hold this type"),
        (quote!(#[choice] pub name: String), "`#[choice]` belongs on an enum"),
        (
            quote!(#[backend] pub ip: String),
            "what a step finds out is not known before the first sync",
        ),
        (quote!(pub id: Id<Site>, pub a: i32), "a model has one field `id`"),
        (quote!(pub star: String), "diesel uses `star`"),
        (quote!(pub sites: String), "diesel uses `sites`"),
        (
            quote!(pub slice_id: Id<Slice>),
            "say what this key references: add `#[references(Slice)]`",
        ),
        (
            quote!(#[references(A)] pub id_of: Id<B>),
            "the column references `A`, but this is a key of `B`",
        ),
        (quote!(#[references(A)] pub id_of: i64), "a reference is a key: write `Id<A>`"),
        (quote!(#[references] pub id_of: Id<A>), "expected attribute arguments"),
        (
            quote!(#[references(A, cascade)] pub id_of: Id<A>),
            "the options here are `on_delete = cascade` and `on_update = sync`",
        ),
        (
            quote!(#[references(A, on_delete = no)] pub id_of: Id<A>),
            "write `on_delete = cascade` or",
        ),
        (quote!(#[references(A, on_update = go)] pub id_of: Id<A>), "write `on_update = sync` or"),
        (
            quote!(#[references(Site, on_update = sync)] pub up: Option<Id<Site>>),
            "a change cannot go on within its own model",
        ),
        (
            quote!(#[references(A)] #[backend] pub id_of: Option<Id<A>>),
            "a reference is part of the goal",
        ),
        (
            quote!(#[references(Site, on_delete = cascade)] pub up: Option<Id<Site>>),
            "deleting a row cannot cascade within its own model",
        ),
        (quote!(#[default("ten")] pub count: i32), "write a whole number"),
        (quote!(#[default(3000000000)] pub count: i32), "write a whole number that fits"),
        (quote!(#[default(1)] pub ratio: f64), "write a number with a period"),
        (quote!(#[default("red")] #[choice] pub color: Color), "write one of the enum's values"),
        (quote!(#[default(1)] pub on: bool), "write `#[default(true)]`"),
        (quote!(#[default(a)] pub name: String), "write a text"),
        (
            quote!(#[default("x")] pub password: Secret),
            "a column of this type cannot have a default",
        ),
        (
            quote!(#[default(1)] #[backend] pub port: Option<i32>),
            "what a step finds out has no default",
        ),
        (quote!(#[unique] #[unique] pub name: String), "`#[unique]` is given twice"),
        (quote!(#[unique(name)] pub name: String), "unexpected token in attribute"),
        (quote!(#[label] pub password: Secret), "a label shows everywhere"),
        (quote!(#[label] pub a: String, #[label] pub b: String), "a row is called by one column"),
    ] {
        let messages = about(field.clone());
        assert_eq!(messages.len(), 1, "{field}: {messages:?}");
        assert!(messages[0].starts_with(start), "{field}: {messages:?}");
    }
}

#[test]
fn the_author_writes_the_key() {
    let about =
        |key| messages(quote!(table = sites), quote! { pub struct Site { #key pub a: i32 } });
    for key in [
        quote!(pub id: Id<Site>,),
        quote!(id: Id<Self>,),
        quote!(pub id: xos_sync_core::Id<Site>,),
        quote!(#[serde(skip)] pub r#id: Id<Site>,),
    ] {
        assert_eq!(about(key.clone()), Vec::<String>::new(), "{key}");
    }
    for (key, start) in [
        (quote!(), "a model has a field for its key: add `pub id: Id<Site>`"),
        (quote!(pub key: i64,), "a model has a field for its key"),
        (quote!(pub id: i64,), "the key of this model is an `Id<Site>`"),
        (quote!(pub id: Option<Id<Site>>,), "the key of this model is an `Id<Site>`"),
        (quote!(pub id: Id<Slice>,), "the key of this model is an `Id<Site>`"),
        (quote!(#[backend] pub id: Id<Site>,), "the key takes no marks"),
        (quote!(#[references(Slice)] pub id: Id<Site>,), "the key takes no marks"),
        (quote!(#[default(5)] pub id: Id<Site>,), "the key takes no marks"),
        (quote!(#[unique(id)] pub id: Id<Site>,), "unexpected token in attribute"),
    ] {
        let messages = about(key.clone());
        assert_eq!(messages.len(), 1, "{key}: {messages:?}");
        assert!(messages[0].starts_with(start), "{key}: {messages:?}");
    }
}

#[test]
fn names_of_the_bookkeeping_are_free() {
    for name in [
        "uid",
        "created",
        "updated",
        "enacted",
        "deleted",
        "no_sync",
        "lazy_blocked",
        "attempts",
        "backend_status",
        "backend_class",
        "retry_at",
        "attempted",
        "step",
        "applied",
        "last",
        "sync_id",
        "object_id",
        "bookkeeping",
    ] {
        let name = quote::format_ident!("{name}");
        assert_eq!(about(quote!(pub #name: String)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_struct_has_the_fields_of_the_author_and_no_others() {
    let item = quote! {
        pub struct Site { id: Id<Self>, pub name: String, #[references(Self)] up: Option<Id<Self>> }
    };
    let written = super::model(quote!(table = sites), item).to_string();
    let (_, fields) = written.split_once("pub struct Site {").unwrap();
    let (fields, _) = fields.split_once('}').unwrap();
    assert_eq!(
        fields.trim(),
        "# [allow (missing_docs)] id : Id < Site > , pub name : String , up : Option < Id < Site > > ,"
    );
}

#[test]
fn each_mistake_in_the_options_is_told_once() {
    let site = quote! { pub struct Site { pub id: Id<Site>, pub name: String } };
    for (options, start) in [
        (quote!(), "say which table it is"),
        (quote!(table = "sites"), "write the table's name without quotes"),
        (quote!(table = sites, table = places), "`table` is given twice"),
        (quote!(table = sites, uniqe(name)), "`#[model]` has no option `uniqe`"),
        (quote!(table = sites, unique(place)), "there is no column `place`"),
        (quote!(table = sites, unique(name, name)), "the column is named twice"),
        (quote!(table = sites, unique()), "name the columns that are unique together"),
    ] {
        let messages = messages(options.clone(), site.clone());
        assert_eq!(messages.len(), 1, "{options}: {messages:?}");
        assert!(messages[0].starts_with(start), "{options}: {messages:?}");
    }
}

#[test]
fn only_a_struct_with_some_named_fields_will_do() {
    for (item, start) in [
        (
            quote!(
                enum Site {}
            ),
            "`#[model]` belongs on a struct",
        ),
        (
            quote!(
                fn site() {}
            ),
            "`#[model]` belongs on a struct",
        ),
        (
            quote!(
                struct Site(String);
            ),
            "a model's columns have names",
        ),
        (
            quote!(
                struct Site<T> {
                    id: Id<Self>,
                    name: T,
                }
            ),
            "a model is one table",
        ),
        (
            quote!(
                struct Site {
                    id: Id<Site>,
                }
            ),
            "a model needs at least one column",
        ),
        (
            quote!(
                struct Site {}
            ),
            "a model has a field for its key",
        ),
        (
            quote!(
                struct Site;
            ),
            "a model has a field for its key",
        ),
    ] {
        let messages = messages(quote!(table = sites), item.clone());
        assert_eq!(messages.len(), 1, "{item}: {messages:?}");
        assert!(messages[0].starts_with(start), "{item}: {messages:?}");
    }
    let fields = (0..60).map(|at| quote::format_ident!("c{at}"));
    let messages =
        messages(quote!(table = wide), quote!(struct Wide { id: Id<Wide>, #(#fields: i32),* }));
    assert!(messages[0].starts_with("a model has at most"), "{messages:?}");
}

#[test]
fn all_mistakes_are_told_together() {
    let item = quote! { struct Site { a: u8, b: Vec<u8>, c: String } };
    assert_eq!(messages(quote!(), item).len(), 4, "table, key and two types");
}

#[test]
fn the_struct_stands_after_a_mistake() {
    let item =
        quote! { pub struct Site { pub id: Id<Site>, pub name: String, pub ports: Vec<u16> } };
    let written = super::model(quote!(table = sites), item).to_string();
    assert!(written.starts_with(":: core :: compile_error !"), "{written}");
    assert!(
        written.contains("pub struct Site") && written.contains("pub ports : Vec < u16 >"),
        "{written}"
    );
    assert!(written.contains("pub struct NewSite"), "{written}");
    assert!(!written.contains("inventory"), "it must not be linked: {written}");
}

#[test]
fn each_mistake_in_an_expansion_is_told_once() {
    let pair = quote! {
        pub struct Pair {
            pub id: Id<Pair>,
            #[references(A)]
            pub a_id: Id<A>,
            #[default("x")]
            pub name: String,
            #[backend]
            pub found: Option<String>,
        }
    };
    for (inside, start) in [
        (quote!(a in A, on = "a.x", a_id = a.id), ""),
        (quote!(a_id = a.id), "say what the rows follow from"),
        (quote!(a in A, a in B, a_id = a.id), "two sources have the same name"),
        (quote!(new in A, a_id = new.id), "`new` has a meaning of its own here"),
        (quote!(a in A, b_id = a.id, a_id = a.id), "there is no column `b_id`"),
        (quote!(a in A, a_id = a.id, found = a.id), "a step writes this column"),
        (quote!(a in A, a_id = a.id, a_id = a.up), "the column is filled in twice"),
        (quote!(a in A, a_id = b.id), "there is no source `b`"),
        (quote!(a in A, a_id = 5), "write a source, `s in Slice`, or the value of a column"),
        (quote!(a in A, a_id), "write a source, `s in Slice`, or the value of a column"),
        (quote!(a in A, on = a.x, a_id = a.id), "write an SQL condition"),
        (quote!(a in A), "`expand` does not say what stands here: `a_id = …`"),
        (
            quote!(a in A, a_id = a.id, name = a.name),
            "each row is made once: add `unique(a_id, name)`",
        ),
    ] {
        let options = quote!(table = pairs, unique(a_id), expand(#inside));
        let messages = messages(options, pair.clone());
        assert_eq!(messages.len(), usize::from(!start.is_empty()), "{inside}: {messages:?}");
        assert!(
            messages.iter().all(|message| message.starts_with(start)),
            "{inside}: {messages:?}"
        );
    }
}

use super::*;
use crate::model::{OnDelete, OnUpdate};

macro_rules! table {
    ($const:ident, $name:literal, $crate_name:literal, [$($column:literal -> $target:ident $nullable:literal),*]) => {
        static $const: ModelInfo = ModelInfo {
            name: $name,
            table: $name,
            crate_name: $crate_name,
            crate_version: "0.1.0",
            doc: "",
            label: None,
            columns: &[],
            references: &[$(Reference {
                column: $column,
                target: || &$target,
                nullable: $nullable,
                on_delete: OnDelete::Restrict,
                on_update: OnUpdate::Nothing,
            }),*],
            uniques: &[],
            expansion: None,
        };
    };
}

table!(SITE, "Site", "core", []);
table!(USER, "User", "core", ["site_id" -> SITE false]);
table!(SLICE, "Slice", "core", ["site_id" -> SITE false, "creator_id" -> USER true, "owner_id" -> USER true]);
table!(INSTANCE, "Instance", "author", ["slice_id" -> SLICE false, "parent_id" -> INSTANCE true]);
table!(HEN, "Hen", "farm", ["egg_id" -> EGG false]);
table!(EGG, "Egg", "farm", ["hen_id" -> HEN true]);
table!(CHICK, "Chick", "farm", ["nest_id" -> NEST false]);
table!(NEST, "Nest", "farm", ["chick_id" -> CHICK false]);
table!(WORM, "Worm", "farm", ["self_id" -> WORM false]);

fn core() -> Graph {
    Graph::of([&INSTANCE, &SLICE, &SITE, &USER])
}

#[test]
fn levels_put_targets_first() {
    let levels: Vec<_> = core().listing().into_iter().map(|e| (e.model, e.level)).collect();
    assert_eq!(levels, [("Site", 0), ("User", 1), ("Slice", 2), ("Instance", 3)]);
}

#[test]
fn dependencies_come_from_targets_not_names() {
    let listing = core().listing();
    let slice = listing.iter().find(|entry| entry.model == "Slice").unwrap();
    let columns: Vec<_> =
        slice.depends_on.iter().map(|d| (d.column, d.model, d.required)).collect();
    assert_eq!(
        columns,
        [("creator_id", "User", false), ("owner_id", "User", false), ("site_id", "Site", true)]
    );
}

#[test]
fn cycles_are_shown_and_legal_when_an_object_can_be_first() {
    let graph = Graph::of([&HEN, &EGG, &INSTANCE, &SLICE, &SITE, &USER]);
    assert_eq!(graph.cycles(), ["Egg → Hen → Egg", "Instance → Instance"]);
    assert_eq!(graph.check_order(), Ok(()));
    let levels = graph.levels();
    assert_eq!(levels["Hen"], levels["Egg"]);
}

#[test]
fn a_circle_of_required_references_is_refused_by_name() {
    let refused = |models: Vec<&'static ModelInfo>| match Graph::of(models).check_order() {
        Err(RegistryError::Cycle { cycle }) => cycle,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(vec![&NEST, &CHICK]), "Chick → Nest → Chick");
    assert_eq!(refused(vec![&WORM]), "Worm → Worm");
}

#[test]
fn a_crates_part_keeps_what_it_references() {
    let part = core().of_crate("author");
    let models: Vec<_> = part.listing().into_iter().map(|entry| entry.model).collect();
    assert_eq!(models, ["Slice", "Instance"]);
}

#[test]
fn graphviz_and_mermaid_say_the_same() {
    let graph = Graph::of([&USER, &SITE, &SLICE]);
    assert_eq!(
        graph.dot(),
        r#"digraph models {
    rankdir = BT;
    node [shape = box];
    "Site";
    "User";
    "Slice";
    "Slice" -> "Site" [label = "site_id"];
    "Slice" -> "User" [label = "creator_id", style = dashed];
    "Slice" -> "User" [label = "owner_id", style = dashed];
    "User" -> "Site" [label = "site_id"];
}
"#
    );
    assert_eq!(
        graph.mermaid(),
        "graph BT
    Site
    User
    Slice
    Slice -->|site_id| Site
    Slice -.->|creator_id| User
    Slice -.->|owner_id| User
    User -->|site_id| Site
"
    );
}

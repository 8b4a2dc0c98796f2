use super::*;
use crate::{
    db::Engine,
    model::{Model as _, OnDelete, OnUpdate},
    models,
};

macro_rules! table {
    ($const:ident, $name:literal, [$($column:literal -> $target:ident $nullable:literal),*]) => {
        static $const: ModelInfo = ModelInfo {
            name: $name,
            table: $name,
            crate_name: "core",
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

table!(SITE, "sites", []);
table!(SLICE, "slices", ["site_id" -> SITE false]);
table!(INSTANCE, "instances", ["slice_id" -> SLICE false, "parent_id" -> INSTANCE true]);
table!(SHADOW, "shadows", ["slice_id" -> SLICE false]);

fn observers(steps: &[(&'static ModelInfo, &'static ModelInfo, Option<&str>)]) -> Observers {
    let mut observers = Observers::new(Engine::Sqlite);
    for (provides, observes, only) in steps {
        observers.add(&[provides], observes, *only);
    }
    observers
}

#[test]
fn a_row_without_references_waits_for_nothing() {
    assert_eq!(observers(&[]).ready(&SITE, "c"), "TRUE");
    assert_eq!(observers(&[]).wake_paths(&SITE), []);
}

#[test]
fn a_row_waits_for_the_rows_that_it_references() {
    assert_eq!(
        observers(&[(&SITE, &SITE, None)]).ready(&SLICE, "c"),
        "EXISTS (SELECT 1 FROM sites_sync AS c_site_id INDEXED BY sites_object \
         WHERE c_site_id.object_id = c.site_id AND NOT c_site_id.deleted AND (c_site_id.no_sync OR c_site_id.enacted >= c_site_id.updated))"
    );
}

#[test]
fn rows_that_nobody_observes_are_looked_through_and_circles_end() {
    let observers = observers(&[(&SITE, &SITE, None)]);
    let ready = observers.ready(&INSTANCE, "c");
    assert!(ready.contains("FROM slices AS c_slice_id"), "{ready}");
    assert!(ready.contains("FROM sites_sync AS c_slice_id_site_id"), "{ready}");
    // An instance's parent is looked through too, but not the parent's parent.
    assert!(!ready.contains("c_parent_id_parent_id"), "{ready}");
    let paths: Vec<_> = observers
        .wake_paths(&INSTANCE)
        .iter()
        .map(|path| (path.source, path.condition("c", "1,2")))
        .collect();
    assert_eq!(
        paths,
        [
            (
                "sites",
                "c.slice_id IN (SELECT id FROM slices WHERE site_id IN \
                 (SELECT object_id FROM sites_sync WHERE sync_id IN (1,2)))"
                    .to_owned()
            ),
            (
                "sites",
                "c.parent_id IN (SELECT id FROM instances WHERE slice_id IN (SELECT id FROM slices WHERE \
                 site_id IN (SELECT object_id FROM sites_sync WHERE sync_id IN (1,2))))"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn the_rows_that_stand_for_a_provided_model_are_waited_for() {
    let observers = observers(&[(&SLICE, &SHADOW, None)]);
    let ready = observers.ready(&INSTANCE, "c");
    assert!(
        ready.contains(
            "NOT EXISTS (SELECT 1 FROM shadows AS c_slice_id_shadows \
             CROSS JOIN shadows_sync AS c_slice_id_shadows_s INDEXED BY shadows_object \
             WHERE c_slice_id_shadows.slice_id = c.slice_id \
             AND c_slice_id_shadows_s.object_id = c_slice_id_shadows.id \
             AND NOT c_slice_id_shadows_s.deleted AND NOT c_slice_id_shadows_s.no_sync \
             AND (c_slice_id_shadows_s.enacted IS NULL OR \
             c_slice_id_shadows_s.enacted < c_slice_id_shadows_s.updated))"
        ),
        "{ready}"
    );
    // A shadow does not wait for the shadows of its own slice, itself among them.
    assert!(!observers.ready(&SHADOW, "c").contains("FROM shadows"));
    let sources: Vec<_> = observers.wake_paths(&INSTANCE).iter().map(|path| path.source).collect();
    assert_eq!(sources, ["shadows", "shadows"]);
}

#[test]
fn the_rows_that_stand_for_an_observed_model_are_waited_for_beside_it() {
    let observers = observers(&[(&SLICE, &SLICE, None), (&SLICE, &SHADOW, None)]);
    let ready = observers.ready(&INSTANCE, "c");
    assert!(ready.contains("FROM slices_sync AS c_slice_id "), "{ready}");
    assert!(ready.contains("FROM shadows AS c_slice_id_shadows "), "{ready}");
    let sources: Vec<_> = observers.wake_paths(&INSTANCE).iter().map(|path| path.source).collect();
    assert_eq!(sources[..2], ["shadows", "slices"]);
}

#[test]
fn what_stands_for_a_thing_on_another_side_is_not_waited_for() {
    let observers = observers(&[
        (models::Site::INFO, models::ControllerSite::INFO, None),
        (models::Slice::INFO, models::ControllerSlice::INFO, None),
        (models::User::INFO, models::ControllerUser::INFO, None),
        (models::Network::INFO, models::ControllerNetwork::INFO, None),
    ]);
    let of_node = |node: &str| {
        format!(
            "(SELECT controller_id FROM site_deployments WHERE id = \
             (SELECT site_deployment_id FROM nodes WHERE id = {node}))"
        )
    };
    for (model, controller) in [
        (models::ControllerUser::INFO, "c.controller_id".to_owned()),
        (models::ControllerNetwork::INFO, "c.controller_id".to_owned()),
        (models::ControllerSlicePrivilege::INFO, "c.controller_id".to_owned()),
        (models::Instance::INFO, of_node("c.node_id")),
        (models::Port::INFO, of_node("(SELECT node_id FROM instances WHERE id = c.instance_id)")),
    ] {
        let ready = observers.ready(model, "c");
        let all = ready.matches(".enacted < ").count();
        let there = format!(".controller_id = {controller}");
        assert!(all > 0 && ready.matches(&there).count() == all, "{}: {ready}", model.name);
    }
    // What leads to no controller waits for all.
    let ready = observers.ready(models::User::INFO, "c");
    assert!(ready.contains("FROM controller_sites AS") && !ready.contains("controller_id ="));
}

#[test]
fn rows_outside_every_scope_hold_back_nobody() {
    let observers =
        observers(&[(&SITE, &SITE, Some("name = 'a'")), (&SITE, &SITE, Some("name = 'b'"))]);
    let ready = observers.ready(&SLICE, "c");
    assert!(
        ready.contains(
            "OR NOT EXISTS (SELECT 1 FROM sites WHERE sites.id = c_site_id.object_id AND ((name = 'a') OR (name = 'b')))"
        ),
        "{ready}"
    );
    assert!(observers.unobserved(&SITE, "c").is_some());
}

#[test]
fn a_row_is_removed_when_no_row_references_it_or_was_enacted_or_called_so() {
    assert_eq!(
        observers(&[]).unreferenced(&INSTANCE, "c", &[&SITE, &SLICE, &INSTANCE]),
        "NOT EXISTS (SELECT 1 FROM xos_sync_former AS f, instances_sync AS s WHERE f.parent_id = c.sync_id \
         AND f.parent = 'instances' AND f.child = 'instances' AND s.sync_id = f.child_id \
         AND (s.enacted IS NULL OR s.enacted < f.version) AND (s.enacted IS NOT NULL OR s.attempted OR EXISTS \
         (SELECT 1 FROM xos_sync_journal AS j WHERE j.model = 'instances' \
         AND instr(',' || j.ids || ',', ',' || CAST(s.sync_id AS TEXT) || ',') > 0)) AND s.sync_id <> c.sync_id) \
         AND (NOT EXISTS (SELECT 1 FROM instances AS c_instances_parent_id \
         WHERE c_instances_parent_id.parent_id = c.object_id) \
         OR EXISTS (SELECT 1 FROM instances_sync AS c_successor INDEXED BY instances_object \
         WHERE c_successor.object_id = c.object_id AND NOT c_successor.deleted)) \
         AND NOT EXISTS (SELECT 1 FROM instances_sync AS c_instances_parent_id \
         WHERE c_instances_parent_id.applied_parent_id = c.sync_id AND c_instances_parent_id.sync_id <> c.sync_id)"
    );
}

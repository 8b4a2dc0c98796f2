//! SQLite stores any value in any column: checks refuse those that are not of their column's type.

use xos_sync_core::{Id, Micros, Registry, choices, model};

use crate::world::{World, step};

choices! {
    /// Of which kind a reading is.
    pub enum Kind {
        /// From a gauge.
        Gauge = "gauge",
        /// A guess.
        Guess = "guess",
    }
}

/// A reading of a gauge.
#[model(table = readings)]
pub struct Reading {
    /// Its key.
    pub id: Id<Reading>,
    /// Its name.
    pub name: String,
    /// How high.
    #[default(0)]
    pub level: i32,
    /// How much.
    pub volume: Option<i64>,
    /// Whether it is warm.
    #[default(false)]
    pub warm: bool,
    /// How deep.
    pub depth: Option<f64>,
    /// When.
    pub taken: Option<Micros>,
    /// Of which kind.
    #[choice]
    pub kind: Option<Kind>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncReadings, Reading, synchronizer = "farm", interval = 3600);

fn readings() -> Registry {
    Registry::default().model::<Reading>().unwrap().step(SyncReadings::registration())
}

#[tokio::test]
async fn what_is_not_of_its_columns_type_is_refused() {
    let world = World::of(readings).await;
    world.shell("INSERT INTO readings (name) VALUES ('plain')");
    for wrong in [
        "level = '10G'",
        "level = 3000000000",
        "level = 1.5",
        "level = NULL",
        "volume = '10G'",
        "volume = 1e30",
        "warm = 'true'",
        "warm = 2",
        "depth = 'deep'",
        "taken = '2026-07-01'",
        "taken = '2026-07-01 12:00:00'",
        "kind = 'hearsay'",
        "name = x'ff00'",
        "backend_id = x'ff00'",
    ] {
        for statement in [
            format!("UPDATE readings SET {wrong}"),
            format!("UPDATE readings_sync SET no_sync = TRUE; UPDATE readings SET {wrong}"),
        ] {
            let output = world.try_shell(&format!("BEGIN; {statement}; COMMIT"));
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(errors.contains("constraint failed"), "{wrong}: {errors}");
        }
    }
    // People write these too.
    for wrong in ["no_sync = 'yes'", "no_sync = 'true'", "lazy_blocked = 2", "no_sync = NULL"] {
        let output = world.try_shell(&format!("UPDATE readings_sync SET {wrong}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("constraint failed"), "{wrong}: {errors}");
    }
    assert_eq!(world.ask("level || warm", "FROM readings").await, ["00"]);
    assert_eq!(world.pass().await.enacted, 1);
}

#[tokio::test]
async fn what_can_be_of_its_columns_type_becomes_it() {
    let world = World::of(readings).await;
    world.shell(
        "INSERT INTO readings (name, level, volume, warm, depth, taken, kind) \
         VALUES (7, '10', '3000000000', TRUE, 3, '1700000000000000', 'gauge'), \
         ('least', -2147483648, -9223372036854775808, 0, 1e300, NULL, NULL)",
    );
    let types = "typeof(name) || typeof(level) || typeof(volume) || typeof(warm) || typeof(depth)";
    assert_eq!(world.ask(types, "FROM readings").await, ["textintegerintegerintegerreal"; 2]);
    assert_eq!(world.pass().await.enacted, 2);
    assert_eq!(world.backend.sorted_log(), ["sync 7", "sync least"]);
}

#[tokio::test]
async fn a_row_that_cannot_be_decoded_fails_alone() {
    let world = World::of(readings).await;
    world.shell(
        "PRAGMA ignore_check_constraints = ON; INSERT INTO readings (name, kind) VALUES ('a', NULL), \
         (CAST(x'ff' AS TEXT), NULL), ('c', NULL), ('d', 'hearsay')",
    );
    let report = world.pass().await;
    assert_eq!((report.enacted, report.failed), (2, 2));
    assert_eq!(world.backend.sorted_log(), ["sync a", "sync c"]);
    let troubles = world.troubles().await;
    assert_eq!(troubles.len(), 2, "{troubles:?}");
    for (trouble, column) in troubles.iter().zip(["name", "kind"]) {
        assert!(
            trouble.contains("(Undecodable, terminal, 1 time, waits for a changed goal)"),
            "{trouble}"
        );
        assert!(trouble.contains(column), "{trouble}");
    }
    // Corrected, it goes on.
    world.shell("UPDATE readings SET name = 'b' WHERE id = 2; UPDATE readings SET kind = 'guess' WHERE id = 4");
    assert_eq!(world.pass().await.enacted, 2);
    assert_eq!(world.backend.sorted_log(), ["sync b", "sync d"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn a_row_that_is_replaced_is_the_same_object() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let uid = world.ask("uid", "FROM farms_sync").await;
    for (replace, name) in [("REPLACE", "barn"), ("INSERT OR REPLACE", "shed")] {
        world.shell(&format!("{replace} INTO farms (id, name) VALUES (1, '{name}')"));
        assert_eq!(world.ask("uid", "FROM farms_sync").await, uid);
        world.pass().await;
    }
    assert_eq!(world.backend.log(), ["sync farm", "sync barn", "sync shed"]);
    assert_eq!(world.backend.names(), ["shed"]);
}

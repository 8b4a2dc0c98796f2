//! A database that differs from the models: what `migrate` mends, and what it refuses.

use xos_sync_core::{
    Registry,
    db::{Db, Engine, OpenMode},
    migrate,
};

use crate::{ENGINE, world::World};

/// The same two tables in the versions of a program.
macro_rules! program {
    ($version:ident, { $($reference:tt)* }, { $($field:tt)* }) => {
        mod $version {
            use xos_sync_core::{Id, Registry, model};

            xos_sync_core::choices! {
                /// How a kite flies.
                pub enum Style {
                    /// Alone.
                    Solo = "solo",
                    /// With others.
                    Pair = "pair",
                }
            }

            xos_sync_core::choices! {
                /// How a kite flies.
                pub enum OtherStyle {
                    /// Alone.
                    Solo = "solo",
                    /// With many others.
                    Team = "team",
                }
            }

            /// A spool.
            #[model(table = spools)]
            pub struct Spool {
                /// Its key.
                pub id: Id<Spool>,
                /// Its name.
                pub name: String,
            }

            /// A kite.
            #[model(table = kites)]
            pub struct Kite {
                /// Its key.
                pub id: Id<Kite>,
                /// Its name.
                pub name: String,
                $($reference)*
                $($field)*
            }

            pub fn registry() -> Registry {
                let _ = (Style::Solo, OtherStyle::Solo);
                Registry::default().model::<Spool>().unwrap().model::<Kite>().unwrap()
            }
        }
    };
}

program!(first, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<i32>,
    /// Its tail.
    pub tail: String,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});
program!(without_cascade, {
    /// Its spool.
    #[references(Spool)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<i32>,
    /// Its tail.
    pub tail: String,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});
program!(size_as_text, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<String>,
    /// Its tail.
    pub tail: String,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});
program!(size_required, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: i32,
    /// Its tail.
    pub tail: String,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});
program!(other_style_no_tail, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<i32>,
    /// How it flies.
    #[choice]
    pub style: Option<OtherStyle>,
});

program!(with_colour, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<i32>,
    /// Its tail.
    pub tail: String,
    /// Its colour.
    pub colour: Option<String>,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});
program!(tail_unique, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<i32>,
    /// Its tail.
    #[unique]
    pub tail: String,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});
program!(tail_long, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<i32>,
    /// Its tail.
    #[default("long")]
    pub tail: String,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});
program!(tail_short, {
    /// Its spool.
    #[references(Spool, on_delete = cascade)]
    pub spool_id: Option<Id<Spool>>,
}, {
    /// Its size.
    pub size: Option<i32>,
    /// Its tail.
    #[default("short")]
    pub tail: String,
    /// How it flies.
    #[choice]
    pub style: Option<Style>,
});

async fn migrated(registry: Registry, db: &Db) -> Result<Vec<String>, String> {
    migrate::migrate(db, &registry).await.map_err(|error| error.to_string())
}

async fn fits(registry: Registry, db: &Db) -> Result<(), String> {
    migrate::check(db, &registry).await.map_err(|error| error.to_string())
}

/// Two kites on a spool.
async fn kites() -> World {
    let world = World::of(first::registry).await;
    world.shell("INSERT INTO spools (id, name) VALUES (1, 'spool')");
    world.shell(
        "INSERT INTO kites (name, spool_id, size, tail, style) VALUES ('red', 1, 7, 'long', 'pair'), \
         ('blue', NULL, NULL, 'short', NULL)",
    );
    world
}

#[tokio::test]
async fn a_cascade_that_is_declared_no_more_is_gone() {
    let world = kites().await;
    assert!(fits(without_cascade::registry(), &world.db).await.is_err());
    migrated(without_cascade::registry(), &world.db).await.unwrap();
    fits(without_cascade::registry(), &world.db).await.unwrap();
    let refused = world.try_sql("DELETE FROM spools").await;
    assert!(refused.is_err(), "the kite keeps its spool");
    assert_eq!(world.ask("name", "FROM kites ORDER BY id").await, ["red", "blue"]);
    assert_eq!(
        world.ask("count(*)", "FROM xos_sync_declared WHERE name LIKE '%cascade%'").await,
        ["0"]
    );
    // What stood on the table still works.
    let versions = async || world.ask("updated", "FROM kites_sync ORDER BY object_id").await;
    let before = versions().await;
    world.sql("UPDATE kites SET name = 'green' WHERE id = 1").await;
    let after = versions().await;
    assert!(before[0] < after[0] && before[1] == after[1], "{before:?} {after:?}");
}

#[tokio::test]
async fn a_column_of_another_type_is_refused_by_its_name() {
    let world = kites().await;
    let error = migrated(size_as_text::registry(), &world.db).await.unwrap_err();
    assert!(
        error.contains("the column kites.size is INTEGER, and the model Kite says TEXT"),
        "{error}"
    );
    assert!(fits(size_as_text::registry(), &world.db).await.unwrap_err().contains("kites.size"));
    fits(first::registry(), &world.db).await.unwrap();
}

#[tokio::test]
async fn a_column_becomes_required_once_every_row_has_a_value() {
    let world = kites().await;
    let error = migrated(size_required::registry(), &world.db).await.unwrap_err();
    assert!(
        error.contains("rows #2 of kites are in the way: the model Kite requires kites.size"),
        "{error}"
    );
    world.sql("UPDATE kites SET size = 1 WHERE size IS NULL").await;
    migrated(size_required::registry(), &world.db).await.unwrap();
    fits(size_required::registry(), &world.db).await.unwrap();
    assert!(world.try_sql("INSERT INTO kites (name, tail) VALUES ('new', 't')").await.is_err());
    assert_eq!(world.ask("name || size", "FROM kites ORDER BY id").await, ["red7", "blue1"]);
    // And optional again.
    migrated(first::registry(), &world.db).await.unwrap();
    world.sql("INSERT INTO kites (name, tail) VALUES ('new', 't')").await;
    assert_eq!(world.ask("count(*)", "FROM kites_sync").await, ["3"]);
}

#[tokio::test]
async fn a_column_becomes_unique_once_no_rows_have_the_same_value() {
    let world = kites().await;
    world.sql("UPDATE kites SET tail = 'long'").await;
    let error = migrated(tail_unique::registry(), &world.db).await.unwrap_err();
    assert!(
        error.ends_with(
            "rows #1, #2 of kites are in the way: they have the same tail, and the model Kite says that it is \
             unique: change or delete all but one of each"
        ),
        "{error}"
    );
    world.sql("UPDATE kites SET tail = 'short' WHERE id = 2").await;
    migrated(tail_unique::registry(), &world.db).await.unwrap();
    fits(tail_unique::registry(), &world.db).await.unwrap();
    assert!(world.try_sql("UPDATE kites SET tail = 'short'").await.is_err());
}

#[tokio::test]
async fn a_default_is_what_the_model_says() {
    let world = kites().await;
    for (registry, tail) in
        [(tail_long::registry as fn() -> Registry, "long"), (tail_short::registry, "short")]
    {
        assert!(fits(registry(), &world.db).await.is_err());
        migrated(registry(), &world.db).await.unwrap();
        fits(registry(), &world.db).await.unwrap();
        world.shell("INSERT INTO kites (name) VALUES ('new')");
        let last = "FROM kites ORDER BY id DESC LIMIT 1";
        assert_eq!(world.ask("tail", last).await, [tail]);
    }
}

#[tokio::test]
async fn words_and_columns_that_left_the_model_are_in_nobodys_way() {
    let world = kites().await;
    let error = migrated(other_style_no_tail::registry(), &world.db).await.unwrap_err();
    assert!(error.contains("rows #1 of kites are in the way"), "{error}");
    world.sql("UPDATE kites SET style = 'solo' WHERE id = 1").await;
    migrated(other_style_no_tail::registry(), &world.db).await.unwrap();
    fits(other_style_no_tail::registry(), &world.db).await.unwrap();
    world.sql("INSERT INTO kites (name, style) VALUES ('new', 'team')").await;
    assert!(world.try_sql("UPDATE kites SET style = 'pair'").await.is_err());
    assert_eq!(world.ask("tail", "FROM kites ORDER BY id").await, ["long", "short", "NULL"]);
}

#[tokio::test]
async fn an_older_program_changes_nothing_of_a_newer_one_and_goes_on_working() {
    let world = kites().await;
    world.sql("UPDATE xos_sync_crates SET version = '99.0.0'").await;
    let error = migrated(without_cascade::registry(), &world.db).await;
    // Indexes, triggers and constraints are the newer program's.
    assert_eq!(error, Ok(vec![]));
    fits(without_cascade::registry(), &world.db).await.unwrap();
    let error = migrated(with_colour::registry(), &world.db).await.unwrap_err();
    assert!(
        error.contains("the database was migrated by version 99.0.0 of")
            && error.contains("newer program"),
        "{error}"
    );
}

#[tokio::test]
async fn a_table_that_exists_becomes_a_model() {
    let world = World::new().await;
    let id = match ENGINE {
        Engine::Sqlite => "INTEGER PRIMARY KEY",
        Engine::Postgres => "bigserial PRIMARY KEY",
    };
    world.shell(&format!(
        "CREATE TABLE spools (id {id}, name text NOT NULL, colour text); \
         INSERT INTO spools (name, colour) VALUES ('a', 'red'), ('b', 'blue')"
    ));
    let db = Db::open(&world.url(), OpenMode::Existing).await.unwrap();
    migrated(first::registry(), &db).await.unwrap();
    fits(first::registry(), &db).await.unwrap();
    assert_eq!(world.ask("enacted IS NULL", "FROM spools_sync").await, ["1", "1"]);
    assert_eq!(world.ask("colour", "FROM spools ORDER BY id").await, ["red", "blue"]);
}

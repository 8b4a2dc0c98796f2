//! From what the database has to what the models say, step by step.

use tempfile::TempDir;
use xos_sync_core::{
    Registry,
    db::{Db, Engine, OpenMode},
    migrate::{self, Migrations},
};

use crate::{
    ENGINE,
    world::{Database, Farm, World, registry},
};

/// The same table in the program's versions.
macro_rules! boat {
    ($version:ident { $($field:tt)* }) => {
        mod $version {
            use xos_sync_core::{Id, model};

            /// A boat.
            #[model(table = boats)]
            pub struct Boat {
                /// Its key.
                pub id: Id<Boat>,
                /// Its name.
                pub name: String,
                $($field)*
            }
        }
    };
}

boat!(first {});
boat!(with_optional {
    /// Its colour.
    pub colour: Option<String>,
});
boat!(with_default {
    /// How many sails it has.
    #[default(2)]
    pub sails: i32,
});
boat!(with_required {
    /// Who owns it.
    pub owner: String,
});
boat!(with_backend {
    /// Where it lies.
    #[backend]
    pub berth: Option<String>,
});

fn first() -> Registry {
    Registry::default().model::<first::Boat>().unwrap()
}

// A crate's numbered files; every database of these tests gets them.
xos_sync_core::__private::inventory::submit! {
    Migrations {
        crate_name: env!("CARGO_CRATE_NAME"),
        files: &[
            ("0001_initial", |_| "CREATE TABLE it_notes (text TEXT NOT NULL);"),
            ("0002_first_note", |_| "INSERT INTO it_notes (text) VALUES ('hello');"),
        ],
    }
}

struct Boats {
    db: Db,
    _database: Database,
    _folder: TempDir,
}

impl Boats {
    /// A database without tables.
    async fn nothing() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path());
        let db = Db::open(&database.url, OpenMode::Create).await.unwrap();
        Self { db, _database: database, _folder: folder }
    }

    /// A database of the first version, with a boat that is enacted.
    async fn new() -> Self {
        let boats = Self::nothing().await;
        boats.migrate(&first()).await.unwrap();
        boats.sql("INSERT INTO boats (name) VALUES ('anna')").await;
        boats.sql("UPDATE boats_sync SET enacted = updated").await;
        boats
    }

    async fn migrate(&self, registry: &Registry) -> Result<Vec<String>, String> {
        migrate::migrate(&self.db, registry).await.map_err(|error| error.to_string())
    }

    async fn check(&self, registry: &Registry) -> Result<(), String> {
        migrate::check(&self.db, registry).await.map_err(|error| error.to_string())
    }

    async fn sql(&self, sql: &'static str) -> usize {
        let run =
            self.db.write(move |conn| diesel::RunQueryDsl::execute(diesel::sql_query(sql), conn));
        run.await.unwrap()
    }

    /// Whether the condition holds for so many boats.
    async fn count(&self, condition: &'static str) -> usize {
        // An update that changes nothing counts the rows.
        let run = self.db.write(move |conn| {
            let sql = format!(
                "UPDATE boats SET name = name WHERE id IN \
                 (SELECT boats.id FROM boats JOIN boats_sync AS s ON s.object_id = boats.id WHERE {condition})"
            );
            diesel::RunQueryDsl::execute(diesel::sql_query(sql), conn)
        });
        run.await.unwrap()
    }
}

#[tokio::test]
async fn a_fresh_database_gets_files_tables_indexes_and_triggers() {
    let Boats { db, _database, _folder } = Boats::nothing().await;
    let registry = Registry::default().model::<Farm>().unwrap();
    let before = migrate::check(&db, &registry).await.unwrap_err().to_string();
    assert_eq!(
        before,
        "the database is not up to date: it has no tables of this program yet; run the `migrate` command first"
    );
    let mut expected = vec![
        concat!(env!("CARGO_CRATE_NAME"), " 0001_initial"),
        concat!(env!("CARGO_CRATE_NAME"), " 0002_first_note"),
        "table farms",
        "table farms_sync",
        "index farms_unique_name",
        "index farms_due",
        "index farms_deleting",
        "index farms_retry",
        "index farms_resync",
        "index farms_object",
        "index farms_gone",
        "trigger farms_inserted",
        "trigger farms_updated",
        "trigger farms_deleted",
    ];
    if ENGINE == Engine::Postgres {
        expected.extend(["trigger farms_truncated", "trigger farms_notify"]);
    }
    assert_eq!(migrate::migrate(&db, &registry).await.unwrap(), expected);
    migrate::check(&db, &registry).await.unwrap();
}

#[tokio::test]
async fn a_second_run_does_nothing() {
    let world = World::new().await;
    world.farm("farm").await;
    world.pass().await;
    let schema = match ENGINE {
        Engine::Sqlite => ("sql", "FROM sqlite_master ORDER BY name"),
        Engine::Postgres => {
            let all = "FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY relname";
            ("relname || oid", all)
        }
    };
    let before = world.ask(schema.0, schema.1).await;
    assert_eq!(migrate::migrate(&world.db, &registry()).await.unwrap(), [""; 0]);
    assert_eq!(world.ask(schema.0, schema.1).await, before);
    assert_eq!(world.ask("text", "FROM it_notes").await, ["hello"]);
    assert!(world.status().await.is_settled());
}

#[tokio::test]
async fn columns_that_raise_no_question_are_added() {
    for (registry, column, done, state) in [
        (
            Registry::default().model::<with_optional::Boat>().unwrap(),
            "colour IS NULL",
            &["column boats.colour", "trigger boats_updated", "trigger boats_deleted"][..],
            "enacted < updated",
        ),
        (
            Registry::default().model::<with_default::Boat>().unwrap(),
            "sails = 2",
            &["column boats.sails", "trigger boats_updated", "trigger boats_deleted"],
            "enacted < updated",
        ),
        (
            Registry::default().model::<with_backend::Boat>().unwrap(),
            "berth IS NULL",
            &["column boats.berth", "trigger boats_deleted"],
            "enacted = updated",
        ),
    ] {
        let boats = Boats::new().await;
        let lacks = boats.check(&registry).await.unwrap_err();
        assert_eq!(
            lacks,
            format!(
                "the database is not up to date: it lacks: {}; run the `migrate` command first",
                done[0]
            )
        );
        // A server's trigger takes a deleted row as a whole.
        let mut done = done.to_vec();
        done.retain(|line| ENGINE == Engine::Sqlite || *line != "trigger boats_deleted");
        assert_eq!(boats.migrate(&registry).await.unwrap(), done);
        assert_eq!(boats.check(&registry).await, Ok(()));
        // The rows that are there are as they were; the backend lacks a new column of the goal.
        assert_eq!(boats.count(column).await, 1);
        assert_eq!(boats.count(state).await, 1);
    }
}

#[tokio::test]
async fn a_new_goal_column_is_part_of_the_goal() {
    let boats = Boats::new().await;
    boats.migrate(&Registry::default().model::<with_optional::Boat>().unwrap()).await.unwrap();
    boats.sql("UPDATE boats_sync SET enacted = updated").await;
    boats.sql("UPDATE boats SET colour = 'red'").await;
    assert_eq!(boats.count("enacted < updated").await, 1);
}

#[tokio::test]
async fn a_required_column_is_refused_with_advice_and_nothing_is_changed() {
    let boats = Boats::new().await;
    let registry = Registry::default().model::<with_required::Boat>().unwrap();
    assert_eq!(
        boats.migrate(&registry).await.unwrap_err(),
        "the database does not fit the models, and `migrate` leaves this to you: the table boats lacks the column \
         owner, and nobody can know its value for the rows that are there: make the field an Option, give it a \
         #[default(…)], or write a numbered SQL file"
    );
    assert_eq!(boats.check(&first()).await, Ok(()));
}

#[tokio::test]
async fn triggers_and_indexes_that_differ_are_laid_down_anew() {
    let boats = Boats::new().await;
    for statement in match ENGINE {
        Engine::Sqlite => [
            "DROP TRIGGER boats_updated",
            "CREATE TRIGGER boats_updated AFTER UPDATE ON boats BEGIN SELECT 1; END",
            "DROP INDEX boats_due",
            "DROP TRIGGER boats_inserted",
        ],
        Engine::Postgres => [
            "DROP TRIGGER boats_updated ON boats",
            "CREATE TRIGGER boats_updated AFTER UPDATE ON boats EXECUTE FUNCTION boats_updated()",
            "DROP INDEX boats_due",
            "DROP TRIGGER boats_inserted ON boats",
        ],
    } {
        boats.sql(statement).await;
    }
    assert_eq!(
        boats.check(&first()).await.unwrap_err(),
        "the database is not up to date: it lacks: index boats_due; run the `migrate` command first"
    );
    assert_eq!(
        boats.migrate(&first()).await.unwrap(),
        ["index boats_due", "trigger boats_inserted", "trigger boats_updated"]
    );
    boats.sql("UPDATE boats SET name = 'berta'").await;
    assert_eq!(boats.count("enacted < updated").await, 1);
}

#[tokio::test]
async fn a_table_that_is_not_a_models_is_refused() {
    let boats = Boats::nothing().await;
    boats.sql("CREATE TABLE boats (name TEXT)").await;
    boats.sql("INSERT INTO boats (name) VALUES ('mine')").await;
    assert_eq!(
        boats.migrate(&first()).await.unwrap_err(),
        "the database does not fit the models, and `migrate` leaves this to you: the table boats has no column id, \
         so it is not a table of a model: rename one of them"
    );
    assert_eq!(boats.sql("UPDATE boats SET name = name WHERE name = 'mine'").await, 1);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let boats = Boats::new().await;
    boats
        .sql(concat!(
            "INSERT INTO xos_sync_migrations (crate_name, name, content) VALUES ('",
            env!("CARGO_CRATE_NAME"),
            "', '0003_more', '')"
        ))
        .await;
    let refused = concat!(
        "migration ",
        env!("CARGO_CRATE_NAME"),
        " 0003_more failed and was rolled back: the database has it, this program does not: it was migrated by a \
         newer program; run that one"
    );
    assert_eq!(boats.migrate(&first()).await.unwrap_err(), refused);
    assert_eq!(boats.check(&first()).await.unwrap_err(), refused);
}

#[tokio::test]
async fn a_file_that_was_changed_after_it_was_applied_is_refused() {
    let boats = Boats::new().await;
    boats.sql("UPDATE xos_sync_migrations SET content = 'other' WHERE name = '0001_initial'").await;
    assert_eq!(
        boats.check(&first()).await.unwrap_err(),
        concat!(
            "migration ",
            env!("CARGO_CRATE_NAME"),
            " 0001_initial failed and was rolled back: the file was changed after it had been applied: put it \
             back, and write a new file with the next number"
        )
    );
}

#[tokio::test]
async fn files_of_crates_that_are_not_linked_stay() {
    let boats = Boats::new().await;
    boats.sql("INSERT INTO xos_sync_migrations (crate_name, name, content) VALUES ('another', '0001_x', '')").await;
    assert_eq!(boats.migrate(&first()).await.unwrap(), [""; 0]);
}

/// A model whose indexes and keys would have names that a server cuts.
mod long {
    use xos_sync_core::{Id, model};

    /// A letter.
    #[model(
        table = letters_of_the_first_and_of_the_second_kind,
        unique(what_the_one_has_asked_before, what_the_other_has_answered)
    )]
    pub struct Letter {
        /// Its key.
        pub id: Id<Letter>,
        /// The question.
        pub what_the_one_has_asked_before: String,
        /// The answer.
        pub what_the_other_has_answered: String,
        /// The letter that this one answers.
        #[references(Letter)]
        pub the_letter_that_was_there_before: Option<Id<Letter>>,
    }
}

#[tokio::test]
async fn names_that_a_server_would_cut_are_shortened() {
    let boats = Boats::nothing().await;
    let registry = Registry::default().model::<long::Letter>().unwrap();
    boats.migrate(&registry).await.unwrap();
    assert_eq!(boats.check(&registry).await, Ok(()));
    assert_eq!(boats.migrate(&registry).await.unwrap(), [""; 0]);
}

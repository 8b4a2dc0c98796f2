use super::*;
use crate::{db::OpenMode, dmdot::Graph};

/// The tables of this crate's models, as their descriptions say; to be written into the
/// numbered file with `UPDATE_MIGRATIONS=1 cargo test -p xos-sync-core`.
#[test]
fn the_first_file_makes_the_core_models() {
    let registry = Registry::linked().unwrap();
    let levels = Graph::of(registry.models()).levels();
    let mut models: Vec<_> =
        registry.models().filter(|model| model.crate_name == env!("CARGO_CRATE_NAME")).collect();
    models.sort_by_key(|model| (levels[model.table], model.table));
    for (engine, folder) in [(Engine::Sqlite, "sqlite"), (Engine::Postgres, "postgres")] {
        let tables: Vec<_> = models.iter().map(|model| create_table(engine, model)).collect();
        let expected = format!("-- The core data model.\n\n{}", tables.join("\n"));
        let path = format!("{}/migrations/{folder}/0001_initial.sql", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_MIGRATIONS").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
    }
}

#[tokio::test]
async fn the_core_data_model_is_made_once_and_then_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("goal.db").display().to_string();
    let db = Db::open(&url, OpenMode::Create).await.unwrap();
    let registry = Registry::linked().unwrap();
    assert_eq!(
        check(&db, &registry).await.unwrap_err().to_string(),
        "the database is not up to date: it has no tables of this program yet; run the `migrate` command first"
    );
    let done = migrate(&db, &registry).await.unwrap();
    assert_eq!(done[0], "xos_sync_core 0001_initial");
    assert!(done[1..].iter().all(|line| !line.starts_with("table ")), "{done:?}");
    check(&db, &registry).await.unwrap();
    assert_eq!(migrate(&db, &registry).await.unwrap(), [""; 0]);
}

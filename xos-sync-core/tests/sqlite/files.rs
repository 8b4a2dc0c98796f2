//! SQLite files that cannot be used, word by word.

use std::fs;

use xos_sync_core::{
    Synchronizer,
    db::{Db, OpenMode},
    migrate,
};

use crate::world::{Backend, World, registry};

/// A server's URL without its slashes.
fn refused_server() -> String {
    let advice = if cfg!(feature = "postgres") {
        "write postgres://USER@HOST/DATABASE"
    } else {
        "PostgreSQL is not built in: turn on the feature `postgres` of xos-sync-core, or write sqlite://PATH"
    };
    format!("`postgres:***@host/goal` is not a database URL that this build knows: {advice}")
}

#[tokio::test]
async fn databases_that_cannot_be_used_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(
        path("text"),
        "this is a text, and no database; it is a little longer than a header is",
    )
    .unwrap();
    fs::write(path("empty"), "").unwrap();
    let open = |reason: &str, name: &str| {
        format!("cannot open the database sqlite://{}: {reason}", path(name))
    };
    for (url, message) in [
        (path("none"), open("there is no such file; `migrate` makes it, or correct the path", "none")),
        (
            format!("sqlite://{}", path("none")),
            open("there is no such file; `migrate` makes it, or correct the path", "none"),
        ),
        (path("."), open("it is a folder, not a file", ".")),
        (
            path("text"),
            open("file is not a database; the file is something else: correct the path", "text"),
        ),
        (
            path("empty"),
            "the database is not up to date: it has no tables of this program yet; run the `migrate` command first"
                .into(),
        ),
        (
            "postgres:bob@host/goal".into(),
            refused_server(),
        ),
        (
            "mysql://host/goal".into(),
            "`mysql://host/goal` is not a database URL that this build knows: write sqlite://PATH or \
             postgres://USER@HOST/DATABASE".into(),
        ),
        ("".into(), "`` is not a database URL that this build knows: the path is empty; write sqlite://PATH".into()),
    ] {
        let builder = Synchronizer::builder().database(url).registry(registry()).backend(Backend::default());
        assert_eq!(builder.build().await.err().unwrap().to_string(), message);
    }
    assert!(!fs::exists(path("none")).unwrap());
}

#[tokio::test]
async fn the_file_alone_is_the_whole_database_after_migrate() {
    let world = World::new().await;
    let copy = world.folder.path().join("copy.db");
    fs::copy(world.url(), &copy).unwrap();
    let db = Db::open(&copy.display().to_string(), OpenMode::Existing).await.unwrap();
    migrate::check(&db, &registry()).await.unwrap();
}

#[tokio::test]
async fn a_database_in_a_folder_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/goal.db").display().to_string();
    let error = Db::open(&path, OpenMode::Create).await.err().unwrap().to_string();
    let missing = folder.path().join("no").display().to_string();
    assert_eq!(
        error,
        format!("cannot open the database sqlite://{path}: there is no folder {missing}")
    );
}

use super::*;
use crate::db::OpenMode;

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
    let tables = done.iter().filter(|line| line.starts_with("table ")).count();
    assert_eq!(tables, 2 * registry.models().count(), "{done:?}");
    check(&db, &registry).await.unwrap();
    assert_eq!(migrate(&db, &registry).await.unwrap(), [""; 0]);
}

//! JDBC with the checks of JVM and .NET persistence libraries: a statement for one object meets one row, or
//! its transaction is rolled back.

use super::{Client, agree, calls, registry, story};
use crate::world::World;

#[tokio::test]
async fn a_deletion_of_one_row_is_part_of_its_transaction() {
    let world = World::of(registry).await;
    let mut jdbc = Client::start("jdbc", &world);
    story(
        &world,
        &mut jdbc,
        &[
            ("insert apple", "ok 1", &["sync apple"]),
            ("save_unchanged apple", "ok saved", &[]),
            ("save apple 3", "ok saved", &["sync apple"]),
            ("insert pear", "ok 2", &["sync pear"]),
            ("insert plum", "ok 3", &["sync plum"]),
            ("delete plum", "ok deleted", &["delete plum"]),
        ],
    )
    .await;
    assert_eq!(jdbc.ask("exchange apple quince"), "ok exchanged");
    let mut exchanged = calls(&world).await;
    exchanged.sort();
    assert_eq!(exchanged, ["delete apple", "sync quince"]);
    let refused = jdbc.ask("delete_twice pear");
    assert!(refused.starts_with("error stale object: 0 rows, not 1"), "{refused}");
    assert_eq!(calls(&world).await, [""; 0], "all of it was rolled back");
    agree(&world, &mut jdbc, &["pear", "quince"]).await;
    assert_eq!(jdbc.ask("batch_delete pear quince"), "ok 2");
    let mut deleted = calls(&world).await;
    deleted.sort();
    assert_eq!(deleted, ["delete pear", "delete quince"]);
    agree(&world, &mut jdbc, &[]).await;
}

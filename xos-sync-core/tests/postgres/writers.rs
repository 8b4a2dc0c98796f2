//! Writers that PostgreSQL treats in a way of their own.

use xos_sync_core::migrate;

use crate::{
    server::Server,
    site::Site,
    world::{World, registry},
};

/// What a shell answers to a refused statement.
fn refusal(world: &World, sql: &str) -> String {
    let output = world.try_shell(sql);
    assert!(!output.status.success(), "{sql}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_role_needs_rights_on_its_own_tables_only() {
    let world = World::new().await;
    let role = format!("w{}", uuid::Uuid::new_v4().simple());
    world.shell(&format!(
        "CREATE ROLE {role}; SELECT format('GRANT USAGE ON SCHEMA %I TO {role}', current_schema()) \\gexec\n\
         GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON farms TO {role}"
    ));
    let write = |sql: &str| world.shell(&format!("SET ROLE {role}; {sql}"));
    write("INSERT INTO farms (name) VALUES ('one'), ('two')");
    world.pass().await;
    assert_eq!(world.backend.sorted_log(), ["sync one", "sync two"]);
    write("UPDATE farms SET name = 'changed' WHERE name = 'one'");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync changed"]);
    write("DELETE FROM farms WHERE name = 'changed'");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete changed"]);
    for sql in ["SELECT uid FROM farms_sync", "UPDATE farms_sync SET deleted = TRUE"] {
        let refused = refusal(&world, &format!("SET ROLE {role}; {sql}"));
        assert!(refused.contains("permission denied for table farms_sync"), "{refused}");
    }
    world.shell(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[tokio::test]
async fn truncate_is_a_deletion_of_each_row() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    world.field("field", &farm).await;
    world.pass().await;
    world.backend.log();
    let refused = refusal(&world, "TRUNCATE farms");
    assert!(refused.contains("cannot truncate a table referenced in a foreign key"), "{refused}");
    world.shell("TRUNCATE farms CASCADE");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete field", "delete farm"]);
    assert_eq!(world.backend.names(), [""; 0]);
}

/// Logical replication and restore tools switch triggers off in this way; these stay on.
#[tokio::test]
async fn a_session_of_a_replica_is_a_writer_like_others() {
    let world = World::new().await;
    world.shell("SET session_replication_role = replica; INSERT INTO farms (name) VALUES ('farm')");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync farm"]);
    world.shell("SET session_replication_role = replica; UPDATE farms SET name = 'changed'");
    world.pass().await;
    assert_eq!(world.backend.log(), ["sync changed"]);
    world.shell("SET session_replication_role = replica; DELETE FROM farms");
    world.pass().await;
    assert_eq!(world.backend.log(), ["delete changed"]);
}

/// PostgreSQL refuses to prepare a transaction that notifies. Without the trigger that does, changes are
/// found by looking.
#[tokio::test]
async fn two_phase_commit_works_without_notifications() {
    let server = Server::start_with("-c max_prepared_transactions=2");
    let site = Site::new(&server.url).await;
    let prepare = "BEGIN; INSERT INTO farms (name) VALUES ('farm'); PREPARE TRANSACTION 'farm'";
    let refused = server.refusal(prepare);
    assert!(refused.contains("cannot PREPARE a transaction that has executed"), "{refused}");
    server.sql("ALTER TABLE farms_sync DISABLE TRIGGER farms_notify");
    server.sql(prepare);
    let pass = async || {
        site.builder().backend(site.backend.clone()).build().await.unwrap().pass().await.unwrap();
        site.backend.log()
    };
    assert_eq!(pass().await, [""; 0], "it is not committed yet");
    server.sql("COMMIT PREPARED 'farm'");
    assert_eq!(pass().await, ["sync farm"]);
}

/// Writers do not wait for an index that a person has made beside them.
#[tokio::test]
async fn migrate_takes_an_index_that_was_made_concurrently() {
    let world = World::new().await;
    world.shell("DROP INDEX fields_by_farm_id");
    assert!(migrate::check(&world.db, &registry()).await.is_err());
    world.shell("CREATE INDEX CONCURRENTLY fields_by_farm_id ON fields (farm_id)");
    world.shell(
        "COMMENT ON INDEX fields_by_farm_id IS 'CREATE INDEX fields_by_farm_id ON fields (farm_id)'",
    );
    migrate::check(&world.db, &registry()).await.unwrap();
}

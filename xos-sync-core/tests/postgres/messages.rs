//! A server that answers in German: nothing depends on the language.

use std::time::{Duration, Instant};

use xos_sync_core::{Context, Id, Reason, error::BackendClass};

use crate::{
    server::{Server, query},
    site::Site,
    transactions::Open,
    world::{Farm, Running, until},
};

/// The role of the Synchronizer.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// It may choose the language of its sessions.
    Superuser,
    /// It gets the server's language.
    Unprivileged,
}

async fn german(role: Role) -> (Server, Site) {
    let server = Server::start_with("-c lc_messages=de_DE.UTF-8");
    let url = match role {
        Role::Superuser => server.url.clone(),
        Role::Unprivileged => server.unprivileged(),
    };
    let language = query(&url, "SHOW lc_messages");
    assert_eq!(language.trim(), "de_DE.UTF-8");
    let site = Site::new(&url).await;
    (server, site)
}

/// Locks rows at the moment of their stamps, for longer than the writer waits.
async fn lock_at_the_stamp(role: Role) {
    let (_server, site) = german(role).await;
    let running = Running::start(site.builder().build().await.unwrap());
    let mut calls = Vec::new();
    for at in 0..8 {
        let call = format!("sync farm{at}");
        let gate = site.backend.gate(&call);
        calls.push(call);
        query(&site.url, &format!("INSERT INTO farms (name) VALUES ('farm{at}')"));
        gate.entered().await;
        let lock = format!("SELECT FROM farms WHERE name = 'farm{at}' FOR UPDATE");
        let open = Open::at(&site.url, &lock);
        gate.open();
        tokio::time::sleep(Duration::from_millis(300)).await;
        open.commit();
        until("the stamp", async || site.status().await.is_settled()).await;
    }
    running.stop().await;
    assert_eq!(site.backend.log(), calls);
    let saved = query(&site.url, "SELECT count(*) FROM farms WHERE backend_id = 'b-' || name");
    assert_eq!(saved.trim(), "8");
}

#[tokio::test]
async fn a_row_lock_at_a_stamp_ends_no_row() {
    for role in [Role::Superuser, Role::Unprivileged] {
        lock_at_the_stamp(role).await;
    }
}

#[tokio::test]
async fn a_save_waits_for_a_row_lock() {
    for role in [Role::Superuser, Role::Unprivileged] {
        let (_server, site) = german(role).await;
        query(&site.url, "INSERT INTO farms (name) VALUES ('farm')");
        let context = Context::new(site.db.clone(), "test");
        let mut farm = context.get::<Farm>(Id::new(1)).await.unwrap();
        let open = Open::at(&site.url, "SELECT FROM farms FOR UPDATE");
        farm.backend_id = Some("b-1".into());
        let save = tokio::spawn(async move { context.save(&farm).await });
        tokio::time::sleep(Duration::from_secs(2)).await;
        open.commit();
        save.await.unwrap().unwrap();
        assert_eq!(query(&site.url, "SELECT backend_id FROM farms").trim(), "b-1");
    }
}

#[tokio::test]
async fn a_lock_that_stays_fails_a_save_after_some_seconds() {
    for role in [Role::Superuser, Role::Unprivileged] {
        let (_server, site) = german(role).await;
        query(&site.url, "INSERT INTO farms (name) VALUES ('farm')");
        let context = Context::new(site.db.clone(), "test");
        let farm = context.get::<Farm>(Id::new(1)).await.unwrap();
        let open = Open::at(&site.url, "SELECT FROM farms FOR UPDATE");
        let begun = Instant::now();
        context.save(&farm).await.unwrap_err();
        assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
        open.commit();
    }
}

/// A trigger of somebody else's, with a message that looks like one of the server's.
#[tokio::test]
async fn a_refusal_by_a_trigger_is_told_at_the_row() {
    let (_server, site) = german(Role::Superuser).await;
    let why = "the barn could not be locked: it is full, connection closed";
    query(
        &site.url,
        &format!(
            "INSERT INTO farms (name) VALUES ('farm'); \
        CREATE FUNCTION rule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{why}'; END $$; \
        CREATE TRIGGER rule BEFORE UPDATE OF backend_id ON farms FOR EACH ROW \
        WHEN (NEW.backend_id IS DISTINCT FROM OLD.backend_id) EXECUTE FUNCTION rule()"
        ),
    );
    site.builder().build().await.unwrap().pass().await.unwrap();
    let object = site.status().await.objects.remove(0);
    let message = format!("what the step did cannot be saved: the database refused: {why}");
    assert_eq!((object.class, object.message), (Some(BackendClass::Terminal), Some(message)));
    assert_eq!(object.reason, Some(Reason::NOT_SAVED));
}

//! What many objects cost, and what one of them costs the others.

use std::sync::{
    Mutex, Once,
    atomic::{AtomicUsize, Ordering},
};

use diesel::connection::{InstrumentationEvent, set_default_instrumentation};
use xos_sync_core::{Id, Registry, model};

use crate::world::{Answer, World, hasty_registry, step, until};

#[tokio::test]
async fn one_thread_per_object() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    for at in 0..60 {
        world.crop(&format!("crop{at}"), &field).await;
        world
            .backend
            .answer(&format!("crop{at}"), Answer::Slow(std::time::Duration::from_millis(2)));
    }
    assert_eq!(world.pass().await.enacted, 62);
    // What the step's `concurrency` says.
    assert_eq!(world.backend.lock().most_at_once, 4);
}

#[tokio::test]
async fn a_hung_step_stalls_everything() {
    let world = World::of(hasty_registry).await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    world.crop("hung", &field).await;
    world.backend.answer("hung", Answer::Hang);
    let running = world.start().await;
    until("the hung crop", async || world.backend.lock().log.len() == 3).await;
    let other = world.farm("other").await;
    world.field("other field", &other).await;
    world.crop("other crop", &field).await;
    let others = ["farm", "field", "other", "other crop", "other field"];
    until("the others", async || world.backend.names() == others).await;
    until("the end of the hung call", async || {
        world.troubles().await
            == ["Crop hung (#1) failed (TimedOut, transient, 1 time): the step HastyCrops did not return within 1 s and \
                 was given up; what it had begun is unknown"]
    })
    .await;
    running.stop().await;
}

/// One of many that do not depend on each other.
#[model(table = sheep)]
pub struct Sheep {
    /// Its key.
    pub id: Id<Sheep>,
    /// Its name.
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncSheep, Sheep, synchronizer = "farm", interval = 3600);

/// Statements on the table `sheep`, on any connection of this program.
static STATEMENTS: AtomicUsize = AtomicUsize::new(0);
static QUESTIONS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn count_statements() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_default_instrumentation(|| {
            Some(Box::new(|event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    let query = query.to_string();
                    if query.contains("sheep") {
                        STATEMENTS.fetch_add(1, Ordering::Relaxed);
                    }
                    if query.contains("SELECT c.sync_id FROM sheep_sync AS c")
                        && query.contains("AND NOT c.deleted")
                    {
                        QUESTIONS.lock().unwrap().push(query);
                    }
                }
            }))
        })
        .unwrap();
    });
}

#[tokio::test]
async fn quadratic_scheduling() {
    count_statements();
    let world =
        World::of(|| Registry::default().model::<Sheep>().unwrap().step(SyncSheep::registration()))
            .await;
    world
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5120) \
             INSERT INTO sheep (name, backend_id) SELECT 's' || i, NULL FROM n",
        )
        .await;
    QUESTIONS.lock().unwrap().clear();
    STATEMENTS.store(0, Ordering::Relaxed);
    assert_eq!(world.pass().await.enacted, 5120);
    // At the least as many rows at once as two rounds of calls, and many more where it is quick.
    let questions = QUESTIONS.lock().unwrap().len();
    assert!((10..400).contains(&questions), "{questions} questions");
    // The backend column of each is its own statement; all else is shared.
    let statements = STATEMENTS.load(Ordering::Relaxed);
    assert!(statements < 2 * 5120, "{statements} statements");
    // When all is clean, a pass looks at an empty index.
    QUESTIONS.lock().unwrap().clear();
    STATEMENTS.store(0, Ordering::Relaxed);
    world.pass().await;
    let questions = QUESTIONS.lock().unwrap().len();
    assert!((1..=2).contains(&questions), "{questions} questions");
    let statements = STATEMENTS.load(Ordering::Relaxed);
    assert!(statements < 20, "{statements} statements of an idle pass");
}

//! Contracts C6 and C10: trouble stays where it is, and nothing grows with the rows.

use std::time::Duration;

use xos_sync_core::{Context, Id, Outcome, Registry, StepResult, SyncStep, model, sync_step};

use crate::world::{Answer, Running, World, in_line, in_time, not_unique, step, until};

#[tokio::test]
async fn a_panic_harms_nobody_else() {
    let world = World::new().await;
    for name in ["a", "bad", "c"] {
        let farm = world.farm(name).await;
        world.field(&format!("{name} field"), &farm).await;
    }
    world.backend.answer("bad", Answer::Panic("out of luck"));
    let report = world.pass().await;
    assert_eq!((report.enacted, report.failed), (4, 1));
    assert_eq!(world.backend.names(), ["a", "a field", "c", "c field"]);
}

#[tokio::test]
async fn slow_calls_do_not_stop_quick_ones() {
    let world = World::new().await;
    let farm = world.farm("farm").await;
    let field = world.field("field", &farm).await;
    let gates: Vec<_> = (0..4).map(|at| world.backend.gate(&format!("sync slow{at}"))).collect();
    for at in 0..4 {
        world.crop(&format!("slow{at}"), &field).await;
    }
    let running = world.start().await;
    for gate in &gates {
        gate.entered().await;
    }
    // Every call that the step of the crops may make at once is taken; other steps go on.
    world.crop("waiting", &field).await;
    let other = world.farm("other").await;
    world.field("other field", &other).await;
    until("the others", async || {
        world.backend.names() == ["farm", "field", "other", "other field"]
    })
    .await;
    gates.iter().for_each(|gate| gate.open());
    until("all", async || world.backend.names().len() == 9).await;
    running.stop().await;
    assert_eq!(world.backend.lock().most_at_once, 5);
}

#[tokio::test]
async fn the_limit_on_all_calls_holds_for_all_steps_together() {
    let world = World::new().await;
    for at in 0..20 {
        let farm = world.farm(&format!("farm{at}")).await;
        world.field(&format!("field{at}"), &farm).await;
    }
    for name in (0..20).flat_map(|at| [format!("farm{at}"), format!("field{at}")]) {
        world.backend.answer(&name, Answer::Slow(Duration::from_millis(1)));
    }
    let synchronizer = world.builder().calls(3).build().await.unwrap();
    assert_eq!(in_time("the pass", synchronizer.pass()).await.unwrap().enacted, 40);
    assert_eq!(world.backend.lock().most_at_once, 3);
}

/// A post with a number that the backend gives, and that no two have.
#[model(table = posts)]
pub struct Post {
    /// Its key.
    pub id: Id<Post>,
    /// Its name.
    pub name: String,
    /// Where it stands.
    #[backend]
    #[unique]
    pub number: Option<i32>,
}

/// Gives every post whose name begins with `same` the same number.
#[sync_step(provides = Post, synchronizer = "farm", interval = 3600)]
pub struct NumberPosts {
    backend: crate::world::Backend,
}

impl SyncStep for NumberPosts {
    async fn sync_record(&self, _: &Context, post: &mut xos_sync_core::Row<Post>) -> StepResult {
        let Outcome::Done = self.backend.call("sync", &post.name, &post.name).await? else {
            unreachable!()
        };
        let number = post.name.trim_start_matches("post").parse().unwrap_or(0);
        post.number = Some(number);
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &xos_sync_core::Row<Post>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn posts() -> Registry {
    Registry::default().model::<Post>().unwrap().step(NumberPosts::registration())
}

#[tokio::test]
async fn what_a_step_wrote_and_the_table_refuses_is_the_trouble_of_its_row_alone() {
    let world = World::of(posts).await;
    world.sql("INSERT INTO posts (name) VALUES ('post1'), ('same a'), ('post2'), ('same b')").await;
    world.pass().await;
    assert_eq!(world.ask("sync_id", "FROM posts_sync WHERE enacted IS NOT NULL").await.len(), 3);
    let troubles = world.troubles().await;
    let message = "(NotSaved, terminal, 1 time, waits for a changed goal): what the step did cannot be saved: the database \
                   refused: ";
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    let message = format!("{message}{}", not_unique("posts", "number"));
    assert!(troubles[0].contains(&message), "{troubles:?}");
    assert_eq!(world.backend.log().len(), 4);
}

step!(SyncPosts, Stake, synchronizer = "farm", interval = 3600);

/// A stake.
#[model(table = stakes)]
pub struct Stake {
    /// Its key.
    pub id: Id<Stake>,
    /// Its name.
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

#[tokio::test]
async fn what_a_trigger_of_somebody_else_refuses_is_the_trouble_of_its_row_alone() {
    let world =
        World::of(|| Registry::default().model::<Stake>().unwrap().step(SyncPosts::registration()))
            .await;
    world.trigger(
        "BEFORE UPDATE OF backend_id ON stakes",
        "NEW.backend_id = 'b-bad'",
        "no stake is called so",
    );
    world.sql("INSERT INTO stakes (name) VALUES ('a'), ('bad'), ('c')").await;
    let report = world.pass().await;
    assert_eq!(report.calls(), 3);
    assert_eq!(
        world.troubles().await,
        [
            "Stake bad (#2) failed (NotSaved, terminal, 1 time, waits for a changed goal): what the step did cannot be saved: \
          the database refused: no stake is called so"
        ]
    );
    assert_eq!(world.ask("backend_id", &in_line("stakes")).await, ["b-a", "b-c"]);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_to_stamp_at_all_holds_back_nobody() {
    let world =
        World::of(|| Registry::default().model::<Stake>().unwrap().step(SyncPosts::registration()))
            .await;
    world.trigger("BEFORE UPDATE ON stakes", "NEW.name = 'bad'", "hands off");
    world.sql("INSERT INTO stakes (name) VALUES ('a'), ('bad'), ('c')").await;
    let running = Running::start(world.synchronizer().await);
    until("the others", async || world.ask("name", &in_line("stakes")).await == ["a", "c"]).await;
    world.sql("INSERT INTO stakes (name) VALUES ('d')").await;
    until("one more", async || world.ask("name", &in_line("stakes")).await == ["a", "c", "d"])
        .await;
    running.stop().await;
}
#[tokio::test]
async fn only_a_batch_is_taken_in_hand_whatever_is_pending() {
    let world = World::new().await;
    let running = world.start().await;
    for at in 1..=8 {
        world.backend.answer(&format!("f{at}"), Answer::Hang);
    }
    world.shell(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
         INSERT INTO farms (name) SELECT 'f' || i FROM n",
    );
    until("the calls", async || world.backend.lock().log.len() == 8).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let commas = "coalesce(sum(length(ids) - length(replace(ids, ',', '')) + 1), 0)";
    let in_hand: u32 = world.ask(commas, "FROM xos_sync_journal").await[0].parse().unwrap();
    assert!((8..=1024).contains(&in_hand), "{in_hand} rows in hand");
    drop(running);
}

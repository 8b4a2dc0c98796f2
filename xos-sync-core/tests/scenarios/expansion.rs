//! Rows that follow from other models' rows, and changes that go on to rows that reference them.

use xos_sync_core::{Id, Model, Registry, db::OpenMode, migrate, model};

use crate::world::{World, living, step};

/// A place where tools are.
#[model(table = sheds)]
pub struct Shed {
    /// Its key.
    pub id: Id<Shed>,
    /// Its name.
    pub name: String,
}

/// A piece of land.
#[model(table = plots)]
pub struct Plot {
    /// Its key.
    pub id: Id<Plot>,
    /// Its name.
    pub name: String,
    /// Whether somebody works on it.
    #[default(true)]
    pub worked: bool,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// From which shed a plot is worked on.
#[model(table = ways)]
pub struct Way {
    /// Its key.
    pub id: Id<Way>,
    /// The shed.
    #[references(Shed, on_delete = cascade)]
    pub shed_id: Id<Shed>,
    /// The plot.
    #[references(Plot, on_delete = cascade)]
    pub plot_id: Option<Id<Plot>>,
}

/// A plot as a shed knows it.
#[model(
    table = shed_plots,
    unique(shed_id, plot_id),
    expand(
        s in Shed, w in Way, p in Plot,
        on = "w.shed_id = s.id AND w.plot_id = p.id AND p.worked",
        shed_id = s.id, plot_id = w.plot_id,
    )
)]
pub struct ShedPlot {
    /// Its key.
    pub id: Id<ShedPlot>,
    /// The shed.
    #[references(Shed, on_delete = cascade)]
    pub shed_id: Id<Shed>,
    /// The plot.
    #[references(Plot, on_delete = cascade, on_update = sync)]
    pub plot_id: Id<Plot>,
    /// What the shed is called besides.
    #[default("")]
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncShedPlots, ShedPlot, synchronizer = "farm", interval = 3600);

fn registry() -> Registry {
    let registry = Registry::default().model::<Shed>().unwrap().model::<Plot>().unwrap();
    let registry = registry.model::<Way>().unwrap().model::<ShedPlot>().unwrap();
    registry.step(SyncShedPlots::registration())
}

/// The living pairs, as `shed-plot`.
async fn pairs(world: &World) -> Vec<String> {
    let what = "shed_id || '-' || plot_id";
    world.ask(what, "FROM shed_plots ORDER BY shed_id, plot_id").await
}

/// Sheds 1 and 2, plots 1 to 3.
pub async fn farm() -> World {
    let world = World::of(registry).await;
    world.sql("INSERT INTO sheds (name) VALUES ('a'), ('b')").await;
    world.sql("INSERT INTO plots (name) VALUES ('x'), ('y'), ('z')").await;
    world
}

#[tokio::test]
async fn rows_follow_from_combinations_of_others_whoever_writes_them() {
    let world = farm().await;
    assert_eq!(pairs(&world).await, [""; 0]);
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (1, 1), (1, 2), (2, 2), (2, NULL)");
    assert_eq!(pairs(&world).await, ["1-1", "1-2", "2-2"]);
    // What two ways lead to is made once, and stays while one of them does.
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (1, 1)");
    world.shell("DELETE FROM ways WHERE id = 1");
    assert_eq!(pairs(&world).await, ["1-1", "1-2", "2-2"]);
    world.shell("DELETE FROM ways WHERE plot_id = 1");
    assert_eq!(pairs(&world).await, ["1-2", "2-2"]);
    // Another value, and a condition that does not hold any more and then does again.
    world.shell("UPDATE ways SET plot_id = 3 WHERE shed_id = 1");
    assert_eq!(pairs(&world).await, ["1-3", "2-2"]);
    world.shell("UPDATE plots SET worked = FALSE WHERE id IN (2, 3)");
    assert_eq!(pairs(&world).await, [""; 0]);
    world.shell("UPDATE plots SET worked = TRUE WHERE id = 2");
    assert_eq!(pairs(&world).await, ["2-2"]);
    // A source that goes.
    world.shell("DELETE FROM sheds WHERE id = 2");
    assert_eq!(pairs(&world).await, [""; 0]);
}

#[tokio::test]
async fn what_is_made_and_removed_is_synced_and_deleted_as_any_other_row() {
    let world = farm().await;
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (1, 1)");
    assert_eq!(world.pass().await.enacted, 1);
    world.shell("DELETE FROM plots WHERE id = 1");
    let report = world.pass().await;
    assert_eq!((report.enacted, report.deleted), (0, 3));
    assert_eq!(world.backend.log(), ["sync ", "delete "]);
    assert_eq!(world.ask("count(*)", "FROM shed_plots").await, ["0"]);
    assert_eq!(world.ask("id", "FROM plots ORDER BY id").await, ["2", "3"]);
}

#[tokio::test]
async fn a_changed_goal_goes_on_to_the_rows_that_say_so() {
    let world = farm().await;
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (1, 1), (2, 2)");
    assert_eq!(world.pass().await.enacted, 2);
    let versions =
        async || world.ask("updated", &format!("{} ORDER BY shed_id", living("shed_plots"))).await;
    let before = versions().await;
    // Neither bookkeeping nor what a step found out, nor the same value again.
    world.sql("UPDATE plots SET backend_id = 'b'").await;
    world.sql("UPDATE plots_sync SET enacted = updated").await;
    world.sql("UPDATE plots SET name = name").await;
    assert_eq!(versions().await, before);
    world.shell("UPDATE plots SET name = 'new' WHERE id = 2");
    let after = versions().await;
    assert_eq!(after[0], before[0]);
    assert!(after[1] > before[1]);
    world.backend.log();
    assert_eq!(world.pass().await.enacted, 1);
    // A change of the shed is none of theirs.
    world.shell("UPDATE sheds SET name = 'new'");
    assert_eq!(world.pass().await.enacted, 0);
}

#[tokio::test]
async fn rows_that_were_before_the_expansion_count_too() {
    let world = farm().await;
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (1, 1)");
    let on = if crate::ENGINE == xos_sync_core::db::Engine::Sqlite { "" } else { " ON ways" };
    world.shell(&format!("DROP TRIGGER shed_plots_w_make{on}"));
    world.shell("INSERT INTO ways (shed_id, plot_id) VALUES (2, 3)");
    assert_eq!(pairs(&world).await, ["1-1"]);
    let db = xos_sync_core::db::Db::open(&world.url(), OpenMode::Existing).await.unwrap();
    let done = migrate::migrate(&db, &registry()).await.unwrap();
    assert_eq!(done, ["trigger shed_plots_w_make", "rows of shed_plots"]);
    assert_eq!(pairs(&world).await, ["1-1", "2-3"]);
}

/// Its condition is no SQL.
#[model(table = wrongs, unique(shed_id), expand(s in Shed, on = "s.nmae = 'a'", shed_id = s.id))]
pub struct Wrong {
    /// Its key.
    pub id: Id<Wrong>,
    /// The shed.
    #[references(Shed)]
    pub shed_id: Id<Shed>,
}

/// Its value is no column.
#[model(table = lost, unique(shed_id), expand(s in Shed, shed_id = s.key))]
pub struct Lost {
    /// Its key.
    pub id: Id<Lost>,
    /// The shed.
    #[references(Shed)]
    pub shed_id: Id<Shed>,
}

#[tokio::test]
async fn an_expansion_that_makes_no_sense_is_told_at_the_start() {
    let world = farm().await;
    let wrong = registry().model::<Wrong>().unwrap();
    let error = migrate::migrate(&world.db, &wrong).await.unwrap_err().to_string();
    assert!(
        error.starts_with("migration from the models, of the rows of wrongs failed"),
        "{error}"
    );
    assert!(error.contains("s.nmae"), "{error}");
    // Nothing of it is left.
    assert_eq!(migrate::migrate(&world.db, &registry()).await.unwrap(), [""; 0]);
    let error = registry().model::<Lost>().unwrap().check().unwrap_err().to_string();
    let expected = "the expansion of Lost takes s.key, but Shed has no such column: name another";
    assert_eq!(error, expected);
    let alone = Registry::default().model::<ShedPlot>().unwrap().model::<Shed>().unwrap();
    let error = alone.model::<Plot>().unwrap().check().unwrap_err().to_string();
    let expected = "the expansion of ShedPlot names the model Way, which is not registered: add it to the registry";
    assert_eq!(error, expected);
    assert_eq!(ShedPlot::INFO.expansion.as_ref().unwrap().sources.len(), 3);
}

//! Every kind of column, a self reference, choices, defaults and diesel's own queries.
#![deny(missing_docs, warnings)]

use diesel::prelude::*;
use xos_sync_core::{
    Id, Micros, Model, Registry, Row, Secret,
    db::{AnyConnection, Db, OpenMode},
    migrate, model,
    model::{ColumnKind, OnDelete},
};

xos_sync_core::choices! {
    /// How a machine is kept apart.
    pub enum Isolation {
        /// A virtual machine.
        Vm = "vm",
        /// A container.
        Container = "container",
    }
}

/// A place. It has machines.
#[model(table = places, unique(name, code))]
pub struct Place {
    /// Its key.
    pub id: Id<Place>,
    /// Its name.
    pub name: String,
    /// Its code.
    #[unique]
    pub code: String,
}

/// A machine.
#[model(table = machines)]
#[derive(Eq)]
pub struct Machine {
    /// Its key.
    pub id: Id<Machine>,
    /// What people call it.
    #[label]
    pub title: String,
    /// Where it is.
    #[references(Place, on_delete = cascade)]
    pub place_id: Id<Place>,
    /// What it is in.
    #[references(Machine)]
    pub parent_id: Option<Id<Machine>>,
    /// Its password.
    pub password: Option<Secret>,
    /// How it is kept apart.
    #[choice]
    #[default(Isolation::Vm)]
    pub isolation: Isolation,
    /// How it was kept apart.
    #[choice]
    pub before: Option<Isolation>,
    /// Its cores.
    #[default(10)]
    pub cores: i32,
    /// Whether it is on.
    #[default(true)]
    pub on: bool,
    /// A remark.
    #[default("it's new")]
    pub remark: String,
    /// Since when.
    pub since: Option<Micros>,
    /// A word of Rust's.
    pub r#type: i64,
    /// The backend's id.
    #[backend]
    pub backend_id: Option<String>,
}

diesel::allow_tables_to_appear_in_same_query!(places, machines);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    described();
    let folder = tempfile::tempdir()?;
    let url = folder.path().join("goal.db").display().to_string();
    let db = Db::open(&url, OpenMode::Create).await?;
    let registry = Registry::default().model::<Place>()?.model::<Machine>()?;
    migrate::migrate(&db, &registry).await?;
    Ok(db.run(written_and_read).await?)
}

fn written_and_read(conn: &mut AnyConnection) -> QueryResult<()> {
    let place = NewPlace::new("Princeton", "pr").insert(conn)?;
    assert_eq!(place.save_backend(conn), Ok(1), "there is nothing to save");
    let new = NewMachine { password: Some("x".into()), ..NewMachine::new("web", place.id, 7) };
    let machine = new.insert(conn)?;
    assert_eq!((machine.isolation, machine.cores, machine.on), (Isolation::Vm, 10, true));
    assert_eq!((machine.remark.as_str(), machine.r#type), ("it's new", 7));
    assert_eq!(machine.uid().len(), 32);
    assert_eq!(machine.object_ref().to_string(), "Machine web (#1)");
    assert_eq!(place.label(), "Princeton", "a column called `name` is the label");

    let child = NewMachine {
        parent_id: Some(machine.id),
        before: Some(Isolation::Vm),
        isolation: Isolation::Container,
        ..NewMachine::new("db", place.id, 7)
    }
    .insert(conn)?;
    assert_eq!(child.reference_ids(), vec![Some(1), Some(1)]);
    assert_eq!(machine.reference_ids(), vec![Some(1), None]);

    let mut changed = child.clone();
    changed.backend_id = Some("i-1".into());
    assert!(changed.backend_differs(&child) && changed.goal_difference(&child).is_none());
    assert_eq!(changed.save_backend(conn), Ok(1));
    changed.cores = 2;
    assert_eq!(changed.goal_difference(&child), Some("cores"));
    let loaded = Row::<Machine>::load(conn, "parent_id = 1 AND enacted IS NULL", 10)?;
    assert_eq!(loaded[0].backend_id.as_deref(), Some("i-1"));
    assert_eq!(loaded[0].cores, 10, "only backend columns are saved");
    assert!(loaded[0].bookkeeping().is_pending());

    let containers: Vec<(Id<Machine>, String)> = machines::table
        .inner_join(places::table.on(places::id.eq(machines::place_id)))
        .filter(machines::isolation.eq(Isolation::Container))
        .select((machines::id, places::name))
        .load(conn)?;
    assert_eq!(containers, vec![(child.id, "Princeton".to_owned())]);
    let all = machines::table.select(Machine::as_select()).order(machines::id).load(conn)?;
    assert_eq!(all, vec![machine.into_object(), loaded[0].clone().into_object()]);
    Ok(())
}

fn described() {
    let info = Machine::INFO;
    assert_eq!((info.name, info.table, info.doc), ("Machine", "machines", "A machine."));
    assert_eq!(Place::INFO.doc, "A place.");
    assert_eq!(info.column_names(ColumnKind::Backend).collect::<Vec<_>>(), ["backend_id"]);
    let column = |name| info.columns.iter().find(|column| column.name == name).unwrap();
    assert_eq!(column("isolation").default, Some("'vm'"));
    assert_eq!(column("isolation").choices, Some(["vm", "container"].as_slice()));
    assert_eq!(column("remark").default, Some("'it''s new'"));
    assert_eq!(column("on").default, Some("TRUE"));
    assert!(column("type").default.is_none() && column("since").nullable);
    let targets: Vec<_> =
        info.references.iter().map(|r| ((r.target)().name, r.nullable, r.on_delete)).collect();
    assert_eq!(targets, [("Place", false, OnDelete::Cascade), ("Machine", true, OnDelete::Restrict)]);
    let uniques: Vec<_> = Place::INFO.uniques.iter().map(|unique| unique.columns).collect();
    assert_eq!(uniques, [["code"].as_slice(), ["name", "code"].as_slice()]);
}

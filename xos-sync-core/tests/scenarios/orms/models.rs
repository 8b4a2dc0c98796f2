//! Orchard → Tree, as an application has them.

use xos_sync_core::{Id, Registry, model};

use crate::world::step;

/// An orchard.
#[model(table = orchards)]
pub struct Orchard {
    /// Its key.
    pub id: Id<Self>,
    /// Its name.
    #[unique]
    pub name: String,
    /// How many trees it has.
    #[default(1)]
    pub trees: i32,
    /// A remark.
    pub note: Option<String>,
    /// The application's count of its own saves.
    #[default(1)]
    pub version: i32,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A tree in an orchard.
#[model(table = trees)]
pub struct Tree {
    /// Its key.
    pub id: Id<Self>,
    /// Its name.
    pub name: String,
    /// Where it stands.
    #[references(Orchard)]
    pub orchard_id: Id<Orchard>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

step!(SyncOrchards, Orchard, synchronizer = "orchard", interval = 3600, concurrency = 1);
step!(SyncTrees, Tree, synchronizer = "orchard", interval = 3600, concurrency = 1);

pub fn registry() -> Registry {
    let models = Registry::default().model::<Orchard>().unwrap().model::<Tree>().unwrap();
    models.step(SyncOrchards::registration()).step(SyncTrees::registration())
}

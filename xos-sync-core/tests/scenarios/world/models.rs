//! Farm → Field → Crop, and the steps that sync them.

use xos_sync_core::{Id, Registry, model};

/// A farm.
#[model(table = farms)]
pub struct Farm {
    /// Its key.
    pub id: Id<Farm>,
    /// Its name.
    #[unique]
    pub name: String,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A field of a farm.
#[model(table = fields)]
pub struct Field {
    /// Its key.
    pub id: Id<Field>,
    /// Its name.
    pub name: String,
    /// Where it is.
    #[references(Farm)]
    pub farm_id: Id<Farm>,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A crop on a field; may stand on another crop.
#[model(table = crops)]
pub struct Crop {
    /// Its key.
    pub id: Id<Crop>,
    /// Its name.
    pub name: String,
    /// Where it grows.
    #[references(Field)]
    pub field_id: Id<Field>,
    /// What it leans on.
    #[references(Crop)]
    pub support_id: Option<Id<Crop>>,
    /// How much water it wants.
    #[default(1)]
    pub water: i32,
    /// What the backend calls it.
    #[backend]
    pub backend_id: Option<String>,
}

/// A step that does what the backend is told to, perhaps with rows that stand for those of another model.
macro_rules! step {
    ($step:ident, $model:ident, $($option:tt)*) => {
        $crate::world::step!($step, $model as $model, $($option)*);
    };
    ($step:ident, $model:ident as $provided:ident, $($option:tt)*) => {
        /// A step that does what the backend is told to.
        #[xos_sync_core::sync_step(provides = $provided, observes = $model, $($option)*)]
        pub struct $step {
            backend: $crate::world::Backend,
        }

        impl xos_sync_core::SyncStep for $step {
            async fn sync_record(
                &self,
                _: &xos_sync_core::Context,
                object: &mut xos_sync_core::Row<$model>,
            ) -> xos_sync_core::StepResult {
                let outcome = self.backend.call("sync", &object.name, object.uid()).await?;
                if !matches!(outcome, xos_sync_core::Outcome::Wait(_)) {
                    object.backend_id = Some(format!("b-{}", object.name));
                }
                Ok(outcome)
            }

            async fn delete_record(
                &self,
                _: &xos_sync_core::Context,
                object: &xos_sync_core::Row<$model>,
            ) -> xos_sync_core::StepResult {
                self.backend.call("delete", &object.name, object.uid()).await
            }
        }
    };
}
pub(crate) use step;

step!(SyncFarms, Farm, synchronizer = "farm", interval = 3600);
step!(SyncFields, Field, synchronizer = "farm", interval = 3600);

step!(SyncCrops, Crop, synchronizer = "farm", interval = 3600, concurrency = 4);
step!(HastyCrops, Crop, synchronizer = "farm", interval = 3600, concurrency = 4, timeout = 1);

/// The three models without steps.
pub fn models() -> Registry {
    Registry::default().model::<Farm>().unwrap().model::<Field>().unwrap().model::<Crop>().unwrap()
}

/// All three steps.
pub fn registry() -> Registry {
    models()
        .step(SyncFarms::registration())
        .step(SyncFields::registration())
        .step(SyncCrops::registration())
}

/// The same, but calls for crops are given up after a second.
pub fn hasty_registry() -> Registry {
    models()
        .step(SyncFarms::registration())
        .step(SyncFields::registration())
        .step(HastyCrops::registration())
}

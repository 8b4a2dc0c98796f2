//! The models and steps of a program: linked ones, or given by hand; sorted and checked.

use std::{any::TypeId, collections::BTreeMap, sync::Arc};

use thiserror::Error;

use crate::{
    model::{Model, ModelInfo},
    step::{BackendError, Backends, Observed, StepSpec},
};

/// A model that a crate links in; submitted by `#[model]`.
pub struct ModelRegistration(
    /// The model's description.
    pub fn() -> &'static ModelInfo,
);

/// A step that a crate links in; submitted by `#[sync_step]`.
#[derive(Clone, Copy)]
pub struct StepRegistration {
    /// What the attribute says.
    pub spec: fn() -> &'static StepSpec,
    /// The types of the struct's fields.
    pub backends: &'static [fn() -> TypeId],
    /// Makes the step, and takes its types away: one value for each observed model.
    pub build: fn(&Backends) -> Result<Vec<Arc<dyn Observed>>, BackendError>,
}

inventory::collect!(ModelRegistration);
inventory::collect!(StepRegistration);

/// Why models and steps do not fit together. Found at start, before anything runs.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RegistryError {
    /// No step at all.
    #[error(
        "no step is linked into this program: a crate that is listed in Cargo.toml but never named links to \
         nothing; name the crate that holds the steps in main.rs, for instance `use xos_sync_ec2 as _;`"
    )]
    Empty,
    /// Two steps of one Synchronizer share a name.
    #[error("the Synchronizer {synchronizer} has two steps named {step}: rename one of them")]
    SameStep {
        /// The Synchronizer.
        synchronizer: &'static str,
        /// The name.
        step: &'static str,
    },
    /// Two models share a table.
    #[error("the models {first} and {second} both use the table `{table}`: rename one of them")]
    SameTable {
        /// The table.
        table: &'static str,
        /// The one model, with its crate.
        first: String,
        /// The other.
        second: String,
    },
    /// Two steps would work on the same rows.
    #[error(
        "the steps {first} and {second} both observe all rows of {model}: let one step do it, or give each of \
         them `only = \"…\"` with an SQL condition on its own rows"
    )]
    ObservedTwice {
        /// The model.
        model: &'static str,
        /// The one step.
        first: String,
        /// The other.
        second: String,
    },
    /// A step or a reference names a model that is not registered.
    #[error("{from} names the model {model}, which is not registered: add it to the registry")]
    UnknownModel {
        /// Who names it.
        from: String,
        /// The model.
        model: &'static str,
    },
    /// There is no such Synchronizer, or it was not said which of several.
    #[error("{problem}; this program has: {known}")]
    Which {
        /// What was asked.
        problem: String,
        /// The Synchronizers.
        known: String,
    },
    /// The SQL that a step's `only` holds is not understood.
    #[error("the step {step} says only = {only:?}, which is not a condition on the table {table}: {reason}")]
    Only {
        /// The step.
        step: &'static str,
        /// The observed table.
        table: &'static str,
        /// The condition.
        only: &'static str,
        /// What the database said.
        reason: String,
    },
    /// Required references form a circle: no row of it could ever be the first.
    #[error(
        "the models reference each other in a circle, all by required columns: {cycle}; no row could ever be \
         the first: make one of the columns an `Option`"
    )]
    Cycle {
        /// The circle, as `a → b → a`.
        cycle: String,
    },
}

/// The models and steps of a program.
#[derive(Default)]
pub struct Registry {
    models: BTreeMap<&'static str, &'static ModelInfo>,
    steps: Vec<StepRegistration>,
}

impl Registry {
    /// What `#[model]` and `#[sync_step]` have linked into this program, in a fixed order.
    ///
    /// # Errors
    /// As [`Registry::check`], but an empty registry is none yet.
    pub fn linked() -> Result<Self, RegistryError> {
        let mut registry = Self::default();
        for model in inventory::iter::<ModelRegistration> {
            registry.add_model((model.0)())?;
        }
        for step in inventory::iter::<StepRegistration> {
            registry.steps.push(*step);
        }
        registry.steps.sort_by_key(|step| {
            let spec = (step.spec)();
            (spec.synchronizer, spec.name)
        });
        registry.check()?;
        Ok(registry)
    }

    /// Adds a model by hand.
    ///
    /// # Errors
    /// [`RegistryError::SameTable`].
    pub fn model<M: Model>(mut self) -> Result<Self, RegistryError> {
        self.add_model(M::INFO)?;
        Ok(self)
    }

    /// Adds a step by hand.
    #[must_use]
    pub fn step(mut self, step: StepRegistration) -> Self {
        self.steps.push(step);
        self
    }

    /// All models, by table name.
    pub fn models(&self) -> impl Iterator<Item = &'static ModelInfo> + '_ {
        self.models.values().copied()
    }

    /// All steps, by Synchronizer and name.
    pub fn steps(&self) -> &[StepRegistration] {
        &self.steps
    }

    /// The names of the Synchronizers that have steps here.
    pub fn synchronizers(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.steps.iter().map(|step| (step.spec)().synchronizer).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The Synchronizer of this name, or the only one.
    ///
    /// # Errors
    /// [`RegistryError::Empty`] or [`RegistryError::Which`].
    pub fn pick(&self, name: Option<&str>) -> Result<&'static str, RegistryError> {
        let names = self.synchronizers();
        let which = |problem| RegistryError::Which { problem, known: names.join(", ") };
        match (name, names.as_slice()) {
            (_, []) => Err(RegistryError::Empty),
            (Some(name), names) => names
                .iter()
                .find(|known| **known == name)
                .copied()
                .ok_or_else(|| which(format!("there is no Synchronizer `{name}`"))),
            (None, [name]) => Ok(name),
            (None, _) => Err(which("say which Synchronizer is meant".into())),
        }
    }

    fn add_model(&mut self, model: &'static ModelInfo) -> Result<(), RegistryError> {
        match self.models.insert(model.table, model) {
            Some(other) if (other.crate_name, other.name) != (model.crate_name, model.name) => {
                Err(RegistryError::SameTable {
                    table: model.table,
                    first: format!("{}::{}", other.crate_name, other.name),
                    second: format!("{}::{}", model.crate_name, model.name),
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether names are unique, models known and no circle is made of required references.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check(&self) -> Result<(), RegistryError> {
        self.check_steps()?;
        self.check_models()?;
        crate::dmdot::Graph::of(self.models()).check_order()
    }

    fn check_models(&self) -> Result<(), RegistryError> {
        for model in self.models() {
            for reference in model.references {
                self.known((reference.target)(), || format!("{}.{}", model.name, reference.column))?;
            }
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), RegistryError> {
        let mut names = BTreeMap::new();
        let mut observers: BTreeMap<&str, &StepSpec> = BTreeMap::new();
        for step in &self.steps {
            let spec = (step.spec)();
            if names.insert((spec.synchronizer, spec.name), ()).is_some() {
                return Err(RegistryError::SameStep {
                    synchronizer: spec.synchronizer,
                    step: spec.name,
                });
            }
            for model in spec.observed().chain(spec.provided()) {
                self.known(model, || format!("the step {}", spec.name))?;
            }
            for model in spec.observed() {
                if let Some(other) = observers.insert(model.table, spec)
                    && (other.only.is_none() || spec.only.is_none())
                {
                    return Err(RegistryError::ObservedTwice {
                        model: model.name,
                        first: format!("{}/{}", other.synchronizer, other.name),
                        second: format!("{}/{}", spec.synchronizer, spec.name),
                    });
                }
            }
        }
        Ok(())
    }

    fn known(
        &self,
        model: &'static ModelInfo,
        from: impl FnOnce() -> String,
    ) -> Result<(), RegistryError> {
        if self.models.contains_key(model.table) {
            return Ok(());
        }
        Err(RegistryError::UnknownModel { from: from(), model: model.name })
    }
}

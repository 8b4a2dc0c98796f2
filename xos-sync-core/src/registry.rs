//! The models and steps of a program: linked ones, or given by hand; sorted and checked.

use std::{any::TypeId, collections::BTreeMap, sync::Arc};

use crate::{
    dmdot::Graph,
    error::{BackendError, RegistryError},
    model::{Expansion, Model, ModelInfo},
    step::{Backends, Observed, StepSpec},
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
    pub build: BuildStep,
}

/// What [`StepRegistration::build`] is.
pub type BuildStep = fn(&Backends) -> Result<Vec<Arc<dyn Observed>>, BackendError>;

inventory::collect!(ModelRegistration);
inventory::collect!(StepRegistration);

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
        Graph::of(self.models()).check_order()
    }

    fn check_models(&self) -> Result<(), RegistryError> {
        for model in self.models() {
            for reference in model.references {
                self.known((reference.target)(), || {
                    format!("{}.{}", model.name, reference.column)
                })?;
            }
            if let Some(expansion) = &model.expansion {
                self.check_expansion(model, expansion)?;
            }
        }
        Ok(())
    }

    /// Whether it names models and columns that there are. Its condition is the database's to
    /// check, when its triggers are made.
    fn check_expansion(
        &self,
        model: &'static ModelInfo,
        expansion: &Expansion,
    ) -> Result<(), RegistryError> {
        for source in expansion.sources {
            self.known((source.model)(), || format!("the expansion of {}", model.name))?;
        }
        for (_, value) in expansion.values {
            let source = expansion.sources.iter().find_map(|source| {
                let column = value.strip_prefix(source.alias)?.strip_prefix('.')?;
                Some(((source.model)(), column))
            });
            let Some((source, column)) = source else { continue };
            let is_there = column == "id" || source.columns.iter().any(|c| c.name == column);
            if !is_there {
                return Err(RegistryError::UnknownColumn {
                    model: model.name,
                    value,
                    source_model: source.name,
                });
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

//! What steps talk to, found by type.

use std::{
    any::{Any, TypeId, type_name},
    collections::BTreeMap,
    sync::Arc,
};

use crate::error::BackendError;

/// The backends of one Synchronizer: at most one value of each type.
#[derive(Default, Clone)]
pub struct Backends {
    values: BTreeMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>,
}

/// A backend that a crate links in with [`backend!`](crate::backend): made when a
/// Synchronizer starts whose steps have a field of this type.
pub struct BackendSource {
    /// The type's identity.
    pub type_id: fn() -> TypeId,
    /// The type's name.
    pub type_name: fn() -> &'static str,
    /// Makes the value, from the environment as a rule.
    pub make: fn() -> BackendFuture,
}

/// What [`BackendSource::make`] returns.
pub type BackendFuture =
    std::pin::Pin<Box<dyn Future<Output = Result<Arc<dyn Any + Send + Sync>, String>> + Send>>;

inventory::collect!(BackendSource);

impl Backends {
    /// Adds a value; it replaces an earlier one of the same type.
    pub fn insert<B: Any + Send + Sync>(&mut self, backend: B) {
        self.values.insert(TypeId::of::<B>(), (type_name::<B>(), Arc::new(backend)));
    }

    /// Whether there is a value of this type.
    pub(crate) fn contains(&self, type_id: TypeId) -> bool {
        self.values.contains_key(&type_id)
    }

    /// Makes the value of a linked backend.
    pub(crate) async fn insert_linked(
        &mut self,
        source: &BackendSource,
    ) -> Result<(), BackendError> {
        let type_name = (source.type_name)();
        let value =
            (source.make)().await.map_err(|reason| BackendError::Failed { type_name, reason })?;
        self.values.insert((source.type_id)(), (type_name, value));
        Ok(())
    }

    /// A clone of the value of type `B`, for the field `field` of the step `step`.
    ///
    /// # Errors
    /// [`BackendError::Missing`] when there is none.
    pub fn get<B: Any + Clone + Send + Sync>(
        &self,
        step: &'static str,
        field: &'static str,
    ) -> Result<B, BackendError> {
        self.values
            .get(&TypeId::of::<B>())
            .and_then(|(_, value)| value.downcast_ref::<B>())
            .cloned()
            .ok_or_else(|| BackendError::Missing {
                step,
                field,
                type_name: type_name::<B>(),
                known: self.known(),
            })
    }

    fn known(&self) -> String {
        if self.values.is_empty() {
            return "none".into();
        }
        let mut names: Vec<_> = self.values.values().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.join(", ")
    }
}

/// Links a backend into every binary that names this crate: the type, and an async function
/// without arguments that makes it, as a rule from the environment.
///
/// ```
/// #[derive(Clone)]
/// struct Dns { zone: String }
///
/// async fn from_env() -> Result<Dns, std::env::VarError> {
///     Ok(Dns { zone: std::env::var("DNS_ZONE")? })
/// }
///
/// xos_sync_core::backend!(Dns, from_env);
/// ```
#[macro_export]
macro_rules! backend {
    ($type:ty, $make:expr) => {
        $crate::__private::inventory::submit! {
            $crate::step::BackendSource {
                type_id: ::std::any::TypeId::of::<$type>,
                type_name: ::std::any::type_name::<$type>,
                make: || ::std::boxed::Box::pin(async {
                    match ($make)().await {
                        Ok(backend) => {
                            let backend: $type = backend;
                            Ok(::std::sync::Arc::new(backend)
                                as ::std::sync::Arc<dyn ::std::any::Any + Send + Sync>)
                        }
                        Err(error) => Err($crate::error::chain(&error)),
                    }
                }),
            }
        }
    };
}

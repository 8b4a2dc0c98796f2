//! The clouds that the controllers stand for, several at once.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::OnceCell;
use xos_sync_core::{Context, Id, Micros, Row, StepError, models::Controller};

use crate::client::{Cloud, CloudBuilder, CloudError, ConfigError, Credentials, Named, Scope};

/// What the column `backend_type` of a [`Controller`] says when it is an OpenStack cloud.
pub const BACKEND_TYPE: &str = "OpenStack";

/// The domain of a controller that names none.
const DOMAIN: &str = "Default";

/// The clouds of the controllers whose `backend_type` is [`BACKEND_TYPE`]: one client for each row,
/// kept as long as the row does not change. Cheap to clone.
///
/// A controller that has an `auth_url` is logged in to with its own `admin_user`, `admin_password`,
/// `admin_tenant` and `domain`. One that has none is the entry of its name in a clouds.yaml, or else
/// the cloud of the variables `OS_…`.
///
/// A cloud that hangs holds up nobody on the others: after a request that it did not answer in time, most
/// requests to it fail at once until one is answered again (see [`Wire`](xos_sync_core::http::Wire)).
#[derive(Clone, Default)]
pub struct Clouds {
    known: Arc<Mutex<HashMap<i64, Known>>>,
    timeout: Option<Duration>,
}

#[derive(Clone)]
struct Known {
    version: Micros,
    cloud: Cloud,
    domain: Arc<OnceCell<String>>,
    roles: KnownRoles,
}

/// Where a controller's projects and users are.
pub(crate) struct Place {
    pub(crate) controller: Row<Controller>,
    pub(crate) cloud: Cloud,
    /// The domain's id.
    pub(crate) domain: String,
    pub(crate) roles: KnownRoles,
}

/// The roles of a cloud that were asked for: ids by name. They hardly ever change.
#[derive(Clone, Default)]
pub(crate) struct KnownRoles(Arc<Mutex<HashMap<String, String>>>);

impl KnownRoles {
    pub(crate) fn id_of(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn learn(&self, name: &str, id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), id.to_owned());
    }

    /// After something was not found that may have been a role.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Clouds {
    /// None yet: they are made when they are asked for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long one request may take, connecting and reading the answer included; 60 seconds if not set.
    /// For clouds that were not asked for yet.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// As [`Clouds::new`], for [`backend!`](xos_sync_core::backend).
    pub(crate) async fn linked() -> Result<Self, Infallible> {
        Ok(Self::new())
    }

    /// The cloud of a controller.
    ///
    /// # Errors
    /// What is missing in the controller's row, or what the database answered.
    pub async fn of(&self, cx: &Context, id: Id<Controller>) -> Result<Cloud, StepError> {
        Ok(self.client(&cx.get(id).await?)?.cloud)
    }

    /// The cloud of a controller, and the domain in it: the one that the row names, else that of the
    /// project which is logged in to.
    pub(crate) async fn place(&self, cx: &Context, id: Id<Controller>) -> Result<Place, StepError> {
        let controller = cx.get(id).await?;
        let Known { cloud, domain, roles, .. } = self.client(&controller)?;
        let domain = domain.get_or_try_init(|| domain_of(&cloud, &controller)).await?.clone();
        Ok(Place { controller, cloud, domain, roles })
    }

    /// All OpenStack controllers that are not deleted, with their clouds, in the order of their keys.
    ///
    /// # Errors
    /// As [`Clouds::of`], of the first that is not right.
    pub async fn all(&self, cx: &Context) -> Result<Vec<(Row<Controller>, Cloud)>, StepError> {
        let filter = format!("backend_type = '{BACKEND_TYPE}'");
        let rows =
            cx.db().run(move |conn| Row::<Controller>::load(conn, &filter, i64::MAX)).await?;
        rows.into_iter()
            .map(|controller| {
                let cloud = self.client(&controller)?.cloud;
                Ok((controller, cloud))
            })
            .collect()
    }

    fn client(&self, controller: &Row<Controller>) -> Result<Known, StepError> {
        let mut known = self.known();
        let (key, version) = (controller.id.raw(), controller.bookkeeping().updated);
        if let Some(there) = known.get(&key).filter(|there| there.version == version) {
            return Ok(there.clone());
        }
        let cloud = self.made(controller).map_err(|why| {
            let object = controller.object_ref();
            StepError::transient(format!(
                "{object} cannot be used: {why}; it tries again by itself"
            ))
        })?;
        let new = Known { version, cloud, domain: Arc::default(), roles: KnownRoles::default() };
        known.insert(key, new.clone());
        Ok(new)
    }

    fn made(&self, controller: &Controller) -> Result<Cloud, String> {
        let mut builder = builder(controller)?;
        if let Some(limit) = self.timeout {
            builder = builder.timeout(limit);
        }
        builder.build().map_err(|error| error.to_string())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<i64, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Clouds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clouds").field("known", &self.known().len()).finish_non_exhaustive()
    }
}

async fn domain_of(cloud: &Cloud, controller: &Row<Controller>) -> Result<String, StepError> {
    let Some(name) = &controller.domain else {
        let own = async {
            let Some(project) = cloud.identity().await?.project_id else { return Ok(None) };
            Ok(cloud.project(&project).await?.domain_id)
        };
        let own = own.await.map_err(CloudError::into_step_error)?;
        return Ok(own.unwrap_or_else(|| "default".to_owned()));
    };
    let found = cloud.domain(name).await.map_err(CloudError::into_step_error)?;
    found.map(|domain| domain.id).ok_or_else(|| {
        StepError::transient(format!(
            "{} has no domain {name}: correct `domain` of {}; it tries again by itself",
            cloud.auth_url(),
            controller.object_ref()
        ))
    })
}

fn builder(controller: &Controller) -> Result<CloudBuilder, String> {
    let Some(auth_url) = &controller.auth_url else {
        let named = CloudBuilder::named(&controller.name)
            .or_else(|_: ConfigError| CloudBuilder::from_env());
        return named.map_err(|error| {
            format!("it has no auth_url, and {error}: fill in auth_url, admin_user, admin_password and admin_tenant")
        });
    };
    let missing = |column: &str| format!("it has an auth_url but no {column}: fill it in");
    let user = controller.admin_user.clone().ok_or_else(|| missing("admin_user"))?;
    let password = controller.admin_password.as_ref().ok_or_else(|| missing("admin_password"))?;
    let tenant = controller.admin_tenant.clone().ok_or_else(|| missing("admin_tenant"))?;
    let domain = Named::Name(controller.domain.clone().unwrap_or_else(|| DOMAIN.to_owned()));
    let credentials =
        Credentials::Password { user, domain: domain.clone(), password: password.clone() };
    Ok(Cloud::builder(auth_url, credentials).scope(Scope::ProjectName { name: tenant, domain }))
}

//! Where things belong: from a row to its controller, its project and its networks.

use xos_sync_core::{
    Context, Id, Model, Reason, Row, StepError,
    db::AnyConnection,
    models::{Controller, ControllerNetwork, ControllerSlice, Instance, Network, Slice},
    step::Ready,
};

use super::answers::patient;
use super::marks;
use crate::BACKEND_TYPE;

/// All rows for which an SQL condition holds, in the order of their keys.
pub(super) async fn rows<M: Model>(
    cx: &Context,
    condition: String,
) -> Result<Vec<Row<M>>, StepError> {
    Ok(cx.db().run(move |conn| Row::load(conn, &condition, i64::MAX)).await?)
}

/// The same, followed by the rows that are deleted and that the cloud may still have.
pub(super) async fn rows_and_deleted<M: Model>(
    cx: &Context,
    condition: String,
) -> Result<Vec<Row<M>>, StepError> {
    let both = move |conn: &mut AnyConnection| {
        let mut rows = Row::load(conn, &condition, i64::MAX)?;
        rows.extend(Row::load_deleted(conn, &condition, i64::MAX)?);
        Ok(rows)
    };
    Ok(cx.db().run(both).await?)
}

/// Keys, for `IN (…)`; one that no row has if there are none.
pub(super) fn list<M: Model>(ids: impl IntoIterator<Item = Id<M>>) -> String {
    let ids: Vec<_> = ids.into_iter().map(|id| id.raw().to_string()).collect();
    if ids.is_empty() { "-1".to_owned() } else { ids.join(", ") }
}

/// The OpenStack controllers. A listing goes on with the next one when one of them does not answer.
pub(super) async fn controllers(cx: &Context) -> Result<Vec<Row<Controller>>, StepError> {
    rows(cx, format!("NOT no_sync AND backend_type = '{BACKEND_TYPE}'")).await
}

/// The first of several errors, with which a listing ends after it has done what it could.
pub(super) fn first_error(errors: Vec<StepError>) -> Result<(), StepError> {
    errors.into_iter().next().map_or(Ok(()), Err)
}

/// The controller that runs an instance.
pub(super) async fn controller_of(
    cx: &Context,
    instance: &Instance,
) -> Result<Id<Controller>, StepError> {
    let node = cx.get(instance.node_id).await?;
    let link = cx.get(node.site_deployment_id).await?;
    link.controller_id.ok_or_else(|| {
        StepError::terminal(format!(
            "the node {} is in a site deployment without controller: choose another `node_id`, or fill in the \
             site deployment's `controller_id`",
            node.name
        ))
    })
}

/// The project of a slice on a controller; waited for when it is not there yet.
pub(super) async fn project_of<M>(
    cx: &Context,
    row: &Row<M>,
    slice: &Slice,
    controller: Id<Controller>,
) -> Result<Ready<String>, StepError> {
    let condition =
        format!("slice_id = {} AND controller_id = {}", slice.id.raw(), controller.raw());
    let known = rows::<ControllerSlice>(cx, condition).await?;
    Ok(match known.into_iter().find_map(|known| known.into_object().tenant_id) {
        Some(project) => Ready::Continue(project),
        None => {
            let message = format!("waiting for the project of slice {} on the cloud", slice.name);
            patient(row, Reason::BLOCKED_BY_PARENT, message).into()
        }
    })
}

/// A network that a slice's instances are on, and what one controller knows of it.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub(super) network: Row<Network>,
    pub(super) there: Option<Row<ControllerNetwork>>,
}

/// The networks of a slice: its own ones that connect by themselves, and those that it has joined.
pub(super) async fn networks_of(
    cx: &Context,
    slice: Id<Slice>,
    controller: Id<Controller>,
) -> Result<Vec<Joined>, StepError> {
    let condition = format!(
        "((owner_id = {slice} AND autoconnect) OR id IN (SELECT j.network_id FROM network_slices \
         AS j WHERE j.slice_id = {slice}))",
        slice = slice.raw()
    );
    let networks = rows::<Network>(cx, condition).await?;
    let condition = format!(
        "controller_id = {} AND network_id IN ({})",
        controller.raw(),
        list(networks.iter().map(|network| network.id))
    );
    let known = rows::<ControllerNetwork>(cx, condition).await?;
    let join = |network: Row<Network>| {
        let there = known.iter().find(|it| it.network_id == network.id).cloned();
        Joined { network, there }
    };
    Ok(networks.into_iter().map(join).collect())
}

impl Joined {
    /// The network's id on the cloud, once it is ready for use: its subnet comes after it.
    pub(super) fn ready(&self) -> Option<&String> {
        let there = self.there.as_ref()?;
        let ready = there.subnet_id.is_some() || there.bookkeeping().enacted.is_some();
        there.net_id.as_ref().filter(|_| ready)
    }
}

/// Whether a description or tags carry the uid of a row.
pub(super) fn carries<M>(row: &Row<M>, description: &str, tags: &[String]) -> bool {
    let uid = marks::uid(row);
    description.split(' ').any(|word| word == uid) || tags.contains(&uid)
}

/// Whether some wanted tags are missing.
pub(super) fn lacks(wanted: &[String], tags: &[String]) -> bool {
    !wanted.iter().all(|tag| tags.contains(tag))
}

//! What a cloud has of a row.

use xos_sync_core::{Row, StepError, models::Instance};

use super::goal::key_of;
use crate::client::{Cloud, CloudError, Server, ServerQuery, ServerStatus};
use crate::steps::answers::found;
use crate::steps::marks;

/// The servers of a row.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The one that stays.
    pub(super) kept: Option<Server>,
    /// Others beside it.
    pub(super) surplus: Vec<Server>,
    /// One that is being deleted.
    pub(super) leaving: Option<Server>,
}

impl Found {
    /// Looks in the client's project.
    pub(super) async fn look(cloud: &Cloud, row: &Row<Instance>) -> Result<Self, StepError> {
        Self::by(cloud, row, ServerQuery::default()).await
    }

    /// Looks in all projects.
    pub(super) async fn anywhere(cloud: &Cloud, row: &Row<Instance>) -> Result<Self, StepError> {
        let all = ServerQuery { all_projects: Some(true), ..ServerQuery::default() };
        Self::by(cloud, row, all).await
    }

    /// By tag, and by the recorded id if that did not find it.
    async fn by(cloud: &Cloud, row: &Row<Instance>, query: ServerQuery) -> Result<Self, StepError> {
        let query = ServerQuery { tag: Some(marks::uid(row)), ..query };
        let mut servers = cloud.servers(&query).all().await.map_err(CloudError::into_step_error)?;
        if let Some(id) = &row.instance_id
            && !servers.iter().any(|server| server.id == *id)
            && let Some(server) = found(cloud.server(id).await)?
            && server.metadata.get(&key_of(marks::UID)).is_some_and(|uid| uid == row.uid())
        {
            servers.push(server);
        }
        Ok(Self::sort(servers, row.instance_id.as_deref()))
    }

    /// PURE: which one stays.
    fn sort(servers: Vec<Server>, recorded: Option<&str>) -> Self {
        let (leaving, mut staying): (Vec<_>, Vec<_>) = servers.into_iter().partition(is_leaving);
        staying.sort_by(|a, b| {
            let key =
                |it: &Server| (Some(it.id.as_str()) != recorded, it.created.clone(), it.id.clone());
            key(a).cmp(&key(b))
        });
        let mut staying = staying.into_iter();
        Self {
            kept: staying.next(),
            surplus: staying.collect(),
            leaving: leaving.into_iter().next(),
        }
    }
}

fn is_leaving(server: &Server) -> bool {
    server.status == ServerStatus::Deleted || server.task_state.as_deref() == Some("deleting")
}

/// Clears what the row says of a server that is lost.
pub(super) fn forget(row: &mut Row<Instance>) {
    if let Some(lost) = row.instance_id.take() {
        tracing::warn!(%lost, "{} has lost its server", row.object_ref());
    }
    row.instance_uuid = None;
    row.instance_name = None;
    row.ip = None;
    row.backend_flavor = None;
    row.backend_image = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(id: &str, created: &str, task: Option<&str>) -> Server {
        let text = serde_json::json!({
            "id": id, "name": "web", "status": "ACTIVE", "OS-EXT-STS:task_state": task, "tenant_id": "p",
            "user_id": "u", "image": "", "flavor": {"original_name": "m1"}, "created": created,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn the_recorded_or_else_the_oldest_stays() {
        let all = || {
            vec![
                server("c", "2026-01-01T00:00:03Z", None),
                server("a", "2026-01-01T00:00:01Z", Some("deleting")),
                server("b", "2026-01-01T00:00:02Z", None),
            ]
        };
        for (recorded, kept, surplus) in
            [(None, "b", "c"), (Some("c"), "c", "b"), (Some("a"), "b", "c")]
        {
            let found = Found::sort(all(), recorded);
            assert_eq!(found.kept.unwrap().id, kept, "{recorded:?}");
            assert_eq!(
                found.surplus.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(),
                [surplus]
            );
            assert_eq!(found.leaving.unwrap().id, "a");
        }
    }
}

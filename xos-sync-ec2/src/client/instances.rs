//! Instances: what they are, and finding them.

use std::collections::BTreeSet;
use std::fmt;

use super::call::Call;
use super::params::Params;
use super::tags::listed;
use super::xml::{Element, Missing};
use super::{Ec2, Ec2Error, Filter, Pages, Tag};

/// How many ids one call names.
const CHUNK: usize = 100;

/// Where an instance is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Started; its system may still be booting.
    Running,
    /// On the way to `Terminated`.
    ShuttingDown,
    /// Gone for good; AWS still shows it for about an hour.
    Terminated,
    /// On the way to `Stopped`.
    Stopping,
    /// Off; can be started again.
    Stopped,
    /// A state this version does not know.
    Other(String),
}

impl InstanceState {
    /// The word AWS uses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Other(word) => word,
        }
    }

    /// Whether it is terminated or will be soon, and nothing can bring it back.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }

    /// All states of an instance that is not gone.
    #[must_use]
    pub fn living() -> [Self; 4] {
        [Self::Pending, Self::Running, Self::Stopping, Self::Stopped]
    }

    pub(super) fn read(parent: &Element, name: &'static str) -> Result<Self, Missing> {
        let state = parent.child(name).and_then(|state| state.text("name"));
        state.map(|word| Self::from(word.as_str())).ok_or(Missing(name))
    }
}

impl From<&str> for InstanceState {
    fn from(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "running" => Self::Running,
            "shutting-down" => Self::ShuttingDown,
            "terminated" => Self::Terminated,
            "stopping" => Self::Stopping,
            "stopped" => Self::Stopped,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An instance, as AWS shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// Its id, for example `i-0123456789abcdef0`.
    pub instance_id: String,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Why it is there, for example that AWS had no capacity to start it.
    pub state_reason: Option<String>,
    /// The image it was started from.
    pub image_id: Option<String>,
    /// For example `t3.micro`.
    pub instance_type: Option<String>,
    /// The key pair it was started with.
    pub key_name: Option<String>,
    /// The name of its zone, for example `eu-west-1a`.
    pub zone_name: Option<String>,
    /// Its address within the network.
    pub private_ip: Option<String>,
    /// Its address on the Internet; changes when it is stopped and started.
    pub public_ip: Option<String>,
    /// Its name within the network.
    pub private_dns_name: Option<String>,
    /// Its name on the Internet.
    pub public_dns_name: Option<String>,
    /// When it was last started, as AWS writes it.
    pub launch_time: Option<String>,
    /// The client token of the call that made it.
    pub client_token: Option<String>,
    /// The ids of its network volumes.
    pub volume_ids: Vec<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl Instance {
    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        Tag::value_in(&self.tags, key)
    }

    pub(super) fn read(item: &Element) -> Result<Self, Missing> {
        let placement = item.child("placement");
        let devices = item.items("blockDeviceMapping");
        Ok(Self {
            instance_id: item.required("instanceId")?,
            state: InstanceState::read(item, "instanceState")?,
            state_reason: item.child("stateReason").and_then(|reason| reason.text("message")),
            image_id: item.text("imageId"),
            instance_type: item.text("instanceType"),
            key_name: item.text("keyName"),
            zone_name: placement.and_then(|placement| placement.text("availabilityZone")),
            private_ip: item.text("privateIpAddress"),
            public_ip: item.text("ipAddress"),
            private_dns_name: item.text("privateDnsName"),
            public_dns_name: item.text("dnsName"),
            launch_time: item.text("launchTime"),
            client_token: item.text("clientToken"),
            volume_ids: devices
                .filter_map(|device| device.child("ebs")?.text("volumeId"))
                .collect(),
            tags: Tag::all(item),
        })
    }
}

/// Which instances to list. All conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct InstanceQuery {
    filters: Vec<Filter>,
}

impl InstanceQuery {
    /// All instances of the account in this region, terminated ones too. Narrow it down.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those that meet this condition.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Only those in one of these states, for example [`InstanceState::living`].
    #[must_use]
    pub fn states(self, states: impl IntoIterator<Item = InstanceState>) -> Self {
        let words = states.into_iter().map(|state| state.as_str().to_owned());
        self.filter(Filter::new("instance-state-name", words))
    }
}

impl Ec2 {
    /// Lists instances, up to 1,000 a page.
    ///
    /// # Errors
    /// At [`Pages::next`].
    pub fn describe_instances(&self, query: InstanceQuery) -> Pages<Instance> {
        self.instance_pages(query, 1000)
    }

    /// As [`describe_instances`](Self::describe_instances), with pages of at most this size: AWS takes
    /// 5 to 1,000.
    pub fn instance_pages(&self, query: InstanceQuery, page_size: u16) -> Pages<Instance> {
        let InstanceQuery { filters } = query;
        let params = Params::new().filters(&filters).set("MaxResults", page_size.to_string());
        let call = Call::reading("DescribeInstances", "list instances", params);
        let pages = Pages::new(self, call, read_reservations);
        if Filter::match_nothing(&filters) { pages.none() } else { pages }
    }

    /// The instances with these ids, each once and in no particular order, asked for in chunks of 100.
    /// Those that do not exist are left out; so may be those that were created seconds ago.
    ///
    /// # Errors
    /// `Invalid` when one of them is not the id of an instance.
    pub async fn describe_instances_by_id(
        &self,
        ids: &[impl AsRef<str>],
    ) -> Result<Vec<Instance>, Ec2Error> {
        let distinct: BTreeSet<&str> = ids.iter().map(AsRef::as_ref).collect();
        let ids: Vec<&str> = distinct.into_iter().collect();
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let wanted = || chunk.iter().copied();
            let asked = format!("look up {}", listed(chunk));
            let params = Params::new().list("InstanceId", wanted());
            let call = Call::reading("DescribeInstances", asked, params);
            match Pages::new(self, call, read_reservations).all().await {
                Ok(instances) => found.extend(instances),
                // One unknown id fails the quick way for all; a filter leaves it out.
                Err(error) if error.is_not_found() => {
                    let query = InstanceQuery::new().filter(Filter::new("instance-id", wanted()));
                    found.extend(self.describe_instances(query).all().await?);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

fn read_reservations(root: &Element) -> Result<Vec<Instance>, Missing> {
    let reservations = root.items("reservationSet");
    reservations
        .flat_map(|reservation| reservation.items("instancesSet"))
        .map(Instance::read)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_the_way_there_and_back() {
        for word in
            ["pending", "running", "shutting-down", "terminated", "stopping", "stopped", "dreaming"]
        {
            assert_eq!(InstanceState::from(word).to_string(), word);
        }
        assert!(InstanceState::living().iter().all(|state| !state.is_gone()));
    }
}

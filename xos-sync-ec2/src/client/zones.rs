//! Availability zones.

use super::call::Call;
use super::params::Params;
use super::xml::{Element, Missing};
use super::{Ec2, Ec2Error};

/// A zone of the region.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AvailabilityZone {
    /// Its name in this account, for example `eu-west-1a`.
    pub zone_name: String,
    /// Its id, the same in all accounts, for example `euw1-az1`.
    pub zone_id: Option<String>,
    /// The region it belongs to.
    pub region: Option<String>,
    /// `available`, `unavailable`, `information`, `impaired` or `constrained`.
    pub state: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    pub zone_type: Option<String>,
    /// `opt-in-not-required`, `opted-in` or `not-opted-in`.
    pub opt_in_status: Option<String>,
    /// What AWS says about its state.
    pub messages: Vec<String>,
}

impl AvailabilityZone {
    /// Whether instances can be started there now.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.state == "available" && self.opt_in_status.as_deref() != Some("not-opted-in")
    }

    fn read(item: &Element) -> Result<Self, Missing> {
        Ok(Self {
            zone_name: item.required("zoneName")?,
            zone_id: item.text("zoneId"),
            region: item.text("regionName"),
            // The API calls it `state`, older replies `zoneState`.
            state: item.text("zoneState").or_else(|| item.text("state")).unwrap_or_default(),
            zone_type: item.text("zoneType"),
            opt_in_status: item.text("optInStatus"),
            messages: item
                .items("messageSet")
                .filter_map(|message| message.text("message"))
                .collect(),
        })
    }
}

impl Ec2 {
    /// The zones of the region that this account can use.
    ///
    /// # Errors
    /// See [`ErrorKind`](super::ErrorKind).
    pub async fn describe_availability_zones(&self) -> Result<Vec<AvailabilityZone>, Ec2Error> {
        let asked = format!("list the availability zones of {}", self.region());
        let call = Call::reading("DescribeAvailabilityZones", asked, Params::new());
        self.call(&call, |root| {
            root.items("availabilityZoneInfo").map(AvailabilityZone::read).collect()
        })
        .await
    }
}

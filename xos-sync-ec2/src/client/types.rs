//! Which kinds of machine can be had where.

use super::call::Call;
use super::params::Params;
use super::{Ec2, Filter, Pages};

/// An instance type that a zone offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct InstanceTypeOffering {
    /// For example `t3.micro`.
    pub instance_type: String,
    /// The name of the zone, for example `eu-west-1a`.
    pub zone_name: String,
}

impl Ec2 {
    /// Lists the instance types that the zones of the region offer, up to 1,000 a page. Filters:
    /// `location` (the zone's name) and `instance-type`.
    ///
    /// # Errors
    /// At [`Pages::next`].
    pub fn describe_instance_type_offerings(
        &self,
        filters: &[Filter],
    ) -> Pages<InstanceTypeOffering> {
        let params = Params::new()
            .set("LocationType", "availability-zone")
            .filters(filters)
            .set("MaxResults", "1000");
        let asked = format!("list the instance types offered in {}", self.region());
        let call = Call::reading("DescribeInstanceTypeOfferings", asked, params);
        let pages = Pages::new(self, call, |root| {
            let items = root.items("instanceTypeOfferingSet");
            let offerings = items.map(|item| {
                Ok(InstanceTypeOffering {
                    instance_type: item.required("instanceType")?,
                    zone_name: item.required("location")?,
                })
            });
            offerings.collect()
        });
        if Filter::match_nothing(filters) { pages.none() } else { pages }
    }
}

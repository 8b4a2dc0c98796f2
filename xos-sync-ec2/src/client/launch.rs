//! Creating an instance.

use std::fmt;

use aws_smithy_types::base64;

use super::call::Call;
use super::params::Params;
use super::xml::Missing;
use super::{BlockDevice, Ec2, Ec2Error, Instance, Tag};

/// The instance to create. Only `client_token`, `image_id` and `instance_type` are needed:
/// `RunInstance { zone_name, ..RunInstance::new(token, image, "t3.micro") }`.
#[derive(Clone, Default)]
pub struct RunInstance {
    /// Names this creation, in up to 64 ASCII characters: AWS answers a repeated call with the same
    /// token with the same instance, also when it was terminated meanwhile. Not every server that
    /// imitates EC2 does: look for the tags first.
    pub client_token: String,
    /// The image to start.
    pub image_id: String,
    /// For example `t3.micro`.
    pub instance_type: String,
    /// The key pair whose owner may log in.
    pub key_name: Option<String>,
    /// What the image's cloud-init gets, as it is; at most 16 KiB. Secret.
    pub user_data: Option<Vec<u8>>,
    /// The zone to start it in, by name; AWS chooses if none.
    pub zone_name: Option<String>,
    /// The subnet to start it in; AWS takes the zone's default one if none.
    pub subnet_id: Option<String>,
    /// Its security groups; AWS takes the network's default one if none.
    pub security_group_ids: Vec<String>,
    /// Volumes that shall go away with the instance, usually all of [`Image::block_devices`](super::Image).
    pub disposable_devices: Vec<BlockDevice>,
    /// Tags that the instance and its volumes have from their first moment.
    pub tags: Vec<Tag>,
}

impl RunInstance {
    /// What is needed, and AWS's choice of everything else.
    #[must_use]
    pub fn new(
        client_token: impl Into<String>,
        image_id: impl Into<String>,
        instance_type: impl Into<String>,
    ) -> Self {
        Self {
            client_token: client_token.into(),
            image_id: image_id.into(),
            instance_type: instance_type.into(),
            ..Self::default()
        }
    }

    fn params(&self) -> Params {
        let mut params = Params::new()
            .set("ClientToken", &self.client_token)
            .set("MinCount", "1")
            .set("MaxCount", "1")
            .set("ImageId", &self.image_id)
            .set("InstanceType", &self.instance_type)
            .maybe("KeyName", self.key_name.as_ref())
            .maybe("Placement.AvailabilityZone", self.zone_name.as_ref())
            .maybe("SubnetId", self.subnet_id.as_ref())
            .list("SecurityGroupId", &self.security_group_ids)
            .tag_specifications(&["instance", "volume"], &self.tags);
        for (device, n) in self.disposable_devices.iter().zip(1..) {
            let name = |part: &str| format!("BlockDeviceMapping.{n}.{part}");
            params = params
                .set(name("DeviceName"), &device.device_name)
                .maybe(&name("Ebs.SnapshotId"), device.snapshot_id.as_ref())
                .set(name("Ebs.DeleteOnTermination"), "true");
        }
        match &self.user_data {
            Some(data) => params.secret("UserData", base64::encode(data)),
            None => params,
        }
    }
}

impl fmt::Debug for RunInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user_data = self.user_data.as_ref().map(|data| format!("{} bytes", data.len()));
        f.debug_struct("RunInstance")
            .field("client_token", &self.client_token)
            .field("image_id", &self.image_id)
            .field("instance_type", &self.instance_type)
            .field("key_name", &self.key_name)
            .field("user_data", &user_data)
            .field("zone_name", &self.zone_name)
            .field("subnet_id", &self.subnet_id)
            .field("security_group_ids", &self.security_group_ids)
            .field("disposable_devices", &self.disposable_devices)
            .field("tags", &self.tags)
            .finish()
    }
}

impl Ec2 {
    /// Creates one instance.
    ///
    /// # Errors
    /// `NotFound` when image, key pair, subnet or group do not exist; `Capacity` when there is no room;
    /// the `Idempotent…` kinds when the token was used before. When [`Ec2Error::outcome_unknown`], an
    /// instance may exist: find it by its tags, or call again with the same token.
    pub async fn run_instance(&self, instance: &RunInstance) -> Result<Instance, Ec2Error> {
        let asked =
            format!("start an instance of {} as {}", instance.image_id, instance.instance_type);
        let call = Call::changing("RunInstances", asked, instance.params());
        self.call(&call, |root| {
            let first = root.items("instancesSet").next().ok_or(Missing("instancesSet"))?;
            Instance::read(first)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_is_sent_and_not_shown() {
        let instance = RunInstance {
            user_data: Some(b"hush".to_vec()),
            ..RunInstance::new("t", "ami-1", "t3.micro")
        };
        assert!(
            format!("{instance:?}").contains("4 bytes")
                && !format!("{instance:?}").contains("hush")
        );
        assert!(instance.params().form("RunInstances").ends_with("&UserData=aHVzaA%3D%3D"));
    }

    #[test]
    fn devices_go_away_with_the_instance() {
        let device = BlockDevice {
            device_name: "/dev/sda1".to_owned(),
            snapshot_id: Some("snap-1".to_owned()),
            delete_on_termination: false,
        };
        let instance = RunInstance {
            disposable_devices: vec![device],
            ..RunInstance::new("t", "ami-1", "t3.micro")
        };
        let form = instance.params().form("RunInstances");
        let sent = "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap-1\
                    &BlockDeviceMapping.1.Ebs.DeleteOnTermination=true";
        assert!(form.contains(sent), "{form}");
    }
}

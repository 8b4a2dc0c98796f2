//! Starting, stopping, resizing and terminating instances.

use super::call::Call;
use super::params::Params;
use super::tags::listed;
use super::xml::{Element, Missing};
use super::{Ec2, Ec2Error, InstanceState};

/// What a call did to an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateChange {
    /// The instance.
    pub instance_id: String,
    /// Its state before.
    pub previous: InstanceState,
    /// Its state now: usually one on the way to what was asked for.
    pub current: InstanceState,
}

impl StateChange {
    fn read(item: &Element) -> Result<Self, Missing> {
        Ok(Self {
            instance_id: item.required("instanceId")?,
            previous: InstanceState::read(item, "previousState")?,
            current: InstanceState::read(item, "currentState")?,
        })
    }
}

/// In each of these calls AWS refuses all instances when it refuses one: name one instance a call, unless
/// all are known to be well.
impl Ec2 {
    /// Starts stopped instances. Running ones stay so.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when one is stopping, or gone for good; `Capacity`.
    pub async fn start_instances(
        &self,
        ids: &[impl AsRef<str>],
    ) -> Result<Vec<StateChange>, Ec2Error> {
        self.switch("StartInstances", "start", ids).await
    }

    /// Stops running instances; their network volumes stay. Stopped ones stay so.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when one is still starting, or gone for good.
    pub async fn stop_instances(
        &self,
        ids: &[impl AsRef<str>],
    ) -> Result<Vec<StateChange>, Ec2Error> {
        self.switch("StopInstances", "stop", ids).await
    }

    /// Ends instances for good. Terminated ones stay so, as long as AWS shows them.
    ///
    /// # Errors
    /// `NotFound` when one never existed or ended long ago; `Conflict` when one is protected.
    pub async fn terminate_instances(
        &self,
        ids: &[impl AsRef<str>],
    ) -> Result<Vec<StateChange>, Ec2Error> {
        self.switch("TerminateInstances", "terminate", ids).await
    }

    /// Gives a stopped instance another type.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not stopped; `Invalid` when the type does not exist or does not
    /// fit its image.
    pub async fn modify_instance_type(
        &self,
        id: &str,
        instance_type: &str,
    ) -> Result<(), Ec2Error> {
        let asked = format!("make {id} a {instance_type}");
        let params = Params::new().set("InstanceId", id).set("InstanceType.Value", instance_type);
        self.call(&Call::changing("ModifyInstanceAttribute", asked, params), |_| Ok(())).await
    }

    async fn switch(
        &self,
        action: &'static str,
        verb: &str,
        ids: &[impl AsRef<str>],
    ) -> Result<Vec<StateChange>, Ec2Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let params = Params::new().list("InstanceId", ids.iter().map(AsRef::as_ref));
        let call = Call::changing(action, format!("{verb} {}", listed(ids)), params);
        self.call(&call, |root| root.items("instancesSet").map(StateChange::read).collect()).await
    }
}

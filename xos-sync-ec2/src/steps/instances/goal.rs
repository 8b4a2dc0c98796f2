//! What an instance should be, read from its row and those that it references.

use xos_sync_core::{
    Context, Row, StepError,
    models::{Instance, Isolation},
};

use crate::client::Tag;
use crate::steps::marks::{self, SLICE_TAG};
use crate::steps::nodes;

/// What an instance should be, in EC2's words.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) ami: String,
    /// What people call the image.
    pub(super) image_name: String,
    pub(super) instance_type: String,
    pub(super) zone: String,
    pub(super) key_name: Option<String>,
    pub(super) tags: Vec<Tag>,
}

impl Goal {
    pub(super) async fn read(cx: &Context, instance: &Row<Instance>) -> Result<Self, StepError> {
        if instance.isolation != Isolation::Vm {
            return Err(StepError::terminal(
                "on Amazon EC2 there are virtual machines only: set `isolation` to vm",
            ));
        }
        let node = cx.get(instance.node_id).await?;
        let Some((of_node, zone)) = nodes::parse(&node.name) else {
            return Err(StepError::terminal(format!(
                "the node {} is not one of Amazon EC2's, which are named like t3.micro.us-east-1a: choose another \
                 `node_id`",
                node.name
            )));
        };
        let image = cx.get(instance.image_id).await?.into_object();
        let Some(ami) = image.backend_id else {
            return Err(StepError::terminal(format!(
                "the image {} is not one of Amazon EC2's, which have an AMI's id as `path`: choose another \
                 `image_id`",
                image.name
            )));
        };
        let slice = cx.get(instance.slice_id).await?;
        let flavor = instance.flavor_id.or(slice.default_flavor_id);
        let flavor = cx.get_optional(flavor).await?.map(Row::into_object);
        let creator = cx.get_optional(instance.creator_id).await?.map(Row::into_object);
        let mut tags = marks::tags(cx, instance, &instance.name);
        tags.push(Tag::new(SLICE_TAG, marks::cut(&slice.name)));
        Ok(Self {
            ami,
            image_name: image.name,
            instance_type: flavor.map_or_else(|| of_node.to_owned(), |flavor| flavor.flavor),
            zone: zone.to_owned(),
            key_name: creator.and_then(|user| user.key_name.filter(|_| user.public_key.is_some())),
            tags,
        })
    }
}

//! Images.

use crate::{Id, model};

crate::choices! {
    /// What an image is for.
    pub enum ImageKind {
        /// Virtual machines.
        Vm = "vm",
        /// Containers.
        Container = "container",
    }
}

/// What instances boot from. It stays until no instance needs it.
#[model(table = images)]
pub struct Image {
    /// Its key.
    pub id: Id<Image>,
    /// What people call it.
    #[unique]
    pub name: String,
    /// What it is for.
    #[choice]
    #[default(ImageKind::Vm)]
    pub kind: ImageKind,
    /// How the disk is laid out, such as `QCOW2`.
    pub disk_format: Option<String>,
    /// What is around the disk, such as `BARE`.
    pub container_format: Option<String>,
    /// The file, or the container image's name.
    pub path: Option<String>,
    /// The container image's tag.
    pub tag: Option<String>,
    /// What the backend calls it, where one backend has all images (an AMI on EC2).
    #[backend]
    pub backend_id: Option<String>,
}

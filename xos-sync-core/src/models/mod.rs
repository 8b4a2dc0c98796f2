//! The core data model: what Synchronizers for clouds have in common.
//!
//! Which model references which (`?` marks a column that may be empty, `*` one that passes a
//! deletion on):
//!
//! - a [`Site`] owns [`User`]s and [`Slice`]s; a [`Deployment`] is run by [`Controller`]s
//! - [`SiteDeployment`] → `Site`*, `Deployment`*, `Controller`?
//! - [`Node`] → `SiteDeployment`*, `Site`?
//! - [`User`] → `Site`; [`SitePrivilege`] → `User`*, `Site`*, [`SiteRole`]
//! - [`Slice`] → `Site`, [`Service`]?, `User`?, [`Flavor`]?, [`Image`]?;
//!   [`SlicePrivilege`] → `User`*, `Slice`*, [`SliceRole`]
//! - [`Network`] → [`NetworkTemplate`], `Slice`*; [`NetworkSlice`] → `Network`*, `Slice`*;
//!   [`Router`] → `Slice`*
//! - [`Instance`] → `Slice`*, `Image`, `Deployment`, `Node`, `Flavor`?, `User`?, `Instance`?;
//!   [`Port`] → `Network`*, `Instance`?*
//! - [`ControllerSite`], [`ControllerSlice`], [`ControllerUser`], [`ControllerImage`],
//!   [`ControllerNetwork`], [`ControllerSitePrivilege`], [`ControllerSlicePrivilege`] → what
//!   they are named after*, `Controller`*
//! - [`Tag`] → `Service`?*, and any row by table and key
//!
//! What only joins two others, or lives inside another, is deleted along with it. What people
//! own is not: a site stays until its slices and users are gone, an image until no instance
//! needs it.
//!
//! Users, scripts and web forms write all columns but those marked as backend columns, which
//! Synchronizers write. Models of your own reference these like any other:
//! `#[references(Slice)] pub slice_id: Id<Slice>`.

mod controller;
mod deployment;
mod image;
mod instance;
mod network;
mod service;
mod site;
mod slice;
mod user;

pub use controller::{
    ControllerImage, ControllerNetwork, ControllerSite, ControllerSitePrivilege, ControllerSlice,
    ControllerSlicePrivilege, ControllerUser, NewControllerImage, NewControllerNetwork,
    NewControllerSite, NewControllerSitePrivilege, NewControllerSlice, NewControllerSlicePrivilege,
    NewControllerUser, controller_images, controller_networks, controller_site_privileges,
    controller_sites, controller_slice_privileges, controller_slices, controller_users,
};
pub use deployment::{
    Controller, Deployment, Flavor, NewController, NewDeployment, NewFlavor, NewNode,
    NewSiteDeployment, Node, SiteDeployment, controllers, deployments, flavors, nodes,
    site_deployments,
};
pub use image::{Image, ImageKind, NewImage, images};
pub use instance::{Instance, Isolation, NewInstance, instances};
pub use network::{
    Access, Network, NetworkSlice, NetworkTemplate, NewNetwork, NewNetworkSlice,
    NewNetworkTemplate, NewPort, NewRouter, Port, Router, Translation, Visibility, network_slices,
    network_templates, networks, ports, routers,
};
pub use service::{NewService, NewTag, Service, Tag, services, tags};
pub use site::{
    NewSite, NewSitePrivilege, NewSiteRole, Site, SitePrivilege, SiteRole, SiteRoleKind,
    site_privileges, site_roles, sites,
};
pub use slice::{
    NewSlice, NewSlicePrivilege, NewSliceRole, Slice, SliceNetwork, SlicePrivilege, SliceRole,
    SliceRoleKind, slice_privileges, slice_roles, slices,
};
pub use user::{NewUser, User, users};

// Joins between any of them, with the condition spelled out: `.inner_join(sites::table.on(…))`.
diesel::allow_tables_to_appear_in_same_query!(
    controller_images,
    controller_networks,
    controller_site_privileges,
    controller_sites,
    controller_slice_privileges,
    controller_slices,
    controller_users,
    controllers,
    deployments,
    flavors,
    images,
    instances,
    network_slices,
    network_templates,
    networks,
    nodes,
    ports,
    routers,
    services,
    site_deployments,
    site_privileges,
    site_roles,
    sites,
    slice_privileges,
    slice_roles,
    slices,
    tags,
    users,
);

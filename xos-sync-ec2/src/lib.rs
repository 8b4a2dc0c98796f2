//! The EC2 Synchronizer: keeps instances and key pairs on Amazon EC2 in line with the goal state, and
//! the goal state's sites, nodes and images in line with what EC2 offers.
//!
//! Name this crate in your program (`use xos_sync_ec2 as _;`), and its steps are linked in. They work on
//! the core data model, for everything that belongs to the [`Deployment`](xos_sync_core::models::Deployment)
//! named [`Amazon EC2`](steps::DEPLOYMENT), in the one region that the client is configured for.
//!
//! | step | every | for each row | lists |
//! |---|---|---|---|
//! | [`SyncDeployments`](steps::SyncDeployments) | day | nothing | adds the deployment `Amazon EC2` |
//! | [`SyncSites`](steps::SyncSites) | hour | the zone must be offered | adds a site for each availability zone |
//! | [`SyncSiteDeployments`](steps::SyncSiteDeployments) | day | the zone must be offered | links these sites to the deployment |
//! | [`SyncNodes`](steps::SyncNodes) | hour | the zone must offer the type | adds a node `type.zone` for each type of the [`NodeCatalog`] |
//! | [`SyncImages`](steps::SyncImages) | hour | the AMI must be usable | adds the AMIs of the [`ImageCatalog`] |
//! | [`SyncUsers`](steps::SyncUsers) | hour | a key pair for each user that has a public key | finds key pairs that are gone |
//! | [`SyncInstances`](steps::SyncInstances) | minute | one instance, see there | finds instances that are gone, stopped or changed |
//!
//! A zone, AMI or type that EC2 no longer offers is an error on its row, and holds back what refers to it.
//! A listed row that is deleted comes back with the next listing, as long as EC2 offers the thing.
//!
//! # Configuration
//! Region, credentials, profile and endpoint come from where all AWS tools look
//! ([`Ec2::from_env`](client::Ec2::from_env)); which images and types are listed from
//! [`ImageCatalog::from_env`] and [`NodeCatalog::from_env`]. A program that embeds the Synchronizer may
//! give any of the three to its builder instead: `.backend(ec2)`.
//!
//! # Marks
//! All that is made carries three tags from its first moment, by which it is found again after a lost
//! answer: `xos:uid` (the row's identity), `xos:synchronizer` and `Name`. Instances and their volumes
//! carry `xos:slice` too. Leave the first two alone.
//!
//! # Permissions
//! `ec2:DescribeAvailabilityZones`, `ec2:DescribeInstanceTypeOfferings`, `ec2:DescribeImages`,
//! `ec2:DescribeKeyPairs`, `ec2:ImportKeyPair`, `ec2:DeleteKeyPair`, `ec2:DescribeInstances`,
//! `ec2:RunInstances`, `ec2:StartInstances`, `ec2:StopInstances`, `ec2:ModifyInstanceAttribute`,
//! `ec2:TerminateInstances`, `ec2:CreateTags`, `ec2:DescribeVolumes`, `ec2:DeleteVolume`.

pub mod client;
pub mod steps;

mod catalog;

pub use catalog::{ImageCatalog, NodeCatalog};

xos_sync_core::backend!(client::Ec2, client::Ec2::from_env);
xos_sync_core::backend!(ImageCatalog, ImageCatalog::from_env);
xos_sync_core::backend!(NodeCatalog, NodeCatalog::from_env);

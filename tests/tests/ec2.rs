//! The EC2 Synchronizer against a real EC2 API: moto, with AWS's own library as the witness of what is
//! there. A proxy between them counts calls and makes some fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "ec2/breaks.rs"]
mod breaks;
#[path = "ec2/bring_up.rs"]
mod bring_up;
#[path = "ec2/changes.rs"]
mod changes;
#[path = "ec2/faults.rs"]
mod faults;
#[path = "ec2/keys.rs"]
mod keys;
#[path = "ec2/listings.rs"]
mod listings;
#[path = "ec2/moto.rs"]
#[allow(dead_code)] // what only the crash test uses
mod moto;
#[path = "ec2/proxy.rs"]
mod proxy;
#[path = "ec2/world.rs"]
mod world;

//! The OpenStack Synchronizer of xos-sync: so far its [`client`]. Its steps are not written yet.

pub mod client;

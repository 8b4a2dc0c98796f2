//! The OpenStack Synchronizer of xos-sync. Its steps are not written yet.

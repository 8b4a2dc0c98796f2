//! Scenarios that cross the crates of xos-sync.

//! How things on OpenStack are known to be a row's.
//!
//! Projects, networks, subnets, routers, ports and servers carry two tags; what has no tags carries
//! the same in its description or its properties.

use xos_sync_core::{Context, Row};

/// What stands before a row's uid, which is never used again, in a tag.
pub const UID: &str = "xos-uid=";
/// What stands before the name of the Synchronizer in a tag.
pub const SYNCHRONIZER: &str = "xos-synchronizer=";

/// The tag that says which row a thing is of.
pub(super) fn uid<M>(row: &Row<M>) -> String {
    format!("{UID}{}", row.uid())
}

/// The tag that says whose things they are.
pub(super) fn synchronizer(cx: &Context) -> String {
    format!("{SYNCHRONIZER}{}", cx.synchronizer())
}

/// The tags for what is made for this row.
pub(super) fn tags<M>(cx: &Context, row: &Row<M>) -> Vec<String> {
    vec![uid(row), synchronizer(cx)]
}

/// The same as a text, for what has no tags.
pub(super) fn description<M>(cx: &Context, row: &Row<M>) -> String {
    tags(cx, row).join(" ")
}

/// Whether a description has this mark.
pub(super) fn is_in(mark: &str, description: Option<&str>) -> bool {
    description.is_some_and(|text| text.split_whitespace().any(|word| word == mark))
}

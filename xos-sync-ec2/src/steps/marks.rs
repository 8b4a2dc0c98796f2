//! The tags by which things on EC2 are known to be a row's.

use xos_sync_core::{Context, Row};

use crate::client::{Filter, Tag};

/// The tag that holds the row's uid, which is never used again.
pub const UID_TAG: &str = "xos:uid";
/// The tag that holds the name of the Synchronizer.
pub const SYNCHRONIZER_TAG: &str = "xos:synchronizer";
/// The tag that holds the name of the instance's slice.
pub const SLICE_TAG: &str = "xos:slice";
/// The tag that consoles show as the name.
pub const NAME_TAG: &str = "Name";

/// EC2 takes no longer values.
const LONGEST: usize = 256;

/// The tags for what is made for this row.
pub(super) fn tags<M>(cx: &Context, row: &Row<M>, name: &str) -> Vec<Tag> {
    vec![
        Tag::new(UID_TAG, row.uid()),
        Tag::new(SYNCHRONIZER_TAG, cx.synchronizer()),
        Tag::new(NAME_TAG, cut(name)),
    ]
}

/// A tag's value, of the length that EC2 takes.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// The filters for what was made for this row.
pub(super) fn made_for<M>(cx: &Context, row: &Row<M>) -> [Filter; 2] {
    [Filter::tag(UID_TAG, row.uid()), Filter::tag(SYNCHRONIZER_TAG, cx.synchronizer())]
}

/// The wanted tags that are missing or have another value.
pub(super) fn differing(wanted: &[Tag], found: &[Tag]) -> Vec<Tag> {
    let differs = |tag: &&Tag| !found.contains(tag);
    wanted.iter().filter(differs).cloned().collect()
}

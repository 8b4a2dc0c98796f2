//! Plain data about a step: what `#[sync_step(…)]` says.

use std::time::Duration;

use crate::model::ModelInfo;

/// What a step is, apart from its code.
#[derive(Debug)]
pub struct StepSpec {
    /// The struct's name; unique within a Synchronizer.
    pub name: &'static str,
    /// The Synchronizer that the step belongs to.
    pub synchronizer: &'static str,
    /// The models that place the step in the dependency graph.
    pub provides: &'static [fn() -> &'static ModelInfo],
    /// The models whose rows the step is called with.
    pub observes: &'static [fn() -> &'static ModelInfo],
    /// How often the step comes round by itself: its `fetch_pending` is called that often.
    pub interval: Duration,
    /// How many rows are in hand at once.
    pub concurrency: usize,
    /// The budget that each call draws on; see [`Budget`](crate::budget::Budget).
    pub budget: Option<&'static str>,
    /// How long one call may take before it is given up.
    pub timeout: Duration,
    /// An SQL condition on the observed rows: the others are none of the step's business.
    pub only: Option<&'static str>,
}

impl StepSpec {
    /// Rows in hand at once, unless the step says otherwise.
    pub const DEFAULT_CONCURRENCY: usize = 8;
    /// How long one call may take, unless the step says otherwise.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

    /// The name of a Synchronizer whose steps live in this crate, when they do not say:
    /// `ec2` for the crate `xos_sync_ec2`, and the crate's own name elsewhere.
    pub const fn synchronizer_of(crate_name: &'static str) -> &'static str {
        let (name, prefix) = (crate_name.as_bytes(), b"xos_sync_");
        let mut at = 0;
        while at < prefix.len() {
            if at >= name.len() || name[at] != prefix[at] {
                return crate_name;
            }
            at += 1;
        }
        match crate_name.split_at_checked(prefix.len()) {
            Some((_, rest)) if !rest.is_empty() => rest,
            _ => crate_name,
        }
    }

    /// The observed models' descriptions.
    pub fn observed(&self) -> impl Iterator<Item = &'static ModelInfo> {
        self.observes.iter().map(|model| model())
    }

    /// The provided models' descriptions.
    pub fn provided(&self) -> impl Iterator<Item = &'static ModelInfo> {
        self.provides.iter().map(|model| model())
    }
}

#[cfg(test)]
mod tests {
    use super::StepSpec;

    #[test]
    fn a_synchronizer_is_named_after_its_crate() {
        for (crate_name, name) in [
            ("xos_sync_ec2", "ec2"),
            ("quickstart", "quickstart"),
            ("xos_sync_", "xos_sync_"),
            ("xos", "xos"),
        ] {
            assert_eq!(StepSpec::synchronizer_of(crate_name), name);
        }
    }
}

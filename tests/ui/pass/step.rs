//! One and several observed models, fields from backends, every option.
#![deny(missing_docs, warnings)]

use std::time::Duration;

use xos_sync_core::{Outcome, 
    Context, Row, StepDef, StepResult, SyncStep,
    models::{Site, Slice},
    registry::Registry,
    step::Backends,
    sync_step,
};

/// A backend.
#[derive(Clone)]
pub struct Dns {
    zone: String,
}

/// Syncs sites.
#[sync_step(provides = Site, interval = 3600)]
pub struct SyncSites {
    dns: Dns,
}

impl SyncStep for SyncSites {
    async fn sync_record(&self, _: &Context, site: &mut Row<Site>) -> StepResult {
        assert_ne!(site.name, self.dns.zone);
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }
}

/// Syncs some of both.
#[sync_step(
    provides = [Slice],
    observes = [Site, xos_sync_core::models::Slice],
    interval = 60,
    concurrency = 2,
    timeout = 5,
    only = "enabled",
    synchronizer = "other",
)]
pub struct SyncBoth;

impl SyncStep<Site> for SyncBoth {
    async fn sync_record(&self, _: &Context, _: &mut Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Site>) -> StepResult {
        Ok(Outcome::Done)
    }
}

impl SyncStep<Slice> for SyncBoth {
    async fn sync_record(&self, _: &Context, _: &mut Row<Slice>) -> StepResult {
        Ok(Outcome::Done)
    }

    async fn delete_record(&self, _: &Context, _: &Row<Slice>) -> StepResult {
        Ok(Outcome::Done)
    }
}

fn main() {
    let spec = SyncSites::SPEC;
    assert_eq!((spec.name, spec.interval), ("SyncSites", Duration::from_secs(3600)));
    assert_eq!(spec.synchronizer, env!("CARGO_CRATE_NAME"));
    assert_eq!(spec.observed().next(), spec.provided().next());

    let spec = SyncBoth::SPEC;
    assert_eq!((spec.synchronizer, spec.only), ("other", Some("enabled")));
    assert_eq!((spec.concurrency, spec.timeout), (2, Duration::from_secs(5)));
    assert_eq!(spec.provided().map(|model| model.name).collect::<Vec<_>>(), ["Slice"]);
    assert_eq!(spec.observed().map(|model| model.name).collect::<Vec<_>>(), ["Site", "Slice"]);

    let mut backends = Backends::default();
    let error = (SyncSites::registration().build)(&backends).err().unwrap().to_string();
    assert!(error.starts_with("step SyncSites needs a backend of type"), "{error}");
    assert!(error.contains("Dns for its field `dns`"), "{error}");
    backends.insert(Dns { zone: "example.org".into() });
    let observed = (SyncSites::registration().build)(&backends).ok().unwrap();
    assert_eq!(observed[0].model().name, "Site");
    assert_eq!((SyncBoth::registration().build)(&backends).ok().unwrap().len(), 2);

    let by_hand = Registry::default().step(SyncSites::registration());
    assert_eq!(by_hand.steps().len(), 1);
}

//! PURE: what has been heard and not been looked at yet, in bounded space.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, RowKey};

/// Rows of a model that are remembered one by one; beyond it the whole model is.
const MOST_ROWS: usize = 64;

/// Enacted rows of a model that are remembered one by one; beyond it everything is looked at.
const MOST_ENACTED: usize = 8_192;

/// Everything that was heard since the last look.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Hints {
    /// Anything may have changed.
    pub(crate) anything: bool,
    /// Something has changed, and nobody heard what.
    pub(crate) unheard: bool,
    /// Every step is to come round.
    pub(crate) come_round: bool,
    /// Processes that share the work have changed.
    pub(crate) members: bool,
    /// Models of which any row may have changed.
    pub(crate) models: BTreeSet<&'static str>,
    /// Rows that may have changed, by table.
    pub(crate) rows: BTreeMap<&'static str, BTreeSet<RowKey>>,
    /// Rows that other processes enacted, by table.
    pub(crate) enacted: BTreeMap<&'static str, BTreeSet<i64>>,
}

impl Hints {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Collects events. Whatever comes, it takes no more space than the tables that it knows and
/// a few rows of each.
#[derive(Debug, Default)]
pub(crate) struct Latch {
    tables: BTreeSet<&'static str>,
    hints: Hints,
}

impl Latch {
    /// For the models of these tables.
    pub(crate) fn new(tables: impl IntoIterator<Item = &'static str>) -> Self {
        Self { tables: tables.into_iter().collect(), hints: Hints::default() }
    }

    /// Notes an event; whether it concerns anything that is known here.
    pub(crate) fn note(&mut self, event: Event) -> bool {
        match event {
            Event::Changed => {
                self.hints.unheard = true;
                self.changed_often();
            }
            Event::ComeRound => self.hints.come_round = true,
            Event::MembersChanged => self.hints.members = true,
            Event::ModelChanged { table } => {
                let Some(table) = self.known(&table) else { return false };
                self.model(table);
            }
            Event::RowChanged { table, row } => {
                let Some(table) = self.known(&table) else { return false };
                self.row(table, row);
            }
            Event::Enacted { table, ids } => {
                let Some(table) = self.known(&table) else { return false };
                self.enacted(table, ids);
            }
        }
        true
    }

    /// So much changed that nobody listens to each of it.
    pub(crate) fn changed_often(&mut self) {
        self.hints.anything = true;
    }

    /// What has gathered; nothing is left.
    pub(crate) fn take(&mut self) -> Hints {
        std::mem::take(&mut self.hints)
    }

    fn known(&self, table: &str) -> Option<&'static str> {
        self.tables.get(table).copied()
    }

    fn model(&mut self, table: &'static str) {
        self.hints.rows.remove(table);
        self.hints.models.insert(table);
    }

    fn row(&mut self, table: &'static str, row: RowKey) {
        if self.hints.models.contains(table) {
            return;
        }
        let rows = self.hints.rows.entry(table).or_default();
        rows.insert(row);
        if rows.len() > MOST_ROWS {
            self.model(table);
        }
    }

    fn enacted(&mut self, table: &'static str, ids: Vec<i64>) {
        let enacted = self.hints.enacted.entry(table).or_default();
        enacted.extend(ids);
        if enacted.len() > MOST_ENACTED {
            self.hints.enacted.remove(table);
            self.hints.anything = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64) -> Event {
        Event::RowChanged { table: "farms".into(), row: RowKey::Id(id) }
    }

    #[test]
    fn a_storm_takes_no_more_space_than_its_models() {
        let mut latch = Latch::new(["farms"]);
        for id in 0..100_000 {
            assert!(latch.note(row(id)));
        }
        let hints = latch.take();
        assert_eq!(hints.models, BTreeSet::from(["farms"]));
        assert!(hints.rows.is_empty());
        assert!(latch.take().is_empty());
    }

    #[test]
    fn one_row_that_changes_again_and_again_is_one_row() {
        let mut latch = Latch::new(["farms"]);
        for _ in 0..100_000 {
            latch.note(row(7));
        }
        assert_eq!(latch.take().rows["farms"], BTreeSet::from([RowKey::Id(7)]));
    }

    #[test]
    fn unknown_models_leave_nothing_behind() {
        let mut latch = Latch::new(["farms"]);
        assert!(!latch.note(Event::ModelChanged { table: "moons".into() }));
        assert!(latch.take().is_empty());
    }

    #[test]
    fn only_what_nobody_heard_of_calls_for_the_newest_rows() {
        let mut latch = Latch::new(["farms"]);
        latch.changed_often();
        let hints = latch.take();
        assert!(hints.anything && !hints.unheard);
        latch.note(Event::Changed);
        let hints = latch.take();
        assert!(hints.anything && hints.unheard);
    }

    #[test]
    fn enacted_rows_are_remembered_until_there_are_too_many() {
        let mut latch = Latch::new(["farms"]);
        latch.note(Event::Enacted { table: "farms".into(), ids: vec![1, 2, 1] });
        assert_eq!(latch.take().enacted["farms"], BTreeSet::from([1, 2]));
        latch.note(Event::Enacted { table: "farms".into(), ids: (0..10_000).collect() });
        let hints = latch.take();
        assert!(hints.anything && hints.enacted.is_empty());
    }
}

//! Ranges of addresses for networks that do not say.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use diesel::prelude::*;
use xos_sync_core::{
    Context, Row, StepError,
    db::AnyConnection,
    models::{ControllerNetwork, Network, controller_networks, networks},
};

/// How many there are: all /24 of 10.0.0.0/8.
const RANGES: i64 = 65_536;

/// An IPv4 range: its first address, and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range(u32, u8);

impl Range {
    /// None when it is not one of IPv4.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.trim().split_once('/')?;
        let (address, length) = (address.parse::<Ipv4Addr>().ok()?, length.parse::<u8>().ok()?);
        (length <= 32).then(|| Self(u32::from(address) & mask(length), length))
    }

    fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.1.min(other.1));
        self.0 & mask == other.0 & mask
    }
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

/// Whether two texts mean the same range.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    match (Range::parse(one), Range::parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.trim().eq_ignore_ascii_case(other.trim()),
    }
}

/// The range for a row: what it was given before, else a free one, which is on disk when this returns.
pub(super) async fn range_for(
    cx: &Context,
    row: &mut Row<ControllerNetwork>,
) -> Result<String, StepError> {
    if let Some(kept) = &row.subnet {
        return Ok(kept.clone());
    }
    let id = row.id;
    let chosen = cx
        .db()
        .write(move |conn| {
            let chosen = choose(conn, id.raw())?;
            diesel::update(controller_networks::table.filter(controller_networks::id.eq(id)))
                .set(controller_networks::subnet.eq(&chosen))
                .execute(conn)?;
            Ok(chosen)
        })
        .await?;
    row.subnet.clone_from(&chosen);
    chosen.ok_or_else(|| {
        StepError::terminal(format!(
            "no range of addresses is left for {}: put one into the network's `subnet`",
            row.object_ref()
        ))
    })
}

/// In a transaction that writes, so that no two rows choose the same. Ranges of deleted rows are in use
/// until the rows are gone.
fn choose(conn: &mut AnyConnection, key: i64) -> QueryResult<Option<String>> {
    let given: Vec<Option<String>> = networks::table
        .filter(networks::subnet.is_not_null())
        .select(networks::subnet)
        .distinct()
        .load(conn)?;
    let deleted = Row::<Network>::load_deleted(conn, "subnet IS NOT NULL", i64::MAX)?;
    let deleted = deleted.into_iter().map(|row| row.into_object().subnet);
    let given: Vec<_> =
        given.into_iter().chain(deleted).flatten().filter_map(|it| Range::parse(&it)).collect();
    let first = candidate(key, 0);
    let others = controller_networks::table.filter(controller_networks::id.ne(key));
    let taken: bool =
        diesel::select(diesel::dsl::exists(others.filter(controller_networks::subnet.eq(&first))))
            .get_result(conn)?;
    let mut used: BTreeSet<_> = Row::<ControllerNetwork>::load_deleted(conn, "TRUE", i64::MAX)?
        .into_iter()
        .filter_map(|row| row.into_object().subnet)
        .collect();
    if !taken && !used.contains(&first) && is_free(&first, &given) {
        return Ok(Some(first));
    }
    let others: Vec<Option<String>> = controller_networks::table
        .filter(controller_networks::id.ne(key))
        .select(controller_networks::subnet)
        .load(conn)?;
    used.extend(others.into_iter().flatten());
    Ok((1..RANGES)
        .map(|step| candidate(key, step))
        .find(|range| !used.contains(range) && is_free(range, &given)))
}

/// PURE: the range that follows from a key, or the so-and-so-many-th after it.
fn candidate(key: i64, step: i64) -> String {
    let number = key.wrapping_add(step).rem_euclid(RANGES);
    format!("10.{}.{}.0/24", number / 256, number % 256)
}

fn is_free(range: &str, given: &[Range]) -> bool {
    Range::parse(range).is_some_and(|range| !given.iter().any(|given| given.overlaps(range)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_from_keys_and_come_round_in_the_end() {
        for (key, range) in [
            (1, "10.0.1.0/24"),
            (258, "10.1.2.0/24"),
            (65_535, "10.255.255.0/24"),
            (65_536, "10.0.0.0/24"),
            (65_537, "10.0.1.0/24"),
        ] {
            assert_eq!(candidate(key, 0), range);
        }
        let all: BTreeSet<_> = (0..RANGES).map(|step| candidate(77, step)).collect();
        assert_eq!(all.len(), 65_536);
    }

    #[test]
    fn overlaps_are_seen() {
        let given = ["10.0.0.0/16", "192.168.1.9/24", "fd00::/64"];
        let given: Vec<_> = given.iter().filter_map(|text| Range::parse(text)).collect();
        assert_eq!(given.len(), 2);
        assert!(!is_free("10.0.7.0/24", &given) && is_free("10.1.7.0/24", &given));
        assert!(is_same("192.168.1.9/24", " 192.168.1.0/24") && is_same("FD00::/64", "fd00::/64"));
        assert!(!is_same("10.0.0.0/16", "10.0.0.0/24") && is_same("0.0.0.0/0", "9.9.9.9/0"));
    }
}

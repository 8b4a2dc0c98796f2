//! PURE: whose rows are whose, where several processes share the work of one Synchronizer.
//!
//! Rows are dealt out by their keys into a fixed number of shards, and shards to processes, so
//! that one lease stands for many rows.

use std::fmt;

/// How many there are: enough to deal out evenly, few enough to look at all of them.
pub(crate) const COUNT: u32 = 64;

/// The shard whose owner lists what the backends have: one process for all steps, so that they
/// list in the order of the graph.
pub(crate) const LISTINGS: u32 = 0;

/// A set of shards.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shards(u64);

impl Shards {
    pub(crate) const ALL: Self = Self(u64::MAX);
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn is_empty(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn insert(&mut self, shard: u32) {
        self.0 |= 1 << (shard % COUNT);
    }

    pub(crate) fn contains(self, shard: u32) -> bool {
        self.0 >> (shard % COUNT) & 1 == 1
    }

    /// Whether the row with this key is in one of them.
    pub(crate) fn have(self, id: i64) -> bool {
        self.contains(of_row(id))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u32> {
        (0..COUNT).filter(move |shard| self.contains(*shard))
    }

    /// The SQL condition for a row with the alias `row`; `None` for all rows.
    pub(crate) fn condition(self, row: &str) -> Option<String> {
        let list = || self.iter().map(|shard| shard.to_string()).collect::<Vec<_>>().join(",");
        (self != Self::ALL).then(|| format!("({row}.sync_id & {}) IN ({})", COUNT - 1, list()))
    }
}

impl FromIterator<u32> for Shards {
    fn from_iter<I: IntoIterator<Item = u32>>(shards: I) -> Self {
        let mut all = Self::NONE;
        shards.into_iter().for_each(|shard| all.insert(shard));
        all
    }
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The shard that the row with this key is in.
pub(crate) fn of_row(id: i64) -> u32 {
    u32::try_from(id & i64::from(COUNT - 1)).unwrap_or_default()
}

/// What is due to `me` of these members, who must be the same for all who ask.
///
/// Rendezvous hashing with equal capacities: each shard goes to the member that it scores
/// highest with and that has room, so that one who comes or goes moves few shards of the others.
pub(crate) fn fair_share(members: &[String], me: &str) -> Shards {
    let mut loads = vec![0; members.len()];
    let room = COUNT.div_ceil(u32::try_from(members.len()).unwrap_or(COUNT).max(1));
    let mut mine = Shards::NONE;
    for shard in 0..COUNT {
        let open = members.iter().enumerate().filter(|(at, _)| loads[*at] < room);
        let best = open.max_by_key(|(_, member)| (score(member, shard), *member));
        let Some((at, member)) = best else { continue };
        loads[at] += 1;
        if member == me {
            mine.insert(shard);
        }
    }
    mine
}

/// FNV-1a, finished so that neighbours differ in all bits.
fn score(member: &str, shard: u32) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in member.bytes().chain(shard.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(members: &[String]) -> Vec<Shards> {
        members.iter().map(|member| fair_share(members, member)).collect()
    }

    fn members(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("member {at}")).collect()
    }

    #[test]
    fn every_shard_has_one_owner_and_nobody_much_more_than_others() {
        for count in 1..=70 {
            let shares = shares(&members(count));
            let mut owners = [0; COUNT as usize];
            for share in &shares {
                share.iter().for_each(|shard| owners[shard as usize] += 1);
                assert!(share.iter().count() <= COUNT.div_ceil(count as u32) as usize);
            }
            assert_eq!(owners, [1; COUNT as usize], "{count} members");
        }
        assert_eq!(fair_share(&members(1), "member 0"), Shards::ALL);
        assert_eq!(fair_share(&members(3), "a stranger"), Shards::NONE);
    }

    #[test]
    fn one_who_comes_moves_few_shards_of_the_others() {
        let (before, after) = (shares(&members(4)), shares(&members(5)));
        let kept: usize = before
            .iter()
            .zip(&after)
            .map(|(b, a)| b.iter().filter(|s| a.contains(*s)).count())
            .sum();
        assert!(kept >= 40, "{kept} of 64 stayed");
    }

    #[test]
    fn a_row_is_where_its_condition_says() {
        let shards: Shards = [0, 1, 63].into_iter().collect();
        assert_eq!(shards.condition("c").unwrap(), "(c.sync_id & 63) IN (0,1,63)");
        assert_eq!(Shards::ALL.condition("c"), None);
        assert!(shards.have(64) && shards.have(127) && shards.have(1) && !shards.have(2));
    }
}

//! What processors and blocks of memory have in common: numbers, and being in use or not.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::error::Failure;

/// Which processors or blocks to take into use, and which out of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Take these into use: numbers and ranges such as 1,4-7, or 'all'
    #[arg(long, value_name = "IDS", value_parser = Ids::parse)]
    online: Option<Ids>,

    /// Take these out of use; 'all' means all that the guest lets go
    #[arg(long, value_name = "IDS", value_parser = Ids::parse)]
    offline: Option<Ids>,
}

/// Some numbers, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    All,
    Some(Vec<RangeInclusive<u64>>),
}

/// A processor or block that the guest has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) id: u64,
    pub(super) is_online: bool,
    pub(super) can_offline: Option<bool>,
}

impl Wanted {
    /// Whether nothing is to be changed.
    pub(super) fn is_nothing(&self) -> bool {
        self.online.is_none() && self.offline.is_none()
    }

    /// What has to be changed, of what the guest has: numbers, and whether they shall be in use.
    pub(super) fn changes(&self, units: &[Unit], what: &str) -> Result<Vec<(u64, bool)>, Failure> {
        let mut changes = Vec::new();
        for (ids, online) in [(&self.online, true), (&self.offline, false)] {
            let Some(ids) = ids else { continue };
            ids.check(units, what)?;
            let is_meant = |unit: &&Unit| match ids {
                Ids::All => unit.is_online != online && (online || unit.can_offline != Some(false)),
                Ids::Some(ranges) => {
                    unit.is_online != online && ranges.iter().any(|range| range.contains(&unit.id))
                }
            };
            changes.extend(units.iter().filter(is_meant).map(|unit| (unit.id, online)));
        }
        Ok(changes)
    }
}

impl Ids {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let number = |text: &str| text.parse().map_err(|_| format!("'{text}' is no number"));
        let range = |text: &str| match text.split_once('-') {
            None => number(text).map(|one| one..=one),
            Some((first, last)) => {
                let range = number(first)?..=number(last)?;
                if range.is_empty() { Err(format!("'{text}' has nothing in it")) } else { Ok(range) }
            }
        };
        text.split(',').map(range).collect::<Result<_, _>>().map(Self::Some)
    }

    /// Fails where the guest does not have one of them.
    fn check(&self, units: &[Unit], what: &str) -> Result<(), Failure> {
        let Self::Some(ranges) = self else { return Ok(()) };
        let there: BTreeSet<_> = units.iter().map(|unit| unit.id).collect();
        // However long a range is, this ends at the first that is not there.
        match ranges.iter().flat_map(Clone::clone).find(|id| !there.contains(id)) {
            None => Ok(()),
            Some(id) => Err(Failure::usage(format!("the guest has no {what} {id}; nothing was changed"))
                .advise(format!("it has {}", numbers(there.into_iter())))),
        }
    }
}

/// Units next to each other that are alike, as one.
pub(super) fn groups(units: &[Unit]) -> Vec<(RangeInclusive<u64>, Unit)> {
    let mut sorted = units.to_vec();
    sorted.sort_by_key(|unit| unit.id);
    let mut groups: Vec<(RangeInclusive<u64>, Unit)> = Vec::new();
    for unit in sorted {
        match groups.last_mut() {
            Some((range, last))
                if unit.id.checked_sub(1) == Some(*range.end())
                    && (last.is_online, last.can_offline) == (unit.is_online, unit.can_offline) =>
            {
                *range = *range.start()..=unit.id;
            }
            _ => groups.push((unit.id..=unit.id, unit)),
        }
    }
    groups
}

/// A range as it is given on the command line.
pub(super) fn range(range: &RangeInclusive<u64>) -> String {
    match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}

/// Numbers as they are given on the command line.
pub(super) fn numbers(ids: impl Iterator<Item = u64>) -> String {
    let units: Vec<_> = ids.map(|id| Unit { id, is_online: true, can_offline: None }).collect();
    let ranges: Vec<_> = groups(&units).iter().map(|(ids, _)| range(ids)).collect();
    if ranges.is_empty() { "none".to_owned() } else { ranges.join(",") }
}

pub(super) fn yes_or_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(count: u64) -> Vec<Unit> {
        let unit = |id| Unit { id, is_online: id != 2, can_offline: Some(id != 0) };
        (0..count).map(unit).collect()
    }

    #[test]
    fn ids_are_numbers_ranges_or_all() {
        assert_eq!(Ids::parse("all"), Ok(Ids::All));
        assert_eq!(Ids::parse("1,4-7"), Ok(Ids::Some(vec![1..=1, 4..=7])));
        for text in ["", "1,", "a", "3-1", "-1", "1-", "1--2", "99999999999999999999"] {
            assert!(Ids::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_differs_is_changed() {
        let wanted = |online: &str, offline: &str| Wanted {
            online: Ids::parse(online).ok(),
            offline: Ids::parse(offline).ok(),
        };
        let changes = |wanted: Wanted| wanted.changes(&units(5), "processor").ok();
        assert_eq!(changes(wanted("all", "")), Some(vec![(2, true)]));
        assert_eq!(changes(wanted("", "all")), Some(vec![(1, false), (3, false), (4, false)]));
        assert_eq!(changes(wanted("1-3", "0")), Some(vec![(2, true), (0, false)]));
        assert_eq!(changes(wanted("5", "")), None);
        assert_eq!(changes(wanted("0-18446744073709551615", "")), None);
    }

    #[test]
    fn neighbours_that_are_alike_are_one_group() {
        let ranges: Vec<_> = groups(&units(6)).iter().map(|(ids, _)| range(ids)).collect();
        assert_eq!(ranges, ["0", "1", "2", "3-5"]);
        assert_eq!(numbers([7, 1, 2, 3].into_iter()), "1-3,7");
        assert_eq!(numbers([].into_iter()), "none");
        assert_eq!(numbers([u64::MAX, 0].into_iter()), format!("0,{}", u64::MAX));
    }
}

//! What somebody may have meant.

/// How alike two names are at least, from 0 to 1, for the one to be taken for a slip of the other.
const ALIKE: f64 = 0.7;

/// The candidate that is most like `name`, if any is like it.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| match candidate.strip_prefix("guest-") {
        Some(rest) => likeness(name, candidate).max(likeness(name, rest)),
        None => likeness(name, candidate),
    };
    let scored = candidates.into_iter().map(|candidate| (likeness(candidate), candidate));
    let (score, best) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score >= ALIKE).then_some(best)
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_and_short_names() {
        let names = ["guest-ping", "guest-info", "guest-get-osinfo", "guest-file-open"];
        assert_eq!(nearest("guest-pnig", names), Some("guest-ping"));
        assert_eq!(nearest("ping", names), Some("guest-ping"));
        assert_eq!(nearest("get-os-info", names), Some("guest-get-osinfo"));
        assert_eq!(nearest("guest_file_open", names), Some("guest-file-open"));
        assert_eq!(nearest("frobnicate", names), None);
    }
}

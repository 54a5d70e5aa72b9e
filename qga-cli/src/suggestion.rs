//! What somebody may have meant.

/// How alike two names are at least, from 0 to 1, for the one to be taken for a slip of the other.
const ALIKE: f64 = 0.7;

/// A beginning of a name has at least this many characters to be taken for one.
const BEGINNING: usize = 3;

/// How many names are asked about at the most.
const SOME: usize = 3;

/// The question whether somebody who said `name` meant one of the candidates: those that begin with it, or else the one
/// that is most like it, if any is.
pub(crate) fn meant<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // What nearly all names begin with makes no two of them alike.
    let name = name.replace('_', "-");
    let bare = without_prefix(&name);
    let score = |candidate| strsim::normalized_damerau_levenshtein(bare, without_prefix(candidate));
    let mut scored: Vec<_> = candidates.into_iter().map(|candidate| (score(candidate), candidate)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let begins = |candidate: &str| bare.len() >= BEGINNING && without_prefix(candidate).starts_with(bare);
    let mut names: Vec<_> = scored.iter().map(|scored| scored.1).filter(|name| begins(name)).collect();
    if names.is_empty() {
        names = scored.iter().take(1).filter(|(score, _)| *score >= ALIKE).map(|scored| scored.1).collect();
    }
    let quoted: Vec<_> = names.iter().take(SOME).map(|name| format!("'{name}'")).collect();
    let (last, others) = quoted.split_last()?;
    Some(match others {
        [] => format!("did you mean {last}?"),
        others => format!("did you mean {} or {last}?", others.join(", ")),
    })
}

fn without_prefix(name: &str) -> &str {
    name.strip_prefix("guest-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::meant;

    const NAMES: [&str; 8] = [
        "guest-ping",
        "guest-info",
        "guest-get-osinfo",
        "guest-file-open",
        "guest-file-close",
        "guest-file-read",
        "guest-file-write",
        "guest-exec",
    ];

    #[test]
    fn slips_and_short_names() {
        for (name, one) in [
            ("guest-pnig", "guest-ping"),
            ("ping", "guest-ping"),
            ("get-os-info", "guest-get-osinfo"),
            ("guest-get-os", "guest-get-osinfo"),
            ("guest_file_open", "guest-file-open"),
        ] {
            assert_eq!(meant(name, NAMES), Some(format!("did you mean '{one}'?")), "{name}");
        }
    }

    #[test]
    fn beginnings_of_several() {
        let some =
            Some("did you mean 'guest-file-open', 'guest-file-read' or 'guest-file-close'?".to_owned());
        assert_eq!(meant("guest-file", NAMES), some);
        assert_eq!(meant("file-", NAMES), some);
    }

    #[test]
    fn the_prefix_alone_makes_nothing_alike() {
        for name in ["frobnicate", "guest-dance", "guest-", "guest-x", ""] {
            assert_eq!(meant(name, NAMES), None, "{name}");
        }
    }
}

//! What came of a copy, in words and as a document.

use qga_proto::{Check, Copied, InPlace, Placing};
use serde_json::{Value, json};

use crate::output::units;

/// What was copied: one file, or all of a folder.
#[derive(Default)]
pub(super) struct Outcome {
    /// All together; how it was done is that of one. `None`: there was no file.
    copied: Option<Copied>,
    files: u64,
    /// What was passed over: no files and no folders.
    skipped: u64,
    /// Files of here that now belong to somebody else than those that they replaced.
    disowned: u64,
}

impl From<Copied> for Outcome {
    fn from(copied: Copied) -> Self {
        Self { copied: Some(copied), files: 1, ..Self::default() }
    }
}

impl Outcome {
    /// Of one file of here.
    pub(super) fn of_here(copied: Copied, keeps_owner: bool) -> Self {
        Self { disowned: u64::from(!keeps_owner), ..Self::from(copied) }
    }

    /// How many bytes all copies have.
    pub(super) fn len(&self) -> u64 {
        self.copied.map_or(0, |copied| copied.len)
    }

    /// One more file.
    pub(super) fn add(&mut self, one: &Self) {
        let Some(mut copied) = one.copied else { return };
        self.files += 1;
        self.disowned += one.disowned;
        if let Some(others) = &self.copied {
            copied.len += others.len;
            copied.missing += others.missing;
            // How it was done is the same for all, but where one is in place.
            if !matches!(others.placing, Placing::Renamed { .. }) {
                (copied.placing, copied.check) = (others.placing, others.check);
            }
        }
        self.copied = Some(copied);
    }

    /// Something that is no file and no folder.
    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }

    pub(super) fn text(&self) -> String {
        let Some(Copied { len, resumed, missing, check, placing, .. }) = self.copied else {
            return "there is no file in it; its folders were made\n".to_owned();
        };
        let mut text = match self.files {
            1 => format!("copied {}", units::bytes(len)),
            files => format!("copied {files} files, {}", units::bytes(len)),
        };
        if resumed > 0 {
            text += &format!(", of which {} were there", units::bytes(resumed));
        }
        if missing > 0 {
            text += &format!(", {} fewer than the guest had told of", units::bytes(missing));
        }
        text += &match check {
            Check::Tool(program) => format!("; verified by {program}"),
            Check::ReadBack => "; verified by reading it once more".to_owned(),
            _ => String::new(),
        };
        if let Some(why) = in_place(placing) {
            text += &format!("; written where it is, as {why}");
        }
        if self.disowned > 0 {
            text += "; the owner of what was there could not be kept";
        }
        if self.skipped > 0 {
            text += &format!("; {} that are no files were passed over", self.skipped);
        }
        text + "\n"
    }

    pub(super) fn document(&self) -> Value {
        let check = match self.copied.map(|copied| copied.check) {
            Some(Check::Tool(program)) => program.into(),
            Some(Check::ReadBack) => "read back".into(),
            _ => Value::Null,
        };
        json!({
            "bytes": self.len(),
            "resumed_bytes": self.copied.map_or(0, |copied| copied.resumed),
            "missing_bytes": self.copied.map_or(0, |copied| copied.missing),
            "files": self.files,
            "skipped": self.skipped,
            "disowned": self.disowned,
            "verified_by": check,
            "in_place": self.copied.and_then(|copied| in_place(copied.placing)),
        })
    }
}

/// Why a copy in the guest was not renamed.
fn in_place(placing: Placing) -> Option<&'static str> {
    let Placing::InPlace(why) = placing else { return None };
    Some(match why {
        InPlace::NotRegular => "what is there is no regular file",
        InPlace::NoPrograms => "the guest runs no programs that could rename it",
        InPlace::NoFolder => "no folder could be made beside it",
        InPlace::Owner => "it belongs to another user",
        _ => return None,
    })
}

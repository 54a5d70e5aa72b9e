#![doc = include_str!("../README.md")]

mod agent;

mod check;
pub use check::{Check, Client, Group};

mod checks;

mod excerpt;

mod guest;

mod heard;

mod judgement;

mod knowledge;

mod notes;

mod options;
pub use options::Options;

mod probe;

mod reply;

mod report;
pub use report::{Contentment, Ending, Outcome, Report, Verdict};

mod run;
pub use run::check;

mod shape;

mod value;

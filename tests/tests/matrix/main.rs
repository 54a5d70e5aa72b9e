//! Calls of every kind, to every agent, on a line with every fault, through every adapter: each cell has the outcome that it
//! must have, and none hangs, panics or believes a wrong answer. Time is virtual: nothing waits.
//!
//! What users do in several calls joins the matrix by a line in `cases.rs`, and one in `expected.rs` for what is to come of it.

mod cases;
mod expected;
mod faults;
mod outcome;
mod runtime;
mod world;

use qga_sim::{Personality, Sim, VirtualLine};

use cases::CASES;
use faults::FAULTS;
use outcome::Cell;
use runtime::{Runtime, Smol, Std, Tokio};

#[test]
fn std() {
    run_all::<Std>();
}

#[test]
fn tokio() {
    run_all::<Tokio>();
}

#[test]
fn smol() {
    run_all::<Smol>();
}

fn run_all<R: Runtime>() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for personality in Personality::ALL {
        for case in CASES {
            for fault in FAULTS {
                let cell = Cell { personality, case: case.name, fault: fault.name };
                let mut sim = Sim::new(cases::guest(personality));
                sim = fault.hitting(case).into_iter().fold(sim, Sim::fault);
                let got = R::run(VirtualLine::new(sim), case.index);
                let wanted = expected::of(&cell);
                if got != wanted {
                    wrong.push(format!("{cell}: {got}, not {wanted}"));
                }
                count += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, Personality::ALL.len() * CASES.len() * FAULTS.len());
}

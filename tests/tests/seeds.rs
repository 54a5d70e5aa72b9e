//! The fuzz targets on the stable compiler: over the seeds, and over a few thousand changed ones.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use qga_tests::fuzz;

#[test]
fn frame() {
    replay("frame", fuzz::frame);
}

#[test]
fn json() {
    replay("json", fuzz::json);
}

#[test]
fn client() {
    replay("client", fuzz::client);
}

/// Enough to find a shallow bug in a few seconds.
const MUTANTS: usize = 5000;
const TIME: Duration = Duration::from_secs(5);

fn replay(target: &str, run: fn(&[u8])) {
    let seeds = seeds(target);
    for seed in &seeds {
        attempt(run, seed);
    }
    let mut random = Random(1);
    let start = Instant::now();
    for _ in 0..MUTANTS {
        attempt(run, &mutant(&seeds, &mut random));
        if start.elapsed() > TIME {
            break;
        }
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("no seeds").map(|entry| entry.unwrap().path()).collect();
    // In an order that is the same everywhere, so that the changed ones are, too.
    paths.sort();
    assert!(paths.len() >= 20, "too few seeds for {target}");
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Says on which bytes a run has failed, so that they can be made a seed.
fn attempt(run: fn(&[u8]), data: &[u8]) {
    struct Tell<'a>(&'a [u8]);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("failed on b\"{}\"", self.0.escape_ascii());
            }
        }
    }
    let tell = Tell(data);
    run(data);
    drop(tell);
}

/// A seed with a few changes of the kinds that fuzzers make.
fn mutant(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut data = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len() + 1);
        let end = (at + random.below(8)).min(data.len());
        match random.below(6) {
            0 => data.insert(at, random.byte()),
            1 => drop(data.drain(at..end)),
            2 => data.extend_from_within(at..end),
            3 => data.truncate(at),
            4 => {
                let other = &seeds[random.below(seeds.len())];
                data.truncate(at);
                data.extend(&other[random.below(other.len())..]);
            }
            _ => data[at..end].iter_mut().for_each(|byte| *byte = random.byte()),
        }
    }
    data
}

/// Xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }

    /// Half of them bytes that have a meaning.
    fn byte(&mut self) -> u8 {
        const SPECIAL: &[u8] = b"{}[]\":,\\\n\r \xFF\x00-0e.u";
        if self.below(2) == 0 { SPECIAL[self.below(SPECIAL.len())] } else { self.below(256) as u8 }
    }
}

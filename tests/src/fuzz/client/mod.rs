//! Any agent bytes, any order of calls and clock: no panic, bounded memory, no foreign answer believed.

mod ask;
mod guest;
mod run;
mod tricks;

use run::Run;

/// Plays a program of calls, bytes and time against a client.
///
/// An honest agent answers, and every answer names its request; the program delays, repeats, cuts, forges and loses
/// what it says. Whatever a call gets must be its own answer. In the end an agent that is well again must be heard.
pub fn client(data: &[u8]) {
    Run::new(data).play();
}

#[cfg(test)]
mod tests {
    use super::run::{Run, Tally};

    const SUBMIT: u8 = 0;
    const ROUND: u8 = 4;
    const TIMEOUT: u8 = 6;
    const REPLY: u8 = 8;
    const EOF: u8 = 0xF9;
    const SECONDS: u8 = 50;

    fn play(program: &[u8]) -> Tally {
        let mut tally = Run::new(program).play();
        // The last call of every program is the one that shows that the session lives.
        tally.succeeded -= 1;
        tally
    }

    /// A call that is answered at once, behind a sync that may need several forms.
    fn call(kind: u8) -> Vec<u8> {
        [vec![kind << 4 | SUBMIT, SECONDS], [ROUND, ROUND, ROUND, ROUND, TIMEOUT].repeat(8), vec![REPLY]]
            .concat()
    }

    #[test]
    fn calls_succeed_with_agents_of_all_habits() {
        for habits in 0..128 {
            let tally = play(&[vec![habits, 0], call(0), call(1), call(2)].concat());
            assert_eq!(tally, Tally { succeeded: 2, refused: 1, ..Tally::default() }, "{habits:#b}");
        }
    }

    #[test]
    fn every_end_of_a_call_is_reached() {
        let silent = play(&[vec![0, 0], call(3), call(4)].concat());
        assert_eq!(silent, Tally { silent: 1, refused: 1, ..Tally::default() });
        let long = play(&[vec![0, 1], call(5), call(6)].concat());
        assert_eq!(long, Tally { too_long: 2, ..Tally::default() });
        let late = play(&[0, 9 << 2, SUBMIT, 1, TIMEOUT, REPLY]);
        assert_eq!(late, Tally { timed_out: 1, ..Tally::default() });
        let tally = Run::new(&[0, 0, SUBMIT, SECONDS, EOF, REPLY]).play();
        assert_eq!(tally, Tally { closed: 1, ..Tally::default() });
    }
}

//! No input makes the generator panic, overflow its stack, or run without end.

mod common;

const SINK: &str = include_str!("kitchen/sink.json");
const PARTS: &str = include_str!("kitchen/parts.json");

/// Pieces that mean something in the notation, in its comments, or in reST.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "'",
    "#",
    "##",
    "\n",
    "\n##\n",
    "\\",
    "*",
    "``",
    "`",
    "@",
    "true",
    "false",
    "'data'",
    "'base'",
    "'type'",
    "'if'",
    "'any'",
    "'name'",
    "'str'",
    "'SinkShape'",
    "'SinkRed'",
    "'SinkDerived'",
    "'boxed'",
    "'discriminator'",
    "'features'",
    "\n# ",
    "\n#     - ",
    "\n# .. note::",
    "::\n",
    "\n# @",
    "\n# Since: ",
    "(since ",
    "\n# Returns:",
    "\u{fc}",
    "\0",
    "\t",
    "http://",
    ":ref:`",
    "1. ",
    " <",
    "_",
    "'__a.b_c'",
    "[ 'SinkTree' ]",
    "{ 'include': 'parts.json' }",
];

/// A small generator of numbers that are always the same (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// A place in the text, between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn mutate(text: &mut String, numbers: &mut Numbers) {
    let (a, b) = (numbers.place(text), numbers.place(text));
    let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 60));
    let end = (start..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    match numbers.below(5) {
        0 => text.replace_range(start..end, ""),
        1 => text.insert_str(start, PIECES[numbers.below(PIECES.len())]),
        2 => text.replace_range(start..end, PIECES[numbers.below(PIECES.len())]),
        3 => {
            let copy = text[start..end].to_owned();
            let at = numbers.place(text);
            text.insert_str(at, &copy);
        }
        // Swapping two words keeps more of the structure than anything else.
        _ => {
            let words: Vec<_> = text.split('\'').map(str::to_owned).collect();
            let (a, b) = (numbers.below(words.len()), numbers.below(words.len()));
            let mut words = words;
            words.swap(a, b);
            *text = words.join("'");
        }
    }
}

#[test]
fn mutated_schemas() {
    let mut numbers = Numbers(0x5eed);
    let mut accepted = 0;
    for _ in 0..1500 {
        let mut text = SINK.to_owned();
        for _ in 0..=numbers.below(4) {
            mutate(&mut text, &mut numbers);
        }
        accepted += usize::from(common::generate(&[("sink.json", &text), ("parts.json", PARTS)]).is_ok());
    }
    // Else the mutations only ever reach the lexer.
    assert!(accepted > 40, "{accepted}");
}

#[test]
fn every_beginning() {
    for end in (0..SINK.len()).filter(|end| SINK.is_char_boundary(*end)) {
        let _ = common::generate(&[("sink.json", &SINK[..end]), ("parts.json", PARTS)]);
    }
}

#[test]
fn deep_and_long() {
    let error = |text: &str| common::generate(&[("a.json", text)]).unwrap_err().message;
    let deep = "[".repeat(1_000_000);
    assert_eq!(error(&format!("{{ 'a': {deep}")), "expected at most 64 levels of nesting");
    let condition = format!("{{ 'command': 'a', 'if': {}", "{ 'not': ".repeat(100_000));
    assert_eq!(error(&condition), "expected at most 64 levels of nesting");

    let list: String = (0..200).map(|depth| format!("# {}- x\n", " ".repeat(depth))).collect();
    let doc = format!("##\n# @A:\n#\n{list}##\n{{ 'enum': 'A', 'data': [] }}");
    assert!(common::generate(&[("a.json", &doc)]).is_ok());

    let chain: String = (0..3000)
        .map(|n| format!("{{ 'struct': 'S{n}', 'data': {{ '*a': 'S{}' }} }}\n", n + 1))
        .chain(["{ 'struct': 'S3000', 'data': {} }".to_owned()])
        .collect();
    assert!(common::generate(&[("a.json", &chain)]).is_ok());
}

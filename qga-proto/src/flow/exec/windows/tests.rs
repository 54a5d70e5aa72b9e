use alloc::string::ToString;

use proptest::prelude::*;

use super::*;

/// Takes a command line apart by the rules of `CommandLineToArgvW`, as they are documented for arguments after the first.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_word, mut is_quoted) = (Vec::new(), String::new(), false, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' if !is_quoted => {
                if is_word {
                    words.push(core::mem::take(&mut word));
                }
                is_word = false;
                continue;
            }
            '\\' => {
                let mut count = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                if chars.peek() == Some(&'"') {
                    word.extend(core::iter::repeat_n('\\', count / 2));
                    if count % 2 == 1 {
                        chars.next();
                        word.push('"');
                    }
                } else {
                    word.extend(core::iter::repeat_n('\\', count));
                }
            }
            // Two quotes in a quoted part are one, and the part goes on.
            '"' if is_quoted && chars.next_if_eq(&'"').is_some() => word.push('"'),
            '"' => is_quoted = !is_quoted,
            c => word.push(c),
        }
        is_word = true;
    }
    if is_word {
        words.push(word);
    }
    words
}

#[test]
fn the_examples_of_the_rules_documentation_are_taken_apart() {
    for (line, words) in [
        (r#""abc" d e"#, &["abc", "d", "e"][..]),
        (r#"a\\\b d"e f"g h"#, &[r"a\\\b", "de fg", "h"]),
        (r#"a\\\"b c d"#, &[r#"a\"b"#, "c", "d"]),
        (r#"a\\\\"b c" d e"#, &[r"a\\b c", "d", "e"]),
        (r#"a"b"" c d"#, &[r#"ab" c d"#]),
    ] {
        assert_eq!(split(line), words, "{line}");
    }
}

#[test]
fn only_what_needs_it_is_quoted() {
    for (plain, quoted) in [
        ("", r#""""#),
        ("a", "a"),
        (r"C:\dir\", r"C:\dir\"),
        (r"C:\a dir\", r#""C:\a dir\\""#),
        (r#"""#, r#""\"""#),
        (r#"\""#, r#""\\\"""#),
        ("a\tb", "\"a\tb\""),
        ("%PATH%&^|", "%PATH%&^|"),
    ] {
        assert_eq!(quote(plain), quoted);
    }
}

proptest! {
    #[test]
    fn what_is_quoted_arrives(words in prop::collection::vec(r#"[a \\"\t\n.é]{0,12}"#, 1..6)) {
        let line = command_line(words.iter().map(String::as_str));
        prop_assert_eq!(split(&line), words);
    }

    #[test]
    fn scripts_arrive(script in "\\PC{0,200}") {
        let exec = powershell(&script, CodePage::Guest).expect("it is short");
        prop_assert!(decoded(&exec).contains(&script));
    }
}

/// The script that PowerShell is given.
fn decoded(exec: &Exec) -> String {
    let bytes = STANDARD.decode_to_vec(exec.arguments.last().expect("a script")).expect("base64");
    let units: Vec<u16> = bytes.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    String::from_utf16(&units).expect("UTF-16")
}

#[test]
fn a_script_ends_with_the_exit_code_of_its_last_program() {
    let script = decoded(&powershell("ipconfig", CodePage::Utf8).expect("it is short"));
    assert!(script.contains("UTF8Encoding"), "{script}");
    let (_, end) = script.split_once("ipconfig\n").expect("the script");
    assert_eq!(end, "$qga=$?;if($null -ne $LASTEXITCODE){exit $LASTEXITCODE};if(-not $qga){exit 1}\n");
    let script = decoded(&powershell("ipconfig", CodePage::Number(850)).expect("it is short"));
    assert!(script.contains("GetEncoding(850)"), "{script}");
}

#[test]
fn what_windows_cannot_take_is_refused() {
    assert_eq!(powershell(&"x".repeat(12_000), CodePage::Utf8), Err(Unfit::TooLong));
    assert!(powershell(&"x".repeat(11_700), CodePage::Utf8).is_ok());
    assert_eq!(cmd(&"x".repeat(9000), CodePage::Utf8), Err(Unfit::TooLong));
    assert_eq!(cmd("echo \"a\"", CodePage::Utf8), Err(Unfit::Quote));
    assert_eq!(cmd("echo a\ndir", CodePage::Utf8), Err(Unfit::Line));
    let exec = cmd("dir C:\\", CodePage::Number(437)).expect("it fits");
    assert_eq!(
        (exec.program.as_str(), exec.arguments.join(" ").as_str()),
        ("cmd.exe", "/d /s /c chcp 437>nul& dir C:\\")
    );
    assert!(!Unfit::Quote.to_string().is_empty());
}

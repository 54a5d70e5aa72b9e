//! Schemas that are wrong, each with exactly what is said about it.

mod common;

/// A schema, and the error for it without the file's name.
type Case<'a> = (&'a str, &'a str);

fn check(cases: &[Case<'_>]) {
    for (schema, expected) in cases {
        let found = common::generate(&[("a.json", schema)]).expect_err(schema).to_string();
        assert_eq!(found, format!("a.json:{expected}"), "{schema}");
    }
}

#[test]
fn tokens() {
    check(&[
        ("{ 'enum", "1:3: expected the closing ' of this string before the end of the file"),
        ("{ 'enum\n': 1 }", "1:3: expected the closing ' of this string on the same line"),
        (r"{ 'a\n': 'b' }", r"1:5: expected \\, the only escape that the notation has"),
        ("{ 'gr\u{fc}n': [] }", "1:6: expected printable ASCII in a string, found '\u{fc}'"),
        ("{ \"enum\": 'A' }", "1:3: expected a token, found \"\\\"\" (strings are single-quoted)"),
        ("{ 'enum': 12 }", "1:11: expected a token, found \"12\" (numbers and null do not exist)"),
        ("\n{ 'enum': null }", "2:11: expected a token, found \"null\" (numbers and null do not exist)"),
    ]);
}

#[test]
fn structure() {
    check(&[
        ("'enum'", "1:1: expected '{' to start an expression, found string 'enum'"),
        ("{ 'enum' 'A' }", "1:10: expected ':', found string 'A'"),
        ("{ 'enum': 'A' 'data': [] }", "1:15: expected ',' or '}', found string 'data'"),
        ("{ 'enum': 'A', 'data': [ 'b' 'c' ] }", "1:30: expected ',' or ']', found string 'c'"),
        ("{ 'enum': 'A', }", "1:16: expected a string as key, found '}'"),
        (
            "{ 'enum': 'A', 'data': [ , ] }",
            "1:26: expected a string, an object, an array, true or false, found ','",
        ),
        (
            "{ 'enum': 'A', 'data':",
            "1:23: expected a string, an object, an array, true or false, found the end of the file",
        ),
        ("{ 'enum': 'A',\n  'enum': 'B' }", "2:3: expected each key once, found 'enum' again"),
    ]);
}

#[test]
fn documentation() {
    check(&[
        ("## A\n##\n", "1:3: expected nothing after '##' at the start of a documentation comment"),
        ("##\n# @A:\n## no\n", "3:3: expected nothing after '##' at the end of a documentation comment"),
        ("##\n# @A:\n{ 'enum': 'A', 'data': [] }", "3:1: expected '##' to end the documentation comment"),
        ("##\n# @A: text\n##\n", "2:7: expected nothing after the name that a documentation comment is for"),
        (
            "##\n# @A:\n##\n{ 'enum': 'B', 'data': [] }",
            "2:3: expected the documentation of 'B', found that of 'A'",
        ),
        ("##\n# @A:\n##\n", "2:3: expected the definition of 'A' after its documentation"),
        (
            "##\n# @A:\n#\n# @b: one\n# @b: two\n##\n{ 'enum': 'A', 'data': [ 'b' ] }",
            "5:3: expected each name to be described once, found '@b' again",
        ),
        (
            "##\n# @A:\n#\n# @c: none\n##\n{ 'enum': 'A', 'data': [ 'b' ] }",
            "4:3: expected a member, argument or value of 'A', found '@c'",
        ),
        (
            "##\n# @A:\n#\n# Features:\n#\n# @f: none\n##\n{ 'enum': 'A', 'data': [] }",
            "6:3: expected a feature of 'A', found '@f'",
        ),
        (
            "##\n# @A:\n#\n# Since: now\n##\n{ 'enum': 'A', 'data': [] }",
            "4:3: expected a release such as 7.2 after 'Since:'",
        ),
        (
            "{ 'pragma': { 'doc-required': true } }\n{ 'enum': 'A', 'data': [] }",
            "2:1: expected a documentation comment before 'A'",
        ),
    ]);
}

#[test]
fn keys_and_values() {
    check(&[
        (
            "{ 'type': 'A' }",
            "1:1: expected one of the keys 'enum', 'struct', 'union', 'alternate', 'command', 'event', \
             'include', 'pragma' in this expression",
        ),
        (
            "{ 'enum': 'A', 'struct': 'B' }",
            "1:1: expected one definition per expression, found 'enum' and 'struct'",
        ),
        ("{ 'struct': 'A' }", "1:1: expected the key 'data' in a 'struct'"),
        (
            "{ 'enum': 'A', 'data': [], 'base': 'B' }",
            "1:28: expected an 'enum' to have only the keys 'data', 'prefix', 'if', 'features', found 'base'",
        ),
        ("{ 'enum': [], 'data': [] }", "1:11: expected a string for the name of an 'enum', found an array"),
        (
            "{ 'enum': 'A', 'data': {} }",
            "1:24: expected an array for the values of an 'enum', found an object",
        ),
        (
            "{ 'enum': 'A', 'data': [ true ] }",
            "1:26: expected a string or an object for a value of an 'enum', found a boolean",
        ),
        ("{ 'enum': 'A', 'data': [ 'b', 'b' ] }", "1:31: expected each name once, found 'b' again"),
        (
            "{ 'struct': 'A', 'data': [ 'int' ] }",
            "1:26: expected an object for the members in 'data', found an array",
        ),
        (
            "{ 'struct': 'A', 'data': { 'b': true } }",
            "1:33: expected a type name or an array of one for a member, found a boolean",
        ),
        ("{ 'struct': 'A', 'data': { 'b': [] } }", "1:33: expected one type in the array, found 0"),
        (
            "{ 'struct': 'A', 'data': { 'b': 'int', '*b': 'str' } }",
            "1:41: expected each name once, found 'b' again",
        ),
        ("{ 'command': 'a', 'gen': true }", "1:26: expected false for 'gen', or no such key"),
        (
            "{ 'command': 'a', 'success-response': 'no' }",
            "1:39: expected false for 'success-response', or no such key",
        ),
        ("{ 'command': 'a', 'boxed': true }", "1:1: expected 'data' to name a type, since 'boxed' is true"),
        ("{ 'command': 'a', 'features': 'b' }", "1:31: expected an array for 'features', found a string"),
        ("{ 'alternate': 'A', 'data': {} }", "1:29: expected at least one branch in 'data'"),
        ("{ 'pragma': { 'fast': true } }", "1:15: expected a pragma that exists, found 'fast'"),
        (
            "{ 'pragma': { 'doc-required': 'yes' } }",
            "1:31: expected true or false for 'doc-required', found a string",
        ),
    ]);
}

#[test]
fn conditions() {
    check(&[
        (
            "{ 'command': 'a', 'if': 'linux' }",
            "1:25: expected a symbol such as CONFIG_LINUX for 'if', found 'linux'",
        ),
        ("{ 'command': 'a', 'if': true }", "1:25: expected a string or an object for 'if', found a boolean"),
        (
            "{ 'command': 'a', 'if': {} }",
            "1:25: expected exactly one of the keys 'all', 'any', 'not' for 'if'",
        ),
        ("{ 'command': 'a', 'if': { 'or': [] } }", "1:27: expected 'all', 'any' or 'not', found 'or'"),
        ("{ 'command': 'a', 'if': { 'any': [] } }", "1:34: expected at least one condition for 'any'"),
        ("{ 'command': 'a', 'if': { 'all': 'A' } }", "1:34: expected an array for 'all', found a string"),
    ]);
}

#[test]
fn names() {
    check(&[
        (
            "{ 'command': 'a b' }",
            "1:14: expected a name of letters, digits, '-' and '_', a letter first, found 'a b'",
        ),
        (
            "{ 'enum': 'A', 'data': [ '' ] }",
            "1:26: expected a value of letters, digits, '-' and '_', found ''",
        ),
        (
            "{ 'struct': 'A', 'data': { '*9': 'int' } }",
            "1:29: expected a member of letters, digits, '-' and '_', a letter first, found '9'",
        ),
        ("{ 'enum': 'int', 'data': [] }", "1:11: expected another name than that of the built-in type 'int'"),
        (
            "{ 'enum': 'A', 'data': [] }\n{ 'command': 'A' }",
            "2:14: expected each name once, 'A' is defined in line 1 already",
        ),
        (
            "{ 'struct': 'A', 'data': { 'b': 'B' } }",
            "1:33: expected the name of a type, 'B' is not defined as one",
        ),
        (
            "{ 'command': 'a', 'returns': [ 'a' ] }",
            "1:32: expected the name of a type, 'a' is not defined as one",
        ),
        (
            "{ 'command': 'a-b' }\n{ 'command': 'a_b' }",
            "2:14: expected names that differ in Rust too, 'a_b' and 'a-b' are one there",
        ),
        (
            "{ 'struct': 'A', 'data': { 'a-b': 'int', 'a_b': 'int' } }",
            "1:42: expected names that differ in Rust too, 'a_b' and 'a-b' are one there",
        ),
    ]);
}

#[test]
fn bases() {
    check(&[
        (
            "{ 'enum': 'E', 'data': [] }\n{ 'struct': 'A', 'base': 'E', 'data': {} }",
            "2:26: expected the name of a struct, 'E' is not one",
        ),
        (
            "{ 'struct': 'A', 'base': 'B', 'data': {} }\n{ 'struct': 'B', 'base': 'A', 'data': {} }",
            "2:26: expected no cycle of bases, found 'A' again",
        ),
        (
            "{ 'struct': 'A', 'data': { 'x': 'int' } }\n\
             { 'struct': 'B', 'base': 'A', 'data': { 'x': 'int' } }",
            "2:41: expected another name than 'x', which the base 'A' has",
        ),
        (
            "{ 'struct': 'A', 'data': { 'b': 'B' } }\n{ 'struct': 'B', 'data': { 'a': 'A' } }",
            "1:33: expected 'A' to contain itself through an array or an optional member only, found it always",
        ),
    ]);
}

#[test]
fn unions() {
    const PARTS: &str = "{ 'enum': 'E', 'data': [ 'x', 'y' ] }\n{ 'struct': 'X', 'data': { 'a': 'int' } }\n\
                         { 'struct': 'Y', 'data': { 'a': 'str' } }\n";
    let union = |base: &str, tag: &str, data: &str| {
        format!("{PARTS}{{ 'union': 'U', 'base': {base}, 'discriminator': '{tag}', 'data': {data} }}")
    };
    let cases = [
        (
            union("{ 'e': 'E' }", "f", "{ 'x': 'X' }"),
            "4:56: expected the name of a member of the base, found 'f'",
        ),
        (
            union("{ '*e': 'E' }", "e", "{ 'x': 'X' }"),
            "4:57: expected a discriminator that is always there, 'e' may be missing",
        ),
        (
            union("{ 'e': 'str' }", "e", "{ 'x': 'X' }"),
            "4:58: expected a discriminator whose type is an enum, that of 'e' is not",
        ),
        (
            union("{ 'e': 'E' }", "e", "{ 'z': 'X' }"),
            "4:71: expected a value of the discriminator's enum, found 'z'",
        ),
        (
            union("{ 'e': 'E' }", "e", "{ 'x': 'int' }"),
            "4:76: expected a struct or a union for a branch, 'int' is not one",
        ),
        (
            union("{ 'e': 'E', 'a': 'int' }", "e", "{ 'x': 'X' }"),
            "4:88: expected no member of 'X' to be in the union's base too, 'a' is",
        ),
        (
            union("{ 'e': 'E' }", "e", "{ 'x': 'X', 'y': 'Y' }"),
            "3:28: expected one type for members of one name, 'a' is Str<'a> in the branch 'y' and i64 in 'X' \
             (line 2, column 28)",
        ),
        (format!("{PARTS}{{ 'union': 'U', 'data': {{}} }}"), "4:1: expected the key 'base' in a 'union'"),
        (
            union("{ 'e': 'E' }", "e", "{ 'x': 'X' }") + "\n{ 'command': 'c', 'data': 'U' }",
            "5:27: expected 'boxed': true beside the union 'U'",
        ),
    ];
    let cases = cases.into_iter().chain([(
        "{ 'enum': 'E', 'data': [ 'x' ] }\n\
         { 'union': 'U', 'base': { 'e': 'E' }, 'discriminator': 'e', 'data': { 'x': 'V' } }\n\
         { 'union': 'V', 'base': { 'f': 'E' }, 'discriminator': 'f', 'data': { 'x': 'U' } }"
            .to_owned(),
        "3:76: expected at most 4 unions inside each other",
    )]);
    for (schema, expected) in cases {
        let found = common::generate(&[("a.json", &schema)]).expect_err(&schema).to_string();
        assert_eq!(found, format!("a.json:{expected}"), "{schema}");
    }
}

#[test]
fn alternates() {
    check(&[
        (
            "{ 'alternate': 'A', 'data': { 'a': 'int', 'b': 'number' } }",
            "1:48: expected branches of different kinds of JSON, 'a' is a number already",
        ),
        (
            "{ 'alternate': 'A', 'data': { 'a': 'any' } }",
            "1:36: expected a type that is always the same kind of JSON, 'any' is not",
        ),
        (
            "{ 'alternate': 'A', 'data': { 'a': 'A' } }",
            "1:36: expected a type that is always the same kind of JSON, 'A' is not",
        ),
        (
            "{ 'alternate': 'A', 'data': { 'a': 'B' } }",
            "1:36: expected the name of a type, 'B' is not defined as one",
        ),
    ]);
}

#[test]
fn includes() {
    let error = |files: &[(&str, &str)]| common::generate(files).unwrap_err().to_string();
    assert_eq!(
        error(&[("s/a.json", "{ 'include': 'b.json' }"), ("s/b.json", "\n{ 'include': '../s/a.json' }")]),
        "s/b.json:2:14: expected no cycle of includes, found '../s/a.json' again"
    );
    assert_eq!(
        error(&[("a.json", "{ 'include': 'none.json' }")]),
        "a.json:1:14: expected a readable schema file: entity not found"
    );
    assert_eq!(
        error(&[("a.json", "{ 'include': 'b.json', 'if': 'X' }")]),
        "a.json:1:1: expected 'include' to be alone in its expression"
    );
    assert_eq!(
        error(&[("a.json", "{ 'include': 'b.json' }"), ("b.json", "{ 'enum': 'A' }")]),
        "b.json:1:1: expected the key 'data' in an 'enum'"
    );
    let chain: Vec<_> = (0..50).map(|n| (format!("{n}"), format!("{{ 'include': '{}' }}", n + 1))).collect();
    let chain: Vec<_> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(error(&chain), "31:1:14: expected at most 32 levels of includes");
}

#[test]
fn not_text() {
    let read = |_: &std::path::Path| Ok(b"# a\n# \xc3\xa4 \xff".to_vec());
    let error = qga_codegen::generate_from("crate", "a.json".as_ref(), &read).unwrap_err();
    assert_eq!(error.to_string(), "a.json:2:5: expected UTF-8");
    assert_eq!(error.place, Some((2, 5)));
}

#[test]
fn no_file() {
    let error = qga_codegen::generate("no/such.json".as_ref()).unwrap_err();
    assert_eq!(error.place, None);
    assert!(error.to_string().starts_with("no/such.json: expected a readable schema file: "), "{error}");
}

#[test]
fn structs_have_a_limit() {
    let members = |count: usize| -> String { (0..count).map(|n| format!("\n'm{n}': 'int',")).collect() };
    for kind in ["struct", "command"] {
        let schema = |count| {
            let members = members(count);
            format!("{{ '{kind}': 'Many', 'data': {{{} }} }}", members.trim_end_matches(','))
        };
        assert!(common::generate(&[("a.json", &schema(64))]).is_ok(), "{kind}");
        check(&[(&schema(65), "66:1: expected no more than 64 members, 'm64' is one too many")]);
    }
}

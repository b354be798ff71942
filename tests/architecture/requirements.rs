//! Every requirement of flows, gates, subtasks, statuses and merges is named by a test that proves it: in the test's name
//! (`r54_r55_...`), or in the comment above it (`/// R54, R55.`).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::{Source, sources};

/// Rows of the list of requirements.
const ROWS: [RangeInclusive<u8>; 2] = [41..=98, 138..=146];

#[test]
fn every_requirement_is_named_by_a_test() {
    let named: BTreeSet<u8> = ["src", "tests"].iter().flat_map(|root| sources(root)).flat_map(|it| rows(&it)).collect();
    let missing: Vec<u8> = ROWS.into_iter().flatten().filter(|row| !named.contains(row)).collect();
    assert!(missing.is_empty(), "no test names the rows {missing:?}: write `/// R..` above one that proves it");
}

/// Rows that the tests of a file name.
fn rows(file: &Source) -> BTreeSet<u8> {
    let (text, code): (Vec<&str>, Vec<&str>) = (file.text.lines().collect(), file.code.lines().collect());
    let is_test = |at: &usize| ["#[test]", "#[tokio::test"].iter().any(|mark| code[*at].trim_start().starts_with(mark));
    let mut found = BTreeSet::new();
    for at in (0..code.len()).filter(is_test) {
        let above = text[..at].iter().rev().map(|line| line.trim_start());
        let above = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        let words =
            above.filter_map(|line| line.strip_prefix("///")).flat_map(|line| line.split(|it| !super::is_word(it)));
        found.extend(words.filter_map(|word| word.strip_prefix('R')?.parse::<u8>().ok()));
        let name = code[at..].iter().find_map(|line| line.split_once("fn ")).map_or("", |(_, name)| name);
        found.extend(name.split('_').map_while(|part| part.strip_prefix('r')?.parse::<u8>().ok()));
    }
    found
}

#[test]
fn rows_are_read_above_tests_and_in_their_names() {
    let named = |text: &str| rows(&Source::new("src/engine/tests.rs", text)).into_iter().collect::<Vec<_>>();
    assert_eq!(named("/// It does. R41, R42.\n/// R98.\n#[test]\nfn f() {}"), [41, 42, 98]);
    assert_eq!(named("/// R41.\n#[allow(x)]\n#[tokio::test(flavor = \"y\")]\n#[ignore]\nasync fn f() {}"), [41]);
    assert_eq!(named("    #[test]\n    fn r54_r55_real_agent_r56() {}"), [54, 55]);
    for text in [
        "/// R41.\nfn r42_f() {}",
        "// R41.\n#[test]\nfn f() {}",
        "/// R41.\n\n#[test]\nfn f() {}",
        "let text = \"\n/// R41.\n#[test]\nfn r42_f() {}\";",
        "/// SR41, R41b, R, R999.\n#[test]\nfn fault_r1_r2() {}",
    ] {
        assert_eq!(named(text), [], "{text}");
    }
}

//! The engine's texts for those who have no keys: what names a key of the screen names a verb of the command line instead.
//!
//! Invariant: no text of the engine or of git names a key that is not in the table; a test reads their sources.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::model::{Failure, SessionId};

/// What a text says of a key, and the same of a verb. `TASK` stands for the task's name.
const PHRASES: &[(&str, &str)] = &[
    ("S starts", "orchestra start TASK starts"),
    ("S makes", "orchestra start TASK makes"),
    ("S goes on", "orchestra start TASK goes on"),
    ("S tries again", "orchestra start TASK tries again"),
    ("x stops", "orchestra stop TASK stops"),
    ("M merges", "orchestra merge TASK merges"),
    ("M tries again", "orchestra merge TASK tries again"),
    ("a reviews", "orchestra review TASK reviews"),
    ("a accepts", "orchestra approve TASK accepts"),
    ("a confirms", "orchestra approve TASK confirms"),
    ("o overrides", "orchestra override TASK overrides"),
    ("D shows", "orchestra delete TASK shows"),
    ("D deletes", "orchestra delete TASK deletes"),
    ("Enter attaches", "orchestra attach TASK attaches"),
    ("Space answers", "orchestra send TASK TEXT answers"),
    ("Look at them and press y", "orchestra trust shows them, and asks"),
];

/// A text of the engine about a task, or about the designer (`main`); none: about neither.
pub fn told(text: &str, about: Option<&str>) -> String {
    static ANY: LazyLock<Regex> = LazyLock::new(|| {
        let phrases: Vec<_> = PHRASES.iter().map(|(phrase, _)| *phrase).collect();
        Regex::new(&format!(r"\b(?:{})\b", phrases.join("|"))).expect("invariant: phrases are words")
    });
    let in_verbs = |found: &Captures<'_>| {
        let verb = PHRASES.iter().find(|(phrase, _)| *phrase == &found[0]).map_or(&found[0], |(_, verb)| *verb);
        match about {
            // The designer is no task: it begins when somebody attaches.
            Some(SessionId::MAIN) => verb.replace("start TASK", "attach main").replace("TASK", SessionId::MAIN),
            Some(task) => verb.replace("TASK", task),
            None => verb.to_owned(),
        }
    };
    ANY.replace_all(text, in_verbs).into_owned()
}

/// The same of a failure.
pub fn refused(failure: Failure, about: Option<&str>) -> Failure {
    let Failure { kind, message, hint } = failure;
    Failure { kind, message: told(&message, about), hint: hint.map(|hint| told(&hint, about)) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn keys_become_verbs() {
        for (text, about, wanted) in [
            ("it is a draft; S starts it", Some("fix-it"), "it is a draft; orchestra start fix-it starts it"),
            ("a reviews it, M merges", Some("b"), "orchestra review b reviews it, orchestra merge b merges"),
            ("S starts it", Some("main"), "orchestra attach main starts it"),
            ("x stops it", None, "orchestra stop TASK stops it"),
            ("Data reviews it; PS starts it", Some("fix-it"), "Data reviews it; PS starts it"),
        ] {
            assert_eq!(told(text, about), wanted);
        }
    }

    /// Texts in the source that name a key, from the key on.
    fn key_phrases(source: &str) -> Vec<String> {
        let code: Vec<_> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n").replace("'\"'", "''");
        let literal = Regex::new(r#""(?:[^"\\]|\\(?s:.))*""#).unwrap();
        // `a` is a word as well: only what it does as a key counts.
        let key = Regex::new(
            r"(?x) (?: ^ | [\x20.,;:(\x22] ) (
                (?: [B-HJ-Zb-z] | Enter | Esc | Tab | Space | Ctrl-. ) \x20 [a-z]+s \b
                | a \x20 (?: reviews | accepts | approves | answers | attaches | opens | shows ) \b
                | (?: [A-Z][a-z\x20]+ )? \b [Pp]ress \x20 \S+
            )",
        )
        .unwrap();
        let texts = literal.find_iter(&code).map(|found| found.as_str());
        let starts = |text: &str| -> Vec<String> {
            key.captures_iter(text).map(|found| text[found.get(1).unwrap().start()..].to_owned()).collect()
        };
        texts.flat_map(starts).collect()
    }

    fn sources(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: std::path::PathBuf| {
            if path.is_dir() { sources(&path) } else { vec![std::fs::read_to_string(path).unwrap()] }
        };
        entries.filter(|path| path.is_dir() || path.extension().is_some_and(|it| it == "rs")).flat_map(read).collect()
    }

    #[test]
    fn every_key_that_the_engine_names_has_a_verb() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let sources = ["engine", "git"].into_iter().flat_map(|folder| sources(&root.join(folder)));
        let named: Vec<String> = sources.flat_map(|source| key_phrases(&source)).collect();
        let known = |text: &str| PHRASES.iter().any(|(phrase, _)| text.starts_with(phrase));
        let unknown: Vec<_> = named.iter().filter(|text| !known(text)).collect();
        assert!(unknown.is_empty(), "give them a row in PHRASES: {unknown:#?}");
        assert!(named.len() > PHRASES.len(), "the sources were not understood: {named:#?}");
        assert_eq!(key_phrases(r#"let x = y; "done; Z undoes it" // S starts"#), ["Z undoes it\""]);
    }
}

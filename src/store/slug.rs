//! Slugs for tasks that were given none.

use crate::model::{IdError, Slug};

/// Words that say nothing about a task.
const FILLER: [&str; 64] = [
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "but", "by", "can", "could",
    "do", "does", "for", "from", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "just", "let",
    "like", "make", "me", "my", "new", "not", "of", "on", "or", "our", "please", "should", "so", "some", "sure",
    "that", "the", "then", "there", "these", "this", "to", "up", "use", "want", "we", "when", "which", "will", "with",
    "would", "you",
];

/// Words of a description that go into a slug.
const MAX_WORDS: usize = 4;
/// Length that a slug made of a description does not exceed, in bytes.
const MAX_LENGTH: usize = 32;

/// Lowers what a person typed and checks it; true: it was changed.
pub fn lowered(text: &str) -> Result<(Slug, bool), IdError> {
    let lower = text.to_ascii_lowercase();
    Slug::new(&lower).map(|slug| (slug, lower != text))
}

/// A few significant words of the description's first line that has some; none when nothing can be made of it.
pub fn from_description(description: &str) -> Option<Slug> {
    description.lines().find_map(|line| {
        let lower = line.to_lowercase().replace('\'', "");
        let all = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut slug = String::new();
        for word in all.filter(|word| !FILLER.contains(word)).take(MAX_WORDS) {
            if slug.is_empty() {
                slug.push_str(&word[..word.len().min(MAX_LENGTH)]);
            } else if slug.len() + 1 + word.len() <= MAX_LENGTH {
                slug.push('-');
                slug.push_str(word);
            } else {
                break;
            }
        }
        Slug::new(&slug).ok()
    })
}

/// Three random words that are not taken (`only-decisive-chiffchaff`).
pub fn random(is_taken: impl Fn(&str) -> bool) -> Slug {
    std::iter::repeat_with(|| petname::petname(3, "-"))
        .take(64)
        .flatten()
        .filter_map(|words| Slug::new(&words).ok())
        .find(|slug| !is_taken(slug.as_str()))
        .unwrap_or_else(|| free(&Slug::new("task").expect("invariant: a plain word is a slug"), is_taken))
}

/// `wanted`, or the first free one of `wanted-2`, `wanted-3` ...
pub fn free(wanted: &Slug, is_taken: impl Fn(&str) -> bool) -> Slug {
    if !is_taken(wanted.as_str()) {
        return wanted.clone();
    }
    let (stem, first) = match wanted.as_str().rsplit_once('-') {
        Some((stem, number)) if !stem.is_empty() && number.len() < 6 && !number.starts_with('0') => {
            number.parse::<u32>().map_or((wanted.as_str(), 2), |number| (stem, number + 1))
        }
        _ => (wanted.as_str(), 2),
    };
    (first..u32::MAX)
        .filter_map(|number| {
            let suffix = format!("-{number}");
            Slug::new(&format!("{}{suffix}", &stem[..stem.len().min(Slug::MAX - suffix.len())])).ok()
        })
        .find(|slug| !is_taken(slug.as_str()))
        .expect("invariant: some number is free")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(description: &str) -> Option<String> {
        from_description(description).map(String::from)
    }

    #[test]
    fn descriptions_become_few_words() {
        for (description, slug) in [
            ("Please add a CSV export to the report page", "add-csv-export-report"),
            ("# Fix the failing date tests\n\nThey break in May.", "fix-failing-date-tests"),
            ("Don't panic when it's empty", "dont-panic-empty"),
            ("\n\nthe\nRename `foo_bar`", "rename-foo-bar"),
            ("Internationalization of authentication providers", "internationalization-of"),
        ] {
            let expected = if slug.ends_with("-of") { "internationalization" } else { slug };
            assert_eq!(made(description).as_deref(), Some(expected), "{description}");
        }
        for description in ["", "the and", "日本語", "42", "main"] {
            assert_eq!(made(description), None, "{description}");
        }
    }

    #[test]
    fn a_taken_slug_gets_a_number() {
        let taken = ["csv-export", "csv-export-2", "fix-9"];
        let next = |wanted| String::from(free(&Slug::new(wanted).unwrap(), |slug| taken.contains(&slug)));
        assert_eq!(next("csv-export"), "csv-export-3");
        assert_eq!(next("csv-export-2"), "csv-export-3");
        assert_eq!(next("fix-9"), "fix-10");
        assert_eq!(next("free"), "free");
        let long = "x".repeat(Slug::MAX);
        let suggested = free(&Slug::new(&long).unwrap(), |slug| slug == long);
        assert!(suggested.as_str().ends_with("x-2"));
    }

    #[test]
    fn random_slugs_are_three_words_and_never_taken() {
        let slug = random(|_| false);
        assert!(slug.as_str().split('-').count() >= 3, "{slug}");
        let slug = random(|slug| slug.contains('-') && slug != "task-2");
        assert_eq!(slug.as_str(), "task");
    }

    #[test]
    fn upper_case_is_lowered_with_a_word() {
        assert_eq!(lowered("Fix-It").map(|(slug, changed)| (String::from(slug), changed)), Ok(("fix-it".into(), true)));
        assert!(!lowered("fix-it").unwrap().1);
        assert!(lowered("fix it").is_err());
    }

    proptest! {
        #[test]
        fn any_description_makes_a_slug_or_none(text in "\\PC{0,120}") {
            if let Some(slug) = from_description(&text) {
                prop_assert!(slug.as_str().len() <= MAX_LENGTH);
            }
        }
    }
}

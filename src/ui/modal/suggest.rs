//! A slug made of a description: the words that carry it.

use crate::model::Slug;

/// Words that say little.
const LITTLE: &[&str] = &[
    "a", "all", "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "has", "have", "in", "into", "is",
    "it", "its", "of", "on", "or", "our", "please", "should", "so", "some", "that", "the", "their", "then", "there",
    "this", "to", "we", "when", "which", "will", "with", "you",
];
/// Words and bytes of a suggestion.
const WORDS: usize = 3;
const BYTES: usize = 24;

/// A free slug from the first sentence of `description`; empty when no word of it can stand in one.
pub fn slug(description: &str, taken: impl Fn(&str) -> bool) -> String {
    let sentence = description.split(['.', '\n', ';', ':']).find(|part| !part.trim().is_empty()).unwrap_or("");
    let words = sentence
        .split(|char: char| !char.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .filter(|word| !word.is_empty() && !LITTLE.contains(&word.as_str()));
    let mut slug = String::new();
    for word in words.take(WORDS) {
        if !slug.is_empty() && slug.len() + 1 + word.len() > BYTES {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word[..word.len().min(BYTES)]);
    }
    if Slug::new(&slug).is_err() { String::new() } else { free(&slug, taken) }
}

/// `slug`, or the first of `slug-2`, `slug-3` ... that is not taken.
pub fn free(slug: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|n| format!("{slug}-{n}"));
    std::iter::once(slug.to_owned()).chain(numbered).find(|slug| !taken(slug)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_carry_it() {
        let suggest = |text| slug(text, |slug| slug == "fix-tests");
        assert_eq!(suggest("Quote the fields that contain a newline. See x."), "quote-fields-contain");
        assert_eq!(suggest("Fix the tests"), "fix-tests-2");
        assert_eq!(suggest("Internationalization of everything"), "internationalization");
        for text in ["", "...", "42", "main", "日本語"] {
            assert_eq!(suggest(text), "", "{text:?}");
        }
    }
}

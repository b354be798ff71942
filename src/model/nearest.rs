//! The name that was probably meant by a word that names nothing.

/// The one of `names` that a slip of the fingers may have made `word` of; none: all are too far away.
pub fn meant<T: AsRef<str> + Ord>(word: &str, names: impl IntoIterator<Item = T>) -> Option<T> {
    let limit = (word.chars().count() / 3).max(1) + 1;
    // One that has nothing in common with the word is as far away as it is long.
    let near = |(distance, name): &(usize, T)| *distance <= limit && *distance < name.as_ref().chars().count();
    ranked(word, names).filter(near).min().map(|(_, name)| name)
}

/// The one of `names` that is the least far from `word`, however far; none: there are no names.
pub fn nearest<T: AsRef<str> + Ord>(word: &str, names: impl IntoIterator<Item = T>) -> Option<T> {
    ranked(word, names).min().map(|(_, name)| name)
}

/// Each name with the number of letters to insert, remove or replace.
fn ranked<T: AsRef<str>>(word: &str, names: impl IntoIterator<Item = T>) -> impl Iterator<Item = (usize, T)> {
    names.into_iter().map(move |name| (strsim::levenshtein(word, name.as_ref()), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let names = ["agent", "model", "stop", "start", "status"];
        assert_eq!(meant("agnet", names), Some("agent"));
        assert_eq!(meant("statsu", names), Some("status"));
        assert_eq!(meant("zzzz", names), None);
        assert_eq!(meant("b", ["a"]), None, "they share no letter");
        assert_eq!(nearest("zzzz", names), Some("stop"));
        assert_eq!(nearest("zzzz", [""; 0]), None);
    }
}

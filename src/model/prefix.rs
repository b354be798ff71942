//! The first word of a message to the designer, or to a parent: what it does to the sender's task.

/// What a message begins with, at its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Something went wrong; the sender waits for a word.
    Error,
    /// The sender waits for an answer.
    Question,
    /// Something outside of the sender's reach has to be done first.
    Blocked,
    /// The rest is the text of the sender's stage.
    Complete,
}

impl Prefix {
    const ALL: [Self; 4] = [Self::Error, Self::Question, Self::Blocked, Self::Complete];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "ERROR:",
            Self::Question => "QUESTION:",
            Self::Blocked => "BLOCKED:",
            Self::Complete => "COMPLETE:",
        }
    }

    /// The prefix of a message and what follows it; none: the message is only to be read.
    pub fn of(text: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|prefix| Some((prefix, text.strip_prefix(prefix.word())?.trim())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R113.
    #[test]
    fn a_prefix_stands_at_the_first_byte() {
        assert_eq!(Prefix::of("ERROR: no pytest\n"), Some((Prefix::Error, "no pytest")));
        assert_eq!(Prefix::of("QUESTION:which?"), Some((Prefix::Question, "which?")));
        assert_eq!(Prefix::of("BLOCKED: no server"), Some((Prefix::Blocked, "no server")));
        assert_eq!(Prefix::of("COMPLETE: # Done\n\nAll."), Some((Prefix::Complete, "# Done\n\nAll.")));
        for text in [" ERROR: x", "error: x", "ERROR x", "It says ERROR: x", "\nCOMPLETE: x", "COMPLETED: x", ""] {
            assert_eq!(Prefix::of(text), None, "{text:?}");
        }
    }
}

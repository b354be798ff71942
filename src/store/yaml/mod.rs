//! YAML with positions: what a person wrote, and where.
//!
//! serde_yaml loses positions as soon as aliases and merge keys come in, so files that people write are read into this
//! tree first and checked against it. Invariants: no duplicate keys; aliases and merge keys are resolved; size, depth
//! and the number of nodes after aliases are bounded; every node knows the line and column it came from.

mod parse;
mod read;
mod scalar;

use std::ops::Range;

pub use read::{Fields, unknown};

/// A place in a file; line and column count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    pub line: usize,
    pub column: usize,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {message}", mark.line, mark.column)]
pub struct Flaw {
    pub mark: Mark,
    pub message: String,
    /// The valid key or word that is nearest to what was written.
    pub nearest: Option<String>,
}

impl Flaw {
    pub fn new(mark: Mark, message: impl Into<String>) -> Self {
        Self { mark, message: message.into(), nearest: None }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    pub mark: Mark,
    /// In characters from the start of the text; for an alias, where its anchor's value stands.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `plain`: written without quotes, so that `true`, `1` and `~` are no text.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// `flow`: written with braces.
    Map {
        entries: Vec<Entry>,
        flow: bool,
    },
}

/// One key of a map, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub mark: Mark,
    /// Where the key stands, in characters.
    pub span: Range<usize>,
    pub value: Node,
}

/// The largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

impl Node {
    /// Reads one document; an empty one is null.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        parse::document(text)
    }

    /// The value of a map's key; null counts as not there.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Kind::Map { entries, .. } = &self.kind else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }
}

#[cfg(test)]
mod tests;

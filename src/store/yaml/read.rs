//! Strict reading of the tree: types, ranges, known keys, with the nearest valid word in every refusal.

use std::ops::RangeInclusive;

use super::{Entry, Flaw, Kind, Mark, Node};
use crate::model::meant;

/// A map of which every key is known.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    entries: &'a [Entry],
    mark: Mark,
}

impl<'a> Fields<'a> {
    /// The map in `node`; `what` names it in messages. Refuses keys that are not in `known`.
    pub fn new(node: &'a Node, what: &str, known: &[&str]) -> Result<Self, Flaw> {
        let entries = node.entries(what)?;
        match entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
            Some(entry) => Err(unknown(entry.mark, &format!("key in {what}"), &entry.key, known.iter().copied())),
            None => Ok(Self { entries, mark: node.mark }),
        }
    }

    /// Null counts as not there.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// Where the key stands, for a refusal of the key itself.
    pub fn key_mark(&self, key: &str) -> Option<Mark> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.mark)
    }

    pub fn required(&self, key: &str, what: &str) -> Result<&'a Node, Flaw> {
        self.get(key).ok_or_else(|| Flaw::new(self.mark, format!("{what} needs \"{key}\"")))
    }

    pub fn text(&self, key: &str) -> Result<Option<String>, Flaw> {
        self.get(key).map(|node| node.text(key).map(str::to_owned)).transpose()
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>, Flaw> {
        self.get(key).map(|node| node.flag(key)).transpose()
    }

    pub fn number(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Flaw> {
        self.get(key).map(|node| node.number(key, range)).transpose()
    }
}

impl Node {
    /// Text that is not empty.
    pub fn text(&self, what: &str) -> Result<&str, Flaw> {
        match &self.kind {
            Kind::Scalar { text, .. } if self.to_value().is_string() && !text.is_empty() => Ok(text),
            Kind::Scalar { text, plain: true } if !self.is_null() => {
                let message = format!("\"{what}\" must be text, not {text}: put it in quotes");
                Err(Flaw::new(self.mark, message))
            }
            _ => Err(self.refuse(what, "text")),
        }
    }

    pub fn flag(&self, what: &str) -> Result<bool, Flaw> {
        self.to_value().as_bool().ok_or_else(|| self.refuse(what, "true or false"))
    }

    pub fn number(&self, what: &str, range: RangeInclusive<u32>) -> Result<u32, Flaw> {
        let number = self.to_value().as_u64().and_then(|number| u32::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let (from, to) = range.into_inner();
            let wanted = match to {
                u32::MAX => format!("a whole number from {from}"),
                _ => format!("a whole number from {from} to {to}"),
            };
            self.refuse(what, &wanted)
        })
    }

    /// One of `words`.
    pub fn choice<'w>(&self, what: &str, words: &[&'w str]) -> Result<&'w str, Flaw> {
        let text = self.raw().unwrap_or_default();
        words.iter().find(|word| **word == text).copied().ok_or_else(|| {
            let wanted = format!("one of {}", words.join(", "));
            Flaw { nearest: meant(text, words.iter().copied()).map(str::to_owned), ..self.refuse(what, &wanted) }
        })
    }

    pub fn list(&self, what: &str) -> Result<&[Self], Flaw> {
        match &self.kind {
            Kind::List(list) => Ok(list),
            _ => Err(self.refuse(what, "a list")),
        }
    }

    pub fn entries(&self, what: &str) -> Result<&[Entry], Flaw> {
        match &self.kind {
            Kind::Map { entries, .. } => Ok(entries),
            _ => Err(self.refuse(what, "a map of keys")),
        }
    }

    fn refuse(&self, what: &str, wanted: &str) -> Flaw {
        Flaw::new(self.mark, format!("\"{what}\" must be {wanted}, not {}", self.describe()))
    }
}

/// The refusal of a word that is none of `known`.
pub fn unknown<'k>(mark: Mark, what: &str, word: &str, known: impl IntoIterator<Item = &'k str>) -> Flaw {
    let nearest = meant(word, known);
    let hint = nearest.map_or_else(String::new, |nearest| format!(", did you mean \"{nearest}\"?"));
    Flaw { mark, message: format!("unknown {what} \"{word}\"{hint}"), nearest: nearest.map(str::to_owned) }
}

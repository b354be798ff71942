//! A breakdown as a person edits it: whole, or one subtask at a time.
//!
//! Invariant: numbers are those that a person sees, from 1, and a subtask keeps its own while others are dropped or moved.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::submission::SubtaskDraft;

/// One subtask of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubtaskSheet {
    /// What `after` of others calls it; none in all of them: their places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<usize>,
    pub title: String,
    pub description: String,
    #[serde(default)]
    pub instructions: String,
    /// Numbers of those that come first.
    #[serde(default)]
    pub after: Vec<usize>,
    #[serde(default)]
    pub flow: Option<String>,
}

/// What cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    #[error("two subtasks have the id {0}")]
    SameId(usize),
    #[error("subtask {0} has no title")]
    NoTitle(usize),
    #[error("\"{0}\" cannot come after itself")]
    AfterItself(String),
    #[error("\"{0}\" comes after {1}, which is no subtask here")]
    AfterNone(String, usize),
}

impl SubtaskSheet {
    /// A subtask, and the id that it has.
    pub fn new(id: Option<usize>, draft: &SubtaskDraft) -> Self {
        let SubtaskDraft { title, description, instructions, depends_on, flow } = draft.clone();
        let after = depends_on.into_iter().map(|index| index + 1).collect();
        Self { id, title, description, instructions, after, flow }
    }

    /// All subtasks of a breakdown, with ids.
    pub fn all(drafts: &[SubtaskDraft]) -> Vec<Self> {
        drafts.iter().enumerate().map(|(at, draft)| Self::new(Some(at + 1), draft)).collect()
    }

    /// The breakdown again; `before` subtasks were in it: those of them that are gone are no longer waited for.
    pub fn read(sheets: Vec<Self>, before: usize) -> Result<Vec<SubtaskDraft>, SheetError> {
        let named = sheets.iter().any(|sheet| sheet.id.is_some());
        let mut places = HashMap::new();
        for (at, sheet) in sheets.iter().enumerate() {
            let id = if named { sheet.id } else { Some(at + 1) };
            if let Some(id) = id
                && places.insert(id, at).is_some()
            {
                return Err(SheetError::SameId(id));
            }
        }
        let is_gone = |id: usize| named && (1..=before).contains(&id);
        sheets.into_iter().enumerate().map(|(at, sheet)| sheet.draft(at, &places, is_gone)).collect()
    }

    fn draft(
        self,
        at: usize,
        places: &HashMap<usize, usize>,
        is_gone: impl Fn(usize) -> bool,
    ) -> Result<SubtaskDraft, SheetError> {
        let Self { id: _, title, description, instructions, after, flow } = self;
        if title.trim().is_empty() {
            return Err(SheetError::NoTitle(at + 1));
        }
        let mut depends_on = Vec::new();
        for id in after {
            match places.get(&id) {
                Some(place) if *place == at => return Err(SheetError::AfterItself(title)),
                Some(place) => depends_on.push(*place),
                None if is_gone(id) => {}
                None => return Err(SheetError::AfterNone(title, id)),
            }
        }
        let flow = flow.filter(|flow| !flow.trim().is_empty());
        Ok(SubtaskDraft { title, description, instructions, depends_on, flow })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(id: Option<usize>, title: &str, after: &[usize]) -> SubtaskSheet {
        let (description, instructions) = ("Two lines:\nthat one and this.\n".to_owned(), "- a list".to_owned());
        SubtaskSheet { id, title: title.to_owned(), description, instructions, after: after.to_vec(), flow: None }
    }

    fn order(drafts: &[SubtaskDraft]) -> Vec<(&str, &[usize])> {
        drafts.iter().map(|draft| (draft.title.as_str(), draft.depends_on.as_slice())).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let drafts = SubtaskSheet::read(
            vec![sheet(None, "one", &[]), sheet(None, "two", &[1]), sheet(None, "three", &[1, 2])],
            0,
        );
        let drafts = drafts.unwrap();
        assert_eq!(order(&drafts), [("one", &[][..]), ("two", &[0]), ("three", &[0, 1])]);
        assert_eq!(SubtaskSheet::read(SubtaskSheet::all(&drafts), 3).unwrap(), drafts);
    }

    #[test]
    fn one_can_be_dropped_and_others_moved() {
        let sheets = vec![sheet(Some(3), "three", &[1, 2]), sheet(None, "new", &[3]), sheet(Some(1), "one", &[])];
        assert_eq!(order(&SubtaskSheet::read(sheets, 3).unwrap()), [("three", &[2][..]), ("new", &[0]), ("one", &[])]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |sheets: Vec<SubtaskSheet>| SubtaskSheet::read(sheets, 2).unwrap_err();
        assert_eq!(refused(vec![sheet(Some(1), "a", &[7])]), SheetError::AfterNone("a".to_owned(), 7));
        assert_eq!(refused(vec![sheet(None, "a", &[2])]), SheetError::AfterNone("a".to_owned(), 2));
        assert_eq!(refused(vec![sheet(Some(1), "a", &[0])]), SheetError::AfterNone("a".to_owned(), 0));
        assert_eq!(refused(vec![sheet(Some(1), "a", &[1])]), SheetError::AfterItself("a".to_owned()));
        assert_eq!(refused(vec![sheet(Some(1), "a", &[]), sheet(Some(1), "b", &[])]), SheetError::SameId(1));
        assert_eq!(refused(vec![sheet(None, " ", &[])]), SheetError::NoTitle(1));
    }
}

//! What the screen remembers from one start to the next: unfinished texts, the tips that were shown, and how the list was
//! folded and narrowed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::ProjectId;
use crate::store::atomic;
use crate::ui::model::Model;

/// The file, and what it holds.
pub(super) struct Memory {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    drafts: BTreeMap<String, String>,
    history: BTreeMap<String, Vec<String>>,
    tips: BTreeSet<String>,
    folded: BTreeSet<ProjectId>,
    scope: Option<ProjectId>,
}

impl Kept {
    fn of(model: &Model) -> Self {
        Self {
            drafts: model.input.drafts.clone(),
            history: model.input.history.clone(),
            tips: model.messages.tips.clone(),
            folded: model.list.folded.clone(),
            scope: model.list.scope.clone(),
        }
    }

    fn is_of(&self, model: &Model) -> bool {
        self.drafts == model.input.drafts
            && self.history == model.input.history
            && self.tips == model.messages.tips
            && self.folded == model.list.folded
            && self.scope == model.list.scope
    }
}

impl Memory {
    /// Brings back what an earlier start left; a damaged file counts as none.
    pub fn load(path: &Path, model: &mut Model) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        let kept: Kept = serde_json::from_slice(&text).unwrap_or_default();
        model.input.drafts = kept.drafts.clone();
        model.input.history = kept.history.clone();
        model.messages.tips.clone_from(&kept.tips);
        model.list.folded.clone_from(&kept.folded);
        model.list.scope.clone_from(&kept.scope);
        Self { path: path.to_owned(), kept }
    }

    /// Writes what has changed since it was last written.
    pub fn keep(&mut self, model: &Model) {
        if !self.kept.is_of(model) {
            self.save(model);
        }
    }

    pub fn save(&mut self, model: &Model) {
        self.kept = Kept::of(model);
        // A draft that cannot be kept is still on the screen: nothing better can be done here.
        if let Ok(text) = serde_json::to_vec(&self.kept) {
            let _ = atomic::write(&self.path, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Size, Snapshot};

    #[test]
    fn how_the_list_stood_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("screen.json");
        let model =
            || Model::new(Arc::new(Snapshot::default()), "2026-11-21T12:00:00Z".parse().unwrap(), Size::default());
        let mut first = model();
        let mut memory = Memory::load(&path, &mut first);
        memory.keep(&first);
        assert!(!path.exists(), "nothing to remember");
        first.list.folded.insert(ProjectId::from("my-app-1f3a9c"));
        first.list.scope = Some(ProjectId::from("billing-api-77e1d0"));
        memory.keep(&first);
        let mut second = model();
        Memory::load(&path, &mut second);
        assert_eq!((second.list.folded, second.list.scope), (first.list.folded, first.list.scope));
    }
}

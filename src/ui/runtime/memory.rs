//! What the screen remembers from one start to the next: unfinished texts, and the tips that were shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

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
}

impl Memory {
    /// Brings back what an earlier start left; a damaged file counts as none.
    pub fn load(path: &Path, model: &mut Model) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        let kept: Kept = serde_json::from_slice(&text).unwrap_or_default();
        model.input.drafts = kept.drafts.clone();
        model.input.history = kept.history.clone();
        model.messages.tips.clone_from(&kept.tips);
        Self { path: path.to_owned(), kept }
    }

    /// Writes what has changed since it was last written.
    pub fn keep(&mut self, model: &Model) {
        let same = self.kept.drafts == model.input.drafts
            && self.kept.history == model.input.history
            && self.kept.tips == model.messages.tips;
        if !same {
            self.save(model);
        }
    }

    pub fn save(&mut self, model: &Model) {
        self.kept = Kept {
            drafts: model.input.drafts.clone(),
            history: model.input.history.clone(),
            tips: model.messages.tips.clone(),
        };
        // A draft that cannot be kept is still on the screen: nothing better can be done here.
        if let Ok(text) = serde_json::to_vec(&self.kept) {
            let _ = atomic::write(&self.path, &text);
        }
    }
}

//! The templates that a new task can begin with, as the form chooses among them.
//!
//! Invariant: no text is lost: a template takes what a person wrote into its own text, and gives it back when another one
//! is chosen.

use crate::model::TaskTemplate;

/// The chooser of the form.
#[derive(Debug, Default)]
pub struct Templates {
    found: Vec<TaskTemplate>,
    /// Why others cannot be chosen.
    broken: Vec<String>,
    /// From 1; 0: none.
    chosen: usize,
    /// What a person wrote, and what the chosen one made of it.
    own: String,
    filled: String,
}

impl Templates {
    pub fn new(found: Vec<TaskTemplate>, broken: Vec<String>) -> Self {
        Self { found, broken, ..Self::default() }
    }

    /// There is nothing to choose, and nothing to say of that.
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty() && self.broken.is_empty()
    }

    pub fn chosen(&self) -> Option<&TaskTemplate> {
        self.found.get(self.chosen.checked_sub(1)?)
    }

    /// The next one, or the one before: what becomes of the description.
    pub fn turn(&mut self, back: bool, description: &str) -> &str {
        if self.chosen == 0 || description != self.filled {
            description.clone_into(&mut self.own);
        }
        self.chosen = super::choice::turn(self.chosen, self.found.len() + 1, back);
        self.filled = self.chosen().map_or_else(|| self.own.clone(), |template| template.filled(&self.own));
        &self.filled
    }

    pub fn value(&self) -> String {
        format!("‹ {} ›", self.chosen().map_or("none", |template| template.name.as_str()))
    }

    /// What stands beside it.
    pub fn note(&self) -> String {
        let Some(template) = self.chosen() else { return self.broken.join("; ") };
        let set = [("flow", &template.flow), ("agent", &template.agent), ("model", &template.model)];
        let set = set.into_iter().filter_map(|(word, value)| Some(format!("{word} {}", value.as_ref()?)));
        let facts: Vec<String> = template.title.iter().cloned().chain(set).collect();
        facts.join(", ")
    }
}

//! What a new task starts from: the name as it is typed, and what the engine says of it.

use crate::model::{BaseFacts, ProjectId, Request};
use crate::ui::text;

use super::field::Field;

/// Digits of a commit.
const COMMIT: usize = 7;

/// The field of the form.
#[derive(Debug)]
pub struct Base {
    pub field: Field,
    /// None: not known (yet).
    facts: Option<Box<BaseFacts>>,
    /// The name that was asked for last.
    asked: String,
}

impl Base {
    /// Begins with the branch that was checked out when it was looked at last.
    pub fn new(branch: Option<&str>) -> Self {
        let asked = branch.unwrap_or("HEAD");
        Self { field: Field::new(asked), facts: None, asked: asked.to_owned() }
    }

    pub fn text(&self) -> String {
        self.field.text().trim().to_owned()
    }

    /// Asks for what is checked out now.
    pub const fn first_request(project: ProjectId) -> Request {
        Request::BaseFacts { project, base: None }
    }

    /// Asks what it is, if it is another one than before.
    pub fn request(&mut self, project: &ProjectId) -> Option<Request> {
        let base = self.text();
        if base == self.asked || base.is_empty() {
            return None;
        }
        self.asked.clone_from(&base);
        self.facts = None;
        Some(Request::BaseFacts { project: project.clone(), base: Some(base) })
    }

    pub fn fill(&mut self, facts: Box<BaseFacts>) {
        // Nobody touched the field: what is checked out by now stands in it.
        if self.facts.is_none() && self.text() == self.asked && self.asked != facts.name {
            self.field.set(&facts.name);
            self.asked.clone_from(&facts.name);
        }
        self.facts = Some(facts);
    }

    /// What stands beside it: its commit, and how far it is behind.
    pub fn note(&self) -> String {
        let Some(facts) = self.facts.as_ref().filter(|facts| facts.name == self.text()) else {
            return "branch or commit".to_owned();
        };
        let commit = facts.commit.get(..COMMIT).unwrap_or(&facts.commit);
        match &facts.upstream {
            Some((name, behind)) if *behind > 0 => {
                let remote = name.strip_suffix(&format!("/{}", facts.name)).unwrap_or(name);
                format!("{commit}, {} behind {remote}", text::plural((*behind).into(), "commit"))
            }
            _ => commit.to_owned(),
        }
    }
}

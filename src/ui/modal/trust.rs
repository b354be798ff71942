//! The trust prompt: what a repository's files want to run, shown before it first does.

use crossterm::event::{KeyCode, KeyEvent};

use crate::model::{ProjectId, Request, TrustFacts};
use crate::ui::model::{Effect, Model, Then};
use crate::ui::text::{self, plural};

use super::Step;
use super::panel::{Panel, Row, Tone};

/// Lines of each file before `v`.
const FIRST: usize = 12;
/// Digits of the hash that are shown.
const DIGITS: usize = 12;

/// The prompt.
#[derive(Debug)]
pub struct Trust {
    pub project: ProjectId,
    pub facts: Option<Box<TrustFacts>>,
    /// What waits for it.
    request: Box<Request>,
    whole: bool,
    offset: usize,
}

impl Trust {
    pub fn new(project: ProjectId, request: Request) -> Self {
        Self { project, facts: None, request: Box::new(request), whole: false, offset: 0 }
    }

    pub fn key(&mut self, event: KeyEvent) -> Step {
        if !event.modifiers.is_empty() {
            return Step::stay();
        }
        match (event.code, &self.facts) {
            (KeyCode::Char('y'), Some(facts)) => {
                let request = Request::Trust { project: self.project.clone(), hash: facts.hash.clone() };
                let then = Then::Resume(self.request.clone());
                return Step::Close(vec![Effect::Ask { request, then }]);
            }
            (KeyCode::Char('v'), _) => {
                self.whole = !self.whole;
                self.offset = 0;
            }
            (KeyCode::Enter | KeyCode::Char('n'), _) => return Step::close(),
            (KeyCode::Up, _) => self.offset = self.offset.saturating_sub(1),
            (KeyCode::Down, _) => self.offset += 1,
            (KeyCode::PageUp, _) => self.offset = self.offset.saturating_sub(FIRST),
            (KeyCode::PageDown, _) => self.offset += FIRST,
            _ => {}
        }
        Step::stay()
    }

    pub fn panel(&self, model: &Model) -> Panel {
        let view = if self.whole { "v first lines" } else { "v view all" };
        let mut panel = Panel::new("trust these files?", format!("y trust   {view}   Enter not now"));
        let Some(facts) = &self.facts else {
            panel.push(Row::new(Tone::Dim, "..."));
            return panel;
        };
        let hash: String = facts.hash.chars().take(DIGITS).collect();
        panel.push(format!(
            "{} of this repository can run commands.   {hash}",
            plural(facts.files.len() as u64, "file")
        ));
        if let Some(former) = &facts.former {
            let when = former.at.map_or_else(|| "before".to_owned(), |at| format!("{} ago", text::age(at, model.now)));
            let changed = match former.changed {
                0 => "What git would run".to_owned(),
                n => plural(n as u64, "file"),
            };
            panel.push(Row::new(Tone::Dim, format!("{changed} changed since you trusted this repository {when}.")));
        }
        for (path, text) in &facts.files {
            panel.blank();
            panel.push(Row::new(Tone::Bold, path.display().to_string()));
            let lines = text.lines().count();
            let shown = if self.whole { lines } else { lines.min(FIRST) };
            text.lines().take(shown).for_each(|line| panel.push(format!("  {line}")));
            if shown < lines {
                panel.push(Row::new(Tone::Dim, format!("  and {}", plural((lines - shown) as u64, "line"))));
            }
        }
        panel.offset = self.offset.min(panel.rows.len().saturating_sub(1));
        panel
    }
}

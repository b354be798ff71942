//! A confirmation: the facts, and the letter that goes on. Everything else keeps all as it is.

use crossterm::event::{KeyCode, KeyEvent};

use crate::model::{DeleteFacts, DeleteScope, MergeFacts, ProjectId, Reply, Request, SessionKind, Strategy, TaskId};
use crate::ui::glyph::Signs;
use crate::ui::text::{bytes, changed, plural};
use crate::ui::update;

use super::Step;
use super::panel::{Panel, Row, Tone};

/// Columns of the labels.
const LABEL: u16 = 18;

/// What is to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Delete(Option<Box<DeleteFacts>>),
    Merge(Option<Box<MergeFacts>>),
    Restart {
        stage: String,
        turns: usize,
    },
    /// The conversation cannot be resumed.
    Stop,
    Auto,
    Skip {
        next: Option<String>,
    },
    Complete,
    Archive,
    Init,
}

/// The prompt.
#[derive(Debug)]
pub struct Confirm {
    pub action: Action,
    pub project: ProjectId,
    /// None: it is about the project.
    pub task: Option<TaskId>,
    /// Of the task or the project.
    pub name: String,
    offset: usize,
}

impl Confirm {
    pub const fn new(action: Action, project: ProjectId, task: Option<TaskId>, name: String) -> Self {
        Self { action, project, task, name, offset: 0 }
    }

    pub fn key(&mut self, event: KeyEvent) -> Step {
        if !event.modifiers.is_empty() {
            return Step::stay();
        }
        match event.code {
            KeyCode::Char('y') => self.request(DeleteScope::All).map_or_else(Step::stay, confirmed),
            KeyCode::Char('w') if matches!(self.action, Action::Delete(_)) => {
                self.request(DeleteScope::WorktreeOnly).map_or_else(Step::stay, confirmed)
            }
            KeyCode::Char('n') | KeyCode::Enter => Step::close(),
            KeyCode::Char('d') if self.task.is_some() => Step::Park,
            KeyCode::Up => {
                self.offset = self.offset.saturating_sub(1);
                Step::stay()
            }
            KeyCode::Down => {
                self.offset += 1;
                Step::stay()
            }
            _ => Step::stay(),
        }
    }

    pub fn fill(&mut self, reply: Reply) {
        match (&mut self.action, reply) {
            (Action::Delete(facts), Reply::Delete(new)) => *facts = Some(new),
            (Action::Merge(facts), Reply::Merge(new)) => *facts = Some(new),
            _ => {}
        }
    }

    /// None: the facts are not there yet, or they say no.
    fn request(&self, scope: DeleteScope) -> Option<Request> {
        let project = self.project.clone();
        if self.action == Action::Init {
            return Some(Request::InitProject { project });
        }
        let task = self.task?;
        Some(match &self.action {
            Action::Delete(Some(_)) => Request::Delete { project, task, scope },
            Action::Merge(Some(facts)) if facts.refused.is_none() => Request::Merge { project, task, into: None },
            Action::Delete(None) | Action::Merge(_) => return None,
            Action::Restart { .. } => Request::Restart { project, task },
            Action::Stop => Request::Stop { project, task, spent: None },
            Action::Auto => Request::SetAuto { project, task, auto: true },
            Action::Skip { .. } => Request::Skip { project, task },
            Action::Complete => Request::Complete { project, task },
            Action::Archive => Request::Archive { project, task },
            Action::Init => Request::InitProject { project },
        })
    }

    pub fn panel(&self, width: u16) -> Panel {
        let name = &self.name;
        let (title, yes) = match &self.action {
            Action::Delete(_) => (format!("delete {name}?"), "y delete   w worktree only, keep the branch"),
            Action::Merge(Some(facts)) if facts.refused.is_some() => (format!("merge {name}"), ""),
            Action::Merge(_) => (format!("merge {name}?"), "y merge   d diff"),
            Action::Restart { .. } => (format!("restart {name}?"), "y restart"),
            Action::Stop => (format!("stop {name}?"), "y stop"),
            Action::Auto => (format!("auto for {name}?"), "y auto on"),
            Action::Skip { .. } => (format!("skip a stage of {name}?"), "y skip"),
            Action::Complete => (format!("complete {name}?"), "y complete"),
            Action::Archive => (format!("archive {name}?"), "y archive"),
            Action::Init => (format!("set up {name}?"), "y set up"),
        };
        let keep = if yes.is_empty() { "Enter / Esc back" } else { "   Enter / Esc keep" };
        let keep = if self.action == Action::Init { "   Enter / Esc not now" } else { keep };
        let mut panel = Panel::new(title, format!("{yes}{keep}"));
        self.facts(&mut panel, width);
        panel.offset = self.offset.min(panel.rows.len().saturating_sub(1));
        panel
    }

    fn facts(&self, panel: &mut Panel, width: u16) {
        match &self.action {
            Action::Delete(Some(facts)) => delete(panel, facts, width),
            Action::Merge(Some(facts)) => merge(panel, facts, width),
            Action::Delete(None) | Action::Merge(None) => panel.push(Row::new(Tone::Dim, "...")),
            Action::Restart { stage, turns } => {
                let turns = plural(*turns as u64, "attempt");
                let text = format!(
                    "Stage {stage} begins again with a fresh conversation. The history keeps {turns} at it, the worktree \
                     stays as it is."
                );
                panel.say(Tone::Plain, &text, width);
            }
            Action::Stop => panel.say(Tone::Plain, "The agent has not told the id of its conversation: once stopped, it cannot be resumed. The worktree stays as it is.", width),
            Action::Auto => panel.say(Tone::Plain, "No pauses for a person: stages pass on by themselves, and questions get \"use your judgement\". Permissions stay as they are. The same key takes it back.", width),
            Action::Skip { next: Some(next) } => panel.say(Tone::Plain, &format!("The stage ends without its result; {next} is next."), width),
            Action::Skip { next: None } => panel.say(Tone::Plain, "The stage ends without its result. It is the last one: the task is done.", width),
            Action::Complete => panel.say(Tone::Plain, "The task is marked as completed, whatever its stage says. A message to it takes that back.", width),
            Action::Archive => panel.say(Tone::Plain, "The task goes to Closed without a merge. Its branch stays.", width),
            Action::Init => panel.say(Tone::Plain, "Writes .orchestra/ with config, flows, prompts and scripts. What exists is not touched.", width),
        }
    }
}

fn confirmed(request: Request) -> Step {
    Step::Close(update::ask(request))
}

/// Commits, files, processes, then what undo covers and what it does not.
fn delete(panel: &mut Panel, facts: &DeleteFacts, width: u16) {
    let columns = (LABEL, width);
    let merged = if facts.merged { "merged" } else { "not merged" };
    if facts.ahead == 0 && facts.changed.is_empty() && facts.untracked.is_empty() && facts.sessions.is_empty() {
        panel.say(Tone::Plain, "It has no commits, changes or processes.", width);
        return;
    }
    let ahead = plural(facts.ahead.into(), "commit");
    let commits = match facts.ahead {
        0 => format!("no commits ahead of {}", facts.base),
        _ => format!("{ahead} ahead of {}, {merged}", facts.base),
    };
    panel.fact(&facts.branch, &commits, columns);
    let files = format!("{}, {} untracked", plural(facts.changed.len() as u64, "changed file"), facts.untracked.len());
    panel.fact("worktree", &format!("{files}        {}", bytes(facts.bytes)), columns);
    let names: Vec<&str> = facts.changed.iter().chain(&facts.untracked).map(String::as_str).collect();
    if !names.is_empty() {
        let more = if names.len() > 8 { format!("  and {} more", names.len() - 8) } else { String::new() };
        panel.fact("", &format!("{}{more}", names[..names.len().min(8)].join("  ")), columns);
    }
    if !facts.sessions.is_empty() {
        let sessions: Vec<&str> = facts.sessions.iter().map(|(_, text)| text.as_str()).collect();
        panel.fact("sessions", &sessions.join(", "), columns);
    }
    panel.blank();
    panel.say(Tone::Plain, "All of it is saved first and kept for 30 days.", width);
    if !facts.unsaved.is_empty() {
        let text = format!("Not saved: {}.", facts.unsaved.join(", "));
        panel.say(Tone::Attention, &text, width);
    }
    let stopped = |kind| facts.sessions.iter().any(|(it, _)| *it == kind);
    let lost = match (stopped(SessionKind::Executor), stopped(SessionKind::Shell)) {
        (true, true) => "The agent and the shell are stopped; unsaved text in them is lost.",
        (true, false) => "The agent is stopped.",
        (false, true) => "The shell is stopped; unsaved text in it is lost.",
        (false, false) => return,
    };
    panel.say(Tone::Plain, lost, width);
}

fn merge(panel: &mut Panel, facts: &MergeFacts, width: u16) {
    let columns = (LABEL, width);
    let strategy = match facts.strategy {
        Strategy::Rebase => "rebase, then fast-forward",
        Strategy::Merge => "a merge commit",
        Strategy::Squash => "one squashed commit",
    };
    panel.fact("strategy", strategy, columns);
    let behind = match facts.behind {
        0 => "the branch has all of it".to_owned(),
        n => format!("{} that the branch does not have", plural(n.into(), "commit")),
    };
    panel.fact("base", &format!("{}, {behind}", facts.base), columns);
    let stat = facts.stat;
    let files = plural(stat.files.into(), "file");
    let commits = plural(facts.ahead.into(), "commit");
    panel.fact(
        &facts.branch,
        &format!("{commits}   {files}  {}", changed(stat.added, stat.removed, Signs::UNICODE)),
        columns,
    );
    if facts.dirty > 0 {
        panel.fact("uncommitted", &format!("{}, committed first", plural(facts.dirty.into(), "file")), columns);
    }
    let prediction = if facts.conflicts.is_empty() {
        "no conflict predicted".to_owned()
    } else {
        format!("conflicts in {}", facts.conflicts.join(", "))
    };
    panel.fact("prediction", &prediction, columns);
    if let Some(gate) = &facts.gate {
        panel.fact("gate", &format!("{gate} checks the result first"), columns);
    }
    if let Some(failure) = &facts.refused {
        panel.blank();
        panel.say(Tone::Bad, &failure.to_string(), width);
    }
}

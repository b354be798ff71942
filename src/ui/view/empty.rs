//! What an empty pane says: why it is empty, what fills it, and which key does that.

use ratatui::layout::Rect;

use crate::engine::explain;
use crate::model::{ProjectView, State, TaskView};
use crate::ui::row::{Subject, asks_questions};
use crate::ui::theme::Role;

use super::Scene;
use super::canvas::Canvas;
use super::page;

/// The terminal tab of what has no terminal now.
pub fn draw_terminal(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let model = scene.model;
    let subject = model.list.selected.as_ref().and_then(|key| Subject::find(&model.snapshot, key));
    draw(canvas, area, &(scene.spell)(&terminal_text(subject.as_ref())));
}

/// Paragraphs from the second row on: the first one as text, the others dim.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, text: &str) {
    let mut rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    for (at, paragraph) in text.lines().enumerate() {
        let style = canvas.style(if at == 0 { Role::Foreground } else { Role::Dim });
        let used = page::draw_paragraph(canvas, rest, paragraph, style);
        rest = Rect { y: rest.y + used, height: rest.height - used, ..rest };
    }
}

/// What the diff says without lines in it; `is_known`: it was computed, and it is empty.
pub fn diff_text(subject: Option<&Subject<'_>>, is_known: bool) -> &'static str {
    match subject {
        None | Some(Subject::Project(_)) => "No session is selected.",
        Some(Subject::Task(_, task)) if task.task.state == State::Draft => {
            "Nothing to compare yet: it has no worktree. $start starts it."
        }
        Some(Subject::Task(_, task)) if task.task.state.is_closed() && task.worktree.is_none() => {
            "Its worktree is gone; nothing is left to compare."
        }
        Some(_) if !is_known => "...",
        Some(_) => "No changes yet. What the session changes shows here by itself.",
    }
}

fn terminal_text(subject: Option<&Subject<'_>>) -> String {
    match subject {
        None => "No session is selected.\n$new writes a task, $new-line one in a line.".to_owned(),
        Some(Subject::Project(ProjectView { trouble: Some(trouble), .. })) => {
            let hint = trouble.hint.as_deref().unwrap_or_default();
            format!("{}\n{hint}\nIts sessions go on; nothing new begins. $attach looks again.", trouble.message)
        }
        Some(Subject::Project(project)) => format!(
            "{}\n{}\n$new writes a task, $new-line one in a line, $attach folds the project.",
            project.name,
            project.root.display()
        ),
        Some(Subject::Designer(..)) => {
            "The designer is not running.\n$start starts it, $attach talks with it.".to_owned()
        }
        Some(Subject::Task(project, task)) => task_text(project, task),
    }
}

/// What is alive shows its screen in a moment.
const STARTING: &str = "The session is starting.\n$stop stops it, $explain says more.";

fn task_text(project: &ProjectView, view: &TaskView) -> String {
    let task = &view.task;
    let because = task.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", reason.text));
    match task.state {
        _ if view.session.as_ref().is_some_and(|session| session.alive) => STARTING.to_owned(),
        State::Draft => "A draft: nothing was made for it yet.\n$start starts it, $spec opens its spec.".to_owned(),
        State::Setup => "The worktree is being made; then its setup script runs.\n$stop stops it.".to_owned(),
        State::Queued => format!("It waits for {}.\n$stop takes it out of the queue.", explain::queue(project, view)),
        State::Waiting => {
            format!("It waits for {}.\n$start starts it without them.", explain::dependencies(project, view))
        }
        State::Children => format!("It waits for {}.\n$stop stops them.", explain::children(project, view)),
        State::Paused => format!("Paused{because}\n$start resumes it, $explain says more."),
        State::Failed => format!("Failed{because}\n$start tries again, $explain says more."),
        State::Merged | State::Archived => {
            format!("It is {}, and its session has ended.\n$attach opens its log.", task.state.word())
        }
        State::Done => {
            "Its session has ended.\n$approve reviews it, $merge merges it, $start goes on with it.".to_owned()
        }
        State::Scripting => "Its script runs.\n$stop stops it.".to_owned(),
        State::Gating => "Its gate runs.\n$stop stops it.".to_owned(),
        State::Integrating => "It is being merged.\n$explain says more.".to_owned(),
        State::Approval => "It waits for review; its agent has ended.\n$approve reviews it.".to_owned(),
        State::Verdict => "It was rejected by its reviewer.\n$approve confirms, $override goes on.".to_owned(),
        State::Blocked => format!("Blocked{because}\n$start tries again, $explain says more."),
        State::Asking if asks_questions(view) => format!("It asks{because}\n$peek answers."),
        State::Quiet | State::Asking => "Its session has ended.\n$explain says more.".to_owned(),
        State::Working => STARTING.to_owned(),
    }
}

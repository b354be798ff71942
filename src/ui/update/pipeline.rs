//! The pipeline tab: which line is marked, and what it opens.

use crate::model::{ProjectId, ProjectView, SessionId, State, Task, TaskView};
use crate::ui::glyph::Signs;
use crate::ui::modal;
use crate::ui::model::Effect;
use crate::ui::model::{Model, Tab};
use crate::ui::pipeline::{self, Line, Spot, Trace};
use crate::ui::row::Subject;
use crate::ui::text;

use super::list::{Direction, End};
use super::message;

/// What the selected task's pipeline lists, and which of it is marked; none: no task is selected.
pub fn spots(model: &Model) -> Option<(&ProjectView, &TaskView, Vec<Spot>, usize)> {
    let Some(Subject::Task(project, task)) = Subject::of(model) else { return None };
    let spots = pipeline::spots(&task.task);
    let marked = pipeline::marked(&spots, &task.task, model.main.marked);
    Some((project, task, spots, marked))
}

/// The stage of the marked line, while the tab is open.
pub fn stage(model: &Model) -> Option<String> {
    if model.main.tab != Tab::Pipeline {
        return None;
    }
    let (task, spot) = marked(model).ok()?;
    Some(task.flow.stages[spot.stage].name.clone())
}

/// The selected task, and what is marked of it.
fn marked(model: &Model) -> Result<(&Task, Spot), String> {
    let (_, view, spots, marked) = spots(model).ok_or("no task is selected")?;
    Ok((&*view.task, *spots.get(marked).ok_or("there is nothing to open")?))
}

/// The session of the job that is at work, for its output.
pub fn job(model: &Model) -> Option<(ProjectId, SessionId)> {
    let Some(Subject::Task(project, task)) = Subject::of(model) else { return None };
    let job = task.task.job.as_ref()?;
    let shows = matches!(task.task.state, State::Gating | State::Scripting | State::Setup);
    shows.then(|| (project.id.clone(), SessionId::from(job.id.as_str())))
}

pub fn step(model: &mut Model, by: isize) {
    let Some((_, _, spots, marked)) = spots(model) else { return };
    let to = marked.saturating_add_signed(by).min(spots.len().saturating_sub(1));
    model.main.marked = spots.get(to).copied();
}

pub fn end(model: &mut Model, end: End) {
    let Some((_, _, spots, _)) = spots(model) else { return };
    model.main.marked = if end == End::First { spots.first() } else { spots.last() }.copied();
}

/// The nearest line that has the text of the search, around the end.
pub fn find(model: &mut Model, direction: Direction) {
    let Some((project, task, spots, marked)) = spots(model) else { return };
    let search = &model.main.search;
    let hit = |at: &usize| {
        let Line { head, word, text, .. } = pipeline::line(project, task, spots[*at], (model.now, Signs::UNICODE));
        text::contains(&format!("{head} {word} {text}"), search)
    };
    let found = match direction {
        Direction::Forward => (marked + 1..spots.len()).chain(0..=marked).find(hit),
        Direction::Back => (0..marked).rev().chain((marked..spots.len()).rev()).find(hit),
    };
    match found {
        Some(at) => model.main.marked = Some(spots[at]),
        None => message::news(model, format!("\"{search}\" is not in this pipeline")),
    }
}

/// What the marked line opens; else why it opens nothing.
pub fn opens(model: &Model) -> Result<Spot, String> {
    let (task, spot) = marked(model)?;
    let name = || format!("stage {} has left nothing yet", task.flow.stages[spot.stage].name);
    pipeline::opens(task, spot).then_some(spot).ok_or_else(name)
}

/// The log of the gate of the marked iteration; of a stage: of its last one.
pub fn gate_log(model: &Model) -> Result<Spot, String> {
    let (_, view, spots, marked) = spots(model).ok_or("no task is selected")?;
    let marked = *spots.get(marked).ok_or("there is nothing to open")?;
    let is_its = |it: &&Spot| {
        let same = it.stage == marked.stage && (marked.iteration.is_none() || it.iteration == marked.iteration);
        same && it.trace == Some(Trace::Gate)
    };
    let found = spots.iter().rev().find(is_its);
    let name = || format!("no gate has run at stage {}", view.task.flow.stages[marked.stage].name);
    found.copied().ok_or_else(name)
}

/// Opens over the panes what is at a spot.
pub fn open(model: &mut Model, what: Result<Spot, String>) -> Vec<Effect> {
    let (Ok(spot), Some(Subject::Task(project, view))) = (what, Subject::of(model)) else { return Vec::new() };
    let Some((title, page)) = pipeline::page(&view.task, spot) else { return Vec::new() };
    let of = (project.root.clone(), view.task.slug.clone());
    modal::open_page(model, title, of, page)
}

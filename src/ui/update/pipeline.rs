//! The pipeline tab: which line is marked, and what it opens.

use crate::model::{ProjectId, SessionId, State, TaskView};
use crate::ui::glyph::Signs;
use crate::ui::modal;
use crate::ui::model::Effect;
use crate::ui::model::{Model, Tab};
use crate::ui::pipeline::{self, Line, Page, Spot, Trace};
use crate::ui::row::Subject;
use crate::ui::text;

use super::list::{Direction, End};
use super::message;

/// All lines of the selected task, and which one is marked; none: no task is selected.
pub fn lines(model: &Model) -> Option<(&TaskView, Vec<Line>, usize)> {
    let Some(Subject::Task(project, task)) = Subject::of(model) else { return None };
    let lines = pipeline::lines(project, task, model.now, Signs::UNICODE);
    let marked = pipeline::marked(&lines, &task.task, model.main.marked);
    Some((task, lines, marked))
}

/// The stage of the marked line, while the tab is open.
pub fn stage(model: &Model) -> Option<String> {
    if model.main.tab != Tab::Pipeline {
        return None;
    }
    let (task, lines, marked) = lines(model)?;
    Some(task.task.flow.stages.get(lines.get(marked)?.spot.stage)?.name.clone())
}

/// The session of the job that is at work, for its output.
pub fn job(model: &Model) -> Option<(ProjectId, SessionId)> {
    let Some(Subject::Task(project, task)) = Subject::of(model) else { return None };
    let job = task.task.job.as_ref()?;
    let shows = matches!(task.task.state, State::Gating | State::Scripting | State::Setup);
    shows.then(|| (project.id.clone(), SessionId::from(job.id.as_str())))
}

pub fn step(model: &mut Model, by: isize) {
    let Some((_, lines, marked)) = lines(model) else { return };
    let to = marked.saturating_add_signed(by).min(lines.len().saturating_sub(1));
    model.main.marked = lines.get(to).map(|line| line.spot);
}

pub fn end(model: &mut Model, end: End) {
    let Some((_, lines, _)) = lines(model) else { return };
    let line = if end == End::First { lines.first() } else { lines.last() };
    model.main.marked = line.map(|line| line.spot);
}

/// The nearest line that has the text of the search, around the end.
pub fn find(model: &mut Model, direction: Direction) {
    let Some((_, lines, marked)) = lines(model) else { return };
    let search = &model.main.search;
    let hit = |at: &usize| {
        let Line { head, word, text, .. } = &lines[*at];
        text::contains(&format!("{head} {word} {text}"), search)
    };
    let found = match direction {
        Direction::Forward => (marked + 1..lines.len()).chain(0..=marked).find(hit),
        Direction::Back => (0..marked).rev().chain((marked..lines.len()).rev()).find(hit),
    };
    match found {
        Some(at) => model.main.marked = Some(lines[at].spot),
        None => message::news(model, format!("\"{search}\" is not in this pipeline")),
    }
}

/// What the marked line opens; else why it opens nothing.
pub fn opens(model: &Model) -> Result<(String, Page), String> {
    let (task, lines, marked) = lines(model).ok_or("no task is selected")?;
    let line = lines.get(marked).ok_or("there is nothing to open")?;
    let name = &task.task.flow.stages[line.spot.stage].name;
    line.page.clone().ok_or_else(|| format!("stage {name} has left nothing yet"))
}

/// The log of the gate of the marked iteration; of a stage: of its last one.
pub fn gate_log(model: &Model) -> Result<(String, Page), String> {
    let (task, lines, marked) = lines(model).ok_or("no task is selected")?;
    let spot = lines.get(marked).ok_or("there is nothing to open")?.spot;
    let is_its = |it: &Spot| {
        let same = it.stage == spot.stage && (spot.iteration.is_none() || it.iteration == spot.iteration);
        same && it.trace == Some(Trace::Gate)
    };
    let line = lines.iter().rev().find(|line| is_its(&line.spot)).and_then(|line| line.page.clone());
    let name = &task.task.flow.stages[spot.stage].name;
    line.ok_or_else(|| format!("no gate has run at stage {name}"))
}

/// Opens a text over the panes.
pub fn open(model: &mut Model, what: Result<(String, Page), String>) -> Vec<Effect> {
    match (what, Subject::of(model)) {
        (Ok((title, page)), Some(Subject::Task(project, task))) => {
            let (root, slug) = (project.root.clone(), task.task.slug.clone());
            modal::open_page(model, title, (root, slug), page)
        }
        _ => Vec::new(),
    }
}

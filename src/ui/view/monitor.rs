//! The monitor: one line of facts for each session at work.

use ratatui::layout::Rect;

use crate::engine::explain;
use crate::model::{MonitorLine, State};
use crate::ui::glyph::{Mark, Signs};
use crate::ui::model::Model;
use crate::ui::row::{self, Subject};
use crate::ui::text;
use crate::ui::theme::Role;

use super::Scene;
use super::canvas::Canvas;
use super::layout::{Class, inset};

/// Names take this many columns at most.
const NAME: usize = 24;

/// Draws as many sessions as fit: those that need a person first, the designer last. When not all fit, the selected one
/// is first, and the one that the message line speaks of is last.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, class: Class) {
    let model = scene.model;
    let rows = usize::from(area.height);
    let mut sessions = sessions(model);
    if sessions.is_empty() {
        let style = canvas.style(Role::Dim);
        let text = (scene.spell)("No session is at work. $new writes a task, $start starts a draft.");
        return canvas.put(inset(area), &text, style);
    }
    if sessions.len() > rows {
        let told = model.messages.news.as_ref().and_then(|news| news.about.as_ref());
        let is = |subject: &Subject<'_>, key: Option<&_>| key.is_some_and(|key| subject.is(key));
        sessions.sort_by_key(|subject| (!is(subject, model.list.selected.as_ref()), is(subject, told)));
        sessions.truncate(rows);
    }
    let gap = if class == Class::Wide { 3 } else { 2 };
    let widest = sessions.iter().map(|subject| text::width(subject.name())).max().unwrap_or(0).min(NAME);
    for (subject, y) in sessions.iter().zip(area.y..area.bottom()) {
        let row = inset(Rect { y, height: 1, ..area });
        draw_line(canvas, row, scene, (subject, widest + gap));
    }
}

fn draw_line(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>, (subject, name_width): (&Subject<'_>, usize)) {
    let signs = canvas.signs();
    let mark = subject.mark();
    let right = match subject.task() {
        _ if mark == Mark::Attention && subject.question().is_some() => (scene.spell)("$peek answers"),
        Some(task) => text::changed(task.diff.added, task.diff.removed, signs),
        None => String::new(),
    };
    let style = canvas.theme.word(mark);
    let name = text::cut_middle(subject.name(), name_width - 1, signs);
    canvas.put(row, &name, style);
    let room = usize::from(row.width).saturating_sub(name_width + text::width(&right) + 2);
    let at = (name_width as u16).min(row.width);
    let line = line_of(subject, scene.model, signs);
    let line = fit(&line, room, signs);
    let plain = canvas.style(Role::Foreground);
    canvas.put(Rect { x: row.x + at, width: row.width - at, ..row }, &line, plain);
    canvas.put_right(row, &right, canvas.style(Role::Dim));
}

/// What the monitor says, and how long ago that was seen.
struct Line {
    text: String,
    ago: Option<String>,
}

/// The age goes before any of the text does.
fn fit(line: &Line, room: usize, signs: &'static Signs) -> String {
    let whole = line.ago.as_ref().map(|ago| format!("{} ({ago} ago)", line.text));
    whole.filter(|whole| text::width(whole) <= room).unwrap_or_else(|| text::cut(&line.text, room, signs).into_owned())
}

fn line_of(subject: &Subject<'_>, model: &Model, signs: &Signs) -> Line {
    let seen: Option<&MonitorLine> = match subject {
        Subject::Task(_, task) => task.monitor.as_ref(),
        _ => subject.session().and_then(|session| session.monitor.as_ref()),
    };
    let word = || subject.word(model.now, signs).to_string();
    if let Some(question) = subject.question() {
        return Line { text: format!("{}: {question}", word()), ago: None };
    }
    if let Subject::Task(project, task) = subject {
        match task.task.state {
            State::Children => {
                return Line { text: format!("waits for {}", explain::children(project, task)), ago: None };
            }
            State::Waiting => {
                return Line { text: format!("waits for {}", explain::dependencies(project, task)), ago: None };
            }
            _ => {}
        }
    }
    if let Some(line) = seen {
        let ago = line.at.filter(|at| model.now.duration_since(*at).as_secs() >= 10);
        return Line { text: line.text.clone(), ago: ago.map(|at| text::elapsed(at, model.now)) };
    }
    let reason = subject.task().and_then(|task| task.task.reason.as_ref());
    Line { text: reason.map_or_else(word, |reason| reason.text.clone()), ago: None }
}

/// The sessions of the projects that are not folded, but drafts and closed ones: those that need a person, those that run,
/// those that are ready, the designer.
fn sessions(model: &Model) -> Vec<Subject<'_>> {
    use crate::ui::model::Group;
    let open =
        row::shown_projects(&model.snapshot, &model.list).filter(|project| !model.list.folded.contains(&project.id));
    let rank = |subject: &Subject<'_>| {
        let group = match subject.group() {
            Group::NeedsYou => 0,
            Group::Running => 1,
            Group::Ready => 2,
            Group::Draft | Group::Closed => return None,
        };
        let designer = matches!(subject, Subject::Designer(..)) && group > 0;
        Some((designer, group, subject.need()))
    };
    let mut ranked: Vec<_> =
        open.flat_map(row::subjects).filter_map(|subject| Some((rank(&subject)?, subject))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, subject)| subject).collect()
}

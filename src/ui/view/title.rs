//! The rules between the panes, with their titles and the tabs.
//!
//! What does not fit goes in this order: the agent's name, the iteration, long tab names, tabs (`+ 3`, never the open
//! one), the state, the middle of the name.

use std::ops::Range;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::ui::glyph::Signs;
use crate::ui::model::{Model, Pane, RowKey, Tab};
use crate::ui::row::{self, Subject};
use crate::ui::text;
use crate::ui::theme::Role;

use super::canvas::Canvas;
use super::layout::{Areas, Class};
use super::pane::Shown;
use super::{Scene, diff};

/// Columns of rule between a title and its tabs, at least.
const FILL: usize = 3;

/// Columns of a name that is worth showing.
const NAME: usize = 6;

/// The tabs that the selection has, in their order.
pub fn tabs(model: &Model) -> Vec<Tab> {
    let subject = model.list.selected.as_ref().and_then(|key| Subject::find(&model.snapshot, key));
    let shell = subject.and_then(|subject| subject.shell()).map(|_| Tab::Shell);
    let pipeline = subject.and_then(|subject| subject.task()).map(|_| Tab::Pipeline);
    let all = [Some(Tab::Terminal), shell, Some(Tab::Diff), Some(Tab::Spec), pipeline, Some(Tab::Log)];
    all.into_iter().flatten().collect()
}

/// Draws all rules and titles.
pub fn draw_rules(canvas: &mut Canvas<'_>, areas: &Areas, scene: &Scene<'_>) {
    let signs = canvas.signs();
    let rule = canvas.style(Role::Rule);
    for (_, framed) in areas.panes() {
        canvas.fill(framed.title, signs.horizontal, rule);
    }
    canvas.fill(areas.rule, signs.horizontal, rule);
    if let Some(divider) = areas.divider {
        canvas.fill(divider, signs.vertical, rule);
        let joint = |y: u16| Rect { y, height: 1, ..divider };
        canvas.fill(joint(divider.y), signs.tee_down, rule);
        canvas.fill(joint(divider.bottom()), signs.tee_up, rule);
        if let Some(area) = &areas.diff {
            canvas.fill(joint(area.title.y), signs.tee_right, rule);
        }
    }
    for (pane, framed) in areas.panes() {
        let style = title_style(canvas, scene.model.layout.focus == pane);
        match pane {
            Pane::List => draw_list(canvas, framed.title, scene, (areas.class, style)),
            Pane::Main => draw_main(canvas, areas, scene),
            Pane::Diff => {
                let (left, right) = diff::title(scene.model, signs);
                draw(canvas, framed.title, (&left, style), (&right, 3));
            }
            Pane::Monitor => draw(canvas, framed.title, ("monitor", style), ("", 0)),
        }
    }
}

/// The tab under column `x` of the main pane's title.
pub fn tab_at(scene: &Scene<'_>, areas: &Areas, x: u16) -> Option<Tab> {
    let area = areas.main?.title;
    let title = MainTitle::of(scene, areas, area.width.into());
    title.spots(area).find(|(_, columns)| columns.contains(&x)).map(|(tab, _)| tab)
}

/// The parts of the main pane's title that fit.
struct MainTitle {
    left: String,
    tabs: Vec<(Tab, &'static str)>,
    open: Option<Tab>,
    /// Tabs behind `+ n`.
    folded: usize,
}

/// Everything a title could say.
struct Parts {
    name: String,
    word: String,
    iteration: Option<String>,
    agent: Option<String>,
    note: Option<String>,
}

/// How much of the parts is shown; a later one shows less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    All,
    NoAgent,
    NoIteration,
    NameOnly,
}

impl Parts {
    fn of(scene: &Scene<'_>, shown: Shown) -> Self {
        let model = scene.model;
        let plain =
            |name: &str| Self { name: name.to_owned(), word: String::new(), iteration: None, agent: None, note: None };
        if let Shown::Welcome | Shown::Monitor = shown {
            return plain(if shown == Shown::Welcome { "welcome" } else { "monitor" });
        }
        let Some(subject) = model.list.selected.as_ref().and_then(|key| Subject::find(&model.snapshot, key)) else {
            return plain("");
        };
        let signs = scene.theme.signs;
        let iteration = subject.task().and_then(|task| task.task.iteration()).filter(|iteration| iteration.number > 1);
        let is_live = matches!(shown, Shown::Tab(Tab::Terminal | Tab::Shell));
        let back = match model.main.new_lines {
            0 => "scrolled back".to_owned(),
            1 => format!("{} 1 new line", signs.below),
            n => format!("{} {} new lines", signs.below, text::count(n)),
        };
        let note = match (model.main.attached, model.main.scrolled > 0) {
            _ if !is_live => None,
            (true, true) => Some(format!("attached {} {back}", signs.dot)),
            (true, false) => Some(format!("attached {} {} leaves", signs.dot, scene.detach)),
            (false, true) => Some(back),
            (false, false) => None,
        };
        let word = match subject {
            Subject::Project(project) => project.branch.clone().unwrap_or_default(),
            _ => subject.word(model.now, signs).to_string(),
        };
        Self {
            name: subject.name().to_owned(),
            word,
            iteration: iteration.map(|iteration| format!("iteration {}", iteration.number)),
            agent: subject.agent().map(str::to_owned),
            note,
        }
    }

    /// The name gives way to the note: it stands in the list too.
    fn squeezed(&self, room: usize, signs: &'static Signs) -> String {
        let note = self.note.as_ref().map(|note| format!(" {} {note}", signs.dot)).unwrap_or_default();
        match (room.checked_sub(text::width(&note)), &self.note) {
            (Some(name_room), _) if name_room >= NAME => {
                text::cut_middle(&self.name, name_room, signs).into_owned() + &note
            }
            (_, Some(note)) => text::cut(note, room, signs).into_owned(),
            (_, None) => text::cut_middle(&self.name, room, signs).into_owned(),
        }
    }

    fn join(&self, detail: Detail, signs: &Signs) -> String {
        let parts = [
            (Some(self.name.as_str()), Detail::NameOnly),
            (Some(self.word.as_str()), Detail::NoIteration),
            (self.iteration.as_deref(), Detail::NoAgent),
            (self.agent.as_deref(), Detail::All),
            (self.note.as_deref(), Detail::NameOnly),
        ];
        let parts = parts.into_iter().filter(|(_, most)| detail <= *most).filter_map(|(part, _)| part);
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        parts.join(&format!(" {} ", signs.dot))
    }
}

impl MainTitle {
    fn of(scene: &Scene<'_>, areas: &Areas, width: usize) -> Self {
        let shown = Shown::of(scene.model, areas);
        let parts = Parts::of(scene, shown);
        let signs = scene.theme.signs;
        let (tabs, open) = match shown {
            Shown::Tab(tab) => (tabs(scene.model), Some(tab)),
            Shown::Welcome | Shown::Monitor => (Vec::new(), None),
        };
        let title = |detail: Detail, short: Option<usize>| {
            let kept = fold(&tabs, open, short.unwrap_or(0));
            let word = |tab| if short.is_some() { short_word(tab) } else { word(tab) };
            Self {
                left: parts.join(detail, signs),
                folded: tabs.len() - kept.len(),
                tabs: kept.into_iter().map(|tab| (tab, word(tab))).collect(),
                open,
            }
        };
        let most_folded = tabs.len().saturating_sub(1);
        let last = title(Detail::NameOnly, Some(most_folded));
        let long = [Detail::All, Detail::NoAgent, Detail::NoIteration].map(|detail| (detail, None));
        let short = (0..=most_folded).map(|folded| (Detail::NoIteration, Some(folded)));
        let bare = (0..most_folded).map(|folded| (Detail::NameOnly, Some(folded)));
        let mut ladder = long.into_iter().chain(short).chain(bare).map(|(detail, short)| title(detail, short));
        ladder.find(|title| title.fits(width)).unwrap_or_else(|| {
            let room = width.saturating_sub(last.tabs_width() + 7);
            Self { left: parts.squeezed(room, signs), ..last }
        })
    }

    fn fits(&self, width: usize) -> bool {
        let tabs = self.tabs_width();
        let tabs = if tabs > 0 { FILL + 1 + tabs } else { 0 };
        2 + text::width(&self.left) + 1 + tabs + 2 <= width
    }

    fn tabs_width(&self) -> usize {
        let names: usize = self.tabs.iter().map(|(_, name)| name.len() + 1).sum();
        let brackets = if self.open.is_some() { 2 } else { 0 };
        let folded = if self.folded > 0 { self.fold_word().len() + 1 } else { 0 };
        (names + brackets + folded).saturating_sub(1)
    }

    fn fold_word(&self) -> String {
        format!("+ {}", self.folded)
    }

    /// The columns of each tab.
    fn spots(&self, area: Rect) -> impl Iterator<Item = (Tab, Range<u16>)> {
        let mut x = area.right().saturating_sub(2 + self.tabs_width() as u16);
        self.tabs.iter().map(move |(tab, name)| {
            let width = name.len() as u16 + if self.open == Some(*tab) { 2 } else { 0 };
            let columns = x..x + width;
            x += width + 1;
            (*tab, columns)
        })
    }
}

/// The tabs that stay when `folded` of them go, from the right.
fn fold(tabs: &[Tab], open: Option<Tab>, folded: usize) -> Vec<Tab> {
    let mut kept = tabs.to_vec();
    for _ in 0..folded {
        if let Some(at) = kept.iter().rposition(|tab| Some(*tab) != open) {
            kept.remove(at);
        }
    }
    kept
}

const fn word(tab: Tab) -> &'static str {
    match tab {
        Tab::Terminal => "terminal",
        Tab::Shell => "shell",
        Tab::Diff => "diff",
        Tab::Spec => "spec",
        Tab::Pipeline => "pipeline",
        Tab::Log => "log",
    }
}

const fn short_word(tab: Tab) -> &'static str {
    match tab {
        Tab::Terminal => "term",
        Tab::Shell => "sh",
        Tab::Pipeline => "pipe",
        Tab::Diff | Tab::Spec | Tab::Log => word(tab),
    }
}

fn title_style(canvas: &Canvas<'_>, focused: bool) -> Style {
    if focused { canvas.style(Role::Accent).add_modifier(Modifier::BOLD) } else { canvas.style(Role::Foreground) }
}

/// Below 50 columns the one project names the list, and the count that matters stands at the right.
fn draw_list(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, (class, style): (Class, Style)) {
    let model = scene.model;
    let filter = &model.list.filter;
    let mut shown = row::shown_projects(&model.snapshot, &model.list);
    let only = shown.next().filter(|_| class == Class::Single && shown.next().is_none()).map(|it| it.name.as_str());
    let mut left = only.unwrap_or("sessions").to_owned();
    // The project has no row of its own then.
    if only.is_some() && matches!(model.list.selected, Some(RowKey::Project(_))) {
        left = format!("{} {left}", canvas.signs().bar);
    }
    if !filter.is_empty() {
        left.extend([" /", filter]);
    }
    if model.list.scope.is_some() && only.is_none() {
        left += " of one project";
    }
    let need = if class == Class::Single { row::total(&model.snapshot).need } else { 0 };
    let right = if need > 0 { format!("{need} need you") } else { String::new() };
    draw(canvas, area, (&left, style), (&right, 1));
}

fn draw_main(canvas: &mut Canvas<'_>, areas: &Areas, scene: &Scene<'_>) {
    let Some(area) = areas.main.map(|main| main.title) else { return };
    let is_focused = match scene.model.layout.focus {
        Pane::List => false,
        Pane::Main => true,
        Pane::Diff => areas.diff.is_none(),
        Pane::Monitor => areas.monitor.is_none(),
    };
    let title = MainTitle::of(scene, areas, area.width.into());
    let style = title_style(canvas, is_focused);
    draw(canvas, area, (&title.left, style), ("", 0));
    if title.tabs.is_empty() {
        return;
    }
    let dim = canvas.style(Role::Dim);
    let start = area.right().saturating_sub(3 + title.tabs_width() as u16).max(area.x);
    let mut pen = canvas.pen(Rect { x: start, width: area.right() - start, ..area });
    for (tab, name) in &title.tabs {
        pen.put(" ", dim);
        if title.open == Some(*tab) {
            pen.put("[", style).put(name, style).put("]", style);
        } else {
            pen.put(name, dim);
        }
    }
    if title.folded > 0 {
        pen.put(" ", dim).put(&title.fold_word(), dim);
    }
    pen.put(" ", dim);
}

/// Writes a title on a rule: the left part after one column of rule, the right part before `pad` columns of it.
fn draw(canvas: &mut Canvas<'_>, area: Rect, (left, style): (&str, Style), (right, pad): (&str, u16)) {
    let plain = canvas.style(Role::Foreground);
    let signs = canvas.signs();
    let width = usize::from(area.width.saturating_sub(4));
    if !left.is_empty() && width > 0 {
        let left = text::cut(left, width, signs);
        let area = Rect { x: area.x + 1, width: area.width - 1, ..area };
        canvas.pen(area).put(" ", style).put(&left, style).put(" ", style);
    }
    let free = width.saturating_sub(text::width(left) + FILL);
    if !right.is_empty() && text::width(right) + usize::from(pad) <= free {
        let area = Rect { width: area.width.saturating_sub(pad), ..area };
        canvas.put_right(area, &format!(" {right} "), plain);
    }
}

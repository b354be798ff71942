//! Panes, tabs, sizes, attaching and detaching.

use crate::model::SessionId;
use crate::ui::model::{Effect, Model, Pane, Tab};
use crate::ui::view::{Class, tabs};

use super::list::Direction;
use super::message;
use crate::ui::row::Subject;

/// The panes of this screen, in the order of Tab; zoomed or not.
fn panes(model: &Model) -> Vec<Pane> {
    match class(model) {
        Class::Wide | Class::Compact => {
            let all = [Pane::List, Pane::Main, Pane::Diff, Pane::Monitor];
            let alone = matches!(model.main.tab, Tab::Diff | Tab::Pipeline);
            all.into_iter().filter(|pane| *pane != Pane::Diff || !alone).collect()
        }
        Class::Stacked | Class::Single | Class::TooSmall => vec![Pane::List, Pane::Main],
    }
}

const fn class(model: &Model) -> Class {
    Class::of(model.size.cols, model.size.rows)
}

pub fn cycle(model: &mut Model, direction: Direction) {
    let panes = panes(model);
    let at = panes.iter().position(|pane| *pane == model.layout.focus).unwrap_or(0);
    let by = if direction == Direction::Forward { 1 } else { panes.len() - 1 };
    model.layout.focus = panes[(at + by) % panes.len()];
}

pub fn nth_tab(model: &mut Model, n: usize) {
    match tabs(model).get(n) {
        Some(tab) => show(model, *tab),
        None => message::news(model, format!("there is no tab {}", n + 1)),
    }
}

/// The tab beside the open one; at the ends it stays.
pub fn step_tab(model: &mut Model, direction: Direction) {
    let tabs = tabs(model);
    let at = tabs.iter().position(|tab| *tab == model.main.tab).unwrap_or(0);
    let to = match direction {
        Direction::Forward => (at + 1).min(tabs.len() - 1),
        Direction::Back => at.saturating_sub(1),
    };
    show(model, tabs[to]);
}

pub fn show(model: &mut Model, tab: Tab) {
    if model.main.tab != tab {
        model.main.tab = tab;
        model.main.offset = 0;
        model.main.marked = None;
        model.main.scrolled = 0;
        model.main.search.clear();
        model.main.selection = None;
    }
}

/// Widens or narrows the list by some columns.
pub fn resize(model: &mut Model, by: i16) {
    let width = model.layout.list_width.unwrap_or(if class(model) == Class::Wide { 36 } else { 27 });
    set_width(model, width.saturating_add_signed(by));
}

/// Makes the list this wide, within what leaves room for both sides.
pub fn set_width(model: &mut Model, width: u16) {
    model.layout.list_width = Some(width.clamp(20, (model.size.cols / 2).max(20)));
}

/// All keys go to the agent's session, or to the shell that the open tab shows.
pub fn attach(model: &mut Model) -> Vec<Effect> {
    if model.main.tab != Tab::Shell {
        show(model, Tab::Terminal);
    }
    attached(model)
}

/// Shows a shell or an embedded editor beside the selection and attaches it.
pub fn attach_to(model: &mut Model, session: SessionId) -> Vec<Effect> {
    if session == SessionId::main() {
        show(model, Tab::Terminal);
    } else {
        model.main.shell = Some(session);
        show(model, Tab::Shell);
    }
    attached(model)
}

fn attached(model: &mut Model) -> Vec<Effect> {
    model.layout.focus = Pane::Main;
    model.main.attached = true;
    model.main.scrolled = 0;
    model.main.new_lines = 0;
    if model.main.tab == Tab::Terminal {
        let keys: Vec<String> =
            model.input.keys.detach_keys(super::shown_kind(model)).iter().map(ToString::to_string).collect();
        let name =
            Subject::of(model).and_then(|subject| subject.session()).map_or("the session", |it| it.name.as_str());
        let tip = format!("you are in {name}; {} comes back", keys.join(" or "));
        message::tip(model, "attach", &tip);
    }
    vec![Effect::ScrollTerminal(i64::MIN)]
}

/// Keys are the screen's own again; the session that was left stays selected.
pub fn detach(model: &mut Model) {
    model.main.attached = false;
    if !model.layout.zoomed {
        model.layout.focus = Pane::List;
    }
}

/// True: one thing at a time, so that leaving a pane means going back to the list.
pub fn is_narrow(model: &Model) -> bool {
    matches!(class(model), Class::Single | Class::TooSmall)
}

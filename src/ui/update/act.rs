//! What each command does.

use crate::model::{ProjectId, Request, SessionId, State};
use crate::ui::command::Command;
use crate::ui::modal;
use crate::ui::model::{Effect, Model, Pane, RowKey, Tab, Then};

use super::list::{self, Direction, End, Fold};
use super::{INTERRUPT_TWICE, condition, context, diff, message, pane, pipeline, search, selection};
use crate::ui::keymap::Context;
use crate::ui::row::{self, Subject};
use crate::ui::view::{self, Choice, layout, tabs};

/// Runs a command that applies. `index` tells which of its keys was pressed.
#[expect(clippy::too_many_lines, reason = "one line for each command")]
pub fn run(model: &mut Model, command: Command, index: usize) -> Vec<Effect> {
    use Command as C;
    if model.main.selection.is_some()
        && let Some(effects) = select(model, command)
    {
        return effects;
    }
    match command {
        C::Up => go(model, Go::Lines(-1)),
        C::Down => go(model, Go::Lines(1)),
        C::PageUp => go(model, Go::Lines(-page(model))),
        C::PageDown => go(model, Go::Lines(page(model))),
        C::HalfUp => go(model, Go::Lines(-(page(model) / 2).max(1))),
        C::HalfDown => go(model, Go::Lines((page(model) / 2).max(1))),
        C::Top => go(model, Go::End(End::First)),
        C::Bottom => go(model, Go::End(End::Last)),
        C::Left => sideways(model, Direction::Back),
        C::Right => sideways(model, Direction::Forward),
        C::Nth => list::nth(model, index),
        C::Needy => list::next_needy(model, Direction::Forward),
        C::NeedyBack => list::next_needy(model, Direction::Back),
        C::Last => list::last(model),
        C::Scope => list::scope(model),
        C::NextPane => still(model, |model| pane::cycle(model, Direction::Forward)),
        C::PrevPane => still(model, |model| pane::cycle(model, Direction::Back)),
        C::PrevTab => still(model, |model| pane::step_tab(model, Direction::Back)),
        C::NextTab => still(model, |model| pane::step_tab(model, Direction::Forward)),
        C::Tab => still(model, |model| pane::nth_tab(model, index)),
        C::Zoom => still(model, |model| model.layout.zoomed = !model.layout.zoomed),
        C::Narrower => still(model, |model| pane::resize(model, -2)),
        C::Wider => still(model, |model| pane::resize(model, 2)),
        C::Fold => still(model, diff::fold),
        C::NextHunk => still(model, |model| diff::to_hunk(model, Direction::Forward)),
        C::PrevHunk => still(model, |model| diff::to_hunk(model, Direction::Back)),
        C::NextFile => still(model, |model| diff::to_file(model, Direction::Forward)),
        C::PrevFile => still(model, |model| diff::to_file(model, Direction::Back)),
        C::Leftward => still(model, |model| model.diff.sideways = model.diff.sideways.saturating_sub(8)),
        C::Rightward => still(model, |model| model.diff.sideways = (model.diff.sideways + 8).min(diff::WIDEST)),
        C::NextError => still(model, |model| search::to_error(model, Direction::Forward)),
        C::PrevError => still(model, |model| search::to_error(model, Direction::Back)),
        C::Follow => follow(model),
        C::Select => selection::start(model),
        C::Interrupt if index > 0 => still(model, |model| message::news(model, LEAVE)),
        C::Interrupt => interrupt(model),
        C::Escape => escape(model),
        C::Redraw => vec![Effect::Redraw],
        C::Picture => vec![Effect::Picture],
        C::Quit => vec![Effect::Quit],
        C::OpenStep => {
            let spot = pipeline::opens(model);
            pipeline::open(model, spot)
        }
        C::GateLog => {
            let spot = pipeline::gate_log(model);
            pipeline::open(model, spot)
        }
        C::Attach | C::AttachToo | C::Diff | C::Spec | C::Shell | C::RunScript | C::Editor | C::SendDetach => {
            open(model, command)
        }
        C::Start
        | C::Retry
        | C::Stop
        | C::RunGate
        | C::PullRequest
        | C::SendComments
        | C::Unread
        | C::Auto
        | C::Complete
        | C::Skip
        | C::Archive
        | C::Forget => work(model, command),
        C::Filter
        | C::Search
        | C::Peek
        | C::Explain
        | C::Copy
        | C::New
        | C::NewLine
        | C::Restart
        | C::Message
        | C::Approve
        | C::Comment
        | C::Init
        | C::Reject
        | C::Override
        | C::Answer
        | C::Merge
        | C::Delete
        | C::SendTo
        | C::Actions
        | C::Palette
        | C::Help => modal::open_for(model, command),
    }
}

const LEAVE: &str = "q leaves; agents go on";

fn still(model: &mut Model, change: impl FnOnce(&mut Model)) -> Vec<Effect> {
    change(model);
    Vec::new()
}

#[derive(Clone, Copy)]
enum Go {
    Lines(isize),
    End(End),
}

/// Rows of the pane that has the focus, less one: what a page moves by.
pub(super) fn page(model: &Model) -> isize {
    let focus = model.layout.focus;
    let areas = layout(model);
    let pane = areas.panes().find(|(pane, _)| *pane == focus).map(|(_, framed)| framed).or(areas.main);
    pane.map_or(1, |framed| isize::from(framed.inner.height as i16 - 1).max(1))
}

/// Scrolls the spec or the log, within its lines.
pub(super) fn scroll_page(model: &mut Model, by: isize) {
    model.main.offset = model.main.offset.saturating_add_signed(by).min(last_line(model));
}

/// The last line of the page that is open.
fn last_line(model: &Model) -> usize {
    view::page_lines(model).len().saturating_sub(1)
}

fn go(model: &mut Model, go: Go) -> Vec<Effect> {
    match (context(model), go) {
        (_, Go::Lines(by)) if view::choice(model).is_some() => still(model, |model| {
            model.main.choice = model.main.choice.saturating_add_signed(by).min(Choice::ALL.len() - 1);
        }),
        (Context::List | Context::Monitor, Go::Lines(by)) => list::step(model, by),
        (Context::List | Context::Monitor, Go::End(end)) => list::end(model, end),
        (Context::Diff, Go::Lines(by)) => still(model, |model| diff::step(model, by)),
        (Context::Diff, Go::End(end)) => still(model, |model| diff::end(model, end)),
        (Context::Pipeline, Go::Lines(by)) => still(model, |model| pipeline::step(model, by)),
        (Context::Pipeline, Go::End(end)) => still(model, |model| pipeline::end(model, end)),
        (Context::Page, Go::Lines(by)) => still(model, |model| scroll_page(model, by)),
        (Context::Page, Go::End(End::First)) => still(model, |model| model.main.offset = 0),
        (Context::Page, Go::End(End::Last)) => still(model, |model| model.main.offset = last_line(model)),
        (Context::Terminal, Go::Lines(by)) => vec![Effect::ScrollTerminal(-(by as i64))],
        (Context::Terminal, Go::End(End::First)) => vec![Effect::ScrollTerminal(i64::MAX)],
        (Context::Terminal, Go::End(End::Last)) => vec![Effect::ScrollTerminal(i64::MIN)],
    }
}

/// `←` folds and goes to the tab before; `→` unfolds, goes into the main pane, and to the next tab.
fn sideways(model: &mut Model, direction: Direction) -> Vec<Effect> {
    let on_project = matches!(model.list.selected, Some(RowKey::Project(_)));
    match (model.layout.focus, direction) {
        (Pane::List, Direction::Back) => list::leftward(model),
        (Pane::List, Direction::Forward) if on_project => list::fold(model, Fold::Open),
        (Pane::List, Direction::Forward) if list::unfold(model) => Vec::new(),
        (Pane::List, Direction::Forward) => still(model, |model| model.layout.focus = Pane::Main),
        (Pane::Main, Direction::Back) if tabs(model).first() == Some(&model.main.tab) => {
            still(model, |model| model.layout.focus = Pane::List)
        }
        (Pane::Main, direction) => still(model, |model| pane::step_tab(model, direction)),
        (Pane::Diff | Pane::Monitor, Direction::Back) => still(model, |model| model.layout.focus = Pane::List),
        (Pane::Diff | Pane::Monitor, Direction::Forward) => Vec::new(),
    }
}

/// Says how to leave; the second time within 2 s leaves.
pub fn interrupt(model: &mut Model) -> Vec<Effect> {
    let twice = model.input.interrupted_at.is_some_and(|at| model.now <= at + INTERRUPT_TWICE);
    model.input.interrupted_at = Some(model.now);
    if twice {
        return vec![Effect::Quit];
    }
    message::news(model, LEAVE);
    Vec::new()
}

/// What a command does to the text that is selected by keys; none: that ends here.
fn select(model: &mut Model, command: Command) -> Option<Vec<Effect>> {
    use selection::Move;
    let page = page(model);
    let to = match command {
        Command::Up => Move::Rows(-1),
        Command::Down => Move::Rows(1),
        Command::PageUp => Move::Rows(-page),
        Command::PageDown => Move::Rows(page),
        Command::HalfUp => Move::Rows(-(page / 2).max(1)),
        Command::HalfDown => Move::Rows((page / 2).max(1)),
        Command::Left => Move::Columns(-1),
        Command::Right => Move::Columns(1),
        Command::Top => Move::FirstRow,
        Command::Bottom => Move::LastRow,
        Command::Copy => return Some(selection::copy(model)),
        Command::Escape | Command::Select => return Some(selection::clear(model)),
        _ => return None,
    };
    Some(selection::go(model, to))
}

/// Back to what comes now.
fn follow(model: &mut Model) -> Vec<Effect> {
    model.main.offset = 0;
    if context(model) == Context::Terminal { vec![Effect::ScrollTerminal(i64::MIN)] } else { Vec::new() }
}

/// Closes the innermost thing, then does nothing.
fn escape(model: &mut Model) -> Vec<Effect> {
    if let Some(effects) = search::end(model) {
        return effects;
    }
    if let Some(parked) = model.input.parked.take() {
        model.modal = Some(parked);
    } else if !model.messages.errors.is_empty() {
        model.messages.errors.remove(0);
    } else if !model.list.filter.is_empty() {
        model.list.filter.clear();
    } else if model.layout.zoomed {
        model.layout.zoomed = false;
    } else if pane::is_narrow(model) {
        model.layout.focus = Pane::List;
    } else if model.strip.is_some() {
        model.strip = None;
    } else if model.messages.news.is_some() {
        model.messages.news = None;
    }
    Vec::new()
}

fn open(model: &mut Model, command: Command) -> Vec<Effect> {
    let size = model.size;
    let Some(subject) = Subject::of(model) else { return Vec::new() };
    let project = subject.project().id.clone();
    let Some(session) = subject.session_id() else {
        let empty = row::subjects(subject.project()).next().is_none();
        let lost = subject.project().trouble.is_some().then(|| subject.project().root.clone());
        return match view::choice(model) {
            _ if lost.is_some() => lost.map_or_else(Vec::new, |path| ask(Request::OpenProject { path })),
            Some(choice) => take_choice(model, choice),
            None if empty => start_designer(project),
            None => list::fold(model, Fold::Toggle),
        };
    };
    let closed = subject.task().is_some_and(|task| task.task.state.is_closed());
    match command {
        Command::Attach | Command::AttachToo if closed => still(model, |model| {
            pane::show(model, Tab::Log);
            model.layout.focus = Pane::Main;
        }),
        Command::Attach | Command::AttachToo if session == SessionId::main() && !subject.alive() => {
            start_designer(project)
        }
        Command::Attach | Command::AttachToo => pane::attach(model),
        Command::Diff => still(model, |model| {
            pane::show(model, Tab::Diff);
            model.layout.focus = Pane::Main;
        }),
        Command::Spec => {
            vec![Effect::Ask { request: Request::EditSpec { project, session, size }, then: Then::AttachTo }]
        }
        Command::Shell => {
            vec![Effect::Ask { request: Request::OpenShell { project, session, size }, then: Then::AttachTo }]
        }
        Command::RunScript => {
            let request = Request::RunScript { project, session, size };
            vec![Effect::Ask { request, then: Then::AttachTo }]
        }
        Command::Editor => diff::open_editor(model),
        Command::SendDetach => {
            if !matches!(model.main.tab, Tab::Terminal | Tab::Shell) {
                pane::show(model, Tab::Terminal);
            }
            let key = model.input.keys.detach_keys(super::shown_kind(model))[0].key;
            vec![Effect::Key(crossterm::event::KeyEvent::new(key.code, key.mods))]
        }
        _ => Vec::new(),
    }
}

/// One command that installs an agent.
const INSTALL: &str = "npm install -g opencode-ai";

/// What the welcome offers while no agent was found.
fn take_choice(model: &mut Model, choice: Choice) -> Vec<Effect> {
    match choice {
        Choice::Install => {
            message::news(model, format!("copied: {INSTALL}   The next start of orchestra finds it."));
            vec![Effect::Copy(INSTALL.to_owned())]
        }
        Choice::OtherCommand => {
            let text = "agents: in .orchestra/config.yaml names a command; $palette \"init\" writes that file";
            message::news(model, model.input.keys.spell(text));
            Vec::new()
        }
        Choice::BuiltIn => modal::open_for(model, Command::New),
    }
}

fn start_designer(project: ProjectId) -> Vec<Effect> {
    vec![Effect::Ask { request: Request::StartDesigner { project }, then: Then::AttachTo }]
}

fn work(model: &mut Model, command: Command) -> Vec<Effect> {
    let Some(subject) = Subject::of(model) else { return Vec::new() };
    let project = subject.project().id.clone();
    let Some(task) = subject.task() else {
        return match command {
            Command::Start => start_designer(project),
            Command::Stop => stop_session(&subject),
            Command::Forget => ask(Request::ForgetProject { project }),
            _ => Vec::new(),
        };
    };
    let id = task.task.id;
    match command {
        Command::Start => ask(Request::Start { project, task: id }),
        Command::Retry => ask(Request::Retry { project, task: id }),
        Command::RunGate => ask(Request::RunGate { project, task: id }),
        Command::PullRequest => ask(Request::OpenPullRequest { project, task: id }),
        Command::SendComments => ask(Request::Reject { project, task: id, feedback: String::new(), fresh: false }),
        Command::Stop if !condition::stops(task) => stop_session(&subject),
        Command::Stop if loses_conversation(&subject) => modal::open_for(model, command),
        Command::Stop => ask(Request::Stop { project, task: id, spent: None }),
        Command::Unread => ask(Request::SetUnread { project, task: id, unread: !task.unread }),
        Command::Auto if task.task.auto => ask(Request::SetAuto { project, task: id, auto: false }),
        Command::Auto | Command::Complete | Command::Skip | Command::Archive => modal::open_for(model, command),
        _ => Vec::new(),
    }
}

/// A request whose message is shown; refused for want of trust, the trust prompt comes first.
pub fn ask(request: Request) -> Vec<Effect> {
    vec![Effect::Ask { then: Then::Trusting(Box::new(request.clone())), request }]
}

fn stop_session(subject: &Subject<'_>) -> Vec<Effect> {
    let session = subject.session().filter(|it| it.alive).or_else(|| subject.shell()).map(|it| it.id.clone());
    session
        .map_or_else(Vec::new, |session| ask(Request::StopSession { project: subject.project().id.clone(), session }))
}

/// The agent runs and its conversation has no id yet: what it did so far cannot be resumed.
fn loses_conversation(subject: &Subject<'_>) -> bool {
    subject.task().is_some_and(|task| {
        let works = matches!(task.task.state, State::Working | State::Quiet | State::Asking | State::Approval);
        works && subject.alive() && task.task.conversation(&task.task.current_stage().name).is_none()
    })
}

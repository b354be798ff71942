//! The list's place on the screen, the log, searches, selections, and the welcome without agents.

use std::sync::Arc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use orchestra::model::{AgentFound, KeysConfig, NoticeKind, SessionKind, Size, State};
use orchestra::ui::keymap::Keymap;
use orchestra::ui::model::{Effect, Pane, RowKey, Selection, Spot, Tab};
use orchestra::ui::msg::Msg;
use orchestra::ui::view::{Hit, height_of_selected, text_area, visible_rows};

use super::fixture::{Person, changed, notice, project, row, task_mut};

/// A screen on which a part of the list fits.
fn short(session: &str) -> Person {
    let mut person = Person::on(session);
    person.tell(Msg::Resized(Size::new(16, 80)));
    person
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

#[test]
fn the_list_scrolls_only_as_far_as_the_selection_asks() {
    let mut person = short("main");
    person.press("G");
    let bottom = person.model.list.offset;
    assert!(bottom > 0);
    person.press("k");
    assert_eq!(person.model.list.offset, bottom, "one row up is on the screen already");
    let third = visible_rows(&person.model)[2].clone();
    person.press("3");
    assert_eq!(person.model.list.selected, Some(third));
    person.press("g");
    assert_eq!(person.model.list.offset, 0);
}

#[test]
fn the_selection_keeps_its_height_when_rows_move() {
    let mut person = short("main");
    person.tell(Msg::Resized(Size::new(12, 80)));
    person.press("Gkkkkkk");
    person.wait(2_000).tell(Msg::Tick);
    let (selected, height) = (person.selected().to_owned(), height_of_selected(&person.model));
    person.tell(changed(&person.model, |project| {
        for slug in ["setup-task", "working-task"] {
            task_mut(project, slug).state = State::Asking;
        }
    }));
    person.wait(2_000).tell(Msg::Tick);
    assert_eq!((person.selected(), height_of_selected(&person.model)), (selected.as_str(), height));
}

#[test]
fn the_wheel_leaves_the_selection_where_it_is() {
    let mut person = short("main");
    person.press("g");
    let before = person.selected().to_owned();
    let event = mouse(MouseEventKind::ScrollDown, 5, 5);
    person.tell(Msg::Mouse { event, hit: Some(Hit::Pane(Pane::List)) });
    assert_eq!((person.model.list.offset, person.selected()), (3, before.as_str()));
    assert_eq!(height_of_selected(&person.model), None);
    person.press("j");
    assert!(height_of_selected(&person.model).is_some());
}

#[test]
fn the_log_keeps_all_and_finds_errors() {
    let mut person = Person::on("main");
    let mut snapshot = (*person.model.snapshot).clone();
    snapshot.notices = (1..=40)
        .map(|seq| match seq % 20 {
            0 => notice(seq, NoticeKind::Error, "the disk is full.", None),
            _ => notice(seq, NoticeKind::News, &format!("news {seq}"), None),
        })
        .collect();
    person.tell(Msg::Snapshot(Arc::new(snapshot)));
    person.press("i");
    assert_eq!(person.model.messages.log.len(), 41, "what the screen said itself is kept too");
    person.model.layout.focus = Pane::Main;
    person.model.main.tab = Tab::Log;
    let mut at = |keys: &str| {
        person.press(keys);
        person.model.main.offset
    };
    assert_eq!([at("]"), at("]"), at("["), at("f")], [1, 21, 1, 0]);
    assert_eq!(at("/news 3<enter>"), 2, "39");
    assert_eq!([at("<enter>"), at("<up>"), at("<up>")], [3, 2, 38], "news 3 is the last one, around the end");
    person.press("<esc>");
    assert_eq!((person.model.main.offset, person.model.main.search.as_str()), (38, "news 3"), "Esc stays at the match");
    person.press("<esc>");
    assert_eq!(person.model.main.search, "");
}

#[test]
fn the_terminal_is_searched_by_the_runtime() {
    let mut person = Person::on("working-task");
    person.press("<tab>/error<enter><up><esc>");
    let search = |back| Effect::SearchTerminal { text: "error".to_owned(), back };
    assert_eq!(person.effects, [search(false), search(true)]);
    person.press("<esc>");
    assert_eq!(person.effects.pop(), Some(Effect::ReleaseTerminal));
}

#[test]
fn a_drag_copies_on_release() {
    let mut person = Person::on("working-task");
    let area = text_area(&person.model, Pane::Main).expect("a main pane");
    let mut drag = |kind, x, y| {
        let event = mouse(kind, area.x + x, area.y + y);
        person.tell(Msg::Mouse { event, hit: Some(Hit::Pane(Pane::Main)) });
        std::mem::take(&mut person.effects)
    };
    assert_eq!(drag(MouseEventKind::Down(MouseButton::Left), 8, 4), [Effect::HoldTerminal]);
    assert_eq!(drag(MouseEventKind::Drag(MouseButton::Left), 2, 2), []);
    let (from, to) = (Spot { row: 4, column: 8 }, Spot { row: 2, column: 2 });
    let selection = Selection { pane: Pane::Main, from, to, left: 0, drags: true };
    let done = drag(MouseEventKind::Up(MouseButton::Left), 2, 2);
    assert_eq!(done, [Effect::CopySelection(selection), Effect::ReleaseTerminal]);
    assert_eq!([1, 2, 3, 4, 5].map(|row| selection.columns(row, 40)), [0..0, 2..40, 0..40, 0..9, 0..0]);

    assert_eq!(drag(MouseEventKind::Down(MouseButton::Left), 8, 4), [Effect::HoldTerminal]);
    assert_eq!(drag(MouseEventKind::Up(MouseButton::Left), 8, 4), [Effect::ReleaseTerminal], "a click copies nothing");
}

#[test]
fn v_selects_and_y_copies() {
    let mut person = Person::on("working-task");
    person.press("<tab>vkky");
    let copied = person.effects.iter().find_map(|effect| match effect {
        Effect::CopySelection(selection) => Some(selection.ends()),
        _ => None,
    });
    let (first, last) = copied.expect("a copy");
    assert_eq!((last.row - first.row, first.column), (2, 0));
    person.effects.clear();
    person.press("v<pgup><pgup>");
    assert!(person.effects.iter().any(|effect| matches!(effect, Effect::ScrollTerminal(by) if *by > 0)));
    person.press("<esc>");
    assert_eq!(person.model.main.selection, None);
}

#[test]
fn the_detach_key_reads_as_it_is_configured() {
    let mut config = KeysConfig::default();
    config.detach.default = vec!["ctrl-4".to_owned()];
    let (keys, errors) = Keymap::new(&config);
    assert_eq!((keys.detach_keys(SessionKind::Executor)[0].to_string(), errors.len()), ("Ctrl-4".to_owned(), 0));
    assert!(keys.detaches(SessionKind::Executor, orchestra::ui::keymap::Key::parse("ctrl-\\").expect("a key")));
}

#[test]
fn without_an_agent_the_welcome_is_a_list() {
    let mut person = Person::new();
    let mut snapshot = (*person.model.snapshot).clone();
    let mut empty = (*snapshot.projects[0]).clone();
    (empty.tasks, empty.designer) = (Vec::new(), None);
    snapshot.projects = vec![Arc::new(empty)];
    snapshot.agents = vec![AgentFound { name: "opencode".to_owned(), path: None, version: None }];
    person.tell(Msg::Snapshot(Arc::new(snapshot)));
    assert_eq!(person.model.list.selected, Some(RowKey::Project(project())));
    person.effects.clear();
    person.press("<enter>");
    assert_eq!(person.effects, [Effect::Copy("npm install -g opencode-ai".to_owned())]);
    person.press("j<enter>");
    assert!(person.news().contains("config.yaml"), "{}", person.news());
    person.press("jj<enter>");
    let form = person.screen();
    assert!(form.contains("new task") && form.contains("demo"), "{form}");
    assert_ne!(person.model.list.selected, Some(row("main")));
}

//! Selection, diff pane, messages and time.

use std::path::PathBuf;
use std::sync::Arc;

use orchestra::model::{KeysConfig, NoticeKind, Reply, Request, SessionId, SessionKind, Size, State, TaskId};
use orchestra::ui::model::{Effect, Pane, RowKey, Tab};
use orchestra::ui::msg::Msg;
use orchestra::ui::update::next_tick;

use super::fixture::{Person, changed, notice, project, row, session, task_mut};

#[test]
fn w_goes_through_those_that_need_me() {
    let mut person = Person::on("main");
    let mut visited = Vec::new();
    for _ in 0..8 {
        person.press("w");
        visited.push(person.selected().to_owned());
    }
    let wanted = ["asking", "approval", "verdict", "blocked", "failed", "paused", "quiet", "asking"];
    assert_eq!(visited, wanted.map(|state| format!("{state}-task")));
    person.press("W");
    assert_eq!(person.selected(), "quiet-task");
    person.press("<backspace>");
    assert_eq!(person.selected(), "asking-task");
    person.press("<backspace>");
    assert_eq!(person.selected(), "quiet-task");
}

#[test]
fn the_filter_keeps_or_clears() {
    let mut person = Person::on("main");
    person.press("/review<enter>");
    assert_eq!(person.model.list.filter, "review");
    person.press("G");
    assert_eq!(person.selected(), "approval-task");
    person.press("/<esc>");
    assert_eq!(person.model.list.filter, "");
    person.press("/done<enter><esc>");
    assert_eq!(person.model.list.filter, "");
    person.press("q");
    assert_eq!(person.effects.pop(), Some(Effect::Quit));
}

#[test]
fn the_selection_follows_the_task() {
    let mut person = Person::on("working-task");
    person.tell(changed(&person.model, |project| task_mut(project, "working-task").state = State::Asking));
    assert_eq!(person.selected(), "working-task");
    person.wait(1_500).tell(Msg::Tick);
    assert_eq!(person.selected(), "working-task");
}

#[test]
fn a_closed_or_deleted_selection_hands_over() {
    let mut person = Person::on("done-task");
    person.tell(changed(&person.model, |project| task_mut(project, "done-task").state = State::Merged));
    assert_ne!(person.selected(), "done-task");
    let mut person = Person::on("working-task");
    person.tell(changed(&person.model, |project| project.tasks.retain(|it| it.task.slug.as_str() != "working-task")));
    assert_eq!(person.selected(), "gating-task");
    assert_eq!(person.requests(), [Request::Watch { project: project(), session: SessionId::from("gating-task") }]);
}

#[test]
fn rows_hold_still_for_a_second_after_a_key() {
    let mut person = Person::on("working-task");
    person.press("z");
    let order = person.model.list.order.clone();
    person.wait(500);
    person.tell(changed(&person.model, |project| task_mut(project, "setup-task").state = State::Asking));
    assert_eq!(person.model.list.order, order);
    assert_eq!(
        next_tick(&person.model),
        person.model.list.last_key_at.map(|at| at + jiff::SignedDuration::from_secs(1))
    );
    person.wait(500).tell(Msg::Tick);
    assert_ne!(person.model.list.order, order);
    assert_eq!(next_tick(&person.model), None);
}

#[test]
fn read_after_a_second_in_sight() {
    let mut person = Person::on("done-task");
    let unread = |person: &Person, slug: &'static str| {
        changed(&person.model, move |project| {
            project.tasks.iter_mut().find(|it| it.task.slug.as_str() == slug).expect("a fixture").unread = true;
        })
    };
    person.tell(unread(&person, "done-task"));
    assert_eq!(next_tick(&person.model), Some(person.model.now + jiff::SignedDuration::from_secs(1)));
    person.wait(999).tell(Msg::Tick);
    assert_eq!(person.requests(), []);
    person.wait(1).tell(Msg::Tick);
    assert_eq!(person.requests(), [Request::MarkSeen { project: project(), session: SessionId::from("done-task") }]);

    let mut person = Person::on("done-task");
    person.tell(Msg::Focused(false));
    person.tell(unread(&person, "done-task"));
    person.wait(5_000).tell(Msg::Tick);
    assert_eq!(person.requests(), [], "unread stays unread without focus");
}

#[test]
fn coming_back_names_what_changed() {
    let mut person = Person::on("main");
    person.tell(Msg::Focused(false));
    person.tell(changed(&person.model, |project| {
        task_mut(project, "working-task").state = State::Asking;
        task_mut(project, "gating-task").state = State::Done;
        task_mut(project, "setup-task").state = State::Done;
    }));
    person.tell(Msg::Focused(true));
    assert_eq!(person.news(), "while you were away: 1 asks, 2 done");
}

#[test]
fn messages_queue_errors_and_point_the_way() {
    let mut person = Person::on("main");
    let mut snapshot = (*person.model.snapshot).clone();
    snapshot.notices = vec![
        notice(1, NoticeKind::Error, "the disk is full.", None),
        notice(2, NoticeKind::Error, "the gate has no script.", None),
        notice(3, NoticeKind::News, "quiet-task rests", Some("quiet-task")),
    ];
    person.tell(Msg::Snapshot(Arc::new(snapshot)));
    assert_eq!(person.news(), "quiet-task rests", "the message line itself says how to get there");
    assert_eq!(person.model.messages.errors.len(), 2);
    person.press("w");
    assert_eq!(person.selected(), "quiet-task", "not the next one, but the one that was named");
    person.press("<esc>");
    assert_eq!(person.model.messages.errors[0].text, "the gate has no script.");
    person.press("<esc>");
    assert!(person.model.messages.errors.is_empty());
}

#[test]
fn a_tip_shows_once_ever() {
    let mut person = Person::on("working-task");
    person.press("<enter><ctrl-q>j");
    person.model.messages.news = None;
    person.press("k<enter><ctrl-q>");
    assert_eq!(person.news(), "");
    assert_eq!(person.model.messages.tips.len(), 2);
}

#[test]
fn a_paste_into_the_list_is_a_message() {
    let mut person = Person::on("working-task");
    person.tell(Msg::Paste("D\ny\nM\n".to_owned()));
    assert_eq!(person.requests(), []);
    person.press("<enter>");
    let text = "D\ny\nM".to_owned();
    let session = SessionId::from("working-task");
    assert_eq!(person.requests(), [Request::Send { project: project(), session, text, sender: None }]);
}

#[test]
fn the_place_in_the_diff() {
    let mut person = Person::on("working-task");
    person.press("d");
    assert_eq!((person.model.main.tab, person.model.layout.focus), (Tab::Diff, Pane::Main));
    let mut at = |keys: &str| {
        person.press(keys);
        person.model.diff.cursor
    };
    assert_eq!(
        [at("]"), at("]"), at("]"), at("]"), at("["), at("K"), at("J"), at("G"), at("g")],
        [1, 5, 10, 10, 5, 0, 9, 13, 0]
    );
    assert_eq!(person.news(), "this is the last hunk");
    person.press("]jj").press("e");
    let line = Some(39);
    let path = PathBuf::from("/trees/working-task/src/export/csv.rs");
    assert_eq!(person.effects, [Effect::OpenEditor { path, line }]);
    person.press("<enter>");
    assert_eq!((person.model.diff.cursor, person.model.diff.folded.len()), (0, 1));
    person.press("J");
    assert_eq!(person.model.diff.cursor, 1);
    person.press("K<enter>/quote<enter>");
    assert_eq!(person.model.diff.cursor, 4);
    person.press("<enter>");
    assert_eq!(person.model.diff.cursor, 5);
    person.press("<up>");
    assert_eq!(person.model.diff.cursor, 4);
    person.press("<esc>");
    assert_eq!((person.model.modal.is_none(), person.model.diff.search.as_str()), (true, "quote"));
    person.press("<esc>");
    assert_eq!(person.model.diff.search, "");
}

#[test]
fn a_refreshed_diff_keeps_the_marked_line() {
    let mut person = Person::on("working-task");
    person.press("d]]]");
    assert_eq!(person.model.diff.cursor, 10);
    let mut diff = super::fixture::diff();
    diff.files.remove(0);
    person.tell(Msg::Diff { project: project(), session: SessionId::from("working-task"), diff: Arc::new(diff) });
    assert_eq!(person.model.diff.cursor, 1);
    person.tell(Msg::Diff { project: project(), session: SessionId::from("other"), diff: Arc::default() });
    assert_eq!(person.model.diff.diff.as_ref().expect("a fixture").files.len(), 1);
}

#[test]
fn a_shell_opens_attached_and_its_end_closes_the_tab() {
    let mut person = Person::on("working-task");
    person.press("t");
    person.answer(Ok(Reply::Session { id: SessionId::from("working-task.sh1") }));
    assert!(!person.model.main.attached, "the snapshot does not have it yet");
    let since = person.model.now;
    let shell = session("working-task.sh1", SessionKind::Shell, orchestra::model::Activity::Working, since);
    person.tell(changed(&person.model, |project| project.shells.push(shell)));
    assert_eq!((person.model.main.tab, person.model.main.attached), (Tab::Shell, true));
    person.tell(changed(&person.model, |project| project.shells[0].alive = false));
    assert_eq!((person.model.main.tab, person.model.main.attached), (Tab::Terminal, false));
}

#[test]
fn the_end_of_an_agent_detaches() {
    let mut person = Person::on("working-task");
    person.press("<enter>");
    person.tell(changed(&person.model, |project| {
        project.tasks[3].session.as_mut().expect("a fixture").alive = false;
    }));
    assert!(!person.model.main.attached);
}

#[test]
fn panes_and_tabs() {
    let mut person = Person::on("working-task");
    let mut focus = |keys: &str| {
        person.press(keys);
        person.model.layout.focus
    };
    assert_eq!(
        [focus("<tab>"), focus("<tab>"), focus("<tab>"), focus("<tab>"), focus("<shift-tab>")],
        [Pane::Main, Pane::Diff, Pane::Monitor, Pane::List, Pane::Monitor]
    );
    person.press("<shift-tab><shift-tab><shift-tab>}");
    assert_eq!((person.model.main.tab, person.model.layout.focus), (Tab::Diff, Pane::List));
    person.press("<alt-3>");
    assert_eq!(person.model.main.tab, Tab::Spec);
    person.press("<alt-7>");
    assert_eq!(person.news(), "there is no tab 7");
    person.press("l<left><left><left>");
    assert_eq!((person.model.main.tab, person.model.layout.focus), (Tab::Terminal, Pane::List));
    person.press("z");
    assert!(person.model.layout.zoomed);
    person.press("<esc>");
    assert!(!person.model.layout.zoomed);
    person.press("==-");
    assert_eq!(person.model.layout.list_width, Some(38));
}

#[test]
fn the_terminal_scrolls_and_comes_back() {
    let mut person = Person::on("working-task");
    person.press("l<pgup>G");
    assert_eq!(person.effects, [Effect::ScrollTerminal(13), Effect::ScrollTerminal(i64::MIN)]);
    person.effects.clear();
    person.tell(Msg::Scrolled { back: 28, new_lines: 3 });
    person.press("<enter>");
    person.tell(Msg::Scrolled { back: 28, new_lines: 3 });
    person.effects.clear();
    person.press("a");
    assert!(matches!(person.effects.as_slice(), [Effect::ScrollTerminal(i64::MIN), Effect::Key(_)]));
}

#[test]
fn keys_follow_the_configuration_live() {
    let mut person = Person::on("working-task");
    person.tell(changed(&person.model, |project| {
        let mut config = (*project.config).clone();
        config.keys = KeysConfig {
            bind: [("stop".to_owned(), "f5".to_owned()), ("start".to_owned(), "huh".to_owned())].into(),
            ..KeysConfig::default()
        };
        project.config = Arc::new(config);
    }));
    assert_eq!(person.model.messages.errors.len(), 1);
    person.press("<f5>");
    assert_eq!(person.requests(), [Request::Stop { project: project(), task: TaskId(4), spent: None }]);
}

#[test]
fn too_narrow_for_panes() {
    let mut person = Person::on("working-task");
    person.tell(Msg::Resized(Size::new(20, 48)));
    person.press("l<esc>");
    assert_eq!(person.model.layout.focus, Pane::List);
}

#[test]
fn nth_counts_rows_on_the_screen() {
    let mut person = Person::on("working-task");
    person.press("1");
    assert_eq!(person.model.list.selected, Some(RowKey::Project(project())));
    person.press("2");
    assert_eq!(person.model.list.selected, Some(row("asking-task")));
}

#[test]
fn the_footer_says_what_applies() {
    let footer = |person: &Person| {
        let items = orchestra::ui::footer::footer(&person.model);
        items.iter().map(|item| format!("{} {}", item.key, item.label)).collect::<Vec<_>>().join("  ")
    };
    let mut person = Person::on("working-task");
    assert_eq!(footer(&person), "↵ attach  Space peek  d diff  s spec  t shell  x stop  . more  ? help");
    person.press("<tab><tab>");
    assert_eq!(footer(&person), "↵ fold  [ hunk  K file  / search  e editor  > sideways  . more  ? help");
    person.press("<shift-tab><shift-tab><enter>");
    assert_eq!(footer(&person), "Ctrl-\\ leaves");
    person.press("<ctrl-q>");
    person.tell(Msg::Resized(Size::new(20, 48)));
    assert_eq!(footer(&person), "↵ open  Space peek  N new  . more  ? help");
    let person = Person::on("done-task");
    let wanted = "↵ attach  Space peek  a approve  M merge  d diff  s spec  t shell  x stop  . more  ? help";
    assert_eq!(footer(&person), wanted);
    let mut person = Person::on("main");
    person.model.list.selected = Some(RowKey::Project(project()));
    assert_eq!(footer(&person), "↵ fold  N new  n one line  . more  ? help");
}

#[test]
fn the_mouse_does_what_keys_do() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    use orchestra::ui::view::Hit;
    let mut person = Person::on("working-task");
    let mut mouse = |kind, hit: Option<Hit>, column| {
        let event = MouseEvent { kind, column, row: 8, modifiers: KeyModifiers::NONE };
        person.wait(100).tell(Msg::Mouse { event, hit });
        (person.selected().to_owned(), std::mem::take(&mut person.effects))
    };
    let down = MouseEventKind::Down(MouseButton::Left);
    let quiet = Hit::ListRow(row("quiet-task"));
    assert_eq!(mouse(down, Some(quiet.clone()), 3).0, "quiet-task");
    mouse(down, Some(quiet), 3);
    let (_, effects) = mouse(MouseEventKind::ScrollUp, Some(Hit::Pane(Pane::Main)), 50);
    assert!(matches!(effects.as_slice(), [Effect::Mouse(event)] if event.column < 50), "attached: {effects:?}");
    mouse(down, Some(Hit::Tab(Tab::Diff)), 90);
    let (_, effects) = mouse(MouseEventKind::ScrollDown, Some(Hit::Pane(Pane::Main)), 50);
    assert_eq!(effects, []);
    mouse(down, Some(Hit::Divider), 36);
    mouse(MouseEventKind::Drag(MouseButton::Left), None, 44);
    mouse(MouseEventKind::Up(MouseButton::Left), None, 44);
    mouse(down, Some(Hit::Footer("help")), 80);
    assert_eq!((person.model.main.tab, person.model.layout.list_width), (Tab::Diff, Some(44)));
    assert!(person.model.modal.is_some() && !person.model.main.attached);
}

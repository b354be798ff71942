//! Frames, letter by letter. The drawings of the screen are the measure.

use std::sync::Arc;

use insta::assert_snapshot;
use orchestra::model::{Activity, Glyphs, NoticeKind, ProjectId, SessionId, SessionKind, Snapshot, State};
use orchestra::ui::model::{Message, Model, Pane, RowKey, Tab};
use orchestra::ui::msg::Msg;
use orchestra::ui::theme::{Depth, Role};
use orchestra::ui::update::update;
use ratatui::style::{Color, Modifier};

use crate::fixture::{
    AgentScreen, agent, ago, change, flow, frame, fresh, iteration, key, letters, model, my_app, notice, now, project,
    session, shot, snapshot, task, theme,
};

fn rows(text: &str, range: std::ops::Range<usize>) -> String {
    text.lines().skip(range.start).take(range.len()).collect::<Vec<_>>().join("\n")
}

fn first_row(model: &Model) -> String {
    rows(&shot(model, None), 0..1)
}

#[test]
fn wide_120x36() {
    assert_snapshot!(shot(&model(120, 36), Some(&AgentScreen::WIDE)));
}

#[test]
fn compact_80x24() {
    assert_snapshot!(shot(&model(80, 24), Some(&AgentScreen::COMPACT)));
}

#[test]
fn single_48x20() {
    assert_snapshot!(shot(&model(48, 20), None));
}

#[test]
fn single_48x20_session() {
    let mut model = model(48, 20);
    model.layout.focus = Pane::Main;
    model.main.attached = true;
    assert_snapshot!(shot(&model, Some(&AgentScreen::COMPACT)));
}

#[test]
fn stacked_60x30() {
    assert_snapshot!(shot(&model(60, 30), Some(&AgentScreen::COMPACT)));
}

#[test]
fn stacked_60x30_monitor() {
    let mut model = model(60, 30);
    model.layout.focus = Pane::Monitor;
    assert_snapshot!(shot(&model, None));
}

#[test]
fn smallest_20x6() {
    assert_snapshot!(shot(&model(20, 6), None));
}

#[test]
fn too_small() {
    for (cols, rows) in [(19, 6), (20, 5), (10, 1)] {
        let text = shot(&model(cols, rows), None);
        assert!("too small: 20x6 needed".starts_with(text.lines().next().unwrap()), "{text}");
        assert_eq!(text.trim().lines().count(), 1);
    }
}

#[test]
fn large_200x50() {
    assert_snapshot!(shot(&model(200, 50), Some(&AgentScreen::WIDE)));
}

#[test]
fn ascii_120x36() {
    let ascii = letters(&frame(&model(120, 36), &theme(Glyphs::Ascii, Depth::None), None));
    let foreign: Vec<char> = ascii.chars().filter(|char| !char.is_ascii()).collect();
    // The key of the hint comes from the key map.
    assert_eq!(foreign, ['↵']);
    assert_snapshot!(ascii);
}

#[test]
fn zoomed_main() {
    let mut model = model(80, 24);
    model.layout.focus = Pane::Main;
    model.layout.zoomed = true;
    assert_snapshot!(shot(&model, Some(&AgentScreen::COMPACT)));
}

#[test]
fn wide_characters_and_hostile_names() {
    let mut project = project("日本語のプロジェクト", None, my_app().tasks);
    project.tasks[0].session = Some(session(
        "add-docs",
        SessionKind::Executor,
        Activity::Asking { text: "どの書き方にしますか \u{1b}[31m\u{202e}?".to_owned() },
        2,
    ));
    let mut model = model(80, 24);
    model.snapshot = snapshot(vec![project]);
    model.list.selected = Some(key("日本語のプロジェクト", "add-docs"));
    let news = model.messages.news.as_mut().unwrap();
    news.text = "add-docs asks: どの書き方にしますか、それとも両方の書き方を並べて書きますか".to_owned();
    news.about = Some(key("日本語のプロジェクト", "fix-tests"));
    let text = shot(&model, None);
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert_snapshot!(text);
}

/// One task for each state, in the words that the rows use.
/// R86.
#[test]
fn every_state() {
    let mut tasks: Vec<_> = State::ALL
        .iter()
        .enumerate()
        .map(|(at, state)| task(at as u32 + 1, &format!("in-{}", state.word()), *state, at as i64 * 7))
        .collect();
    tasks[1].since = ago(2);
    tasks[2].queued = Some(2);
    change(&mut tasks[3], |task| {
        task.auto = true;
        task.flow = flow(4);
        task.stage = 3;
    });
    tasks[4].gate = Some((3, ago(4)));
    change(&mut tasks[15], |task| {
        task.reason = Some(orchestra::model::Reason {
            kind: orchestra::model::ReasonKind::Setup,
            text: "npm ci exited 1".to_owned(),
            source: "exit status".to_owned(),
            since: ago(60),
        });
    });
    let mut reviewed = task(20, "seen", State::Done, 9_000);
    change(&mut reviewed, |task| task.reviewed = true);
    tasks.push(reviewed);
    let mut model = model(120, 36);
    model.snapshot = snapshot(vec![project("my-app", None, tasks)]);
    model.list.selected = Some(key("my-app", "in-paused"));
    model.messages.news = None;
    assert_snapshot!(shot(&model, None));
}

#[test]
fn titles_shorten_in_order() {
    let mut model = model(120, 36);
    let mut view = my_app();
    change(&mut view.tasks[3], |task| task.iterations.push(iteration(3)));
    view.shells.push(session("csv-export.sh1", SessionKind::Shell, Activity::Working, 1));
    model.snapshot = snapshot(vec![view]);
    model.main.tab = Tab::Spec;
    let mut titles = Vec::new();
    for list in (24..104).step_by(4) {
        model.size.cols = 120;
        model.list.selected = Some(key("my-app", "csv-export"));
        model.layout.list_width = Some(list);
        let title = first_row(&model);
        titles.push(title.split_once('┬').unwrap().1.to_owned());
    }
    titles.dedup();
    assert_snapshot!(titles.join("\n"));
}

#[test]
fn titles_of_attached_and_scrolled_sessions() {
    let mut model = model(120, 36);
    model.main.attached = true;
    assert!(
        first_row(&model).contains("─ csv-export · work 2/4 · attached · Ctrl-\\ leaves ──── [term]"),
        "{}",
        first_row(&model)
    );
    model.size.cols = 80;
    assert!(
        first_row(&model).ends_with("┬─ csv-e…rt · attached · Ctrl-\\ leaves ─ [term] + 4 ─"),
        "{}",
        first_row(&model)
    );
    model.size.cols = 120;
    model.main.attached = false;
    model.main.scrolled = 40;
    model.main.new_lines = 214;
    assert!(first_row(&model).contains("· ↓ 214 new lines ─"), "{}", first_row(&model));
}

#[test]
fn welcome_with_agents() {
    let model = fresh(vec![
        agent("opencode", Some("1.4.2")),
        agent("claude", Some("2.1.0")),
        agent("codex", None),
        agent("gemini", None),
    ]);
    assert_snapshot!(rows(&shot(&model, None), 0..9));
}

#[test]
fn welcome_moves_no_line() {
    let lines_of = |agents| {
        let text = shot(&fresh(agents), None);
        ["write the first task", "talk it over"].map(|what| text.lines().position(|line| line.contains(what)).unwrap())
    };
    let searching = lines_of(Vec::new());
    assert_eq!(searching, lines_of(vec![agent("opencode", Some(""))]));
    assert_eq!(searching, lines_of(vec![agent("opencode", Some("1.4.2")), agent("codex", None)]));
}

#[test]
fn welcome_without_agents() {
    let names = ["opencode", "claude", "codex", "gemini"];
    let model = fresh(names.map(|name| agent(name, None)).to_vec());
    assert_snapshot!(rows(&shot(&model, None), 0..9));
}

#[test]
fn errors_take_a_row_of_the_monitor() {
    let mut model = model(80, 24);
    let error = |text: &str| Message { text: text.to_owned(), about: None, at: now() };
    model.messages.errors = vec![error(
        "Cannot merge rate-limit: main has changes in src/api.rs. Nothing was changed. Commit them, then M.",
    )];
    let long = shot(&model, None);
    model.messages.errors.extend([error("second"), error("third")]);
    let queued = shot(&model, None);
    model.messages.errors.remove(0);
    let short = shot(&model, None);
    assert_snapshot!([long, queued, short].map(|text| rows(&text, 18..24)).join("\n\n"));
}

#[test]
fn the_strip_of_the_demo() {
    let mut model = model(80, 24);
    model.strip = Some("1/6 The agent plans. ↓ selects it, Enter goes in".to_owned());
    assert_snapshot!(rows(&shot(&model, None), 17..24));
}

#[test]
fn log_and_spec() {
    let mut model = model(80, 24);
    let mut snapshot: Snapshot = (*model.snapshot).clone();
    snapshot.notices = vec![
        notice(1, NoticeKind::News, "started csv-export on task/csv-export; setup runs (npm ci)", 400 * 86_400),
        notice(2, NoticeKind::Error, "Cannot merge rate-limit: main has changes in src/api.rs.", 86_400),
        notice(3, NoticeKind::News, "add-docs asks: which style for examples?", 3),
    ];
    update(&mut model, Msg::Snapshot(Arc::new(snapshot)));
    model.main.tab = Tab::Log;
    let log = rows(&shot(&model, None), 0..5);
    model.main.tab = Tab::Spec;
    let spec = rows(&shot(&model, None), 0..5);
    assert_snapshot!([log, spec].join("\n\n"));
}

#[test]
fn empty_panes_say_what_fills_them() {
    let mut model = model(80, 24);
    let mut frames = Vec::new();
    for slug in ["dark-theme", "typo-readme"] {
        model.list.selected = Some(key("my-app", slug));
        frames.push(rows(&shot(&model, None), 0..18));
    }
    model.list.selected = Some(RowKey::Project(ProjectId::from("my-app")));
    frames.push(rows(&shot(&model, None), 0..18));
    assert_snapshot!(frames.join("\n\n"));
}

#[test]
fn the_selected_row_is_bold_and_marked() {
    let buffer = frame(&model(120, 36), &theme(Glyphs::Unicode, Depth::True), None);
    let row = |x: u16| &buffer[(x, 10)];
    assert_eq!(row(1).symbol(), "▌");
    assert!((0..36).all(|x| row(x).modifier.contains(Modifier::BOLD) && row(x).bg != Color::Reset));
    assert!((38..120).all(|x| row(x).bg == Color::Reset), "the selection ends with the list");
    assert_eq!(buffer[(1, 9)].modifier, Modifier::empty());
}

/// NO_COLOR: the same facts in bold, dim and reverse.
#[test]
fn styles_without_color() {
    let buffer = frame(&model(120, 36), &theme(Glyphs::Unicode, Depth::None), None);
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let at = |x: u16, y: u16| (buffer[(x, y)].symbol(), buffer[(x, y)].modifier);
    assert_eq!(at(3, 4), ("◆", Modifier::BOLD | Modifier::REVERSED));
    assert_eq!(at(26, 4), ("a", Modifier::BOLD));
    assert_eq!(at(3, 5), ("◐", Modifier::BOLD));
    assert_eq!(at(3, 7), ("✓", Modifier::empty()));
    assert_eq!(at(5, 7), ("r", Modifier::BOLD));
    assert_eq!(at(16, 7), ("«", Modifier::BOLD));
    assert_eq!(at(3, 15), ("■", Modifier::DIM));
    assert!(at(5, 10).1.contains(Modifier::REVERSED));
}

#[test]
fn marks_have_the_colors_of_their_roles() {
    let theme = theme(Glyphs::Unicode, Depth::Ansi16);
    let buffer = frame(&model(120, 36), &theme, None);
    for (y, role) in [
        (4, Role::Attention),
        (5, Role::Attention),
        (7, Role::Good),
        (9, Role::Accent),
        (13, Role::Dim),
        (15, Role::Dim),
    ] {
        assert_eq!(Some(buffer[(3, y)].fg), theme.style(role).fg, "row {y}");
    }
}

/// Titles have the color of text, not of the rule that they lie on.
#[test]
fn titles_stand_out_from_their_rules() {
    let theme = theme(Glyphs::Unicode, Depth::True);
    let buffer = frame(&model(120, 36), &theme, None);
    assert_eq!((buffer[(39, 0)].symbol(), buffer[(39, 0)].fg), ("c", Color::Reset));
    assert_eq!(Some(buffer[(37, 0)].fg), theme.style(Role::Rule).fg);
    assert_eq!(
        (buffer[(2, 0)].symbol(), Some(buffer[(2, 0)].fg)),
        ("s", theme.style(Role::Accent).fg),
        "it has the focus"
    );
}

#[test]
fn the_cursor_of_an_attached_session() {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    let mut model = model(120, 36);
    model.main.attached = true;
    let mut screen = Terminal::new(TestBackend::new(120, 36)).unwrap();
    let theme = theme(Glyphs::Unicode, Depth::True);
    crate::fixture::with_scene(&model, &theme, Some(&AgentScreen::WIDE), |scene| {
        screen.draw(|frame| orchestra::ui::view::draw(frame, scene)).unwrap();
    });
    // Column 2 and row 12 of the terminal pane, which begins at 38, 1.
    screen.backend_mut().assert_cursor_position((40, 13));
}

#[test]
fn a_session_that_is_gone_leaves_an_empty_pane() {
    let mut model = model(80, 24);
    model.list.selected = Some(RowKey::Session(ProjectId::from("my-app"), SessionId::from("gone")));
    assert!(shot(&model, None).contains("No session is selected."));
}

//! The diff pane: one long list of which only the visible part costs.

use std::sync::Arc;

use insta::assert_snapshot;
use orchestra::model::{Change, Comment, Diff, FileDiff, Folded, Glyphs, Hunk, LineKind, Side};
use orchestra::ui::model::{DiffState, Model, Pane, Tab};
use orchestra::ui::theme::Depth;
use orchestra::ui::view::{Lines, Place};
use ratatui::style::{Color, Modifier};

use crate::fixture::{diff, file, frame, line, model, shot, theme};

/// The diff tab of 80x24 with the focus in it.
fn tab(diff: Diff) -> Model {
    let mut model = model(80, 24);
    model.main.tab = Tab::Diff;
    model.layout.focus = Pane::Main;
    model.diff.diff = Some(Arc::new(diff));
    model
}

fn folded(path: &str, change: Change, reason: Folded) -> Arc<FileDiff> {
    Arc::new(FileDiff { folded: Some(reason), ..Arc::unwrap_or_clone(file(path, change, (0, 0), Vec::new())) })
}

fn hunk(lines: u32) -> Hunk {
    let lines = (1..=lines).map(|n| line(LineKind::Added, n, &[("x", false)])).collect();
    Hunk { old_start: 1, new_start: 1, heading: String::new(), lines }
}

#[test]
fn files_of_all_kinds() {
    let mut diff = diff();
    let mut renamed = Arc::unwrap_or_clone(file("src/io/reader.rs", Change::Renamed, (12_480, 130_000), Vec::new()));
    renamed.old_path = Some("src/reader.rs".into());
    diff.files.extend([
        Arc::new(renamed),
        folded("assets/logo.png", Change::Added, Folded::Binary),
        folded(
            "data/export-of-all-the-things-we-ever-had/in-one/large.csv",
            Change::Modified,
            Folded::Huge { bytes: 1_200_000_000 },
        ),
        folded("pipe", Change::Untracked, Folded::Special),
        folded("vendor/lib", Change::TypeChanged, Folded::Submodule),
        file("a\u{1b}[31mb\nc.rs", Change::Deleted, (0, 3), vec![hunk(1)]),
    ]);
    diff.omitted = 1_204;
    let mut model = tab(diff);
    model.diff.folded.insert("a\u{1b}[31mb\nc.rs".into());
    model.diff.cursor = 3;
    assert_snapshot!(shot(&model, None));
}

#[test]
fn sideways_and_tabs() {
    let mut diff = diff();
    let code = [("\tif x {\t// 日本語", false), (" end", true)];
    diff.files.truncate(1);
    let mut first = Arc::unwrap_or_clone(diff.files[0].clone());
    first.hunks[0].lines = vec![line(LineKind::Context, 7, &code), line(LineKind::Added, 12_345, &code)];
    diff.files[0] = Arc::new(first);
    let mut model = tab(diff);
    let mut frames = Vec::new();
    for sideways in [0, 2, 17, 900] {
        model.diff.sideways = sideways;
        let text = shot(&model, None);
        frames.push(
            text.lines()
                .skip(1)
                .take(4)
                .map(|line| line.split('│').nth(1).unwrap_or("").to_owned())
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    assert_snapshot!(frames.join("\n\n"));
}

#[test]
fn colors_and_emphasis() {
    let buffer = frame(&tab(diff()), &theme(Glyphs::Unicode, Depth::Ansi16), None);
    let cell = |x: u16, y: u16| &buffer[(x, y)];
    assert_eq!((cell(29, 4).symbol(), cell(29, 4).fg), ("-", Color::Red));
    assert_eq!((cell(29, 5).symbol(), cell(29, 5).fg), ("+", Color::Green));
    // `field` in the removed line: sign, number and `      out.push_str(` come before it.
    let changed = cell(29 + 5 + 19, 4);
    assert_eq!((changed.symbol(), changed.modifier), ("f", Modifier::REVERSED | Modifier::BOLD));
    assert_eq!(cell(29 + 5 + 18, 4).modifier, Modifier::empty());
}

#[test]
fn places_of_lines() {
    use Place::{File, Hunk, Line, Omitted};
    let mut diff = diff();
    diff.files[1] = file("b", Change::Modified, (1, 0), vec![hunk(2), hunk(1)]);
    diff.omitted = 1;
    let mut state = DiffState { diff: Some(Arc::new(diff)), ..DiffState::default() };
    let places = |state: &DiffState| {
        let lines = Lines::of(state);
        assert_eq!(lines.at(lines.len()), None);
        (0..lines.len()).map(|at| lines.at(at).unwrap()).collect::<Vec<_>>()
    };
    let first = [File(0), Hunk(0, 0), Line(0, 0, 0), Line(0, 0, 1), Line(0, 0, 2)];
    let second = [File(1), Hunk(1, 0), Line(1, 0, 0), Line(1, 0, 1), Hunk(1, 1), Line(1, 1, 0)];
    assert_eq!(places(&state), [&first[..], &second, &[File(2), Omitted]].concat());
    state.folded.insert("b".into());
    assert_eq!(places(&state), [&first[..], &[File(1), File(2), Omitted]].concat());
    assert_eq!(Lines::of(&state).start_of(2), Some(6));
    assert_eq!(places(&DiffState::default()), []);
}

/// Below the line that reads as it did, wherever it stands now. R97.
#[test]
fn comments_stand_below_their_lines() {
    use Place::{File, Hunk as Title, Line};
    let comment = |id, line, quote: &str, side| Comment {
        id,
        path: "b".to_owned(),
        side,
        line,
        quote: quote.to_owned(),
        text: format!("note {id}\nmore"),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        sent_at: None,
    };
    let lines = (1..=3).map(|n| line(LineKind::Added, n, &[(["x", "y", "x"][n as usize - 1], false)])).collect();
    let hunk = Hunk { old_start: 1, new_start: 1, heading: String::new(), lines };
    let mut diff = diff();
    diff.files = vec![file("b", Change::Modified, (3, 0), vec![hunk.clone(), hunk])];
    let comments = vec![
        comment(1, 9, "x", Side::New),
        comment(2, 2, "y", Side::New),
        comment(3, 2, "gone", Side::New),
        comment(4, 2, "y", Side::Old),
        comment(5, 2, "y", Side::New),
    ];
    let mut state =
        DiffState { diff: Some(Arc::new(diff.clone())), comments: comments.clone(), ..DiffState::default() };
    let lines = Lines::of(&state);
    let places: Vec<_> = (0..lines.len()).map(|at| lines.at(at).unwrap()).collect();
    let first = [File(0), Title(0, 0), Line(0, 0, 0), Line(0, 0, 1)];
    let noted = [Place::Comment(0, 0, 1, 1), Place::Comment(0, 0, 1, 4), Line(0, 0, 2), Place::Comment(0, 0, 2, 0)];
    let second = [Title(0, 1), Line(0, 1, 0), Line(0, 1, 1), Line(0, 1, 2)];
    assert_eq!(places, [first, noted, second].concat());
    state.folded.insert("b".into());
    assert_eq!(Lines::of(&state).len(), 1);
    let mut model = tab(diff);
    model.diff.comments = comments;
    let text = shot(&model, None);
    let shown: Vec<_> = text.lines().filter(|line| line.contains("note ")).collect();
    assert!(shown.len() == 3 && shown[0].contains("> note 2 more"), "{text}");
}

/// The marked line is in sight and the last page is full, whatever the state says.
#[test]
fn scrolling_stays_within_the_diff() {
    let mut model = tab(Diff {
        base: "main".into(),
        files: vec![file("a", Change::Added, (90, 0), vec![hunk(90)])],
        ..Diff::default()
    });
    for (offset, cursor, first) in [(0, 0, "A a"), (5_000, 91, "+ 74"), (0, 50, "+ 33"), (60, 20, "+ 19")] {
        model.diff.offset = offset;
        model.diff.cursor = cursor;
        let text = shot(&model, None);
        let row = text.lines().nth(1).unwrap().split('│').nth(1).unwrap().trim_start_matches(['▌', ' ']).to_owned();
        assert!(row.starts_with(first), "{offset} {cursor}: {row}");
        assert!(text.lines().any(|line| line.contains("│▌")), "{text}");
    }
}

#[test]
fn a_diff_of_another_session_is_not_shown() {
    let mut model = tab(diff());
    model.diff.of = Some(crate::fixture::key("my-app", "fix-tests"));
    let text = shot(&model, None);
    assert!(!text.contains("csv.rs") || !text.contains("@@"), "{text}");
    assert!(text.contains("│ ..."), "{text}");
}

//! The projects of the drawings: `my-app` with a session in each state, `billing-api` folded below it.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use orchestra::model::{
    Activity, AgentFound, Change, Config, Diff, DiffLine, DiffStat, FileDiff, Flow, Glyphs, Hunk, Iteration, LineKind,
    MonitorLine, Notice, NoticeKind, ProjectId, ProjectView, RunId, SessionId, SessionKind, SessionView, Size, Slug,
    Snapshot, Span, Stage, State, Task, TaskId, TaskView, Trigger, solo,
};
use orchestra::ui::model::{Message, Model, Pane, RowKey};
use orchestra::ui::theme::{Depth, Ground, Theme};
use orchestra::ui::view::{FooterItem, Scene, TerminalView, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The moment at which all drawings are made.
pub fn now() -> Timestamp {
    "2026-11-21T14:03:22Z".parse().expect("a date")
}

pub fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

pub fn key(project: &str, session: &str) -> RowKey {
    RowKey::Session(ProjectId::from(project), SessionId::from(session))
}

/// A flow with this many stages, the second one named `work`.
pub fn flow(stages: usize) -> Flow {
    let mut flow = solo();
    let stage = flow.stages[0].clone();
    let names = ["planning", "work", "review", "compound"];
    if stages > 1 {
        "default".clone_into(&mut flow.name);
        flow.stages = names[..stages].iter().map(|name| Stage { name: (*name).to_owned(), ..stage.clone() }).collect();
    }
    flow
}

pub fn task(id: u32, slug: &str, state: State, minutes: i64) -> TaskView {
    let task = Task {
        id: TaskId(id),
        description: "Quote fields that contain a newline when exporting CSV.\n\nSee tests/export_quotes.rs."
            .to_owned(),
        base_branch: "main".to_owned(),
        branch: format!("task/{slug}"),
        state,
        updated_at: ago(minutes * MINUTE),
        ..Task::draft(Slug::new(slug).expect("a slug"), flow(1), ago(DAY))
    };
    TaskView {
        task: Arc::new(task),
        worktree: None,
        agent: "opencode".to_owned(),
        session: None,
        diff: DiffStat::default(),
        ahead: 0,
        unread: false,
        monitor: None,
        since: ago(minutes * MINUTE),
        queued: None,
        hold: None,
        gate: None,
        same_failures: 0,
        comments: Vec::new(),
        unheard: None,
        behind: None,
    }
}

pub fn change(view: &mut TaskView, change: impl FnOnce(&mut Task)) {
    change(Arc::make_mut(&mut view.task));
}

pub fn session(id: &str, kind: SessionKind, activity: Activity, minutes: i64) -> SessionView {
    SessionView {
        id: SessionId::from(id),
        run: RunId::from(id),
        kind,
        name: "opencode".to_owned(),
        alive: true,
        exit: None,
        activity,
        source: "agent events".to_owned(),
        since: ago(minutes * MINUTE),
        waiting: 0,
        monitor: None,
    }
}

fn monitor(text: &str, seconds: Option<i64>) -> MonitorLine {
    MonitorLine { text: text.to_owned(), at: seconds.map(ago) }
}

fn stat(added: u32, removed: u32) -> DiffStat {
    DiffStat { files: 1, added, removed }
}

pub fn project(name: &str, designer: Option<SessionView>, tasks: Vec<TaskView>) -> ProjectView {
    ProjectView {
        id: ProjectId::from(name),
        name: name.to_owned(),
        root: PathBuf::from(format!("/home/you/{name}")),
        trouble: None,
        faults: Vec::new(),
        branch: Some("main".to_owned()),
        config: Arc::new(Config::default()),
        flows: vec![("solo".to_owned(), vec!["work".to_owned()])],
        initialized: true,
        designer,
        tasks,
        shells: Vec::new(),
    }
}

/// The tasks of section 2 of SCREEN.md.
pub fn my_app() -> ProjectView {
    let mut add_docs = task(1, "add-docs", State::Asking, 2);
    let asking = Activity::Asking { text: "which style for examples?".to_owned() };
    add_docs.session = Some(session("add-docs", SessionKind::Executor, asking, 2));

    let mut fix_tests = task(2, "fix-tests", State::Gating, 11);
    fix_tests.same_failures = 3;
    fix_tests.gate = Some((3, ago(5)));
    fix_tests.diff = stat(18, 6);
    fix_tests.monitor = Some(monitor("cargo test fails the same way for the 3rd time", None));
    change(&mut fix_tests, |task| {
        task.reason = Some(orchestra::model::Reason {
            kind: orchestra::model::ReasonKind::Gate,
            text: "same failure 3 times: dates_utc".to_owned(),
            source: "gate".to_owned(),
            since: ago(11 * MINUTE),
        });
    });

    let mut rate_limit = task(3, "rate-limit", State::Done, 40);
    rate_limit.unread = true;
    rate_limit.diff = stat(212, 9);
    rate_limit.monitor = Some(monitor("says \"8 tests added\"; diff has 8 new tests", None));

    let mut csv_export = task(4, "csv-export", State::Working, 14);
    change(&mut csv_export, |task| {
        task.flow = flow(4);
        task.stage = 1;
    });
    csv_export.session = Some(session("csv-export", SessionKind::Executor, Activity::Working, 14));
    csv_export.diff = stat(41, 7);
    csv_export.monitor = Some(monitor("edits src/export/csv.rs; 12 pass, 2 fail", Some(31)));

    let mut csv_quoting = task(5, "csv-quoting", State::Working, 3);
    csv_quoting.monitor = Some(monitor("reads; nothing changed yet", None));

    let mut designer = session("main", SessionKind::Designer, Activity::Working, 6);
    designer.monitor = Some(monitor("waits for 2 executors", None));
    let dark_theme = task(6, "dark-theme", State::Draft, 300);
    let typo_readme = task(7, "typo-readme", State::Merged, 24 * 60);
    let tasks = vec![add_docs, fix_tests, rate_limit, csv_export, csv_quoting, dark_theme, typo_readme];
    project("my-app", Some(designer), tasks)
}

fn billing_api() -> ProjectView {
    let asking = task(1, "invoice-pdf", State::Asking, 4);
    let running = [task(2, "tax-rates", State::Working, 9), task(3, "retry-webhooks", State::Working, 1)];
    project("billing-api", None, [asking].into_iter().chain(running).collect())
}

pub fn snapshot(projects: Vec<ProjectView>) -> Arc<Snapshot> {
    Arc::new(Snapshot { generation: 1, projects: projects.into_iter().map(Arc::new).collect(), ..Snapshot::default() })
}

pub fn line(kind: LineKind, number: u32, parts: &[(&str, bool)]) -> DiffLine {
    let spans = parts.iter().map(|(text, changed)| Span { text: (*text).to_owned(), changed: *changed }).collect();
    DiffLine { kind, number, spans }
}

pub fn file(path: &str, change: Change, (added, removed): (u32, u32), hunks: Vec<Hunk>) -> Arc<FileDiff> {
    Arc::new(FileDiff { path: PathBuf::from(path), old_path: None, change, added, removed, folded: None, hunks })
}

pub fn diff() -> Diff {
    let hunk = Hunk {
        old_start: 38,
        new_start: 38,
        heading: "fn write_row".to_owned(),
        lines: vec![
            line(LineKind::Context, 38, &[("  for (i, field) in row.iter().enumerate() {", false)]),
            line(LineKind::Removed, 39, &[("      out.push_str(", false), ("field", true), (");", false)]),
            line(LineKind::Added, 39, &[("      out.push_str(", false), ("&quote(field)", true), (");", false)]),
        ],
    };
    Diff {
        base: "main".to_owned(),
        ahead: 2,
        files: vec![
            file("src/export/csv.rs", Change::Modified, (32, 5), vec![hunk]),
            file("src/export/mod.rs", Change::Modified, (2, 2), Vec::new()),
            file("tests/export_quotes.rs", Change::Untracked, (7, 0), Vec::new()),
        ],
        omitted: 0,
    }
}

/// The model of the drawing of this size.
pub fn model(cols: u16, rows: u16) -> Model {
    let projects = if cols >= 120 { vec![my_app(), billing_api()] } else { vec![my_app()] };
    let mut model = Model::new(snapshot(projects), now(), Size::new(rows, cols));
    model.list.folded.insert(ProjectId::from("billing-api"));
    model.list.selected = Some(key("my-app", "csv-export"));
    model.diff.diff = Some(Arc::new(diff()));
    model.diff.of = Some(key("my-app", "csv-export"));
    let text = "add-docs asks: which style for examples?".to_owned();
    model.messages.news = Some(Message { text, about: Some(key("my-app", "add-docs")), at: ago(3) });
    model
}

/// A model without tasks.
pub fn fresh(agents: Vec<AgentFound>) -> Model {
    let mut project = project("my-app", None, Vec::new());
    project.initialized = false;
    let mut snapshot = Arc::unwrap_or_clone(snapshot(vec![project]));
    snapshot.agents = agents;
    let mut model = Model::new(Arc::new(snapshot), now(), Size::new(24, 80));
    model.list.selected = Some(RowKey::Project(ProjectId::from("my-app")));
    model.layout.focus = Pane::List;
    model
}

pub fn agent(name: &str, version: Option<&str>) -> AgentFound {
    AgentFound {
        name: name.to_owned(),
        path: version.map(|_| PathBuf::from("/usr/bin").join(name)),
        version: version.filter(|version| !version.is_empty()).map(str::to_owned),
    }
}

pub fn notice(seq: u64, kind: NoticeKind, text: &str, seconds: i64) -> Arc<Notice> {
    Arc::new(Notice { seq, kind, text: text.to_owned(), about: None, at: ago(seconds), bell: false })
}

pub fn iteration(number: u32) -> Iteration {
    Iteration { started_at: None, ..Iteration::begin("work".to_owned(), number, Trigger::Flow, now()) }
}

/// The hints of the drawings.
pub fn footer(cols: u16) -> Vec<FooterItem> {
    let item = |key: &str, label: &str, command, stays| FooterItem {
        key: key.to_owned(),
        label: label.to_owned(),
        command,
        stays,
    };
    let more = [item(".", "more", "actions", true), item("?", "help", "help", true)];
    let open = if cols < 50 { "open" } else { "attach" };
    let first = [item("↵", open, "attach", false), item("Space", "peek", "peek", false)];
    let middle = if cols < 50 {
        vec![item("N", "new", "new", false)]
    } else {
        [("d", "diff"), ("s", "spec"), ("t", "shell"), ("x", "stop")]
            .map(|(key, name)| item(key, name, name, false))
            .to_vec()
    };
    first.into_iter().chain(middle).chain(more).collect()
}

/// Puts the default keys in place of command names, as the key map does.
pub fn spell(text: &str) -> String {
    let keys = [
        ("$needy", "w"),
        ("$peek", "Space"),
        ("$new-line", "n"),
        ("$new", "N"),
        ("$attach", "Enter"),
        ("$start", "S"),
        ("$stop", "x"),
        ("$spec", "s"),
        ("$explain", "E"),
        ("$escape", "Esc"),
        ("$palette", ":"),
        ("$approve", "a"),
        ("$merge", "M"),
        ("$diff", "d"),
        ("$override", "o"),
    ];
    keys.into_iter().fold(text.to_owned(), |text, (name, key)| text.replace(name, key))
}

/// The agent's screen as the drawing has it.
pub struct AgentScreen(pub &'static [&'static str]);

impl AgentScreen {
    pub const WIDE: Self = Self(&[
        "",
        "• Read src/export/csv.rs, src/export/mod.rs",
        "",
        "• Edited src/export/csv.rs",
        "    40 + fn quote(field: &str) -> Cow<str> {",
        "    41 +     if field.contains([',', '\"', '\\n']) {",
        "",
        "• Ran cargo test export",
        "    12 passed, 2 failed: quotes_newline, quotes_empty",
        "",
        "  Fixing quotes_empty: an empty field must stay empty, not \"\".",
        "",
        "┃ _",
    ]);
    pub const COMPACT: Self = Self(&[
        "",
        "• Edited src/export/csv.rs",
        "    40 + fn quote(field: &str) -> Cow<str> {",
        "",
        "• Ran cargo test export",
        "    12 passed, 2 failed: quotes_newline,",
        "    quotes_empty",
        "",
        "  Fixing quotes_empty.",
        "",
        "┃ _",
    ]);
}

impl TerminalView for AgentScreen {
    fn draw(&self, area: Rect, buf: &mut Buffer) {
        for (line, y) in self.0.iter().zip(area.y..area.bottom()) {
            buf.set_stringn(area.x, y, line, area.width.into(), Style::new());
        }
    }

    fn cursor(&self) -> Option<(u16, u16)> {
        Some((2, 12))
    }
}

pub fn theme(glyphs: Glyphs, depth: Depth) -> Theme {
    Theme::new(Ground::Dark, depth, glyphs)
}

/// Calls `look` with a scene of the model as the drawings show it.
pub fn with_scene<T>(
    model: &Model,
    theme: &Theme,
    terminal: Option<&dyn TerminalView>,
    look: impl FnOnce(&Scene<'_>) -> T,
) -> T {
    let footer = footer(model.size.cols);
    let scene =
        Scene { model, theme, footer: &footer, spell: &spell, detach: "Ctrl-\\", terminal, zone: &TimeZone::UTC };
    look(&scene)
}

/// A frame of the model.
pub fn frame(model: &Model, theme: &Theme, terminal: Option<&dyn TerminalView>) -> Buffer {
    let size = model.size;
    let mut screen = Terminal::new(TestBackend::new(size.cols, size.rows)).expect("a test terminal");
    with_scene(model, theme, terminal, |scene| {
        screen.draw(|frame| draw(frame, scene)).expect("a frame");
    });
    screen.backend().buffer().clone()
}

/// The letters of a frame, without blanks at line ends.
pub fn letters(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut row = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            row += symbol;
            x += unicode_width::UnicodeWidthStr::width(symbol).max(1) as u16;
        }
        text += row.trim_end();
        text.push('\n');
    }
    text
}

/// The letters of a frame of a model in Unicode signs.
pub fn shot(model: &Model, terminal: Option<&dyn TerminalView>) -> String {
    letters(&frame(model, &theme(Glyphs::Unicode, Depth::True), terminal))
}

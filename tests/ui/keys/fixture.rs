//! A model with a task in every state that keys tell apart, and a person who types.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, KeyEventKind};
use jiff::{SignedDuration, Timestamp};
use orchestra::model::{
    Activity, AgentFound, Answer, Change, Config, Diff, DiffLine, DiffStat, FileDiff, Hunk, Iteration, LineKind,
    Notice, NoticeKind, ProjectId, ProjectView, Reason, ReasonKind, Request, RunId, SessionId, SessionKind,
    SessionView, Size, Slug, Snapshot, Span, State, Task, TaskId, TaskView, Trigger, solo,
};
use orchestra::ui::keymap::Key;
use orchestra::ui::modal;
use orchestra::ui::model::{Effect, Model, RowKey, Then};
use orchestra::ui::msg::Msg;
use orchestra::ui::theme::{Depth, Ground, Theme};
use orchestra::ui::update::update;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub const NOW: &str = "2026-11-21T12:00:00Z";

pub fn project() -> ProjectId {
    ProjectId::from("my-app-1f3a9c")
}

pub fn row(session: &str) -> RowKey {
    RowKey::Session(project(), SessionId::from(session))
}

/// A person at the keys: a model, and what it asked of the runtime since the last look.
pub struct Person {
    pub model: Model,
    pub effects: Vec<Effect>,
}

impl Person {
    /// The designer rests; one task for each state, named after it.
    pub fn new() -> Self {
        let now = NOW.parse().expect("a fixture");
        let model = Model::new(Arc::new(Snapshot::default()), now, Size::new(36, 120));
        let mut person = Self { model, effects: Vec::new() };
        person.tell(Msg::Snapshot(Arc::new(snapshot(now))));
        person.effects.clear();
        person
    }

    /// With the session selected, and its diff there.
    pub fn on(session: &str) -> Self {
        let mut person = Self::new();
        person.model.list.selected = Some(row(session));
        person.tell(Msg::Diff { project: project(), session: SessionId::from(session), diff: Arc::new(diff()) });
        person.effects.clear();
        person
    }

    pub fn tell(&mut self, msg: Msg) {
        self.effects.extend(update(&mut self.model, msg));
    }

    /// Types keys, a quarter of a second apart: `jjN`, `<enter>`, `<alt-enter>`, text as it is.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for key in split(keys) {
            self.wait(250);
            self.key(key);
        }
        self
    }

    /// Types keys within a moment.
    pub fn rush(&mut self, keys: &str) -> &mut Self {
        for key in split(keys) {
            self.wait(1);
            self.key(key);
        }
        self
    }

    pub fn repeat(&mut self, key: &str) -> &mut Self {
        self.wait(250);
        let key = split(key)[0];
        let event = KeyEvent::new_with_kind(key.code, key.mods, KeyEventKind::Repeat);
        self.tell(Msg::Key(event));
        self
    }

    pub fn wait(&mut self, millis: i64) -> &mut Self {
        self.model.now += SignedDuration::from_millis(millis);
        self
    }

    fn key(&mut self, key: Key) {
        self.tell(Msg::Key(KeyEvent::new(key.code, key.mods)));
    }

    /// The requests since the last look.
    pub fn requests(&mut self) -> Vec<Request> {
        let asked = std::mem::take(&mut self.effects).into_iter();
        asked.filter_map(|effect| if let Effect::Ask { request, .. } = effect { Some(request) } else { None }).collect()
    }

    /// Answers the request that waits for facts or for a new task.
    pub fn answer(&mut self, result: Answer) -> &mut Self {
        let waiting = self
            .effects
            .iter()
            .rposition(|effect| matches!(effect, Effect::Ask { then, .. } if !matches!(then, Then::Nothing)));
        let Effect::Ask { then, .. } = self.effects.remove(waiting.expect("a request waits")) else { unreachable!() };
        self.tell(Msg::Answer { then, result });
        self
    }

    pub fn news(&self) -> &str {
        self.model.messages.news.as_ref().map_or("", |news| &news.text)
    }

    pub fn selected(&self) -> &str {
        match self.model.list.selected.as_ref() {
            Some(RowKey::Session(_, session)) => session.as_str(),
            Some(RowKey::Project(project)) => project.as_str(),
            None => "",
        }
    }

    /// The modal over the whole screen.
    pub fn screen(&self) -> String {
        let Size { cols, rows } = self.model.size;
        let mut buf = Buffer::empty(Rect::new(0, 0, cols, rows));
        let theme = Theme::new(Ground::Dark, Depth::None, orchestra::model::Glyphs::Ascii);
        modal::draw(&self.model, &theme, &mut buf);
        let line = |y| (0..cols).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..rows).map(line).collect::<Vec<_>>().join("\n")
    }

    /// The modal as it is drawn on a main area of 83 by `rows`.
    pub fn modal(&self, rows: u16) -> String {
        let area = Rect::new(0, 0, 83, rows);
        let mut buf = Buffer::empty(area);
        let theme = Theme::new(Ground::Dark, Depth::None, orchestra::model::Glyphs::Unicode);
        let cursor = modal::draw_in(&self.model, area, &theme, &mut buf);
        if let Some(cursor) = cursor {
            buf[cursor].set_symbol("_");
        }
        let line = |y| {
            let cells: String = (0..area.width).map(|x| buf[(x, y)].symbol()).collect();
            cells.trim_end().to_owned()
        };
        let lines: Vec<String> = (0..area.height).map(line).filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }
}

/// Splits a key string: `<name>` is one key, every other character is one.
fn split(keys: &str) -> Vec<Key> {
    let mut rest = keys;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>')).filter(|(name, _)| !name.is_empty());
        if let Some((name, tail)) = named {
            found.push(Key::parse(name).expect(name));
            rest = tail;
        } else {
            found.push(Key::parse(if first == ' ' { "space" } else { &rest[..first.len_utf8()] }).expect(rest));
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn snapshot(now: Timestamp) -> Snapshot {
    let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let mut tasks: Vec<TaskView> = State::ALL
        .iter()
        .enumerate()
        .map(|(index, state)| task(index as u32 + 1, *state, ago(index as i64 + 1)))
        .collect();
    for task in &mut tasks {
        if task.task.state == State::Asking {
            let text =
                "Which style for the examples?\n  1  Short, one per function\n  2  Long, one per module".to_owned();
            task.session.as_mut().expect("a fixture").activity = Activity::Asking { text };
        }
    }
    let designer = session("main", SessionKind::Designer, Activity::Resting, ago(6));
    let project = ProjectView {
        id: project(),
        name: "my-app".to_owned(),
        root: PathBuf::from("/src/my-app"),
        trouble: None,
        faults: Vec::new(),
        branch: Some("main".to_owned()),
        config: Arc::new(Config::default()),
        flows: vec![
            ("default".to_owned(), ["planning", "work", "review", "compound"].map(str::to_owned).to_vec()),
            ("solo".to_owned(), vec!["work".to_owned()]),
        ],
        initialized: false,
        designer: Some(designer),
        tasks,
        shells: Vec::new(),
    };
    let agent = |name: &str, version: Option<&str>| AgentFound {
        name: name.to_owned(),
        path: version.map(|_| PathBuf::from("/usr/bin").join(name)),
        version: version.map(str::to_owned),
    };
    Snapshot {
        generation: 1,
        projects: vec![Arc::new(project)],
        opened: None,
        agents: vec![agent("opencode", Some("1.4")), agent("claude", None), agent("codex", Some("0.9"))],
        notices: Vec::new(),
    }
}

fn task(id: u32, state: State, since: Timestamp) -> TaskView {
    let task = facts(id, state, since);
    let slug = task.slug.to_string();
    let started = state != State::Draft;
    let alive =
        matches!(state, State::Working | State::Gating | State::Quiet | State::Asking | State::Approval | State::Done);
    let activity = if state == State::Working { Activity::Working } else { Activity::Resting };
    TaskView {
        worktree: (started && !state.is_closed()).then(|| PathBuf::from("/trees").join(&slug)),
        agent: "opencode".to_owned(),
        session: started.then(|| SessionView { alive, ..session(&slug, SessionKind::Executor, activity, since) }),
        task: Arc::new(task),
        diff: DiffStat::default(),
        ahead: 2,
        unread: false,
        monitor: None,
        since,
        queued: None,
        hold: None,
        gate: None,
        same_failures: 0,
        comments: Vec::new(),
        unheard: None,
        behind: None,
    }
}

/// Working and approval: the first of two stages. Quiet: the conversation's id is not known.
fn facts(id: u32, state: State, since: Timestamp) -> Task {
    let slug = Slug::new(&format!("{}-task", state.word())).expect("a fixture");
    let mut flow = solo();
    if state == State::Working || state == State::Approval {
        "default".clone_into(&mut flow.name);
        let mut review = flow.stages[0].clone();
        "review".clone_into(&mut review.name);
        flow.stages.push(review);
    }
    let text = "stopped by a person".to_owned();
    let reason = Reason { kind: ReasonKind::Asks, text, source: "person".to_owned(), since };
    let conversations = vec![("work".to_owned(), "c-17".to_owned())];
    Task {
        id: TaskId(id),
        title: format!("The {} one", state.word()),
        description: "What is to be done.".to_owned(),
        base_branch: "main".to_owned(),
        branch: format!("task/{slug}"),
        state,
        base_commit: (state != State::Draft).then(|| "a81f0c2".to_owned()),
        reason: (state == State::Paused).then_some(reason),
        conversations: if state == State::Quiet { Vec::new() } else { conversations },
        iterations: vec![Iteration {
            started_at: None,
            ..Iteration::begin("work".to_owned(), 1, Trigger::Flow, since)
        }],
        ..Task::draft(slug, flow, since)
    }
}

pub fn session(id: &str, kind: SessionKind, activity: Activity, since: Timestamp) -> SessionView {
    SessionView {
        id: SessionId::from(id),
        run: RunId::from(id),
        kind,
        name: if kind == SessionKind::Shell { "zsh" } else { "opencode" }.to_owned(),
        alive: true,
        exit: None,
        activity,
        source: "agent events".to_owned(),
        since,
        waiting: 0,
        monitor: None,
    }
}

/// Two files with three hunks.
pub fn diff() -> Diff {
    let line = |kind, number, text: &str| DiffLine {
        kind,
        number,
        spans: vec![Span { text: text.to_owned(), changed: false }],
    };
    let hunk = |start: u32, heading: &str| Hunk {
        old_start: start,
        new_start: start,
        heading: heading.to_owned(),
        lines: vec![
            line(LineKind::Context, start, "for field in row {"),
            line(LineKind::Removed, start + 1, "    out.push_str(field);"),
            line(LineKind::Added, start + 1, "    out.push_str(&quote(field));"),
        ],
    };
    let file = |path: &str, hunks: Vec<Hunk>| {
        Arc::new(FileDiff {
            path: PathBuf::from(path),
            old_path: None,
            change: Change::Modified,
            added: 1,
            removed: 1,
            folded: None,
            hunks,
        })
    };
    Diff {
        base: "main".to_owned(),
        ahead: 2,
        files: vec![
            file("src/export/csv.rs", vec![hunk(38, "fn write_row"), hunk(80, "fn quote")]),
            file("src/export/mod.rs", vec![hunk(3, "")]),
        ],
        omitted: 0,
    }
}

/// The same snapshot, changed.
pub fn changed(model: &Model, change: impl FnOnce(&mut ProjectView)) -> Msg {
    let mut snapshot = (*model.snapshot).clone();
    let mut project = (*snapshot.projects[0]).clone();
    change(&mut project);
    snapshot.projects[0] = Arc::new(project);
    snapshot.generation += 1;
    Msg::Snapshot(Arc::new(snapshot))
}

pub fn task_mut<'a>(project: &'a mut ProjectView, slug: &str) -> &'a mut Task {
    let view = project.tasks.iter_mut().find(|view| view.task.slug.as_str() == slug).expect(slug);
    Arc::make_mut(&mut view.task)
}

pub fn notice(seq: u64, kind: NoticeKind, text: &str, about: Option<&str>) -> Arc<Notice> {
    Arc::new(Notice {
        seq,
        kind,
        text: text.to_owned(),
        about: about.map(|session| (project(), SessionId::from(session))),
        at: NOW.parse().expect("a fixture"),
        bell: false,
    })
}

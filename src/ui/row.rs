//! The rows of the list: what stands where, and in which order.
//!
//! Invariants: pure; a row is a task or a designer, never a place; while keys are pressed rows keep their places and
//! groups, and only their marks change.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Activity, ProjectId, ProjectView, SessionId, SessionView, Snapshot, State, TaskView};

use super::glyph::{Mark, Signs, Word, is_stuck};
use super::model::{Group, ListState, RowKey};

/// Rows move this long after the last key, not sooner.
pub const HOLD: SignedDuration = SignedDuration::from_secs(1);

/// What a row stands for, with the facts behind it.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    Project(&'a ProjectView),
    Designer(&'a ProjectView, &'a SessionView),
    Task(&'a ProjectView, &'a TaskView),
}

/// One line of the list.
#[derive(Debug, Clone, Copy)]
pub enum Line<'a> {
    Project {
        project: &'a ProjectView,
        folded: bool,
        counts: Counts,
    },
    /// The project has neither tasks nor a designer.
    Empty {
        project: &'a ProjectView,
    },
    Title {
        group: Group,
        count: usize,
    },
    Session {
        subject: Subject<'a>,
        group: Group,
    },
}

/// Sessions by what they wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub need: usize,
    pub ready: usize,
    pub running: usize,
}

/// Why a session needs a person, in the order in which `w` visits them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    Asks,
    Review,
    /// Failed, or its gate fails the same way again and again.
    Failed,
    Paused,
    Rests,
    Unread,
}

impl Group {
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeedsYou => "Needs you",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::Draft => "Draft",
            Self::Closed => "Closed",
        }
    }
}

/// All lines of the list, top to bottom. Groups without rows have no title; folded projects are one line.
pub fn lines<'a>(snapshot: &'a Snapshot, list: &ListState, now: Timestamp) -> Vec<Line<'a>> {
    let held = Held::of(list, now);
    let mut lines = Vec::new();
    for project in shown_projects(snapshot, list) {
        let mut rows: Vec<(Place, Subject<'a>)> = subjects(project)
            .filter(|subject| list.filter.is_empty() || subject.matches(&list.filter))
            .map(|subject| (held.place(&subject), subject))
            .collect();
        if rows.is_empty() && !list.filter.is_empty() {
            continue;
        }
        let folded = list.filter.is_empty() && list.folded.contains(&project.id);
        lines.push(Line::Project { project, folded, counts: counts(project) });
        if folded {
            continue;
        }
        if rows.is_empty() {
            lines.push(Line::Empty { project });
        }
        rows.sort_by_key(|(place, _)| *place);
        for group in rows.chunk_by(|(a, _), (b, _)| a.0 == b.0) {
            let title = group[0].0.0;
            lines.push(Line::Title { group: title, count: group.len() });
            lines.extend(group.iter().map(|(_, subject)| Line::Session { subject: *subject, group: title }));
        }
    }
    lines
}

/// The projects that the list shows: all of them, or the one that it is narrowed to.
pub fn shown_projects<'a>(snapshot: &'a Snapshot, list: &ListState) -> impl Iterator<Item = &'a ProjectView> {
    let scope = list.scope.clone().filter(|id| snapshot.projects.iter().any(|project| project.id == *id));
    let projects = snapshot.projects.iter().map(AsRef::as_ref);
    projects.filter(move |project| scope.as_ref().is_none_or(|id| project.id == *id))
}

/// The rows that can be selected, top to bottom.
pub fn keys(snapshot: &Snapshot, list: &ListState, now: Timestamp) -> Vec<RowKey> {
    lines(snapshot, list, now).iter().filter_map(Line::key).collect()
}

/// Moves the rows to where their states want them and remembers that: from here on they keep these places for `HOLD` after
/// each key. To be called at the first key after a pause, before `last_key_at` is set.
pub fn settle(snapshot: &Snapshot, list: &mut ListState) {
    list.last_key_at = None;
    let lines = lines(snapshot, list, Timestamp::UNIX_EPOCH);
    let places = lines.iter().filter_map(|line| match line {
        Line::Session { subject, group } => Some((subject.key(), *group)),
        _ => None,
    });
    let places = places.collect();
    list.order = lines.iter().filter_map(Line::key).collect();
    list.places = places;
}

/// The session that takes the place of a selected one that is gone or closed: the next one of the old order that is still
/// there, else the one before it; of the same project, if there is one.
pub fn heir(selected: &RowKey, before: &[RowKey], now: &[RowKey]) -> Option<RowKey> {
    let there = |key: &&RowKey| *key != selected && matches!(key, RowKey::Session(..)) && now.contains(key);
    let same = |key: &&RowKey| key.project() == selected.project();
    let at = before.iter().position(|key| key == selected).unwrap_or(0);
    let near = || before.iter().skip(at + 1).chain(before[..at].iter().rev()).filter(there);
    near().find(same).or_else(|| near().next()).or_else(|| now.iter().find(there)).cloned()
}

/// The sessions that need a person, in the order in which `w` visits them.
pub fn needing(snapshot: &Snapshot) -> Vec<RowKey> {
    let mut all: Vec<(Need, RowKey)> = snapshot
        .projects
        .iter()
        .flat_map(|project| subjects(project))
        .filter_map(|subject| Some((subject.need()?, subject.key())))
        .collect();
    all.sort_by_key(|(need, _)| *need);
    all.into_iter().map(|(_, key)| key).collect()
}

/// How many sessions of all projects need a person, are ready, and run.
pub fn total(snapshot: &Snapshot) -> Counts {
    snapshot.projects.iter().map(|project| counts(project)).fold(Counts::default(), |a, b| Counts {
        need: a.need + b.need,
        ready: a.ready + b.ready,
        running: a.running + b.running,
    })
}

/// How many sessions of a project need a person, are ready, and run.
pub fn counts(project: &ProjectView) -> Counts {
    subjects(project).fold(Counts::default(), |mut counts, subject| {
        match subject.group() {
            Group::NeedsYou => counts.need += 1,
            Group::Ready => counts.ready += 1,
            Group::Running => counts.running += 1,
            Group::Draft | Group::Closed => {}
        }
        counts
    })
}

/// The designer, then the tasks by id.
pub fn subjects(project: &ProjectView) -> impl Iterator<Item = Subject<'_>> {
    let designer = project.designer.iter().map(move |session| Subject::Designer(project, session));
    designer.chain(project.tasks.iter().map(move |task| Subject::Task(project, task)))
}

impl<'a> Subject<'a> {
    /// None: what the key names is not there (any more).
    pub fn find(snapshot: &'a Snapshot, key: &RowKey) -> Option<Self> {
        let (RowKey::Project(id) | RowKey::Session(id, _)) = key;
        let project = snapshot.projects.iter().find(|project| project.id == *id)?;
        match key {
            RowKey::Project(_) => Some(Self::Project(project)),
            RowKey::Session(..) => subjects(project).find(|subject| subject.is(key)),
        }
    }

    pub const fn project(&self) -> &'a ProjectView {
        match self {
            Self::Project(project) | Self::Designer(project, _) | Self::Task(project, _) => project,
        }
    }

    pub const fn task(&self) -> Option<&'a TaskView> {
        match self {
            Self::Task(_, task) => Some(task),
            Self::Project(_) | Self::Designer(..) => None,
        }
    }

    /// The agent's process.
    pub const fn session(&self) -> Option<&'a SessionView> {
        match self {
            Self::Project(_) => None,
            Self::Designer(_, session) => Some(session),
            Self::Task(_, task) => task.session.as_ref(),
        }
    }

    /// The live shell or editor beside the session.
    pub fn shell(&self) -> Option<&'a SessionView> {
        let beside = |id: &SessionId| id.as_str().strip_prefix(self.name()).is_some_and(|rest| rest.starts_with('.'));
        self.project().shells.iter().find(|shell| shell.alive && beside(&shell.id))
    }

    pub fn key(&self) -> RowKey {
        let id = self.project().id.clone();
        match self {
            Self::Project(_) => RowKey::Project(id),
            Self::Designer(..) | Self::Task(..) => RowKey::Session(id, SessionId::from(self.name())),
        }
    }

    /// Whether the key names it.
    pub fn is(&self, key: &RowKey) -> bool {
        match (self, key) {
            (Self::Project(project), RowKey::Project(id)) => project.id == *id,
            (Self::Project(_), _) | (_, RowKey::Project(_)) => false,
            (_, RowKey::Session(id, session)) => self.name() == session.as_str() && self.project().id == *id,
        }
    }

    /// As the list names it: the project's name, `main`, or the slug.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Project(project) => &project.name,
            Self::Designer(..) => "main",
            Self::Task(_, task) => task.task.slug.as_str(),
        }
    }

    /// The agent's name; none for a project.
    pub fn agent(&self) -> Option<&'a str> {
        match self {
            Self::Project(_) => None,
            Self::Designer(_, session) => Some(&session.name),
            Self::Task(_, task) => Some(&task.agent),
        }
    }

    pub fn mark(&self) -> Mark {
        match self {
            Self::Project(_) => Mark::Idle,
            Self::Designer(_, session) => Mark::of_session(session),
            Self::Task(_, task) => Mark::of_task(task),
        }
    }

    pub fn word(&self, now: Timestamp, signs: &Signs) -> Word {
        match self {
            Self::Project(_) => Word::default(),
            Self::Designer(_, session) => Word::of_session(session),
            Self::Task(_, task) => Word::of_task(task, now, signs),
        }
    }

    /// Since when it is in its state; none where that tells nothing.
    pub fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Project(_) => None,
            Self::Designer(_, session) => Some(session.since),
            Self::Task(_, task) => (!matches!(task.task.state, State::Draft | State::Setup)).then_some(task.since),
        }
    }

    pub const fn unread(&self) -> bool {
        matches!(self, Self::Task(_, task) if task.unread)
    }

    pub fn auto(&self) -> bool {
        self.task().is_some_and(|task| task.task.auto && !task.task.state.is_closed())
    }

    /// The question of an open dialog.
    pub fn question(&self) -> Option<&'a str> {
        match &self.session()?.activity {
            Activity::Asking { text } if self.mark() == Mark::Attention => Some(text),
            _ => None,
        }
    }

    /// Why it needs a person; none: it does not.
    pub fn need(&self) -> Option<Need> {
        let task = match self {
            Self::Project(_) => return None,
            Self::Designer(..) => return (self.mark() == Mark::Attention).then_some(Need::Asks),
            Self::Task(_, task) => task,
        };
        match task.task.state {
            State::Asking => Some(Need::Asks),
            State::Approval => Some(Need::Review),
            State::Failed => Some(Need::Failed),
            State::Working | State::Gating if is_stuck(task) => Some(Need::Failed),
            State::Paused => Some(Need::Paused),
            State::Quiet => Some(Need::Rests),
            _ => task.unread.then_some(Need::Unread),
        }
    }

    pub fn group(&self) -> Group {
        match (self.need(), self) {
            (Some(need), _) if need < Need::Unread => Group::NeedsYou,
            (_, Self::Task(_, task)) => match task.task.state {
                State::Draft => Group::Draft,
                State::Done => Group::Ready,
                State::Merged | State::Archived => Group::Closed,
                _ => Group::Running,
            },
            (_, Self::Designer(_, session)) if !session.alive => Group::Draft,
            (_, Self::Designer(..) | Self::Project(_)) => Group::Running,
        }
    }

    /// `filter` is lower case: slug, title, state words and agent are searched.
    fn matches(&self, filter: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(filter);
        let word = self.word(Timestamp::UNIX_EPOCH, Signs::UNICODE).to_string();
        has(self.name())
            || has(&word)
            || self.agent().is_some_and(has)
            || self.task().is_some_and(|task| has(&task.task.title) || has(task.task.state.word()))
    }
}

impl RowKey {
    pub const fn project(&self) -> &ProjectId {
        let (Self::Project(project) | Self::Session(project, _)) = self;
        project
    }
}

impl Line<'_> {
    /// Of a line that can be selected.
    pub fn key(&self) -> Option<RowKey> {
        match self {
            Self::Project { project, .. } => Some(RowKey::Project(project.id.clone())),
            Self::Session { subject, .. } => Some(subject.key()),
            Self::Empty { .. } | Self::Title { .. } => None,
        }
    }

    pub fn is(&self, key: &RowKey) -> bool {
        match self {
            Self::Project { project, .. } => Subject::Project(project).is(key),
            Self::Session { subject, .. } => subject.is(key),
            Self::Empty { .. } | Self::Title { .. } => false,
        }
    }
}

/// Group, place in it, and what decides between equals.
type Place = (Group, i64, u32);

/// The places that rows had at the last key, while they still hold.
struct Held<'a>(HashMap<(&'a ProjectId, &'a str), (i64, Option<Group>)>);

impl<'a> Held<'a> {
    fn of(list: &'a ListState, now: Timestamp) -> Self {
        let holds = list.last_key_at.is_some_and(|at| now.duration_since(at) < HOLD);
        let order = if holds { list.order.as_slice() } else { &[] };
        let place = |(at, key): (usize, &'a RowKey)| match key {
            RowKey::Session(project, session) => {
                Some(((project, session.as_str()), (at as i64, list.places.get(key).copied())))
            }
            RowKey::Project(_) => None,
        };
        Self(order.iter().enumerate().filter_map(place).collect())
    }

    fn place(&self, subject: &Subject<'_>) -> Place {
        let id = subject.task().map_or(0, |task| task.task.id.0);
        match self.0.get(&(&subject.project().id, subject.name())) {
            Some((at, group)) => (group.unwrap_or_else(|| subject.group()), *at, id),
            None if self.0.is_empty() => natural(subject, id),
            // A row that is new stands below those that hold their places.
            None => (subject.group(), i64::MAX, id),
        }
    }
}

/// Those that need a person by why, closed ones newest first, the others by age.
fn natural(subject: &Subject<'_>, id: u32) -> Place {
    let group = subject.group();
    let rank = match (group, subject.need()) {
        (Group::NeedsYou, Some(need)) => need as i64,
        (Group::Closed, _) => subject.since().map_or(0, |since| -since.as_second()),
        _ => 0,
    };
    (group, rank, id)
}

//! The rows of the list: what stands where, and in which order.
//!
//! Invariants: pure; a row is a task or a designer, never a place; while keys are pressed rows keep their places and
//! groups, and only their marks change.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Activity, ProjectId, ProjectView, ReasonKind, SessionId, SessionView, Snapshot, State, Task, TaskId, TaskView,
};

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
        kin: Kin,
    },
}

/// Where a row stands among parents and subtasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kin {
    /// Parents above it.
    pub depth: u16,
    /// Subtasks that are folded away under it, all levels together.
    pub folded: usize,
    /// One of those needs a person.
    pub calls: bool,
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
    /// Failed or blocked, or its gate fails the same way again and again.
    Failed,
    Paused,
    Rests,
    /// It said something to the designer, and none runs.
    Says,
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
        let family = Family::of(project, list, &held);
        if family.is_empty() && !list.filter.is_empty() {
            continue;
        }
        let folded = list.filter.is_empty() && list.folded.contains(&project.id);
        lines.push(Line::Project { project, folded, counts: counts(project) });
        if folded {
            continue;
        }
        if family.is_empty() {
            lines.push(Line::Empty { project });
        }
        for roots in family.roots.chunk_by(|(a, _), (b, _)| a.0 == b.0) {
            let group = roots[0].0.0;
            let mut rows = Vec::new();
            for (_, subject) in roots {
                family.walk(*subject, (0, group), list, &mut rows);
            }
            lines.push(Line::Title { group, count: rows.iter().filter(|row| row.counts_in(group)).count() });
            lines.extend(rows);
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
        Line::Session { subject, group, .. } => Some((subject.key(), *group)),
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
            Self::Task(project, task) if task.task.state == State::Children => {
                let (merged, all) = subtasks(project, task);
                Word { head: "subtasks ".into(), core: format!("{merged}/{all}").into(), ..Word::default() }
            }
            Self::Task(project, task) if task.task.state == State::Waiting => {
                let word = Word::of_state(State::Waiting, false);
                let mut awaited = project.awaited(task).map(|it| &it.slug);
                let Some(first) = awaited.next() else { return word };
                let more = awaited.count();
                let more = if more > 0 { format!(" +{more}") } else { String::new() };
                Word { tail: format!(" for {first}{more}").into(), ..word }
            }
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

    /// The question of an open dialog, or the first one that the agent handed in.
    pub fn question(&self) -> Option<&'a str> {
        if let Some(task) = self.task().filter(|task| asks_questions(task)) {
            return task.task.reason.as_ref().map(|reason| reason.text.as_str());
        }
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
            State::Approval | State::Verdict => Some(Need::Review),
            State::Failed | State::Blocked => Some(Need::Failed),
            State::Working | State::Gating if is_stuck(task) => Some(Need::Failed),
            State::Paused => Some(Need::Paused),
            State::Quiet => Some(Need::Rests),
            State::Done if asks_for_merge(&task.task) => Some(Need::Review),
            state if !state.is_closed() && task.unheard.is_some() => Some(Need::Says),
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

/// An agent has asked for its merge.
fn asks_for_merge(task: &Task) -> bool {
    task.reason.as_ref().is_some_and(|reason| reason.kind == ReasonKind::MergeAsked)
}

impl RowKey {
    pub const fn project(&self) -> &ProjectId {
        let (Self::Project(project) | Self::Session(project, _)) = self;
        project
    }
}

impl Line<'_> {
    /// A subtask stands below its parent, in whatever group that is, and counts in its own.
    fn counts_in(&self, of: Group) -> bool {
        matches!(self, Self::Session { subject, kin, .. } if kin.depth == 0 || subject.group() == of)
    }

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

/// The rows of a project as a forest: subtasks below the task that they are a part of.
struct Family<'a> {
    /// In the order of the list.
    roots: Vec<(Place, Subject<'a>)>,
    /// By parent.
    children: HashMap<TaskId, Vec<(Place, Subject<'a>)>>,
}

impl<'a> Family<'a> {
    /// What the filter lets through. A subtask whose parent it hides stands by itself.
    fn of(project: &'a ProjectView, list: &ListState, held: &Held<'_>) -> Self {
        let shown: Vec<_> =
            subjects(project).filter(|subject| list.filter.is_empty() || subject.matches(&list.filter)).collect();
        let ids: HashSet<_> = shown.iter().filter_map(|subject| Some(subject.task()?.task.id)).collect();
        let (mut roots, mut children) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        for subject in shown {
            let parent = subject.task().and_then(|task| task.task.parent).filter(|parent| ids.contains(parent));
            let row = (held.place(&subject), subject);
            match parent {
                Some(parent) => children.entry(parent).or_default().push(row),
                None => roots.push(row),
            }
        }
        roots.sort_by_key(|(place, _)| *place);
        // Among subtasks their state decides nothing: they keep the order in which they were made.
        for rows in children.values_mut() {
            rows.sort_by_key(|(_, subject)| subject.task().map(|it| it.task.id));
        }
        Self { roots, children }
    }

    fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    fn under(&self, subject: &Subject<'a>) -> &[(Place, Subject<'a>)] {
        subject.task().and_then(|task| self.children.get(&task.task.id)).map_or(&[], Vec::as_slice)
    }

    /// What stands below a task, all levels together.
    fn below(&self, subject: &Subject<'a>) -> Vec<Subject<'a>> {
        self.under(subject).iter().flat_map(|(_, child)| [vec![*child], self.below(child)].concat()).collect()
    }

    /// A row and those below it.
    fn walk(&self, subject: Subject<'a>, (depth, group): (u16, Group), list: &ListState, lines: &mut Vec<Line<'a>>) {
        let folds = list.filter.is_empty() && list.folded_tasks.contains(&subject.key());
        let hidden = if folds { self.below(&subject) } else { Vec::new() };
        let calls = hidden.iter().any(|subject| subject.group() == Group::NeedsYou);
        lines.push(Line::Session { subject, group, kin: Kin { depth, folded: hidden.len(), calls } });
        if !folds {
            for (_, child) in self.under(&subject) {
                self.walk(*child, (depth + 1, group), list, lines);
            }
        }
    }
}

/// The task that a subtask is a part of.
pub fn parent<'a>(subject: &Subject<'a>) -> Option<Subject<'a>> {
    let (project, id) = (subject.project(), subject.task()?.task.parent?);
    project.tasks.iter().find(|task| task.task.id == id).map(|task| Subject::Task(project, task))
}

/// It has subtasks.
pub fn has_children(subject: &Subject<'_>) -> bool {
    let id = subject.task().map(|task| task.task.id);
    id.is_some() && subject.project().tasks.iter().any(|task| task.task.parent == id)
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

/// How many subtasks of a task are merged, of how many.
fn subtasks(project: &ProjectView, parent: &TaskView) -> (usize, usize) {
    let all = || project.tasks.iter().filter(|task| task.task.parent == Some(parent.task.id));
    (all().filter(|task| task.task.state == State::Merged).count(), all().count())
}

/// Questions that the agent handed in wait for a person.
pub fn asks_questions(task: &TaskView) -> bool {
    let open = task.task.iteration().is_some_and(|iteration| iteration.open_questions().is_some());
    task.task.state == State::Asking && open
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

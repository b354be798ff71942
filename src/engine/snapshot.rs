//! The picture of all state that readers get.
//!
//! Invariant: a project in which nothing changed is the same allocation as in the picture before. Whatever changes one
//! marks it ([`Core::project_mut`], [`Core::touch`]); a build with debug assertions compares each picture that is used again
//! with a new one.

use std::collections::HashMap;
use std::sync::Arc;

use super::core::Core;
use super::live::Live;
use super::message::Message;
use super::monitor::{self, Facts, last_gate};
use super::project::{Project, Shown};
use super::schedule::Queued;
use crate::model::{
    Activity, Config, Failure, MonitorLine, ProjectId, ProjectView, RunId, SessionId, SessionKind, SessionView,
    Snapshot, State, Task, TaskId, TaskView,
};
use crate::store::projects;

/// The newest process of each session of a project, alive or not.
type Newest<'a> = HashMap<&'a SessionId, &'a Live>;

impl Core {
    pub(super) fn snapshot(&mut self, generation: u64) -> Snapshot {
        self.mark_moved_in_queue();
        let views: Vec<_> = self.projects.iter().map(|project| self.current_view(project)).collect();
        for (project, view) in self.projects.iter_mut().zip(&views) {
            project.shown.view = Some(Arc::clone(view));
            project.shown.fresh = true;
        }
        let mut projects = views;
        projects.extend(self.known.unread.iter().map(|(_, view)| Arc::clone(view)));
        projects.sort_by_key(|view| self.known.order.iter().position(|id| *id == view.id));
        Snapshot {
            generation,
            projects,
            opened: self.known.opened.clone(),
            agents: self.known.agents.clone(),
            notices: self.notices.list(),
        }
    }

    /// Something in a project, or in one of its processes, may have changed.
    pub(super) fn touch(&mut self, id: &ProjectId) {
        // Readers are told of it by `project_mut`; a project that is gone has no picture.
        let _ = self.project_mut(id);
    }

    /// The project of a process.
    pub(super) fn touch_run(&mut self, run: &RunId) {
        if let Some(id) = self.live.get(run).map(|live| live.place.0.clone()) {
            self.touch(&id);
        }
    }

    pub(super) fn touch_all(&mut self) {
        for project in &mut self.projects {
            project.shown.fresh = false;
        }
    }

    fn current_view(&self, project: &Project) -> Arc<ProjectView> {
        let Shown { view, fresh, .. } = &project.shown;
        if let Some(view) = view.as_ref().filter(|_| *fresh) {
            debug_assert_eq!(**view, self.project_view(project), "invariant: what changes a project marks it");
            return Arc::clone(view);
        }
        let new = self.project_view(project);
        // Much of what happens shows nowhere.
        view.as_ref().filter(|view| ***view == new).map_or_else(|| Arc::new(new), Arc::clone)
    }

    /// A place in the queue depends on the tasks of all projects.
    fn mark_moved_in_queue(&mut self) {
        let mut queues: Vec<Vec<(TaskId, Queued)>> = vec![Vec::new(); self.projects.len()];
        for (index, task, queued) in self.plan().queue {
            queues[index].push((task, queued));
        }
        for (project, queue) in self.projects.iter_mut().zip(queues) {
            if project.shown.queue != queue {
                project.shown.queue = queue;
                project.shown.fresh = false;
            }
        }
    }

    fn project_view(&self, project: &Project) -> ProjectView {
        let here = || self.live.values().filter(|live| live.place.0 == project.id);
        let mut newest = Newest::new();
        for live in here().filter(|live| live.job.is_none()) {
            let age = |live: &Live| (live.alive(), live.run.clone());
            let known = newest.entry(&live.place.1).or_insert(live);
            if age(known) < age(live) {
                *known = live;
            }
        }
        let queued: HashMap<TaskId, Queued> = project.shown.queue.iter().copied().collect();
        let shells = here().filter(|live| live.kind == SessionKind::Shell);
        let mut shells: Vec<_> = shells.map(|live| session_view(project, live)).collect();
        shells.sort_by(|a, b| a.id.cmp(&b.id));
        ProjectView {
            id: project.id.clone(),
            name: project.name.clone(),
            root: project.root().to_owned(),
            trouble: project.trouble.clone(),
            faults: project.settings.faults.clone(),
            branch: project.branch.clone(),
            config: Arc::clone(&project.settings.config),
            flows: project.flow_names(),
            initialized: project.files.initialized,
            designer: newest.get(&SessionId::main()).map(|live| session_view(project, live)),
            tasks: project
                .tasks()
                .map(|task| self.task_view(project, task, &newest, queued.get(&task.id).copied()))
                .collect(),
            shells,
        }
    }

    fn task_view(&self, project: &Project, task: &Arc<Task>, newest: &Newest<'_>, queued: Option<Queued>) -> TaskView {
        let session = task.session_id();
        let live = newest.get(&session).copied();
        let seen = project.seen(&session);
        let activity = live.map(Live::activity);
        let gate = last_gate(task).filter(|gate| !gate.passed());
        let behind = project.comes_first(task).map(|first| first.slug.clone());
        TaskView {
            worktree: project.worktree(task).ok(),
            agent: self
                .agent_name(project, task.agent.as_deref().or(task.current_stage().agent()))
                .unwrap_or_default()
                .to_owned(),
            session: live.map(|live| session_view(project, live)),
            diff: seen.stat,
            ahead: seen.ahead,
            unread: project.is_unread(&session),
            monitor: behind.as_ref().map_or_else(
                || monitor_line(live, task, activity.as_ref(), seen.stat),
                |first| Some(monitor::turn(task, first)),
            ),
            since: project.since(task),
            queued: queued.map(|queued| queued.place),
            hold: queued.map(|queued| queued.hold),
            gate: (task.state == State::Gating).then(|| (gate.map_or(1, |gate| gate.attempt + 1), project.since(task))),
            same_failures: gate.map_or(0, |gate| gate.same),
            comments: project.open_comments(task.id).to_vec(),
            unheard: project.unheard(&session).filter(|_| !newest.get(&SessionId::main()).is_some_and(|it| it.alive())),
            behind,
            task: Arc::clone(task),
        }
    }
}

/// A project that is known and cannot be read.
pub(super) fn unread_view(entry: &projects::Project, trouble: Failure) -> ProjectView {
    ProjectView {
        id: entry.id.clone(),
        name: entry.name(),
        root: entry.root.clone(),
        trouble: Some(trouble),
        faults: Vec::new(),
        branch: None,
        config: Arc::new(Config::default()),
        flows: Vec::new(),
        initialized: false,
        designer: None,
        tasks: Vec::new(),
        shells: Vec::new(),
    }
}

/// What a message is about, as far as the picture of a project goes.
pub(super) enum Subject {
    Project(ProjectId),
    Run(RunId),
    Everything,
    /// Whatever it changes marks itself.
    Nothing,
}

impl Message {
    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Ask(request, _) => request.project().map_or(Subject::Nothing, |id| Subject::Project(id.clone())),
            Self::Happened { at, .. }
            | Self::JobOver { at, .. }
            | Self::Prepared { at, .. }
            | Self::Deleted { at, .. }
            | Self::JobDone { at, .. } => Subject::Project(at.project.clone()),
            Self::Launched { started, .. } => Subject::Project(started.place.0.clone()),
            Self::Diffed { place, .. } | Self::NoDiff { place, .. } => Subject::Project(place.0.clone()),
            Self::FilesChanged { project } => Subject::Project(project.clone()),
            Self::Fact { run, .. } | Self::Printed { run, .. } | Self::Sought { run, .. } | Self::Dropped { run } => {
                Subject::Run(run.clone())
            }
            Self::AgentsFound(_) => Subject::Everything,
            // The message in it is taken by itself.
            Self::Worked(..)
            | Self::Found { .. }
            | Self::Loaded { .. }
            | Self::Answered
            | Self::CutShort
            | Self::Leave => Subject::Nothing,
        }
    }
}

fn session_view(project: &Project, live: &Live) -> SessionView {
    live.view(project.waiting.mail.iter().filter(|letter| letter.run == live.run).count() as u32)
}

fn monitor_line(
    live: Option<&Live>,
    task: &Task,
    activity: Option<&Activity>,
    stat: crate::model::DiffStat,
) -> Option<MonitorLine> {
    let none = Facts::default();
    let facts = live.and_then(|live| live.agent.as_ref()).map_or(&none, |agent| &agent.facts);
    facts.of_task(task, activity, stat)
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;

//! The picture of all state that readers get.

use std::sync::Arc;

use super::core::Core;
use super::live::Live;
use super::monitor::{Facts, last_gate};
use super::project::Project;
use super::{Place, schedule};
use crate::model::{
    Activity, MonitorLine, ProjectView, SessionId, SessionKind, SessionView, Snapshot, State, Task, TaskView,
};

impl Core {
    pub(super) fn snapshot(&self, generation: u64) -> Snapshot {
        Snapshot {
            generation,
            projects: self.projects.iter().map(|project| Arc::new(self.project_view(project))).collect(),
            agents: self.agents.clone(),
            notices: self.notices.list(),
        }
    }

    fn project_view(&self, project: &Project) -> ProjectView {
        let queue = schedule::queue(project.tasks().map(Arc::as_ref));
        let here = |live: &&Live| live.place.0 == project.id;
        let designer = self.newest(&(project.id.clone(), SessionId::main()));
        ProjectView {
            id: project.id.clone(),
            name: project.name.clone(),
            root: project.root().to_owned(),
            branch: project.branch.clone(),
            config: Arc::clone(&project.settings.config),
            flows: project.flow_names(),
            initialized: project.files.initialized,
            designer: designer.map(|live| session_view(project, live)),
            tasks: project
                .tasks()
                .map(|task| {
                    let place = queue.iter().position(|id| *id == task.id).map(|index| index as u32 + 1);
                    self.task_view(project, task, place)
                })
                .collect(),
            shells: self
                .live
                .values()
                .filter(here)
                .filter(|live| live.kind == SessionKind::Shell)
                .map(|live| session_view(project, live))
                .collect(),
        }
    }

    fn task_view(&self, project: &Project, task: &Arc<Task>, queued: Option<u32>) -> TaskView {
        let live = self.newest(&(project.id.clone(), task.session_id()));
        let seen = project.seen(&task.session_id());
        let activity = live.map(Live::activity);
        let gate = last_gate(task).filter(|gate| !gate.passed());
        TaskView {
            worktree: project.worktree(task).ok(),
            agent: self
                .agent_name(project, task.agent.as_deref().or(task.current_stage().agent.as_deref()))
                .unwrap_or_default()
                .to_owned(),
            session: live.map(|live| session_view(project, live)),
            diff: seen.stat,
            ahead: seen.ahead,
            unread: project.is_unread(&task.session_id()),
            monitor: monitor_line(live, task, activity.as_ref(), seen.stat),
            since: project.since(task),
            queued,
            gate: (task.state == State::Gating).then(|| (gate.map_or(1, |gate| gate.attempt + 1), project.since(task))),
            same_failures: gate.map_or(0, |gate| gate.same),
            task: Arc::clone(task),
        }
    }

    /// The newest process of a session, alive or not.
    fn newest(&self, place: &Place) -> Option<&Live> {
        let here = |live: &&Live| live.place == *place && live.job.is_none();
        self.live.values().filter(here).max_by_key(|live| (live.alive(), live.run.clone()))
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

//! A repository comes and goes under an open project: moved, gone, there again.
//!
//! Invariant: while it is gone nothing new begins in its project, and nothing is written where it was.

use super::core::Core;
use super::find;
use super::live::Live;
use super::load;
use super::message::TaskPlace;
use super::project::Project;
use crate::git::Repo;
use crate::model::{Failure, ProjectId, Request, RunId, SessionKind};
use crate::store::{Folder, projects};

impl Core {
    /// The repository of a project that is open is at another place now, or there again.
    pub(super) fn relocate(&mut self, id: &ProjectId, repo: Repo) {
        let home = self.ground.home.clone();
        let Ok(project) = self.project_mut(id) else { return };
        let folder = Folder::of(repo.root());
        let worktrees = load::worktree_root(&home.worktrees(id), &folder, &project.settings.config, id);
        let settled = load::settle_in(&mut project.db, &project.book, &repo, (&folder, &worktrees));
        let branch = load::head_branch(&repo);
        project.name = repo.name();
        project.branch = branch.unwrap_or_default();
        (project.repo, project.files.folder, project.files.worktrees) = (repo, folder, worktrees);
        project.trouble = None;
        let (name, root) = (project.name.clone(), project.root().display().to_string());
        let parked = std::mem::take(&mut project.waiting.parked);
        let tasks: Vec<_> = project.tasks().map(|task| TaskPlace { project: id.clone(), task: task.id }).collect();
        if let Err(failure) = settled {
            self.notices.error(failure.to_string(), None);
        }
        self.open_files(id);
        self.read_settings(id);
        self.listen_again(id);
        self.notices.news(format!("{name} is open again, in {root}; what waited goes on"), None);
        for at in &tasks {
            if let Some(place) = self.about(at) {
                self.diffs.unfollow(&place);
            }
            self.follow_worktree(at);
        }
        for (at, effect, key) in parked {
            self.perform(&at, effect, key);
        }
        self.read_over(id, &Ok(()));
    }

    /// Agents that were taken over while the project's own manifests could not be read are understood from now on.
    fn listen_again(&mut self, id: &ProjectId) {
        let deaf = |live: &&Live| {
            let with_agent = matches!(live.kind, SessionKind::Executor | SessionKind::Designer);
            live.place.0 == *id && live.alive() && live.agent.is_none() && with_agent
        };
        let runs: Vec<RunId> = self.live.values().filter(deaf).map(|live| live.run.clone()).collect();
        for run in runs {
            let Some(mut live) = self.live.remove(&run) else { continue };
            let manifest = self.project(id).and_then(|project| self.manifest(project, Some(&live.name)));
            let agent = manifest.ok().map(|manifest| (manifest, self.remembered_events(&run)));
            let record = self.project(id).ok().and_then(|project| project.db.session(&run).ok()?);
            self.listen(&mut live, agent, record.and_then(|record| record.conversation));
            self.live.insert(run.clone(), live);
            self.dropped(&run);
        }
    }

    /// The repository of an open project is gone: nothing new begins, and nothing is written where it was.
    pub(super) fn lose(&mut self, id: &ProjectId) {
        let Ok(project) = self.project_mut(id) else { return };
        if project.trouble.is_some() {
            return;
        }
        let trouble = find::gone(&project.name, project.root());
        project.trouble = Some(trouble.clone());
        project.files.watch = None;
        self.notices.error(trouble.to_string(), None);
    }

    /// Why a request cannot be served now: it needs a repository that is gone.
    pub(super) fn refusal(&mut self, request: &Request) -> Option<Failure> {
        let id = needs_repository(request)?.clone();
        let there = self.project(&id).ok()?.repo.common_dir().is_dir();
        match (there, self.project(&id).ok()?.trouble.is_some()) {
            (false, false) => self.lose(&id),
            (true, true) => self.try_again(&id),
            _ => {}
        }
        self.project(&id).ok()?.trouble.clone()
    }

    /// A project's folder is there again: perhaps its repository can be used.
    fn try_again(&mut self, id: &ProjectId) {
        let home = self.ground.home.clone();
        let entries = projects::list(&home).unwrap_or_default();
        let Some(entry) = entries.into_iter().find(|entry| entry.id == *id) else { return };
        if let Ok(found) = find::known(&home, &entry) {
            self.relocate(id, found.repo);
        }
    }
}

impl Project {
    /// The repository is where it was when the project was opened, as far as a look at its folder tells.
    pub fn is_there(&self) -> bool {
        self.trouble.is_none() && self.repo.common_dir().is_dir()
    }
}

/// The project of a request that cannot be served without its repository. Stopping, talking and forgetting can.
fn needs_repository(request: &Request) -> Option<&ProjectId> {
    use Request as R;
    let can_do_without = matches!(
        request,
        R::ForgetProject { .. }
            | R::Stop { .. }
            | R::SetAuto { .. }
            | R::Archive { .. }
            | R::SetUnread { .. }
            | R::MarkSeen { .. }
            | R::Send { .. }
            | R::Answer { .. }
            | R::StopSession { .. }
            | R::Watch { .. }
    );
    request.project().filter(|_| !can_do_without)
}

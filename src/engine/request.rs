//! Requests of the faces, one after the other.

use super::closing::ending;
use super::core::Core;
use super::message::{Answerer, TaskPlace};
use super::pipeline::{Event, Wish};
use crate::model::{Answer, HandIn, ProjectId, Reply, Request, SessionId, SessionKind, State, TaskId};

impl Core {
    pub(super) fn serve_request(&mut self, request: Request, answerer: Answerer) {
        if self.life.closing.is_some() && !matches!(request, Request::Hello) {
            return answerer.answer(Err(ending()));
        }
        if let Some(failure) = self.refusal(&request) {
            return self.reply(answerer, Err(failure));
        }
        match request {
            // Those whose answer comes later, from a job.
            Request::OpenShell { project, session, size } => self.open_shell(&project, &session, size, answerer),
            Request::RunScript { project, session, size } => self.run_beside(&project, &session, size, answerer),
            Request::OpenPullRequest { project, task } => {
                self.open_pull_request(&TaskPlace { project, task }, answerer);
            }
            Request::EditSpec { project, session, size } => self.edit_spec(&project, &session, size, answerer),
            Request::StartDesigner { project } => self.start_designer(&project, answerer),
            Request::DeleteFacts { project, task } => self.delete_facts(&TaskPlace { project, task }, answerer),
            Request::MergeFacts { project, task, into } => {
                self.merge_facts(&TaskPlace { project, task }, into, answerer);
            }
            Request::ReviewFacts { project, task } => self.review_facts(&TaskPlace { project, task }, answerer),
            Request::BaseFacts { project, base } => self.base_facts(&project, base, answerer),
            Request::OpenProject { path } => self.open_project(&path, answerer),
            Request::ShutDown => self.shut_down(answerer),
            Request::HandOver => self.hand_over(answerer),
            Request::Delete { project, task, scope } => self.delete(&TaskPlace { project, task }, scope, answerer),
            request => {
                let answer = self.answer(request);
                self.reply(answerer, answer);
            }
        }
    }

    fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::Restart { project, task } => self.wish(project, task, Wish::Restart),
            Request::Approve { project, task } => self.wish(project, task, Wish::Approve),
            Request::Reject { project, task, feedback, fresh } => {
                self.reject(TaskPlace { project, task }, &feedback, fresh)
            }
            Request::AddComment { project, task, comment } => self.add_comment(&TaskPlace { project, task }, comment),
            Request::DropComment { project, task, id } => self.drop_comment(&TaskPlace { project, task }, id),
            Request::ListComments { project, task } => self.comments(&TaskPlace { project, task }),
            Request::Override { project, task } => self.wish(project, task, Wish::Override),
            Request::AnswerQuestions { project, task, answers } => self.wish(project, task, Wish::Answer { answers }),
            Request::Complete { project, task } => self.wish(project, task, Wish::Complete),
            Request::Skip { project, task } => self.wish(project, task, Wish::Skip),
            Request::SendToStage { project, task, stage, text } => {
                self.wish(project, task, Wish::SendToStage { stage, text })
            }
            Request::SetAuto { project, task, auto } => self.wish(project, task, Wish::SetAuto(auto)),
            Request::Merge { project, task, into } => self.merge(project, task, into),
            Request::RequestMerge { project, task, asker } => self.request_merge(project, task, asker),
            Request::Archive { project, task } => self.wish(project, task, Wish::Archive),
            Request::Start { project, task } => self.start(project, task, Wish::Start),
            Request::Retry { project, task } => self.start(project, task, Wish::Retry),
            Request::Stop { project, task, spent } => self.stop(project, task, spent.as_deref()),
            Request::EditSubtasks { project, task, subtasks } => {
                self.edit_subtasks(TaskPlace { project, task }, subtasks)
            }
            Request::RunGate { project, task } => {
                self.project(&project)?.check_trust()?;
                self.wish(project, task, Wish::RunGate)
            }
            Request::SetStatus { project, task, status } => self.set_status(&TaskPlace { project, task }, status),
            Request::SetUnread { project, task, unread } => {
                let found = self.project_mut(&project)?;
                let session = found.task(task)?.session_id();
                found.set_unread(&session, unread)?;
                Ok(done(None))
            }
            Request::Submit { project, session, run, submission, resources, log } => {
                self.submit(&(project, session), run.as_ref(), &HandIn { submission, resources, log })
            }
            Request::Hook { project, session, run, report } => self.hook(&(project, session), run.as_ref(), &report),
            Request::Prompt { project, task, stage } => self.prompt_of(&TaskPlace { project, task }, stage.as_deref()),
            Request::ShowTask { project, task } => self.task_records(&TaskPlace { project, task }),
            Request::Send { project, session, text, sender } => self.send(&(project, session), sender.as_ref(), &text),
            Request::Answer { project, session, bytes } => self.answer_dialog(&(project, session), &bytes),
            request => self.answer_beside(request),
        }
    }

    /// Requests that are about neither a task nor an agent.
    #[expect(clippy::too_many_lines, reason = "a line for each request")]
    fn answer_beside(&mut self, request: Request) -> Answer {
        match request {
            Request::ForgetProject { project } => self.forget_project(&project),
            Request::InitProject { project } => self.init_project(&project),
            Request::Usage { project } => self.usage(&project),
            Request::NewTask { project, task } => self.new_task(&project, task),
            Request::MarkSeen { project, session } => {
                self.project_mut(&project)?.set_unread(&session, false)?;
                Ok(done(None))
            }
            Request::StopSession { project, session } => Ok(self.stop_session(project, session)),
            Request::RevokeTrust { project } => {
                self.project(&project)?.revoke_trust()?;
                Ok(done(Some("trust is taken back; the next start asks")))
            }
            Request::Trust { project, hash } => {
                self.project_mut(&project)?.trust(&hash)?;
                Ok(done(Some("trusted; a change of these files asks again")))
            }
            Request::TrustFacts { project } => Ok(Reply::Trust(Box::new(self.project(&project)?.trust_facts()?))),
            Request::Watch { project, session } => {
                self.watch_diff((project, session));
                Ok(done(None))
            }
            Request::ListMessages { project, session, since } => self.messages(&project, session.as_ref(), since),
            Request::Templates { project } => self.project(&project)?.templates(),
            Request::DesignerPrompt { project } => Ok(Reply::Text { text: self.project(&project)?.designer_prompt()? }),
            Request::Hello => Ok(done(None)),
            Request::Start { .. }
            | Request::Send { .. }
            | Request::Answer { .. }
            | Request::SetStatus { .. }
            | Request::SetUnread { .. }
            | Request::Submit { .. }
            | Request::Hook { .. }
            | Request::Prompt { .. }
            | Request::ShowTask { .. }
            | Request::Retry { .. }
            | Request::Stop { .. }
            | Request::EditSubtasks { .. }
            | Request::RunGate { .. }
            | Request::Restart { .. }
            | Request::Approve { .. }
            | Request::Reject { .. }
            | Request::AddComment { .. }
            | Request::DropComment { .. }
            | Request::ListComments { .. }
            | Request::Override { .. }
            | Request::AnswerQuestions { .. }
            | Request::Complete { .. }
            | Request::Skip { .. }
            | Request::SendToStage { .. }
            | Request::SetAuto { .. }
            | Request::Merge { .. }
            | Request::RequestMerge { .. }
            | Request::Archive { .. } => unreachable!("invariant: answered as a wish"),
            Request::OpenShell { .. }
            | Request::RunScript { .. }
            | Request::OpenPullRequest { .. }
            | Request::EditSpec { .. }
            | Request::StartDesigner { .. }
            | Request::DeleteFacts { .. }
            | Request::MergeFacts { .. }
            | Request::ReviewFacts { .. }
            | Request::BaseFacts { .. }
            | Request::OpenProject { .. }
            | Request::ShutDown
            | Request::HandOver
            | Request::Delete { .. } => unreachable!("invariant: answered by serve_request"),
        }
    }

    pub(super) fn wish(&mut self, project: ProjectId, task: TaskId, wish: Wish) -> Answer {
        let at = TaskPlace { project, task };
        let verb = wish.verb();
        self.apply(&at, Event::Person(wish), None)?;
        let task = self.project(&at.project)?.task(at.task)?;
        let message = match (verb, task.state) {
            ("stop", State::Paused) => Some(format!("stopped {}; S goes on with the same conversation", task.slug)),
            ("stop", _) => Some(format!("stopped the agent of {}; its result stays", task.slug)),
            ("approve", State::Done) => Some(format!("{} is reviewed; M merges it", task.slug)),
            ("archive", _) => Some(format!("archived {}", task.slug)),
            _ => None,
        };
        Ok(Reply::Done { message })
    }

    fn start(&mut self, project: ProjectId, task: TaskId, wish: Wish) -> Answer {
        self.project(&project)?.check_trust()?;
        let slug = self.project(&project)?.task(task)?.slug.clone();
        self.wish(project, task, wish)?;
        Ok(Reply::Done { message: Some(format!("started {slug}; x stops it")) })
    }

    /// A task that waits for its subtasks stops by them.
    fn stop(&mut self, project: ProjectId, task: TaskId, spent: Option<&str>) -> Answer {
        let found = self.project(&project)?;
        if found.task(task)?.state != State::Children {
            let wish = spent.map_or(Wish::Stop, |what| Wish::Spent { what: what.to_owned() });
            return self.wish(project, task, wish);
        }
        let children: Vec<TaskId> = found.children(task).map(|child| child.id).collect();
        // A refusal: nothing of that one is at work.
        let stopped = children.iter().filter(|child| self.stop(project.clone(), **child, spent).is_ok()).count();
        let slug = &self.project(&project)?.task(task)?.slug;
        Ok(Reply::Done { message: Some(format!("stopped {stopped} subtasks of {slug}")) })
    }

    fn stop_session(&mut self, project: ProjectId, session: SessionId) -> Reply {
        let place = (project, session);
        let live = self.live_at(&place).filter(|live| live.kind != SessionKind::Executor);
        let name = live.map(|live| {
            live.stop();
            live.name.clone()
        });
        Reply::Done { message: name.map(|name| format!("stopped {name} of {}", place.1)) }
    }
}

pub(super) fn done(message: Option<&str>) -> Reply {
    Reply::Done { message: message.map(str::to_owned) }
}

//! What a caller may ask: one table. A person may ask everything.
//!
//! Invariant: a request without a line here does not compile; nothing that approves, rejects, merges or removes is
//! open to an agent.

use super::caller::Caller;
use super::family::Family;
use crate::engine::Place;
use crate::model::{Failure, FailureKind, ProjectId, Request, SessionId, Status, TaskId};

/// What is said to a process of a session that has just been started, or has long ended.
pub const STRANGER: &str = "this process belongs to a session that is not known (yet).";

/// What it takes to ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right<'a> {
    /// Anybody: it tells nothing and changes nothing.
    Anybody,
    /// Any known session: what it gets is of its own project.
    Own,
    /// An agent of the project.
    Read(&'a ProjectId),
    /// The designer writes to all sessions of its project; an executor to the designer, to its parent's session and to those
    /// of its subtasks.
    Message(&'a ProjectId, &'a SessionId),
    /// What is shown of a session only to itself, to those above it and to the designer.
    Session(&'a ProjectId, &'a SessionId),
    /// What is shown of a task only to its own agent, to those above it and to the designer.
    Within(&'a ProjectId, TaskId),
    /// What a task's own agent may do with it, and the designer with all of its project.
    Task(&'a ProjectId, TaskId),
    /// What the designer does with the tasks of its project, and an executor with its subtasks.
    Below(&'a ProjectId, TaskId),
    /// A new task: the designer's anywhere, an executor's below its own task while its stage takes that apart.
    Create(&'a ProjectId, Option<TaskId>),
    /// What the session itself hands in.
    Submit(&'a ProjectId, &'a SessionId),
    /// What the session itself tells of its own agent.
    Tell(&'a ProjectId, &'a SessionId),
    /// The designer's alone.
    Manage(&'a ProjectId),
    /// A person only.
    Person,
}

/// The table.
pub const fn of(request: &Request) -> Right<'_> {
    match request {
        Request::Hello => Right::Anybody,
        Request::DeleteFacts { project, .. }
        | Request::MergeFacts { project, .. }
        | Request::ReviewFacts { project, .. }
        | Request::ShowTask { project, .. }
        | Request::ListComments { project, .. }
        | Request::Usage { project }
        | Request::BaseFacts { project, .. }
        | Request::Templates { project }
        | Request::DesignerPrompt { project }
        | Request::Prompt { project, .. }
        | Request::TrustFacts { project } => Right::Read(project),
        Request::Send { project, session, .. } => Right::Message(project, session),
        Request::ListMessages { project, session: Some(session), .. } => Right::Session(project, session),
        Request::ListMessages { project, session: None, .. } => Right::Manage(project),
        Request::Submit { project, session, .. } => Right::Submit(project, session),
        Request::Hook { project, session, .. } => Right::Tell(project, session),
        Request::Complete { project, task } | Request::SetStatus { project, task, status: Status::Completed } => {
            Right::Task(project, *task)
        }
        Request::NewTask { project, task } => Right::Create(project, task.parent),
        Request::Start { project, task }
        | Request::Stop { project, task, .. }
        | Request::RequestMerge { project, task, .. } => Right::Below(project, *task),
        Request::OpenProject { .. }
        | Request::ForgetProject { .. }
        | Request::InitProject { .. }
        | Request::Restart { .. }
        | Request::Approve { .. }
        | Request::Reject { .. }
        | Request::AddComment { .. }
        | Request::DropComment { .. }
        | Request::Retry { .. }
        | Request::Override { .. }
        | Request::AnswerQuestions { .. }
        | Request::EditSubtasks { .. }
        | Request::RunGate { .. }
        | Request::OpenPullRequest { .. }
        | Request::RunScript { .. }
        | Request::Skip { .. }
        | Request::SendToStage { .. }
        | Request::SetAuto { .. }
        | Request::Merge { .. }
        | Request::Archive { .. }
        | Request::Delete { .. }
        | Request::SetStatus { .. }
        | Request::SetUnread { .. }
        | Request::MarkSeen { .. }
        | Request::Answer { .. }
        | Request::StartDesigner { .. }
        | Request::StopSession { .. }
        | Request::OpenShell { .. }
        | Request::EditSpec { .. }
        | Request::Trust { .. }
        | Request::RevokeTrust { .. }
        | Request::Watch { .. }
        | Request::HandOver
        | Request::ShutDown => Right::Person,
    }
}

/// Whether `caller`, whose task has this family, has the right, and if not, why.
pub fn check((caller, family): (&Caller, &Family), method: &str, right: Right<'_>) -> Result<(), Failure> {
    let (place, own) = match caller {
        Caller::Person => return Ok(()),
        Caller::Stranger if right == Right::Anybody => return Ok(()),
        Caller::Stranger => {
            return Err(refusal(format!("{method}: {STRANGER}")).hint("Try again once the session runs"));
        }
        Caller::Designer(place) => (place, None),
        Caller::Executor { place, task } => (place, Some(*task)),
    };
    let granted = match right {
        Right::Anybody | Right::Own => true,
        Right::Read(project) => in_project(place, project),
        Right::Message(project, session) => {
            let near = *session == SessionId::main() || family.parent.as_ref() == Some(session);
            in_project(place, project) && (own.is_none() || near || family.has_session(session))
        }
        Right::Session(project, session) => {
            in_project(place, project) && (own.is_none() || place.1 == *session || family.has_session(session))
        }
        Right::Within(project, task) => {
            in_project(place, project) && own.is_none_or(|own| own == task || family.has(task))
        }
        Right::Below(project, task) => in_project(place, project) && (own.is_none() || family.has(task)),
        Right::Create(project, parent) => {
            let below = || parent.is_some_and(|parent| own == Some(parent) || family.has(parent));
            in_project(place, project) && (own.is_none() || (family.splits && below()))
        }
        Right::Submit(project, session) => own.is_some() && in_project(place, project) && place.1 == *session,
        Right::Tell(project, session) => in_project(place, project) && place.1 == *session,
        Right::Task(project, task) => in_project(place, project) && own.is_none_or(|own| own == task),
        Right::Manage(project) => in_project(place, project) && own.is_none(),
        Right::Person => false,
    };
    if granted {
        return Ok(());
    }
    let why = match right {
        Right::Person => "that takes a person",
        Right::Message(project, _) if in_project(place, project) => {
            "an executor writes to main, to its parent and to its subtasks only"
        }
        Right::Session(project, _) if in_project(place, project) => "an executor sees itself and its subtasks only",
        Right::Within(project, _) if in_project(place, project) => "an executor sees its task and its subtasks only",
        Right::Below(project, _) if in_project(place, project) => "that takes the designer, a parent or a person",
        Right::Create(project, _) if in_project(place, project) => {
            "that takes the designer or a person; a stage that proposes subtasks makes them below its own task"
        }
        Right::Submit(..) => "a session hands in for itself only",
        Right::Tell(..) => "a session tells of itself only",
        Right::Task(project, _) if in_project(place, project) => "an executor has its own task only",
        Right::Manage(project) if in_project(place, project) => "that takes the designer or a person",
        _ => "an agent has its own project only",
    };
    Err(refusal(format!("{method} {REFUSED} {}: {why}.", place.1)))
}

/// In what a session is told that has no right to something.
pub(super) const REFUSED: &str = "is refused to the session";

fn in_project(place: &Place, project: &ProjectId) -> bool {
    place.0 == *project
}

fn refusal(text: String) -> Failure {
    Failure::new(FailureKind::BadState, text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{DeleteScope, HookEvent, HookReport, NewComment, NewTask, Side, Size, Submission};
    use crate::rpc::method::{Catalog, Kind};

    /// One of each variant, on task 1 and session `one` of project `p`.
    #[expect(clippy::too_many_lines, reason = "a line for each request")]
    fn requests() -> Vec<Request> {
        let project = || ProjectId::from("p");
        let (task, size, session) = (TaskId(1), Size::default(), || SessionId::from("one"));
        let text = String::new;
        let comment = NewComment { path: text(), side: Side::New, line: 1, text: text(), quote: None };
        vec![
            Request::OpenProject { path: "/".into() },
            Request::ForgetProject { project: project() },
            Request::InitProject { project: project() },
            Request::NewTask { project: project(), task: NewTask::default() },
            Request::Start { project: project(), task },
            Request::Stop { project: project(), task, spent: None },
            Request::Restart { project: project(), task },
            Request::Approve { project: project(), task },
            Request::Reject { project: project(), task, feedback: text(), fresh: false },
            Request::Retry { project: project(), task },
            Request::Override { project: project(), task },
            Request::AnswerQuestions { project: project(), task, answers: Vec::new() },
            Request::EditSubtasks { project: project(), task, subtasks: Vec::new() },
            Request::RunGate { project: project(), task },
            Request::OpenPullRequest { project: project(), task },
            Request::Prompt { project: project(), task, stage: None },
            Request::RunScript { project: project(), session: session(), size },
            Request::Submit {
                project: project(),
                session: SessionId::from("x"),
                run: None,
                submission: Submission::Blocked { reason: text() },
                resources: Vec::new(),
                log: None,
            },
            Request::Hook {
                project: project(),
                session: SessionId::from("x"),
                run: None,
                report: HookReport { event: HookEvent::Idle, text: None, at: None },
            },
            Request::Complete { project: project(), task },
            Request::AddComment { project: project(), task, comment },
            Request::DropComment { project: project(), task, id: 1 },
            Request::ListComments { project: project(), task },
            Request::Usage { project: project() },
            Request::Skip { project: project(), task },
            Request::SendToStage { project: project(), task, stage: text(), text: text() },
            Request::SetAuto { project: project(), task, auto: true },
            Request::Merge { project: project(), task, into: None },
            Request::RequestMerge { project: project(), task, asker: None },
            Request::Archive { project: project(), task },
            Request::Delete { project: project(), task, scope: DeleteScope::All },
            Request::SetStatus { project: project(), task, status: Status::Reviewed },
            Request::SetUnread { project: project(), task, unread: true },
            Request::MarkSeen { project: project(), session: session() },
            Request::Send { project: project(), session: session(), text: text(), sender: None },
            Request::Answer { project: project(), session: session(), bytes: Vec::new() },
            Request::StartDesigner { project: project() },
            Request::StopSession { project: project(), session: session() },
            Request::OpenShell { project: project(), session: session(), size },
            Request::EditSpec { project: project(), session: session(), size },
            Request::Trust { project: project(), hash: text() },
            Request::RevokeTrust { project: project() },
            Request::Watch { project: project(), session: session() },
            Request::DeleteFacts { project: project(), task },
            Request::MergeFacts { project: project(), task, into: None },
            Request::ReviewFacts { project: project(), task },
            Request::ShowTask { project: project(), task },
            Request::ListMessages { project: project(), session: None, since: None },
            Request::TrustFacts { project: project() },
            Request::BaseFacts { project: project(), base: None },
            Request::Templates { project: project() },
            Request::DesignerPrompt { project: project() },
            Request::HandOver,
            Request::ShutDown,
            Request::Hello,
        ]
    }

    fn name(request: &Request) -> String {
        serde_json::to_value(request).unwrap()["method"].as_str().unwrap().to_owned()
    }

    /// The methods of all variants that a caller may call.
    fn granted(caller: &Caller) -> BTreeSet<String> {
        let requests = requests();
        let may = |request: &&Request| check((caller, &Family::default()), "x", of(request)).is_ok();
        requests.iter().filter(may).map(name).collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn executor(project: &str, task: u32) -> Caller {
        Caller::Executor { place: (project.into(), "x".into()), task: TaskId(task) }
    }

    const READS: [&str; 12] = [
        "engine.ping",
        "project.base_facts",
        "project.designer_prompt",
        "project.templates",
        "project.trust_facts",
        "project.usage",
        "task.comments",
        "task.delete_facts",
        "task.merge_facts",
        "task.prompt",
        "task.review_facts",
        "task.show",
    ];

    #[test]
    fn every_variant_is_classified() {
        let all: BTreeSet<_> = requests().iter().map(name).collect();
        let methods = &Catalog::get().methods;
        let known = methods.iter().filter(|(_, method)| method.kind == Kind::Request).map(|(name, _)| name.clone());
        assert_eq!(all, known.collect(), "one of each variant stands in the list of this test");
        assert_eq!(granted(&Caller::Person), all);
        assert_eq!(granted(&Caller::Stranger), set(&["engine.ping"]));
    }

    #[test]
    fn agents_have_what_is_theirs() {
        let reads = set(&READS);
        let with = |more: &[&str]| &reads | &set(more);
        assert_eq!(granted(&executor("p", 1)), with(&["session.hook", "session.submit", "task.complete"]));
        assert_eq!(granted(&executor("p", 2)), with(&["session.hook", "session.submit"]), "the task of another");
        assert_eq!(granted(&executor("q", 1)), set(&["engine.ping"]), "another project");
        let designer = |project: &str| Caller::Designer((project.into(), SessionId::main()));
        let manages = [
            "message.list",
            "message.send",
            "task.complete",
            "task.new",
            "task.request_merge",
            "task.start",
            "task.stop",
        ];
        assert_eq!(granted(&designer("p")), with(&manages));
        assert_eq!(granted(&designer("q")), set(&["engine.ping"]));
    }

    #[test]
    fn what_depends_on_more_than_the_method() {
        let alone = Family::default();
        let may = |caller: &Caller, request: &Request| check((caller, &alone), "x", of(request)).is_ok();
        let status = |status| Request::SetStatus { project: "p".into(), task: TaskId(1), status };
        assert!(may(&executor("p", 1), &status(Status::Completed)));
        assert!(!may(&executor("p", 2), &status(Status::Completed)));
        let send = |session: &str| Request::Send {
            project: "p".into(),
            session: session.into(),
            text: String::new(),
            sender: None,
        };
        assert!(may(&executor("p", 2), &send("main")) && !may(&executor("q", 2), &send("main")));
        assert!(!may(&executor("p", 2), &send("one")), "another's");
    }

    /// R116.
    #[test]
    fn an_executor_reaches_its_subtasks_and_writes_to_its_parent() {
        let family = |splits| Family { below: vec![(TaskId(3), "three".into())], parent: Some("one".into()), splits };
        let caller = executor("p", 2);
        let may = |splits, request: &Request| check((&caller, &family(splits)), "x", of(request)).is_ok();
        let project = || ProjectId::from("p");
        let send = |session: &str| Request::Send {
            project: project(),
            session: session.into(),
            text: String::new(),
            sender: None,
        };
        let list =
            |session: &str| Request::ListMessages { project: project(), session: Some(session.into()), since: None };
        let start = |task| Request::Start { project: project(), task: TaskId(task) };
        let new = |parent: Option<u32>| {
            let task = NewTask { parent: parent.map(TaskId), ..NewTask::default() };
            Request::NewTask { project: project(), task }
        };
        for (request, wanted) in [
            (send("main"), true),
            (send("one"), true),
            (send("three"), true),
            (send("four"), false),
            (list("x"), true),
            (list("three"), true),
            (list("one"), false),
            (start(3), true),
            (start(2), false),
            (start(1), false),
            (new(Some(2)), true),
            (new(Some(3)), true),
            (new(Some(1)), false),
            (new(None), false),
            (Request::RequestMerge { project: project(), task: TaskId(3), asker: None }, true),
            (Request::RequestMerge { project: project(), task: TaskId(2), asker: None }, false),
            (Request::Merge { project: project(), task: TaskId(3), into: None }, false),
            (Request::Approve { project: project(), task: TaskId(3) }, false),
            (Request::Delete { project: project(), task: TaskId(3), scope: DeleteScope::All }, false),
        ] {
            assert_eq!(may(true, &request), wanted, "{request:?}");
        }
        assert!(!may(false, &new(Some(2))), "its stage makes no subtasks");
    }
}

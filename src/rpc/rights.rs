//! What a caller may ask: one table. A person may ask everything.
//!
//! Invariant: a request without a line here does not compile; nothing that approves, rejects, merges or removes is
//! open to an agent.

use super::caller::Caller;
use crate::engine::Place;
use crate::model::{Failure, FailureKind, ProjectId, Request, SessionId, Status, TaskId};

/// What it takes to ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right<'a> {
    /// Anybody: it tells nothing and changes nothing.
    Anybody,
    /// Any known session: what it gets is of its own project.
    Own,
    /// An agent of the project.
    Read(&'a ProjectId),
    /// Any sender for the designer, the designer for all sessions of its project.
    Message(&'a ProjectId, &'a SessionId),
    /// What a task's own agent may do with it, and the designer with all of its project.
    Task(&'a ProjectId, TaskId),
    /// What the designer does with the tasks of its project.
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
        | Request::ListMessages { project, .. }
        | Request::TrustFacts { project } => Right::Read(project),
        Request::Send { project, session, .. } => Right::Message(project, session),
        Request::Complete { project, task } | Request::SetStatus { project, task, status: Status::Completed } => {
            Right::Task(project, *task)
        }
        Request::NewTask { project, .. } | Request::Start { project, .. } | Request::Stop { project, .. } => {
            Right::Manage(project)
        }
        Request::OpenProject { .. }
        | Request::ForgetProject { .. }
        | Request::InitProject { .. }
        | Request::Restart { .. }
        | Request::Approve { .. }
        | Request::Reject { .. }
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
        | Request::Watch { .. }
        | Request::HandOver
        | Request::ShutDown => Right::Person,
    }
}

/// Whether `caller` has the right, and if not, why.
pub fn check(caller: &Caller, method: &str, right: Right<'_>) -> Result<(), Failure> {
    let (place, own) = match caller {
        Caller::Person => return Ok(()),
        Caller::Stranger if right == Right::Anybody => return Ok(()),
        Caller::Stranger => {
            let text = format!("{method}: this process belongs to a session that is not known (yet).");
            return Err(refusal(text).hint("Try again once the session runs"));
        }
        Caller::Designer(place) => (place, None),
        Caller::Executor { place, task } => (place, Some(*task)),
    };
    let granted = match right {
        Right::Anybody | Right::Own => true,
        Right::Read(project) => in_project(place, project),
        Right::Message(project, session) => {
            in_project(place, project) && (own.is_none() || *session == SessionId::main())
        }
        Right::Task(project, task) => in_project(place, project) && own.is_none_or(|own| own == task),
        Right::Manage(project) => in_project(place, project) && own.is_none(),
        Right::Person => false,
    };
    if granted {
        return Ok(());
    }
    let why = match right {
        Right::Person => "that takes a person",
        Right::Message(project, _) if in_project(place, project) => "an executor writes to main only",
        Right::Task(project, _) if in_project(place, project) => "an executor has its own task only",
        Right::Manage(project) if in_project(place, project) => "that takes the designer or a person",
        _ => "an agent has its own project only",
    };
    Err(refusal(format!("{method} is refused to the session {}: {why}.", place.1)))
}

fn in_project(place: &Place, project: &ProjectId) -> bool {
    place.0 == *project
}

fn refusal(text: String) -> Failure {
    Failure::new(FailureKind::BadState, text)
}

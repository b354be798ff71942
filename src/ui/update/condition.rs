//! When a command applies. What is refused says why, and which key helps: the words follow `M: ` on the message line.
//!
//! The engine has the last word on every request; these rules only spare a person the way to it.

use crate::model::{ReasonKind, State, Task, TaskView};
use crate::ui::model::{Model, Tab};

use super::chosen;
use crate::ui::keymap::Context;
use crate::ui::row::{self, Subject, asks_questions};
use crate::ui::view;

type Verdict = Result<(), String>;

pub fn always(_: &Model) -> Verdict {
    Ok(())
}

pub fn someone_needs_me(model: &Model) -> Verdict {
    check(!row::needing(&model.snapshot).is_empty(), "no session needs you")
}

pub fn has_previous(model: &Model) -> Verdict {
    let there = model.list.previous.as_ref().and_then(|key| Subject::find(&model.snapshot, key)).is_some();
    check(there, "no other session was selected before")
}

pub fn in_project(model: &Model) -> Verdict {
    let project = chosen::project(model).ok_or("no project is open")?;
    match &project.trouble {
        Some(trouble) => Err(trouble.message.clone()),
        None => Ok(()),
    }
}

pub fn has_session(model: &Model) -> Verdict {
    session(model).map(drop)
}

pub fn has_row(model: &Model) -> Verdict {
    check(Subject::of(model).is_some(), "nothing is selected; $new makes a task")
}

pub fn several_projects(model: &Model) -> Verdict {
    check(model.snapshot.projects.len() > 1, "there is one project only")
}

pub fn forget(model: &Model) -> Verdict {
    let subject = Subject::of(model).ok_or("no project is selected")?;
    check(matches!(subject, Subject::Project(_)), "select the row of the project first")
}

pub fn has_diff(model: &Model) -> Verdict {
    let there = model.diff.diff.as_ref().is_some_and(|diff| !diff.files.is_empty());
    check(there, "there are no changes")
}

pub fn search(model: &Model) -> Verdict {
    match super::context(model) {
        Context::Diff => has_diff(model),
        Context::Page => check(!view::page_lines(model).is_empty(), "there is no text on this page"),
        Context::List | Context::Terminal | Context::Pipeline | Context::Monitor => has_session(model),
    }
}

pub fn select(model: &Model) -> Verdict {
    let subject = session(model)?;
    check_with(subject.alive() || shows_shell(model), || format!("{} shows no screen", subject.name()))
}

/// The mark of the pipeline stands on something that can be opened.
pub fn open_step(model: &Model) -> Verdict {
    super::pipeline::opens(model).map(drop)
}

pub fn gate_log(model: &Model) -> Verdict {
    super::pipeline::gate_log(model).map(drop)
}

pub fn has_errors(model: &Model) -> Verdict {
    let there = model.main.tab == Tab::Log && view::page_lines(model).iter().any(|line| line.begins_error);
    check(there, "there is no error on this page")
}

pub fn attach(model: &Model) -> Verdict {
    let subject = Subject::of(model).ok_or("nothing is selected; $new makes a task")?;
    let Some(task) = subject.task() else { return Ok(()) };
    if task.task.state.is_closed() || subject.alive() || shows_shell(model) {
        return Ok(());
    }
    match task.task.state {
        State::Draft => Err(format!("{} is a draft; $start starts it, $spec edits its spec", subject.name())),
        State::Working if task.session.is_none() => Err(format!("the agent of {} starts", subject.name())),
        State::Done => Err(format!("the agent of {} has ended; $message sends it on", subject.name())),
        _ => Err(unfit(subject.name(), task)),
    }
}

pub fn peek(model: &Model) -> Verdict {
    let subject = session(model)?;
    let asks = subject.task().is_some_and(asks_questions);
    check_with(asks || subject.alive(), || match subject.task() {
        Some(task) if task.task.state == State::Draft => {
            format!("{} has not started; $start starts it", subject.name())
        }
        Some(task) if task.task.state.is_closed() => format!("{} is {}", subject.name(), task.task.state.word()),
        Some(task) => match task.task.state {
            State::Setup | State::Queued | State::Gating | State::Scripting | State::Integrating => {
                format!("the agent of {} does not run now", subject.name())
            }
            State::Waiting | State::Children | State::Approval | State::Verdict | State::Blocked | State::Done => {
                unfit(subject.name(), task)
            }
            _ => format!("{} does not run; $start starts it", subject.name()),
        },
        None => format!("{} does not run; $start starts it", subject.name()),
    })
}

pub fn diff(model: &Model) -> Verdict {
    has_worktree(model, "no changes yet")
}

pub fn spec(model: &Model) -> Verdict {
    has_session(model)
}

pub fn shell(model: &Model) -> Verdict {
    has_worktree(model, "no worktree yet")
}

pub fn editor(model: &Model) -> Verdict {
    has_worktree(model, "no worktree yet")
}

pub fn explain(model: &Model) -> Verdict {
    check(!model.messages.errors.is_empty() || session(model).is_ok(), "nothing is selected")
}

pub fn start(model: &Model) -> Verdict {
    let subject = Subject::of(model).ok_or("nothing is selected; $new makes a task")?;
    let name = subject.name();
    if let Some(trouble) = &subject.project().trouble {
        return Err(trouble.message.clone());
    }
    let Some(task) = subject.task() else {
        let runs = subject.project().designer.as_ref().is_some_and(|designer| designer.alive);
        return check(!runs, "main runs already; $attach attaches");
    };
    match task.task.state {
        _ if fell_with_child(task) => Err(unfit(name, task)),
        State::Draft | State::Waiting | State::Paused | State::Blocked | State::Failed => Ok(()),
        State::Done => Err(format!("{name} is done; $message sends it on, $merge merges")),
        State::Children | State::Verdict | State::Integrating => Err(unfit(name, task)),
        state if state.is_closed() => Err(format!("{name} is {}", state.word())),
        State::Queued => Err(format!("{name} waits for a free place already")),
        _ => Err(format!("{name} runs already; $attach attaches, $stop stops it")),
    }
}

pub fn retry(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Paused | State::Blocked | State::Failed if !fell_with_child(task) => Ok(()),
        State::Done => Err(format!("{name} is done; $restart begins its stage again")),
        _ => Err(unfit(name, task)),
    }
}

pub fn stop(model: &Model) -> Verdict {
    let subject = session(model)?;
    let is_stopped_by_it = subject.task().is_some_and(stops) || subject.alive() && subject.task().is_none();
    let merges = subject.task().is_some_and(|task| task.task.state == State::Integrating);
    check_with(is_stopped_by_it || subject.shell().is_some(), || match subject.task() {
        Some(task) if merges => unfit(subject.name(), task),
        _ => format!("{} does not run", subject.name()),
    })
}

/// The task itself can be stopped: what is at work for it, its agent, or its subtasks.
pub fn stops(task: &TaskView) -> bool {
    use State::{
        Approval, Archived, Asking, Blocked, Children, Done, Draft, Failed, Gating, Integrating, Merged, Paused,
        Queued, Quiet, Scripting, Setup, Verdict, Waiting, Working,
    };
    match task.task.state {
        Setup | Queued | Waiting | Working | Gating | Scripting | Children | Quiet | Asking | Blocked => true,
        Approval | Verdict | Done | Failed => task.session.as_ref().is_some_and(|session| session.alive),
        Integrating | Draft | Paused | Merged | Archived => false,
    }
}

pub fn restart(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    check_with(begun(task), || unfit(name, task))
}

pub fn message(model: &Model) -> Verdict {
    let subject = session(model)?;
    match subject.task().map(|task| task.task.state) {
        Some(State::Draft) => {
            Err(format!("{} has not started; $start starts it, $spec edits its spec", subject.name()))
        }
        Some(state) if state.is_closed() => Err(format!("{} is {}", subject.name(), state.word())),
        Some(_) => Ok(()),
        None => check_with(subject.alive(), || format!("{} does not run; $start starts it", subject.name())),
    }
}

pub fn approve(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        _ if accepts(&task.task) => Ok(()),
        State::Done => Err(format!("{name} is reviewed already; $merge merges")),
        _ => Err(unfit(name, task)),
    }
}

/// Something of it waits that a person can accept.
pub fn accepts(task: &Task) -> bool {
    match task.state {
        State::Approval | State::Verdict => true,
        State::Done => !task.reviewed,
        State::Quiet => task.flow.is_solo(),
        _ => false,
    }
}

pub fn reject(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Approval | State::Verdict | State::Done | State::Quiet | State::Blocked => Ok(()),
        _ => Err(unfit(name, task)),
    }
}

pub fn comment(model: &Model) -> Verdict {
    has_diff(model)?;
    let (name, task) = task(model)?;
    open(name, task)?;
    check(super::diff::commented(model).is_some(), "mark a line first")
}

pub fn send_comments(model: &Model) -> Verdict {
    let (_, task) = task(model)?;
    check(!task.comments.is_empty(), "there are none")?;
    reject(model)
}

pub fn override_verdict(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    check_with(task.task.state == State::Verdict, || format!("{name} has no rejection to override"))
}

pub fn answer(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    let asks = task.task.state == State::Asking;
    check_with(asks_questions(task), || {
        if asks {
            format!("{name} shows a dialog of its own; $attach attaches")
        } else {
            format!("{name} asks nothing")
        }
    })
}

pub fn run_gate(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    let stage = task.task.current_stage();
    let gate_failed = task.task.reason.as_ref().is_some_and(|reason| reason.kind == ReasonKind::Gate);
    match task.task.state {
        _ if task.task.state.is_closed() || !is_begun(task) => Err(unfit(name, task)),
        _ if stage.gate.is_none() => Err(format!("stage {} of {name} has no gate", stage.name)),
        State::Approval | State::Verdict | State::Quiet => Ok(()),
        State::Failed if gate_failed => Ok(()),
        _ => Err(unfit(name, task)),
    }
}

pub fn run_script(model: &Model) -> Verdict {
    has_worktree(model, "no worktree yet")
}

pub fn pull_request(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    open(name, task)?;
    check_with(is_begun(task), || unfit(name, task))
}

pub fn merge(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Done => Ok(()),
        State::Merged => Err(format!("{name} is merged already")),
        State::Quiet | State::Approval => Err(format!("{name} is not done; $approve accepts it")),
        _ => Err(unfit(name, task)),
    }
}

pub fn auto(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    open(name, task)
}

pub fn unread(model: &Model) -> Verdict {
    task(model).map(drop)
}

pub fn delete(model: &Model) -> Verdict {
    let subject = session(model)?;
    check(subject.task().is_some(), "main belongs to the project; $stop stops it")
}

pub fn complete(model: &Model) -> Verdict {
    use State::{Approval, Asking, Blocked, Failed, Paused, Quiet, Working};
    let (name, task) = task(model)?;
    let is_last = task.task.next_stage().is_none();
    match task.task.state {
        Working | Quiet | Asking | Paused | Blocked | Failed | Approval if !is_begun(task) => Err(unfit(name, task)),
        Working | Quiet | Asking | Paused | Blocked | Failed | Approval if is_last => Ok(()),
        Working | Quiet | Asking | Paused | Blocked | Failed | Approval => {
            Err(format!("{name} has more stages; $skip goes on with the next one"))
        }
        State::Done => Err(format!("{name} is done already")),
        _ => Err(unfit(name, task)),
    }
}

pub fn skip(model: &Model) -> Verdict {
    use State::{Approval, Asking, Blocked, Children, Failed, Gating, Paused, Quiet, Scripting, Verdict, Working};
    let (name, task) = task(model)?;
    match task.task.state {
        State::Done => Err(format!("{name} is done; no stage is left")),
        Working | Gating | Scripting | Children | Quiet | Asking | Approval | Verdict | Paused | Blocked | Failed
            if is_begun(task) =>
        {
            Ok(())
        }
        _ => Err(unfit(name, task)),
    }
}

pub fn send_to_stage(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    check_with(begun(task), || unfit(name, task))
}

pub fn archive(model: &Model) -> Verdict {
    use State::{Approval, Blocked, Done, Draft, Failed, Paused, Quiet, Verdict, Waiting};
    let (name, task) = task(model)?;
    match task.task.state {
        Draft | Waiting | Paused | Blocked | Failed | Done | Quiet | Approval | Verdict => Ok(()),
        _ => Err(unfit(name, task)),
    }
}

pub fn send_detach(model: &Model) -> Verdict {
    let subject = session(model)?;
    check_with(subject.alive(), || format!("{} does not run", subject.name()))
}

pub fn init(model: &Model) -> Verdict {
    let project = chosen::project(model).ok_or("no project is open")?;
    check_with(!project.initialized, || format!("{} has its .orchestra/ already", project.name))
}

/// The open tab shows a live shell, which can be attached whatever the agent does.
fn shows_shell(model: &Model) -> bool {
    model.main.tab == Tab::Shell && model.main.shell.is_some()
}

/// It has a worktree, and no step is under way that a person must not cut.
fn begun(task: &TaskView) -> bool {
    use State::{Archived, Children, Draft, Integrating, Merged, Setup};
    is_begun(task) && !matches!(task.task.state, Draft | Setup | Children | Integrating | Merged | Archived)
}

fn is_begun(task: &TaskView) -> bool {
    task.task.base_commit.is_some()
}

/// It failed because a subtask did: it goes on with that one.
fn fell_with_child(task: &TaskView) -> bool {
    let task = &task.task;
    let by_child = task.reason.as_ref().is_some_and(|reason| reason.kind == ReasonKind::Children);
    let is_open = task.iteration().is_some_and(|iteration| iteration.outcome.is_none());
    task.state == State::Failed && by_child && !is_open
}

/// Why a task in this state refuses what was asked, in one clause.
fn unfit(name: &str, task: &TaskView) -> String {
    match task.task.state {
        _ if fell_with_child(task) => format!("{name} waits for a subtask that failed"),
        State::Draft => format!("{name} has not started; $start starts it"),
        State::Setup => format!("{name} is being set up; $stop stops it"),
        State::Queued => format!("{name} waits for a free place"),
        State::Working => format!("{name} is still at work; $stop stops it"),
        State::Gating => format!("the gate of {name} runs; $stop stops it"),
        State::Scripting => format!("the script of {name} runs; $stop stops it"),
        State::Integrating => format!("{name} is being merged"),
        State::Waiting => format!("{name} waits for other tasks; $start starts it without them"),
        State::Children => format!("{name} waits for its subtasks"),
        State::Quiet => format!("{name} rests; $peek answers"),
        State::Asking => format!("{name} asks; $peek answers"),
        State::Approval => format!("{name} waits for review; $approve accepts it"),
        State::Verdict => format!("{name} was rejected by its reviewer; $approve confirms, $override goes on"),
        State::Paused => format!("{name} is paused; $start resumes it"),
        State::Blocked => format!("{name} is blocked; $message answers it"),
        State::Failed => format!("{name} failed; $start tries again"),
        State::Done => format!("{name} is done; $message sends it on"),
        State::Merged => format!("{name} is merged"),
        State::Archived => format!("{name} is archived"),
    }
}

fn session(model: &Model) -> Result<Subject<'_>, String> {
    let subject = Subject::of(model).ok_or("no session is selected; $new makes a task")?;
    check_with(subject.session_id().is_some(), || format!("{} is a project; select a session", subject.name()))?;
    Ok(subject)
}

fn task(model: &Model) -> Result<(&str, &TaskView), String> {
    let subject = session(model)?;
    let task = subject.task().ok_or("main is the designer, not a task")?;
    Ok((subject.name(), task))
}

fn open(name: &str, task: &TaskView) -> Verdict {
    check_with(!task.task.state.is_closed(), || unfit(name, task))
}

fn has_worktree(model: &Model, missing: &str) -> Verdict {
    let subject = session(model)?;
    check_with(subject.folder().is_some(), || match subject.task().map(|task| task.task.state) {
        Some(state) if state.is_closed() => format!("{} is {}; its worktree is gone", subject.name(), state.word()),
        Some(State::Draft) => format!("{} has {missing}; $start starts it", subject.name()),
        _ => format!("{} has {missing}", subject.name()),
    })
}

fn check(holds: bool, reason: &str) -> Verdict {
    check_with(holds, || reason.to_owned())
}

fn check_with(holds: bool, reason: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(reason()) }
}

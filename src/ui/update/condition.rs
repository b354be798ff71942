//! When a command applies. What is refused says why, and which key helps: the words follow `M: ` on the message line.
//!
//! The engine has the last word on every request; these rules only spare a person the way to it.

use crate::model::{State, TaskView};
use crate::ui::model::{Model, Tab};

use super::chosen;
use crate::ui::keymap::Context;
use crate::ui::row::{self, Subject};
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
        Context::List | Context::Terminal | Context::Monitor => has_session(model),
    }
}

pub fn select(model: &Model) -> Verdict {
    let subject = session(model)?;
    check_with(subject.alive() || shows_shell(model), || format!("{} shows no screen", subject.name()))
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
        State::Working | State::Quiet | State::Asking | State::Approval => {
            Err(format!("the agent of {} starts", subject.name()))
        }
        State::Done => Err(format!("the agent of {} has ended; $message sends it on", subject.name())),
        _ => Err(unfit(subject.name(), task)),
    }
}

pub fn peek(model: &Model) -> Verdict {
    let subject = session(model)?;
    check_with(subject.alive(), || match subject.task().map(|task| task.task.state) {
        Some(State::Draft) => format!("{} has not started; $start starts it", subject.name()),
        Some(state) if state.is_closed() => format!("{} is {}", subject.name(), state.word()),
        Some(State::Setup | State::Queued | State::Gating | State::Integrating) => {
            format!("the agent of {} does not run now", subject.name())
        }
        _ => format!("{} does not run; $start starts it", subject.name()),
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
        State::Draft | State::Paused | State::Failed => Ok(()),
        State::Done => Err(format!("{name} is done; $message sends it on, $merge merges")),
        state if state.is_closed() => Err(format!("{name} is {}", state.word())),
        State::Queued => Err(format!("{name} waits for a free place already")),
        _ => Err(format!("{name} runs already; $attach attaches, $stop stops it")),
    }
}

pub fn stop(model: &Model) -> Verdict {
    let subject = session(model)?;
    let busy = subject.task().is_some_and(|task| task.task.state.is_busy());
    check_with(busy || subject.alive() || subject.shell().is_some(), || format!("{} does not run", subject.name()))
}

pub fn restart(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Working | State::Gating | State::Quiet | State::Approval | State::Paused | State::Failed => Ok(()),
        State::Asking => Err("the stage is waiting for your answer".to_owned()),
        _ => Err(unfit(name, task)),
    }
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
        State::Done if task.task.reviewed => Err(format!("{name} is reviewed already; $merge merges")),
        State::Approval | State::Done => Ok(()),
        State::Quiet if task.task.flow.is_solo() => Ok(()),
        _ => Err(unfit(name, task)),
    }
}

pub fn reject(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Approval | State::Done => Ok(()),
        State::Quiet if task.task.flow.is_solo() => Ok(()),
        _ => Err(unfit(name, task)),
    }
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
    let (name, task) = task(model)?;
    match task.task.state {
        State::Working | State::Gating | State::Quiet | State::Approval | State::Paused | State::Failed => Ok(()),
        State::Done => Err(format!("{name} is done already")),
        _ => Err(unfit(name, task)),
    }
}

pub fn skip(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Done => Err(format!("{name} is done; no stage is left")),
        State::Draft | State::Setup | State::Queued | State::Integrating | State::Merged | State::Archived => {
            Err(unfit(name, task))
        }
        _ => Ok(()),
    }
}

pub fn send_to_stage(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Draft | State::Setup | State::Queued | State::Integrating | State::Merged | State::Archived => {
            Err(unfit(name, task))
        }
        _ => check_with(task.task.flow.stages.len() > 1, || format!("flow {} has one stage", task.task.flow.name)),
    }
}

pub fn archive(model: &Model) -> Verdict {
    let (name, task) = task(model)?;
    match task.task.state {
        State::Draft | State::Paused | State::Failed | State::Done | State::Quiet | State::Approval => Ok(()),
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

/// Why a task in this state refuses what was asked, in one clause.
fn unfit(name: &str, task: &TaskView) -> String {
    match task.task.state {
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

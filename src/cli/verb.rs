//! The verbs, and which code each one runs.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::context::Common;
use super::{
    Run, agents, answer, approve, archive, attach, auto, comment, complete, completions, config, delete, demo, diff,
    doctor, exec, explain, gate, hook, init, logs, mcp, merge, messages, new, overrule, path, play, projects, prompt,
    pull_request, reject, restart, retry, rpc, run_script, send, send_to_stage, serve, set_status, show, shutdown,
    skip, spec, start, status, stop, submit, subtasks, templates, trust, unread, usage, version, wait, workflow,
};

/// Runs many AI coding agents side by side, each in its own git worktree, from a description to merged code.
#[derive(Debug, Parser)]
#[command(name = "orchestra", version)]
pub(super) struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// All verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    #[command(flatten)]
    OfTask(OfTask),
    /// Verbs on tasks, under the name of what they act on
    #[command(subcommand, alias = "trak", hide = true)]
    Task(OfTask),
    Cd(completions::Cd),
    Agents(agents::Agents),
    Projects(projects::Projects),
    Trust(trust::Trust),
    Templates(templates::Templates),
    /// Write the files of `.orchestra/` into a repository
    Init(init::Init),
    /// Show it all in a throwaway repository
    Demo(demo::Demo),
    Submit(submit::Submit),
    Hook(hook::Hook),
    Mcp(mcp::Mcp),
    /// Run the engine without a screen
    Serve(serve::Serve),
    Shutdown(shutdown::Shutdown),
    Config(config::Config),
    Workflow(workflow::Workflow),
    Doctor(doctor::Doctor),
    Rpc(rpc::Rpc),
    RpcSchema(rpc::RpcSchema),
    Completions(completions::Completions),
    ShellInit(completions::ShellInit),
    Man(completions::Man),
    Version(version::Version),
    /// The names of tasks, for completions
    #[command(name = "__names", hide = true)]
    Names(status::Names),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// Verbs that are about a task, or the list of them.
#[derive(Debug, Subcommand)]
pub(super) enum OfTask {
    New(new::New),
    Play(play::Play),
    Edit(spec::Edit),
    Start(start::Start),
    Stop(stop::Stop),
    Attach(attach::Attach),
    Answer(answer::Answer),
    Complete(complete::Complete),
    #[command(visible_alias = "review")]
    Approve(approve::Approve),
    Reject(reject::Reject),
    Comment(comment::Comment),
    Override(overrule::Override),
    Gate(gate::Gate),
    Subtasks(subtasks::Subtasks),
    Merge(merge::Merge),
    Pr(pull_request::PullRequest),
    Delete(delete::Delete),
    Archive(archive::Archive),
    #[command(visible_alias = "list")]
    Status(status::Status),
    Show(show::Show),
    Explain(explain::Explain),
    Path(path::Path),
    Shell(exec::Shell),
    Exec(exec::Exec),
    #[command(name = "run")]
    RunScript(run_script::RunScript),
    Diff(diff::Diff),
    Logs(logs::Logs),
    Skip(skip::Skip),
    SendToStage(send_to_stage::SendToStage),
    Restart(restart::Restart),
    Retry(retry::Retry),
    Auto(auto::Auto),
    Send(send::Send),
    Messages(messages::Messages),
    Usage(usage::UsageOf),
    Wait(wait::Wait),
    Spec(spec::Spec),
    Prompt(prompt::Prompt),
    SetStatus(set_status::SetStatus),
    Unread(unread::Unread),
}

impl Verb {
    /// What it runs.
    pub fn code(&self) -> &dyn Run {
        match self {
            Self::OfTask(verb) | Self::Task(verb) => verb.code(),
            Self::Cd(verb) => verb,
            Self::Agents(verb) => verb,
            Self::Projects(verb) => verb,
            Self::Trust(verb) => verb,
            Self::Templates(verb) => verb,
            Self::Init(verb) => verb,
            Self::Demo(verb) => verb,
            Self::Submit(verb) => verb,
            Self::Hook(verb) => verb,
            Self::Mcp(verb) => verb,
            Self::Serve(verb) => verb,
            Self::Shutdown(verb) => verb,
            Self::Config(verb) => verb,
            Self::Workflow(verb) => verb,
            Self::Doctor(verb) => verb,
            Self::Rpc(verb) => verb,
            Self::RpcSchema(verb) => verb,
            Self::Completions(verb) => verb,
            Self::ShellInit(verb) => verb,
            Self::Man(verb) => verb,
            Self::Version(verb) => verb,
            Self::Names(verb) => verb,
            Self::Other(args) => args,
        }
    }
}

impl OfTask {
    fn code(&self) -> &dyn Run {
        match self {
            Self::New(verb) => verb,
            Self::Play(verb) => verb,
            Self::Edit(verb) => verb,
            Self::Start(verb) => verb,
            Self::Stop(verb) => verb,
            Self::Attach(verb) => verb,
            Self::Answer(verb) => verb,
            Self::Complete(verb) => verb,
            Self::Approve(verb) => verb,
            Self::Reject(verb) => verb,
            Self::Comment(verb) => verb,
            Self::Override(verb) => verb,
            Self::Gate(verb) => verb,
            Self::Subtasks(verb) => verb,
            Self::Merge(verb) => verb,
            Self::Pr(verb) => verb,
            Self::Delete(verb) => verb,
            Self::Archive(verb) => verb,
            Self::Status(verb) => verb,
            Self::Show(verb) => verb,
            Self::Explain(verb) => verb,
            Self::Path(verb) => verb,
            Self::Shell(verb) => verb,
            Self::Exec(verb) => verb,
            Self::RunScript(verb) => verb,
            Self::Diff(verb) => verb,
            Self::Logs(verb) => verb,
            Self::Skip(verb) => verb,
            Self::SendToStage(verb) => verb,
            Self::Restart(verb) => verb,
            Self::Retry(verb) => verb,
            Self::Auto(verb) => verb,
            Self::Send(verb) => verb,
            Self::Messages(verb) => verb,
            Self::Usage(verb) => verb,
            Self::Wait(verb) => verb,
            Self::Spec(verb) => verb,
            Self::Prompt(verb) => verb,
            Self::SetStatus(verb) => verb,
            Self::Unread(verb) => verb,
        }
    }
}

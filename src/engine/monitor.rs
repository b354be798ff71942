//! One line per session, from facts only: what is at work, what was called last, what the gate said. Pure.

use jiff::Timestamp;

use crate::model::{Activity, AgentFact, CommandResult, DiffStat, MonitorLine, Slug, State, Task, Work};

/// The facts that a session's line is made of.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    last_tool: Option<(String, Timestamp)>,
    title: Option<String>,
}

impl Facts {
    pub fn take(&mut self, fact: &AgentFact) {
        match fact {
            AgentFact::Tool { name, detail, at } => {
                self.last_tool = Some((format!("{} {detail}", verb(name)).trim_end().to_owned(), *at));
            }
            AgentFact::Title { text } => self.title = Some(text.clone()),
            AgentFact::Activity { .. } | AgentFact::Conversation { .. } | AgentFact::Usage { .. } => {}
        }
    }

    /// The line of a task.
    pub fn of_task(&self, task: &Task, activity: Option<&Activity>, stat: DiffStat) -> Option<MonitorLine> {
        let reason = || task.reason.as_ref().map_or_else(String::new, |reason| reason.text.clone());
        let plain = |text: String| Some(MonitorLine { text, at: None });
        match task.state {
            State::Draft | State::Merged | State::Archived => None,
            State::Setup => plain("makes the worktree and runs the setup script".to_owned()),
            State::Queued => plain("waits for a free place".to_owned()),
            State::Gating => plain(gate_at_work(task)),
            State::Scripting => plain(script_at_work(task)),
            State::Waiting => plain("waits for other tasks".to_owned()),
            State::Children => plain("waits for its subtasks".to_owned()),
            State::Integrating => plain(format!("rebases and checks for {}", task.target())),
            State::Asking => plain(format!("asks: {}", reason())),
            State::Approval => plain(format!("{} waits for your approval", task.current_stage().artifact)),
            State::Verdict | State::Paused | State::Blocked | State::Failed => plain(reason()),
            State::Done => plain(done(task, stat)),
            State::Working | State::Quiet => Some(self.at_work(task, activity, stat)),
        }
    }

    /// The line of a session without a task.
    pub fn of_session(&self, activity: &Activity) -> MonitorLine {
        match (activity, &self.last_tool) {
            (Activity::Asking { text }, _) => MonitorLine { text: format!("asks: {text}"), at: None },
            (Activity::Working, Some((tool, at))) => MonitorLine { text: tool.clone(), at: Some(*at) },
            (Activity::Starting, _) => MonitorLine { text: "starts".to_owned(), at: None },
            (Activity::Working, None) => MonitorLine { text: "works".to_owned(), at: None },
            (Activity::Resting, _) => MonitorLine { text: "rests".to_owned(), at: None },
        }
    }

    fn at_work(&self, task: &Task, activity: Option<&Activity>, stat: DiffStat) -> MonitorLine {
        let gate = last_gate(task).filter(|gate| !gate.passed()).map(gate_failed);
        let (mut text, at) = match (&self.last_tool, activity) {
            (Some((tool, at)), _) => (tool.clone(), Some(*at)),
            (None, Some(Activity::Starting) | None) => ("starts".to_owned(), None),
            (None, _) if stat.files == 0 => ("reads; nothing changed yet".to_owned(), None),
            (None, _) => (format!("changed {}", files(stat.files)), None),
        };
        if task.state == State::Quiet {
            text = format!("rests; last: {text}");
        }
        if let Some(gate) = gate {
            text = format!("{text}; {gate}");
        }
        MonitorLine { text, at }
    }
}

/// The line of a task that waits for its turn to be integrated.
pub fn turn(task: &Task, first: &Slug) -> MonitorLine {
    MonitorLine { text: format!("waits for {first}, then goes into {}", task.target()), at: None }
}

fn gate_at_work(task: &Task) -> String {
    let command = task.current_stage().gate.as_ref().map_or("", |gate| gate.command.as_str());
    let attempt = 1 + last_gate(task).filter(|gate| !gate.passed()).map_or(0, |gate| gate.attempt);
    format!("gate attempt {attempt} runs: {}", command.rsplit('/').next().unwrap_or(command))
}

fn script_at_work(task: &Task) -> String {
    match &task.current_stage().work {
        Work::Script(script) => format!("script runs: {}", script.command),
        Work::Agent(_) => String::new(),
    }
}

fn gate_failed(gate: &CommandResult) -> String {
    match gate.same {
        0..=2 => format!("gate failed on attempt {}", gate.attempt),
        same => format!("gate failed the same way {same} times"),
    }
}

fn done(task: &Task, stat: DiffStat) -> String {
    let gate = last_gate(task)
        .filter(|gate| gate.passed())
        .map_or_else(String::new, |gate| format!("; gate passed on attempt {}", gate.attempt));
    let refused = task.reason.as_ref().map_or_else(String::new, |reason| format!("; {}", reason.text));
    format!("{} changed{gate}{refused}", files(stat.files))
}

/// The newest verdict of the current stage's gate.
pub fn last_gate(task: &Task) -> Option<&CommandResult> {
    let stage = &task.current_stage().name;
    task.iterations.iter().rev().filter(|iteration| iteration.stage == *stage).find_map(|it| it.gate.as_ref())
}

fn files(count: u32) -> String {
    match count {
        0 => "nothing".to_owned(),
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

/// A tool's name as a verb of the monitor.
fn verb(tool: &str) -> &str {
    match tool.to_ascii_lowercase().as_str() {
        "edit" | "write" | "patch" | "multiedit" | "apply_patch" => "edits",
        "read" => "reads",
        "bash" | "shell" | "exec_command" => "ran",
        "grep" | "glob" | "list" => "searches",
        "webfetch" | "fetch" => "fetches",
        _ => tool,
    }
}

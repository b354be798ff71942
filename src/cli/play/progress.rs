//! What `orchestra play` prints while a task goes on: one line for each thing that happened, or one JSON object.
//!
//! Invariant: gates, scripts and verdicts come from the task's history, so none is left out however fast they follow.

use serde_json::{Value, json};

use crate::cli::look;
use crate::cli::output::{Output, object, say};
use crate::model::{Decision, State};
use crate::rpc::{GateView, IterationView, TaskDetail, TaskView};

/// What was told already.
pub struct Progress {
    pub output: Output,
    slug: String,
    state: String,
    /// By iteration.
    told: Vec<Told>,
    /// State of each subtask.
    parts: Vec<(String, String)>,
}

/// What was told of one iteration.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    gate: bool,
    script: bool,
    verdict: bool,
}

impl Progress {
    pub fn begin(output: Output, task: &TaskView) -> Self {
        let progress =
            Self { output, slug: task.slug.clone(), state: String::new(), told: Vec::new(), parts: Vec::new() };
        let facts = json!({"id": task.id, "branch": task.branch, "flow": task.flow});
        progress.line("started", facts, &format!("started on {}, flow {}", task.branch, task.flow));
        progress
    }

    /// Tells what is new.
    pub fn tell(&mut self, detail: &TaskDetail, parts: &[TaskView]) {
        for (at, iteration) in detail.iterations.iter().enumerate() {
            self.iteration(detail, at, iteration);
        }
        for part in parts {
            self.part(part);
        }
        self.state(&detail.task);
    }

    fn iteration(&mut self, detail: &TaskDetail, at: usize, iteration: &IterationView) {
        let index = detail.stages.iter().position(|stage| *stage == iteration.stage).unwrap_or_default();
        let count = detail.stages.len();
        let stage = format!("{} {}/{count}", iteration.stage, index + 1);
        let facts = |more: Value| {
            let mut facts = json!({"stage": iteration.stage, "stage_index": index, "stage_count": count,
                                   "iteration": iteration.number});
            if let (Some(facts), Value::Object(more)) = (facts.as_object_mut(), more) {
                facts.extend(more);
            }
            facts
        };
        if at == self.told.len() {
            self.told.push(Told::default());
            let attempt = if iteration.number > 1 { format!(", attempt {}", iteration.number) } else { String::new() };
            let after =
                if iteration.trigger == "flow" { String::new() } else { format!(", after {}", iteration.trigger) };
            self.line("stage", facts(json!({"trigger": iteration.trigger})), &format!("{stage}{attempt}{after}"));
        }
        let told = self.told[at];
        if let Some(script) = iteration.script.as_ref().filter(|_| !told.script) {
            self.line("script", facts(result(script)), &format!("{stage}, script {}", outcome(script)));
        }
        if let Some(gate) = iteration.gate.as_ref().filter(|_| !told.gate) {
            let text = format!("{stage}, gate {} {}", gate.attempt, outcome(gate));
            self.line("gate", facts(result(gate)), &text);
        }
        if let Some(verdict) = iteration.verdict.as_ref().filter(|_| !told.verdict) {
            let decision = match verdict.decision {
                Decision::Approve => "approves",
                Decision::Reject => "rejects",
            };
            let to = verdict.route_to.as_ref().map_or_else(String::new, |stage| format!(", back to {stage}"));
            self.line("verdict", facts(json!({"verdict": verdict})), &format!("{stage} {decision}{to}"));
        }
        self.told[at] = Told {
            gate: iteration.gate.is_some(),
            script: iteration.script.is_some(),
            verdict: iteration.verdict.is_some(),
        };
    }

    fn part(&mut self, part: &TaskView) {
        let known = self.parts.iter_mut().find(|(slug, _)| *slug == part.slug);
        match known {
            Some((_, state)) if *state == part.state => return,
            Some((_, state)) => state.clone_from(&part.state),
            None => self.parts.push((part.slug.clone(), part.state.clone())),
        }
        let facts = json!({"subtask": part.slug, "state": part.state});
        self.line("subtask", facts, &format!("subtask {} {}", part.slug, look::word(part)));
    }

    fn state(&mut self, task: &TaskView) {
        if self.state == task.state {
            return;
        }
        self.state.clone_from(&task.state);
        let facts = json!({"state": task.state, "reason": task.reason, "stage": task.stage,
                           "stage_index": task.stage_index, "stage_count": task.stage_count,
                           "gate_attempt": task.gate_attempt});
        // The line of the stage says it.
        let silent = !self.output.json && matches!(look::state(task), Some(State::Working | State::Scripting));
        if !silent {
            let why = look::why(task);
            let colon = if why.is_empty() { "" } else { ": " };
            self.line("state", facts, &format!("{}{colon}{why}", task.state));
        }
    }

    fn line(&self, event: &str, facts: Value, text: &str) {
        if !self.output.json {
            return say(&format!("{}  {}", self.slug, self.output.clean(text)));
        }
        let mut line = json!({"event": event, "task": self.slug, "text": text});
        if let (Some(line), Value::Object(facts)) = (line.as_object_mut(), facts) {
            line.extend(facts);
        }
        object(&line);
    }
}

fn result(gate: &GateView) -> Value {
    json!({"exit": gate.exit, "attempt": gate.attempt, "log": gate.log, "seconds": gate.seconds})
}

/// `passed`, or how it failed with the place of its log.
fn outcome(gate: &GateView) -> String {
    let how = look::exit(gate);
    if gate.exit == Some(0) { how } else { format!("{how}: {}", gate.log) }
}

//! What the screen lets a person ask of a task is what its pipeline takes, in every state.

use std::sync::Arc;

use jiff::Timestamp;
use orchestra::engine::pipeline::{Event, Stamp, Wish, step};
use orchestra::model::{
    Activity, AgentRun, Gate, Iteration, Outcome, Question, Reason, ReasonKind, Round, RunId, SessionKind, Size, State,
    Task, TaskView, Trigger,
};
use orchestra::ui::command::Command;
use orchestra::ui::model::Model;

use crate::fixture::{change, flow, key, now, project, session, snapshot, task};

const COMMANDS: [Command; 15] = [
    Command::Start,
    Command::Retry,
    Command::Stop,
    Command::Restart,
    Command::Approve,
    Command::Reject,
    Command::Override,
    Command::Answer,
    Command::RunGate,
    Command::Complete,
    Command::Skip,
    Command::SendTo,
    Command::Auto,
    Command::Merge,
    Command::Archive,
];

fn wish(command: Command, task: &Task) -> Wish {
    match command {
        Command::Start => Wish::Start,
        Command::Retry => Wish::Retry,
        Command::Stop => Wish::Stop,
        Command::Restart => Wish::Restart,
        Command::Approve => Wish::Approve,
        Command::Reject => Wish::Reject { feedback: "again".to_owned(), fresh: false },
        Command::Override => Wish::Override,
        Command::Answer => Wish::Answer { answers: vec!["both".to_owned()] },
        Command::RunGate => Wish::RunGate,
        Command::Complete => Wish::Complete,
        Command::Skip => Wish::Skip,
        Command::SendTo => Wish::SendToStage { stage: task.current_stage().name.clone(), text: String::new() },
        Command::Auto => Wish::SetAuto(!task.auto),
        Command::Merge => Wish::Merge { into: None },
        Command::Archive => Wish::Archive,
        other => unreachable!("{other:?} is no wish"),
    }
}

/// A task in a state with the facts that decide beside it; each bit of `facts` is one of them.
fn in_state(state: State, reason: Option<ReasonKind>, facts: u32) -> TaskView {
    let has = |bit: u32| facts & (1 << bit) != 0;
    let mut view = task(1, "it", state, 3);
    let run = RunId::from("run");
    if has(0) {
        view.session = Some(session("it", SessionKind::Executor, Activity::Resting, 3));
    }
    change(&mut view, |task| {
        task.flow = flow(if has(1) { 2 } else { 1 });
        task.session = has(0).then_some(AgentRun { id: run, stage: 0, alive: true });
        task.base_commit = has(2).then(|| "a81f0c2".to_owned());
        task.reviewed = has(3);
        let gate = Gate { command: "checks.sh".to_owned(), timeout_seconds: 9, max_attempts: 0 };
        task.flow.stages[0].gate = has(4).then_some(gate);
        let mut iteration = Iteration::begin(task.flow.stages[0].name.clone(), 1, Trigger::Flow, Timestamp::UNIX_EPOCH);
        if has(5) {
            let questions = vec![Question { question: "which?".to_owned(), context: None, options: Vec::new() }];
            iteration.questions.push(Round { questions, answers: None });
        } else {
            iteration.outcome = Some(Outcome::Passed);
        }
        task.iterations.push(iteration);
        task.reason = reason.map(|kind| Reason {
            kind,
            text: "why".to_owned(),
            source: "engine".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        });
    });
    view
}

#[test]
fn the_screen_refuses_what_the_pipeline_refuses() {
    let stamp = Stamp { now: now(), run: RunId::from("next") };
    let mut model = Model::new(snapshot(vec![project("p", None, Vec::new())]), now(), Size::new(24, 80));
    model.list.selected = Some(key("p", "it"));
    let mut wrong = Vec::new();
    for state in State::ALL {
        for reason in [None, Some(ReasonKind::Gate), Some(ReasonKind::Children)] {
            for facts in 0..64 {
                let view = in_state(state, reason, facts);
                let task = Arc::clone(&view.task);
                model.snapshot = snapshot(vec![project("p", None, vec![view])]);
                for command in COMMANDS {
                    // Stops by its subtasks, one by one.
                    if (command, state) == (Command::Stop, State::Children) {
                        continue;
                    }
                    let screen = command.applies(&model);
                    let pipeline = step(&mut Task::clone(&task), Event::Person(wish(command, &task)), &stamp);
                    if screen.is_ok() != pipeline.is_ok() {
                        wrong.push(format!("{state:?} {reason:?} {facts:06b} {command:?}: {screen:?}, {pipeline:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

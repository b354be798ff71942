//! Single stories of `step`, and what holds after each.

mod crash;
mod drawn;
mod stages;

use jiff::Timestamp;

use super::*;
use crate::model::{
    Assignment, Breakdown, ChildFailure, Decision, ExitStatus, Flow, Gate, Integration, Output, Script, Slug, Stage,
    Strategy as Merging, Submission, SubtaskDraft, TaskId, Verdict, Work, solo,
};

fn stage(name: &str, gate: Option<Gate>, is_automated: bool) -> Stage {
    Stage { name: name.into(), artifact: format!("{name}-out"), gate, is_automated, ..solo().stages[0].clone() }
}

fn flow(auto_merge: bool, max_attempts: u32) -> Flow {
    let gate = Gate { command: "checks.sh".into(), timeout_seconds: 300, max_attempts };
    Flow {
        name: "default".into(),
        stages: vec![stage("plan", None, true), stage("work", Some(gate), false)],
        integration: Integration { strategy: Merging::Rebase, auto_merge, on_failure: Some("work".into()), gate: None },
    }
}

pub fn task(flow: Flow) -> Task {
    Task {
        id: TaskId(1),
        title: "Fix tests".into(),
        description: "Fix the tests.".into(),
        base_branch: "main".into(),
        branch: "task/fix-tests".into(),
        ..Task::draft(Slug::new("fix-tests").expect("a slug"), flow, Timestamp::UNIX_EPOCH)
    }
}

/// A task with its own counter of runs.
struct Story {
    task: Task,
    steps: u32,
}

impl Story {
    fn new(flow: Flow) -> Self {
        Self { task: task(flow), steps: 0 }
    }

    fn tell(&mut self, event: Event) -> Vec<Effect> {
        self.steps += 1;
        let stamp = Stamp { now: Timestamp::UNIX_EPOCH, run: RunId(format!("r{}", self.steps)) };
        let mut before = self.task.clone();
        let gone = matches!(event, Event::AgentExited { .. } | Event::AgentLost { .. } | Event::LaunchFailed { .. });
        if let Some(session) = before.session.as_mut().filter(|_| gone) {
            session.alive = false;
        }
        match step(&mut self.task, event, &stamp) {
            Ok(effects) => {
                check(&before, &self.task, &effects);
                effects
            }
            Err(refusal) => {
                assert!(!gone);
                assert_eq!(before, self.task, "a refusal changes nothing: {refusal}");
                Vec::new()
            }
        }
    }

    fn agent(&self) -> RunId {
        self.task.session.as_ref().map_or_else(|| RunId::from("none"), |session| session.id.clone())
    }

    fn job(&self) -> RunId {
        self.task.job.as_ref().map_or_else(|| RunId::from("none"), |job| job.id.clone())
    }

    fn start(mut self) -> Self {
        self.tell(Event::Person(Wish::Start));
        self.tell(Event::Granted);
        self.tell(Event::WorktreeReady { run: self.job(), base_commit: "c0".into() });
        self
    }

    fn submit_and_rest(&mut self) -> Vec<Effect> {
        self.hand_in_and_rest(text("it"))
    }

    fn hand_in_and_rest(&mut self, submission: Submission) -> Vec<Effect> {
        self.tell(Event::Submitted { run: self.agent(), hand_in: submission.into() });
        self.tell(Event::AgentChanged { run: self.agent(), activity: Activity::Resting, attended: false })
    }

    fn stage(&self) -> &str {
        &self.task.current_stage().name
    }

    fn gate(&mut self, code: i32) -> Vec<Effect> {
        self.tell(Event::GateDone { run: self.job(), result: gate_result(code, 1) })
    }
}

/// A stage that does more than hand in a text.
fn with_output(name: &str, output: Output) -> Stage {
    Stage { work: Work::Agent(Assignment { output, ..Assignment::default() }), ..stage(name, None, false) }
}

fn subtasks(count: usize) -> Vec<SubtaskDraft> {
    let one = |n: usize| SubtaskDraft {
        title: format!("Part {n}"),
        description: "what".into(),
        instructions: "how".into(),
        depends_on: Vec::new(),
        flow: None,
    };
    (1..=count).map(one).collect()
}

/// What the stage at work is to hand in.
fn due(task: &Task) -> Submission {
    match task.current_stage().assignment().map(|assignment| &assignment.output) {
        Some(Output::Verdict { .. }) => {
            Submission::Verdict(Verdict { decision: Decision::Approve, reason: "good".into(), route_to: None })
        }
        Some(Output::Subtasks(_)) => Submission::Subtasks { summary: "the idea".into(), subtasks: subtasks(2) },
        _ => text("it"),
    }
}

fn text(text: &str) -> Submission {
    Submission::Artifact { text: text.into() }
}

fn gate_result(code: i32, attempt: u32) -> CommandResult {
    CommandResult {
        exit: Some(ExitStatus::Code(code)),
        attempt,
        same: 1,
        digest: String::new(),
        text: format!("exit {code}"),
        log: String::new(),
        seconds: 1,
    }
}

/// The invariants of every step.
fn check(before: &Task, after: &Task, effects: &[Effect]) {
    use State::{Children, Gating, Integrating, Scripting, Setup};
    let with_job = matches!(after.state, Setup | Gating | Scripting | Integrating);
    // A parent's job is over once its subtasks are made.
    let fits = after.job.is_some() == with_job || after.state == Children;
    assert!(fits, "a job is under way just in its own state: {after:?}");
    assert!(after.stage < after.flow.stages.len());
    if let (Some(old), Some(new)) = (&before.session, &after.session)
        && old.alive
        && old.id != new.id
    {
        let end = Effect::EndSession { run: old.id.clone() };
        let end = effects.iter().position(|effect| *effect == end).expect("the former agent is ended");
        let launch = effects.iter().position(|effect| matches!(effect, Effect::Launch { .. }));
        assert!(launch.is_some_and(|launch| end < launch), "ended before the next launch");
    }
    let launches = effects.iter().filter(|effect| matches!(effect, Effect::Launch { .. })).count();
    assert!(launches <= 1);
    assert!(after.iterations.len() >= before.iterations.len(), "history only grows");
    let keys: std::collections::BTreeSet<_> = effects.iter().map(Effect::key).collect();
    assert_eq!(keys.len(), effects.len(), "keys tell effects apart");
}

/// R45, R47, R55, R57, R60, R87.
#[test]
fn the_gate_sends_the_work_back_to_the_same_conversation() {
    let mut story = Story::new(flow(false, 0)).start();
    assert_eq!(story.task.state, State::Working);
    story.submit_and_rest();
    assert_eq!((story.task.stage, story.task.state), (1, State::Working), "the plan stage is automated");
    let worker = story.agent();
    let effects = story.submit_and_rest();
    assert!(matches!(&effects[..], [Effect::RunGate { attempt: 1, .. }]));
    let effects = story.gate(1);
    let trigger = Trigger::Gate { text: "exit 1".into() };
    assert!(
        matches!(&effects[..], [Effect::LogAttempt { .. }, Effect::Tell { run, text: Text::Feedback { trigger: told }, .. }] if *run == worker && *told == trigger)
    );
    let effects = story.submit_and_rest();
    assert!(matches!(&effects[..], [Effect::RunGate { attempt: 2, .. }]));
    story.gate(0);
    assert_eq!(story.task.state, State::Approval);
    assert_eq!(story.task.status().word(), "idle");
    story.tell(Event::Person(Wish::Approve));
    assert_eq!((story.task.state, story.task.status().word()), (State::Done, "reviewed"));
    let effects = story.tell(Event::Person(Wish::Merge { into: None }));
    assert!(matches!(&effects[..], [Effect::Integrate { .. }]));
    story.tell(Event::Integrated { run: story.job(), commit: "c1".into() });
    assert_eq!(story.task.state, State::Merged);
}

/// R55.
#[test]
fn a_failed_gate_resumes_the_conversation_of_an_agent_that_is_gone() {
    let mut story = Story::new(flow(false, 0)).start();
    story.submit_and_rest();
    story.submit_and_rest();
    story.tell(Event::AgentExited { run: story.agent(), status: ExitStatus::Code(0) });
    assert_eq!(story.task.state, State::Gating);
    let effects = story.gate(1);
    assert!(matches!(
        &effects[..],
        [Effect::LogAttempt { .. }, Effect::Launch { conversation: Conversation::Resume, .. }]
    ));
}

/// R56.
#[test]
fn attempts_have_a_limit_where_one_is_set() {
    let mut story = Story::new(flow(false, 2)).start();
    story.submit_and_rest();
    story.submit_and_rest();
    story.gate(1);
    story.submit_and_rest();
    story.tell(Event::GateDone { run: story.job(), result: gate_result(1, 2) });
    assert_eq!(story.task.state, State::Failed);
}

#[test]
fn stale_answers_change_nothing() {
    let mut story = Story::new(flow(false, 0)).start();
    let before = story.task.clone();
    let stale = RunId::from("another");
    for event in [
        Event::Submitted { run: stale.clone(), hand_in: text("x").into() },
        Event::GateDone { run: stale.clone(), result: gate_result(0, 1) },
        Event::AgentExited { run: stale.clone(), status: ExitStatus::Code(1) },
        Event::Integrated { run: stale, commit: "c".into() },
    ] {
        assert!(story.tell(event).is_empty());
    }
    assert_eq!(before, story.task);
}

#[test]
fn a_resting_agent_is_reminded_three_times_but_never_in_solo_nor_while_attended() {
    let mut story = Story::new(flow(false, 0)).start();
    for n in 1..=MAX_REMINDERS {
        let rest = Event::AgentChanged { run: story.agent(), activity: Activity::Resting, attended: false };
        let effects = story.tell(rest);
        assert!(matches!(&effects[..], [Effect::Tell { text: Text::Reminder { n: told }, .. }] if *told == n));
    }
    story.tell(Event::AgentChanged { run: story.agent(), activity: Activity::Resting, attended: false });
    assert_eq!(story.task.state, State::Quiet);

    for (flow, attended) in [(solo(), false), (flow(false, 0), true)] {
        let mut story = Story::new(flow).start();
        let effects = story.tell(Event::AgentChanged { run: story.agent(), activity: Activity::Resting, attended });
        assert!(effects.is_empty());
        assert_eq!(story.task.state, State::Quiet);
    }
}

/// R87, R88, R89.
#[test]
fn solo_is_done_when_the_agent_submits_and_reviewed_only_by_a_person() {
    let mut story = Story::new(solo()).start();
    story.submit_and_rest();
    assert_eq!((story.task.state, story.task.status().word()), (State::Done, "completed"));
    story.tell(Event::AgentChanged { run: story.agent(), activity: Activity::Working, attended: false });
    assert_eq!(story.task.state, State::Done, "an agent that stirs by itself changes nothing");
    story.tell(Event::Person(Wish::Approve));
    assert_eq!(story.task.status().word(), "reviewed");
    story.tell(Event::AgentChanged { run: story.agent(), activity: Activity::Working, attended: true });
    assert_eq!((story.task.state, story.task.status().word()), (State::Working, "running"));
}

/// R141.
#[test]
fn a_conflict_goes_back_to_the_agent_and_a_refusal_to_the_person() {
    let mut story = Story::new(flow(true, 0)).start();
    story.submit_and_rest();
    story.submit_and_rest();
    story.gate(0);
    story.tell(Event::Person(Wish::Approve));
    assert_eq!(story.task.state, State::Integrating);
    let effects = story.tell(Event::IntegrationFailed { run: story.job(), text: "conflict in a.rs".into() });
    assert!(matches!(&effects[..], [Effect::Tell { .. }]));
    story.submit_and_rest();
    story.gate(0);
    story.tell(Event::Person(Wish::Approve));
    story.tell(Event::IntegrationRefused { run: story.job(), text: "main has changes".into() });
    assert_eq!(story.task.state, State::Done);
    assert!(story.task.reason.is_some());
}

/// R95.
#[test]
fn stop_and_start_go_on_in_the_same_iteration() {
    let mut story = Story::new(flow(false, 0)).start();
    let effects = story.tell(Event::Person(Wish::Stop));
    assert!(matches!(&effects[..], [Effect::EndSession { .. }]));
    assert_eq!(story.task.state, State::Paused);
    story.tell(Event::Person(Wish::Start));
    let effects = story.tell(Event::Granted);
    assert!(matches!(&effects[..], [Effect::Launch { conversation: Conversation::Continue, .. }]));
    assert_eq!(story.task.iterations.len(), 1);
}

//! Properties of `step`, single stories, and the page with the transition table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::{ExitStatus, Flow, Gate, Integration, Slug, Stage, Strategy as Merging, TaskId, solo};

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
        self.tell(Event::Submitted { run: self.agent(), text: "it".into() });
        self.tell(Event::AgentChanged { run: self.agent(), activity: Activity::Resting, attended: false })
    }

    fn gate(&mut self, code: i32) -> Vec<Effect> {
        self.tell(Event::GateDone { run: self.job(), result: gate_result(code, 1) })
    }
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
    let with_job = matches!(after.state, State::Setup | State::Gating | State::Integrating);
    assert_eq!(after.job.is_some(), with_job, "a job is under way just in its own state: {after:?}");
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
        matches!(&effects[..], [Effect::Tell { run, text: Text::Feedback { trigger: told }, .. }] if *run == worker && *told == trigger)
    );
    let effects = story.submit_and_rest();
    assert!(matches!(&effects[..], [Effect::RunGate { attempt: 2, .. }]));
    story.gate(0);
    assert_eq!(story.task.state, State::Approval);
    assert_eq!(story.task.status().word(), "idle");
    story.tell(Event::Person(Wish::Approve));
    assert_eq!((story.task.state, story.task.status().word()), (State::Done, "reviewed"));
    let effects = story.tell(Event::Person(Wish::Merge));
    assert!(matches!(&effects[..], [Effect::Integrate { .. }]));
    story.tell(Event::Integrated { run: story.job(), commit: "c1".into() });
    assert_eq!(story.task.state, State::Merged);
}

#[test]
fn a_failed_gate_resumes_the_conversation_of_an_agent_that_is_gone() {
    let mut story = Story::new(flow(false, 0)).start();
    story.submit_and_rest();
    story.submit_and_rest();
    story.tell(Event::AgentExited { run: story.agent(), status: ExitStatus::Code(0) });
    assert_eq!(story.task.state, State::Gating);
    let effects = story.gate(1);
    assert!(matches!(&effects[..], [Effect::Launch { conversation: Conversation::Resume, .. }]));
}

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
        Event::Submitted { run: stale.clone(), text: "x".into() },
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

/// Events by number, so that proptest can draw them; answers go to the run under way or to a stale one.
fn event(kind: u8, stale: bool, story: &Story) -> Event {
    let pick = |run: RunId| if stale { RunId::from("stale") } else { run };
    let (agent, job) = (pick(story.agent()), pick(story.job()));
    match kind {
        0 => Event::Person(Wish::Start),
        1 => Event::Person(Wish::Stop),
        2 => Event::Person(Wish::Restart),
        3 => Event::Person(Wish::Approve),
        4 => Event::Person(Wish::Reject { feedback: "again".into() }),
        5 => Event::Person(Wish::Complete),
        6 => Event::Person(Wish::Skip),
        7 => Event::Person(Wish::SendToStage { stage: "plan".into(), text: "again".into() }),
        8 => Event::Person(Wish::SetAuto(stale)),
        9 => Event::Person(Wish::Merge),
        10 => Event::Person(Wish::Archive),
        11 => Event::Granted,
        12 => Event::WorktreeReady { run: job, base_commit: "c0".into() },
        13 => Event::SetupFailed { run: job, error: "npm ci failed".into() },
        14 => Event::LaunchFailed { run: agent, error: "not found".into() },
        15 => Event::AgentChanged { run: agent, activity: Activity::Working, attended: true },
        16 => Event::AgentChanged { run: agent, activity: Activity::Resting, attended: false },
        17 => Event::AgentChanged { run: agent, activity: Activity::Asking { text: "y/n".into() }, attended: false },
        18 => Event::ConversationKnown { run: agent, id: "ses_1".into() },
        19 => Event::Submitted { run: agent, text: "text".into() },
        20 => Event::AgentExited { run: agent, status: ExitStatus::Code(1) },
        21 => Event::AgentLost { run: agent, why: Pause::Reboot },
        22 => Event::GateDone { run: job, result: gate_result(1, 1) },
        23 => Event::GateDone { run: job, result: gate_result(0, 1) },
        24 => Event::GateBroken { run: job, error: "no shell".into() },
        25 => Event::Integrated { run: job, commit: "c1".into() },
        26 => Event::IntegrationFailed { run: job, text: "conflict".into() },
        _ => Event::IntegrationRefused { run: job, text: "dirty".into() },
    }
}

/// What an obliging environment does next: the way to the end.
fn oblige(story: &mut Story) {
    let event = match story.task.state {
        State::Draft | State::Paused | State::Failed => Event::Person(Wish::Start),
        State::Queued => Event::Granted,
        State::Setup => Event::WorktreeReady { run: story.job(), base_commit: "c0".into() },
        State::Working if story.task.iteration().is_some_and(|iteration| iteration.submitted) => {
            Event::AgentChanged { run: story.agent(), activity: Activity::Resting, attended: false }
        }
        State::Working | State::Quiet | State::Asking if story.task.session.as_ref().is_some_and(|s| s.alive) => {
            Event::Submitted { run: story.agent(), text: "text".into() }
        }
        State::Working | State::Quiet | State::Asking => Event::Person(Wish::Restart),
        State::Gating => Event::GateDone { run: story.job(), result: gate_result(0, 1) },
        State::Approval => Event::Person(Wish::Approve),
        State::Done => Event::Person(Wish::Merge),
        State::Integrating => Event::Integrated { run: story.job(), commit: "c1".into() },
        State::Scripting | State::Waiting | State::Children | State::Verdict | State::Blocked => return,
        State::Merged | State::Archived => return,
    };
    if story.task.state == State::Asking {
        story.tell(Event::AgentChanged { run: story.agent(), activity: Activity::Working, attended: false });
    }
    story.tell(event);
}

proptest! {
    #[test]
    fn from_any_reachable_state_the_end_is_near(
        events in proptest::collection::vec((0u8..28, any::<bool>()), 0..60),
        auto_merge in any::<bool>(),
        plain in any::<bool>(),
    ) {
        let mut story = Story::new(if plain { solo() } else { flow(auto_merge, 3) });
        for (kind, stale) in events {
            let stale = stale && kind >= 12;
            let event = event(kind, stale, &story);
            let before = story.task.clone();
            let effects = story.tell(event);
            if stale {
                prop_assert!(effects.is_empty());
                prop_assert_eq!(&before, &story.task);
            }
        }
        for _ in 0..40 {
            oblige(&mut story);
        }
        prop_assert!(story.task.state.is_closed(), "{:?}", story.task);
    }

    #[test]
    fn nobody_but_a_person_sets_reviewed(events in proptest::collection::vec(11u8..28, 0..80)) {
        let mut story = Story::new(flow(false, 0)).start();
        for kind in events {
            let event = event(kind, false, &story);
            story.tell(event);
            prop_assert!(!story.task.reviewed);
        }
    }
}

/// Walks all states that single events reach, and prints state -> event -> state with the effects.
fn transition_page() -> String {
    let mut seen: BTreeMap<String, (Story, String)> = BTreeMap::new();
    let mut rows: BTreeMap<(State, String), std::collections::BTreeSet<String>> = BTreeMap::new();
    let mut open = vec![Story::new(flow(false, 2))];
    while let Some(story) = open.pop() {
        for kind in 0u8..28 {
            let event = event(kind, false, &story);
            let name = event_name(&event);
            let mut next = Story { task: story.task.clone(), steps: story.steps };
            let effects = next.tell(event);
            if next.task == story.task && effects.is_empty() {
                continue;
            }
            let mut what: Vec<_> = effects.iter().map(effect_name).collect();
            what.dedup();
            let cell = format!("{} | {}", next.task.state.word(), what.join(", "));
            rows.entry((story.task.state, name)).or_default().insert(cell);
            let key =
                format!("{:?} {} {:?}", next.task.state, next.task.stage, next.task.session.as_ref().map(|s| s.alive));
            if next.task.iterations.len() < 4 && !seen.contains_key(&key) {
                seen.insert(key, (Story { task: next.task.clone(), steps: next.steps }, String::new()));
                open.push(next);
            }
        }
    }
    let mut page = String::from(
        "# Transitions of a task\n\nPrinted from `engine::pipeline::step` by its tests, for a flow `plan` (automated) -> `work` (gate, two\n\
         attempts, a person approves) without automatic merge. What is not listed changes nothing or is refused.\n\n\
         | state | event | next state | effects |\n| --- | --- | --- | --- |\n",
    );
    for ((state, event), cells) in rows {
        for cell in cells {
            writeln!(page, "| {} | {event} | {cell} |", state.word()).expect("a string takes it");
        }
    }
    page
}

fn event_name(event: &Event) -> String {
    match event {
        Event::Person(wish) => format!("person: {}", first_word(&format!("{wish:?}"))),
        Event::AgentChanged { activity, attended, .. } => {
            let attended = if *attended { " (attended)" } else { "" };
            format!("AgentChanged: {}{attended}", first_word(&format!("{activity:?}")))
        }
        Event::GateDone { result, .. } => format!("GateDone: {}", if result.passed() { "passed" } else { "failed" }),
        other => first_word(&format!("{other:?}")).to_owned(),
    }
}

fn effect_name(effect: &Effect) -> String {
    first_word(&format!("{effect:?}")).to_owned()
}

fn first_word(text: &str) -> &str {
    text.split([' ', '{', '(']).next().unwrap_or(text)
}

#[test]
fn the_transition_page_is_fresh() {
    crate::docs::assert_fresh("docs/transitions.md", &transition_page());
}

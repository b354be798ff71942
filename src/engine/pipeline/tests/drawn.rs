//! Events drawn at random, in any order: what holds whatever happens; and the page of all transitions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::model::{HandIn, Question};

/// Events of a person; those after them are told by the engine.
const OF_PERSON: usize = 18;

/// Everything that a person may want.
fn wishes() -> [Wish; OF_PERSON] {
    [
        Wish::Start,
        Wish::Retry,
        Wish::Stop,
        Wish::Spent { what: "the time is up".into() },
        Wish::Restart,
        Wish::Approve,
        Wish::Reject { feedback: "again".into(), fresh: false },
        Wish::Reject { feedback: "again".into(), fresh: true },
        Wish::Override,
        Wish::Answer { answers: vec!["this".into()] },
        Wish::EditSubtasks { subtasks: subtasks(3) },
        Wish::RunGate,
        Wish::Complete,
        Wish::Skip,
        Wish::SendToStage { stage: "plan".into(), text: "again".into() },
        Wish::SetAuto(true),
        Wish::Merge { into: None },
        Wish::Archive,
    ]
}

/// Every kind of event as it could come now. Answers name the run under way, or a stale one.
fn events(story: &Story, stale: bool) -> Vec<Event> {
    let pick = |run: RunId| if stale { RunId::from("stale") } else { run };
    let (agent, job) = (pick(story.agent()), pick(story.job()));
    let question = Question { question: "which?".into(), context: None, options: Vec::new() };
    let changed = |activity: Activity, attended: bool| Event::AgentChanged { run: agent.clone(), activity, attended };
    let submitted = |submission: Submission| Event::Submitted { run: agent.clone(), hand_in: submission.into() };
    let answers = [
        Event::Granted,
        Event::DependenciesMet,
        Event::WorktreeReady { run: job.clone(), base_commit: "c0".into() },
        Event::SetupFailed { run: job.clone(), error: "npm ci failed".into() },
        Event::LaunchFailed { run: agent.clone(), error: "not found".into() },
        changed(Activity::Working, true),
        changed(Activity::Resting, false),
        changed(Activity::Asking { text: "y/n".into() }, false),
        Event::ConversationKnown { run: agent.clone(), id: "ses_1".into() },
        submitted(due(&story.task)),
        submitted(Submission::Questions { questions: vec![question] }),
        submitted(Submission::Blocked { reason: "no network".into() }),
        submitted(Submission::Failed { reason: "impossible".into() }),
        submitted(rejection()),
        Event::Asked { run: agent.clone(), text: "QUESTION: which?".into(), heard: true },
        Event::Asked { run: agent.clone(), text: "QUESTION: which?".into(), heard: false },
        Event::AgentExited { run: agent.clone(), status: ExitStatus::Code(1) },
        Event::AgentLost { run: agent.clone(), why: Pause::Reboot },
        Event::GateDone { run: job.clone(), result: gate_result(1, 1) },
        Event::GateDone { run: job.clone(), result: gate_result(0, 1) },
        Event::GateBroken { run: job.clone(), error: "no shell".into() },
        Event::ScriptDone { run: job.clone(), result: gate_result(0, 1), text: "formatted".into() },
        Event::ScriptDone { run: job.clone(), result: gate_result(1, 1), text: "no".into() },
        Event::ScriptBroken { run: job.clone(), error: "no shell".into() },
        Event::SubtasksMade { run: job.clone() },
        Event::SubtaskFolded { run: job.clone(), stages: vec![stage("part", None, true)] },
        Event::SubtasksRefused { run: job.clone(), error: "no such flow".into() },
        Event::ChildFailed { slug: Slug::new("part").expect("a slug"), error: "failed".into() },
        Event::ChildrenMended,
        Event::ChildrenClosed,
        Event::MergeAsked { by: "main".into() },
        Event::Integrated { run: job.clone(), commit: "c1".into() },
        Event::IntegrationFailed { run: job.clone(), text: "conflict".into() },
        Event::IntegrationRefused { run: job, text: "dirty".into() },
    ];
    wishes().into_iter().map(Event::Person).chain(answers).collect()
}

/// How many kinds of events there are.
fn kinds() -> usize {
    events(&Story::new(solo()), false).len()
}

/// A rejection is submitted by a stage that judges only: elsewhere the engine refuses it before.
fn fits(event: &Event, task: &Task) -> bool {
    match event {
        Event::Submitted { hand_in: HandIn { submission: Submission::Verdict(_), .. }, .. } => {
            task.current_stage().rejection_stage().is_some()
        }
        _ => true,
    }
}

pub(super) fn rejection() -> Submission {
    Submission::Verdict(Verdict { decision: Decision::Reject, reason: "too slow".into(), route_to: None })
}

/// What an obliging environment does next: the way to the end.
fn oblige(story: &mut Story) {
    let (agent, job, task) = (story.agent(), story.job(), &story.task);
    let alive = task.session.as_ref().is_some_and(|session| session.alive);
    let asked = task.iteration().is_some_and(|iteration| iteration.open_questions().is_some());
    let rests = Event::AgentChanged { run: agent.clone(), activity: Activity::Resting, attended: false };
    let works = Event::AgentChanged { run: agent.clone(), activity: Activity::Working, attended: true };
    let submitted = task.iteration().is_some_and(|iteration| iteration.submitted);
    let event = match task.state {
        State::Failed if task.reason.as_ref().is_some_and(|reason| reason.kind == ReasonKind::Children) => {
            story.tell(Event::ChildrenMended);
            Event::Person(Wish::Start)
        }
        State::Draft | State::Paused | State::Failed => Event::Person(Wish::Start),
        State::Waiting => Event::DependenciesMet,
        State::Queued => Event::Granted,
        State::Setup => Event::WorktreeReady { run: job, base_commit: "c0".into() },
        State::Asking if asked => Event::Person(Wish::Answer { answers: vec!["this".into()] }),
        State::Blocked | State::Asking if alive => works,
        State::Working if submitted || asked => rests,
        State::Working | State::Quiet if alive => Event::Submitted { run: agent, hand_in: due(task).into() },
        State::Working | State::Quiet | State::Asking | State::Blocked => Event::Person(Wish::Restart),
        State::Gating => Event::GateDone { run: job, result: gate_result(0, 1) },
        State::Scripting => Event::ScriptDone { run: job, result: gate_result(0, 1), text: "done".into() },
        State::Children if task.job.is_some() => Event::SubtasksMade { run: job },
        State::Children => Event::ChildrenClosed,
        State::Approval => Event::Person(Wish::Approve),
        State::Verdict => Event::Person(Wish::Override),
        State::Done => Event::Person(Wish::Merge { into: None }),
        State::Integrating => Event::Integrated { run: job, commit: "c1".into() },
        State::Merged | State::Archived => return,
    };
    story.tell(event);
}

proptest! {
    #[test]
    fn from_any_reachable_state_the_end_is_near(
        kinds in proptest::collection::vec((0..kinds(), any::<bool>()), 0..80),
        which in 0usize..4,
        waits in any::<bool>(),
    ) {
        let mut story = Story::new([solo(), flow(false, 3), flow(true, 0), whole()][which].clone());
        story.task.after.extend(waits.then_some(TaskId(9)));
        for (kind, stale) in kinds {
            let stale = stale && kind >= OF_PERSON;
            let event = events(&story, stale).swap_remove(kind);
            if !fits(&event, &story.task) {
                continue;
            }
            let answers_a_run = !of_relatives(&event_name(&event));
            let before = story.task.clone();
            let effects = story.tell(event);
            if stale && answers_a_run {
                prop_assert!(effects.is_empty());
                prop_assert_eq!(&before, &story.task);
            }
        }
        for _ in 0..80 {
            oblige(&mut story);
        }
        prop_assert!(story.task.state.is_closed(), "{:?}", story.task);
    }

    /// R89.
    #[test]
    fn nobody_but_a_person_sets_reviewed(kinds in proptest::collection::vec(OF_PERSON..kinds(), 0..80)) {
        let mut story = Story::new(whole()).start();
        for kind in kinds {
            let event = events(&story, false).swap_remove(kind);
            if fits(&event, &story.task) {
                story.tell(event);
            }
            prop_assert!(!story.task.reviewed);
        }
    }
}

/// An event that no run answers.
fn of_relatives(name: &str) -> bool {
    ["Granted", "DependenciesMet", "ChildFailed", "ChildrenMended", "ChildrenClosed"].contains(&name)
}

/// Walks all states that single events reach, and prints state -> event -> state with the effects.
fn transition_page() -> String {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut rows: BTreeMap<(State, String), BTreeSet<String>> = BTreeMap::new();
    let mut first = Story::new(whole());
    first.task.after.push(TaskId(9));
    let mut open = vec![first];
    while let Some(story) = open.pop() {
        for event in events(&story, false).into_iter().filter(|event| fits(event, &story.task)) {
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
            let alive = next.task.session.as_ref().map(|session| session.alive);
            let asked =
                next.task.iteration().map(|iteration| (iteration.submitted, iteration.open_questions().is_some()));
            let key =
                format!("{:?} {} {alive:?} {asked:?} {}", next.task.state, next.task.stage, next.task.job.is_some());
            if next.task.iterations.len() < 7 && next.task.flow.stages.len() < 7 && seen.insert(key) {
                open.push(next);
            }
        }
    }
    let mut page = String::from(
        "# Transitions of a task\n\nPrinted from `engine::pipeline::step` by its tests, for a task that waits for another one and a flow `plan`\n\
         (automated) -> `breakdown` (subtasks) -> `work` (gate, two attempts) -> `format` (a script, whose failure goes back\n\
         to `work`) -> `review` (a verdict), without automatic merge. What is not listed changes nothing or is refused.\n\n\
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
        Event::Person(Wish::Reject { fresh: true, .. }) => "person: Reject, fresh".to_owned(),
        Event::Person(wish) => format!("person: {}", first_word(&format!("{wish:?}"))),
        Event::AgentChanged { activity, attended, .. } => {
            let attended = if *attended { " (attended)" } else { "" };
            format!("AgentChanged: {}{attended}", first_word(&format!("{activity:?}")))
        }
        Event::Submitted { hand_in: HandIn { submission: Submission::Verdict(verdict), .. }, .. } => {
            format!("Submitted: {:?}", verdict.decision)
        }
        Event::Submitted { hand_in, .. } => format!("Submitted: {}", first_word(&format!("{:?}", hand_in.submission))),
        Event::Asked { heard, .. } => format!("Asked{}", if *heard { "" } else { ", unheard" }),
        Event::GateDone { result, .. } => format!("GateDone: {}", if result.passed() { "passed" } else { "failed" }),
        Event::ScriptDone { result, .. } => {
            format!("ScriptDone: {}", if result.passed() { "passed" } else { "failed" })
        }
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

/// A flow with a stage of every kind.
pub(super) fn whole() -> Flow {
    let mut flow = flow(false, 2);
    let breakdown =
        Breakdown { flow: Flow::SOLO.to_owned(), completion_stage: None, on_child_failure: ChildFailure::Fail };
    let format = Script { command: "cargo fmt".into(), timeout_seconds: 60, on_failure: Some("work".into()) };
    flow.stages.insert(1, with_output("breakdown", Output::Subtasks(breakdown)));
    flow.stages.push(Stage { work: Work::Script(format), ..stage("format", None, true) });
    flow.stages.push(with_output("review", Output::Verdict { rejection_stage: "work".into() }));
    flow
}

//! Stages that do more than hand in a text: verdicts, questions, scripts, subtasks, headless agents; and what a person
//! does about them.

use super::*;
use crate::model::{HandIn, Mode, Question};

fn judged(is_automated: bool) -> Flow {
    let mut flow = flow(false, 0);
    flow.stages[1].gate = None;
    flow.stages[1].is_automated = true;
    let review = with_output("review", Output::Verdict { rejection_stage: "work".into() });
    flow.stages.push(Stage { is_automated, ..review });
    flow
}

fn verdict(decision: Decision, route_to: Option<&str>) -> Submission {
    Submission::Verdict(Verdict { decision, reason: "no tests".into(), route_to: route_to.map(str::to_owned) })
}

/// A task in the review of [`judged`].
fn in_review(is_automated: bool) -> Story {
    let mut story = Story::new(judged(is_automated)).start();
    story.submit_and_rest();
    story.submit_and_rest();
    assert_eq!(story.stage(), "review");
    story
}

#[test]
fn r61_r63_a_person_confirms_a_rejection() {
    let mut story = in_review(false);
    story.hand_in_and_rest(verdict(Decision::Reject, None));
    assert_eq!((story.task.state, story.task.status().word()), (State::Verdict, "idle"));
    assert!(story.task.reason.as_ref().is_some_and(|reason| reason.text.contains("back to work: no tests")));
    let effects = story.tell(Event::Person(Wish::Approve));
    let trigger = Trigger::Verdict { stage: "review".into(), text: "no tests".into() };
    let resumed = Conversation::Resume;
    assert!(effects.iter().any(
        |it| matches!(it, Effect::Launch { trigger: told, conversation, .. } if *told == trigger && *conversation == resumed)
    ));
    assert_eq!(story.stage(), "work");
    let outcomes: Vec<_> = story.task.iterations.iter().filter_map(|iteration| iteration.outcome).collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::Passed, Outcome::SentBack]);
    story.submit_and_rest();
    assert_eq!((story.stage(), story.task.iterations.last().map(|it| it.number)), ("review", Some(2)));
}

#[test]
fn r62_a_rejection_names_the_stage() {
    let mut story = in_review(true);
    story.hand_in_and_rest(verdict(Decision::Reject, Some("plan")));
    assert_eq!((story.stage(), story.task.state), ("plan", State::Working), "automated: it takes effect at once");
}

#[test]
fn r64_a_person_overrides_a_rejection() {
    let mut story = in_review(false);
    story.hand_in_and_rest(verdict(Decision::Reject, None));
    story.tell(Event::Person(Wish::Override));
    assert_eq!((story.task.state, story.task.reviewed), (State::Done, true));
    assert_eq!(story.task.iteration().and_then(|it| it.outcome), Some(Outcome::Overridden));
}

#[test]
fn r65_a_person_looks_at_an_approving_verdict_too() {
    let mut story = in_review(false);
    story.hand_in_and_rest(verdict(Decision::Approve, None));
    assert_eq!(story.task.state, State::Approval);
}

#[test]
fn r63_auto_mode_routes_at_once_and_so_does_switching_it_on() {
    let mut story = in_review(false);
    story.hand_in_and_rest(verdict(Decision::Reject, None));
    story.tell(Event::Person(Wish::SetAuto(true)));
    assert_eq!((story.stage(), story.task.state), ("work", State::Working));
    story.submit_and_rest();
    story.hand_in_and_rest(verdict(Decision::Reject, None));
    assert_eq!((story.stage(), story.task.state), ("work", State::Working));
}

fn questions(count: usize) -> Submission {
    let question = |n: usize| Question { question: format!("question {n}"), context: None, options: Vec::new() };
    Submission::Questions { questions: (1..=count).map(question).collect() }
}

#[test]
fn r67_questions_are_answered_round_by_round_in_the_same_conversation() {
    let mut story = Story::new(flow(false, 0)).start();
    for round in 1..=2 {
        story.hand_in_and_rest(questions(2));
        assert_eq!(story.task.state, State::Asking);
        assert_eq!(story.task.reason.as_ref().map(|it| it.text.as_str()), Some("question 1 (and 1 more)"));
        let refused = step(
            &mut story.task.clone(),
            Event::Person(Wish::Answer { answers: vec!["one".into()] }),
            &Stamp { now: Timestamp::UNIX_EPOCH, run: RunId::from("x") },
        );
        assert_eq!(refused, Err(Refusal("1 answers for 2 questions".into())));
        let effects = story.tell(Event::Person(Wish::Answer { answers: vec!["one".into(), "two".into()] }));
        let text = "> question 1\n\none\n\n> question 2\n\ntwo".to_owned();
        let told = Text::Feedback { trigger: Trigger::Answered { text } };
        assert!(matches!(&effects[..], [Effect::LogAttempt { .. }, Effect::Tell { text, .. }] if *text == told));
        assert_eq!((story.task.state, story.task.iterations.len()), (State::Working, round + 1));
    }
    assert_eq!(story.task.iterations[0].outcome, Some(Outcome::Asked));
}

#[test]
fn r67_in_auto_mode_questions_get_the_standing_reply() {
    let mut story = Story::new(flow(false, 0)).start();
    story.tell(Event::Person(Wish::SetAuto(true)));
    let effects = story.hand_in_and_rest(questions(1));
    let told = |text: &Text| matches!(text, Text::Feedback { trigger: Trigger::Answered { text } } if text.contains("judgement"));
    assert!(matches!(&effects[..], [Effect::LogAttempt { .. }, Effect::Tell { text, .. }] if told(text)));
}

/// R67.
#[test]
fn questions_of_one_turn_are_one_round_and_a_person_may_answer_at_the_agent() {
    let mut story = Story::new(flow(false, 0)).start();
    let run = story.agent();
    for count in [1, 1, 3, 3] {
        story.tell(Event::Submitted { run: run.clone(), hand_in: questions(count).into() });
    }
    let rests = Event::AgentChanged { run: run.clone(), activity: Activity::Resting, attended: false };
    story.tell(rests.clone());
    assert_eq!((story.task.state, story.task.iterations[0].questions[0].questions.len()), (State::Asking, 4));
    story.tell(Event::AgentChanged { run: run.clone(), activity: Activity::Working, attended: true });
    story.tell(Event::Submitted { run, hand_in: text("the plan").into() });
    story.tell(rests);
    assert_eq!(story.stage(), "work", "nothing is asked a second time");
}

/// R113, R115.
#[test]
fn one_that_asks_by_a_message_waits_until_somebody_says_something() {
    let mut story = Story::new(flow(false, 0)).start();
    let run = story.agent();
    let changed = |activity, attended| Event::AgentChanged { run: run.clone(), activity, attended };
    let asked = |heard| Event::Asked { run: run.clone(), text: "QUESTION: which?".into(), heard };
    story.tell(asked(true));
    for event in
        [changed(Activity::Resting, false), changed(Activity::Working, false), changed(Activity::Resting, false)]
    {
        assert_eq!(story.tell(event), [], "it is not reminded");
        let reason = story.task.reason.as_ref().map(|it| (it.kind, it.text.as_str()));
        assert_eq!((story.task.state, reason), (State::Asking, Some((ReasonKind::Message, "QUESTION: which?"))));
    }
    story.tell(changed(Activity::Working, true));
    assert_eq!((story.task.state, story.task.iterations.len()), (State::Working, 1), "it was answered");
    story.tell(asked(true));
    story.tell(Event::Submitted { run: run.clone(), hand_in: text("the plan").into() });
    story.tell(asked(true));
    story.tell(changed(Activity::Resting, false));
    assert_eq!(story.stage(), "work", "what it handed in goes before what it asked");
}

/// R67.
#[test]
fn in_auto_mode_a_message_that_nobody_hears_gets_the_standing_reply() {
    let mut story = Story::new(flow(false, 0)).start();
    let asked = |run, heard| Event::Asked { run, text: "QUESTION: which?".into(), heard };
    story.tell(Event::Person(Wish::SetAuto(true)));
    story.tell(asked(story.agent(), true));
    assert_eq!(story.task.state, State::Asking, "the designer answers");
    let told = |effects: &[Effect]| {
        let judge = |text: &Text| matches!(text, Text::Feedback { trigger: Trigger::Answered { text } } if text.contains("judgement"));
        matches!(effects, [Effect::LogAttempt { .. }, Effect::Tell { text, .. }] if judge(text))
    };
    let effects = story.tell(asked(story.agent(), false));
    assert!(told(&effects) && story.task.state == State::Working, "{effects:?}");
    story.tell(asked(story.agent(), true));
    let effects = story.tell(Event::Person(Wish::SetAuto(true)));
    assert!(told(&effects) && story.task.state == State::Working, "{effects:?}");
}

/// R71, R88.
#[test]
fn one_that_gave_up_goes_on_when_a_person_talks_to_it() {
    let mut story = Story::new(flow(false, 0)).start();
    let run = story.agent();
    story.tell(Event::Submitted { run: run.clone(), hand_in: Submission::Failed { reason: "no".into() }.into() });
    story.tell(Event::AgentChanged { run: run.clone(), activity: Activity::Working, attended: false });
    assert_eq!(story.task.state, State::Failed, "the end of the turn in which it gave up");
    story.tell(Event::AgentChanged { run, activity: Activity::Working, attended: true });
    assert_eq!(story.task.state, State::Working);
    story.submit_and_rest();
    assert_eq!(story.stage(), "work");
}

#[test]
fn r71_r72_an_agent_may_fail_or_be_blocked() {
    let mut story = Story::new(flow(false, 0)).start();
    let run = story.agent();
    story.tell(Event::Submitted { run: run.clone(), hand_in: Submission::Blocked { reason: "no key".into() }.into() });
    story.tell(Event::AgentChanged { run: run.clone(), activity: Activity::Resting, attended: false });
    assert_eq!((story.task.state, story.task.status().word()), (State::Blocked, "idle"));
    story.tell(Event::AgentChanged { run: run.clone(), activity: Activity::Working, attended: true });
    assert_eq!(story.task.state, State::Working, "what a person typed clears it");
    let said = HandIn { log: Some("tried".into()), ..Submission::Failed { reason: "impossible".into() }.into() };
    let effects = story.tell(Event::Submitted { run: run.clone(), hand_in: said });
    assert_eq!(effects, [Effect::LogAttempt { iteration: 0, run: Some(run) }], "it is the work of that agent");
    assert_eq!(story.task.iterations[0].log.as_deref(), Some("tried"));
    assert_eq!(story.task.state, State::Failed);
    story.tell(Event::Person(Wish::Retry));
    let effects = story.tell(Event::Granted);
    assert!(effects.iter().any(|it| matches!(it, Effect::Launch { conversation: Conversation::Resume, .. })));
}

fn with_script(on_failure: Option<&str>) -> Flow {
    let mut flow = flow(false, 0);
    flow.stages[1].gate = None;
    flow.stages[1].is_automated = true;
    let on_failure = on_failure.map(str::to_owned);
    let script = Script { command: "cargo fmt".into(), timeout_seconds: 60, on_failure };
    flow.stages.push(Stage { work: Work::Script(script), ..stage("format", None, true) });
    flow
}

#[test]
fn r42_a_script_is_a_stage_and_its_output_the_artifact() {
    let mut story = Story::new(with_script(Some("work"))).start();
    story.submit_and_rest();
    let effects = story.submit_and_rest();
    assert!(matches!(
        &effects[..],
        [Effect::LogAttempt { .. }, Effect::EndSession { .. }, Effect::RunScript { stage: 2, .. }]
    ));
    assert_eq!((story.task.state, story.task.status().word()), (State::Scripting, "running"));
    let effects = story.tell(Event::ScriptDone { run: story.job(), result: gate_result(1, 1), text: "no".into() });
    let trigger = Trigger::Script { stage: "format".into(), text: "exit 1".into() };
    assert!(
        matches!(&effects[..], [Effect::LogAttempt { .. }, Effect::Launch { trigger: told, .. }] if *told == trigger)
    );
    story.submit_and_rest();
    let effects = story.tell(Event::ScriptDone { run: story.job(), result: gate_result(0, 1), text: "ok".into() });
    assert!(
        matches!(&effects[..], [Effect::KeepArtifact { text, iteration: 2, .. }, Effect::LogAttempt { run: None, .. }] if text == "ok")
    );
    assert_eq!(story.task.state, State::Done);
}

#[test]
fn a_script_without_a_way_back_fails_the_task_and_is_run_again_on_demand() {
    let mut story = Story::new(with_script(None)).start();
    story.submit_and_rest();
    story.submit_and_rest();
    story.tell(Event::ScriptDone { run: story.job(), result: gate_result(1, 1), text: "no".into() });
    assert_eq!(story.task.state, State::Failed);
    story.tell(Event::Person(Wish::Retry));
    let effects = story.tell(Event::Granted);
    assert!(matches!(&effects[..], [Effect::RunScript { stage: 2, .. }]));
}

fn taken_apart(completion_stage: Option<&str>, on_child_failure: ChildFailure) -> Flow {
    let mut flow = flow(false, 0);
    let completion_stage = completion_stage.map(str::to_owned);
    let breakdown = Breakdown { flow: Flow::SOLO.into(), completion_stage, on_child_failure };
    flow.stages[0] = with_output("plan", Output::Subtasks(breakdown));
    flow.stages.push(stage("wrap-up", None, false));
    flow
}

/// A task that waits for its subtasks.
fn with_children(flow: Flow) -> Story {
    let mut story = Story::new(flow).start();
    story.hand_in_and_rest(Submission::Subtasks { summary: "the idea".into(), subtasks: subtasks(3) });
    assert_eq!(story.task.state, State::Approval, "a person reviews the breakdown");
    let effects = story.tell(Event::Person(Wish::EditSubtasks { subtasks: subtasks(2) }));
    let kept = |text: &str| text.contains("Part 2") && !text.contains("Part 3") && text.starts_with("the idea");
    assert!(matches!(&effects[..], [Effect::KeepArtifact { text, .. }] if kept(text)), "{effects:?}");
    let effects = story.tell(Event::Person(Wish::Approve));
    assert!(matches!(
        &effects[..],
        [Effect::LogAttempt { .. }, Effect::EndSession { .. }, Effect::MakeSubtasks { iteration: 0, .. }]
    ));
    assert_eq!(story.task.iterations[0].subtasks, Some(subtasks(2)));
    assert!(story.tell(Event::ChildrenClosed).is_empty(), "none is made yet");
    story.tell(Event::SubtasksMade { run: story.job() });
    assert_eq!((story.task.state, story.task.status().word()), (State::Children, "running"));
    story
}

/// R85.
#[test]
fn r81_r83_the_parent_goes_on_once_no_subtask_is_open() {
    for (completion, stage) in [(None, "work"), (Some("wrap-up"), "wrap-up")] {
        let mut story = with_children(taken_apart(completion, ChildFailure::Fail));
        let effects = story.tell(Event::ChildrenClosed);
        assert!(matches!(&effects[..], [Effect::Launch { trigger: Trigger::Children, .. }]));
        assert_eq!(story.stage(), stage);
    }
}

#[test]
fn r82_a_failed_subtask_fails_its_parent_until_it_is_mended() {
    let failed = || Event::ChildFailed { slug: Slug::new("part").expect("a slug"), error: "no way".into() };
    let mut story = with_children(taken_apart(None, ChildFailure::Fail));
    story.tell(failed());
    assert_eq!(story.task.state, State::Failed);
    story.tell(Event::Person(Wish::Start));
    assert_eq!(story.task.state, State::Failed, "the subtask is what has to be mended");
    story.tell(Event::ChildrenMended);
    assert_eq!(story.task.state, State::Children);
    let mut story = with_children(taken_apart(None, ChildFailure::Wait));
    story.tell(failed());
    assert_eq!(story.task.state, State::Children);
}

#[test]
fn a_breakdown_that_cannot_be_made_is_proposed_again() {
    let mut story = Story::new(taken_apart(None, ChildFailure::Fail)).start();
    story.hand_in_and_rest(Submission::Subtasks { summary: "the idea".into(), subtasks: subtasks(2) });
    story.tell(Event::Person(Wish::Approve));
    story.tell(Event::SubtasksRefused { run: story.job(), error: "there is no flow".into() });
    story.tell(Event::ChildrenMended);
    assert_eq!(story.task.state, State::Failed, "no subtask has failed that could be mended");
    story.tell(Event::Person(Wish::Retry));
    let effects = story.tell(Event::Granted);
    assert!(matches!(&effects[..], [Effect::Launch { stage: 0, conversation: Conversation::Resume, .. }]));
}

#[test]
fn r84_a_single_subtask_is_folded_into_its_parent() {
    let mut story = Story::new(taken_apart(Some("wrap-up"), ChildFailure::Fail)).start();
    story.hand_in_and_rest(Submission::Subtasks { summary: "the idea".into(), subtasks: subtasks(1) });
    story.tell(Event::Person(Wish::Approve));
    let stages = vec![
        stage("work", None, true),
        Stage { is_automated: true, ..with_output("review", Output::Verdict { rejection_stage: "work".into() }) },
    ];
    let effects = story.tell(Event::SubtaskFolded { run: story.job(), stages });
    assert!(effects.iter().any(|it| matches!(it, Effect::Launch { stage: 1, .. })));
    let of = |stage: &Stage| (stage.name.clone(), stage.template(), stage.rejection_stage().map(str::to_owned));
    let stages: Vec<_> = story.task.flow.stages.iter().map(of).collect();
    let plain = |name: &str, template: &str| (name.to_owned(), template.to_owned(), None);
    let review = ("review".to_owned(), "review.md".to_owned(), Some("work-2".to_owned()));
    let wanted = [
        plain("plan", "plan.md"),
        plain("work-2", "work.md"),
        review,
        plain("work", "work.md"),
        plain("wrap-up", "wrap-up.md"),
    ];
    assert_eq!(stages, wanted);
    story.submit_and_rest();
    story.hand_in_and_rest(verdict(Decision::Reject, None));
    assert_eq!(story.stage(), "work-2", "the subtask's own stage");
    story.submit_and_rest();
    story.hand_in_and_rest(verdict(Decision::Approve, None));
    assert_eq!(story.stage(), "wrap-up", "what comes after subtasks");
}

/// R73.
#[test]
fn a_headless_agent_ends_its_turn_by_its_exit_and_is_reminded_three_times() {
    let mut flow = flow(false, 0);
    let headless = Assignment { mode: Mode::Headless, ..Assignment::default() };
    flow.stages[0].work = Work::Agent(headless);
    let mut story = Story::new(flow).start();
    let rests = Event::AgentChanged { run: story.agent(), activity: Activity::Resting, attended: false };
    assert!(story.tell(rests).is_empty());
    let exited = |story: &mut Story| story.tell(Event::AgentExited { run: story.agent(), status: ExitStatus::Code(0) });
    let reminds = |effects: &[Effect]| matches!(effects, [Effect::Launch { conversation: Conversation::Remind, .. }]);
    assert!(reminds(&exited(&mut story)));
    let mut again = Story { task: story.task.clone(), steps: story.steps };
    assert!(reminds(&exited(&mut again)) && reminds(&exited(&mut again)));
    assert!(exited(&mut again).is_empty());
    assert_eq!(again.task.state, State::Paused);
    assert_eq!(again.task.reason.as_ref().unwrap().kind, ReasonKind::Paused(Pause::Exited));
    again.tell(Event::Person(Wish::Start));
    let effects = again.tell(Event::Granted);
    assert!(matches!(&effects[..], [Effect::Launch { conversation: Conversation::Continue, .. }]));
    story.tell(Event::Submitted { run: story.agent(), hand_in: text("plan").into() });
    exited(&mut story);
    assert_eq!(story.stage(), "work");
}

#[test]
fn r66_a_person_runs_the_gate_now() {
    let mut story = Story::new(flow(false, 1)).start();
    story.submit_and_rest();
    story.submit_and_rest();
    story.gate(1);
    assert_eq!(story.task.state, State::Failed, "one attempt was all");
    let effects = story.tell(Event::Person(Wish::RunGate));
    assert!(matches!(&effects[..], [Effect::RunGate { .. }]));
    story.gate(0);
    assert_eq!(story.task.state, State::Approval);
    story.tell(Event::Person(Wish::RunGate));
    assert_eq!(story.task.state, State::Gating);
    assert_eq!(story.task.iteration().unwrap().gate, None, "the former run has no say");
}

#[test]
fn r94_a_rejection_may_begin_a_fresh_conversation() {
    for (fresh, conversation) in [(false, None), (true, Some(Conversation::Fresh))] {
        let mut story = Story::new(judged(false)).start();
        story.submit_and_rest();
        story.submit_and_rest();
        story.hand_in_and_rest(verdict(Decision::Approve, None));
        let effects = story.tell(Event::Person(Wish::Reject { feedback: "shorter".into(), fresh }));
        let launched = effects.iter().find_map(|effect| match effect {
            Effect::Launch { conversation, .. } => Some(*conversation),
            _ => None,
        });
        assert_eq!(launched, conversation);
    }
}

#[test]
fn r29_a_task_waits_for_others_unless_a_person_starts_it_twice() {
    let mut story = Story::new(solo());
    story.task.after.push(TaskId(9));
    story.tell(Event::Person(Wish::Start));
    assert_eq!(story.task.state, State::Waiting);
    let mut other = Story { task: story.task.clone(), steps: story.steps };
    other.tell(Event::Person(Wish::Start));
    assert_eq!(other.task.state, State::Queued);
    story.tell(Event::DependenciesMet);
    assert_eq!(story.task.state, State::Queued);
}

#[test]
fn a_subtask_is_merged_whatever_its_flow_says() {
    let mut story = Story::new(solo());
    story.task.parent = Some(TaskId(7));
    let mut story = story.start();
    let effects = story.submit_and_rest();
    assert!(matches!(&effects[..], [.., Effect::Integrate { .. }]));
}

/// R95: a person stops it, and it hands in while it ends.
#[test]
fn the_last_words_of_a_stopped_agent_count_and_the_task_goes_on_from_them() {
    for (submission, state) in [
        (text("it"), State::Gating),
        (questions(1), State::Asking),
        (Submission::Blocked { reason: "no network".into() }, State::Blocked),
        (Submission::Failed { reason: "impossible".into() }, State::Failed),
    ] {
        let mut story = Story::new(flow(false, 0)).start();
        story.submit_and_rest();
        story.tell(Event::Person(Wish::Stop));
        let stopped = story.agent();
        story.tell(Event::Submitted { run: stopped.clone(), hand_in: submission.clone().into() });
        story.tell(Event::AgentExited { run: stopped.clone(), status: ExitStatus::Code(0) });
        if matches!(state, State::Blocked | State::Failed) {
            assert_eq!(story.task.state, state, "it needs a person either way, and says for what");
            continue;
        }
        assert_eq!(story.task.state, State::Paused, "{submission:?} does not begin it again");
        story.tell(Event::Person(Wish::Start));
        let effects = story.tell(Event::Granted);
        assert_eq!(story.task.state, state);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Launch { .. })), "{effects:?}");
        assert_eq!((story.agent(), story.task.iterations.len()), (stopped, 2));
    }
}

#[test]
fn what_a_stopped_agent_hands_in_after_a_restart_is_stale() {
    let mut story = Story::new(flow(false, 0)).start();
    story.tell(Event::Person(Wish::Stop));
    let stopped = story.agent();
    story.tell(Event::Person(Wish::Restart));
    let before = story.task.clone();
    assert!(story.tell(Event::Submitted { run: stopped, hand_in: text("late").into() }).is_empty());
    assert_eq!(story.task, before);
}

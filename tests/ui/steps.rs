//! Flows on the screen: the pipeline tab, questions, verdicts, breakdowns and subtasks, by keys and letter by letter.

use std::collections::HashSet;
use std::path::PathBuf;

use crossterm::event::KeyEvent;
use insta::assert_snapshot;
use jiff::SignedDuration;
use orchestra::model::{
    Activity, Answer, Assignment, Breakdown, ChildFailure, Choice, CommandResult, Decision, DiffStat, ExitStatus,
    Failure, FailureKind, Gate, Glyphs, Iteration, Outcome, Output, Question, Reason, ReasonKind, Reply, Request,
    Resource, ReviewFacts, Round, Run, RunId, Script, SessionKind, Size, Slug, State, SubtaskDraft, Task, TaskId,
    TaskView, Trigger, Verdict, Work,
};
use orchestra::ui::keymap::Key;
use orchestra::ui::modal;
use orchestra::ui::model::{Effect, Model, Pane, Tab, Then};
use orchestra::ui::msg::Msg;
use orchestra::ui::pipeline::{self, Page};
use orchestra::ui::theme::Depth;
use orchestra::ui::update::update;

use crate::fixture::{
    AgentScreen, ago, change, flow, frame, key, letters, now, project, session, snapshot, task, theme,
};

const SIZES: [(u16, u16); 3] = [(120, 36), (80, 24), (48, 20)];

fn reason(kind: ReasonKind, text: &str) -> Reason {
    Reason { kind, text: text.to_owned(), source: "agent".to_owned(), since: ago(120) }
}

fn result(attempt: u32, same: u32, code: i32, seconds: u32) -> CommandResult {
    CommandResult {
        exit: Some(ExitStatus::Code(code)),
        attempt,
        same,
        digest: String::new(),
        text: "2 failed".to_owned(),
        log: format!("/p/.orchestra/.logs/rate-limit/work-{attempt}.log"),
        seconds,
    }
}

fn iteration(stage: &str, number: u32, trigger: Trigger, (from, to): (i64, Option<i64>)) -> Iteration {
    let outcome = to.map(|_| Outcome::Passed);
    let ended_at = to.map(ago);
    let submitted = to.is_some();
    Iteration { outcome, ended_at, submitted, ..Iteration::begin(stage.to_owned(), number, trigger, ago(from)) }
}

/// Four stages: an agent that plans, one that works behind a gate, a script, one that judges.
fn staged(task: &mut Task) {
    task.flow = flow(4);
    let [plan, work, lint, review] = &mut task.flow.stages[..] else { unreachable!("the flow has four stages") };
    (plan.artifact, work.artifact, review.artifact) = ("plan".to_owned(), "summary".to_owned(), "verdict".to_owned());
    work.gate =
        Some(Gate { command: ".orchestra/scripts/checks.sh --fast".to_owned(), timeout_seconds: 300, max_attempts: 0 });
    (lint.name, lint.artifact) = ("lint".to_owned(), "lint".to_owned());
    let command = "npm run lint".to_owned();
    lint.work = Work::Script(Script { command, timeout_seconds: 60, on_failure: Some("work".to_owned()) });
    "review".clone_into(&mut review.name);
    let output = Output::Verdict { rejection_stage: "work".to_owned() };
    review.work = Work::Agent(Assignment { agent: Some("claude".to_owned()), output, ..Assignment::default() });
    task.base_commit = Some("a81f0c2".to_owned());
}

/// At its third attempt at work: the gate failed once, the script once, and the gate runs.
fn rate_limit() -> TaskView {
    let mut view = task(3, "rate-limit", State::Gating, 0);
    view.gate = Some((3, ago(12)));
    view.since = ago(12);
    change(&mut view, |task| {
        staged(task);
        task.stage = 1;
        task.job = Some(Run { id: RunId::from("gate-3"), stage: 1 });
        let mut first = iteration("work", 1, Trigger::Flow, (1_500, Some(1_200)));
        (first.outcome, first.gate) = (Some(Outcome::GateFailed), Some(result(1, 1, 101, 42)));
        let failed = Trigger::Gate { text: "2 failed".to_owned() };
        let mut second = iteration("work", 2, failed, (1_200, Some(700)));
        second.gate = Some(result(2, 1, 0, 44));
        let mut lint = iteration("lint", 1, Trigger::Flow, (700, Some(660)));
        (lint.outcome, lint.script) = (Some(Outcome::ScriptFailed), Some(result(1, 1, 1, 8)));
        let by_script =
            Trigger::Script { stage: "lint".to_owned(), text: "src/limit.rs: unused import\nmore".to_owned() };
        let mut third = iteration("work", 3, by_script, (660, None));
        third.submitted = true;
        let named = |name: &str, url: &str| Resource { name: name.to_owned(), url: url.to_owned(), description: None };
        task.resources = vec![named("spec", "docs/spec.md"), named("ticket", "https://host/1")];
        task.iterations =
            vec![iteration("planning", 1, Trigger::Flow, (1_700, Some(1_500))), first, second, lint, third];
    });
    view
}

fn question(text: &str, options: &[(&str, &str)]) -> Question {
    let choice = |(label, description): &(&str, &str)| Choice {
        label: (*label).to_owned(),
        description: Some((*description).to_owned()).filter(|it| !it.is_empty()),
    };
    Question { question: text.to_owned(), context: None, options: options.iter().map(choice).collect() }
}

fn add_docs(questions: Vec<Question>) -> TaskView {
    let mut view = task(1, "add-docs", State::Asking, 2);
    change(&mut view, |task| {
        staged(task);
        task.reason = Some(reason(ReasonKind::Questions, "Which style for the examples? (and 2 more)"));
        let mut asks = iteration("planning", 1, Trigger::Flow, (300, None));
        asks.questions = vec![Round { questions, answers: None }];
        task.iterations = vec![asks];
    });
    view
}

fn questions() -> Vec<Question> {
    let mut first = question(
        "Which style for the examples?",
        &[("Short", "one per function, in its doc comment"), ("Long", "one per module, in the guide")],
    );
    first.context = Some("Both exist: src/csv has short ones, src/net long ones.".to_owned());
    vec![first, question("Which reader?", &[("Beginner", ""), ("Expert", "")]), question("What else?", &[])]
}

/// Its review rejects it.
fn fix_tests() -> TaskView {
    let mut view = task(2, "fix-tests", State::Verdict, 4);
    change(&mut view, |task| {
        staged(task);
        task.stage = 3;
        task.reason = Some(reason(ReasonKind::Verdict, "rejects, back to work: The time zone is still wrong."));
        let mut review = iteration("review", 1, Trigger::Flow, (400, None));
        review.submitted = true;
        review.verdict = Some(Verdict {
            decision: Decision::Reject,
            reason: "The time zone is still wrong.\n\nSet TZ in the test, not in the code.".to_owned(),
            route_to: None,
        });
        task.iterations = vec![
            iteration("planning", 1, Trigger::Flow, (1_700, Some(1_500))),
            iteration("work", 1, Trigger::Flow, (1_500, Some(400))),
            review,
        ];
    });
    view
}

fn item(title: &str, depends_on: &[usize]) -> SubtaskDraft {
    SubtaskDraft {
        title: title.to_owned(),
        description: format!("{title}: what is different afterwards."),
        instructions: "Begin with the tests.\nThen the code.".to_owned(),
        depends_on: depends_on.to_vec(),
        flow: None,
    }
}

/// Its breakdown waits for approval.
fn big_one() -> TaskView {
    let mut view = task(4, "big-one", State::Approval, 1);
    change(&mut view, |task| {
        staged(task);
        let breakdown =
            Breakdown { flow: "subtask".to_owned(), completion_stage: None, on_child_failure: ChildFailure::Wait };
        let output = Output::Subtasks(breakdown);
        task.flow.stages[0].work = Work::Agent(Assignment { output, ..Assignment::default() });
        let mut plan = iteration("planning", 1, Trigger::Flow, (200, None));
        plan.submitted = true;
        let mut items = vec![
            item("Read the schema", &[]),
            item("Write rows", &[0]),
            item("Quote fields", &[0]),
            item("Document it", &[1, 2]),
        ];
        items[3].flow = Some("hotfix".to_owned());
        plan.subtasks = Some(items);
        task.iterations = vec![plan];
    });
    view
}

/// A task that waits for its subtasks: one merged, one at work with a subtask of its own, one that waits for it.
fn family() -> Vec<TaskView> {
    let mut parent = task(5, "csv-export", State::Children, 30);
    change(&mut parent, |task| {
        staged(task);
        task.iterations = vec![iteration("planning", 1, Trigger::Flow, (2_000, Some(1_800)))];
    });
    let child = |id: u32, slug: &str, state: State, parent: u32| {
        let mut view = task(id, slug, state, 5);
        change(&mut view, |task| task.parent = Some(TaskId(parent)));
        view
    };
    let mut waits = child(9, "csv-docs", State::Waiting, 5);
    change(&mut waits, |task| task.after = vec![TaskId(7)]);
    vec![
        parent,
        child(6, "csv-schema", State::Merged, 5),
        child(7, "csv-rows", State::Working, 5),
        child(8, "csv-quoting", State::Asking, 7),
        waits,
    ]
}

/// A person at the keys of a screen of this size, with one of the tasks selected.
struct Person {
    model: Model,
    effects: Vec<Effect>,
}

impl Person {
    fn on(slug: &str, (cols, rows): (u16, u16)) -> Self {
        let own = vec![add_docs(questions()), fix_tests(), rate_limit(), big_one()];
        let tasks = own.into_iter().chain(family()).collect();
        let designer = session("main", SessionKind::Designer, Activity::Working, 6);
        let mut model =
            Model::new(snapshot(vec![project("my-app", Some(designer), tasks)]), now(), Size::new(rows, cols));
        model.list.selected = Some(key("my-app", slug));
        Self { model, effects: Vec::new() }
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
            let (name, tail) = named.unwrap_or((&rest[..first.len_utf8()], &rest[first.len_utf8()..]));
            let key = Key::parse(if name == " " { "space" } else { name }).expect(name);
            self.model.now += SignedDuration::from_millis(250);
            self.tell(Msg::Key(KeyEvent::new(key.code, key.mods)));
            rest = tail;
        }
        self
    }

    fn tell(&mut self, msg: Msg) {
        self.effects.extend(update(&mut self.model, msg));
    }

    /// Answers what was asked last.
    fn answer(&mut self, result: Answer) -> &mut Self {
        let at = self.effects.iter().rposition(|it| matches!(it, Effect::Ask { then, .. } if *then != Then::Nothing));
        let Effect::Ask { then, .. } = self.effects.remove(at.expect("a request waits")) else { unreachable!() };
        self.tell(Msg::Answer { then, result });
        self
    }

    fn requests(&mut self) -> Vec<Request> {
        let asked = std::mem::take(&mut self.effects).into_iter();
        asked.filter_map(|effect| if let Effect::Ask { request, .. } = effect { Some(request) } else { None }).collect()
    }

    fn shot(&self) -> String {
        let theme = theme(Glyphs::Unicode, Depth::True);
        let job = AgentScreen(&["running 14 tests", "test quotes_newline ... FAILED"]);
        let shown = (self.model.main.tab == Tab::Pipeline).then_some(&job as _);
        let mut buffer = frame(&self.model, &theme, shown);
        modal::draw(&self.model, &theme, &mut buffer);
        letters(&buffer)
    }

    fn news(&self) -> &str {
        self.model.messages.news.as_ref().map_or("", |news| &news.text)
    }
}

fn facts() -> ReviewFacts {
    ReviewFacts {
        artifact: Some(("verdict".to_owned(), "Verdict: reject".to_owned())),
        stat: DiffStat { files: 3, added: 18, removed: 6 },
        gate: None,
        gate_log: None,
        base: "main".to_owned(),
        conflicts: Vec::new(),
        next: "compound".to_owned(),
    }
}

const DONE: Answer = Ok(Reply::Done { message: None });

fn refused(text: &str) -> Failure {
    Failure::new(FailureKind::BadState, text)
}

#[test]
fn the_pipeline_at_three_sizes() {
    for size in SIZES {
        let mut person = Person::on("rate-limit", size);
        person.press("<alt-4>");
        if size.0 < 50 {
            person.model.layout.focus = Pane::Main;
        }
        assert_eq!(person.model.main.tab, Tab::Pipeline);
        assert_snapshot!(format!("pipeline_{}x{}", size.0, size.1), person.shot());
    }
}

#[test]
fn what_can_be_opened_has_a_page() {
    let mut seen = HashSet::new();
    for view in [rate_limit(), add_docs(Vec::new()), add_docs(vec![question("Which?", &[])])] {
        for spot in pipeline::spots(&view.task) {
            assert_eq!(pipeline::opens(&view.task, spot), pipeline::page(&view.task, spot).is_some(), "{spot:?}");
            seen.extend(spot.trace);
        }
    }
    assert!(seen.len() > 4, "{seen:?}");
}

#[test]
fn the_pipeline_of_a_verdict_and_of_a_draft() {
    let mut person = Person::on("fix-tests", (120, 36));
    person.press("<alt-4>");
    assert_snapshot!("pipeline_of_a_verdict", person.shot());
}

/// R75, R76.
#[test]
fn keys_of_the_pipeline() {
    let mut person = Person::on("rate-limit", (120, 36));
    person.press("<alt-4><tab>").effects.clear();
    let read = |person: &mut Person| {
        let [Effect::ReadPage { serial, root, slug, page }] = &std::mem::take(&mut person.effects)[..] else {
            panic!("it reads a page")
        };
        assert_eq!((root, slug), (&PathBuf::from("/home/you/my-app"), &Slug::new("rate-limit").expect("a slug")));
        (*serial, page.clone())
    };
    person.press("<enter>");
    assert_eq!(read(&mut person).1, Page::Artifact { stage: "work".to_owned(), number: 3 });
    person.press("<esc><down><enter>");
    let (serial, page) = read(&mut person);
    assert_eq!(page, Page::Prompt { stage: "work".to_owned(), number: 3 });
    let file = PathBuf::from("/home/you/my-app/.orchestra/.logs/rate-limit/work-3.prompt.md");
    person.tell(Msg::Page { serial, file: file.clone(), text: Ok("Quote fields.\n\nThen stop.".to_owned()) });
    assert_snapshot!("pipeline_page", person.shot());
    person.press("e");
    assert_eq!(person.effects.pop(), Some(Effect::OpenEditor { path: file, line: None }));
    person.press("q").press("/gate 1<enter><esc>").press("<enter>");
    let log = |n: u32| Page::Log(format!("/p/.orchestra/.logs/rate-limit/work-{n}.log"));
    assert_eq!(read(&mut person).1, log(1));
    person.press("<esc>").press("g").press("L");
    assert_eq!(person.news(), "L: no gate has run at stage planning");
    person.press("G<enter>");
    assert_eq!(read(&mut person).1, Page::ActivityLog);
    person.press("<esc><up><enter>");
    assert!(person.shot().contains("spec: docs/spec.md"), "{}", person.shot());
    person.press("<esc><up><enter>");
    assert_eq!(person.news(), "Enter: stage review has left nothing yet");
    person.press("/attempt<enter>");
    assert_eq!(person.news(), "\"attempt\" is not in this pipeline");
}

#[test]
fn a_file_that_is_gone_says_so() {
    let mut person = Person::on("rate-limit", (80, 24));
    person.press("<alt-4><tab><enter>");
    let serial = person.model.input.serial;
    let text = Err("It is gone, or was never written: /home/you/x.md".to_owned());
    person.tell(Msg::Page { serial, file: PathBuf::from("/home/you/x.md"), text });
    assert!(person.shot().contains("It is gone, or was never written: /home/you/x.md"));
}

#[test]
fn actions_of_a_stage() {
    let mut person = Person::on("fix-tests", (120, 36));
    person.press("<alt-4><tab>").press("g").press(".");
    assert_snapshot!("pipeline_actions", person.shot());
    person.press("<enter>once more<enter>");
    let request = Request::SendToStage {
        project: "my-app".into(),
        task: TaskId(2),
        stage: "planning".to_owned(),
        text: "once more".to_owned(),
    };
    assert_eq!(person.requests().pop(), Some(request));
}

#[test]
fn questions_at_three_sizes() {
    for size in SIZES {
        let mut person = Person::on("add-docs", size);
        person.press(" 1<shift-tab>");
        assert_snapshot!(format!("questions_{}x{}", size.0, size.1), person.shot());
    }
}

#[test]
fn questions_are_answered_together() {
    let mut person = Person::on("add-docs", (80, 24));
    person.press(" 2").press("<enter>");
    assert!(person.shot().contains("It has no answer yet."), "{}", person.shot());
    person.press("the 1st<enter>").press("<enter>");
    assert_eq!(person.requests(), [], "the third question is open");
    person.press("<esc>").press(" ");
    assert!(person.shot().contains("question 3 of 3"), "what was answered survives Esc");
    person.press("no<enter>");
    let answers = ["Long", "the 1st", "no"].map(str::to_owned).to_vec();
    let request = Request::AnswerQuestions { project: "my-app".into(), task: TaskId(1), answers };
    let Some(Effect::Ask { request: sent, .. }) = person.effects.last() else { panic!("it is sent") };
    assert_eq!(*sent, request);
    person.answer(Err(refused("add-docs is paused.")));
    assert!(person.shot().contains("add-docs is paused."));
    person.press("<enter>").answer(DONE);
    assert!(person.model.modal.is_none() && person.model.input.drafts.is_empty());
}

#[test]
fn the_only_question_is_answered_by_its_digit() {
    let mut person = Person::on("add-docs", (80, 24));
    let mut project = (*person.model.snapshot.projects[0]).clone();
    project.tasks[0] = add_docs(vec![question("Which style?", &[("Short", ""), ("Long", "")])]);
    person.tell(Msg::Snapshot(snapshot(vec![project])));
    person.effects.clear();
    person.press(" 2");
    let answers = vec!["Long".to_owned()];
    assert_eq!(person.requests(), [Request::AnswerQuestions { project: "my-app".into(), task: TaskId(1), answers }]);
}

#[test]
fn a_verdict_at_three_sizes() {
    for size in SIZES {
        let mut person = Person::on("fix-tests", size);
        person.press("o").answer(Ok(Reply::Review(Box::new(facts()))));
        assert_snapshot!(format!("verdict_{}x{}", size.0, size.1), person.shot());
    }
}

#[test]
fn a_verdict_is_confirmed_overridden_or_judged_again() {
    let (project, task) = (|| "my-app".into(), TaskId(2));
    for (keys, wanted) in [
        ("a", Request::Approve { project: project(), task }),
        ("o", Request::Override { project: project(), task }),
        (
            "rlook again<tab><enter>",
            Request::Reject { project: project(), task, feedback: "look again".to_owned(), fresh: true },
        ),
    ] {
        for opens in ["a", "o", "r"] {
            let mut person = Person::on("fix-tests", (80, 24));
            person.press(opens).answer(Ok(Reply::Review(Box::new(facts())))).press(keys);
            assert_eq!(person.requests(), std::slice::from_ref(&wanted), "{opens} then {keys}");
        }
    }
    let mut person = Person::on("rate-limit", (80, 24));
    person.press("o");
    assert_eq!(person.news(), "o: rate-limit has no rejection to override");
}

#[test]
fn a_breakdown_at_three_sizes() {
    for size in SIZES {
        let mut person = Person::on("big-one", size);
        person.press("a<down><enter>");
        assert_snapshot!(format!("breakdown_{}x{}", size.0, size.1), person.shot());
    }
}

#[test]
fn a_breakdown_is_edited_before_it_is_approved() {
    let approve = Request::Approve { project: "my-app".into(), task: TaskId(4) };
    let mut person = Person::on("big-one", (120, 36));
    person.press("aa");
    assert_eq!(person.requests(), std::slice::from_ref(&approve), "as the agent proposed it");

    person.press("a").press("<down>").press("J").press("x");
    assert_snapshot!("breakdown_changed", person.shot());
    person.press("e");
    let Some(Effect::EditYaml(sheet)) = person.effects.pop() else { panic!("it opens the editor") };
    assert_snapshot!("breakdown_sheet", sheet);
    person.tell(Msg::Edited(Some(sheet.replace("after:\n- 2", "after: [7]"))));
    assert!(person.shot().contains("Not changed: \"Document it\" comes after 7"), "{}", person.shot());
    person.tell(Msg::Edited(Some(sheet.replace("Document it\n", "Document all\n"))));
    person.press("<esc>").press("a");
    assert!(person.shot().contains("Document all"), "changes survive Esc");
    person.press("a");
    let mut last = item("Document it", &[1]);
    (last.title, last.flow) = ("Document all".to_owned(), Some("hotfix".to_owned()));
    let subtasks = vec![item("Read the schema", &[]), item("Quote fields", &[0]), last];
    let edit = Request::EditSubtasks { project: "my-app".into(), task: TaskId(4), subtasks };
    let Some(Effect::Ask { request, .. }) = person.effects.last() else { panic!("it is sent") };
    assert_eq!(*request, edit);
    person.answer(Err(refused("items 1 and 2 wait for one another.")));
    assert!(person.shot().contains("items 1 and 2 wait for one another."));
    person.press("a").answer(DONE);
    assert_eq!(person.requests(), [approve]);
    assert!(person.model.modal.is_none() && person.model.input.drafts.is_empty());
}

#[test]
fn subtasks_at_three_sizes() {
    for size in SIZES {
        assert_snapshot!(format!("subtasks_{}x{}", size.0, size.1), Person::on("csv-export", size).shot());
    }
}

#[test]
fn subtasks_fold_under_their_task() {
    let mut person = Person::on("csv-quoting", (80, 24));
    let selected = |person: &Person| person.model.list.selected.clone().expect("a row");
    person.press("<left>");
    assert_eq!(selected(&person), key("my-app", "csv-rows"));
    person.press("<left>");
    assert!(person.shot().contains("csv-rows ▸1") && !person.shot().contains("    csv-quoting"), "{}", person.shot());
    person.press("<left><left>");
    assert_eq!(selected(&person), key("my-app", "csv-export"));
    assert!(person.shot().contains("csv-exp"), "{}", person.shot());
    person.press("<right>").press("<right>");
    assert_eq!(person.model.layout.focus, Pane::Main, "on a row without folded subtasks");
    person.model.layout.focus = Pane::List;
    person.press("<left>");
    assert!(person.shot().contains("csv-ex"), "{}", person.shot());
    person.model.list.selected = Some(key("my-app", "add-docs"));
    person.press("w");
    assert_eq!(selected(&person), key("my-app", "csv-quoting"));
    assert!(person.model.list.folded_tasks.is_empty(), "w unfolds what it goes to");
}

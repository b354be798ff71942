//! The engine that is killed: a person's whole way with four tasks, which goes on from wherever it was broken off.

use std::fs::OpenOptions;
use std::io::Write as _;

use orchestra::model::{NewTask, Request, SessionId, Snapshot, State, TaskView};

use crate::engine::{Bench, new_task};
use crate::place::{Place, alone};
use crate::repo::Repository;

/// One without anything, one whose gate fails once, one that is told something while it works, one with a stage of every
/// kind. Slug, flow, title.
pub const TASKS: [(&str, &str, &str); 4] = [
    ("plain", "quick", "Do plain work"),
    ("gated", "checked", "Pass the gate"),
    ("noted", "quick", "Take notes"),
    ("whole", "whole", "Make it whole"),
];

/// What the last one is taken apart into: slug, title.
pub const PARTS: [(&str, &str); 2] = [("left-part", "Make the left part"), ("right-part", "Make the right part")];

/// It asks, is taken apart, is put together, runs a script that fails once, and is judged: rejected once.
const WHOLE: &str = "\
{stages: [ \
  {name: idea, artifact: idea, is_automated: true}, \
  {name: pieces, artifact: pieces, capabilities: {subtasks: {flow: part}}}, \
  {name: join, artifact: joined, is_automated: true}, \
  {name: stamp, artifact: stamped, script: {command: stamp.sh, on_failure: join}}, \
  {name: judge, artifact: verdict, gate: true}], integration: {on_failure: join}}";
const PART: &str = "{stages: [{name: build, artifact: built, is_automated: true}]}";

const QUESTIONS: &str = r#"{"questions": [{"question": "How whole?", "options": [{"label": "Quite"}]}]}"#;
const PIECES: &str = r#"{"summary": "Two parts.", "subtasks": [
  {"title": "Make the left part", "description": "A left.", "instructions": "Write it."},
  {"title": "Make the right part", "description": "A right.", "instructions": "Write it.", "depends_on": [0]}]}"#;

/// The task that a person writes to.
pub const NOTED: &str = "noted";
/// What the person did, in the test's place: `writes 3` before it, `wrote 3` when it was taken.
pub const NOTES: &str = "notes";
/// Lines of the gate and of the setup script: a run each.
pub const GATES: &str = "gates";
pub const SETUPS: &str = "setups";
/// Lines of the script that is a stage.
pub const STAMPS: &str = "stamps";

/// What the agents do. `PLACE` stands for the test's folder.
const SCRIPT: &str = "\
rules:
  - {when: 'answered your questions', steps: [{submit: the idea}]}
  - {when: 'artifact `idea` by', steps: [{run: \"orchestra submit --questions 'PLACE/questions.json'\"}]}
  - {when: 'Hand in the breakdown', steps: [{run: \"orchestra submit --subtasks 'PLACE/pieces.json'\"}]}
  - {when: 'Make the (?<side>left|right) part\\n[^`]*artifact `built` by', steps: [{run: \"echo {side} >{side}.txt\"}, {submit: '{side} is made'}]}
  - {when: 'The script of the later stage', steps: [{run: 'echo stamp >stamp.txt'}, {submit: stamped it}]}
  - {when: 'rejected it', steps: [{run: 'echo better >whole.txt'}, {submit: better now}]}
  - {when: 'artifact `joined` by', steps: [{run: 'cat left.txt right.txt >whole.txt'}, {submit: joined}]}
  - {when: 'better now[\\s\\S]*Hand in your verdict', steps: [{run: 'echo fine | orchestra submit --verdict approve'}]}
  - {when: 'Hand in your verdict', steps: [{run: 'echo better, please | orchestra submit --verdict reject'}]}
  - {when: 'The gate failed', steps: [{write: {path: fixed.txt, text: fixed}}, {submit: mended}]}
  - {when: 'Note number (?<n>[0-9]+)', steps: [{run: \"echo {n} >>notes.txt\"}, {submit: 'heard {n}'}]}
  - {when: 'artifact `plan` by', steps: [{submit: the plan}]}
  - {when: '# Task: (?<title>Do plain work|Pass the gate|Take notes)', steps: [{run: \"echo {title} >>\\\"$ORCHESTRA_TASK_SLUG.txt\\\"\"}, {submit: the summary}]}
otherwise: [{say: I have no line for that}]
";

/// What a person does next.
enum Step {
    Start(&'static str),
    Write,
    Approve(&'static str),
    Answer(&'static str),
    Merge(&'static str),
    /// All is merged.
    Leave,
}

#[test]
#[ignore = "an engine for the tests below"]
fn host() {
    alone(|place| {
        let repository = Repository::existing(place);
        let bench = Bench::open(place, &repository);
        for (slug, flow, title) in TASKS {
            if !bench.has(slug) {
                let agent = (slug == NOTED).then(|| "typed".to_owned());
                let description = format!("# {title}\n\nPlease.");
                bench.made(NewTask { start: true, agent, ..new_task(slug, flow, &description) });
            }
        }
        loop {
            match bench.wait("something to do", |snapshot| next(place, &repository, snapshot)) {
                Step::Start(slug) => drop(bench.try_ask(slug, |project, task| Request::Start { project, task })),
                Step::Approve(slug) => drop(bench.try_ask(slug, |project, task| Request::Approve { project, task })),
                Step::Answer(slug) => drop(bench.try_ask(slug, |project, task| Request::AnswerQuestions {
                    project,
                    task,
                    answers: vec!["Quite".to_owned()],
                })),
                Step::Merge(slug) => {
                    drop(bench.try_ask(slug, |project, task| Request::Merge { project, task, into: None }));
                }
                Step::Write => write_note(place, &bench),
                Step::Leave => break,
            }
        }
    });
}

/// The repository of a run, with what its scripts and agents do.
pub fn furnish(place: &Place) -> Repository {
    let repository = Repository::new(place, &SCRIPT.replace("PLACE", &place.path("").to_string_lossy()));
    place.write("questions.json", QUESTIONS);
    place.write("pieces.json", PIECES);
    repository.flow("whole", WHOLE);
    repository.flow("part", PART);
    let stamped = "test -e stamp.txt || { echo stamp.txt is missing; exit 1; }";
    repository.script("stamp.sh", &format!("echo run >>'{}'\n{stamped}", place.path(STAMPS).display()));
    let (gates, setups) = (place.path(GATES), place.path(SETUPS));
    let gate =
        format!("echo run >>'{}'\ntest -e fixed.txt || {{ echo fixed.txt is missing; exit 1; }}", gates.display());
    repository.script("checks.sh", &gate);
    repository.script("worktree_setup.sh", &format!("echo \"$ORCHESTRA_TASK_SLUG\" >>'{}'", setups.display()));
    let start = format!(
        "orchestra, demo-agent, --script, '{}', --conversation, '{{conversation}}'",
        place.path("script.yaml").display()
    );
    repository.agent(
        "typed",
        &format!(
            "{{start: [{start}], resume: [{start}, --resume], prompt: typed, conversation: preset, events: osc7501, \
             rest_after_ms: 500, quit: [\"\\x04\"]}}"
        ),
    );
    repository.git(&["add", "."]);
    repository.git(&["commit", "-q", "-m", "Furnish"]);
    repository
}

/// The numbers of the notes that were begun, and of those that were taken.
pub fn notes(place: &Place) -> (Vec<u32>, Vec<u32>) {
    let of = |verb: &str| {
        let numbers = place.lines(NOTES).into_iter().filter_map(|line| line.strip_prefix(verb)?.trim().parse().ok());
        numbers.collect()
    };
    (of("writes"), of("wrote"))
}

fn next(place: &Place, repository: &Repository, snapshot: &Snapshot) -> Option<Step> {
    let tasks: Vec<_> = snapshot.projects.iter().flat_map(|project| &project.tasks).collect();
    let (_, taken) = notes(place);
    for (slug, ..) in TASKS {
        let view =
            tasks.iter().find(|view| view.task.slug.as_str() == slug).unwrap_or_else(|| panic!("{slug} is lost"));
        let alive = view.session.as_ref().is_some_and(|session| session.alive);
        if slug == NOTED && taken.is_empty() && alive {
            return Some(Step::Write);
        }
        match view.task.state {
            State::Draft => return Some(Step::Start(slug)),
            State::Asking => return Some(Step::Answer(slug)),
            State::Verdict => return Some(Step::Approve(slug)),
            State::Approval if slug != NOTED || is_heard(repository, &taken) => return Some(Step::Approve(slug)),
            State::Done => {
                assert_eq!(why(view), "", "{slug} was not merged");
                return Some(Step::Merge(slug));
            }
            State::Failed | State::Paused => panic!("{slug} is {}: {}", view.task.state.word(), why(view)),
            _ => {}
        }
    }
    let over = |view: &&TaskView| {
        let cleared = view.worktree.as_ref().is_none_or(|worktree| !worktree.exists());
        view.task.state == State::Merged && cleared
    };
    tasks.iter().all(over).then_some(Step::Leave)
}

fn why(view: &TaskView) -> &str {
    view.task.reason.as_ref().map_or("", |reason| reason.text.as_str())
}

/// The agent has answered the person's last note.
fn is_heard(repository: &Repository, taken: &[u32]) -> bool {
    let file = repository.root().join(format!(".orchestra/.artifacts/{NOTED}/summary.md"));
    let answer = std::fs::read_to_string(file).unwrap_or_default();
    taken.last().is_some_and(|number| answer.trim() == format!("heard {number}"))
}

/// Writes to the agent; nobody can tell of one that was broken off whether it was taken, so the next has another number.
fn write_note(place: &Place, bench: &Bench) {
    let number = notes(place).0.last().map_or(1, |last| last + 1);
    let mut file = OpenOptions::new().create(true).append(true).open(place.path(NOTES)).unwrap();
    // In one piece each: this process is mortal too.
    let mut note = |verb: &str| file.write_all(format!("{verb} {number}\n").as_bytes()).unwrap();
    note("writes");
    let (session, text) = (SessionId::from(NOTED), format!("Note number {number}"));
    if bench.engine().call(Request::Send { project: bench.project(), session, text, sender: None }).is_ok() {
        note("wrote");
    }
}

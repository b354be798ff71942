//! Agents of other kinds than the scripted one, their ends, and what they are told.

use std::time::Duration;

use orchestra::model::{Activity, ExitStatus, NewTask, Pause, ReasonKind, Reply, State, Submission, Trigger};
use orchestra::store::{Home, dropbox};

use crate::engine::{Bench, new_task};
use crate::place::alone;
use crate::repo::Repository;
use crate::{WILLING, artifact, stops_at};

#[test]
fn what_a_plain_command_prints_is_its_artifact() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.agent("printer", "{start: [sh, -c, 'echo from a command >out.txt; echo \"I did: $1\" | head -1', sh, '{prompt}'], artifact: stdout}");
        let bench = Bench::open(place, &repository);
        bench.made(NewTask { agent: Some("printer".to_owned()), start: true, ..new_task("fix-it", "quick", "Fix it") });
        let task = bench.reaches("fix-it", State::Approval);
        assert!(artifact(&repository, "fix-it", "summary").starts_with("I did: "));
        assert!(task.conversations.is_empty());
        bench.approve("fix-it");
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.show("main", "out.txt"), "from a command");
    });
}

#[test]
fn an_agent_that_ends_without_a_result_pauses_the_task() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.agent("brief", "{start: [sh, -c, 'echo no key; exit 7']}");
        repository.agent("missing", "{start: [no-such-program]}");
        let bench = Bench::open(place, &repository);
        bench.made(NewTask { agent: Some("brief".to_owned()), start: true, ..new_task("one", "quick", "Fix it") });
        let view = bench.task_when("one", "paused", |view| view.task.state == State::Paused);
        assert_eq!(view.task.reason.clone().unwrap().kind, ReasonKind::Paused(Pause::Exited));
        assert_eq!(view.session.unwrap().exit, Some(ExitStatus::Code(7)));
        bench.screen("one", "no key");

        bench.made(NewTask { agent: Some("missing".to_owned()), start: true, ..new_task("two", "quick", "Fix it") });
        let view = bench.task_when("two", "failed", |view| !view.task.state.is_busy());
        assert!(view.task.reason.as_ref().unwrap().text.contains("no-such-program"), "{:?}", view.task.reason);
    });
}

/// R73.
#[test]
fn an_agent_that_rests_without_a_result_is_reminded_three_times() {
    alone(|place| {
        let repository = Repository::new(place, "rules: []\notherwise: [{say: I rest}]\n");
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let task = bench.reaches("fix-it", State::Quiet);
        let said = bench.said_to(task.conversation("work").unwrap());
        assert_eq!(said.len(), 4, "{said:#?}");
        assert!(said[3].contains("reminder 3"), "{}", said[3]);
        bench.begin("other", "solo", "Fix it");
        let task = bench.reaches("other", State::Quiet);
        assert_eq!(bench.said_to(task.conversation("work").unwrap()).len(), 1, "never in solo");
    });
}

#[test]
fn a_message_waits_until_the_agent_rests_and_is_typed_once() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{say: behind the door}"));
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "solo", "Fix it");
        let knock = door.reached();
        bench.task_when("fix-it", "works", |view| {
            view.session.as_ref().is_some_and(|it| it.activity == Activity::Working)
        });
        let Reply::Sent { message: Some(message), .. } = bench.send("fix-it", "line one\nline `two` $HOME") else {
            panic!("it is said that the message waits")
        };
        assert!(message.contains("waits"), "{message}");
        let waiting =
            bench.task_when("fix-it", "has a message", |view| view.session.as_ref().is_some_and(|it| it.waiting == 1));
        let conversation = waiting.task.conversation("work").unwrap().to_owned();
        assert_eq!(bench.said_to(&conversation).len(), 1, "nothing is typed into a turn");
        knock.open();
        bench.task_when("fix-it", "has read it", |view| view.session.as_ref().is_some_and(|it| it.waiting == 0));
        bench.screen("fix-it", "heard");
        bench.reaches("fix-it", State::Quiet);
        assert_eq!(bench.said_to(&conversation)[1..], ["line one\nline `two` $HOME"]);
    });
}

#[test]
fn a_message_that_waits_outlives_the_engine() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{say: behind the door}"));
        let mut bench = Bench::open(place, &repository);
        bench.begin("fix-it", "solo", "Fix it");
        let knock = door.reached();
        bench.task_when("fix-it", "works", |view| {
            view.session.as_ref().is_some_and(|it| it.activity == Activity::Working)
        });
        bench.send("fix-it", "later");
        let conversation = bench.task("fix-it").conversation("work").unwrap().to_owned();
        bench.leave();
        knock.open();
        bench.come_back();
        bench.screen("fix-it", "heard");
        bench.reaches("fix-it", State::Quiet);
        assert_eq!(bench.said_to(&conversation)[1..], ["later"]);
    });
}

#[test]
fn a_question_shows_and_its_answer_goes_on() {
    alone(|place| {
        let script = "rules:\n  - when: 'artifact `summary` by'\n    steps:\n      - ask: {question: Which way?, options: [\
                      {label: left, steps: [{submit: left}]}, {label: right, steps: [{submit: right}]}]}\notherwise: []\n";
        let repository = Repository::new(place, script);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        bench.reaches("fix-it", State::Asking);
        assert!(bench.reason("fix-it").contains("Which way?"), "{}", bench.reason("fix-it"));
        let session = "fix-it".into();
        let request = orchestra::model::Request::Answer { project: bench.project(), session, bytes: b"2".to_vec() };
        bench.engine().call(request).unwrap();
        bench.reaches("fix-it", State::Approval);
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "right");
    });
}

/// The scripted agent's own time to settle is far below this.
/// R95.
#[test]
fn a_stop_reaches_an_agent_that_ignores_signals() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let door = place.door("door");
        let command = format!("trap '' TERM HUP INT; {}; while :; do sleep 1000; done", door.wait());
        repository.agent("deaf", &format!("{{start: [sh, -c, \"{command}\"]}}"));
        let bench = Bench::open(place, &repository);
        bench.made(NewTask { agent: Some("deaf".to_owned()), start: true, ..new_task("fix-it", "quick", "Fix it") });
        door.reached().open();
        let began = std::time::Instant::now();
        bench.stop("fix-it");
        bench.task_when("fix-it", "stopped", |view| {
            view.task.state == State::Paused && view.session.as_ref().is_some_and(|it| !it.alive)
        });
        assert!(began.elapsed() < Duration::from_secs(20));
    });
}

#[test]
fn what_a_person_who_is_attached_keeps_waiting_goes_on_when_they_leave() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.script("checks.sh", "test -e fixed.txt");
        let bench = Bench::open(place, &repository);
        let there = (bench.project(), "fix-it".into());
        bench.engine().attach(Some(there.clone()));
        bench.begin("fix-it", "checked", "Fix it");
        let waits = bench.task_when("fix-it", "has feedback that waits", |view| {
            view.task.iterations.len() == 3 && view.session.as_ref().is_some_and(|it| it.waiting == 1)
        });
        assert_eq!(waits.task.state, State::Working);
        bench.engine().attach(None);
        bench.reaches("fix-it", State::Approval);
    });
}

#[test]
fn a_line_that_was_sent_holds_nothing_back() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let task = bench.reaches("fix-it", State::Approval);
        let place = (bench.project(), "fix-it".into());
        let terminal = bench.engine().terminal(&place).unwrap();
        bench.engine().attach(Some(place.clone()));
        bench.engine().typed(&place);
        terminal.input(b"hello\r").unwrap();
        let turn = bench.task_when("fix-it", "listens", |view| view.task.iterations.len() == 2);
        assert_eq!(turn.task.iterations[1].trigger, Trigger::Talk);
        bench.reaches("fix-it", State::Quiet);
        bench.engine().attach(None);
        bench.send("fix-it", "You were interrupted");
        bench.reaches("fix-it", State::Approval);
        let said = bench.said_to(task.conversation("work").unwrap());
        assert_eq!(said[1..], ["hello", "You were interrupted"]);
    });
}

/// R52: what comes by the folder is checked as well, and whoever handed it in is told.
#[test]
fn an_agent_hears_that_what_it_left_in_its_folder_does_not_count() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{say: I left it}"));
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let knock = door.reached();
        let task = bench.task_when("fix-it", "works", |view| view.session.is_some()).task;
        let left =
            Home::at(place.path("orchestra-home")).run().join(format!("{}.box", task.session.as_ref().unwrap().id));
        dropbox::put(&left, &Submission::Artifact { text: "  ".to_owned() }.into()).unwrap();
        let said = bench.notice("the text is empty.");
        knock.open();
        let conversation = task.conversation("work").unwrap().to_owned();
        bench.wait("the agent to be told", |_| {
            bench
                .said_to(&conversation)
                .iter()
                .any(|text| text.contains("does not count") && text.contains(&said))
                .then_some(())
        });
    });
}

//! The engine goes and another one comes: nothing that went on is lost, and nothing happens twice.

use std::sync::mpsc::channel;

use orchestra::model::{ExitStatus, NewTask, Pause, ReasonKind, Request, State, Submission};
use orchestra::store::{Home, dropbox};

use crate::engine::{Bench, new_task};
use crate::place::{Door, Place, alone, executable};
use crate::repo::Repository;
use crate::{WILLING, artifact, stops_at};

#[test]
fn an_agent_in_the_middle_of_its_turn_goes_on() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{say: behind the door}, {submit: done alone}"));
        let mut bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let knock = door.reached();
        let before = bench.reaches("fix-it", State::Working);
        bench.leave();
        knock.open();
        bench.come_back();
        let after = bench.reaches("fix-it", State::Approval);
        assert_eq!(after.session.as_ref().unwrap().id, before.session.as_ref().unwrap().id, "the same process");
        assert_eq!((after.iterations.len(), artifact(&repository, "fix-it", "summary").trim()), (1, "done alone"));
        let screen = bench.screen("fix-it", "behind the door");
        assert!(screen.contains("orchestra demo agent"), "what was there before is there again:\n{screen}");
        assert_eq!(bench.said_to(after.conversation("work").unwrap()).len(), 1, "the prompt came once");
    });
}

#[test]
fn an_agent_that_ended_meanwhile_is_there_with_screen_and_exit_status() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let door = place.door("door");
        let command = format!("echo hello from it; {}; echo goodbye; exit 3", door.wait());
        repository.agent("brief", &format!("{{start: [sh, -c, \"{command}\"]}}"));
        let mut bench = Bench::open(place, &repository);
        bench.made(NewTask { agent: Some("brief".to_owned()), start: true, ..new_task("fix-it", "quick", "Fix it") });
        let knock = door.reached();
        bench.leave();
        knock.open();
        bench.come_back();
        let view = bench.task_when("fix-it", "paused", |view| view.task.state == State::Paused);
        assert_eq!(view.task.reason.clone().unwrap().kind, ReasonKind::Paused(Pause::Exited));
        let session = view.session.unwrap();
        assert_eq!((session.alive, session.exit), (false, Some(ExitStatus::Code(3))));
        let screen = bench.screen("fix-it", "goodbye");
        assert!(screen.contains("hello from it"), "{screen}");
    });
}

#[test]
fn a_gate_that_ended_meanwhile_counts_once() {
    alone(|place| gate(place, Comes::Late));
}

#[test]
fn a_gate_that_still_works_is_taken_over() {
    alone(|place| gate(place, Comes::Early));
}

#[test]
fn a_setup_script_at_work_goes_on() {
    alone(|place| {
        let (door, repository) = (place.door("door"), Repository::new(place, WILLING));
        repository.script("worktree_setup.sh", &counted(place, &door));
        let mut bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let knock = door.reached();
        bench.reaches("fix-it", State::Setup);
        bench.leave();
        knock.open();
        bench.come_back();
        bench.reaches("fix-it", State::Approval);
        assert_eq!(place.lines("runs"), ["begun", "over"]);
        assert_eq!(repository.branches(), ["main", "task/fix-it"]);
    });
}

#[test]
fn an_end_of_all_in_the_middle_of_the_start_leaves_nothing() {
    alone(|place| {
        let door = place.door("never-opened");
        let repository = Repository::new(place, &stops_at(&door, "{submit: never}"));
        let bench = Bench::open(place, &repository);
        let slugs = ["first", "second", "third"];
        for slug in slugs {
            bench.begin(slug, "quick", "Start, and be stopped on the way");
        }
        // Worktrees and agents are on their way in: the answer waits for them too.
        bench.engine().call(Request::ShutDown).unwrap();
        for slug in slugs {
            let task = bench.task(slug);
            assert_eq!(task.state, State::Paused, "{slug}");
            assert!(task.session.as_ref().is_none_or(|session| !session.alive), "{slug} has a live session");
        }
        let refused = bench.try_create(new_task("late", "quick", "Too late")).unwrap_err();
        assert!(refused.message.contains("the engine has ended"), "{refused}");
    });
}

/// What it hands in just then would be lost if it were refused: nobody tells it to try again.
#[test]
fn what_an_agent_hands_in_while_the_engine_ends_reaches_the_next_one() {
    alone(|place| {
        let (door, said, hook) = (place.door("door"), place.door("said"), place.door("hook"));
        let answer = place.path("answer");
        let hands_in = format!("echo the last words | orchestra submit >'{}' 2>&1; {}", answer.display(), said.wait());
        let repository = Repository::new(place, &stops_at(&door, &format!("{{run: \"{hands_in}\"}}")));
        // A worktree that takes its time keeps the engine from its end.
        let slow = format!("#!/bin/sh\ncase $PWD in *slow) {};; esac\n", hook.wait());
        repository.write(".git/hooks/post-checkout", &slow);
        executable(&repository.root().join(".git/hooks/post-checkout"));
        let mut bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let agent = door.reached();
        bench.begin("slow", "quick", "Take your time");
        let checkout = hook.reached();
        let (over, ended) = channel();
        bench.engine().handle().ask(Request::HandOver, move |answer| over.send(answer).unwrap());
        agent.open();
        let agent = said.reached();
        let text = std::fs::read_to_string(answer).unwrap();
        assert!(text.contains("left for the engine, which takes it as soon as it can"), "{text}");
        checkout.open();
        ended.recv().unwrap().unwrap();
        bench.leave();
        bench.come_back();
        agent.open();
        bench.reaches("fix-it", State::Approval);
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "the last words");
    });
}

/// An agent that hands in when it is told to end.
fn speaks_last(place: &Place, door: &Door) -> (Repository, Bench) {
    let repository = Repository::new(place, WILLING);
    place.write("last.sh", &format!("trap 'echo the last words | orchestra submit; exit 0' TERM\n{}\n", door.wait()));
    repository.agent("brief", &format!("{{start: [sh, '{}']}}", place.path("last.sh").display()));
    let bench = Bench::open(place, &repository);
    bench.made(NewTask { agent: Some("brief".to_owned()), start: true, ..new_task("fix-it", "quick", "Fix it") });
    (repository, bench)
}

/// R95.
#[test]
fn what_an_agent_hands_in_when_it_is_stopped_is_what_the_task_goes_on_with() {
    alone(|place| {
        let door = place.door("never-opened");
        let (repository, bench) = speaks_last(place, &door);
        let _knock = door.reached();
        bench.stop("fix-it");
        let view = bench.task_when("fix-it", "stopped", |view| view.session.as_ref().is_some_and(|it| !it.alive));
        assert_eq!(view.task.state, State::Paused);
        bench.start("fix-it");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!((task.iterations.len(), &task.session), (1, &view.task.session), "nothing was launched anew");
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "the last words");
    });
}

/// R95.
#[test]
fn what_lies_in_the_box_of_a_stopped_agent_is_read_by_the_next_engine() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{say: never}"));
        let mut bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let _knock = door.reached();
        bench.stop("fix-it");
        let view = bench.task_when("fix-it", "stopped", |view| view.session.as_ref().is_some_and(|it| !it.alive));
        bench.leave();
        let run = &view.task.session.as_ref().unwrap().id;
        let left = Home::at(place.path("orchestra-home")).run().join(format!("{run}.box"));
        dropbox::put(&left, &Submission::Artifact { text: "left behind".to_owned() }.into()).unwrap();
        bench.come_back();
        assert_eq!(bench.task("fix-it").state, State::Paused);
        bench.start("fix-it");
        bench.reaches("fix-it", State::Approval);
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "left behind");
    });
}

/// When the next engine comes: before or after the job's end.
#[derive(Clone, Copy, PartialEq)]
enum Comes {
    Early,
    Late,
}

fn gate(place: &Place, comes: Comes) {
    let (door, repository) = (place.door("door"), Repository::new(place, WILLING));
    repository.script("checks.sh", &counted(place, &door));
    let mut bench = Bench::open(place, &repository);
    bench.begin("fix-it", "checked", "Fix it");
    let knock = door.reached();
    bench.reaches("fix-it", State::Gating);
    bench.leave();
    if comes == Comes::Early {
        bench.come_back();
        assert_eq!(bench.task("fix-it").state, State::Gating);
    }
    knock.open();
    if comes == Comes::Late {
        bench.come_back();
    }
    let task = bench.reaches("fix-it", State::Approval);
    assert_eq!(place.lines("runs"), ["begun", "over"]);
    assert_eq!(task.iterations.iter().filter(|it| it.stage == "work").count(), 1);
    assert!(task.iterations.last().unwrap().gate.as_ref().unwrap().passed());
    // Nothing is left to do a second time.
    bench.leave();
    bench.come_back();
    assert_eq!(bench.task("fix-it").state, State::Approval);
    assert_eq!(place.lines("runs"), ["begun", "over"]);
}

/// A script that notes its begin and its end, with a door between.
fn counted(place: &Place, door: &Door) -> String {
    let runs = place.path("runs");
    format!("echo begun >>'{0}'\n{1}\necho over >>'{0}'", runs.display(), door.wait())
}

//! What a person decides: to send back, to stop and go on, to start afresh, to skip, to let it run by itself.

use orchestra::model::{NewTask, Outcome, Pause, ReasonKind, Request, State, Status, Trigger};

use crate::engine::{Bench, new_task};
use crate::place::alone;
use crate::repo::Repository;
use crate::{WILLING, artifact, stops_at};

/// R94.
#[test]
fn a_rejection_goes_to_the_same_conversation() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let first = bench.reaches("fix-it", State::Approval);
        bench.refused("fix-it", |project, task| Request::Reject {
            project,
            task,
            feedback: "  ".to_owned(),
            fresh: false,
        });
        bench.refused("fix-it", |project, task| Request::Merge { project, task, into: None });
        bench.ask("fix-it", |project, task| Request::Reject {
            project,
            task,
            feedback: "Shorter, please.".to_owned(),
            fresh: false,
        });
        let second = bench.task_when("fix-it", "is ready again", |view| {
            view.task.state == State::Approval && view.task.iterations.len() == 2
        });
        assert_eq!(second.task.iterations[0].outcome, Some(Outcome::Rejected));
        assert_eq!(second.task.conversations, first.conversations);
        let said = bench.said_to(first.conversation("work").unwrap());
        assert!(said.len() == 2 && said[1].contains("Shorter, please."), "{said:#?}");
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "again");
    });
}

/// R95.
#[test]
fn a_stopped_task_goes_on_with_its_conversation() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{submit: never}"));
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let _knock = door.reached();
        let conversation = bench.task("fix-it").conversation("work").unwrap().to_owned();
        bench.stop("fix-it");
        let view = bench.task_when("fix-it", "stopped", |view| view.session.as_ref().is_some_and(|it| !it.alive));
        assert_eq!(view.task.state, State::Paused);
        assert_eq!(view.task.reason.clone().unwrap().kind, ReasonKind::Paused(Pause::Person));
        bench.start("fix-it");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!(task.conversations, [("work".to_owned(), conversation.clone())]);
        let said = bench.said_to(&conversation);
        assert!(said.len() == 2 && said[1].contains("interrupted"), "{said:#?}");
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "went on");
        bench.screen("fix-it", "interrupted");
    });
}

/// R93.
#[test]
fn a_restart_begins_a_fresh_conversation() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let first = bench.reaches("fix-it", State::Approval);
        let old = first.conversation("work").unwrap().to_owned();
        bench.ask("fix-it", |project, task| Request::Restart { project, task });
        let second = bench.task_when("fix-it", "is ready again", |view| {
            view.task.state == State::Approval && view.task.iterations.len() == 2
        });
        let new = second.task.conversation("work").unwrap();
        assert_ne!(new, old);
        assert_eq!((bench.said_to(&old).len(), bench.said_to(new).len()), (1, 1));
        assert_eq!(second.task.iterations[1].trigger, Trigger::Restarted);
    });
}

/// R93.
#[test]
fn a_skip_and_a_way_back_to_an_earlier_stage() {
    alone(|place| {
        let script = "rules:\n  - {when: 'to this stage', steps: [{submit: another plan}]}\n  - {when: 'artifact `summary` by', steps: \
                      [{submit: the summary}]}\notherwise: [{ask: {question: Well?, options: [{label: yes}]}}]\n";
        let repository = Repository::new(place, script);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "checked", "Fix it");
        bench.reaches("fix-it", State::Asking);
        bench.ask("fix-it", |project, task| Request::Skip { project, task });
        let first = bench.reaches("fix-it", State::Approval);
        assert_eq!(first.iterations[0].outcome, Some(Outcome::Skipped));

        let unknown =
            |project, task| Request::SendToStage { project, task, stage: "nowhere".to_owned(), text: String::new() };
        assert!(bench.refused("fix-it", unknown).to_string().contains("plan, work"));
        let text = "Think again.".to_owned();
        bench.ask("fix-it", |project, task| Request::SendToStage { project, task, stage: "plan".to_owned(), text });
        let again = bench.task_when("fix-it", "is ready again", |view| {
            view.task.state == State::Approval && view.task.iterations.len() == 4
        });
        let plan = again.task.conversation("plan").unwrap();
        assert_eq!(Some(plan), first.conversation("plan"), "its own conversation goes on");
        let said = bench.said_to(plan);
        assert!(said.len() == 2 && said[1].contains("Think again."), "{said:#?}");
        assert_eq!(artifact(&repository, "fix-it", "plan").trim(), "another plan");
    });
}

/// R46.
#[test]
fn in_auto_mode_nobody_is_asked() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.made(NewTask { auto: true, start: true, ..new_task("one", "checked", "Fix it") });
        let task = bench.reaches("one", State::Done);
        assert!(!task.reviewed, "only a person reviews");
        bench.begin("two", "checked", "Fix it");
        bench.reaches("two", State::Approval);
        bench.ask("two", |project, task| Request::SetAuto { project, task, auto: true });
        bench.reaches("two", State::Done);
    });
}

#[test]
fn tasks_over_the_cap_wait_in_line() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{submit: done}"));
        repository.configure("max_running: 1");
        let bench = Bench::open(place, &repository);
        bench.begin("one", "quick", "Fix it");
        let knock = door.reached();
        bench.begin("two", "quick", "Fix it");
        bench.begin("three", "quick", "Fix it");
        let places = ["one", "two", "three"].map(|slug| bench.task_when(slug, "there", |_| true).queued);
        assert_eq!(places, [None, Some(1), Some(2)]);
        assert_eq!(bench.task("two").state, State::Queued);
        bench.stop("two");
        knock.open();
        bench.reaches("one", State::Approval);
        door.reached().open();
        bench.reaches("three", State::Approval);
        assert_eq!(bench.task("two").state, State::Paused);
    });
}

/// R88, R96.
#[test]
fn a_completed_task_that_is_talked_to_is_at_work_again_and_completed_by_agent_or_person() {
    alone(|place| {
        let door = place.door("door");
        let script = format!(
            "rules:\n  - {{when: 'Shorter', steps: [{{run: \"{}\"}}, {{say: it is short}}]}}\n  - {{when: 'artifact `summary` by', steps: \
             [{{run: orchestra complete}}]}}\notherwise: []\n",
            door.wait()
        );
        let repository = Repository::new(place, &script);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "solo", "Fix it");
        let task = bench.reaches("fix-it", State::Done);
        assert_eq!((task.status(), task.reviewed), (Status::Completed, false), "its agent completed it");
        bench.send("fix-it", "Shorter, please.");
        let knock = door.reached();
        let task = bench.reaches("fix-it", State::Working);
        assert_eq!((task.status(), task.iterations.len()), (Status::Running, 2));
        assert_eq!(task.iterations[1].trigger, Trigger::Talk);
        knock.open();
        assert_eq!(bench.reaches("fix-it", State::Quiet).status(), Status::Idle);
        bench.ask("fix-it", |project, task| Request::Complete { project, task });
        let task = bench.reaches("fix-it", State::Done);
        assert_eq!((task.status(), task.reviewed), (Status::Completed, false), "a person completed it");
    });
}

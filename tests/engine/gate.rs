//! Gates: what fails goes back to the same conversation, what hangs is ended.

use orchestra::model::{Outcome, Request, State, Trigger};

use crate::engine::Bench;
use crate::place::{alone, gone};
use crate::repo::Repository;
use crate::{WILLING, artifact};

/// R43, R44, R52, R53, R54, R55, R57, R138.
#[test]
fn what_the_gate_says_is_typed_into_the_same_conversation() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let runs = place.path("gates");
        let gate =
            format!("echo run >>'{}'\ntest -e fixed.txt || {{ echo nonce-4711 is missing; exit 1; }}", runs.display());
        repository.script("checks.sh", &gate);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "checked", "# Fix it\n\nPlease.");
        let task = bench.reaches("fix-it", State::Approval);

        let attempts: Vec<_> = task.iterations.iter().map(|it| (it.stage.as_str(), it.number, it.outcome)).collect();
        let expected = [("plan", 1, Some(Outcome::Passed)), ("work", 1, Some(Outcome::GateFailed)), ("work", 2, None)];
        assert_eq!(attempts, expected);
        assert!(matches!(&task.iterations[2].trigger, Trigger::Gate { text } if text.contains("nonce-4711")));
        assert_eq!(place.lines("gates").len(), 2);
        let stages: Vec<_> = task.conversations.iter().map(|(stage, _)| stage.as_str()).collect();
        assert_eq!(stages, ["plan", "work"], "one conversation a stage");
        let said = bench.said_to(task.conversation("work").unwrap());
        assert_eq!(said.len(), 2, "{said:#?}");
        assert!(said[0].contains("Please.") && said[0].contains("the plan"), "{}", said[0]);
        assert!(said[1].contains("nonce-4711 is missing"), "{}", said[1]);
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "mended");
        let log = task.iterations[1].gate.as_ref().unwrap().log.clone();
        assert_eq!(std::fs::read_to_string(log).unwrap().trim(), "nonce-4711 is missing");

        bench.approve("fix-it");
        assert!(bench.reaches("fix-it", State::Done).reviewed);
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.show("main", "fixed.txt"), "fixed");
        assert_eq!(repository.read("work.txt"), "work\n", "the person's checkout moved along");
    });
}

/// R59.
#[test]
fn a_gate_over_its_time_is_ended_with_all_that_it_started() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.flow("stuck", "{stages: [{name: work, artifact: summary, gate: {command: stuck.sh, timeout_seconds: 1, max_attempts: 1}}]}");
        let pids = place.path("pids");
        let start = format!(
            "sleep 1000 & echo $! >>'{0}'; setsid sh -c 'echo $$ >>\"{0}\"; exec sleep 1000' & sleep 1000",
            pids.display()
        );
        repository.script("stuck.sh", &format!("trap '' TERM\n{start}"));
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "stuck", "Fix it");
        let view = bench.task_when("fix-it", "failed", |view| view.task.state == State::Failed);
        let gate = view.task.iterations[0].gate.clone().unwrap();
        assert_eq!((gate.exit, gate.attempt), (None, 1));
        assert!(gate.text.contains("time limit"), "{}", gate.text);
        let pids = place.lines("pids");
        assert_eq!(pids.len(), 2);
        for pid in pids {
            assert!(gone(pid.parse().unwrap()), "{pid} of the gate lives on");
        }
    });
}

/// R56.
#[test]
fn a_gate_that_keeps_failing_is_counted_and_can_be_skipped() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.flow("hopeless", "{stages: [{name: work, artifact: summary, gate: {command: no.sh, max_attempts: 3}}], integration: {auto_merge: false}}");
        repository.script("no.sh", "echo never; exit 1");
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "hopeless", "Fix it");
        let view = bench.task_when("fix-it", "failed", |view| view.task.state == State::Failed);
        assert_eq!((view.same_failures, view.task.iterations.len()), (3, 3));
        assert!(bench.reason("fix-it").contains("3 of 3"), "{}", bench.reason("fix-it"));
        assert_eq!(bench.said_to(view.task.conversation("work").unwrap()).len(), 3);
        bench.ask("fix-it", |project, task| Request::Skip { project, task });
        bench.reaches("fix-it", State::Done);
    });
}

/// The person hears of it, and may try again: nothing waits for ever.
#[test]
fn a_gate_whose_output_cannot_be_kept_fails_the_task_and_says_why() {
    alone(|place| {
        let (door, repository) = (place.door("door"), Repository::new(place, WILLING));
        repository.script("checks.sh", &format!("{}; exit 0", door.wait()));
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "checked", "Fix it");
        let knock = door.reached();
        let logs = repository.root().join(".orchestra/.logs");
        let aside = place.path("logs");
        std::fs::rename(&logs, &aside).unwrap();
        std::fs::write(&logs, "in the way").unwrap();
        knock.open();
        bench.task_when("fix-it", "failed", |view| view.task.state == State::Failed);
        assert!(bench.reason("fix-it").contains(".logs"), "{}", bench.reason("fix-it"));
        std::fs::remove_file(&logs).unwrap();
        std::fs::rename(&aside, &logs).unwrap();
        bench.ask("fix-it", |project, task| Request::RunGate { project, task });
        door.reached().open();
        bench.reaches("fix-it", State::Approval);
    });
}

/// R56.
#[test]
fn a_loop_without_an_end_is_flagged_and_a_person_breaks_it() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.flow(
            "endless",
            "{stages: [{name: plan, artifact: plan, is_automated: true}, {name: work, artifact: summary, gate: {command: no.sh}}], \
             integration: {auto_merge: false}}",
        );
        let open = place.path("open");
        repository.script("no.sh", &format!("test -e '{}' || {{ echo never; exit 1; }}", open.display()));
        let bench = Bench::open(place, &repository);
        let loops = |slug: &str| {
            bench.begin(slug, "endless", "Fix it");
            bench.task_when(slug, "flagged", |view| view.same_failures >= 3 && view.task.iterations.len() > 4);
            assert!(bench.task(slug).state.is_busy(), "it goes on by itself");
        };
        loops("one");
        bench.ask("one", |project, task| Request::Skip { project, task });
        assert_eq!(bench.reaches("one", State::Done).iterations.last().unwrap().outcome, Some(Outcome::Skipped));

        loops("two");
        let text = "Think again.".to_owned();
        bench.ask("two", |project, task| Request::SendToStage { project, task, stage: "plan".to_owned(), text });
        let sent = bench.task_when("two", "at its plan", |view| {
            view.task.iterations.iter().any(|it| it.stage == "plan" && matches!(it.trigger, Trigger::Sent { .. }))
        });
        bench.stop("two");
        let before = sent.task.iterations.iter().position(|it| matches!(it.trigger, Trigger::Sent { .. })).unwrap() - 1;
        assert_eq!(sent.task.iterations[before].stage, "work");

        loops("three");
        let looped = bench.task("three").conversation("work").unwrap().to_owned();
        std::fs::write(open, "").unwrap();
        bench.ask("three", |project, task| Request::Restart { project, task });
        let task = bench.reaches("three", State::Approval);
        assert!(task.iterations.iter().any(|it| it.trigger == Trigger::Restarted));
        assert_ne!(task.conversation("work").unwrap(), looped, "with fresh eyes");
    });
}

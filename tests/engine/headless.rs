//! Agents that run headless: one turn, whose end is their exit.

use orchestra::model::{Decision, Pause, ReasonKind, Reply, Request, State};

use crate::engine::Bench;
use crate::place::{Place, alone, executable};
use crate::repo::Repository;
use crate::{WILLING, artifact};

/// A project with a flow of one stage that runs headless, by an agent that is this shell script. What the script is told is
/// in `told`, a file for each turn.
fn project(place: &Place, body: &str) -> Repository {
    let told = place.path("told");
    std::fs::create_dir_all(&told).unwrap();
    let script = format!(
        "#!/bin/sh\ntold='{0}'\nprintf '%s' \"$1\" >\"$told/$(ls \"$told\" | wc -l)\"\n{body}\n",
        told.display()
    );
    let script = place.write("clerk.sh", &script);
    executable(&script);
    let repository = Repository::new(place, WILLING);
    repository
        .agent("clerk", &format!("{{start: [no-such-program], headless: ['{}', '{{prompt}}']}}", script.display()));
    repository.flow("print", "{stages: [{name: work, artifact: summary, mode: headless, agent: clerk}]}");
    repository
}

fn told(place: &Place, turn: u32) -> String {
    std::fs::read_to_string(place.path(&format!("told/{turn}"))).unwrap_or_default()
}

#[test]
fn an_agent_without_a_result_is_reminded_and_hands_in() {
    alone(|place| {
        let body = "echo 'I look at it'\ncase \"$1\" in *'have not handed in'*) echo late | orchestra submit;; esac";
        let repository = project(place, body);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "print", "# Fix it\n\nPlease.");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!((task.iterations.len(), task.iterations[0].reminders), (1, 1));
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "late");
        assert!(told(place, 0).contains("# Task: Fix it") && !told(place, 0).contains("# Once more"));
        assert!(told(place, 1).contains("# Task: Fix it"), "it knows nothing of the first turn: {}", told(place, 1));
        assert!(told(place, 1).contains("You have not handed in the artifact `summary` yet"));
        assert!(repository.read(".orchestra/.logs/fix-it/work-1.turn-1.log").contains("I look at it"));
        assert!(repository.try_read(".orchestra/.logs/fix-it/work-1.turn-2.log").is_some());

        bench.ask("fix-it", |project, task| Request::Reject {
            project,
            task,
            feedback: "Shorter, please.".to_owned(),
            fresh: false,
        });
        bench.task_when("fix-it", "told", |view| view.task.iterations.len() == 2 && !told(place, 2).is_empty());
        assert!(told(place, 2).contains("Shorter, please."), "{}", told(place, 2));
        bench.reaches("fix-it", State::Approval);
    });
}

/// R73.
#[test]
fn an_agent_that_never_hands_in_is_reminded_three_times_and_then_needs_a_person() {
    alone(|place| {
        let body = "test -e \"$told/../willing\" || exit 3\necho at last | orchestra submit";
        let repository = project(place, body);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "print", "Fix it");
        let view = bench.task_when("fix-it", "paused", |view| view.task.state == State::Paused);
        assert_eq!(view.task.reason.clone().unwrap().kind, ReasonKind::Paused(Pause::Exited));
        let reason = bench.reason("fix-it");
        assert!(reason.contains("3 without having handed in `summary`, after 3 reminders"), "{reason}");
        assert!(told(place, 3).contains("(reminder 3)") && told(place, 4).is_empty(), "a turn and three reminders");
        place.write("willing", "");
        bench.start("fix-it");
        assert_eq!(bench.reaches("fix-it", State::Approval).iterations.len(), 1);
    });
}

#[test]
fn an_agent_without_a_print_mode_is_refused_with_the_next_step() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.agent("screen-only", "{start: [sh, -c, 'exit 0']}");
        repository.flow("print", "{stages: [{name: work, artifact: summary, mode: headless, agent: screen-only}]}");
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "print", "Fix it");
        bench.reaches("fix-it", State::Failed);
        let reason = bench.reason("fix-it");
        assert!(reason.contains("\"screen-only\" has no print mode") && reason.contains("`headless`"), "{reason}");
    });
}

#[test]
fn what_a_person_says_meanwhile_goes_with_the_next_launch_once() {
    alone(|place| {
        let door = place.door("door");
        let body =
            format!("case \"$1\" in *'have not handed in'*) echo done | orchestra submit;; *) {};; esac", door.wait());
        let repository = project(place, &body);
        let mut bench = Bench::open(place, &repository);
        bench.begin("fix-it", "print", "Fix it");
        let knock = door.reached();
        bench.task_when("fix-it", "has an agent", |view| view.session.as_ref().is_some_and(|it| it.alive));
        let Reply::Sent { message: Some(message), .. } = bench.send("fix-it", "Use tabs.") else {
            panic!("it is said that the message waits")
        };
        assert!(message.contains("waits"), "{message}");
        bench.leave();
        bench.come_back();
        knock.open();
        bench.reaches("fix-it", State::Approval);
        assert!(told(place, 1).contains("# A person says\n\nUse tabs."), "{}", told(place, 1));
        bench
            .task_when("fix-it", "has no message left", |view| view.session.as_ref().is_some_and(|it| it.waiting == 0));
        bench.ask("fix-it", |project, task| Request::Reject {
            project,
            task,
            feedback: "You have not handed in all.".to_owned(),
            fresh: false,
        });
        bench.task_when("fix-it", "works again", |_| !told(place, 2).is_empty());
        assert!(!told(place, 2).contains("Use tabs."), "it was told that already");
        bench.reaches("fix-it", State::Approval);
    });
}

#[test]
fn a_reminder_goes_on_with_the_same_conversation_where_the_agent_can() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let rules =
            "rules:\n  - {when: 'have not handed in', steps: [{submit: at last}]}\notherwise: [{say: I look at it}]\n";
        let script = place.write("rules.yaml", rules);
        let line = |more: &str| {
            format!(
                "[orchestra, demo-agent, --print, --script, '{}', --conversation, '{{conversation}}'{more}, --, '{{prompt}}']",
                script.display()
            )
        };
        repository.agent(
            "printer",
            &format!(
                "{{start: [none], headless: {}, headless_resume: {}, conversation: preset}}",
                line(""),
                line(", --resume")
            ),
        );
        repository.flow("print", "{stages: [{name: work, artifact: summary, mode: headless, agent: printer}]}");
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "print", "Fix it");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!(task.conversations.len(), 1);
        let said = bench.said_to(task.conversation("work").unwrap());
        assert!(said.len() == 2 && said[1].starts_with("You have not handed in"), "{said:#?}");
    });
}

/// R70, R73.
#[test]
fn a_verdict_that_is_printed_is_checked_and_counts() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let judge = place.write(
            "judge.sh",
            "#!/bin/sh\ncase \"$1\" in\n*'does not count'*) printf 'I looked.\\n```json\\n{\"decision\": \"reject\", \"reason\": \"no \
             tests\", \"route_to\": \"work\"}\\n```\\n';;\n*) echo 'It is bad.';;\nesac\n",
        );
        executable(&judge);
        repository.agent("judge", &format!("{{start: ['{}', '{{prompt}}'], artifact: stdout}}", judge.display()));
        repository.flow(
            "judged",
            "{stages: [{name: work, artifact: summary, is_automated: true}, {name: review, artifact: verdict, mode: headless, \
             agent: judge, gate: true}]}",
        );
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "judged", "Fix it");
        let task = bench.reaches("fix-it", State::Verdict);
        let verdict = task.iterations.last().unwrap().verdict.clone().unwrap();
        assert_eq!((verdict.decision, verdict.reason.as_str()), (Decision::Reject, "no tests"));
        assert_eq!(task.iterations.last().unwrap().reminders, 1, "words alone are no verdict");
        bench.notice("it must be JSON");
    });
}

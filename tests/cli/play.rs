//! A whole flow in the foreground.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::place::executable;
use crate::{Desk, WILLING, in_place};

fn events(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

#[test]
fn a_flow_goes_to_its_end_without_a_person() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        desk.repository.script("checks.sh", "test -e fixed.txt");
        let refused = desk.run(&["play", "Fix it", "--flow", "checked"]);
        assert!(refused.code == 4 && refused.err.contains("orchestra trust"), "{refused:?}");
        let played = desk.run(&["play", "Fix it", "--flow", "checked", "--trust", "--timeout", "120", "--json"]);
        assert_eq!(played.code, 0, "{played:?}");
        let events = events(&played.raw);
        let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
        let stages: Vec<_> = of("stage").iter().map(|it| (it["stage"].clone(), it["iteration"].clone())).collect();
        assert_eq!(stages, [("plan".into(), 1.into()), ("work".into(), 1.into()), ("work".into(), 2.into())]);
        let gates: Vec<_> = of("gate").iter().map(|it| (it["exit"].as_i64(), it["attempt"].as_u64())).collect();
        assert_eq!(gates, [(Some(1), Some(1)), (Some(0), Some(2))]);
        let end = events.last().unwrap();
        assert_eq!((&end["event"], &end["exit"], &end["task"]["state"]), (&"end".into(), &0.into(), &"done".into()));
        let slug = end["task"]["slug"].as_str().unwrap();
        assert!(desk.done(&["merge", slug, "-y"]).contains("merged"));
    });
}

/// R140.
#[test]
fn lines_tell_how_it_goes() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        desk.repository.flow(
            "straight",
            "{stages: [{name: work, artifact: summary}], integration: {strategy: rebase, auto_merge: true}}",
        );
        desk.done(&["trust", "--trust"]);
        let played = desk.run(&["play", "Fix it", "--flow", "straight", "--timeout", "120"]);
        assert_eq!(played.code, 0, "{played:?}");
        let slug = played.out.split_whitespace().next().unwrap();
        let lines: Vec<_> = played.out.lines().map(|line| line.replace(slug, "SLUG")).collect();
        assert_eq!(lines[0], "SLUG  started on task/SLUG, flow straight");
        assert!(lines.contains(&"SLUG  work 1/1".to_owned()), "{lines:#?}");
        assert_eq!(lines.last().unwrap(), "SLUG is merged into main");
    });
}

/// `clerk` has a print mode and no other, the scripted agent has none: each runs in the way that it can.
#[test]
fn agents_run_in_print_mode_where_they_have_one() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        let clerk = place.write("clerk.sh", "#!/bin/sh\necho printed | orchestra submit\n");
        executable(&clerk);
        desk.repository.agent("clerk", &format!("{{start: [no-such-program], headless: ['{}']}}", clerk.display()));
        desk.repository.flow(
            "both",
            "{stages: [{name: plan, artifact: plan, agent: clerk}, {name: work, artifact: summary}], integration: {auto_merge: false}}",
        );
        desk.done(&["trust", "--trust"]);
        let played = desk.run(&["play", "Fix it", "--flow", "both", "--timeout", "120", "--json"]);
        assert_eq!(played.code, 0, "{played:?}");
        let end = events(&played.raw).pop().unwrap();
        let slug = end["task"]["slug"].as_str().unwrap();
        assert_eq!(desk.repository.read(&format!(".orchestra/.artifacts/{slug}/plan.md")).trim(), "printed");
        let interactive = desk.run(&["play", "Fix it", "--flow", "both", "--interactive", "--timeout", "120"]);
        assert!(interactive.code == 1 && interactive.err.contains("no-such-program"), "{interactive:?}");
    });
}

#[test]
fn what_needs_a_person_ends_it_with_4() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        let played = desk.run(&["play", "Fix it", "--flow", "quick", "--no-auto", "--timeout", "120"]);
        assert_eq!(played.code, 4, "{played:?}");
        assert!(
            played.err.contains("needs you, it is approval") && played.err.contains("orchestra approve"),
            "{played:?}"
        );
    });
}

#[test]
fn questions_end_it_with_the_way_to_answer_them() {
    in_place(|place| {
        let ask = r#"echo '{"questions": [{"question": "Which parser?"}]}' | orchestra submit --questions -"#;
        let desk = Desk::new(place, &format!("rules: []\notherwise: [{{run: {}}}]\n", serde_json::json!(ask)));
        let asked = desk.run(&["play", "Fix it", "--flow", "quick", "--no-auto"]);
        assert_eq!(asked.code, 4, "{asked:?}");
        let slug = asked.out.split_whitespace().next().unwrap();
        let wanted = format!("✗ {slug} asks:\nWhich parser?\norchestra answer {slug} answers.\n");
        assert!(asked.err.ends_with(&wanted), "{asked:?}");
        let told = desk.run(&["play", "Fix it", "--flow", "quick", "--no-auto", "--json"]);
        let end = events(&told.raw).pop().unwrap();
        assert!(end["message"].as_str().unwrap().ends_with("asks:\nWhich parser?"), "{end}");
    });
}

#[test]
fn a_task_that_fails_ends_it_with_1() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.repository.script("worktree_setup.sh", "exit 1");
        desk.done(&["trust", "--trust"]);
        let played = desk.run(&["play", "Fix it", "--timeout", "120"]);
        assert!(
            played.code == 1 && played.err.contains("has failed") && played.err.contains("orchestra retry"),
            "{played:?}"
        );
    });
}

#[test]
fn a_budget_stops_the_task_and_keeps_it() {
    in_place(|place| {
        let script = "rules: [{when: '.', steps: [{submit: done}]}]\notherwise: []\n";
        let desk = Desk::new(place, script);
        desk.repository.script("checks.sh", "exit 1");
        desk.done(&["trust", "--trust"]);
        let played = desk.run(&["play", "Fix it", "--flow", "checked", "--max-attempts", "2", "--json"]);
        assert_eq!(played.code, 6, "{played:?}");
        let events = events(&played.raw);
        let end = events.last().unwrap();
        assert_eq!((&end["task"]["state"], &end["task"]["reason"]["kind"]), (&"paused".into(), &"budget".into()));
        assert_eq!(end["task"]["reason"]["text"], "the gate of work has failed 2 times");
        assert!(end["message"].as_str().unwrap().starts_with("the gate of work has failed 2 times"), "{end}");
        assert!(end["hint"].as_str().unwrap().contains("orchestra start"), "{end}");
        let late = desk.run(&["play", "Fix it", "--flow", "checked", "--timeout", "0"]);
        assert!(late.code == 6 && late.err.contains("is stopped"), "{late:?}");
        let listed = desk.json(&["status", "--json"]);
        let tasks = listed["tasks"].as_array().unwrap();
        let states: Vec<_> = tasks.iter().map(|it| (&it["state"], &it["reason"]["kind"])).collect();
        assert_eq!(states, [(&"paused".into(), &"budget".into()); 2]);
        assert!(
            tasks[1]["reason"]["text"].as_str().unwrap().ends_with("has not come to its end within 0 s"),
            "{listed}"
        );
    });
}

#[test]
fn an_interrupt_leaves_the_task_and_a_second_one_stops_it() {
    in_place(|place| {
        let desk = Desk::new(place, "rules: []\notherwise: [{say: waiting}, {pause: 600000}]\n");
        for (interrupts, told, state) in [(1, "it goes on", "working"), (2, "stopped", "paused")] {
            let mut command = desk.command(&["play", "Fix it", "--flow", "quick"]);
            let mut playing = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(playing.stdout.take().unwrap()).lines().map(Result::unwrap);
            let slug = lines.next().unwrap().split_whitespace().next().unwrap().to_owned();
            lines.find(|line| line.contains("work 1/1")).unwrap();
            let mut errors = BufReader::new(playing.stderr.take().unwrap());
            let pid = Pid::from_raw(i32::try_from(playing.id()).unwrap()).unwrap();
            kill_process(pid, Signal::INT).unwrap();
            let mut said = String::new();
            errors.read_line(&mut said).unwrap();
            assert!(said.contains("Ctrl-C again stops it"), "{said}");
            if interrupts == 2 {
                kill_process(pid, Signal::INT).unwrap();
            }
            errors.read_to_string(&mut said).unwrap();
            assert_eq!(playing.wait().unwrap().code(), Some(130), "{said}");
            assert!(said.contains(told), "{said}");
            assert_eq!(desk.json(&["status", &slug, "--json"])["task"]["state"], state);
            if interrupts == 1 {
                desk.done(&["stop", &slug]);
            }
        }
    });
}

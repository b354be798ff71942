//! Waiting, and following what is printed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use crate::repo::Repository;
use crate::{Desk, in_place};

/// Hands in once it is let through the door.
fn script(door: &crate::place::Door) -> String {
    format!(
        "rules:\n  - {{when: 'artifact `summary` by', steps: [{{run: \"{}\"}}, {{submit: the summary}}]}}\notherwise: [{{say: heard}}]\n",
        door.wait()
    )
}

#[test]
fn waits_for_what_comes_and_not_longer() {
    in_place(|place| {
        let door = place.door("door");
        let desk = Desk::new(place, &script(&door));
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "quick", "--start"]);
        let knock = door.reached();
        let early = desk.run(&["wait", "fix-it", "--until", "approval", "--timeout", "1"]);
        insta::assert_snapshot!(early.shown(), @r"
        stderr: ✗ fix-it has not come to approval within 1 s. orchestra explain TASK says why.
        exit 6
        ");
        insta::assert_snapshot!(desk.shown(&["wait", "fix-it", "--until", "approval", "--timeout", "0", "--json"]), @r#"
        {"error":{"code":"timeout","hint":"orchestra explain TASK says why.","message":"fix-it has not come to approval within 0 s."}}
        exit 6
        "#);
        let mut waiting =
            desk.command(&["wait", "fix-it", "--until", "approval"]).stdout(Stdio::piped()).spawn().unwrap();
        knock.open();
        assert!(waiting.wait().unwrap().success());
        insta::assert_snapshot!(desk.shown(&["wait", "fix-it", "--until", "idle"]), @"fix-it has come to approval");
        desk.done(&["approve", "fix-it"]);
        insta::assert_snapshot!(desk.shown(&["wait", "fix-it", "--until", "completed"]), @"fix-it has come to done");
        insta::assert_snapshot!(desk.shown(&["wait", "fix-it", "--until", "frobnicated"]), @r"
        stderr: error: invalid value 'frobnicated' for '--until <STATE>': it is one of draft, setup, queued, working, gating, scripting, integrating, waiting, children, quiet, asking, approval, verdict, paused, blocked, failed, done, merged, archived, running, idle, completed, reviewed

        For more information, try '--help'.
        exit 2
        ");
        insta::assert_snapshot!(desk.shown(&["wait", "nobody", "--until", "done"]), @r#"
        stderr: ✗ there is no task "nobody" in my-app. All of them: orchestra status
        exit 3
        "#);
    });
}

#[test]
fn a_failed_and_a_deleted_task_end_it_with_1() {
    in_place(|place| {
        let desk = Desk::new(place, "rules: []\notherwise: [{say: waiting}]\n");
        desk.repository.script("worktree_setup.sh", "echo no; exit 1");
        desk.done(&["trust", "--trust"]);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--start"]);
        let failed = desk.run(&["wait", "fix-it", "--until", "completed", "--timeout", "60"]);
        assert!(failed.code == 1 && failed.out.contains("the setup script exited 1"), "{failed:?}");
        assert_eq!(desk.run(&["wait", "fix-it", "--until", "failed", "--timeout", "60"]).code, 0);
        insta::assert_snapshot!(desk.shown(&["logs", "fix-it", "--setup"]), @"no");
        desk.repository.script("worktree_setup.sh", "exit 0");
        desk.done(&["trust", "--trust"]);
        insta::assert_snapshot!(desk.shown(&["retry", "fix-it"]), @"fix-it tries again");
        // One that has not looked yet finds no task, which is another answer.
        let codes = (0..50).map(|index| {
            let slug = format!("task-{index}");
            desk.done(&["new", &slug, "-d", "Fix it"]);
            let wait = &["wait", &slug, "--until", "merged", "--json"];
            let waiting = desk.command(wait).stdout(Stdio::piped()).spawn().unwrap();
            desk.done(&["delete", &slug, "-y"]);
            let output = waiting.wait_with_output().unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        });
        let (_, text) = codes
            .inspect(|(code, text)| assert!(matches!(code, Some(1 | 3)), "{text}"))
            .find(|(code, _)| *code == Some(1))
            .unwrap();
        assert!(text.contains("was deleted"), "{text}");
    });
}

#[test]
fn logs_are_followed_to_the_end() {
    in_place(|place| {
        let desk = Desk::untrusted(place, "rules: []\notherwise: []\n");
        let door = place.door("door");
        let agent = place.write("agent.sh", &format!("echo first line\n{}\necho second line\n", door.wait()));
        desk.repository
            .agent("plain", &format!("{{start: [sh, '{}', '{{prompt}}'], conversation: none}}", agent.display()));
        desk.done(&["trust", "--trust"]);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--agent", "plain", "--start"]);
        let knock = door.reached();
        let mut following = desk.command(&["logs", "fix-it", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(following.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.next().as_deref(), Some("first line"));
        knock.open();
        assert_eq!(lines.next().as_deref(), Some("second line"));
        assert!(following.wait().unwrap().success());
        insta::assert_snapshot!(desk.shown(&["logs", "fix-it"]), @r"
        first line
        second line
        ");
        insta::assert_snapshot!(desk.shown(&["logs", "fix-it", "--lines", "1"]), @"second line");
        insta::assert_snapshot!(desk.shown(&["logs", "fix-it", "--gate"]), @r"
        stderr: ✗ no gate has run for fix-it.
        exit 3
        ");
    });
}

/// The same agent at both stages.
const TWICE: &str =
    "{stages: [{name: plan, artifact: plan, is_automated: true}, {name: work, artifact: summary, is_automated: true}]}";

/// An agent that says no word to the engine: all that is known of it is what it prints.
fn follow<'a>(
    desk: &'a Desk<'_>,
    (flow, script): (&str, &str),
    more: &[&str],
) -> (Child, impl Iterator<Item = String> + use<'a>) {
    let agent = desk.place.write("agent.sh", &format!("stty -echo\n{script}"));
    let entry = format!("{{start: [sh, '{}', '{{prompt}}'], conversation: none, artifact: stdout}}", agent.display());
    desk.repository.agent("plain", &entry);
    desk.repository.flow("own", flow);
    desk.done(&["trust", "--trust"]);
    desk.done(&["new", "fix-it", "-d", "Fix it", "--agent", "plain", "--flow", "own", "--start"]);
    let mut following = desk.command(&[&["logs", "fix-it", "--follow"], more].concat());
    let mut following = following.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(following.stdout.take().unwrap()).lines().map(Result::unwrap);
    (following, lines)
}

fn numbers(from: u32, to: u32) -> Vec<String> {
    (from..=to).map(|number| format!("line {number}")).collect()
}

#[test]
fn every_line_is_followed_once_from_stage_to_stage_and_engine_to_engine() {
    in_place(|place| {
        let desk = Desk::untrusted(place, "rules: []\notherwise: []\n");
        let doors = ["one", "two", "three", "four", "five"].map(|name| place.door(name));
        let count =
            |from: u32, to: u32| format!("i={from}; while [ $i -le {to} ]; do echo line $i; i=$((i+1)); done\n");
        let first = place.path("first").display().to_string();
        let script = format!(
            "if mkdir '{first}' 2>/dev/null; then\n{}{}\n{}{}\n{}{}\nprintf 'no end'\nelse\n{}\n{}{}\nfi\n",
            count(1, 3),
            doors[0].wait(),
            count(4, 400),
            doors[1].wait(),
            count(401, 402),
            doors[4].wait(),
            doors[2].wait(),
            count(501, 502),
            doors[3].wait(),
        );
        let (mut following, mut lines) = follow(&desk, (TWICE, &script), &[]);
        let mut next = |count: usize| lines.by_ref().take(count).collect::<Vec<_>>();
        let knock = doors[0].reached();
        assert_eq!(next(3), numbers(1, 3));
        knock.open();
        // More than a screen at once.
        assert_eq!(next(397), numbers(4, 400));
        let knock = doors[1].reached();
        desk.done(&["rpc", "engine.handover"]);
        knock.open();
        assert_eq!(next(2), numbers(401, 402));
        doors[4].reached().open();
        assert_eq!(next(1), ["no end"]);
        doors[2].reached().open();
        assert_eq!(next(2), numbers(501, 502));
        doors[3].reached().open();
        assert_eq!(next(1), [""; 0]);
        assert!(following.wait().unwrap().success());
    });
}

#[test]
fn agents_that_end_at_once_are_followed_too() {
    in_place(|place| {
        let desk = Desk::untrusted(place, "rules: []\notherwise: []\n");
        let door = place.door("door");
        let count = place.path("count").display().to_string();
        // Every agent but the first one has gone before anybody can look.
        let script =
            format!("echo x >>'{count}'\nset -- $(wc -l <'{count}')\necho agent $1\n[ $1 -gt 1 ] || {}\n", door.wait());
        let stages = ["one", "two", "three", "four", "five", "six"]
            .map(|name| format!("{{name: {name}, artifact: {name}, is_automated: true}}"));
        let flow = format!("{{stages: [{}]}}", stages.join(", "));
        let (mut following, mut lines) = follow(&desk, (&flow, &script), &[]);
        assert_eq!(lines.next().as_deref(), Some("agent 1"));
        door.reached().open();
        assert_eq!(lines.collect::<Vec<_>>(), [2, 3, 4, 5, 6].map(|number| format!("agent {number}")));
        assert!(following.wait().unwrap().success());
    });
}

#[test]
fn a_stage_that_is_a_script_does_not_end_it() {
    in_place(|place| {
        let desk = Desk::untrusted(place, "rules: []\notherwise: []\n");
        let door = place.door("door");
        let go = place.path("go").display().to_string();
        desk.repository.script("format.sh", &format!("until test -e '{go}'; do :; done"));
        let script = "{name: format, artifact: log, is_automated: true, script: {command: format.sh}}";
        let flow = TWICE.replace("}, {", &format!("}}, {script}, {{"));
        let (mut following, mut lines) = follow(&desk, (&flow, &format!("echo at work\n{}\n", door.wait())), &[]);
        assert_eq!(lines.next().as_deref(), Some("at work"));
        door.reached().open();
        desk.done(&["wait", "fix-it", "--until", "scripting", "--timeout", "60"]);
        place.write("go", "");
        assert_eq!(lines.next().as_deref(), Some("at work"), "the agent of the stage after it");
        door.reached().open();
        assert_eq!(lines.next(), None);
        assert!(following.wait().unwrap().success());
    });
}

#[test]
fn what_draws_on_the_whole_screen_is_said_once() {
    in_place(|place| {
        let desk = Desk::untrusted(place, "rules: []\notherwise: []\n");
        let door = place.door("one");
        let script = format!(
            "echo before\nprintf '\\033[?1049h'\necho hidden\n{}\nprintf '\\033[?1049l'\necho after\n",
            door.wait()
        );
        let (mut following, mut lines) = follow(&desk, (TWICE, &script), &["--json"]);
        let mut line = || {
            let object: serde_json::Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
            object["line"].as_str().unwrap().to_owned()
        };
        assert_eq!(line(), "before");
        let mut told = BufReader::new(following.stderr.take().unwrap()).lines().map(Result::unwrap);
        let why = told.next().unwrap();
        assert!(why.contains("fix-it draws on the whole screen") && why.contains("orchestra attach fix-it"), "{why}");
        door.reached().open();
        assert_eq!(line(), "after");
        // The next stage does the same.
        assert_eq!(line(), "before");
        door.reached().open();
        assert_eq!(line(), "after");
        assert_eq!(told.next(), None);
        assert!(following.wait().unwrap().success());
    });
}

/// R43, R54, R98, R146.
#[test]
fn gates_have_logs_of_their_own() {
    in_place(|place| {
        let repository = Repository::new(place, crate::WILLING);
        repository.script("checks.sh", "echo looking; test -e fixed.txt");
        let folder = repository.root().to_owned();
        let desk = Desk { place, repository, folder };
        desk.done(&["trust", "--trust"]);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "checked", "--start"]);
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        insta::assert_snapshot!(desk.shown(&["logs", "fix-it", "--gate"]), @"looking");
        insta::assert_snapshot!(desk.shown(&["logs", "fix-it", "--gate", "1"]), @"looking");
        insta::assert_snapshot!(desk.shown(&["logs", "fix-it", "--gate", "9"]), @r"
        stderr: ✗ the gate of fix-it has run 2 times.
        exit 3
        ");
        insta::assert_snapshot!(desk.shown(&["show", "fix-it"]), @r"
        ◆ fix-it
        state         approval (idle), now
        flow          checked, work 2/2
        agent         scripted, permissions edits
        branch        task/fix-it, 0 commits ahead of main
        diff          2 files  +2 0
        worktree      $PLACE/orchestra-home/worktrees/my-app-ID/fix-it
        conversation  UUID
        plan 1        $PLACE/my-app/.orchestra/.artifacts/fix-it/history/plan-1.md
        summary 1     $PLACE/my-app/.orchestra/.artifacts/fix-it/history/work-1.md
        summary 2     $PLACE/my-app/.orchestra/.artifacts/fix-it/history/work-2.md
        activity log  $PLACE/my-app/.orchestra/.artifacts/fix-it/activity_log.md

        attempts
          plan 1   passed
            prompt: $PLACE/my-app/.orchestra/.logs/fix-it/plan-1.prompt.md
          work 1   gate failed   gate exited 1: $PLACE/my-app/.orchestra/.logs/fix-it/work-2.log
            prompt: $PLACE/my-app/.orchestra/.logs/fix-it/work-1.prompt.md
          work 2   goes on   after gate   gate passed: $PLACE/my-app/.orchestra/.logs/fix-it/work-3.log

        description
          Fix it
        ");
    });
}

//! What agents took, and the budget of a task.

use crate::place::executable;
use crate::{Desk, in_place};

/// Its print mode tells what each turn took, and hands in when it has been asked three times.
const CLERK: &str = r#"#!/bin/sh
echo turn >>"$HOME/turns"
echo '{"is": "turn", "read": 60, "kept": 1000, "wrote": 40, "usd": 0.755}'
if [ "$(wc -l <"$HOME/turns")" -gt 2 ]; then echo done | orchestra submit; fi
"#;

const MANIFEST: &str = "agent: clerk
budget: {tokens: 150}
agents:
  clerk:
    start: [no-such-program]
    headless: ['CLERK', '{prompt}']
    prompt: argument
    usage: {when: {/is: turn}, input: [/read], cached: [/kept], output: [/wrote], cost: [/usd]}
";

/// R109.
#[test]
fn a_task_that_has_used_up_its_budget_is_paused_and_may_go_on() {
    in_place(|place| {
        let desk = Desk::untrusted(place, "");
        let clerk = place.write("clerk.sh", CLERK);
        executable(&clerk);
        desk.repository.write(".orchestra/config.yaml", &MANIFEST.replace("CLERK", &clerk.to_string_lossy()));
        desk.repository.flow("print", "{stages: [{name: work, artifact: summary, mode: headless}]}");
        desk.done(&["trust", "--trust"]);
        insta::assert_snapshot!(desk.shown(&["usage"]), @"no agent has told what it took");
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "print", "--start"]);
        desk.done(&["wait", "fix-it", "--until", "paused", "--timeout", "60"]);
        let task = desk.json(&["status", "fix-it", "--json"])["task"].clone();
        let reason = &task["reason"];
        assert_eq!(reason["kind"], "budget", "{task}");
        insta::assert_snapshot!(reason["text"].as_str().unwrap(), @"150 tokens (`budget.tokens`) are used up: 200; started again, it may take as much again");
        desk.done(&["start", "fix-it"]);
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        let figures = |out: &str| out.lines().last().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(figures(&desk.done(&["usage"]))[..5], ["fix-it", "clerk", "180", "3,000", "120"]);
        assert_eq!(figures(&desk.done(&["usage", "fix-it"]))[..6], ["work", "clerk", "180", "3,000", "120", "$2.27"]);
        let shown = desk.done(&["show", "fix-it"]);
        assert!(shown.contains("180 tokens read, 120 written, $2.27\n"), "{shown}");
        let usage = desk.json(&["usage", "--json"]);
        assert_eq!((&usage["total"]["input"], &usage["total"]["dollars"]), (&180.into(), &2.265.into()));
        assert_eq!(usage["usage"][0]["task"], "fix-it");
    });
}

//! The shapes of `--json`: fields are added later, never renamed.

use serde_json::Value;

use crate::{Desk, WILLING, in_place};

/// The names in an object, in lists and objects below it as well; values are words for their types.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(list) => Value::Array(list.first().map(shape).into_iter().collect()),
        Value::Null => Value::Null,
        Value::Bool(_) => "flag".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
    }
}

#[test]
fn results_are_one_object_of_a_stable_shape() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        let made = desk.json(&["new", "fix-it", "-d", "Fix it", "--flow", "checked", "--start", "--json"]);
        insta::assert_json_snapshot!(shape(&made), @r#"
        {
          "task": {
            "after": [],
            "agent": "text",
            "ahead": "number",
            "auto": "flag",
            "base_branch": "text",
            "branch": "text",
            "children": [],
            "created_at": "text",
            "diff": {
              "added": "number",
              "files": "number",
              "removed": "number"
            },
            "flow": "text",
            "gate_attempt": "number",
            "id": "number",
            "isolation": "text",
            "iteration": "number",
            "model": null,
            "parent": null,
            "permissions": "text",
            "reason": null,
            "session": null,
            "slug": "text",
            "stage": "text",
            "stage_count": "number",
            "stage_index": "number",
            "state": "text",
            "status": "text",
            "title": "text",
            "unread": "flag",
            "updated_at": "text",
            "waits_for": [],
            "worktree": null
          }
        }
        "#);
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        let shown = desk.json(&["show", "fix-it", "--json"]);
        insta::assert_json_snapshot!(shape(&shown), @r#"
        {
          "task": {
            "activity_log": "text",
            "after": [],
            "agent": "text",
            "ahead": "number",
            "artifacts": [
              {
                "iteration": "number",
                "name": "text",
                "path": "text",
                "stage": "text"
              }
            ],
            "auto": "flag",
            "base_branch": "text",
            "branch": "text",
            "children": [],
            "conversation": "text",
            "created_at": "text",
            "description": "text",
            "diff": {
              "added": "number",
              "files": "number",
              "removed": "number"
            },
            "due": {
              "asks": "flag",
              "earlier_stages": [
                "text"
              ],
              "output": "text"
            },
            "flow": "text",
            "gate_attempt": "number",
            "id": "number",
            "isolation": "text",
            "iteration": "number",
            "iterations": [
              {
                "agent": "text",
                "artifact": "text",
                "commits": [],
                "ended_at": "text",
                "gate": null,
                "log": null,
                "number": "number",
                "outcome": "text",
                "prompt": "text",
                "questions": [],
                "script": null,
                "stage": "text",
                "started_at": "text",
                "subtasks": null,
                "told": null,
                "trigger": "text",
                "verdict": null
              }
            ],
            "messages": [],
            "model": null,
            "parent": null,
            "permissions": "text",
            "questions": [],
            "reason": null,
            "resources": [],
            "session": "text",
            "slug": "text",
            "stage": "text",
            "stage_count": "number",
            "stage_index": "number",
            "stages": [
              "text"
            ],
            "state": "text",
            "status": "text",
            "subtasks": null,
            "title": "text",
            "unread": "flag",
            "updated_at": "text",
            "usage": {
              "cached": "number",
              "dollars": "number",
              "input": "number",
              "output": "number"
            },
            "verdict": null,
            "waits_for": [],
            "worktree": "text"
          }
        }
        "#);
        let status = desk.json(&["status", "--json"]);
        assert_eq!(shape(&status["tasks"][0]), shape(&desk.json(&["status", "fix-it", "--json"])["task"]));
        insta::assert_json_snapshot!(shape(&status["project"]), @r#"
        {
          "branch": "text",
          "faults": [],
          "flows": [
            {
              "name": "text",
              "stages": [
                "text"
              ]
            }
          ],
          "id": "text",
          "initialized": "flag",
          "max_running": "number",
          "name": "text",
          "root": "text",
          "running": "number",
          "tasks": "number",
          "trouble": null
        }
        "#);
        let all = desk.json(&["status", "--all", "--json"]);
        assert_eq!(all["projects"][0], status);
        for (args, wanted) in [
            (&["explain", "fix-it"][..], "facts"),
            (&["path", "fix-it"], "path"),
            (&["spec", "fix-it"], "text"),
            (&["diff", "fix-it"], "files"),
            (&["logs", "fix-it"], "text"),
            (&["logs", "fix-it", "--gate"], "path"),
            (&["prompt", "fix-it"], "text"),
            (&["templates"], "templates"),
            (&["messages", "fix-it"], "messages"),
            (&["merge", "fix-it", "--facts"], "merge"),
            (&["projects"], "projects"),
            (&["agents"], "agents"),
            (&["trust", "--list"], "trust"),
            (&["config"], "settings"),
            (&["config", "check"], "files"),
            (&["doctor"], "findings"),
            (&["version"], "engine"),
            (&["send", "fix-it", "hello"], "done"),
            (&["unread", "fix-it"], "task"),
            (&["stop", "fix-it"], "task"),
            (&["delete", "fix-it", "-y"], "deleted"),
        ] {
            let args: Vec<_> = args.iter().copied().chain(["--json"]).collect();
            let found = desk.json(&args);
            assert!(found.get(wanted).is_some(), "{args:?}: {found}");
        }
    });
}

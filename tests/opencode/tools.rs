//! The tools that OpenCode gets by itself, beside the servers and the rules of the user's own settings.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::fs;

use serde_json::{Value, json};

use super::agents::Workplace;
use super::place::in_place;
use super::scene::Scene;

const FLOW: &str = "\
version: 2
flows:
  judged:
    stages:
      - {name: work, artifact: summary, mode: headless}
      - {name: review, artifact: verdict, mode: interactive, capabilities: {approval: {rejection_stage: work}}}
";

/// No command is run: all that ends a stage is a tool.
const CALLER: &str = r#"{"rules": [
  {"match": {"user": "WORKER"}, "steps": [
    {"mcp": "submit_artifact", "server": "orchestra", "args": {"content": "Made by a tool.", "summary": "one call"}}, {"text": "Done."}]},
  {"match": {"user": "REVIEWER.*Made by a tool"}, "steps": [
    {"mcp": "submit_verdict", "server": "orchestra", "args": {"decision": "approve", "reason": "It is."}}, {"text": "Done."}]}
]}"#;

/// R72.
#[test]
fn real_agent_stages_end_by_tools_beside_the_users_own() {
    let Some(workplace) = Workplace::opencode(CALLER) else { return };
    in_place(|place| {
        let file = workplace.home().join(".config/opencode/opencode.json");
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        config["mcp"]["mine"] =
            json!({"type": "local", "command": [env!("CARGO_BIN_EXE_orchestra"), "mcp"], "enabled": true});
        config["permission"] = json!({"*": "ask"});
        fs::write(&file, config.to_string()).unwrap();
        let scene = Scene::new(
            place,
            &workplace,
            FLOW,
            &[("work", "You are the WORKER."), ("review", "You are the REVIEWER.")],
        );
        scene.permit("edits");
        scene.commit();
        scene.run("by-tool", "judged", "Make it.");
        let ends = [("work", "passed"), ("review", "passed")].map(|(stage, end)| (stage.to_owned(), end.to_owned()));
        assert_eq!(scene.way("by-tool"), ends);
        assert_eq!(scene.repository.read(".orchestra/.artifacts/by-tool/summary.md").trim(), "Made by a tool.");
        let requests = workplace.server.requests();
        let offers = |words: &str, name: &str| {
            let asked = requests.iter().filter(|it| it["aux"] == false && it["text"].as_str().unwrap().contains(words));
            asked.flat_map(|it| it["offers"].as_array().unwrap()).any(|tool| tool == name)
        };
        assert!(offers("WORKER", "orchestra_submit_artifact") && !offers("WORKER", "orchestra_submit_verdict"));
        assert!(offers("REVIEWER", "orchestra_submit_verdict") && offers("REVIEWER", "mine_get_task"));
        // OpenCode adds the name of its schema by itself.
        let now: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(now["mcp"], config["mcp"], "the user's file names no server of ours");
        scene.end();
    });
}

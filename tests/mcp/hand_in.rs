//! What the agent of a session may do by its tools.

use serde_json::json;

use crate::at_desk;

const READS: [&str; 3] = ["get_diff", "get_task", "list_sessions"];

/// What every session may do with messages.
const TALKS: [&str; 2] = ["send_message_to_session", "read_messages"];
/// What the designer may do, and whoever takes a task apart.
const LEADS: [&str; 6] = ["create_task", "spawn_executor", "start_task", "stop_task", "read_session", "request_merge"];

fn with_reads(names: &[&str]) -> Vec<String> {
    names.iter().chain(&TALKS).chain(&READS).map(|name| (*name).to_owned()).collect()
}

/// R72, R73.
#[test]
fn a_stage_ends_by_a_tool() {
    at_desk(|desk| {
        let mut talk = desk.task("fix-it", "quick");
        let hello = talk.greet();
        assert_eq!(
            (&hello["protocolVersion"], &hello["serverInfo"]["name"]),
            (&json!("2025-06-18"), &json!("orchestra"))
        );
        let own = ["submit_artifact", "ask_questions", "report_blocked", "report_failed", "complete_task"];
        assert_eq!(talk.tools(), with_reads(&own));
        assert_eq!(talk.done("get_task", &json!({}))["slug"], "fix-it");
        let sessions = talk.done("list_sessions", &json!({}));
        assert_eq!(sessions["sessions"][0]["id"], "fix-it", "{sessions}");
        assert_eq!(talk.tool("get_diff", &json!({"task": "fix-it"})).text, "no changes");

        let mut refused = |name: &str, arguments| talk.refused(name, &arguments);
        insta::assert_snapshot!(refused("submit_artifact", json!({"content": " "})), @"the text is empty. Give all of it as content");
        insta::assert_snapshot!(refused("submit_artifact", json!({"contents": "x"})), @"contents: there is no such parameter. Nearest: content");
        insta::assert_snapshot!(refused("submit_artifact", json!({})), @"missing field `content`.");
        insta::assert_snapshot!(refused("submit_verdict", json!({"decision": "approve", "reason": "good"})), @"this stage gives no verdict. Stage work ends with a text: orchestra submit");
        insta::assert_snapshot!(refused("ask_questions", json!({"questions": []})), @"1 to 20 questions at once, not 0.");
        insta::assert_snapshot!(refused("create_task", json!({"title": "More", "description": "x"})), @"task.new is refused to the session fix-it: that takes the designer or a person; a stage that proposes subtasks makes them below its own task.");
        insta::assert_snapshot!(refused("complete_task", json!({"task": "other", "summary": "x"})), @"summary: only a task's own agent hands in for it. Leave it out");
        insta::assert_snapshot!(refused("submit_artefact", json!({"content": "x"})), @r#"there is no tool "submit_artefact". Nearest: submit_artifact"#);
        let huge = refused("submit_artifact", json!({"content": "x".repeat(6 << 20)}));
        insta::assert_snapshot!(huge, @"the arguments have 6 MB, 5 are the most. Hand in a summary");

        let said = talk.tool("submit_artifact", &json!({"content": "All of it.", "summary": "did it"}));
        assert_eq!(said.data["accepted"], true, "{said:?}");
        assert_eq!(said.text, "submitted. End your turn now; the gate and the review come next.");
        assert!(talk.end().is_empty());
        desk.reaches("fix-it", "approval");
        let shown = desk.show("fix-it");
        let artifact = std::fs::read_to_string(shown["artifacts"][0]["path"].as_str().unwrap()).unwrap();
        assert!(artifact.contains("All of it."), "{artifact}");
        assert_eq!(shown["iterations"][0]["log"], "did it");
    });
}

#[test]
fn what_a_stage_ends_with_tells_its_tools() {
    at_desk(|desk| {
        let mut talk = desk.task("judge-it", "judged");
        talk.greet();
        assert_eq!(talk.tools(), with_reads(&["submit_artifact", "report_blocked", "report_failed", "complete_task"]));
        talk.done("submit_artifact", &json!({"content": "Made it."}));
        talk.end();
        let mut talk = desk.again("judge-it");
        talk.greet();
        assert_eq!(talk.tools(), with_reads(&["submit_verdict", "report_blocked", "report_failed", "complete_task"]));
        let refused =
            talk.refused("submit_verdict", &json!({"decision": "reject", "reason": "no", "route_to": "plan"}));
        assert_eq!(refused, "a rejection goes back to an earlier stage, not to \"plan\". One of: work");
        talk.done("submit_verdict", &json!({"decision": "reject", "reason": "no tests", "route_to": "work"}));
        talk.end();
        desk.reaches("judge-it", "verdict");
        assert_eq!(desk.show("judge-it")["verdict"]["reason"], "no tests");

        let mut talk = desk.task("split-it", "apart");
        talk.greet();
        let own = ["propose_subtasks", "ask_questions", "report_blocked", "report_failed", "complete_task"];
        let own = own.iter().chain(&TALKS).chain(&LEADS).chain(&READS).copied().collect::<Vec<_>>();
        assert_eq!(talk.tools(), own);
        let draft =
            |depends_on| json!({"title": "One", "description": "x", "instructions": "y", "depends_on": [depends_on]});
        let refused = talk.refused("propose_subtasks", &json!({"summary": "s", "subtasks": [draft(0)]}));
        assert!(refused.contains("in a circle"), "{refused}");
        let question = json!({"question": "Which?", "options": [{"label": "This"}]});
        let said = talk.tool("ask_questions", &json!({"questions": [question]}));
        assert_eq!(said.text, "asked. End your turn now; the answers come as a message.");
        talk.end();
        desk.reaches("split-it", "asking");

        let mut talk = desk.task("stuck", "quick");
        talk.greet();
        talk.done("report_blocked", &json!({"reason": "no server"}));
        desk.reaches("stuck", "blocked");
        talk.end();
    });
}

/// R98.
#[test]
fn fault_p7_the_tools_outlive_their_engine() {
    at_desk(|desk| {
        let mut talk = desk.task("fix-it", "quick");
        talk.greet();
        desk.kill_engine();
        assert_eq!(talk.done("get_task", &json!({}))["slug"], "fix-it", "it starts another engine");
        desk.kill_engine();
        let said = talk.tool("submit_artifact", &json!({"content": "All of it."}));
        assert!(!said.is_error && said.text.contains("left for the engine"), "{said:?}");
        talk.end();
        desk.reaches("fix-it", "approval");
    });
}

#[test]
fn the_designer_makes_and_starts_tasks() {
    at_desk(|desk| {
        desk.make_pipes("main");
        desk.done(&["rpc", "session.start_designer"]);
        let mut talk = desk.again("main");
        talk.greet();
        let own: Vec<_> = ["complete_task"].iter().chain(&TALKS).chain(&LEADS).chain(&READS).copied().collect();
        assert_eq!(talk.tools(), own);
        let new = json!({"title": "Fix it", "description": "# Fix it", "slug": "fix-it", "flow": "quick", "agent": "scripted"});
        assert_eq!(talk.done("create_task", &new)["task"]["state"], "draft");
        talk.done("start_task", &json!({"task": "fix-it"}));
        desk.reaches("fix-it", "approval");
        assert!(talk.tool("get_diff", &json!({"task": "fix-it"})).text.contains("work.txt"));
        let refused = talk.refused("submit_artifact", &json!({"content": "x"}));
        assert_eq!(refused, "submit_artifact is not for this session. tools/list has what is");
        assert_eq!(talk.done("complete_task", &json!({"task": "fix-it"}))["task"]["state"], "done");
        talk.end();
    });
}

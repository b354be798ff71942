//! The server started by a person, and clients that misbehave.

use serde_json::json;

use crate::at_desk;
use crate::talk::Talk;

/// R96.
#[test]
fn fault_j5_by_hand_it_only_reads() {
    at_desk(|desk| {
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "quick"]);
        for args in [&["mcp"][..], &["mcp", "--session", "fix-it"], &["mcp", "--session", "main"]] {
            let (mut talk, mut child) = Talk::to(desk.command(args));
            talk.greet();
            assert_eq!(talk.tools(), ["get_diff", "get_task", "list_sessions"], "{args:?}");
            assert_eq!(talk.done("get_task", &json!({"task": "fix-it"}))["state"], "draft");
            let refused = talk.refused("get_task", &json!({}));
            assert_eq!(refused, "this is no session of a task. Name a task; list_sessions shows them");
            for (name, arguments) in [
                ("submit_artifact", json!({"content": "x"})),
                ("report_failed", json!({"reason": "x"})),
                ("complete_task", json!({"task": "fix-it"})),
                ("start_task", json!({"task": "fix-it"})),
                ("create_task", json!({"title": "x", "description": "y"})),
                ("spawn_executor", json!({"title": "x", "description": "y"})),
                ("request_merge", json!({"task": "fix-it"})),
                ("read_messages", json!({})),
                ("send_message_to_session", json!({"session_id": "main", "message": "QUESTION: who am I?"})),
            ] {
                let refused = talk.refused(name, &arguments);
                assert_eq!(refused, format!("{name} is not for this session. tools/list has what is"));
            }
            talk.end();
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(desk.show("fix-it")["state"], "draft");
    });
}

/// R96.
#[test]
fn fault_j5_words_of_a_session_that_is_over_count_for_nothing() {
    at_desk(|desk| {
        let mut talk = desk.task("fix-it", "quick");
        talk.greet();
        let old = desk.place.path("orchestra-home/run/old-run.box");
        let root = desk.repository.root().to_str().unwrap();
        let claims = [
            ("ORCHESTRA_TASK_SLUG", "fix-it"),
            ("ORCHESTRA_SESSION_DIR", old.to_str().unwrap()),
            ("ORCHESTRA_PROJECT_ROOT", root),
        ];
        let mut command = desk.command(&["mcp", "--session", "fix-it"]);
        let (mut liar, mut child) = Talk::to({
            command.envs(claims);
            command
        });
        liar.greet();
        let refused = liar.refused("submit_artifact", &json!({"content": "x"}));
        assert_eq!(refused, "this session of fix-it is over: nothing was handed in.");
        liar.end();
        child.wait().unwrap();
        let other = desk.command(&["mcp", "--session", "other"]).envs(claims).output().unwrap();
        let said = String::from_utf8_lossy(&other.stderr).into_owned();
        assert_eq!(other.status.code(), Some(2), "{said}");
        assert!(said.contains("this process belongs to session fix-it, not to other."), "{said}");
        talk.done("submit_artifact", &json!({"content": "The agent's own."}));
        talk.end();
        desk.reaches("fix-it", "approval");
    });
}

#[test]
fn fault_j1_what_is_no_call_is_answered_and_the_server_lives() {
    at_desk(|desk| {
        let (mut talk, mut child) = Talk::to(desk.command(&["mcp"]));
        let code = |talk: &mut Talk, line: &str| talk.line(line)["error"]["code"].as_i64().unwrap();
        talk.write(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n\n");
        assert_eq!(code(&mut talk, r#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}"#), -32_601);
        assert_eq!(code(&mut talk, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#), -32_600);
        assert_eq!(code(&mut talk, "nonsense"), -32_700);
        talk.greet();
        assert_eq!(code(&mut talk, "{"), -32_700);
        assert_eq!(code(&mut talk, "[]"), -32_600);
        assert_eq!(talk.call("resources/list", &json!({}))["error"]["code"], -32_601);
        assert_eq!(talk.call("tools/call", &json!({"name": "get_task", "arguments": 7}))["error"]["code"], -32_602);
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(17 << 20));
        assert_eq!(code(&mut talk, &long), -32_600);
        // In pieces, and two at once.
        talk.write(b"{\"jsonrpc\":\"2.0\",\"id\":\"a\",");
        talk.write(b"\"method\":\"ping\"}\r\n{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"method\":\"ping\"}\n");
        let ids = [talk.hear(), talk.hear()].map(|answer| answer["id"].as_str().unwrap().to_owned());
        assert!(ids.contains(&"a".to_owned()) && ids.contains(&"b".to_owned()), "{ids:?}");
        assert_eq!(talk.tools().len(), 3);
        // What is under way at the end is answered.
        talk.write(
            b"{\"jsonrpc\":\"2.0\",\"id\":99,\"method\":\"tools/call\",\"params\":{\"name\":\"list_sessions\"}}\n",
        );
        let rest = talk.end();
        assert_eq!((rest.len(), &rest[0]["id"]), (1, &json!(99)), "{rest:?}");
        assert!(child.wait().unwrap().success());
    });
}

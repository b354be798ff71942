//! What agents say to one another by their tools, and what that does to their tasks.

use serde_json::{Value, json};

use crate::talk::Talk;
use crate::{Desk, at_desk};

/// The designer, whose agent does nothing but serve tools to the test.
fn designer(desk: &Desk<'_>) -> Talk {
    desk.make_pipes("main");
    desk.done(&["rpc", "session.start_designer"]);
    let mut talk = desk.again("main");
    let told = talk.greet()["instructions"].as_str().unwrap().to_owned();
    assert!(told.starts_with(&desk.done(&["prompt", "main"])), "it is told of its place: {told}");
    talk
}

fn executor(desk: &Desk<'_>, slug: &str, flow: &str) -> Talk {
    let mut talk = desk.task(slug, flow);
    let told = talk.greet()["instructions"].as_str().unwrap().to_owned();
    assert!(!told.contains("You are the designer"), "{told}");
    assert!(desk.done(&["prompt", slug]).contains("# Your place\n\nYou are an executor"));
    talk
}

fn say(session: &str, message: &str) -> Value {
    json!({"session_id": session, "message": message})
}

/// Settings of the designer, for the next engine.
fn settings(desk: &Desk<'_>, line: &str) {
    let config = desk.repository.read(".orchestra/config.yaml");
    desk.repository.write(".orchestra/config.yaml", &format!("{config}designer: {{{line}}}\n"));
    desk.kill_engine();
    desk.done(&["trust", "--trust"]);
}

/// The texts of the messages of an answer.
fn texts(answer: &Value) -> Vec<&str> {
    answer["messages"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect()
}

fn refusals(desk: &Desk<'_>) -> String {
    std::fs::read_to_string(desk.place.path("orchestra-home/logs/refused.log")).unwrap_or_default()
}

/// R112, R114, R116.
#[test]
fn the_designer_spawns_an_executor_and_both_write() {
    at_desk(|desk| {
        let mut main = designer(desk);
        desk.make_pipes("fix-it");
        let new =
            json!({"title": "Fix it", "description": "# Fix it", "slug": "fix-it", "flow": "solo", "agent": "talker"});
        let spawned = main.done("spawn_executor", &new);
        assert_eq!(spawned["task"]["slug"], "fix-it", "{spawned}");
        let mut own = desk.again("fix-it");
        own.greet();

        let told = own.tool("send_message_to_session", &say("main", "I begin with the tests."));
        assert_eq!(told.text, "main is at work; the message waits until it rests", "{told:?}");
        assert_eq!(told.data["done"]["delivery"], "queued");
        let first = told.data["done"]["id"].as_i64().unwrap();
        main.done("send_message_to_session", &say("fix-it", "Good."));
        let all = own.done("read_messages", &json!({}));
        assert_eq!(texts(&all), ["I begin with the tests.", "Good."]);
        assert_eq!((&all["messages"][0]["sender"], &all["messages"][1]["sender"]), (&json!("fix-it"), &json!("main")));
        assert_eq!(texts(&main.done("read_messages", &json!({"since": first}))), ["Good."]);
        assert_eq!(desk.show("fix-it")["state"], "working", "it only told");
        assert_eq!(
            desk.json(&["messages", "fix-it", "--since", &first.to_string(), "--json"])["messages"][0]["text"],
            "Good."
        );

        let said = main.tool("read_session", &json!({"task": "fix-it"}));
        assert!(!said.is_error && said.data["alive"] == true, "{said:?}");
        let refused = main.refused("request_merge", &json!({"task": "fix-it"}));
        assert_eq!(refused, "cannot merge fix-it: it is still at work; orchestra stop fix-it stops it");
        main.done("stop_task", &json!({"task": "fix-it"}));
        desk.reaches("fix-it", "paused");
        drop(own);
        main.end();
    });
}

/// R113, R118.
#[test]
fn the_first_word_of_a_message_moves_the_task() {
    at_desk(|desk| {
        let mut own = executor(desk, "fix-it", "solo");
        let state = |desk: &Desk<'_>| {
            let task = desk.show("fix-it");
            (task["state"].as_str().unwrap().to_owned(), task["reason"]["text"].as_str().unwrap_or_default().to_owned())
        };
        for (message, wanted) in
            [("QUESTION: 'AuthService'?", "asking"), ("BLOCKED: no server", "blocked"), ("ERROR: no pytest", "asking")]
        {
            own.done("send_message_to_session", &say("main", message));
            desk.reaches("fix-it", wanted);
            let text = message.strip_prefix("BLOCKED: ").unwrap_or(message);
            assert_eq!(state(desk), (wanted.to_owned(), text.to_owned()));
        }
        own.done("send_message_to_session", &say("main", " QUESTION: not at the first byte"));
        assert_eq!(state(desk).1, "ERROR: no pytest");
        let refused = own.refused("send_message_to_session", &say("main", "COMPLETE:  "));
        assert_eq!(refused, "what follows COMPLETE: is empty.");
        let told = own.tool("send_message_to_session", &say("main", "COMPLETE: Rate limits.\n\nAll 31 tests pass."));
        assert!(told.text.starts_with("submitted. End your turn now;"), "{told:?}");
        assert!(told.text.ends_with("main does not run; the message waits until it does"), "{told:?}");
        own.end();
        desk.reaches("fix-it", "done");
        let shown = desk.show("fix-it");
        assert_eq!(shown["status"], "completed", "reviewing is a person's");
        let artifact = std::fs::read_to_string(shown["artifacts"][0]["path"].as_str().unwrap()).unwrap();
        assert!(artifact.contains("Rate limits.\n\nAll 31 tests pass."), "{artifact}");
        // No designer runs: they wait, each once, and are shown.
        let messages = desk.json(&["messages", "main", "--json"]);
        assert_eq!(texts(&messages).len(), 5, "{messages}");
        assert!(messages["messages"].as_array().unwrap().iter().all(|it| it["delivery"] == "queued"), "{messages}");
    });
}

#[test]
fn what_a_first_word_hands_in_is_checked_by_its_stage() {
    at_desk(|desk| {
        let mut own = executor(desk, "strict-it", "judged");
        let refused = own.refused("send_message_to_session", &say("main", "QUESTION: may I?"));
        assert_eq!(refused, "stage work asks no questions. Decide yourself, and say so in the result");
        own.done("send_message_to_session", &say("main", "ERROR: no pytest"));
        desk.reaches("strict-it", "asking");
        own.end();
        let mut judge = executor(desk, "judge-it", "apart");
        let refused = judge.refused("send_message_to_session", &say("main", "COMPLETE: done"));
        assert!(refused.starts_with("a text alone does not end this stage."), "{refused}");
        assert!(texts(&desk.json(&["messages", "judge-it", "--json"])).is_empty(), "what is refused is not kept");
        judge.end();
    });
}

/// R89, R116.
#[test]
fn fault_j4_what_is_refused_says_why_and_is_noted() {
    at_desk(|desk| {
        let mut main = designer(desk);
        let other = executor(desk, "other", "solo");
        let mut own = executor(desk, "fix-it", "solo");
        let huge = "x".repeat((64 << 10) + 1);
        for (name, arguments, why) in [
            (
                "send_message_to_session",
                say("other", "hi"),
                "an executor writes to main, to its parent and to its subtasks only",
            ),
            ("send_message_to_session", say("main", &huge), "the message has 64 KB, 64 are the most."),
            ("send_message_to_session", say("main", " "), "the message is empty."),
            ("read_session", json!({"task": "other"}), "an executor sees itself and its subtasks only"),
            ("get_diff", json!({"task": "other"}), "an executor sees its task and its subtasks only"),
            ("start_task", json!({"task": "other"}), "that takes the designer, a parent or a person"),
            ("stop_task", json!({"task": "fix-it"}), "that takes the designer, a parent or a person"),
            ("request_merge", json!({"task": "other"}), "that takes the designer, a parent or a person"),
            ("complete_task", json!({"task": "other"}), "an executor has its own task only"),
            ("create_task", json!({"title": "x", "description": "y"}), "that takes the designer or a person"),
            ("spawn_executor", json!({"title": "x", "description": "y"}), "that takes the designer or a person"),
        ] {
            let refused = own.refused(name, &arguments);
            assert!(refused.contains(why), "{name}: {refused}");
            assert!(refusals(desk).lines().last().is_some_and(|line| line.contains(" fix-it ") && line.contains(why)));
        }
        own.refused("submit_artifact", &json!({"content": "x".repeat(6 << 20)}));
        assert!(refusals(desk).contains("fix-it submit_artifact: the arguments have 6 MB"));
        let missing = main.refused("send_message_to_session", &say("nobody", "hi"));
        assert_eq!(missing, "there is no session nobody. list_sessions shows them; the designer is main");
        assert_eq!(
            main.refused("send_message_to_session", &say("main", "hi")),
            "main is this session itself. list_sessions shows the others"
        );
        // One may not be reviewed, merged or deleted by whatever it runs: those are no tools at all.
        for name in ["merge_task", "review_task", "delete_task"] {
            assert!(main.refused(name, &json!({"task": "fix-it"})).starts_with("there is no tool"));
        }
        assert!(texts(&desk.json(&["messages", "main", "--json"])).is_empty());
        drop((main, own, other));
    });
}

/// R117.
#[test]
fn fault_j4_a_flood_of_messages_is_stopped() {
    at_desk(|desk| {
        let mut own = executor(desk, "fix-it", "solo");
        for n in 0..20 {
            own.done("send_message_to_session", &say("main", &format!("{n}")));
        }
        let refused = own.refused("send_message_to_session", &say("main", "one more"));
        assert_eq!(refused, "20 messages of yours wait for main already. End your turn, and wait for an answer");
        own.end();
    });
}

#[test]
fn fault_j4_agents_that_talk_on_and_on_wait_for_a_person() {
    at_desk(|desk| {
        settings(desk, "max_messages: 4");
        let mut main = designer(desk);
        let mut own = executor(desk, "fix-it", "solo");
        for _ in 0..2 {
            own.done("send_message_to_session", &say("main", "ping"));
            main.done("send_message_to_session", &say("fix-it", "pong"));
        }
        let why = "fix-it and main sent each other 4 messages, and no person said a word.";
        let refused = own.refused("send_message_to_session", &say("main", "ping"));
        assert_eq!(refused, format!("{why} End your turn: a person has to look first"));
        desk.reaches("fix-it", "asking");
        assert_eq!(desk.show("fix-it")["reason"]["text"], why);
        desk.done(&["send", "fix-it", "Settle it: pong."]);
        own.done("send_message_to_session", &say("main", "ping"));
        drop((main, own));
    });
}

/// R115: a subtask reports to its parent's session, and nobody else's.
#[test]
fn a_stage_that_takes_its_task_apart_spawns_below_itself() {
    at_desk(|desk| {
        let mut lead = executor(desk, "lead", "apart");
        desk.make_pipes("piece");
        let new = json!({"title": "A piece", "description": "x", "slug": "piece", "flow": "quick", "agent": "talker"});
        assert_eq!(lead.done("spawn_executor", &new)["task"]["parent"], "lead");
        let mut piece = desk.again("piece");
        piece.greet();
        piece.done("send_message_to_session", &say("lead", "QUESTION: which format?"));
        desk.reaches("piece", "asking");
        lead.done("send_message_to_session", &say("piece", "JSON."));
        assert_eq!(texts(&lead.done("read_messages", &json!({}))), ["QUESTION: which format?", "JSON."]);
        assert!(!lead.tool("get_diff", &json!({"task": "piece"})).is_error);
        piece.refused("send_message_to_session", &say("piece", "hi"));
        let up = piece.refused("get_diff", &json!({"task": "lead"}));
        assert!(up.contains("an executor sees its task and its subtasks only"), "{up}");
        lead.done("stop_task", &json!({"task": "piece"}));
        drop((lead, piece));
    });
}

/// R96, R116.
#[test]
fn a_person_confirms_the_merge_that_an_agent_asks_for() {
    at_desk(|desk| {
        let mut main = designer(desk);
        let mut own = executor(desk, "fix-it", "solo");
        own.done("send_message_to_session", &say("main", "COMPLETE: It is made."));
        own.end();
        desk.reaches("fix-it", "done");
        let asked = main.tool("request_merge", &json!({"task": "fix-it"}));
        assert_eq!(asked.text, "fix-it is done. a person is asked to merge fix-it", "{asked:?}");
        let task = desk.show("fix-it");
        assert_eq!((&task["state"], &task["reason"]["kind"]), (&json!("done"), &json!("merge_asked")));
        assert_eq!(task["reason"]["text"], "main asks for the merge; orchestra merge fix-it merges it");
        main.end();
    });
    at_desk(|desk| {
        settings(desk, "may_merge: true");
        let mut main = designer(desk);
        executor(desk, "fix-it", "solo").done("send_message_to_session", &say("main", "COMPLETE: It is made."));
        desk.reaches("fix-it", "done");
        let asked = main.tool("request_merge", &json!({"task": "fix-it"}));
        assert_eq!(asked.text, "fix-it is integrating. merging fix-it", "a person's standing consent");
        desk.reaches("fix-it", "merged");
        main.end();
    });
}

use serde_json::json;

use super::*;

fn told(facts: impl IntoIterator<Item = AgentFact>) -> Vec<String> {
    let word = |fact| {
        Some(match fact {
            AgentFact::Activity { activity: Activity::Asking { text } } => format!("asking {text}"),
            AgentFact::Activity { activity } => format!("{activity:?}").to_lowercase(),
            AgentFact::Tool { name, detail, at } => format!("tool {name} {detail} @{}", at.as_millisecond()),
            AgentFact::Conversation { id } => format!("conversation {id}"),
            AgentFact::Title { text } => format!("title {text}"),
            AgentFact::Usage { .. } => return None,
        })
    };
    facts.into_iter().filter_map(word).collect()
}

fn events(interpreter: &mut Interpreter, events: &[Value]) -> Vec<String> {
    told(events.iter().flat_map(|event| interpreter.event(event, Timestamp::UNIX_EPOCH)).collect::<Vec<_>>())
}

fn recorded(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn status(session: &str, status: &str) -> Value {
    json!({"type": "session.status", "properties": {"sessionID": session, "status": {"type": status}}})
}

const PERMISSION: &str = include_str!("recorded/opencode_permission.jsonl");
const QUESTION: &str = include_str!("recorded/opencode_question.jsonl");

#[test]
fn a_recorded_turn_with_a_permission() {
    let facts = events(&mut Interpreter::default(), &recorded(PERMISSION));
    assert_eq!(
        facts,
        [
            "conversation ses_e03ac018fffeVoRtw7v9gYZ2J7",
            "working",
            "title Test session",
            "tool write /home/ada/task/a.txt @1795234728184",
            "tool bash ls @1795234728552",
            "asking bash: ls",
            "working",
            "resting",
            "working",
            "tool bash orchestra submit <<'EOF' @1795234742192",
            "resting",
        ]
    );
}

#[test]
fn a_recorded_turn_with_a_question_a_refusal_and_an_interrupt() {
    let facts = events(&mut Interpreter::default(), &recorded(QUESTION));
    let tools_and_states: Vec<_> =
        facts.iter().skip(3).map(|fact| fact.split(" @").next().unwrap_or_default()).collect();
    assert_eq!(
        tools_and_states,
        [
            "asking Which colour? (Red · Blue)",
            "tool question ",
            "working",
            "resting",
            "working",
            "tool bash echo hi; rm -rf zz $(date)",
            "asking bash: echo hi; rm -rf zz $(date)",
            "working",
            "resting",
            "working",
            "resting",
        ]
    );
}

#[test]
fn events_that_come_twice_say_nothing_new() {
    let twice: Vec<_> = recorded(PERMISSION).into_iter().flat_map(|event| [event.clone(), event]).collect();
    assert_eq!(events(&mut Interpreter::default(), &twice), events(&mut Interpreter::default(), &recorded(PERMISSION)));
}

#[test]
fn a_sub_agent_ends_no_turn_but_its_dialogs_count() {
    let mut interpreter = Interpreter::new(Some("ses_1".to_owned()));
    let facts = events(
        &mut interpreter,
        &[
            status("ses_1", "busy"),
            json!({"type": "session.created", "properties": {"info": {"id": "ses_2", "parentID": "ses_1", "title": "t"}}}),
            json!({"type": "message.updated", "properties": {"info": {"sessionID": "ses_2", "role": "user"}}}),
            status("ses_2", "busy"),
            json!({"type": "permission.asked", "properties": {"id": "per_1", "sessionID": "ses_2", "permission": "edit"}}),
            json!({"type": "permission.replied", "properties": {"sessionID": "ses_2", "requestID": "per_1"}}),
            status("ses_2", "idle"),
            json!({"type": "session.idle", "properties": {"sessionID": "ses_2"}}),
            status("ses_1", "idle"),
        ],
    );
    assert_eq!(facts, ["working", "asking edit", "working", "resting"]);
}

#[test]
fn a_person_who_begins_a_new_conversation_takes_us_along() {
    let mut interpreter = Interpreter::new(Some("ses_1".to_owned()));
    let facts = events(
        &mut interpreter,
        &[
            status("ses_1", "idle"),
            json!({"type": "session.created", "properties": {"info": {"id": "ses_9", "title": "New session - x"}}}),
            json!({"type": "message.updated", "properties": {"info": {"sessionID": "ses_9", "role": "user"}}}),
            status("ses_9", "busy"),
            status("ses_1", "idle"),
        ],
    );
    assert_eq!(facts, ["resting", "conversation ses_9", "working"]);
}

#[test]
fn state_after_a_connection_replaces_what_was_missed() {
    let mut interpreter = Interpreter::new(Some("ses_1".to_owned()));
    let ask = json!([{"id": "per_1", "permission": "bash", "metadata": {"command": "\n make all\nx"}}]);
    let none = json!([]);
    let busy = json!({"ses_1": {"type": "retry"}});
    assert_eq!(told(interpreter.state(&busy, &ask, &none)), ["asking bash: make all"]);
    assert_eq!(told(interpreter.state(&busy, &none, &none)), ["working"]);
    assert_eq!(told(interpreter.state(&json!({}), &none, &none)), ["resting"]);
    assert_eq!(told(interpreter.state(&json!({}), &none, &none)), [""; 0]);
    assert_eq!(told(Interpreter::default().state(&json!({}), &none, &none)), [""; 0], "not at work yet");
}

#[test]
fn nonsense_is_no_fact() {
    let mut interpreter = Interpreter::new(Some("ses_1".to_owned()));
    for event in [
        json!(null),
        json!([]),
        json!({"type": 7}),
        json!({"type": "session.status", "properties": {"sessionID": "ses_1", "status": 7}}),
        json!({"type": "message.part.updated", "properties": {"sessionID": "ses_1", "part": {"type": "tool"}}}),
        json!({"type": "permission.asked", "properties": []}),
        json!({"type": "session.created"}),
    ] {
        assert_eq!(events(&mut interpreter, &[event]), [""; 0]);
    }
}

/// R109.
#[test]
fn each_call_of_a_model_is_counted_once_its_sub_agents_too() {
    let finish = |session: &str, id: &str, cost: f64| {
        let tokens = json!({"input": 10, "output": 2, "reasoning": 3, "cache": {"read": 7, "write": 5}});
        json!({"type": "message.part.updated", "properties": {"sessionID": session,
            "part": {"type": "step-finish", "id": id, "tokens": tokens, "cost": cost}}})
    };
    let mut interpreter = Interpreter::new(Some("ses_1".to_owned()));
    let all = [finish("ses_1", "prt_1", 0.5), finish("ses_2", "prt_2", 0.0), finish("ses_1", "prt_1", 0.5)];
    let usage = |cost| Usage { input: 15, cached: 7, output: 5, cost };
    let fact = |id: &str, cost| AgentFact::Usage { id: id.to_owned(), usage: usage(cost) };
    let told: Vec<_> = all.iter().flat_map(|event| interpreter.event(event, Timestamp::UNIX_EPOCH)).collect();
    assert_eq!(told, [fact("prt_1", 500_000), fact("prt_2", 0)]);
    let parts = |id| json!({"parts": [{"type": "text"}, finish("ses_1", id, 0.25)["properties"]["part"]]});
    assert_eq!(interpreter.taken(&json!([parts("prt_1"), parts("prt_3")])), [fact("prt_3", 250_000)]);
}

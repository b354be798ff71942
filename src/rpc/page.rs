//! `docs/rpc.md`: the schema of the socket as a page for people.

use std::fmt::Write as _;

use serde_json::Value;

use super::call::REQUEST_KEY;
use super::schema::{KINDS, schema, word};
use super::wire::{PROTOCOL, number_of};

#[test]
fn the_page_is_fresh() {
    crate::docs::assert_fresh("docs/rpc.md", &page());
}

fn page() -> String {
    let schema = schema();
    let mut page = INTRODUCTION.replace("{protocol}", &PROTOCOL.to_string());
    let mut line = |text: String| {
        // Writing to a string does not fail.
        let _ = writeln!(page, "{text}");
    };
    line("## Methods\n\n| method | parameters | result | |\n| --- | --- | --- | --- |".to_owned());
    for (name, method) in schema["methods"].as_object().into_iter().flatten() {
        let about = method["about"].as_str().unwrap_or_default().replace('\n', " ");
        line(format!("| `{name}` | {} | {} | {about} |", parameters(method, &schema), type_of(&method["result"])));
    }
    line("\nA parameter in brackets may be left out.\n\n## Objects\n".to_owned());
    for (name, object) in schema["$defs"].as_object().into_iter().flatten() {
        line(definition(name, object));
    }
    line("## Error codes\n\n| `data.code` | `code` |\n| --- | --- |".to_owned());
    for kind in KINDS {
        line(format!("| `{}` | {} |", word(kind), number_of(kind)));
    }
    page
}

const INTRODUCTION: &str = "\
# JSON-RPC

Printed from the code; `orchestra rpc-schema` prints the same as JSON Schema.

The engine listens on a Unix socket, `~/.orchestra/run/engine.sock` (`ORCHESTRA_HOME` moves it; where that path is over
100 bytes it is a link). It speaks JSON-RPC 2.0, one JSON per line, batches of up to 1000 calls included. The first call
is `hello {\"protocol\": {protocol}, \"version\": .., \"client\": ..}`.

- Calls of one connection are answered in their order; a client that wants more at once opens several connections.
- A line has at most 4 MB. A client that takes no answers for 5 s is cut off, and so is one that says no hello for 10 s.
- An error is `{\"code\", \"message\", \"data\": {\"code\", \"hint\"}}`; the numbers are below, and those of JSON-RPC itself.
- Who asks is told by the kernel: a process that descends from an agent's session has that session's rights. An executor
  reads its own project, of other tasks only how they stand, and completes its own task; it writes to `main` and to its parent,
  starts, stops and writes to its subtasks, and makes some where its stage takes the task apart. A designer does that with all of
  its project. All else takes a person; a shell that a person opened is a person's.
- After `events.subscribe` come `event` notifications without state: ask for what you need. `resync`: some were missed.
- After `session.follow` come `session.lines` notifications: whole lines without escape sequences, each once, and at most five
  notifications a second unless there is much; nothing of an alternate screen. The last one has `ended`: with its run and
  offset as `after`, `session.follow` goes on with the session's next run, also with one that has ended meanwhile. Who lost
  the connection does the same with the last one that it got; the next engine tells what follows.
- After `session.attach` come `session.output` notifications: output (base64) that makes a terminal of the size that was
  given show the session, whole frames only, fewer of them for a slow client; then `session.exited`.

";

fn parameters(method: &Value, schema: &Value) -> String {
    let params = resolve(&method["params"], schema);
    let required = params["required"].as_array().cloned().unwrap_or_default();
    let names = params["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    let names = names
        .filter(|name| *name != REQUEST_KEY)
        .map(|name| if required.iter().any(|it| it == name) { format!("`{name}`") } else { format!("[`{name}`]") });
    names.collect::<Vec<_>>().join(" ")
}

/// What a reference stands for.
fn resolve<'a>(value: &'a Value, schema: &'a Value) -> &'a Value {
    let name = value["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    name.map_or(value, |name| &schema["$defs"][name])
}

/// A type in a word or two.
fn type_of(value: &Value) -> String {
    if let Some(path) = value["$ref"].as_str() {
        return path.trim_start_matches("#/$defs/").to_owned();
    }
    if let Some(several) = value["anyOf"].as_array().or_else(|| value["oneOf"].as_array()) {
        return several.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    if let Some(word) = value["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(words) = value["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match &value["type"] {
        Value::Array(types) => types.iter().map(word).collect::<Vec<_>>().join(" or "),
        Value::String(text) if text == "array" => format!("list of {}", type_of(&value["items"])),
        other => word(other),
    }
}

fn definition(name: &str, object: &Value) -> String {
    let mut text = format!("### {name}\n\n");
    if let Some(about) = object["description"].as_str() {
        let _ = writeln!(text, "{}\n", about.replace('\n', " "));
    }
    let Some(fields) = object["properties"].as_object() else {
        let _ = writeln!(text, "{}\n", type_of(object));
        return text;
    };
    let _ = writeln!(text, "| field | type | |\n| --- | --- | --- |");
    for (name, field) in fields {
        let about = field["description"].as_str().unwrap_or_default().replace('\n', " ");
        let _ = writeln!(text, "| `{name}` | {} | {about} |", type_of(field));
    }
    text
}

//! The published description of the socket, made of the types themselves: as JSON Schema.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::call::{REQUEST_KEY, TaskAnswer};
use super::detail::TaskDetail;
use super::follow::Followed;
use super::look::{
    AllTasksView, DiffView, EngineView, ExplainView, MessagesView, OutputView, ProjectsView, SessionsView, TasksView,
};
use super::method::{Catalog, Kind, Method};
use super::subscription::Subscribed;
use super::usage::UsageView;
use super::wire::{Event, Exited, Greeting, Hello, Lines, PROTOCOL, Shown, number_of};
use crate::model::{FailureKind, Reply};

/// All methods with their parameters and results, events, notifications and error codes.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut methods = Map::new();
    let hello = json!({
        "about": "Comes first on every connection.",
        "params": schema_of::<Hello>(&mut generator),
        "result": schema_of::<Greeting>(&mut generator),
    });
    methods.insert("hello".to_owned(), hello);
    for (name, method) in &Catalog::get().methods {
        let result = result(name, method, &mut generator);
        methods
            .insert(name.clone(), json!({"about": method.signature.about, "params": params(method), "result": result}));
    }
    let notifications = json!({
        "event": schema_of::<Event>(&mut generator),
        "session.output": schema_of::<Shown>(&mut generator),
        "session.exited": schema_of::<Exited>(&mut generator),
        "session.lines": schema_of::<Lines>(&mut generator),
    });
    let mut definitions = Catalog::get().definitions.clone();
    definitions.extend(generator.take_definitions(true));
    let new = &mut definitions["NewTask"]["properties"];
    new["after"]["items"] = task_name();
    let parent = new["parent"]["description"].take();
    new["parent"] = json!({"type": ["integer", "string", "null"], "description": parent});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "protocol": PROTOCOL,
        "methods": methods,
        "notifications": notifications,
        "errors": errors(),
        "$defs": definitions,
    })
}

/// The codes of errors, by the word in `data.code`.
fn errors() -> Value {
    let kinds = KINDS.iter().map(|kind| (word(*kind), json!(number_of(*kind))));
    Value::Object(kinds.collect())
}

/// All kinds of failures.
pub const KINDS: [FailureKind; 11] = [
    FailureKind::Usage,
    FailureKind::NotFound,
    FailureKind::BadState,
    FailureKind::Untrusted,
    FailureKind::Conflict,
    FailureKind::Dirty,
    FailureKind::LockHeld,
    FailureKind::Timeout,
    FailureKind::NoRepository,
    FailureKind::Config,
    FailureKind::Internal,
];

/// The word of a kind.
pub fn word(kind: FailureKind) -> String {
    json!(kind).as_str().map(str::to_owned).unwrap_or_default()
}

/// The parameters as a client writes them: projects and tasks by any of their names.
fn params(method: &Method) -> Value {
    let Some(mut params) = method.signature.params.clone() else { return json!({"type": "object", "properties": {}}) };
    let properties = &mut params["properties"];
    if method.signature.takes("project") {
        properties["project"] =
            json!({"type": "string", "description": "A path inside it (absolute), its id or its name."});
    }
    if method.signature.takes("task") && !is_new_task(method) {
        properties["task"] = task_name();
    }
    if method.kind == Kind::Request {
        let about = "A repeated key returns the first answer.";
        properties[REQUEST_KEY] = json!({"type": "string", "maxLength": 256, "description": about});
    }
    params
}

/// A task as a client names it.
fn task_name() -> Value {
    let about = "Its number, its slug, a unique beginning of it, or `id:slug`.";
    json!({"type": ["integer", "string"], "description": about})
}

/// What `task` is not the name of one, but all of it.
fn is_new_task(method: &Method) -> bool {
    method.signature.params.as_ref().is_some_and(|params| params["properties"]["task"]["$ref"] == "#/$defs/NewTask")
}

fn result(name: &str, method: &Method, generator: &mut SchemaGenerator) -> Value {
    match name {
        "engine.info" => schema_of::<EngineView>(generator),
        "project.list" => schema_of::<ProjectsView>(generator),
        "task.list" => {
            let (one, all) = (schema_of::<TasksView>(generator), schema_of::<AllTasksView>(generator));
            json!({"anyOf": [one, all]})
        }
        "task.explain" => schema_of::<ExplainView>(generator),
        "task.show" => schema_of::<TaskDetail>(generator),
        "session.list" => schema_of::<SessionsView>(generator),
        "session.read" => schema_of::<OutputView>(generator),
        "project.usage" => schema_of::<UsageView>(generator),
        "message.list" => schema_of::<MessagesView>(generator),
        "diff.show" => schema_of::<DiffView>(generator),
        "session.follow" => schema_of::<Followed>(generator),
        "events.subscribe" => schema_of::<Subscribed>(generator),
        "task.delete_facts" | "task.merge_facts" | "task.review_facts" | "task.prompt" | "task.comments" => {
            schema_of::<Reply>(generator)
        }
        _ if method.kind == Kind::Look => json!({"type": "object"}),
        _ if method.signature.takes("task") => schema_of::<TaskAnswer>(generator),
        _ => schema_of::<Reply>(generator),
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_what_it_was() {
        insta::assert_json_snapshot!(schema());
    }

    #[test]
    fn references_lead_somewhere() {
        let schema = schema();
        let text = schema.to_string();
        for reference in text.split("\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(schema["$defs"][reference].is_object(), "{reference}");
        }
    }
}

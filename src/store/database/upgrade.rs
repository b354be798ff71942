//! Stored tasks as older versions wrote them, brought up to what this one reads.
//!
//! Invariant: a step knows the words of its two versions only, not the types of today; it is never changed once it has
//! been released. What it does not understand stays as it is, and is told as unreadable when it is read.

use rusqlite::{Transaction, params};
use serde_json::{Map, Value, json};

/// Changes every task, those in the trash too.
pub(super) fn rewrite_tasks(transaction: &Transaction<'_>, step: fn(&mut Map<String, Value>)) -> rusqlite::Result<()> {
    for table in ["tasks", "trash"] {
        let mut query = transaction.prepare(&format!("SELECT id, json FROM {table}"))?;
        let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        for (id, text) in rows {
            let Ok(Value::Object(mut task)) = serde_json::from_str(&text) else { continue };
            step(&mut task);
            let text = Value::Object(task).to_string();
            transaction.execute(&format!("UPDATE {table} SET json = ?2 WHERE id = ?1"), params![id, text])?;
        }
    }
    Ok(())
}

/// To version 2: a stage says who works on it; tasks have relatives; iterations have what agents hand in beside a text.
pub(super) fn give_stages_their_work(task: &mut Map<String, Value>) {
    let new = [("parent", Value::Null), ("item", Value::Null), ("after", json!([]))];
    fill(task, new);
    for iteration in objects(task.get_mut("iterations")) {
        let new =
            [("verdict", Value::Null), ("subtasks", Value::Null), ("questions", json!([])), ("script", Value::Null)];
        fill(iteration, new);
    }
    for stage in objects(task.get_mut("flow").and_then(|flow| flow.get_mut("stages"))) {
        if stage.contains_key("work") {
            continue;
        }
        let mut take = |key: &str| stage.remove(key).unwrap_or_default();
        let agent = json!({
            "prompt": take("prompt"),
            "agent": take("agent"),
            "model": take("model"),
            "permissions": take("permissions"),
            "mode": "interactive",
            "asks": true,
            "disallowed_tools": [],
            "schema": null,
            "output": {"is": "artifact"},
        });
        stage.insert("work".to_owned(), json!({"agent": agent}));
    }
}

/// Puts in what is not there.
fn fill(object: &mut Map<String, Value>, new: impl IntoIterator<Item = (&'static str, Value)>) {
    for (key, value) in new {
        object.entry(key).or_insert(value);
    }
}

/// The objects of a list.
fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

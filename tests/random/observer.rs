//! The one who only looks: what has to be so at every moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::{CAP, World};

/// What never changes of a task.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    slug: String,
    branch: String,
    base: String,
}

/// Looks whenever something happens, until `over`.
pub fn watch(world: &World, over: &AtomicBool) {
    let mut client = world.client();
    let pid = client.call("engine.info", json!({})).unwrap()["pid"].clone();
    client.subscribe(None).unwrap();
    let mut known = BTreeMap::<u64, Seen>::new();
    let mut states = BTreeMap::<u64, String>::new();
    while !over.load(Ordering::Relaxed) {
        let tasks = world.tasks(&mut client);
        for task in &tasks {
            let id = task["id"].as_u64().unwrap();
            let text = |key: &str| task[key].as_str().unwrap_or_default().to_owned();
            let seen = Seen { slug: text("slug"), branch: text("branch"), base: text("base_branch") };
            assert_eq!(known.entry(id).or_insert_with(|| seen.clone()), &seen, "a task became another one");
            let former = states.insert(id, text("state"));
            check_way(task, former.as_deref());
        }
        let ids: Vec<_> = tasks.iter().map(|task| task["id"].as_u64().unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "numbers: {ids:?}");
        // Every start goes this way, and only as long as there is a free place.
        let preparing = states.values().filter(|state| *state == "setup").count();
        assert!(preparing <= CAP, "{preparing} are being set up at once");
        // What is gone stays away.
        for id in states.keys().filter(|id| !ids.contains(id)).copied().collect::<Vec<_>>() {
            states.insert(id, "gone".to_owned());
        }
        let sessions = client.call("session.list", json!({})).unwrap();
        let mut agents = BTreeMap::<u64, usize>::new();
        for session in sessions["sessions"].as_array().unwrap().iter().filter(|it| it["alive"] == true) {
            *agents.entry(session["task"].as_u64().unwrap_or_default()).or_default() += 1;
        }
        assert!(agents.values().all(|count| *count == 1), "two agents of a task: {sessions:#}");
        assert_eq!(client.call("engine.info", json!({})).unwrap()["pid"], pid, "another engine");
        // What nobody tells of is seen at the next look.
        client.next_event(Some(Instant::now() + Duration::from_millis(100))).unwrap();
    }
}

/// Ways that no task can take, whatever came between two looks.
fn check_way(task: &Value, former: Option<&str>) {
    let (Some(former), now) = (former, task["state"].as_str().unwrap()) else { return };
    let illegal = match former {
        "gone" => true,
        "merged" | "archived" => now != former,
        _ => now == "draft" && former != "draft",
    };
    assert!(!illegal, "{former} became {now}: {task:#}");
}

//! The designer and an executor, both OpenCode: four talks between them, from a spawned task to its end.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher as _};
use serde_json::{Value, json};

use super::agents::Workplace;
use super::place::in_place;
use super::scene::Scene;

const NO_FLOW: &str = "version: 2\nflows: {}\n";

/// A talk: what the executor says, where its task is then, and what the designer answers.
struct Talk {
    slug: &'static str,
    says: &'static str,
    answer: &'static str,
}

const TALKS: [Talk; 3] = [
    Talk {
        slug: "run-tests",
        says: "ERROR: Cannot run the tests: 'pytest' is not installed. Shall I install it with pip?",
        answer: "Yes, install it: all Python tests here use it.",
    },
    Talk {
        slug: "build-it",
        says: "ERROR: The build fails in user.ts, auth.ts and api.ts, as it did before my changes. Shall I mend them first?",
        answer: "Those are known. Keep to your task.",
    },
    Talk {
        slug: "extend-it",
        says: "QUESTION: There is no class UserService. Is AuthService meant, or shall I make one?",
        answer: "AuthService is meant. Extend that.",
    },
];

const DONE: &str = "COMPLETE: Rate limits are in: 100 requests a minute. All 23 tests pass, and 8 new ones.";

/// Both models. A rule has a name, by which the log tells what was asked: the patterns hold what the sender's name and the fence
/// around its words look like.
fn scenario(talks: &[Talk]) -> String {
    let send = |to: &str, text: &str| json!({"mcp": "send_message_to_session", "server": "orchestra", "args": {"session_id": to, "message": text}});
    let told = |sender: &str, who: &str, text: &str| {
        let (head, text) = (format!("^A message of the session `{sender}`: {who}, an agent"), regex::escape(text));
        json!({"user": format!("{head}[^\n]*\n\n```\n{text}\n```")})
    };
    let mut rules = Vec::new();
    for Talk { slug, says, answer } in talks {
        let job = json!({"title": slug, "description": format!("Work on {slug}."), "slug": slug, "agent": "opencode"});
        let later = json!({"title": "Later", "description": "See how it does.", "slug": format!("after-{slug}")});
        let mut rule = |name: &str, condition: Value, steps: Value| {
            rules.push(json!({"name": format!("{name} {slug}"), "match": condition, "steps": steps}));
        };
        rule(
            "designer delegates",
            json!({"user": format!("Please delegate {slug}"), "system": "You are the designer of this project"}),
            json!([
                {"mcp": "spawn_executor", "server": "orchestra", "args": job}, {"text": "It is under way."}
            ]),
        );
        rule(
            "executor begins",
            json!({"user": format!("You are an executor.*# Task: {slug}")}),
            json!([send("main", says), {"text": "I wait."}]),
        );
        rule(
            "designer hears",
            told(slug, "an executor", says),
            json!([
                [{"wait": slug}, send(slug, answer)], {"text": "Answered."}
            ]),
        );
        rule(
            "executor is answered",
            told("main", "the designer", answer),
            json!([send("main", DONE), {"text": "Handed in."}]),
        );
        rule(
            "designer is told of",
            told(slug, "an executor", DONE),
            json!([
                {"mcp": "request_merge", "server": "orchestra", "args": {"task": slug}},
                {"mcp": "create_task", "server": "orchestra", "args": later}, {"text": "A person merges it."}
            ]),
        );
    }
    json!({"rules": rules}).to_string()
}

/// R111, R112, R113, R114, R115, R118.
#[test]
fn real_agent_the_four_talks_of_designer_and_executor() {
    let Some(workplace) = Workplace::opencode(&scenario(&TALKS)) else { return };
    in_place(|place| {
        let scene = Scene::new(place, &workplace, NO_FLOW, &[]);
        scene.repository.write(".orchestra/config.yaml", "agent: opencode\npermissions: edits\n");
        scene.commit();
        std::fs::create_dir_all(scene.repository.root().join(".orchestra/tasks")).unwrap();
        scene.orchestra(&["trust", "--trust"]);
        scene.orchestra(&["rpc", "session.start_designer"]);
        for talk in &TALKS {
            hold(&scene, &workplace, talk);
        }
        let requests = workplace.server.requests();
        let told = requests.iter().filter(|it| it["aux"] == false);
        let own = told.filter(|it| it["rule"].as_str().is_some_and(|rule| rule.starts_with("designer")));
        let system = own.map(|it| it["session"].as_str().unwrap()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(system.len(), 1, "the designer has one conversation: {system:?}");
        scene.end();
    });
}

/// One talk, from what the person wants to the request for its merge.
fn hold(scene: &Scene, workplace: &Workplace, Talk { slug, says, answer }: &Talk) {
    scene.orchestra(&["send", "main", &format!("Please delegate {slug}.")]);
    wait_for_task(scene, slug);
    scene.reaches(slug, "asking");
    let task = show(scene, slug);
    let reason = (&task["state"], &task["reason"]["kind"], &task["reason"]["text"]);
    assert_eq!(reason, (&json!("asking"), &json!("message"), &json!(says)), "its row asks");
    release(workplace.server.port, slug);
    scene.reaches(slug, "done");
    wait_for_task(scene, &format!("after-{slug}"));

    let requests = workplace.server.requests();
    let of_rule = |name: &str| {
        let is = |it: &&Value| it["aux"] == false && it["rule"] == format!("{name} {slug}");
        let sessions: Vec<_> = requests.iter().filter(is).map(|it| it["session"].as_str().unwrap()).collect();
        assert!(!sessions.is_empty(), "{name} {slug}: {requests:#?}");
        sessions
    };
    let executor = of_rule("executor begins")[0];
    // The answer was typed to the very conversation that asked: it is in its next request.
    assert!(of_rule("executor is answered").iter().all(|session| *session == executor));
    assert!(
        of_rule("designer hears").iter().chain(&of_rule("designer is told of")).all(|session| *session != executor)
    );
    let turns = requests.iter().filter(|it| it["session"] == executor && it["aux"] == false && it["last"] == "user");
    assert_eq!(turns.count(), 2, "its task, and the answer, each once");

    let task = show(scene, slug);
    assert_eq!((&task["status"], &task["reason"]["kind"]), (&json!("completed"), &json!("merge_asked")));
    let messages = task["messages"].as_array().unwrap();
    let told: Vec<_> = messages.iter().map(|it| (it["sender"].as_str(), it["text"].as_str().unwrap())).collect();
    assert_eq!(told, [(Some(*slug), *says), (Some("main"), *answer), (Some(*slug), DONE)], "each is kept once");
    assert!(messages.iter().all(|it| it["delivery"] == "delivered"), "{messages:#?}");
    let artifact = scene.repository.read(&format!(".orchestra/.artifacts/{slug}/summary.md"));
    assert_eq!(artifact.trim(), DONE.strip_prefix("COMPLETE: ").unwrap());
}

fn show(scene: &Scene, slug: &str) -> Value {
    let shown: Value = serde_json::from_str(&scene.orchestra(&["show", slug, "--json"])).unwrap();
    shown["task"].clone()
}

/// The designer makes it when its turn comes.
fn wait_for_task(scene: &Scene, slug: &str) {
    let folder = scene.repository.root().join(".orchestra/tasks");
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |_| _ = sender.send(())).unwrap();
    watcher.watch(&folder, RecursiveMode::NonRecursive).unwrap();
    let until = Instant::now() + Duration::from_mins(2);
    let is = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(&format!(":{slug}.md")))
    };
    while !std::fs::read_dir(&folder).unwrap().any(is) {
        let left = until.saturating_duration_since(Instant::now());
        assert!(changes.recv_timeout(left).is_ok(), "no task {slug}:\n{}", scene.orchestra(&["logs", "main"]));
    }
    // Its file is there before its row: the engine has both when it answers.
    scene.orchestra(&["rpc", "engine.ping"]);
}

/// Lets a reply of the model go on that waits.
fn release(port: u16, name: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "POST /_/release/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

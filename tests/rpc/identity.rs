//! Who asks is what the process descends from, whatever it runs.

use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Instant;

use notify::Watcher as _;
use orchestra::model::{NewTask, Request, SessionId, Size};
use serde_json::{Value, json};

use crate::engine::{Bench, new_task};
use crate::place::{PATIENCE, Place, alone};
use crate::repo::Repository;
use crate::socket::Served;

/// Calls the socket as a program that an agent writes would, and keeps the answers.
const CALLER: &str = r#"
import json, os, socket, sys
calls, out = json.load(open(sys.argv[1])), open(sys.argv[2] + ".new", "w")
if os.fork():
    sys.exit(0)
os.setsid()
if os.fork():
    os._exit(0)
s = socket.socket(socket.AF_UNIX)
s.connect(os.path.join(os.environ["ORCHESTRA_HOME"], "run/engine.sock"))
f = s.makefile("rw")
hello = ["hello", {"protocol": 1, "version": "0", "client": "agent"}]
for number, (method, params) in enumerate([hello] + calls):
    f.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
    f.flush()
    out.write(f.readline())
out.close()
os.rename(sys.argv[2] + ".new", sys.argv[2])
"#;

/// A command that makes the calls, and goes on until it is told to end.
fn calls(place: &Place, name: &str, calls: &Value) -> String {
    let script = place.write("caller.py", CALLER);
    let list = place.write(&format!("{name}.json"), &calls.to_string());
    let answers = place.path(&format!("{name}.answers"));
    format!("python3 {} {} {}", script.display(), list.display(), answers.display())
}

/// The answers, once they are there.
fn answers(place: &Place, name: &str) -> Vec<Value> {
    let file = format!("{name}.answers");
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |_| _ = sender.send(())).unwrap();
    watcher.watch(&place.path(""), notify::RecursiveMode::NonRecursive).unwrap();
    let until = Instant::now() + PATIENCE;
    let lines = loop {
        let lines = place.lines(&file);
        if !lines.is_empty() {
            break lines;
        }
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "{name} has no answers");
        let _ = changes.recv_timeout(left);
    };
    lines.iter().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// R89, R96.
#[test]
fn an_agent_has_the_rights_of_its_session_even_if_it_cuts_all_ties() {
    alone(|place| {
        assert!(Command::new("python3").arg("--version").output().is_ok(), "the test needs python3");
        let repository = Repository::new(place, crate::WILLING);
        let root = repository.root().to_str().unwrap();
        let list = json!([
            ["task.list", {}],
            ["task.show", {"task": "own"}],
            ["message.send", {"session": "other", "text": "hi"}],
            ["task.approve", {"task": "own"}],
            ["task.merge", {"task": "own"}],
            ["task.set_status", {"task": "other", "status": "completed"}],
            ["task.set_status", {"task": "own", "status": "reviewed"}],
            ["task.new", {"task": {"description": "more"}}],
            ["engine.shutdown", {}],
            ["session.attach", {"session": "own", "rows": 24, "cols": 80}],
            ["session.input", {"session": "own", "bytes": ""}],
            ["task.list", {"project": "/"}],
            ["task.complete", {"task": "own"}]
        ]);
        let command = calls(place, "own", &list);
        let door = place.door("door");
        repository.agent("caller", &format!("{{start: [sh, -c, \"{command}; {}\"]}}", door.wait()));
        let bench = Bench::open(place, &repository);
        bench.draft("other", "quick", "Other");
        let served = Served::new(place, bench);
        served.bench.made(NewTask { agent: Some("caller".to_owned()), start: true, ..new_task("own", "solo", "Own") });
        let answers = answers(place, "own");
        let codes: Vec<_> = answers.iter().map(|answer| answer["error"]["code"].as_i64().unwrap_or(0)).collect();
        assert_eq!(codes[..2], [0, 0], "{answers:#?}");
        assert_eq!(codes.len(), 13, "{answers:#?}");
        assert_eq!(answers[0]["result"]["project"]["name"], "my-app", "{answers:#?}");
        assert_eq!(codes[2..12], [-32_002; 10], "{answers:#?}");
        assert!(answers[3]["error"]["message"].as_str().unwrap().contains("that takes a person"), "{answers:#?}");
        assert_eq!(codes[12], 0, "its own task: {answers:#?}");
        // This process descends from no session.
        served.client().call("task.complete", json!({"project": root, "task": "other"})).unwrap_err();
        served.client().call("task.new", json!({"project": root, "task": {"description": "mine"}})).unwrap();
        drop(door.reached());
    });
}

#[test]
fn a_gate_is_its_task_s_agent_and_a_shell_is_a_person_s() {
    alone(|place| {
        let repository = Repository::new(place, crate::WILLING);
        let gate = calls(place, "gate", &json!([["task.merge", {"task": "fix-it"}]]));
        // What it leaves behind ends with it.
        let answered = place.path("gate.answers");
        repository.script("checks.sh", &format!("{gate}\nuntil test -e '{}'; do :; done", answered.display()));
        repository.git(&["commit", "-qam", "Call from the gate"]);
        repository.flow("gated", "{stages: [{name: work, artifact: summary, gate: {command: checks.sh}}]}");
        let served = Served::new(place, Bench::open(place, &repository));
        served.bench.begin("fix-it", "gated", "Fix it");
        let refused = answers(place, "gate");
        assert!(refused[0]["error"]["message"].as_str().unwrap().contains("that takes a person"), "{refused:#?}");
        let shell = calls(
            place,
            "shell",
            &json!([["engine.info", {}], ["task.set_auto", {
                "project": repository.root(), "task": "fix-it", "auto": true
            }]]),
        );
        let (project, session) = (served.bench.project(), SessionId::from("fix-it"));
        let open = Request::OpenShell { project: project.clone(), session, size: Size::new(24, 80) };
        served.bench.engine().call(open).unwrap();
        let place_of_shell = (project, SessionId::shell("fix-it", 1));
        let terminal = served.bench.wait("the shell", |_| served.bench.engine().terminal(&place_of_shell));
        terminal.input(format!("{shell}\n").as_bytes()).unwrap();
        let done = answers(place, "shell");
        assert!(done.iter().all(|answer| answer["error"].is_null()), "{done:#?}");
    });
}

//! Methods, names and results.

use std::collections::BTreeSet;

use orchestra::model::State;
use orchestra::rpc::{self, DiffView, EngineView, TaskDetail, TasksView};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::WILLING;
use crate::engine::Bench;
use crate::place::alone;
use crate::repo::Repository;
use crate::socket::Served;

/// A value that every parameter of this name takes.
fn value_of(name: &str, root: &str) -> Value {
    match name {
        "project" | "path" => json!(root),
        "task" | "session" => json!("fix-it"),
        "feedback" | "text" | "hash" => json!("text"),
        "stage" => json!("work"),
        "auto" | "unread" => json!(true),
        "scope" => json!("all"),
        "status" => json!("running"),
        "answers" => json!(["yes"]),
        "subtasks" => json!([{"title": "One", "description": "A part", "instructions": ""}]),
        "report" => json!({"event": "working"}),
        "comment" => json!({"path": "work.txt", "line": 1, "text": "why"}),
        "id" => json!(1),
        "submission" => json!({"kind": "artifact", "text": "the summary"}),
        "bytes" => json!([13]),
        "size" => json!({"rows": 24, "cols": 80}),
        other => panic!("give the parameter {other} a value here"),
    }
}

#[test]
fn every_request_can_be_called_by_its_name() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.draft("fix-it", "quick", "Fix it");
        let served = Served::new(place, bench);
        let root = repository.root().to_str().unwrap();
        let schema = rpc::schema();
        let methods = schema["methods"].as_object().unwrap();
        let mut raw = served.greeted();
        // The last ones end what the others need.
        let last = ["task.delete", "project.forget", "engine.handover", "engine.shutdown"];
        let names = methods.keys().map(String::as_str).filter(|name| !last.contains(name)).chain(last);
        for name in names.filter(|name| methods[*name]["params"]["properties"]["request_key"].is_object()) {
            let required = methods[name]["params"]["required"].as_array().unwrap();
            let mut params: Map<_, _> = required
                .iter()
                .map(|name| (name.as_str().unwrap().to_owned(), value_of(name.as_str().unwrap(), root)))
                .collect();
            if name == "task.new" {
                params.insert("task".to_owned(), json!({"slug": "other", "description": "Other"}));
            }
            if let Err(error) = raw.call(name, &Value::Object(params)) {
                assert!(error["code"].as_i64().unwrap() > -32_100, "{name}: {error}");
            }
        }
        assert_eq!(raw.call("engine.ping", &json!({})).unwrap(), json!({"done": {"message": null}}));
        raw.call("engine.shutdown", &json!({})).unwrap();
    });
}

/// R146.
#[test]
fn a_task_goes_its_way_by_every_name_that_it_has() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let served = Served::new(place, Bench::open(place, &repository));
        let (root, id) = (repository.root().to_str().unwrap().to_owned(), served.bench.project().to_string());
        let mut client = served.client();
        let new = json!({"slug": "fix-it", "description": "Fix it", "flow": "quick"});
        let made = client.call("task.new", json!({"project": root, "task": new})).unwrap();
        assert_eq!((&made["task"]["slug"], &made["task"]["state"]), (&json!("fix-it"), &json!("draft")));
        let started = client.call("task.start", json!({"project": id, "task": 1})).unwrap();
        assert!(started["message"].as_str().unwrap().starts_with("started fix-it"), "{started}");
        served.bench.reaches("fix-it", State::Approval);
        let worktree = served.bench.worktree("fix-it");
        for (project, task) in [
            (json!("my-app"), json!("fix-it")),
            (json!(worktree), json!("1")),
            (json!(worktree.join(".")), json!("1:fix-it")),
            (json!(repository.root().join(".orchestra")), json!("fi")),
        ] {
            let shown = client.call("task.show", json!({"project": project, "task": task})).unwrap();
            let detail = TaskDetail::deserialize(&shown).unwrap();
            assert_eq!(
                (detail.task.id, detail.task.state.as_str(), detail.task.status.as_str()),
                (1, "approval", "idle")
            );
            assert_eq!((detail.artifacts.len(), detail.artifacts[0].name.as_str()), (1, "summary"));
            assert!(std::path::Path::new(&detail.artifacts[0].path).is_file(), "{}", detail.artifacts[0].path);
            assert!(detail.iterations[0].started_at.is_some() && detail.iterations.len() == 1);
            assert!(detail.conversation.is_some());
        }
        let list = client.call("task.list", json!({"project": root})).unwrap();
        assert_eq!(TasksView::deserialize(&list).unwrap().tasks.len(), 1);
        let all = client.call("task.list", json!({})).unwrap();
        assert_eq!(all["projects"][0]["tasks"][0]["slug"], "fix-it");
        let diff = client.call("diff.show", json!({"project": root, "task": 1})).unwrap();
        let diff = DiffView::deserialize(&diff).unwrap();
        assert!(diff.text.contains("+++ b/work.txt\n@@ -0,0 +1,1 @@\n+work\n"), "{}", diff.text);
        let why = client.call("task.explain", json!({"project": root, "task": 1})).unwrap();
        assert!(why["text"].as_str().unwrap().contains("waits for     a person's approval of `summary`"), "{why}");
        let read = client.call("session.read", json!({"project": root, "session": "fix-it", "lines": 50})).unwrap();
        assert!(read["text"].as_str().unwrap().contains("orchestra demo agent"), "{read}");
        let approved = client.call("task.approve", json!({"project": root, "task": "fix-it"})).unwrap();
        assert_eq!((&approved["task"]["state"], &approved["task"]["status"]), (&json!("done"), &json!("reviewed")));
        let deleted = client.call("task.delete", json!({"project": root, "task": 1, "scope": "all"})).unwrap();
        assert_eq!(deleted["task"]["slug"], "fix-it", "as it last was");
        let info = EngineView::deserialize(&client.call("engine.info", json!({})).unwrap()).unwrap();
        assert_eq!((info.projects.len(), info.projects[0].tasks, info.protocol), (1, 0, rpc::PROTOCOL));
    });
}

#[test]
fn a_repository_that_is_not_open_is_opened_by_its_path() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let served = Served::new(place, Bench::open(place, &repository));
        let inner = repository.root().join("inner");
        crate::repo::git(place, repository.root(), &["init", "-q", "-b", "main", "inner"]);
        let mut client = served.client();
        let failure = client.call("task.list", json!({"project": inner})).unwrap_err();
        assert_eq!(failure.kind, orchestra::model::FailureKind::NoRepository, "no commit yet: {failure}");
        let commit = ["-c", "user.name=Ada", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "x"];
        crate::repo::git(place, &inner, &commit);
        let list = client.call("task.list", json!({"project": inner})).unwrap();
        assert_eq!(list["project"]["name"], "inner", "not the repository around it");
        let projects = client.call("project.list", json!({})).unwrap();
        let names: BTreeSet<_> =
            projects["projects"].as_array().unwrap().iter().map(|it| it["name"].as_str()).collect();
        assert_eq!(names, BTreeSet::from([Some("inner"), Some("my-app")]));
    });
}

#[test]
fn what_is_wrong_is_named() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        for slug in ["fix-it", "fix-that"] {
            bench.draft(slug, "quick", "Fix it");
        }
        let served = Served::new(place, bench);
        let root = repository.root();
        let mut raw = served.raw();
        assert_eq!(raw.refused("task.list", &json!({})).0, -32_600, "no hello yet");
        let wrong = raw.call("hello", &json!({"protocol": 99, "version": "9", "client": "x"})).unwrap_err();
        assert_eq!((&wrong["code"], &wrong["data"]["code"]), (&json!(-32_002), &json!("bad_state")));
        assert!(wrong["data"]["hint"].as_str().unwrap().contains("start again"), "{wrong}");
        let mut raw = served.greeted();
        let unknown = raw.call("task.strat", &json!({})).unwrap_err();
        assert_eq!((&unknown["code"], &unknown["data"]["hint"]), (&json!(-32_601), &json!("Nearest: task.start")));
        for (method, params, said) in [
            ("task.start", json!({"task": 1}), "project is missing"),
            ("task.start", json!({"project": root}), "task"),
            ("task.start", json!({"project": root, "taks": 1}), "taks: there is no such parameter"),
            ("task.start", json!({"project": root, "task": [1]}), "task: a number, a slug"),
            ("task.set_auto", json!({"project": root, "task": 1, "auto": "yes"}), "auto: invalid type"),
            ("task.new", json!({"project": root, "task": {"slug": 1}}), "task.slug: invalid type"),
            ("task.new", json!({"project": root, "task": {"slog": "x"}}), "task.slog: unknown field"),
            ("task.delete", json!({"project": root, "task": 1, "scope": "some"}), "scope: unknown variant"),
            ("task.start", json!({"project": "./x", "task": 1}), "not absolute"),
            ("session.attach", json!({"project": root, "session": "x", "rows": 0, "cols": 9}), "1 to 1000"),
        ] {
            let (code, message) = raw.refused(method, &params);
            assert!(code == -32_602 && message.contains(said), "{method} {params}: {code} {message}");
        }
        for (project, task, code) in
            [(json!(root), json!(9), -32_001), (json!("nope"), json!(1), -32_001), (json!(root), json!("fix"), -32_000)]
        {
            assert_eq!(raw.refused("task.start", &json!({"project": project, "task": task})).0, code);
        }
        let (code, message) = raw.refused("task.approve", &json!({"project": root, "task": "fix-it"}));
        assert_eq!(code, -32_002, "{message}");
    });
}

#[test]
fn a_batch_and_notifications() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let served = Served::new(place, Bench::open(place, &repository));
        let mut raw = served.greeted();
        raw.say(
            r#"[{"jsonrpc":"2.0","id":"a","method":"engine.ping"},{"jsonrpc":"2.0","method":"engine.ping"},
                {"jsonrpc":"2.0","id":2,"method":"nope"},5]"#
                .replace('\n', " ")
                .as_str(),
        );
        let answers = raw.hear().unwrap();
        let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
        assert_eq!(ids, [json!("a"), json!(2), json!(null)]);
        assert_eq!((&answers[1]["error"]["code"], &answers[2]["error"]["code"]), (&json!(-32_601), &json!(-32_600)));
        assert_eq!(raw.error_of("[]"), -32_600);
        raw.say(r#"{"jsonrpc":"2.0","method":"no.such.method"}"#);
        raw.say(r#"[{"jsonrpc":"2.0","method":"engine.ping"}]"#);
        assert_eq!(
            raw.call("engine.ping", &json!({})).unwrap()["done"],
            json!({"message": null}),
            "nothing came before"
        );
    });
}

#[test]
fn a_repeated_key_makes_no_second_task() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let served = Served::new(place, Bench::open(place, &repository));
        let root = repository.root();
        let new = |text: &str| json!({"project": root, "task": {"description": text}, "request_key": "k1"});
        // The first client goes away before the answer comes.
        let mut first = served.greeted();
        first.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "task.new", "params": new("One")}).to_string());
        drop(first);
        served.bench.wait("the task", |snapshot| (!snapshot.projects[0].tasks.is_empty()).then_some(()));
        let mut second = served.greeted();
        let (one, two) = (second.call("task.new", &new("One")).unwrap(), second.call("task.new", &new("One")).unwrap());
        assert_eq!((&one["task"]["id"], &two["task"]["id"]), (&json!(1), &json!(1)));
        assert_eq!(served.bench.project_view().tasks.len(), 1);
        let (code, message) = second.refused("task.new", &new("Two"));
        assert!(code == -32_602 && message.contains("another request"), "{message}");
    });
}

/// R29, R78.
#[test]
fn a_new_task_names_its_relatives_as_any_task_is_named() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        let (first, second) = (bench.begin("first", "quick", "First"), bench.draft("second", "quick", "Second"));
        bench.reaches("first", State::Approval);
        let served = Served::new(place, bench);
        let root = repository.root().to_str().unwrap();
        let mut client = served.client();
        let new = |slug: &str, parent: Value, after: Value| json!({"project": root, "task": {"slug": slug, "description": "More", "parent": parent, "after": after}});
        let after = json!(["second", "1:first"]);
        let made = client.call("task.new", new("third", json!("fir"), after)).unwrap();
        assert_eq!((&made["task"]["parent"], &made["task"]["after"]), (&json!("first"), &json!(["second", "first"])));
        let made = client.call("task.new", new("fourth", json!(first), json!([second]))).unwrap();
        assert_eq!((&made["task"]["parent"], &made["task"]["after"]), (&json!("first"), &json!(["second"])));
        let failure = client.call("task.new", new("fifth", Value::Null, json!(["nobody"]))).unwrap_err();
        assert!(failure.to_string().contains("there is no task \"nobody\""), "{failure}");
    });
}

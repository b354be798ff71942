use super::*;
use crate::model::{Gate, PermissionMode};

fn read(text: &str) -> Result<Vec<Flow>, ConfigError> {
    parse(Path::new("w.yaml"), text, |template| template == "worker.md")
}

fn refusal(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// A flow with these lines under its only stage.
fn stage(lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(|line| format!("        {line}\n")).collect();
    let lines = lines.concat();
    format!("flows:\n  default:\n    stages:\n      - name: work\n        artifact: summary\n{lines}")
}

#[test]
fn a_flow_with_everything() {
    let text = "
version: 2
x: &no 1
";
    assert!(refusal(text).contains("unknown key in the workflow \"x\""));
    let text = "
version: 2
flows:
  default:
    stages:
      - {name: planning, artifact: plan, is_automated: true, model: opus, permissions: ask}
      - &work
        name: work
        artifact: summary
        description: Do it
        prompt: worker.md
        agent: opencode
        capabilities: {ask_questions: true}
        gate: {command: checks.sh, timeout_seconds: 600, max_attempts: 3}
    integration: {on_failure: work, strategy: squash, gate: checks.sh}
  quick:
    stages:
      - <<: *work
        gate: cargo test
    integration: {auto_merge: false}
";
    let flows = read(text).unwrap();
    assert_eq!(flows.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>(), ["solo", "default", "quick"]);
    let [planning, work] = &flows[1].stages[..] else { panic!("two stages") };
    assert!(planning.is_automated && planning.assignment().unwrap().permissions == Some(PermissionMode::Ask));
    assert_eq!(work.gate, Some(Gate { command: "checks.sh".into(), timeout_seconds: 600, max_attempts: 3 }));
    assert_eq!(work.assignment().unwrap().prompt.as_deref(), Some("worker.md"));
    let integration = &flows[1].integration;
    assert_eq!((integration.strategy, integration.auto_merge), (Strategy::Squash, true));
    assert_eq!(integration.gate.as_ref().unwrap().timeout_seconds, 300);
    assert_eq!(flows[2].stages[0].gate.as_ref().unwrap().command, "cargo test");
    assert!(!flows[2].integration.auto_merge);
    assert_eq!(read("").unwrap(), [solo()]);
    let own = read("flows: {solo: {stages: [{name: x, artifact: y}]}}").unwrap();
    assert_eq!((own.len(), own[0].stages[0].name.as_str()), (1, "x"));
}

#[test]
fn fault_c1_what_is_wrong_is_named_with_its_place() {
    for (text, message) in [
        (stage("promt: x"), "w.yaml:6:9: unknown key in a stage \"promt\", did you mean \"prompt\"?"),
        (stage("prompt: none.md"), "w.yaml:6:17: there is no template agents/none.md"),
        (stage("prompt: ../worker.md"), "w.yaml:6:17: \"prompt\" must be the name of a file in agents/"),
        (stage("is_automated: yes"), "w.yaml:6:23: \"is_automated\" must be true or false, not \"yes\""),
        (stage("gate: {comand: x}"), "w.yaml:6:16: unknown key in a gate \"comand\", did you mean \"command\"?"),
        (stage("gate: {timeout_seconds: 1}"), "w.yaml:6:15: a gate needs \"command\""),
        (
            stage("gate: {command: x, timeout_seconds: 0}"),
            "w.yaml:6:45: \"timeout_seconds\" must be a whole number from 1",
        ),
        (stage("gate: true"), "w.yaml:6:15: this version of Orchestra does not run agentic gates"),
        (stage("script: {command: x}"), "w.yaml:6:9: this version of Orchestra does not run script stages yet"),
        (stage("mode: headless"), "w.yaml:6:9: this version of Orchestra does not run \"mode\" yet"),
        (
            stage("capabilities: {subtasks: {flow: x}}"),
            "w.yaml:6:24: this version of Orchestra does not run \"capabilities.subtasks\"",
        ),
        (stage("permissions: al"), "w.yaml:6:22: \"permissions\" must be one of ask, edits, all"),
        (stage("model: 4"), "w.yaml:6:16: \"model\" must be text, not 4: put it in quotes"),
        (stage("").replace("summary", "task"), "w.yaml:5:19: artifact \"task\" is reserved"),
        (stage("").replace("summary", "../x"), "w.yaml:5:19: \"artifact\" may have only"),
        (stage("").replace("work", "''"), "w.yaml:4:15: \"name\" must be text"),
        ("flows: {a: {stages: []}}".into(), "w.yaml:1:21: flow \"a\" needs 1 to 100 stages, not 0"),
        ("flows: {a: {}}".into(), "w.yaml:1:12: flow \"a\" needs \"stages\""),
        ("version: 3\nflows: {}".into(), "w.yaml:1:10: \"version\" must be a whole number from 1 to 2, not 3"),
        ("version: 2".into(), "w.yaml:1:1: the workflow needs \"flows\""),
        ("flows: []".into(), "w.yaml:1:8: \"flows\" must be a map of keys, not a list"),
        ("flows: {a/b: {}}".into(), "w.yaml:1:9: a flow's name may have only"),
        (
            "flows: {a: {stages: [{name: x, artifact: y}], integration: {on_failure: z}}}".into(),
            "w.yaml:1:73: \"on_failure\" must be one of x, not \"z\"",
        ),
        (
            "flows: {a: {stages: [{name: x, artifact: y}, {name: x, artifact: z}]}}".into(),
            "w.yaml:1:53: a second stage \"x\" in this flow",
        ),
        (
            "flows: {a: {stages: [{name: x, artifact: y}, {name: z, artifact: y}]}}".into(),
            "w.yaml:1:66: a second artifact \"y\" in this flow",
        ),
    ] {
        let found = refusal(&text);
        assert!(found.starts_with(message), "{text}\nexpected {message}\nfound    {found}");
    }
    let many: Vec<_> = (0..1000).map(|n| format!("      - {{name: s{n}, artifact: a{n}}}\n")).collect();
    assert!(refusal(&format!("flows:\n  a:\n    stages:\n{}", many.concat())).contains("not 1000"));
}

#[test]
fn the_older_folder_has_its_own_default_flow() {
    let dir = tempfile::tempdir().unwrap();
    let flows = read("flows: {default: {stages: [{name: x, artifact: y}]}}").unwrap();
    let config = Config::default();
    assert_eq!(default_flow(&Folder::of(dir.path()), &config, &flows), "solo");
    std::fs::create_dir(dir.path().join(".orkestra")).unwrap();
    assert_eq!(default_flow(&Folder::of(dir.path()), &config, &flows), "default");
    assert_eq!(default_flow(&Folder::of(dir.path()), &config, &[solo()]), "solo");
}

#[test]
fn templates_come_from_the_project_else_are_built_in() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::of(dir.path());
    let stage = solo().stages.remove(0);
    let built_in = template(&folder, &stage).unwrap();
    assert!(!built_in.is_empty());
    std::fs::create_dir_all(folder.agents()).unwrap();
    std::fs::write(folder.agents().join("work.md"), "ours").unwrap();
    assert_eq!(template(&folder, &stage).unwrap(), "ours");
}

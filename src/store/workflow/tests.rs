//! Flow files in both vocabularies, and what is wrong with them.

use super::*;
use crate::model::{
    Breakdown, ChildFailure, DisallowedTool, Gate, Mode, Output, PermissionMode, Schema, Script, Strategy, Work,
};

/// A project with a template `worker.md` and a schema.
struct Project {
    _dir: tempfile::TempDir,
    folder: Folder,
}

impl Project {
    fn new() -> Self {
        Self::in_folder(".orchestra")
    }

    fn in_folder(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(name)).unwrap();
        let project = Self { folder: Folder::of(dir.path()), _dir: dir };
        project.put("agents/worker.md", "Work on {{title}}.");
        project.put("schemas/plan.json", "{\"type\": \"object\"}");
        project
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.folder.dir().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, text: &str) -> Result<Vec<Flow>, Vec<ConfigError>> {
        Reader::new(Path::new("w.yaml"), Assets::Of(&self.folder)).flows(text)
    }

    /// All that is wrong, a line each, without the folder's path.
    fn refusal(&self, text: &str) -> String {
        let errors = self.read(text).expect_err(text);
        let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
        told.join("\n").replace(&self.folder.dir().display().to_string(), "PROJECT")
    }
}

fn read(text: &str) -> Vec<Flow> {
    Project::new().read(text).unwrap()
}

/// A flow `a` with a stage `work` and behind it a stage `next` with these lines.
fn next(lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(|line| format!("        {line}\n")).collect();
    let head = "flows:\n  a:\n    stages:\n      - {name: work, artifact: summary}\n      - name: next\n        artifact: text\n";
    format!("{head}{}", lines.concat())
}

/// The stage `next` of it.
fn next_stage(lines: &str) -> Stage {
    read(&next(lines)).pop().unwrap().stages.pop().unwrap()
}

fn output(lines: &str) -> Output {
    next_stage(lines).assignment().unwrap().output.clone()
}

fn verdict(stage: &str) -> Output {
    Output::Verdict { rejection_stage: stage.into() }
}

/// A flow with these lines under its only stage.
fn stage(lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(|line| format!("        {line}\n")).collect();
    let lines = lines.concat();
    format!("flows:\n  default:\n    stages:\n      - name: work\n        artifact: summary\n{lines}")
}

/// R48, R49.
#[test]
fn r41_a_flow_with_everything() {
    let text = "
version: 2
flows:
  default:
    stages:
      - {name: planning, artifact: plan, is_automated: true, model: opus, permissions: ask, schema_file: plan.json}
      - &work
        name: work
        artifact: summary
        description: Do it
        prompt: worker.md
        agent: opencode
        mode: headless
        disallowed_tools: [WebFetch, {pattern: \"Bash(cargo *)\", message: \"the gate does it\"}]
        capabilities: {ask_questions: false}
        gate: {command: checks.sh, timeout_seconds: 600, max_attempts: 3}
      - name: format
        artifact: format-log
        script: {command: cargo fmt, timeout_seconds: 60, on_failure: work}
      - {name: lint, artifact: lint-log, script: make lint, gate: false}
    integration: {on_failure: work, strategy: squash, gate: checks.sh}
  quick:
    stages:
      - <<: *work
        gate: cargo test
    integration: {auto_merge: false, gate: false}
";
    let flows = read(text);
    assert_eq!(flows.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>(), ["solo", "default", "quick"]);
    let [planning, work, format, lint] = &flows[1].stages[..] else { panic!("four stages") };
    let plans = planning.assignment().unwrap();
    assert!(planning.is_automated && plans.permissions == Some(PermissionMode::Ask) && plans.asks);
    assert_eq!(plans.schema, Some(Schema { file: "plan.json".into(), text: "{\"type\": \"object\"}".into() }));
    assert_eq!(work.gate, Some(Gate { command: "checks.sh".into(), timeout_seconds: 600, max_attempts: 3 }));
    let works = work.assignment().unwrap();
    assert!(works.prompt.as_deref() == Some("worker.md") && works.mode == Mode::Headless && !works.asks);
    let tool = |pattern: &str, message: Option<&str>| DisallowedTool {
        pattern: pattern.into(),
        message: message.map(str::to_owned),
    };
    assert_eq!(works.disallowed_tools, [tool("WebFetch", None), tool("Bash(cargo *)", Some("the gate does it"))]);
    let script = |command: &str, timeout_seconds, on_failure: Option<&str>| {
        Work::Script(Script { command: command.into(), timeout_seconds, on_failure: on_failure.map(str::to_owned) })
    };
    assert_eq!(format.work, script("cargo fmt", 60, Some("work")));
    assert_eq!((&lint.work, &lint.gate), (&script("make lint", 300, None), &None));
    let integration = &flows[1].integration;
    assert_eq!((integration.strategy, integration.auto_merge), (Strategy::Squash, true));
    assert_eq!(integration.on_failure.as_deref(), Some("work"));
    assert_eq!(integration.gate.as_ref().unwrap().timeout_seconds, 300);
    assert_eq!(flows[2].stages[0].gate.as_ref().unwrap().command, "cargo test");
    assert!(!flows[2].integration.auto_merge && flows[2].integration.gate.is_none());
    assert_eq!(read(""), [solo()]);
    let own = read("flows: {solo: {stages: [{name: x, artifact: y}]}}");
    assert_eq!((own.len(), own[0].stages[0].name.as_str()), (1, "x"));
}

#[test]
fn r68_a_verdict_in_each_spelling() {
    for lines in [
        "gate: true",
        "capability: approval",
        "capabilities: approval",
        "capabilities: [approval]",
        "capabilities: {approval: true}",
        "capabilities: {approval: {}}",
        "capabilities: {approval: {rejection_stage: work, reset_session: true}}",
        "gate: true\ncapabilities: {ask_questions: true, approval: {rejection_stage: work}}",
    ] {
        assert_eq!(output(lines), verdict("work"), "{lines}");
    }
    for lines in ["gate: false", "capabilities: {approval: false, subtasks: false}", "capabilities: [ask_questions]"] {
        assert_eq!(output(lines), Output::Artifact, "{lines}");
    }
    let both = next_stage("gate: make test\ncapabilities: {approval: true}");
    assert_eq!(both.gate.unwrap().command, "make test");
    assert!(matches!(both.work, Work::Agent(it) if it.output == verdict("work")));
}

#[test]
fn a_rejection_goes_to_the_nearest_stage_that_makes_something() {
    let text = "flows: {a: {stages: [{name: work, artifact: a}, {name: format, artifact: b, script: x}, \
                {name: first, artifact: c, gate: true}, {name: second, artifact: d, gate: true}]}}";
    let flows = read(text);
    for stage in &flows[1].stages[2..] {
        assert_eq!(stage.assignment().unwrap().output, verdict("work"), "{}", stage.name);
    }
    let scripts = read("flows: {a: {stages: [{name: x, artifact: a, script: x}, {name: y, artifact: b, gate: true}]}}");
    assert_eq!(scripts[1].stages[1].assignment().unwrap().output, verdict("x"));
}

#[test]
fn r69_subtasks_with_their_flow() {
    let breakdown = |flow: &str, completion: Option<&str>, on_child_failure| {
        let completion_stage = completion.map(str::to_owned);
        Output::Subtasks(Breakdown { flow: flow.into(), completion_stage, on_child_failure })
    };
    let flows = |lines: &str| {
        let end =
            "      - {name: review, artifact: verdict, gate: true}\n  subtask: {stages: [{name: x, artifact: y}]}\n";
        let flow = read(&format!("{}{end}", next(lines))).remove(1);
        flow.stages[1].assignment().unwrap().output.clone()
    };
    for lines in ["capability: subtasks", "capabilities: [subtasks]", "capabilities: {subtasks: true}"] {
        assert_eq!(flows(lines), breakdown("subtask", None, ChildFailure::Fail), "{lines}");
    }
    assert_eq!(
        flows("capabilities: {subtasks: {flow: a, completion_stage: review, on_child_failure: wait}}"),
        breakdown("a", Some("review"), ChildFailure::Wait),
        "a flow may be its own"
    );
}

/// R43, R49, R50.
#[test]
#[allow(clippy::too_many_lines, reason = "a table of all that is refused")]
fn fault_c1_what_is_wrong_is_named_with_its_place() {
    let project = Project::new();
    for (text, message) in [
        (stage("promt: x"), "w.yaml:6:9: unknown key in a stage \"promt\", did you mean \"prompt\"?"),
        (stage("prompt: none.md"), "w.yaml:6:17: there is no template agents/none.md"),
        (stage("prompt: ../worker.md"), "w.yaml:6:17: \"prompt\" must be the name of a file in agents/"),
        (stage("prompt: /etc/passwd"), "w.yaml:6:17: \"prompt\" must be the name of a file in agents/"),
        (stage("is_automated: yes"), "w.yaml:6:23: \"is_automated\" must be true or false, not \"yes\""),
        (stage("gate: {comand: x}"), "w.yaml:6:16: unknown key in a gate \"comand\", did you mean \"command\"?"),
        (stage("gate: {timeout_seconds: 1}"), "w.yaml:6:15: a gate needs \"command\""),
        (
            stage("gate: {command: x, timeout_seconds: 0}"),
            "w.yaml:6:45: \"timeout_seconds\" must be a whole number from 1",
        ),
        (stage("gate: true"), "w.yaml:6:9: the first stage cannot judge: there is no earlier one to go back to"),
        (stage("capability: approval"), "w.yaml:6:21: the first stage cannot judge"),
        (
            stage("script: {command: x, timeout_seconds: 86401}"),
            "w.yaml:6:47: \"timeout_seconds\" must be a whole number",
        ),
        (stage("script: {timeout: 1}"), "w.yaml:6:18: unknown key in a script \"timeout\""),
        (stage("script: x\nmodel: opus"), "w.yaml:7:9: a script stage takes no \"model\": no agent works on it"),
        (stage("script: x\ngate: y"), "w.yaml:7:9: a script stage takes no \"gate\": its exit code is its check"),
        (stage("script: x\nmode: headless"), "w.yaml:7:9: a script stage takes no \"mode\""),
        (stage("script: x\ncapabilities: {}"), "w.yaml:7:9: a script stage takes no \"capabilities\""),
        (
            stage("script: {command: x, on_failure: work}"),
            "w.yaml:6:42: \"on_failure\" must be an earlier stage, \"work\" is not before this one",
        ),
        (
            stage("script: {command: x, on_failure: y}"),
            "w.yaml:6:42: \"on_failure\" must be an earlier stage, and this is",
        ),
        (
            "flows: {a: {stages: [{name: x, artifact: y, script: z}, {name: w, artifact: v, script: {command: z, on_failure: x}}]}}"
                .into(),
            "w.yaml:1:113: \"on_failure\" goes back to x, and no agent works between there and here",
        ),
        (
            "flows: {a: {stages: [{name: x, artifact: y, script: z}], integration: {on_failure: x}}}".into(),
            "w.yaml:1:84: \"on_failure\" goes back to x, and no agent works from there on",
        ),
        (stage("mode: headles"), "w.yaml:6:15: \"mode\" must be one of interactive, headless, not \"headles\""),
        (stage("capability: aproval"), "w.yaml:6:21: unknown capability \"aproval\", did you mean \"approval\"?"),
        (
            stage("capability: subtasks\ncapabilities: []"),
            "w.yaml:6:21: \"capability\" and \"capabilities\" are the same",
        ),
        (
            stage("capabilities: {subtask: true}"),
            "w.yaml:6:24: unknown key in capabilities \"subtask\", did you mean \"subtasks\"?",
        ),
        (stage("capabilities: {subtasks: {flow: x}}"), "w.yaml:6:41: \"flow\" must be one of default, solo, not \"x\""),
        (
            stage("capabilities: {subtasks: {completion_stage: work}}"),
            "w.yaml:6:53: \"completion_stage\" must be a later stage, \"work\" is not after this one",
        ),
        (
            stage("capabilities: {subtasks: {on_child_failure: x}}"),
            "w.yaml:6:53: \"on_child_failure\" must be one of fail, wait",
        ),
        (next("capabilities: {subtasks: true}"), "w.yaml:7:24: subtasks need a flow"),
        (
            next("gate: true\ncapabilities: {subtasks: {flow: a}}"),
            "w.yaml:8:24: a stage either judges or makes subtasks, not both",
        ),
        (
            next("capabilities: {approval: {rejection_stage: next}}"),
            "w.yaml:7:52: \"rejection_stage\" must be an earlier stage, \"next\" is not before this one",
        ),
        (
            next("capabilities: {approval: {rejection_stage: wrok}}"),
            "w.yaml:7:52: \"rejection_stage\" must be one of work, not \"wrok\"",
        ),
        (
            next("gate: true\nschema_file: plan.json"),
            "w.yaml:8:22: \"schema_file\" is for a stage that hands in a text",
        ),
        (stage("schema_file: none.json"), "w.yaml:6:22: there is no schema none.json"),
        (stage("schema_file: ../plan.json"), "w.yaml:6:22: \"schema_file\" must be the name of a file"),
        (stage("disallowed_tools: Bash"), "w.yaml:6:27: \"disallowed_tools\" must be a list, not \"Bash\""),
        (stage("disallowed_tools: [{pattern: ''}]"), "w.yaml:6:38: \"pattern\" must be text"),
        (stage("disallowed_tools: [{tool: x}]"), "w.yaml:6:29: unknown key in a disallowed tool \"tool\""),
        (stage("permissions: al"), "w.yaml:6:22: \"permissions\" must be one of ask, edits, all"),
        (stage("model: 4"), "w.yaml:6:16: \"model\" must be text, not 4: put it in quotes"),
        (stage("").replace("summary", "task"), "w.yaml:5:19: artifact \"task\" is reserved"),
        (stage("").replace("summary", "../x"), "w.yaml:5:19: \"artifact\" may have only"),
        (stage("").replace("work", "''"), "w.yaml:4:15: \"name\" must be text"),
        ("flows: {a: {stages: []}}".into(), "w.yaml:1:21: flow \"a\" needs 1 to 100 stages, not 0"),
        ("flows: {a: {}}".into(), "w.yaml:1:12: flow \"a\" needs \"stages\""),
        ("x: 1\nflows: {}".into(), "w.yaml:1:1: unknown key in the workflow \"x\""),
        ("version: 3\nflows: {}".into(), "w.yaml:1:10: \"version\" must be a whole number from 1 to 2, not 3"),
        ("version: 2".into(), "w.yaml:1:1: the workflow needs \"flows\""),
        ("flows: []".into(), "w.yaml:1:8: \"flows\" must be a map of keys, not a list"),
        ("flows: {a/b: {}}".into(), "w.yaml:1:9: a flow's name may have only"),
        (
            "flows: {a: {stages: [{name: x, artifact: y}], integration: {on_failure: z}}}".into(),
            "w.yaml:1:73: \"on_failure\" must be one of x, not \"z\"",
        ),
        (
            "flows: {a: {stages: [{name: x, artifact: y}], integration: {gate: true}}}".into(),
            "w.yaml:1:67: integration's gate must be a command",
        ),
        (
            "flows: {a: {stages: [{name: x, artifact: y}, {name: x, artifact: z}]}}".into(),
            "w.yaml:1:53: a second stage \"x\" in this flow",
        ),
        (
            "flows: {a: {stages: [{name: x, artifact: y}, {name: z, artifact: y}]}}".into(),
            "w.yaml:1:66: a second artifact \"y\" in this flow",
        ),
        ("flows: &a {b: {stages: [*a]}}".into(), "w.yaml:1:25: an alias within its own anchor"),
    ] {
        let found = project.refusal(&text);
        assert!(found.starts_with(message), "{text}\nexpected {message}\nfound    {found}");
        assert_eq!(found.lines().count(), 1, "{text}\none fault is told once, not {found}");
    }
    let many: Vec<_> = (0..1000).map(|n| format!("      - {{name: s{n}, artifact: a{n}}}\n")).collect();
    assert!(project.refusal(&format!("flows:\n  a:\n    stages:\n{}", many.concat())).contains("not 1000"));
}

/// R50.
#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = "
flows:
  a:
    stages:
      - &bad {name: work, artifact: summary, gate: 1}
      - {name: review, artifact: verdict, gate: true}
      - {name: last, artifact: end, moode: headless}
    integration: {on_failure: wrk}
  b: {stages: [*bad]}
";
    insta::assert_snapshot!(Project::new().refusal(text), @r#"
    w.yaml:5:52: "gate" must be text, not 1: put it in quotes
    w.yaml:7:37: unknown key in a stage "moode", did you mean "mode"?
    w.yaml:8:31: "on_failure" must be one of work, review, last, not "wrk"
    "#);
}

#[test]
fn r49_templates_and_schemas_are_read_with_the_flow() {
    let project = Project::new();
    project.put("agents/next.md", "# Next\n\nSee {{artifact:plan}}.\n");
    project.put("agents/deep/er.md", "Read {{artifact:summary}}");
    project.put("broken.json", "{\n  \"type\": object\n}");
    project.read(&next("prompt: deep/er.md")).unwrap();
    assert!(project.refusal(&next("")).starts_with("PROJECT/agents/next.md:3:5: unknown variable {{artifact:plan}}"));
    let broken = project.refusal(&next("prompt: worker.md\nschema_file: broken.json"));
    assert_eq!(broken, "PROJECT/broken.json:2:11: a schema must be JSON: expected value");
    project.put("strange.json", "{\"properties\": {\"a\": {\"type\": \"objekt\"}}}");
    let strange = project.refusal(&next("prompt: worker.md\nschema_file: strange.json"));
    let begin = "PROJECT/strange.json:1:1: it is no JSON Schema at /properties/a/type: \"objekt\" is not";
    assert!(strange.starts_with(begin), "{strange}");
    project.put("agents/next.md", "For {{titel}}");
    let unknown =
        "PROJECT/agents/next.md:1:5: unknown variable {{titel}}, did you mean {{title}}; \\{{titel}} is plain text";
    assert_eq!(project.refusal(&next("")), unknown);
}

/// What the tool of the older name wrote: stages at the top, flows that name some of them.
const FIRST_GENERATION: &str = "
version: 1
stages:
  - name: plan
    display_name: Planning
    artifact: plan
    prompt: worker.md
    capabilities: {ask_questions: true}
  - name: breakdown
    artifact: breakdown
    inputs: [plan]
    capabilities:
      subtasks: {flow: hotfix, completion_stage: check}
  - {name: work, artifact: summary, inputs: [plan], prompt: worker.md, model: sonnet}
  - name: check
    artifact: results
    script: {command: .orkestra/scripts/checks.sh, timeout_seconds: 600, on_failure: work}
  - name: review
    artifact: verdict
    is_automated: true
    capabilities: {approval: {rejection_stage: work}}
integration: {on_failure: work}
flows:
  quick:
    description: No pieces
    icon: zap
    stages:
      - plan
      - work: {inputs: [plan], model: opus}
      - check
      - review:
  hotfix:
    stages: [work, check]
  notes:
    stages: [plan]
";

/// R48.
#[test]
fn a_project_of_the_first_generation_loads_unchanged() {
    let project = Project::in_folder(".orkestra");
    project.put("workflow.yaml", FIRST_GENERATION);
    let flows = load(&project.folder).unwrap();
    let told: Vec<_> = flows
        .iter()
        .map(|flow| {
            let stages: Vec<_> = flow.stages.iter().map(|stage| stage.name.as_str()).collect();
            format!("{}: {} | {:?}", flow.name, stages.join(" "), flow.integration.on_failure)
        })
        .collect();
    assert_eq!(
        told,
        [
            "solo: work | None",
            "default: plan breakdown work check review | Some(\"work\")",
            "quick: plan work check review | Some(\"work\")",
            "hotfix: work check | Some(\"work\")",
            "notes: plan | None",
        ]
    );
    let work = flows[2].stages[1].assignment().unwrap();
    assert_eq!((work.model.as_deref(), work.prompt.as_deref()), (Some("opus"), Some("worker.md")));
    assert_eq!(default_flow(&project.folder, &Config::default(), &flows), "default");
    assert_eq!(runs_commands(FIRST_GENERATION), Some(true));
    for (text, message) in [
        (FIRST_GENERATION.replace("version: 1", "version: 2"), "w.yaml:3:1: \"stages\" at the top is of version 1"),
        (
            FIRST_GENERATION.replace("      - plan\n", "      - pln\n"),
            "w.yaml:28:9: unknown stage \"pln\", did you mean \"plan\"?",
        ),
        (FIRST_GENERATION.replace("  quick:", "  default:"), "w.yaml:24:3: a second flow \"default\""),
        (
            FIRST_GENERATION.replace("{on_failure: work}\nflows", "{on_failure: x}\nflows"),
            "w.yaml:22:27: \"on_failure\" must be one of",
        ),
        (FIRST_GENERATION.replace("model: opus", "model: 4"), "w.yaml:29:39: \"model\" must be text"),
    ] {
        let found = project.refusal(&text);
        assert!(found.starts_with(message), "expected {message}\nfound    {found}");
    }
}

/// The second generation's default: gates by absolute path, verdicts by `gate: true`, anchors.
#[test]
fn a_project_of_the_second_generation_loads_unchanged() {
    let project = Project::in_folder(".orkestra");
    project.put(
        "workflow.yaml",
        "
flows:
  default:
    stages:
      - {name: planning, artifact: plan, prompt: worker.md}
      - name: breakdown
        artifact: breakdown
        capabilities: {subtasks: {flow: subtask}}
      - &work_stage
        name: work
        artifact: summary
        prompt: worker.md
        gate: {command: \"$ORKESTRA_PROJECT_ROOT/.orkestra/scripts/checks.sh\", timeout_seconds: 600}
      - &review_stage {name: review, artifact: verdict, gate: true}
      - {name: compound, artifact: learnings, is_automated: true}
    integration: {on_failure: work, auto_merge: false}
  subtask:
    stages: [*work_stage, *review_stage]
    integration: {on_failure: work}
",
    );
    let flows = load(&project.folder).unwrap();
    assert_eq!(flows.iter().map(|flow| flow.stages.len()).collect::<Vec<_>>(), [1, 5, 2]);
    assert_eq!(flows[2].stages[1].assignment().unwrap().output, verdict("work"));
}

#[test]
fn what_runs_commands_or_widens_rights_is_known() {
    let runs = |keys: &str| {
        runs_commands(&format!(
            "flows: {{a: {{stages: [{{name: x, artifact: y}}, {{name: z, artifact: w, {keys}}}]}}}}"
        ))
    };
    for keys in ["gate: make", "gate: {command: make}", "script: make", "permissions: all", "permissions: ask"] {
        assert_eq!(runs(keys), Some(true), "{keys}");
    }
    for keys in
        ["gate: true", "mode: headless", "prompt: not-there.md", "schema_file: not-there.json", "capability: approval"]
    {
        assert_eq!(runs(keys), Some(false), "{keys}");
    }
    assert_eq!(runs("gate: {}"), None, "what is not understood may run anything");
}

#[test]
fn the_older_folder_has_its_own_default_flow() {
    let dir = tempfile::tempdir().unwrap();
    let flows = read("flows: {default: {stages: [{name: x, artifact: y}]}}");
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
    assert_eq!(built_in, super::super::prompt::WORK);
    std::fs::create_dir_all(folder.agents()).unwrap();
    std::fs::write(folder.agents().join("work.md"), "ours").unwrap();
    assert_eq!(template(&folder, &stage).unwrap(), "ours");
}

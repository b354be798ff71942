//! The flows of a project: what is in its file, and what is wrong with it, without an engine.

use crate::{Desk, WILLING, in_place};

/// Every kind of stage.
const ALL_KINDS: &str = "\
flows:
  all:
    stages:
      - {name: plan, artifact: plan, is_automated: true}
      - {name: cut, artifact: pieces, capabilities: {subtasks: {flow: solo, completion_stage: judge}}}
      - {name: work, artifact: summary, mode: headless, gate: make test}
      - {name: format, artifact: log, script: {command: make format, on_failure: work}}
      - {name: judge, artifact: verdict, capability: approval}
";

#[test]
fn what_init_writes_is_right() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        std::fs::remove_dir_all(desk.repository.root().join(".orchestra")).unwrap();
        assert_eq!(desk.shown(&["workflow", "check"]), "solo: work", "without a file");
        desk.done(&["init"]);
        insta::assert_snapshot!(desk.shown(&["workflow", "check"]), @r"
        solo: work
        default: planning → work (gate) → review (verdict → work) → compound
        hotfix: work (gate)
        decompose: planning → breakdown (subtasks: subtask) → work (gate) → review (verdict → work) → compound
        subtask: work (gate, automated) → review (verdict → work, automated)
        ");
        assert!(desk.shown(&["workflow", "check", "--help"]).contains("new-workflow.yaml"));
    });
}

#[test]
fn a_file_is_checked_before_it_is_the_projects() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        desk.repository.write("next.yaml", ALL_KINDS);
        insta::assert_snapshot!(desk.shown(&["workflow", "check", "next.yaml"]), @r"
        solo: work
        all: plan (automated) → cut (subtasks: solo, then judge) → work (headless, gate) → format (script → work) → judge (verdict → work)
        ");
        let told = desk.json(&["workflow", "check", "next.yaml", "--json"]);
        assert_eq!(told["flows"][1]["name"], "all", "{told}");
        desk.repository.write(".orchestra/workflow.yaml", &ALL_KINDS.replace("gate: make", "gat: make"));
        desk.repository.write(".orchestra/agents/judge.md", "Judge\n  {{artifact:sumary}}\n");
        insta::assert_snapshot!(desk.shown(&["workflow", "check"]), @r#"
        stderr: ✗ $PLACE/my-app/.orchestra/workflow.yaml:6:57: unknown key in a stage "gat", did you mean "gate"?
        $PLACE/my-app/.orchestra/agents/judge.md:2:3: unknown variable {{artifact:sumary}}, did you mean {{artifact:summary}}; \{{artifact:sumary}} is plain text
        exit 1
        "#);
        assert_eq!(desk.json(&["workflow", "check", "--json"])["error"]["code"], "config");
        assert_eq!(desk.run(&["workflow", "check", "nowhere.yaml"]).code, 2);
        assert_eq!(desk.run(&["workflow"]).code, 2);
    });
}

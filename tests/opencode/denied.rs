//! Tools that a stage keeps from its agent: OpenCode refuses them, whatever the model wants.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use super::agents::Workplace;
use super::place::in_place;
use super::scene::Scene;

const FLOW: &str = "\
version: 2
flows:
  careful:
    stages:
      - name: work
        artifact: summary
        disallowed_tools:
          - {pattern: 'Bash(touch *)', message: files are written}
          - {pattern: WebFetch}
";

/// It asks for what it was told not to, and hands in what it was told then.
const STUBBORN: &str = r#"{"rules": [
  {"match": {"user": "Don't use `Bash\\(touch \\*\\)`: files are written", "tool": "submitted"}, "reply": {"text": "Done."}},
  {"match": {"user": "Make a file", "tool": "(rule|denied|not allowed|prevents)"}, "reply": {"shell": "orchestra submit <<'EOF'\nrefused\nEOF"}},
  {"match": {"user": "Make a file", "last": "tool"}, "reply": {"shell": "orchestra submit <<'EOF'\nallowed\nEOF"}},
  {"match": {"user": "Make a file"}, "reply": {"shell": "touch made.txt"}}
]}"#;

/// R49.
#[test]
fn real_agent_a_denied_tool_is_refused_and_one_denied_as_a_whole_is_not_even_offered() {
    let Some(workplace) = Workplace::opencode(STUBBORN) else { return };
    in_place(|place| {
        let scene = Scene::new(place, &workplace, FLOW, &[]);
        scene.commit();
        scene.run("careful", "careful", "Make a file.");
        assert_eq!(scene.repository.read(".orchestra/.artifacts/careful/summary.md").trim(), "refused");
        assert_eq!(scene.repository.git(&["ls-tree", "--name-only", "main", "made.txt"]), "");
        let requests = workplace.server.requests();
        let offers = |name: &str| {
            let main = requests.iter().filter(|it| it["aux"] == false);
            main.flat_map(|it| it["offers"].as_array().unwrap()).any(|tool| tool == name)
        };
        assert!(offers("bash") && !offers("webfetch"), "{requests:#?}");
        scene.end();
    });
}

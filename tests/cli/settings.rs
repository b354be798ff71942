//! Settings, the check of this machine, and what is printed for those who write clients.

use std::os::unix::fs::PermissionsExt as _;

use crate::{Desk, WILLING, in_place};

#[test]
fn settings_with_their_origin() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        place.write("orchestra-home/config.yaml", "max_running: 2\nui: {tips: false}\n");
        desk.repository.write(".orchestra/config.yaml", "agent: claude\nmax_running: 3\n");
        let shown = desk.done(&["config", "show", "--origin"]);
        for (key, value, place) in [
            ("agent", "claude", "$PLACE/my-app/.orchestra/config.yaml"),
            ("max_running", "3", "$PLACE/my-app/.orchestra/config.yaml"),
            ("ui.tips", "false", "$PLACE/orchestra-home/config.yaml"),
            ("git.hooks", "trusted", "default"),
        ] {
            let is_it = |line: &str| line.split_whitespace().eq([key, value, place]);
            assert!(shown.lines().any(is_it), "{key}: {shown}");
        }
        insta::assert_snapshot!(desk.shown(&["config", "check"]), @r"
        ok         $PLACE/orchestra-home/config.yaml
        ok         $PLACE/my-app/.orchestra/config.yaml
        ok         $PLACE/my-app/.orchestra/workflow.yaml
        ");
        desk.repository.write(".orchestra/config.yaml", "agent: claude\nmax_runing: 3\n");
        place.write("orchestra-home/config.yaml", "ui: {tips: maybe}\n");
        insta::assert_snapshot!(desk.shown(&["config", "check"]), @r#"
        stderr: ✗ $PLACE/orchestra-home/config.yaml:1:12: "ui.tips" must be true or false, not "maybe"
        $PLACE/my-app/.orchestra/config.yaml:2:1: unknown setting "max_runing", did you mean "max_running"?
        exit 1
        "#);
        let all = desk.json(&["config", "--json"]);
        assert_eq!(all["problems"].as_array().unwrap().len(), 2, "{all}");
        assert_eq!(
            all["settings"][0],
            serde_json::json!({"key": "agent", "value": "null", "origin": "default", "file": null})
        );
        let defaults = desk.done(&["config", "defaults"]);
        assert!(defaults.contains("worktrees:\n  # Where worktrees live"), "{defaults}");
        place.write("orchestra-home/config.yaml", &defaults);
        desk.repository.write(".orchestra/config.yaml", "");
        desk.done(&["config", "check"]);
    });
}

#[test]
fn the_doctor_says_what_is_wrong() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        let found = desk.json(&["doctor", "--json"]);
        assert_eq!(found["ok"], true, "{found}");
        let home = place.path("orchestra-home");
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755)).unwrap();
        let ran = desk.run(&["doctor"]);
        assert!(ran.code == 1 && ran.out.contains("chmod 700 $PLACE/orchestra-home"), "{ran:?}");
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
        let mut command = desk.command(&["doctor"]);
        let output = command.env("PATH", place.path("tmp")).env("LANG", "C").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.code() == Some(1) && text.contains("x git") && text.contains("no UTF-8"), "{text}");
    });
}

#[test]
fn agents_and_versions() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        insta::assert_snapshot!(desk.shown(&["agents"]), @r"
        opencode      not found
        claude        not found
        codex         not found
        scripted      not found
        ");
        let version = desk.done(&["version"]);
        assert_eq!(version, format!("orchestra {}\n", env!("CARGO_PKG_VERSION")));
        let ork = std::process::Command::new(env!("CARGO_BIN_EXE_ork"))
            .arg("version")
            .env_clear()
            .envs(place.environment())
            .output();
        assert_eq!(String::from_utf8(ork.unwrap().stdout).unwrap(), version);
    });
}

#[test]
fn methods_can_be_called_by_hand() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.done(&["new", "fix-it", "-d", "Fix it"]);
        assert_eq!(desk.json(&["rpc", "task.show", r#"{"task": "fix-it"}"#])["slug"], "fix-it");
        assert_eq!(desk.json(&["rpc", "engine.info"])["version"], env!("CARGO_PKG_VERSION"));
        let piped = desk.piped(&["rpc", "task.show", "-"], r#"{"task": 1}"#);
        assert!(piped.code == 0 && piped.out.contains("fix-it"), "{piped:?}");
        insta::assert_snapshot!(desk.shown(&["rpc", "task.show", "[1]"]), @r#"
        stderr: ✗ the parameters must be an object, {"name": value}.
        exit 2
        "#);
        assert!(desk.json(&["rpc-schema"]).is_object());
    });
}

#[test]
fn what_begins_under_settings_that_cannot_be_used_says_so() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.repository.write(".orchestra/config.yaml", "max_runing: 2\n");
        desk.done(&["shutdown", "-y"]);
        insta::assert_snapshot!(desk.shown(&["new", "fix-it", "-d", "Fix it", "--flow", "quick"]), @r#"
        kept fix-it as a draft; orchestra start fix-it starts it
        stderr: ! $PLACE/my-app/.orchestra/config.yaml:1:1: unknown setting "max_runing", did you mean "max_running"? The defaults are in force
        "#);
        let status = desk.done(&["status"]);
        assert!(status.starts_with("my-app\n! $PLACE/my-app/.orchestra/config.yaml:1:1: unknown setting"), "{status}");
        assert!(desk.json(&["status", "--json"])["project"]["faults"][0].as_str().unwrap().contains("max_runing"));
    });
}

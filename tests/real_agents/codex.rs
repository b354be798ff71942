//! Codex.

use super::row::Kind;

const CODEX: Kind = Kind {
    name: "codex",
    source: "program status",
    // In its sandbox commands run unasked.
    command: r#"{"tool": "exec_command", "args": {"cmd": "uname >system.txt", "sandbox_permissions": "require_escalated",
      "justification": "May I?"}}"#,
    dialog: &[("Yes, proceed", "y")],
    trust: &[("Trust this folder?", ""), ("1. Trust and continue", "\r"), ("Done.", "")],
};

/// R87, R72.
#[test]
fn real_agent_codex_edits_asks_and_hands_in_by_a_tool() {
    CODEX.edits_asks_and_hands_in();
}

#[test]
fn real_agent_codex_prints() {
    CODEX.prints();
}

#[test]
fn real_agent_codex_goes_on_after_a_stop() {
    CODEX.goes_on_after_a_stop();
}

#[test]
fn real_agent_codex_asks_whether_the_folder_is_trusted() {
    CODEX.asks_for_trust();
}

#[test]
fn real_agent_codex_rests_when_it_is_interrupted() {
    CODEX.rests_when_interrupted();
}

#[test]
fn real_agent_codex_is_found_with_its_version() {
    CODEX.is_found();
}

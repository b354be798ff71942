//! Claude Code.

use super::row::Kind;

const CLAUDE: Kind = Kind {
    name: "claude",
    source: "program status",
    command: r#"{"shell": "sh -c 'uname >system.txt'"}"#,
    dialog: &[("Do you want to proceed?", "1")],
    // Its cursor stands on "No, exit".
    trust: &[("❯ No, exit", "\x1b[B"), ("❯ Yes, I trust this folder", "\r"), ("accept edits on", "")],
};

/// R87, R72.
#[test]
fn real_agent_claude_edits_asks_and_hands_in_by_a_tool() {
    CLAUDE.edits_asks_and_hands_in();
}

#[test]
fn real_agent_claude_prints() {
    CLAUDE.prints();
}

#[test]
fn real_agent_claude_goes_on_after_a_stop() {
    CLAUDE.goes_on_after_a_stop();
}

#[test]
fn real_agent_claude_asks_whether_the_folder_is_trusted() {
    CLAUDE.asks_for_trust();
}

#[test]
fn real_agent_claude_rests_when_it_is_interrupted() {
    CLAUDE.rests_when_interrupted();
}

#[test]
fn real_agent_claude_is_found_with_its_version() {
    CLAUDE.is_found();
}

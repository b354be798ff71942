//! What `orchestra init` writes, run by OpenCode itself: its flows, and its prompts as they reach the model.
//!
//! The model does what a prompt says and nothing that it does not: each command that it runs is cut out of the prompt that it
//! got, and what it decides follows from what those commands printed.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::ops::RangeInclusive;

use super::agents::Workplace;
use super::place::in_place;
use super::scene::{Scene, of_user};

/// Who plans asks first; who works forgets the test; who reviews reads the diff, and misses it.
const BY_THE_BOOK: &str = r#"{"rules": [
  {"name": "ask", "match": {"user": "^# Plan$.*# Task: Greet the world\n\nBy `greet.sh`.*(orchestra submit --questions -) <<"}, "steps": [
    {"shell": "{{1}} <<'EOF'\n{\"questions\": [{\"question\": \"Which world? I would choose all of it.\"}]}\nEOF"}, {"text": "Asked."}]},
  {"name": "plan", "match": {"user": "A person answered your questions:.*Which world.*\n\nThe (\\w+) one.*artifact `plan` again with `(orchestra submit)`"}, "steps": [
    {"shell": "{{2}} <<'EOF'\n1. **Goal**: greet.sh says \"Hello, {{1}} world!\"\nEOF"}, {"text": "Planned."}]},
  {"name": "work", "match": {"user": "^# Work$.*# Task: Greet the world.*# Artifact `plan` of stage planning.*says \"(Hello, \\w+ world!)\".*^(orchestra submit) <<"}, "steps": [
    {"shell": "echo 'echo Hello' >greet.sh && git add . && git commit -q -m 'Greet' && {{2}} <<'EOF'\ngreet.sh is to say {{1}}\nEOF"}, {"text": "Done."}]},
  {"name": "gate", "match": {"user": "The gate failed.*greet.sh does not say (Hello, \\w+ world!).*artifact `summary` again with `(orchestra submit)`"}, "steps": [
    {"shell": "echo 'echo \"{{1}}\"' >greet.sh && git commit -qam 'Say all of it' && {{2}} <<'EOF'\ngreet.sh says {{1}}\nEOF"}, {"text": "Mended."}]},
  {"name": "approve", "match": {"user": "^# Review$.*# What you handed in before: `verdict`.*add greet_test.sh.*^(orchestra submit --verdict approve) <<", "tool": "\\+\\+\\+ b/greet_test.sh"}, "reply":
    {"shell": "{{1}} <<'EOF'\nThe test is there now.\nEOF"}},
  {"name": "reject", "match": {"user": "^# Review$.*greet.sh says Hello.*^(orchestra submit --verdict reject --to work) <<", "tool": "\\+\\+\\+ b/greet.sh"}, "reply":
    {"shell": "{{1}} <<'EOF'\n- greet.sh:1: nothing fails without it; add greet_test.sh\nEOF"}},
  {"name": "judged", "match": {"user": "^# Review$", "last": "tool", "tool": "submitted"}, "reply": {"text": "Judged."}},
  {"name": "review", "match": {"user": "^# Review$.*what `(git diff main\\.\\.\\.HEAD)` shows.*`(git status --short)`", "last": "user"}, "reply": {"shell": "{{1}} && {{2}}"}},
  {"name": "mend", "match": {"user": "`review` looked at the work and rejected it:.*add (\\S+).*artifact `summary` again with `(orchestra submit)`"}, "steps": [
    {"shell": "echo 'sh greet.sh | grep Hello' >{{1}} && git add . && git commit -q -m 'Test it' && {{2}} <<'EOF'\nThere is a test.\nEOF"}, {"text": "Mended."}]},
  {"name": "learn", "match": {"user": "^# Learn from it$.*`(git log -p main\\.\\.HEAD)`.*(history)/.*# Artifact `verdict` of stage review \\((\\S+)/verdict.md\\).*^(orchestra submit) <<"}, "steps": [
    {"shell": "{{1}} | grep -c '^commit' >count && cat {{3}}/{{2}}/review-1.md | sed -n 's/.*; add/add/p' >>AGENTS.md && rm count && git add . && git commit -q -m 'Say it' && {{4}} <<'EOF'\nIn AGENTS.md.\nEOF"}, {"text": "Learned."}]}
]}"#;

/// R3, R44, R54, R61, R63, R67, R109.
#[test]
fn real_agent_the_default_flow_from_new_to_merged_with_a_person_and_without() {
    let Some(workplace) = Workplace::opencode(BY_THE_BOOK) else { return };
    in_place(|place| {
        let checks =
            "grep -q 'Hello, whole world!' greet.sh || { echo 'greet.sh does not say Hello, whole world!'; exit 1; }";
        let scene = Scene::of_init(place, &workplace, checks);
        scene.orchestra(&["trust", "--trust"]);
        let description = "# Greet the world\n\nBy `greet.sh`.";
        scene.orchestra(&["new", "greet", "-d", description, "--flow", "default", "--start", "--no-edit"]);
        scene.reaches("greet", "asking");
        scene.orchestra(&["answer", "greet", "The whole one"]);
        for (state, stage) in [("approval", "planning"), ("approval", "work"), ("verdict", "review")] {
            scene.reaches("greet", state);
            assert_eq!(scene.way("greet").last().unwrap().0, stage);
            scene.orchestra(&["approve", "greet"]);
        }
        scene.orchestra(&["auto", "greet", "on"]);
        scene.reaches("greet", "merged");
        let way = scene.way("greet");
        let way: Vec<_> = way.iter().map(|(stage, outcome)| (stage.as_str(), outcome.as_str())).collect();
        assert_eq!(
            way,
            [
                ("planning", "asked"),
                ("planning", "passed"),
                ("work", "gate_failed"),
                ("work", "passed"),
                ("review", "sent_back"),
                ("work", "passed"),
                ("review", "passed"),
                ("compound", "passed"),
            ]
        );
        let main = |file| scene.repository.show("main", file);
        assert_eq!(main("greet.sh"), "echo \"Hello, whole world!\"");
        assert!(main("greet_test.sh").starts_with("sh greet.sh"));
        assert_eq!(main("AGENTS.md"), "add greet_test.sh");
        let usage: serde_json::Value = serde_json::from_str(&scene.orchestra(&["usage", "greet", "--json"])).unwrap();
        let took = |row: &serde_json::Value| (row["stage"].clone(), row["input"].as_u64() > Some(1000));
        let took: Vec<_> = usage["usage"].as_array().unwrap().iter().map(took).collect();
        assert_eq!(took, ["planning", "work", "review", "compound"].map(|stage| (stage.into(), true)));
        all_is_told(&workplace, way.len()..=way.len());
        prompts_are_whole(&scene, "greet");
        scene.end();
    });
}

/// Who repairs sees the fault first.
const IN_A_HURRY: &str = r#"{"rules": [
  {"name": "fix", "match": {"user": "^# Fix it$.*# Task: Nobody is greeted\n\n`(\\S+)` prints nothing.*^(orchestra submit) <<"}, "steps": [
    {"shell": "[ -z \"$(sh {{1}})\" ] && echo 'echo Hello' >{{1}} && git commit -qam 'Greet again' && {{2}} <<'EOF'\n{{1}} was empty\nEOF"}, {"text": "Fixed."}]}
]}"#;

/// R54.
#[test]
fn real_agent_the_hotfix_flow_of_init_is_merged_once_a_person_has_approved() {
    let Some(workplace) = Workplace::opencode(IN_A_HURRY) else { return };
    in_place(|place| {
        let scene = Scene::of_init(place, &workplace, "sh greet.sh | grep -q Hello");
        scene.repository.write("greet.sh", "");
        scene.commit();
        scene.orchestra(&["trust", "--trust"]);
        let description = "# Nobody is greeted\n\n`greet.sh` prints nothing.";
        scene.orchestra(&["new", "greet", "-d", description, "--flow", "hotfix", "--start", "--no-edit"]);
        scene.reaches("greet", "approval");
        scene.orchestra(&["approve", "greet"]);
        scene.reaches("greet", "merged");
        assert_eq!(scene.repository.show("main", "greet.sh"), "echo Hello");
        all_is_told(&workplace, 1..=1);
        prompts_are_whole(&scene, "greet");
        scene.end();
    });
}

/// Each attempt was one turn, and answered by a rule: no prompt said too little, none was typed twice, nobody was reminded.
fn all_is_told(workplace: &Workplace, attempts: RangeInclusive<usize>) {
    let requests = workplace.server.requests();
    let turns: Vec<_> = requests.iter().filter(|it| of_user(it)).collect();
    assert!(turns.iter().all(|it| it["rule"] != "fallback"), "prompts that say too little: {turns:#?}");
    assert!(attempts.contains(&turns.len()), "{} turns: {turns:#?}", turns.len());
}

/// What was sent for each attempt has each of its parts once, no variable left over, and a sane length.
fn prompts_are_whole(scene: &Scene, slug: &str) {
    let folder = scene.repository.root().join(".orchestra/.logs").join(slug);
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let sent: Vec<_> = files.filter(|path| path.to_str().unwrap().ends_with(".prompt.md")).collect();
    assert!(!sent.is_empty(), "no prompt in {}", folder.display());
    for path in sent {
        let text = std::fs::read_to_string(&path).unwrap();
        let whole = text.contains("# When you are done");
        let parts: &[&str] = if whole {
            &["\n# Task: ", "\n# When you are done", "\n# When you cannot go on", "\n# Limits"]
        } else {
            &[]
        };
        for part in parts {
            assert_eq!(text.matches(part).count(), 1, "{part:?} in {}:\n{text}", path.display());
        }
        assert!(!text.contains("{{") && text.len() < 12_000, "{}, {} bytes:\n{text}", path.display(), text.len());
    }
}

/// Two pieces, one after the other's file: what each of them says has to reach the one who puts them together.
const IN_PIECES: &str = r#"{"rules": [
  {"name": "plan", "match": {"user": "^# Plan$.*# Task: Two words.*^(orchestra submit) <<"}, "steps": [
    {"shell": "{{1}} <<'EOF'\nOne file for a word: left.txt, right.txt.\nEOF"}, {"text": "Planned."}]},
  {"name": "break", "match": {"user": "^# Take it apart$.*# Artifact `plan` of stage planning.*(left.txt), (right.txt).*^(orchestra submit --subtasks -) <<"}, "steps": [
    {"shell": "{{3}} <<'EOF'\n{\"summary\": \"A file each.\", \"subtasks\": [{\"title\": \"Left word\", \"description\": \"{{1}} is there\", \"instructions\": \"Write it.\", \"depends_on\": []}, {\"title\": \"Right word\", \"description\": \"{{2}} is there\", \"instructions\": \"Write it.\", \"depends_on\": []}]}\nEOF"}, {"text": "Taken apart."}]},
  {"name": "piece", "match": {"user": "^# A piece of the work$.*# Task: (Left|Right) word\n\n(\\S+) is there\n\nWrite it\\..*^(orchestra submit) <<"}, "steps": [
    {"shell": "echo {{1}}-$RANDOM >{{2}} && git add . && git commit -q -m '{{1}}' && {{3}} <<EOF\nthe {{1}} word is $(cat {{2}})\nEOF"}, {"text": "Done."}]},
  {"name": "skipped", "match": {"user": "^# (Review|Learn from it)$.*# Task: Two words$"}, "reply": {"wait": "the skip"}},
  {"name": "approve", "match": {"user": "^# Review$.*^(orchestra submit --verdict approve) <<", "tool": "\\+(Left|Right)-[0-9]"}, "reply": {"shell": "{{1}} <<'EOF'\nIt is there.\nEOF"}},
  {"name": "judged", "match": {"user": "^# Review$", "last": "tool", "tool": "submitted"}, "reply": {"text": "Judged."}},
  {"name": "review", "match": {"user": "^# Review$.*what `(git diff \\S+\\.\\.\\.HEAD)` shows", "last": "user"}, "reply": {"shell": "{{1}}"}},
  {"name": "join", "match": {"user": "^# Work$.*# Artifact `left-word/summary`.*the Left word is (Left-\\d+).*# Artifact `right-word/summary`.*the Right word is (Right-\\d+).*^(orchestra submit) <<"}, "steps": [
    {"shell": "[ \"$(cat left.txt right.txt | tr '\\n' ' ')\" = '{{1}} {{2}} ' ] && echo '{{1}} {{2}}' >both.txt && git add . && git commit -q -m 'Both' && {{3}} <<'EOF'\nboth.txt has both\nEOF"}, {"text": "Joined."}]}
]}"#;

/// R69, R77, R80, R81.
#[test]
fn real_agent_the_decompose_flow_of_init_does_two_pieces_and_puts_them_together() {
    let Some(workplace) = Workplace::opencode(IN_PIECES) else { return };
    in_place(|place| {
        let scene = Scene::of_init(place, &workplace, "git log -1 --format=%s");
        scene.orchestra(&["trust", "--trust"]);
        let description = "# Two words\n\nA left one and a right one.";
        scene.orchestra(&["new", "words", "-d", description, "--flow", "decompose", "--start", "--no-edit"]);
        for _planning_breakdown_work in 0..3 {
            scene.reaches("words", "approval");
            scene.orchestra(&["approve", "words"]);
        }
        for _review_compound in 0..2 {
            scene.orchestra(&["skip", "words"]);
        }
        scene.reaches("words", "merged");
        let word = |file| scene.repository.show("main", file);
        assert_eq!(word("both.txt"), format!("{} {}", word("left.txt"), word("right.txt")));
        for piece in ["left-word", "right-word"] {
            let way = scene.way(piece);
            let stages: Vec<_> = way.iter().map(|(stage, _)| stage.as_str()).collect();
            assert_eq!(stages, ["work", "review"]);
            prompts_are_whole(&scene, piece);
        }
        // What was skipped may have begun.
        all_is_told(&workplace, 7..=9);
        prompts_are_whole(&scene, "words");
        scene.end();
    });
}

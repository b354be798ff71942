//! The three ways of a task that the product was asked for, from a description to merged code, with OpenCode itself: a gate
//! that fails twice, a verdict that sends work back, and a breakdown whose parts depend on one another as a diamond.
//!
//! What the model answers follows from what reached its prompt: each nonce is made up by the run itself.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use super::agents::Workplace;
use super::place::in_place;
use super::scene::{Scene, of_user};

const TWICE: &str = "\
version: 2
flows:
  checked:
    stages:
      - {name: work, artifact: summary, gate: {command: checks.sh, timeout_seconds: 60}}
    integration: {on_failure: work}
";

/// It writes down what the gate demands, word by word; the word is not known before the gate has said it.
const OBEDIENT: &str = r#"{"rules": [
  {"match": {"user": "the word is (nonce-[0-9a-f]+)"}, "steps": [
    {"shell": "echo {{1}} >>words.txt && orchestra submit <<'EOF'\nI wrote {{1}}.\nEOF"}, {"text": "Handed in again."}]},
  {"match": {"user": "Collect words"}, "steps": [
    {"shell": "touch words.txt && orchestra submit <<'EOF'\nNo word yet.\nEOF"}, {"text": "Handed in."}]}
]}"#;

#[test]
fn r54_r55_real_agent_a_gate_fails_twice_then_passes_in_the_same_conversation() {
    let Some(workplace) = Workplace::opencode(OBEDIENT) else { return };
    in_place(|place| {
        let scene = Scene::new(place, &workplace, TWICE, &[]);
        let words = place.path("words");
        scene.repository.script(
            "checks.sh",
            &format!(
                "words='{}'\ntouch \"$words\"\nif [ \"$(wc -l <\"$words\")\" = 2 ]; then diff \"$words\" words.txt; exit; fi\n\
                 word=nonce-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \\n')\necho \"$word\" >>\"$words\"\n\
                 echo \"the word is $word\"\nexit 1",
                words.display()
            ),
        );
        scene.commit();
        scene.run("words", "checked", "Collect words in words.txt.");
        let given = place.lines("words");
        assert_eq!(given.len(), 2);
        assert_eq!(scene.repository.show("main", "words.txt").lines().collect::<Vec<_>>(), given);
        let requests = workplace.server.requests();
        let told: Vec<_> = requests.iter().filter(|it| of_user(it)).collect();
        let mut sessions: Vec<_> = told.iter().map(|it| it["session"].as_str().unwrap()).collect();
        sessions.dedup();
        assert_eq!((told.len(), sessions.len()), (3, 1), "three turns of one conversation: {sessions:?}");
        let outcomes: Vec<_> = scene.way("words").into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, ["gate_failed", "gate_failed", "passed"]);
        scene.end();
    });
}

const JUDGED: &str = "\
version: 2
flows:
  default:
    stages:
      - {name: planning, artifact: plan}
      - {name: work, artifact: summary}
      - {name: review, artifact: verdict, gate: true}
      - {name: compound, artifact: learnings}
";

/// The reviewer wants the word that only the plan has; the worker writes it once the reviewer has said so.
const CRITIC: &str = r#"{"rules": [
  {"match": {"user": "REVIEWER.*The secret is (plum-[0-9]+).*wrote nothing"}, "steps": [
    {"shell": "orchestra submit --verdict reject --to work <<'EOF'\nsay {{1}} in word.txt\nEOF"}, {"text": "Rejected."}]},
  {"match": {"user": "REVIEWER.*wrote (plum-[0-9]+)"}, "steps": [
    {"shell": "grep -q {{1}} word.txt && orchestra submit --verdict approve <<'EOF'\n{{1}} is there.\nEOF"}, {"text": "Approved."}]},
  {"match": {"user": "rejected it:.*say (plum-[0-9]+) in word.txt"}, "steps": [
    {"shell": "echo {{1}} >word.txt && orchestra submit <<'EOF'\nwrote {{1}}\nEOF"}, {"text": "Handed in again."}]},
  {"match": {"user": "WRITER OF LEARNINGS"}, "steps": [
    {"shell": "orchestra submit <<'EOF'\nSay the word at once.\nEOF"}, {"text": "Learned."}]},
  {"match": {"user": "WORKER"}, "steps": [
    {"shell": "orchestra submit <<'EOF'\nwrote nothing\nEOF"}, {"text": "Handed in."}]},
  {"match": {"user": "PLANNER"}, "steps": [
    {"shell": "orchestra submit <<EOF\nThe secret is plum-$RANDOM.\nEOF"}, {"text": "Planned."}]}
]}"#;

#[test]
fn r61_r63_real_agent_a_verdict_sends_work_back() {
    let Some(workplace) = Workplace::opencode(CRITIC) else { return };
    in_place(|place| {
        let templates = [
            ("planning", "You are the PLANNER."),
            ("work", "You are the WORKER."),
            ("review", "You are the REVIEWER."),
            ("compound", "You are the WRITER OF LEARNINGS."),
        ];
        let scene = Scene::new(place, &workplace, JUDGED, &templates);
        scene.commit();
        scene.run("word", "default", "Write the word.");
        assert!(scene.repository.show("main", "word.txt").starts_with("plum-"));
        let way = scene.way("word");
        let way: Vec<_> = way.iter().map(|(stage, outcome)| (stage.as_str(), outcome.as_str())).collect();
        assert_eq!(
            way,
            [
                ("planning", "passed"),
                ("work", "passed"),
                ("review", "sent_back"),
                ("work", "passed"),
                ("review", "passed"),
                ("compound", "passed")
            ]
        );
        let worker: Vec<_> = workplace.server.requests().into_iter().filter(of_user).collect();
        let of_worker = |it: &&serde_json::Value| {
            let text = it["text"].as_str().unwrap();
            text.contains("You are the WORKER") || text.contains("rejected it")
        };
        let mut sessions: Vec<_> =
            worker.iter().filter(of_worker).map(|it| it["session"].as_str().unwrap().to_owned()).collect();
        assert_eq!(sessions.len(), 2);
        sessions.dedup();
        assert_eq!(sessions.len(), 1, "the worker is told in its own conversation");
        scene.end();
    });
}

const TAKEN_APART: &str = "\
version: 2
flows:
  decompose:
    stages:
      - {name: breakdown, artifact: breakdown, capabilities: {subtasks: {flow: part}}}
      - {name: together, artifact: summary}
  part:
    stages:
      - {name: build, artifact: built}
";

/// Each part is built from those that it depends on: a word is made up in the first one and has to reach the last.
const BUILDERS: &str = r#"{"rules": [
  {"match": {"user": "BREAKER"}, "steps": [
    {"shell": "orchestra submit --subtasks - <<'EOF'\n{\"summary\": \"a diamond\", \"subtasks\": [\n{\"title\": \"Top\", \"description\": \"BUILD top\", \"instructions\": \"of nothing\"},\n{\"title\": \"Left\", \"description\": \"BUILD left\", \"instructions\": \"of top\", \"depends_on\": [0]},\n{\"title\": \"Right\", \"description\": \"BUILD right\", \"instructions\": \"of top\", \"depends_on\": [0]},\n{\"title\": \"Bottom\", \"description\": \"BUILD bottom\", \"instructions\": \"of left right\", \"depends_on\": [1, 2]}]}\nEOF"}, {"text": "Taken apart."}]},
  {"match": {"user": "BUILDER.*BUILD top"}, "steps": [
    {"shell": "echo fig-$RANDOM >top.txt && git add . && git commit -q -m top && orchestra submit <<'EOF'\nbuilt top\nEOF"}, {"text": "Built."}]},
  {"match": {"user": "BUILDER.*BUILD (left|right)"}, "steps": [
    {"shell": "cp top.txt {{1}}.txt && git add . && git commit -q -m {{1}} && orchestra submit <<'EOF'\nbuilt {{1}}\nEOF"}, {"text": "Built."}]},
  {"match": {"user": "BUILDER.*BUILD bottom"}, "steps": [
    {"shell": "cat left.txt right.txt >bottom.txt && git add . && git commit -q -m bottom && orchestra submit <<'EOF'\nbuilt bottom\nEOF"}, {"text": "Built."}]},
  {"match": {"user": "JOINER.*built top.*built bottom"}, "steps": [
    {"shell": "cat top.txt left.txt right.txt bottom.txt >all.txt && orchestra submit <<'EOF'\njoined\nEOF"}, {"text": "Joined."}]}
]}"#;

#[test]
fn r77_r81_real_agent_a_diamond_of_subtasks_is_merged_and_the_parent_goes_on() {
    let Some(workplace) = Workplace::opencode(BUILDERS) else { return };
    in_place(|place| {
        let templates = [
            ("breakdown", "You are the BREAKER."),
            ("together", "You are the JOINER."),
            ("build", "You are a BUILDER."),
        ];
        let scene = Scene::new(place, &workplace, TAKEN_APART, &templates);
        scene.commit();
        scene.run("diamond", "decompose", "Make a diamond.");
        let word = scene.repository.show("main", "top.txt");
        assert!(word.starts_with("fig-"), "{word}");
        assert_eq!(scene.repository.show("main", "bottom.txt").lines().collect::<Vec<_>>(), [word.trim(); 2]);
        assert_eq!(scene.repository.show("main", "all.txt").lines().count(), 5);
        let status: serde_json::Value = serde_json::from_str(&scene.orchestra(&["status", "--json"])).unwrap();
        let tasks = status["tasks"].as_array().unwrap();
        let ends: Vec<_> =
            tasks.iter().map(|it| (it["slug"].as_str().unwrap(), it["state"].as_str().unwrap())).collect();
        let expected = ["diamond", "top", "left", "right", "bottom"].map(|slug| (slug, "merged"));
        assert_eq!(ends, expected);
        scene.wait_for_one_worktree();
        scene.end();
    });
}

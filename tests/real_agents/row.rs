//! What each agent has to do, and be right about.

use serde_json::Value;

use super::agents::Workplace;
use super::place::in_place;
use super::scene::Scene;

/// An agent, as far as a person at its terminal knows it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// What tells its status.
    pub source: &'static str,
    /// What the model does that is asked for.
    pub command: &'static str,
    /// The dialog that asks for a command: what is seen of it, and the key that allows it once.
    pub dialog: &'static [(&'static str, &'static str)],
    /// The one that comes in a folder that nobody has trusted yet.
    pub trust: &'static [(&'static str, &'static str)],
}

const FLOW: &str = "\
version: 2
flows:
  one:
    stages:
      - {name: work, artifact: summary}
  printed:
    stages:
      - {name: work, artifact: summary, mode: headless}
";

/// It begins when the test lets it: until then it is at work for certain.
const GREETS: &str = r#"{"rules": [
  {"match": {"user": "Greet the world"}, "steps": [
    [{"text": "I think.\n\nThen I act.\n\n"}, {"wait": "greeted", "timeout": 300}, {"write": {"path": "greeting.txt", "content": "Hello\n"}}],
    COMMAND,
    {"mcp": "submit_artifact", "server": "orchestra", "args": {"content": "Made by a tool.", "summary": "one call"}},
    {"text": "Done."}]}
]}"#;

const PRINTS: &str = r#"{"rules": [
  {"match": {"user": "Greet the world"}, "steps": [
    {"write": {"path": "greeting.txt", "content": "Hello\n"}},
    {"mcp": "submit_artifact", "server": "orchestra", "args": {"content": "Made by a tool.", "summary": "one call"}},
    {"text": "Done."}]}
]}"#;

/// It comes to no end after its first change, until it is told to go on where it was.
const STOPPED: &str = r#"{"rules": [
  {"match": {"user": "You were interrupted", "any": "Greet the world"}, "steps": [
    {"shell": "orchestra submit <<'EOF'\nGone on.\nEOF"}, {"text": "Done."}]},
  {"match": {"user": "Greet the world"}, "steps": [
    {"write": {"path": "greeting.txt", "content": "Hello\n"}},
    [{"text": "I think.\n\nThen I act.\n\n"}, {"wait": "never", "timeout": 300}]]}
]}"#;

const TALKS: &str = r#"{"rules": [
  {"match": {"user": "Greet the world"}, "reply": [{"text": "I think.\n\nThen I act.\n\n"}, {"wait": "never", "timeout": 300}]}
]}"#;

impl Kind {
    /// At work, asking, at work again, at rest; and each of them is told.
    pub fn edits_asks_and_hands_in(self) {
        self.at_work(&GREETS.replace("COMMAND", self.command), "edits", |scene, workplace| {
            assert_eq!(scene.task("greet")["state"], "working");
            self.is_told(scene, "works");
            workplace.server.release("greeted");
            scene.reaches("greet", "asking");
            let task = scene.task("greet");
            assert_eq!(task["state"], "asking", "{task:#}");
            self.is_told(scene, "asks");
            let worktree = std::path::PathBuf::from(task["worktree"].as_str().unwrap());
            let file = |name| std::fs::read_to_string(worktree.join(name)).ok();
            assert_eq!(file("greeting.txt").as_deref(), Some("Hello\n"), "an edit is not asked for");
            assert_eq!(file("system.txt"), None);
            self.answers(scene, self.dialog);
            scene.reaches("greet", "approval");
            assert_eq!(file("system.txt").as_deref(), Some("Linux\n"));
            let artifact = scene.repository.read(".orchestra/.artifacts/greet/summary.md");
            assert_eq!(artifact.trim(), "Made by a tool.");
            self.is_told(scene, "rests");
            is_one_conversation(scene, workplace);
            assert!(!scene.repository.root().join("greeting.txt").exists(), "all of it happened in the worktree");
        });
    }

    /// Its print mode does a stage.
    pub fn prints(self) {
        self.in_scene(PRINTS, |scene, workplace| {
            scene.permit("edits");
            scene.commit();
            scene.run("greet", "printed", "Greet the world.");
            let artifact = scene.repository.read(".orchestra/.artifacts/greet/summary.md");
            assert_eq!(artifact.trim(), "Made by a tool.");
            assert_eq!(scene.repository.show("main", "greeting.txt"), "Hello");
            is_one_conversation(scene, workplace);
        });
    }

    /// Stopped in the middle of a turn, it goes on with the same conversation.
    pub fn goes_on_after_a_stop(self) {
        self.at_work(STOPPED, "edits", |scene, workplace| {
            scene.orchestra(&["stop", "greet"]);
            scene.reaches("greet", "paused");
            // Its process may end a little later.
            let known =
                scene.until("greet", "its conversation", |task| task["conversation"].as_str().map(str::to_owned));
            scene.orchestra(&["start", "greet"]);
            scene.reaches("greet", "approval");
            assert_eq!(scene.task("greet")["conversation"], known.as_str());
            assert_eq!(scene.repository.read(".orchestra/.artifacts/greet/summary.md").trim(), "Gone on.");
            is_one_conversation(scene, workplace);
        });
    }

    /// The dialog in a new folder is surfaced; once it is answered, the prompt that came with the launch is worked on.
    pub fn asks_for_trust(self) {
        let Some(workplace) = Workplace::of(self.name, PRINTS) else { return };
        in_place(|place| {
            let scene = Scene::untrusted(place, &workplace, FLOW);
            scene.permit("edits");
            scene.commit();
            start(&scene);
            scene.reaches("greet", "asking");
            assert_eq!(scene.task("greet")["state"], "asking");
            assert!(workplace.server.requests().is_empty(), "nothing was sent before somebody trusted the folder");
            self.answers(&scene, self.trust);
            scene.reaches("greet", "approval");
            assert_eq!(scene.repository.read(".orchestra/.artifacts/greet/summary.md").trim(), "Made by a tool.");
            scene.end();
        });
    }

    /// No hook tells of it.
    pub fn rests_when_interrupted(self) {
        self.at_work(TALKS, "edits", |scene, _| {
            self.answers(scene, &[("I think.", "\x1b")]);
            scene.reaches("greet", "quiet");
            self.is_told(scene, "rests");
        });
    }

    pub fn is_found(self) {
        self.in_scene(TALKS, |scene, workplace| {
            let listed: Value = serde_json::from_str(&scene.orchestra(&["agents", "--json"])).unwrap();
            let found = listed["agents"].as_array().unwrap().iter().find(|it| it["name"] == self.name).unwrap();
            assert!(found["path"].as_str().unwrap().starts_with(workplace.bin.to_str().unwrap()), "{found}");
            assert!(found["version"].as_str().unwrap().split('.').count() >= 3, "{found}");
        });
    }

    fn in_scene(self, scenario: &str, test: impl FnOnce(&Scene, &Workplace)) {
        let Some(workplace) = Workplace::of(self.name, scenario) else { return };
        in_place(|place| {
            let scene = Scene::new(place, &workplace, FLOW, &[]);
            test(&scene, &workplace);
            scene.end();
        });
    }

    /// A task whose agent has begun its first turn.
    fn at_work(self, scenario: &str, permissions: &str, test: impl FnOnce(&Scene, &Workplace)) {
        self.in_scene(scenario, |scene, workplace| {
            scene.permit(permissions);
            scene.commit();
            start(scene);
            self.answers(scene, &[("I think.", "")]);
            test(scene, workplace);
        });
    }

    /// A person comes, sees words, presses keys until the next words are there, and leaves.
    fn answers(self, scene: &Scene, steps: &[(&str, &str)]) {
        let mut terminal = scene.attach("greet");
        for (index, (words, keys)) in steps.iter().enumerate() {
            terminal.wait_for(words);
            match steps.get(index + 1) {
                Some((next, _)) => terminal.press_until(keys, next, |screen| screen.contains(next)),
                None => terminal.keys(keys),
            }
        }
        terminal.keys("\x11");
        assert_eq!(terminal.end().0, 0, "{}", self.name);
    }

    fn is_told(self, scene: &Scene, word: &str) {
        let agent = scene.explained("greet", "agent");
        assert!(agent.starts_with(&format!("{} {word}", self.name)), "{agent}");
        let source = scene.explained("greet", "source");
        assert!(source.starts_with(self.source), "{source}");
    }
}

/// All that the model was asked belongs to the conversation that the task knows.
fn is_one_conversation(scene: &Scene, workplace: &Workplace) {
    let known = scene.task("greet")["conversation"].clone();
    let requests = workplace.server.requests();
    let mut own = requests.iter().filter(|it| it["aux"] == false);
    assert!(known.is_string() && own.all(|it| it["session"] == known), "{known} {requests:#?}");
}

fn start(scene: &Scene) {
    scene.orchestra(&["trust", "--trust"]);
    scene.orchestra(&["new", "greet", "-d", "Greet the world.", "--flow", "one", "--start", "--no-edit"]);
}

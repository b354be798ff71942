//! OpenCode itself, launched by its manifest, heard by its events.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use jiff::Timestamp;
use orchestra::agent::{Catalog, Conversation, LaunchExtras, LaunchPlan, Manifest, events, launch};
use orchestra::model::{Activity, AgentFact, Mode, PermissionMode};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::agents::Workplace;
use crate::terminal::{LIMIT, Terminal};

const SCENARIO: &str = r#"{"rules": [
  {"match": {"user": "write (\\S+)"}, "steps": [
    [{"text": "I write it. "}, {"write": {"path": "{{1}}", "content": "hello\n"}}], {"shell": "ls"}, {"text": "Done."}]},
  {"match": {"user": "hand it in"}, "steps": [
    {"shell": "orchestra submit <<'EOF'\nIt's \"done\" & $HOME `x`\nEOF"}, {"text": "Handed in."}]},
  {"match": {"user": "is in the file (\\S+)\\. Read"}, "steps": [{"read": "{{1}}"}, {"text": "Read."}]}
]}"#;

/// OpenCode at work, and its facts.
struct Session {
    terminal: Terminal,
    facts: mpsc::Receiver<AgentFact>,
    extras: LaunchExtras,
}

impl Session {
    fn start(place: &Workplace, conversation: Conversation<'_>, prompt: &str) -> Self {
        let manifest = opencode();
        let (worktree, session_dir, bin_dir) = (place.worktree(), place.session_dir(), place.bin_dir());
        let inherited = place.environment();
        let (launch, extras) = launch(&LaunchPlan {
            manifest: &manifest,
            mode: Mode::Interactive,
            worktree: &worktree,
            conversation,
            prompt: Some(prompt),
            permissions: PermissionMode::Edits,
            disallowed_tools: &[],
            model: Some("test/test-model"),
            session_dir: &session_dir,
            session: "one",
            bin_dir: Some(&bin_dir),
            readable: &[],
            inherited: &inherited,
            variables: &[],
        })
        .unwrap();
        let (sender, facts) = mpsc::channel(16);
        let source = extras.events.clone().expect("OpenCode has an event stream");
        tokio::spawn(events::follow(source, extras.conversation.clone(), || Timestamp::UNIX_EPOCH, sender));
        Self { terminal: Terminal::run(&launch), facts, extras }
    }

    /// The facts up to the first one that `last` holds for.
    async fn until(&mut self, last: impl Fn(&AgentFact) -> bool) -> Vec<AgentFact> {
        let mut seen = Vec::new();
        loop {
            let fact = timeout(LIMIT, self.facts.recv()).await;
            let Ok(Some(fact)) = fact else { panic!("after {seen:?}:\n{}", self.terminal.text()) };
            seen.push(fact);
            if seen.last().is_some_and(&last) {
                return seen;
            }
        }
    }

    async fn until_rest(&mut self) -> Vec<AgentFact> {
        self.until(|fact| *fact == activity(Activity::Resting)).await
    }

    fn leave(mut self) {
        for key in opencode().quit {
            self.terminal.send(&key);
        }
        self.terminal.wait_exit();
    }
}

fn opencode() -> Manifest {
    Catalog::new(&BTreeMap::new()).unwrap().get("opencode").unwrap().clone()
}

fn activity(activity: Activity) -> AgentFact {
    AgentFact::Activity { activity }
}

fn asks(facts: &[AgentFact]) -> bool {
    facts.iter().any(|fact| matches!(fact, AgentFact::Activity { activity: Activity::Asking { .. } }))
}

fn tools(facts: &[AgentFact]) -> Vec<(&str, &str)> {
    facts
        .iter()
        .filter_map(|fact| match fact {
            AgentFact::Tool { name, detail, .. } => Some((name.as_str(), detail.as_str())),
            _ => None,
        })
        .collect()
}

/// The texts of the conversations' own requests, with their session.
fn asked(place: &Workplace) -> Vec<(String, String)> {
    let word = |request: &serde_json::Value, key: &str| request[key].as_str().unwrap_or_default().to_owned();
    let requests = place.server.requests();
    let own = requests.iter().filter(|request| request["aux"] == false && request["last"] == "user");
    own.map(|request| (word(request, "session"), word(request, "text"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_from_prompt_to_permission_to_resume() {
    let Some(place) = Workplace::opencode(SCENARIO) else { return };
    let prompt = "--help\n\"write\" $HOME `it`: write a.txt";
    let mut session = Session::start(&place, Conversation::Fresh, prompt);
    assert_eq!(session.extras.typed, None);

    let asking = activity(Activity::Asking { text: "bash: ls".to_owned() });
    let facts = session.until(|fact| *fact == asking).await;
    assert!(facts.contains(&activity(Activity::Working)), "{facts:?}");
    let file = place.worktree().join("a.txt");
    assert_eq!(tools(&facts), [("write", file.to_str().unwrap()), ("bash", "ls")]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "hello\n", "edits are not asked for");
    let id = facts.iter().find_map(|fact| match fact {
        AgentFact::Conversation { id } => Some(id.clone()),
        _ => None,
    });
    let id = id.expect("the conversation's id is told");
    assert_eq!(asked(&place), [(id.clone(), prompt.to_owned())], "the prompt came whole");

    // The event comes before the dialog does, and a key before the dialog is lost.
    session.terminal.wait_text("Permission required");
    session.terminal.send("\r");
    let facts = session.until_rest().await;
    let (took, rest): (Vec<_>, Vec<_>) =
        facts.into_iter().partition(|fact| matches!(fact, AgentFact::Usage { usage, .. } if usage.input > 0));
    assert_eq!(rest, [activity(Activity::Working), activity(Activity::Resting)]);
    assert_eq!(took.len(), 2, "two calls of the model end here: {took:?}");
    session.leave();

    let mut session = Session::start(&place, Conversation::Resume(&id), "write b.txt");
    let typed = session.extras.typed.clone().expect("a resumed OpenCode takes no prompt");
    session.until_rest().await;
    session.terminal.wait_text("Done.");
    session.terminal.paste(&typed);
    session.terminal.wait_text("write b.txt");
    session.terminal.send("\r");
    session.until(|fact| *fact == asking).await;
    assert_eq!(asked(&place).last(), Some(&(id, "write b.txt".to_owned())), "the same conversation");
}

/// R74.
#[tokio::test(flavor = "multi_thread")]
async fn handing_in_is_not_asked_for() {
    let Some(place) = Workplace::opencode(SCENARIO) else { return };
    let (stub, noted) = (place.bin_dir().join("orchestra"), place.session_dir().join("noted"));
    fs::write(&stub, format!("#!/bin/sh\n{{ echo \"$*\"; cat; }} >'{}'\n", noted.display())).unwrap();
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    let mut session = Session::start(&place, Conversation::Fresh, "hand it in");
    let facts = session.until_rest().await;
    assert!(!asks(&facts), "{facts:?}");
    assert_eq!(fs::read_to_string(noted).unwrap(), "submit\nIt's \"done\" & $HOME `x`\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_too_long_for_an_argument_is_read_from_its_file() {
    let Some(place) = Workplace::opencode(SCENARIO) else { return };
    let mut session = Session::start(&place, Conversation::Fresh, &"a long tale\n".repeat(12_000));
    let facts = session.until_rest().await;
    assert!(!asks(&facts), "its file may be read unasked: {facts:?}");
    assert_eq!(tools(&facts), [("read", place.session_dir().join("prompt.md").to_str().unwrap())]);
}

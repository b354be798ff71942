//! One stage of a flow file, and gates.

use super::super::yaml::{Fields, Flaw, Kind, Mark, Node};
use crate::model::{Assignment, Gate, PermissionMode, Stage, Work};

const STAGE_KEYS: [&str; 15] = [
    "name",
    "artifact",
    "description",
    "prompt",
    "agent",
    "model",
    "permissions",
    "gate",
    "is_automated",
    "capabilities",
    "mode",
    "script",
    "disallowed_tools",
    "schema_file",
    "isolation",
];

/// Keys of the format that this version does not run: refused, so that no flow runs with less than it says.
const NOT_YET: [(&str, &str); 5] = [
    ("mode", "\"mode\""),
    ("script", "script stages"),
    ("disallowed_tools", "\"disallowed_tools\""),
    ("schema_file", "\"schema_file\""),
    ("isolation", "\"isolation\""),
];

/// Names of the texts that every task has.
const RESERVED: [&str; 3] = ["trak", "task", "activity_log"];

const GATE_KEYS: [&str; 3] = ["command", "timeout_seconds", "max_attempts"];

/// A name that is safe as a file name: `[A-Za-z0-9][A-Za-z0-9_-]{0,62}`.
pub(super) fn check_name(name: &str, what: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let fits = name.len() <= 63 && name.bytes().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fits {
        return Ok(());
    }
    Err(format!(
        "{what} may have only letters, digits, _ and -, starts with a letter or a digit, and has at most 63, not {name:?}"
    ))
}

/// The stage in `node`; `earlier` are those before it in the flow.
pub(super) fn read(node: &Node, earlier: &[Stage], has_template: &dyn Fn(&str) -> bool) -> Result<Stage, Flaw> {
    let fields = Fields::new(node, "a stage", &STAGE_KEYS)?;
    for (key, feature) in NOT_YET {
        if let Some(mark) = fields.get(key).and_then(|_| fields.key_mark(key)) {
            return Err(not_yet(mark, feature));
        }
    }
    let (name_node, name) = name(fields, "name")?;
    let (artifact_node, artifact) = self::name(fields, "artifact")?;
    if earlier.iter().any(|stage| stage.name == name) {
        return Err(Flaw::new(name_node.mark, format!("a second stage \"{name}\" in this flow")));
    }
    if earlier.iter().any(|stage| stage.artifact == artifact) {
        return Err(Flaw::new(artifact_node.mark, format!("a second artifact \"{artifact}\" in this flow")));
    }
    if RESERVED.contains(&artifact.as_str()) {
        return Err(Flaw::new(artifact_node.mark, format!("artifact \"{artifact}\" is reserved")));
    }
    if let Some(node) = fields.get("capabilities") {
        check_capabilities(node)?;
    }
    Ok(Stage {
        name,
        artifact,
        description: fields.text("description")?,
        work: Work::Agent(Assignment {
            prompt: fields.get("prompt").map(|node| prompt(node, has_template)).transpose()?,
            agent: fields.text("agent")?,
            model: fields.text("model")?,
            permissions: fields.get("permissions").map(permissions).transpose()?,
            ..Assignment::default()
        }),
        gate: fields.get("gate").map(|node| gate(node, "a gate")).transpose()?,
        is_automated: fields.flag("is_automated")?.unwrap_or(false),
    })
}

/// A gate: its command, or a map with its limits.
pub(super) fn gate(node: &Node, what: &str) -> Result<Gate, Flaw> {
    let command =
        |text: &str| Gate { command: text.to_owned(), timeout_seconds: Gate::DEFAULT_TIMEOUT_SECONDS, max_attempts: 0 };
    if node.flag("gate").is_ok() {
        return Err(not_yet(node.mark, "agentic gates (gate: true or false)"));
    }
    if !matches!(node.kind, Kind::Map { .. }) {
        return node.text("gate").map(command);
    }
    let fields = Fields::new(node, what, &GATE_KEYS)?;
    let mut gate = command(fields.required("command", what)?.text("command")?);
    if let Some(seconds) = fields.number("timeout_seconds", 1..=86_400)? {
        gate.timeout_seconds = seconds;
    }
    gate.max_attempts = fields.number("max_attempts", 0..=u32::MAX)?.unwrap_or(0);
    Ok(gate)
}

fn name<'a>(fields: Fields<'a>, key: &str) -> Result<(&'a Node, String), Flaw> {
    let node = fields.required(key, "a stage")?;
    let text = node.text(key)?;
    check_name(text, &format!("\"{key}\"")).map_err(|message| Flaw::new(node.mark, message))?;
    Ok((node, text.to_owned()))
}

fn prompt(node: &Node, has_template: &dyn Fn(&str) -> bool) -> Result<String, Flaw> {
    let file = node.text("prompt")?;
    let refuse = |message: String| Err(Flaw::new(node.mark, message));
    if file.contains(['/', '\\', '\0']) || file.starts_with('.') {
        return refuse(format!("\"prompt\" must be the name of a file in agents/, not {file:?}"));
    }
    if has_template(file) {
        return Ok(file.to_owned());
    }
    refuse(format!("there is no template agents/{file}"))
}

fn permissions(node: &Node) -> Result<PermissionMode, Flaw> {
    Ok(match node.choice("permissions", &["ask", "edits", "all"])? {
        "ask" => PermissionMode::Ask,
        "all" => PermissionMode::All,
        _ => PermissionMode::Edits,
    })
}

fn check_capabilities(node: &Node) -> Result<(), Flaw> {
    let fields = Fields::new(node, "capabilities", &["ask_questions", "approval", "subtasks"])?;
    for key in ["approval", "subtasks"] {
        if let Some(mark) = fields.get(key).and_then(|_| fields.key_mark(key)) {
            return Err(not_yet(mark, &format!("\"capabilities.{key}\"")));
        }
    }
    match fields.flag("ask_questions")? {
        Some(false) => Err(not_yet(fields.key_mark("ask_questions").unwrap_or(node.mark), "\"ask_questions: false\"")),
        _ => Ok(()),
    }
}

fn not_yet(mark: Mark, feature: &str) -> Flaw {
    Flaw::new(mark, format!("this version of Orchestra does not run {feature} yet"))
}

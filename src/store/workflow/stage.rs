//! One stage of a flow file.

use super::super::artifact::ACTIVITY_LOG;
use super::super::yaml::{Fields, Flaw, Kind, Node};
use super::asset::stays_inside;
use super::output::{self, Capabilities};
use super::reader::Around;
use crate::model::{Assignment, DisallowedTool, Gate, Mode, PermissionMode, Schema, Script, Stage, Work};

/// Keys of every stage, and those of an agent's work.
const STAGE_KEYS: [&str; 17] = [
    "name",
    "artifact",
    "description",
    "display_name",
    "inputs",
    "is_automated",
    "script",
    "prompt",
    "agent",
    "model",
    "permissions",
    "mode",
    "gate",
    "capabilities",
    "capability",
    "disallowed_tools",
    "schema_file",
];
const FIRST_OF_AGENT: usize = 7;

const SCRIPT_KEYS: [&str; 3] = ["command", "timeout_seconds", "on_failure"];

/// Names of the texts that every task has.
const RESERVED: [&str; 3] = ["trak", "task", ACTIVITY_LOG];

/// Seconds that a command may be given.
pub(super) const TIMEOUTS: std::ops::RangeInclusive<u32> = 1..=86_400;

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

/// The stage in `node`.
pub(super) fn read(node: &Node, around: Around<'_>) -> Result<Stage, Flaw> {
    let fields = Fields::new(node, "a stage", &STAGE_KEYS)?;
    let name = name(fields, "name", &around.names[..around.at])?;
    let artifact = self::name(fields, "artifact", &around.artifacts[..around.at])?;
    if let Some(node) = fields.get("artifact").filter(|_| RESERVED.contains(&artifact.as_str())) {
        return Err(Flaw::new(node.mark, format!("artifact \"{artifact}\" is reserved")));
    }
    // For other programs and for people: a stage is given every earlier artifact.
    fields.text("display_name")?;
    if let Some(inputs) = fields.get("inputs") {
        inputs.list("inputs")?.iter().try_for_each(|input| input.text("inputs").map(drop))?;
    }
    let (work, gate) = if let Some(node) = fields.get("script") {
        (Work::Script(script(node, fields, around)?), None)
    } else {
        let gate = fields.get("gate").map(output::gate).transpose()?.unwrap_or_default();
        (Work::Agent(assignment(fields, gate.judges, around)?), gate.command)
    };
    let is_automated = fields.flag("is_automated")?.unwrap_or(false);
    Ok(Stage { name, artifact, description: fields.text("description")?, work, gate, is_automated, next: None })
}

fn assignment(fields: Fields<'_>, judges: bool, around: Around<'_>) -> Result<Assignment, Flaw> {
    let capabilities = Capabilities::read(fields)?;
    let gate = if judges { fields.key_mark("gate") } else { None };
    let output = capabilities.output(gate, around)?;
    let schema = match fields.get("schema_file") {
        Some(node) if output != crate::model::Output::Artifact => {
            return Err(Flaw::new(
                node.mark,
                "\"schema_file\" is for a stage that hands in a text, not a verdict or subtasks",
            ));
        }
        Some(node) => Some(schema(node, around)?),
        None => None,
    };
    Ok(Assignment {
        prompt: fields.get("prompt").map(|node| prompt(node, around)).transpose()?,
        agent: fields.text("agent")?,
        model: fields.text("model")?,
        permissions: fields.get("permissions").map(permissions).transpose()?,
        mode: fields.get("mode").map(mode).transpose()?.unwrap_or(Mode::Interactive),
        asks: capabilities.asks,
        disallowed_tools: fields.get("disallowed_tools").map_or(Ok(Vec::new()), disallowed_tools)?,
        schema,
        output,
    })
}

/// A script: its command, or a map with its limits.
fn script(node: &Node, fields: Fields<'_>, around: Around<'_>) -> Result<Script, Flaw> {
    let of_agent = STAGE_KEYS[FIRST_OF_AGENT..]
        .iter()
        .find(|key| fields.get(key).is_some_and(|value| !matches!(value.flag(key), Ok(false))));
    if let Some((key, mark)) = of_agent.and_then(|key| Some((key, fields.key_mark(key)?))) {
        let why = if *key == "gate" { "its exit code is its check" } else { "no agent works on it" };
        return Err(Flaw::new(mark, format!("a script stage takes no \"{key}\": {why}")));
    }
    let script = |command: &str| Script {
        command: command.to_owned(),
        timeout_seconds: Gate::DEFAULT_TIMEOUT_SECONDS,
        on_failure: None,
    };
    if !matches!(node.kind, Kind::Map { .. }) {
        return node.text("script").map(script);
    }
    let fields = Fields::new(node, "a script", &SCRIPT_KEYS)?;
    let mut script = script(fields.required("command", "a script")?.text("command")?);
    if let Some(seconds) = fields.number("timeout_seconds", TIMEOUTS)? {
        script.timeout_seconds = seconds;
    }
    if let Some(node) = fields.get("on_failure") {
        let stage = earlier_stage(node, "on_failure", around)?;
        let from = around.names.iter().position(|name| *name == stage).unwrap_or_default();
        let names = &around.names[from..around.at];
        let works = |it: &Stage| names.contains(&it.name.as_str()) && it.assignment().is_some();
        // One that could not be read is told of by itself.
        if around.earlier.len() == around.at && !around.earlier.iter().any(works) {
            let text = format!("\"on_failure\" goes back to {stage}, and no agent works between there and here");
            return Err(Flaw::new(node.mark, text));
        }
        script.on_failure = Some(stage);
    }
    Ok(script)
}

/// The name of a stage that work can go back to.
pub(super) fn earlier_stage(node: &Node, key: &str, around: Around<'_>) -> Result<String, Flaw> {
    let earlier = &around.names[..around.at];
    let stage = node.text(key)?;
    if !earlier.contains(&stage) && around.names.contains(&stage) {
        return Err(Flaw::new(
            node.mark,
            format!("\"{key}\" must be an earlier stage, \"{stage}\" is not before this one"),
        ));
    }
    if earlier.is_empty() {
        return Err(Flaw::new(node.mark, format!("\"{key}\" must be an earlier stage, and this is the first one")));
    }
    node.choice(key, earlier).map(str::to_owned)
}

fn name(fields: Fields<'_>, key: &str, earlier: &[&str]) -> Result<String, Flaw> {
    let node = fields.required(key, "a stage")?;
    let text = node.text(key)?;
    check_name(text, &format!("\"{key}\"")).map_err(|message| Flaw::new(node.mark, message))?;
    if earlier.contains(&text) {
        let what = if key == "name" { "stage" } else { key };
        return Err(Flaw::new(node.mark, format!("a second {what} \"{text}\" in this flow")));
    }
    Ok(text.to_owned())
}

fn prompt(node: &Node, around: Around<'_>) -> Result<String, Flaw> {
    let file = node.text("prompt")?;
    if !stays_inside(file) {
        return Err(Flaw::new(node.mark, format!("\"prompt\" must be the name of a file in agents/, not {file:?}")));
    }
    match around.assets.template(file) {
        // What cannot be read for another reason is told when its text is looked at.
        Ok(Some(_)) | Err(_) => Ok(file.to_owned()),
        Ok(None) => Err(Flaw::new(node.mark, format!("there is no template agents/{file}"))),
    }
}

fn schema(node: &Node, around: Around<'_>) -> Result<Schema, Flaw> {
    let file = node.text("schema_file")?;
    if !stays_inside(file) {
        let what = format!("\"schema_file\" must be the name of a file in the project's folder, not {file:?}");
        return Err(Flaw::new(node.mark, what));
    }
    match around.assets.schema(file) {
        Ok(Some(asset)) => Ok(Schema { file: file.to_owned(), text: asset.text }),
        Ok(None) => Err(Flaw::new(node.mark, format!("there is no schema {file}"))),
        Err(error) => Err(Flaw::new(node.mark, error.to_string())),
    }
}

fn permissions(node: &Node) -> Result<PermissionMode, Flaw> {
    Ok(match node.choice("permissions", &["ask", "edits", "all"])? {
        "ask" => PermissionMode::Ask,
        "all" => PermissionMode::All,
        _ => PermissionMode::Edits,
    })
}

fn mode(node: &Node) -> Result<Mode, Flaw> {
    Ok(match node.choice("mode", &["interactive", "headless"])? {
        "headless" => Mode::Headless,
        _ => Mode::Interactive,
    })
}

fn disallowed_tools(node: &Node) -> Result<Vec<DisallowedTool>, Flaw> {
    let tool = |node: &Node| {
        if !matches!(node.kind, Kind::Map { .. }) {
            return Ok(DisallowedTool { pattern: node.text("disallowed_tools")?.to_owned(), message: None });
        }
        let fields = Fields::new(node, "a disallowed tool", &["pattern", "message"])?;
        let pattern = fields.required("pattern", "a disallowed tool")?.text("pattern")?.to_owned();
        Ok(DisallowedTool { pattern, message: fields.text("message")? })
    };
    node.list("disallowed_tools")?.iter().map(tool).collect()
}

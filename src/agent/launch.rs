//! From a manifest and a task to a program with its arguments and environment.
//!
//! Invariants: a prompt arrives whole and is never read as an option; a value of unknown origin (a conversation id
//! that an agent reported) is checked before it becomes an argument; secrets go through the environment only.

use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use crate::model::{DisallowedTool, Launch, Mode, PermissionMode};

use super::error::AgentError;
use super::manifest::{ConversationBy, EventsBy, Manifest, PromptBy};
use super::mcp::escaped;
use super::{disallow, environment};

/// A prompt of more bytes goes by file: the kernel refuses an argument of 128 KiB.
const MAX_ARGUMENT: usize = 100 * 1024;

/// What a launch is made of.
#[derive(Debug, Clone)]
pub struct LaunchPlan<'a> {
    pub manifest: &'a Manifest,
    pub mode: Mode,
    pub worktree: &'a Path,
    pub conversation: Conversation<'a>,
    pub prompt: Option<&'a str>,
    pub permissions: PermissionMode,
    /// Kept from the agent where it can be; its prompt names them all the same.
    pub disallowed_tools: &'a [DisallowedTool],
    pub model: Option<&'a str>,
    /// A folder of this session alone, 0700, absolute: the prompt's file is written there.
    pub session_dir: &'a Path,
    /// Id of the session, for its tools.
    pub session: &'a str,
    /// Goes to the front of `PATH`, so that the agent finds `orchestra`.
    pub bin_dir: Option<&'a Path>,
    /// Folders outside of the worktree that the agent may read unasked: artifacts, gate logs.
    pub readable: &'a [PathBuf],
    /// The user's environment, as this process has it.
    pub inherited: &'a [(OsString, OsString)],
    /// The variables of the task (`ORCHESTRA_TASK_ID` ...).
    pub variables: &'a [(OsString, OsString)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation<'a> {
    /// A new one; its id is chosen here when the agent lets us.
    Fresh,
    /// A new one with this id, for an agent that lets us choose.
    Preset(&'a str),
    Resume(&'a str),
}

/// What a launch leaves to its caller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaunchExtras {
    /// The conversation's id; none: not known yet, or the agent has none.
    pub conversation: Option<String>,
    /// Where `events::follow` listens.
    pub events: Option<EventSource>,
    /// What has to be typed once the agent rests, because the command line does not take it.
    pub typed: Option<String>,
}

/// An agent's event stream on the loopback interface.
#[derive(Clone, PartialEq, Eq)]
pub struct EventSource {
    pub port: u16,
    pub password: String,
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource").field("port", &self.port).finish_non_exhaustive()
    }
}

/// The program to run for `plan`. Writes the prompt's file where the agent needs one, and chooses port, password
/// and conversation id.
pub fn launch(plan: &LaunchPlan<'_>) -> Result<(Launch, LaunchExtras), AgentError> {
    let manifest = plan.manifest;
    let (template, conversation) = conversation(plan)?;
    let way = prompt_by(plan, template);
    let (given, typed) = match plan.prompt {
        Some(prompt) if way == PromptBy::Typed => (None, Some(prompt.to_owned())),
        other => (other, None),
    };
    let (prompt, prompt_file) = given.map(|text| place_prompt(plan, way, text)).transpose()?.unwrap_or_default();
    let listens = manifest.events == EventsBy::Sse && plan.mode == Mode::Interactive;
    let events = listens.then(event_source).transpose()?;
    let values = Values {
        prompt,
        prompt_file: prompt_file.as_ref().map(|path| path.to_string_lossy().into_owned()),
        conversation: conversation.clone(),
        worktree: plan.worktree.to_string_lossy().into_owned(),
        session_dir: plan.session_dir.to_string_lossy().into_owned(),
        model: plan.model.map(str::to_owned),
        port: events.as_ref().map(|source| source.port.to_string()),
        secret: events.as_ref().map(|source| source.password.clone()),
        readable: readable(plan),
    };
    let grant = manifest.grant(plan.permissions);
    let mut grants: Vec<_> = grant.args.iter().filter_map(|arg| values.fill(arg)).collect();
    grants.extend(disallow::arguments(manifest, plan.disallowed_tools));
    let mut env = environment::base(plan.inherited, plan.bin_dir);
    for (name, value) in manifest.env.iter().chain(&grant.env) {
        if let Some(value) = values.fill(value) {
            env.insert(name.into(), value.into());
        }
    }
    disallow::deny(manifest, plan.disallowed_tools, &mut env)?;
    if let (Some(tools), Some(bin)) = (&manifest.mcp, plan.bin_dir) {
        grants.extend(tools.add(&bin.join("orchestra"), plan.session, plan.variables, &mut env));
    }
    let argv = values.arguments(template, &grants);
    let argv = match prompt_file {
        Some(file) if way == PromptBy::Stdin => with_stdin(argv, &file),
        _ => argv.into_iter().map(OsString::from).collect(),
    };
    env.extend(plan.variables.iter().cloned());
    let launch = Launch { argv, env: env.into_iter().collect(), cwd: plan.worktree.to_owned() };
    Ok((launch, LaunchExtras { conversation, events, typed }))
}

/// The command line's template, and the conversation's id as far as it is known.
fn conversation<'a>(plan: &LaunchPlan<'a>) -> Result<(&'a [String], Option<String>), AgentError> {
    let manifest = plan.manifest;
    let (start, resume) = manifest.command_lines(plan.mode)?;
    match plan.conversation {
        Conversation::Resume(_) if resume.is_empty() => Err(AgentError::CannotResume { agent: manifest.name.clone() }),
        Conversation::Resume(id) => Ok((resume, Some(checked(id)?))),
        Conversation::Preset(id) if manifest.conversation == ConversationBy::Preset => Ok((start, Some(checked(id)?))),
        Conversation::Fresh if manifest.conversation == ConversationBy::Preset => Ok((start, Some(uuid()?))),
        Conversation::Fresh | Conversation::Preset(_) => Ok((start, None)),
    }
}

/// How the prompt gets to the agent. A command line without a place for it is typed to; but a print mode takes no keys.
fn prompt_by(plan: &LaunchPlan<'_>, template: &[String]) -> PromptBy {
    let has_place = template.iter().any(|arg| arg.contains("{prompt}") || arg.contains("{prompt_file}"));
    match (plan.mode, plan.manifest.prompt) {
        (_, PromptBy::Stdin) => PromptBy::Stdin,
        (Mode::Interactive, way) if has_place => way,
        (Mode::Interactive, _) => PromptBy::Typed,
        (Mode::Headless, _) if !has_place => PromptBy::Stdin,
        (Mode::Headless, PromptBy::File) => PromptBy::File,
        (Mode::Headless, _) => PromptBy::Argument,
    }
}

/// An id that can be nothing but an id: no option, no path.
pub(super) fn checked(id: &str) -> Result<String, AgentError> {
    let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
    let fits = (1..=128).contains(&id.len()) && id.bytes().all(ok) && id.as_bytes()[0].is_ascii_alphanumeric();
    if fits { Ok(id.to_owned()) } else { Err(AgentError::BadConversation { id: id.to_owned() }) }
}

/// The prompt as `{prompt}` gives it, and the file that it was written to, if it was.
fn place_prompt(
    plan: &LaunchPlan<'_>,
    way: PromptBy,
    text: &str,
) -> Result<(Option<String>, Option<PathBuf>), AgentError> {
    // No argument can hold a zero byte.
    let text = text.replace('\0', "\u{fffd}");
    if way == PromptBy::Argument && text.len() <= MAX_ARGUMENT {
        return Ok((Some(text), None));
    }
    let path = plan.session_dir.join("prompt.md");
    write_private(&path, &text).map_err(|source| AgentError::PromptFile { path: path.clone(), source })?;
    let pointer = format!("Your task is in the file {}. Read all of it, then do what it says.", path.display());
    Ok((Some(pointer), Some(path)))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

fn event_source() -> Result<EventSource, AgentError> {
    // Free now, and taken by the agent in a moment; one that finds it taken says so on its screen.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(AgentError::Port)?;
    let port = listener.local_addr().map_err(AgentError::Port)?.port();
    Ok(EventSource { port, password: hex(&random::<24>()?) })
}

fn readable(plan: &LaunchPlan<'_>) -> String {
    let form = &plan.manifest.readable;
    let one = |dir: &Path| form.replace("{dir}", &escaped(&dir.to_string_lossy()));
    std::iter::once(plan.session_dir).chain(plan.readable.iter().map(PathBuf::as_path)).map(one).collect()
}

/// A shell that replaces itself by the program, its standard input being the file: in a terminal, it would be that.
fn with_stdin(argv: Vec<String>, file: &Path) -> Vec<OsString> {
    let shell = ["/bin/sh", "-c", "f=$1; shift; exec \"$@\" <\"$f\"", "sh"].map(OsString::from);
    shell.into_iter().chain([file.into()]).chain(argv.into_iter().map(OsString::from)).collect()
}

/// What stands for a placeholder.
enum Value<'v> {
    Known(&'v str),
    /// It has none in this launch.
    Missing,
    /// There is no such placeholder: the braces are the text's own.
    Unknown,
}

/// The values of the placeholders.
struct Values {
    prompt: Option<String>,
    prompt_file: Option<String>,
    conversation: Option<String>,
    worktree: String,
    session_dir: String,
    model: Option<String>,
    port: Option<String>,
    secret: Option<String>,
    readable: String,
}

impl Values {
    fn get(&self, name: &str) -> Value<'_> {
        let value = match name {
            "prompt" => self.prompt.as_deref(),
            "prompt_file" => self.prompt_file.as_deref(),
            "conversation" => self.conversation.as_deref(),
            "worktree" => Some(self.worktree.as_str()),
            "session_dir" => Some(self.session_dir.as_str()),
            "model" => self.model.as_deref(),
            "port" => self.port.as_deref(),
            "secret" => self.secret.as_deref(),
            "readable" => Some(self.readable.as_str()),
            _ => return Value::Unknown,
        };
        value.map_or(Value::Missing, Value::Known)
    }

    /// `text` with its placeholders filled in, in one pass: a value that holds braces is not looked into. None:
    /// one of them has no value.
    fn fill(&self, text: &str) -> Option<String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            let inside = &rest[open + 1..];
            let close = inside.find('}').unwrap_or(0);
            match self.get(&inside[..close]) {
                Value::Known(value) => {
                    filled.push_str(value);
                    rest = &inside[close + 1..];
                }
                Value::Missing => return None,
                Value::Unknown => {
                    filled.push('{');
                    rest = inside;
                }
            }
        }
        filled.push_str(rest);
        Some(filled)
    }

    /// The command line of `template`, with `grants`, filled in already, at their place.
    fn arguments(&self, template: &[String], grants: &[String]) -> Vec<String> {
        const GRANTS: &str = "{permissions}";
        let placed = template.iter().any(|arg| arg == GRANTS);
        let mut argv: Vec<String> = Vec::with_capacity(template.len() + grants.len());
        let mut options_over = false;
        for (index, arg) in template.iter().enumerate() {
            if arg == GRANTS || (index == 1 && !placed) {
                argv.extend_from_slice(grants);
            }
            if arg == GRANTS {
                continue;
            }
            options_over |= arg == "--";
            match self.fill(arg) {
                Some(value) if arg == "{prompt}" && !options_over => argv.push(no_option(value)),
                Some(value) => argv.push(value),
                None if argv.last().is_some_and(|last| argv.len() > 1 && last.starts_with('-') && last != "--") => {
                    argv.pop();
                }
                None => {}
            }
        }
        if template.len() == 1 {
            argv.extend_from_slice(grants);
        }
        argv
    }
}

/// A word that no parser takes for an option: a blank before it is nothing to a reader of prompts.
fn no_option(value: String) -> String {
    if value.starts_with('-') { format!(" {value}") } else { value }
}

/// A random UUID, version 4.
fn uuid() -> Result<String, AgentError> {
    let mut bytes = random::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

fn random<const N: usize>() -> Result<[u8; N], AgentError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(AgentError::Random)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).expect("invariant: a nibble is below 16"));
        }
        text
    })
}

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;

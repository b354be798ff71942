//! An agent as data: its command lines, how it takes a prompt, how it tells what it does.
//!
//! Invariants: `start` is never empty; every pattern compiles; an unknown key is an error that names it.

use std::collections::{BTreeMap, HashMap};

use regex::Regex;
use serde::Deserialize;

use crate::model::{Mode, PermissionMode};

use super::error::AgentError;
use super::mcp::Tools;
use super::transcripts::Transcripts;
use super::usage::UsageBy;

/// An agent.
///
/// Placeholders in `start`, `resume`, `headless`, `headless_resume`, `env` and `permissions`: `{prompt}`, `{prompt_file}`,
/// `{conversation}`, `{worktree}`, `{session_dir}`, `{model}`, `{port}` (a free loopback port), `{secret}` (random, for one launch),
/// `{readable}` (see there), and the argument `{permissions}`, where the arguments of the permission mode go (after
/// the program when it stands nowhere). An argument whose placeholder has no value is left out together with the
/// option before it: `--model {model}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    #[serde(skip)]
    pub name: String,
    pub start: Vec<String>,
    /// Goes on with `{conversation}`; empty: the agent can't.
    #[serde(default)]
    pub resume: Vec<String>,
    /// The print mode: one turn, then it exits. Empty: there is none, unless what it prints is its artifact anyway.
    #[serde(default)]
    pub headless: Vec<String>,
    /// Goes on with `{conversation}` in the print mode; empty: the agent can't.
    #[serde(default)]
    pub headless_resume: Vec<String>,
    /// Finds the conversation's id, the group `id`, in what the print mode printed.
    pub conversation_pattern: Option<Pattern>,
    /// Finds what a turn took in what the print mode printed.
    pub usage: Option<UsageBy>,
    /// Where else the id of a conversation that the agent chose is found, once its first turn has begun.
    pub transcripts: Option<Transcripts>,
    #[serde(default)]
    pub prompt: PromptBy,
    #[serde(default)]
    pub conversation: ConversationBy,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub artifact: ArtifactBy,
    #[serde(default)]
    pub events: EventsBy,
    /// What is read off the visible screen, in order, while the agent sends no events.
    #[serde(default)]
    pub status: Vec<Rule>,
    /// What is read off the terminal's title, in order.
    #[serde(default)]
    pub titles: Vec<Rule>,
    /// Milliseconds without a visible change after which an agent without events is at rest.
    #[serde(default = "rest_after_ms")]
    pub rest_after_ms: u64,
    #[serde(default)]
    pub permissions: Grants,
    #[serde(default)]
    pub disallow: Disallow,
    /// How it is told of our MCP server; none: it has only the commands.
    pub mcp: Option<Tools>,
    /// How one folder that may be read unasked is written, `{dir}` being its path escaped for JSON; what results for
    /// all folders stands where `{readable}` is.
    #[serde(default)]
    pub readable: String,
    /// Key strokes that leave the agent, half a second apart.
    #[serde(default)]
    pub quit: Vec<String>,
    /// Key strokes that end the turn, half a second apart.
    #[serde(default = "escape")]
    pub interrupt: Vec<String>,
}

/// How an agent takes its first prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptBy {
    /// In `{prompt}`; over 100 KB it goes to a file that the argument names.
    #[default]
    Argument,
    /// In the file `{prompt_file}`.
    File,
    Stdin,
    /// Pasted and sent once the agent rests.
    Typed,
}

/// Who chooses the conversation's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationBy {
    /// We do: a UUID.
    Preset,
    /// The agent, whose events tell it.
    Reported,
    #[default]
    None,
}

/// How an agent hands in its artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactBy {
    #[default]
    Submit,
    /// What it printed.
    Stdout,
}

/// Where an agent tells what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsBy {
    /// OpenCode's event stream at `{port}`, with `{secret}` as the password.
    Sse,
    /// The terminal's program status protocol.
    Osc7501,
    #[default]
    None,
}

/// What each permission mode adds to a launch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    pub ask: Grant,
    pub edits: Grant,
    pub all: Grant,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
}

/// How an agent is kept from using a tool; with neither key it can only be asked to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disallow {
    /// Arguments for each tool, `{tool}` being its pattern as Claude Code writes it.
    pub args: Vec<String>,
    /// The environment variable with a map of permissions in OpenCode's form, in which each tool is denied.
    pub permission: Option<String>,
}

/// A text and what it means when the pattern is found in it: exactly one key of `asking`, `working`, `resting`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RuleEntry")]
pub enum Rule {
    Asking(Pattern),
    Working(Pattern),
    Resting(Pattern),
}

/// A compiled regular expression; equal when its text is.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Regex);

impl Manifest {
    /// The `entry` as an agent called `name`; errors name the key.
    pub fn from_value(name: &str, entry: &serde_yaml::Value) -> Result<Self, AgentError> {
        let fail = |why: String| AgentError::Manifest { agent: name.to_owned(), why };
        let manifest: Self =
            serde_yaml::from_value(entry.clone()).map_err(|error| fail(key_and_cause(entry, &error)))?;
        if manifest.start.first().is_none_or(|program| program.trim().is_empty()) {
            return Err(fail("start: needs a program".to_owned()));
        }
        Ok(Self { name: name.to_owned(), ..manifest })
    }

    /// What is looked for on `PATH`.
    pub fn program(&self) -> &str {
        self.start.first().map_or("", String::as_str)
    }

    /// The command lines of a mode: of a new conversation, and of one that goes on.
    pub fn command_lines(&self, mode: Mode) -> Result<(&[String], &[String]), AgentError> {
        match mode {
            Mode::Interactive => Ok((&self.start, &self.resume)),
            Mode::Headless if !self.headless.is_empty() => Ok((&self.headless, &self.headless_resume)),
            // A command that prints its artifact has no other mode.
            Mode::Headless if self.artifact == ArtifactBy::Stdout => Ok((&self.start, &self.resume)),
            Mode::Headless => Err(AgentError::NoPrintMode { agent: self.name.clone() }),
        }
    }

    /// It can go on with a conversation in this mode.
    pub fn resumes(&self, mode: Mode) -> bool {
        self.command_lines(mode).is_ok_and(|(_, resume)| !resume.is_empty())
    }

    pub const fn grant(&self, mode: PermissionMode) -> &Grant {
        match mode {
            PermissionMode::Ask => &self.permissions.ask,
            PermissionMode::Edits => &self.permissions.edits,
            PermissionMode::All => &self.permissions.all,
        }
    }
}

impl Pattern {
    /// The first place in `text` that matches.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.0.find(text).map(|found| found.as_str())
    }

    /// The named groups of the first match, by name.
    pub fn groups(&self, text: &str) -> HashMap<String, String> {
        let Some(found) = self.0.captures(text) else { return HashMap::new() };
        let named = self.0.capture_names().flatten();
        named.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned()))).collect()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&text).map(Self)
    }
}

/// `error` with the path of its key, which serde_yaml knows for texts only; the positions in that text mean nothing.
fn key_and_cause(entry: &serde_yaml::Value, error: &serde_yaml::Error) -> String {
    let told = serde_yaml::to_string(entry).ok().and_then(|text| serde_yaml::from_str::<Manifest>(&text).err());
    let told = told.as_ref().unwrap_or(error).to_string();
    told.rsplit_once(" at line ").map_or(told.as_str(), |(cause, _)| cause).to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    asking: Option<Pattern>,
    working: Option<Pattern>,
    resting: Option<Pattern>,
}

impl TryFrom<RuleEntry> for Rule {
    type Error = &'static str;

    fn try_from(entry: RuleEntry) -> Result<Self, &'static str> {
        match (entry.asking, entry.working, entry.resting) {
            (Some(pattern), None, None) => Ok(Self::Asking(pattern)),
            (None, Some(pattern), None) => Ok(Self::Working(pattern)),
            (None, None, Some(pattern)) => Ok(Self::Resting(pattern)),
            _ => Err("a rule has exactly one key of `asking`, `working`, `resting`"),
        }
    }
}

const fn rest_after_ms() -> u64 {
    3000
}

fn escape() -> Vec<String> {
    vec!["\u{1b}".to_owned()]
}

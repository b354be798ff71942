//! Settings, with every default in place. `store::config` reads them from files, strictly.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The merged settings of a project: defaults, then the user's, then the project's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Agent of tasks that name none; none: the first found of opencode, claude, codex, gemini.
    pub agent: Option<String>,
    pub default_flow: String,
    /// What an agent may do unasked.
    pub permissions: PermissionMode,
    /// Branch template; `{slug}` and `{id}` are filled in.
    pub branch: String,
    /// Tasks at work at once in one project, from 1.
    pub max_running: u32,
    /// Tasks at work at once in all projects, from 1; the user's own settings only.
    pub max_running_total: u32,
    pub worktrees: WorktreesConfig,
    pub merge: MergeConfig,
    pub designer: DesignerConfig,
    pub git: GitConfig,
    pub budget: BudgetConfig,
    pub keys: KeysConfig,
    pub ui: UiConfig,
    /// Agents beside the built-in ones, or changes to those.
    pub agents: BTreeMap<String, AgentEntry>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agent: None,
            default_flow: "solo".to_owned(),
            permissions: PermissionMode::Edits,
            branch: "task/{slug}".to_owned(),
            max_running: 8,
            max_running_total: 16,
            worktrees: WorktreesConfig::default(),
            merge: MergeConfig::default(),
            designer: DesignerConfig::default(),
            git: GitConfig::default(),
            budget: BudgetConfig::default(),
            keys: KeysConfig::default(),
            ui: UiConfig::default(),
            agents: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionMode {
    /// Every change and command is asked.
    Ask,
    /// Files in the worktree freely, commands asked.
    Edits,
    All,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorktreesConfig {
    pub root: WorktreeRoot,
    /// Seconds that `worktree_setup.sh` may take.
    pub setup_timeout_seconds: u32,
}

impl Default for WorktreesConfig {
    fn default() -> Self {
        Self { root: WorktreeRoot::Home, setup_timeout_seconds: 600 }
    }
}

/// Where worktrees live: `home`, `project`, or an absolute path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum WorktreeRoot {
    Home,
    Project,
    Path(PathBuf),
}

impl From<String> for WorktreeRoot {
    fn from(text: String) -> Self {
        match text.as_str() {
            "home" => Self::Home,
            "project" => Self::Project,
            _ => Self::Path(text.into()),
        }
    }
}

impl From<WorktreeRoot> for String {
    fn from(root: WorktreeRoot) -> Self {
        match root {
            WorktreeRoot::Home => "home".to_owned(),
            WorktreeRoot::Project => "project".to_owned(),
            WorktreeRoot::Path(path) => path.to_string_lossy().into_owned(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MergeConfig {
    pub cleanup: MergeCleanup,
}

/// What goes after a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeCleanup {
    #[default]
    Worktree,
    All,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DesignerConfig {
    /// It begins with the screen, where the project's commands are trusted.
    pub autostart: bool,
    /// A person's standing consent to the merges that it asks for.
    pub may_merge: bool,
    /// Messages that two agents send one another before a person has to say something to one of them.
    pub max_messages: u32,
}

impl Default for DesignerConfig {
    fn default() -> Self {
        Self { autostart: false, may_merge: false, max_messages: 40 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GitConfig {
    pub hooks: HooksPolicy,
}

/// Whether the repository's hooks run at our own git writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HooksPolicy {
    /// While their hash equals the one that a person trusted.
    #[default]
    Trusted,
    Never,
}

/// What one task may take before it is paused, as its agent tells it. Started again, it may take as much again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetConfig {
    /// Tokens, from 1, but for those of a cache; none: as many as it takes.
    pub tokens: Option<u32>,
    /// US dollars, from 1; none: as many as it takes.
    pub dollars: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    pub detach: Detach,
    /// True: every key that changes a task stands behind `.` only.
    pub strict: bool,
    /// Remapped keys: command name to key (`merge: "ctrl-m"`).
    pub bind: BTreeMap<String, String>,
}

/// The keys that leave an attached session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Detach {
    pub default: Vec<String>,
    /// For shells; the default list when empty.
    pub shell: Vec<String>,
}

impl Default for Detach {
    fn default() -> Self {
        Self { default: vec!["ctrl-\\".to_owned(), "ctrl-q".to_owned()], shell: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UiConfig {
    pub glyphs: Glyphs,
    /// First-use tips on the message line.
    pub tips: bool,
    /// Editor command; `$VISUAL`, then `$EDITOR`, then `vi` when none is set.
    pub editor: Option<String>,
}

impl Default for UiConfig {
    fn default() -> Self {
        Self { glyphs: Glyphs::Unicode, tips: true, editor: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Glyphs {
    Unicode,
    Ascii,
}

/// An agent as a config file describes it: the fields of a manifest, all optional so that a built-in one can be changed.
/// `agent::Manifest` gives them their meaning.
pub type AgentEntry = serde_yaml::Value;

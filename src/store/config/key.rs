//! The table of all settings: what is accepted, and what the docs say of it.

use std::fmt::Write as _;

use serde_yaml::Value;

use super::super::task_file::HeaderKey;
use super::super::yaml::{Entry, Flaw, Kind as NodeKind, Node, unknown};
use crate::model::Config;

/// One setting.
struct Key {
    /// Dotted path.
    path: &'static str,
    kind: Kind,
    doc: &'static str,
}

/// What a setting takes.
enum Kind {
    Text,
    /// A branch template: names the task.
    Branch,
    /// `home`, `project` or an absolute path.
    Root,
    Flag,
    Number {
        min: u32,
        max: u32,
    },
    Choice(&'static [&'static str]),
    Texts,
    /// Any word to text.
    TextMap,
    /// Any word to a map.
    MapOfMaps,
}

/// The setting that no project may make: it is about all of them.
const USER_ONLY: &str = "max_running_total";

const KEYS: [Key; 23] = [
    Key {
        path: "agent",
        kind: Kind::Text,
        doc: "Agent of tasks that name none. None: the first found of opencode, claude, codex, gemini.",
    },
    Key { path: "default_flow", kind: Kind::Text, doc: "Flow of tasks that name none." },
    Key {
        path: "permissions",
        kind: Kind::Choice(&["ask", "edits", "all"]),
        doc: "What an agent may do unasked: nothing, change files in its worktree, or everything.",
    },
    Key { path: "branch", kind: Kind::Branch, doc: "Name of a task's branch; `{slug}` and `{id}` are filled in." },
    Key {
        path: "max_running",
        kind: Kind::Number { min: 1, max: 1000 },
        doc: "Tasks at work at once in one project; more wait in the queue.",
    },
    Key {
        path: USER_ONLY,
        kind: Kind::Number { min: 1, max: 1000 },
        doc: "Tasks at work at once in all projects. In `~/.orchestra/config.yaml` only.",
    },
    Key {
        path: "worktrees.root",
        kind: Kind::Root,
        doc: "Where worktrees live: `home` (`~/.orchestra/worktrees`), `project` (`.orchestra/.worktrees`), or an absolute path.",
    },
    Key {
        path: "worktrees.setup_timeout_seconds",
        kind: Kind::Number { min: 1, max: 86_400 },
        doc: "Seconds that `worktree_setup.sh` may take.",
    },
    Key {
        path: "merge.cleanup",
        kind: Kind::Choice(&["worktree", "all", "none"]),
        doc: "What goes after a merge: the worktree, the branch too, or nothing. The trash keeps it all.",
    },
    Key {
        path: "designer.autostart",
        kind: Kind::Flag,
        doc: "True: the designer begins with the screen, in the project that it is opened in.",
    },
    Key {
        path: "designer.may_merge",
        kind: Kind::Flag,
        doc: "True: what the designer asks to merge is merged without a person.",
    },
    Key {
        path: "designer.max_messages",
        kind: Kind::Number { min: 2, max: 10_000 },
        doc: "Messages that two agents send one another before a person has to say something to one of them.",
    },
    Key {
        path: "git.hooks",
        kind: Kind::Choice(&["trusted", "never"]),
        doc: "Whether the repository's hooks run at Orchestra's own git writes: while they are the ones you trusted, or never.",
    },
    Key {
        path: "budget.tokens",
        kind: Kind::Number { min: 1, max: u32::MAX },
        doc: "Tokens, but for those of a cache, that a task may take before it is paused; started again, it may take as many again.",
    },
    Key {
        path: "budget.dollars",
        kind: Kind::Number { min: 1, max: 1_000_000 },
        doc: "The same in US dollars, for agents that tell what they cost.",
    },
    Key { path: "keys.detach.default", kind: Kind::Texts, doc: "Keys that leave an attached session." },
    Key { path: "keys.detach.shell", kind: Kind::Texts, doc: "The same for shells; the default list when empty." },
    Key { path: "keys.strict", kind: Kind::Flag, doc: "True: every key that changes a task stands behind `.` only." },
    Key {
        path: "keys.bind",
        kind: Kind::TextMap,
        doc: "Other keys for commands: command name to key (`merge: \"ctrl-m\"`).",
    },
    Key { path: "ui.glyphs", kind: Kind::Choice(&["unicode", "ascii"]), doc: "Marks on the screen." },
    Key { path: "ui.tips", kind: Kind::Flag, doc: "First-use tips on the message line." },
    Key { path: "ui.editor", kind: Kind::Text, doc: "Editor command. None: `$VISUAL`, then `$EDITOR`, then `vi`." },
    Key {
        path: "agents",
        kind: Kind::MapOfMaps,
        doc: "Agents beside the built-in ones, or changes to those: name to manifest.",
    },
];

/// The defaults as a tree.
pub(super) fn defaults() -> Value {
    serde_yaml::to_value(Config::default()).expect("invariant: settings are plain data")
}

/// What is wrong with a file, in its order: empty when every key is known and every value fits.
pub(super) fn flaws(root: &Node) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if !root.is_null() {
        check_map(root, "", &mut flaws);
    }
    flaws
}

/// The dotted paths of all settings.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.path)
}

/// A setting in a project's file that only the user may make.
pub(super) fn misplaced(root: &Node) -> Option<Flaw> {
    let message = format!("\"{USER_ONLY}\" is about all projects: ~/.orchestra/config.yaml has it");
    root.get(USER_ONLY).map(|value| Flaw::new(value.mark, message))
}

/// All settings as a page of Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Printed from the program; do not edit.\n\n\
         Defaults, then `~/.orchestra/config.yaml`, then `.orchestra/config.yaml`: later ones win, key by key; the header of \
         a task file wins for its task, and the flags of a command are written to that header. The files are strict: an \
         unknown key, a wrong type or a value out of range is refused with file, line and column, and the settings before \
         the edit stay in force. An edit of either file is in force at once; a task keeps the flow that it started with.\n\n\
         | key | type | default | meaning |\n|---|---|---|---|\n",
    );
    let defaults = defaults();
    for Key { path, kind, doc } in &KEYS {
        let kind = kind.describe();
        let default = default_text(&defaults, path);
        let _ = writeln!(page, "| `{path}` | {kind} | {default} | {doc} |");
    }
    let header = HeaderKey::reference();
    let _ = write!(
        page,
        "\n## In the header of a task file\n\n\
         All of them may be left out, and unknown keys are kept. There is no `permissions`: an agent that can reach the file must \
         not be able to raise its own. See [task-files.md](task-files.md).\n\n{header}"
    );
    page
}

fn check_map(node: &Node, prefix: &str, flaws: &mut Vec<Flaw>) {
    let what = if prefix.is_empty() { "the settings" } else { prefix };
    match node.entries(what) {
        Ok(entries) => entries.iter().for_each(|entry| check_entry(entry, prefix, flaws)),
        Err(flaw) => flaws.push(flaw),
    }
}

fn check_entry(entry: &Entry, prefix: &str, flaws: &mut Vec<Flaw>) {
    let path = if prefix.is_empty() { entry.key.clone() } else { format!("{prefix}.{}", entry.key) };
    let below = format!("{path}.");
    if let Some(key) = KEYS.iter().find(|key| key.path == path) {
        if !entry.value.is_null() {
            flaws.extend(key.kind.check(&entry.value, &path).err());
        }
    } else if KEYS.iter().any(|key| key.path.starts_with(&below)) {
        if !entry.value.is_null() {
            check_map(&entry.value, &path, flaws);
        }
    } else {
        flaws.push(unknown_key(entry, prefix));
    }
}

fn unknown_key(entry: &Entry, prefix: &str) -> Flaw {
    // What the word can be here; with the full path where it stands in another section.
    let start = if prefix.is_empty() { 0 } else { prefix.len() + 1 };
    let here = KEYS
        .iter()
        .filter(|key| key.path.starts_with(prefix))
        .filter_map(|key| key.path.get(start..)?.split('.').next());
    let what = if prefix.is_empty() { "setting".to_owned() } else { format!("setting in \"{prefix}\"") };
    let elsewhere = KEYS.iter().find(|key| key.path.rsplit('.').next() == Some(&entry.key)).map(|key| key.path);
    match elsewhere {
        Some(place) => Flaw {
            mark: entry.mark,
            message: format!("unknown {what} \"{}\", did you mean \"{place}\"?", entry.key),
            nearest: Some(place.to_owned()),
        },
        None => unknown(entry.mark, &what, &entry.key, here),
    }
}

impl Kind {
    fn check(&self, node: &Node, path: &str) -> Result<(), Flaw> {
        let refuse = |message: &str| Err(Flaw::new(node.mark, format!("\"{path}\" {message}")));
        match self {
            Self::Text => node.text(path).map(drop),
            Self::Flag => node.flag(path).map(drop),
            Self::Number { min, max } => node.number(path, *min..=*max).map(drop),
            Self::Choice(words) => node.choice(path, words).map(drop),
            Self::Texts => node.list(path)?.iter().try_for_each(|item| item.text(path).map(drop)),
            Self::TextMap => node.entries(path)?.iter().try_for_each(|entry| entry.value.text(&entry.key).map(drop)),
            Self::MapOfMaps => node.entries(path)?.iter().try_for_each(|entry| match &entry.value.kind {
                NodeKind::Map { .. } => Ok(()),
                _ => Err(Flaw::new(entry.value.mark, format!("\"{path}.{}\" must be a map of keys", entry.key))),
            }),
            Self::Root => match node.text(path)? {
                "home" | "project" => Ok(()),
                root if root.starts_with('/') => Ok(()),
                _ => refuse("must be home, project, or an absolute path"),
            },
            Self::Branch => {
                let template = node.text(path)?;
                let rest = template.replace("{slug}", "").replace("{id}", "");
                if rest.len() == template.len() {
                    refuse("must hold {slug} or {id}, or all tasks would have one branch")
                } else if rest.contains(|c: char| c.is_whitespace() || c.is_control() || "{}~^:?*[\\".contains(c)) {
                    refuse("may have only {slug}, {id}, and characters of a branch name")
                } else {
                    Ok(())
                }
            }
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Branch => "text with `{slug}` or `{id}`".to_owned(),
            Self::Root => "`home`, `project`, path".to_owned(),
            Self::Flag => "true, false".to_owned(),
            Self::Number { min, max } => format!("{min} to {max}"),
            Self::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::Texts => "list of text".to_owned(),
            Self::TextMap => "map of text".to_owned(),
            Self::MapOfMaps => "map of maps".to_owned(),
        }
    }
}

fn default_text(defaults: &Value, path: &str) -> String {
    let value = path.split('.').try_fold(defaults, |value, part| value.get(part));
    match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::Sequence(list)) if list.is_empty() => "empty".to_owned(),
        Some(Value::Mapping(map)) if map.is_empty() => "empty".to_owned(),
        Some(Value::Sequence(list)) => {
            let words: Vec<_> = list.iter().map(|word| format!("`{}`", word.as_str().unwrap_or_default())).collect();
            words.join(", ")
        }
        Some(value) => format!("`{}`", serde_yaml::to_string(value).unwrap_or_default().trim().trim_matches('\'')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(value: &Value, prefix: &str, into: &mut Vec<String>) {
        match value {
            Value::Mapping(map) if !map.is_empty() => {
                for (key, value) in map {
                    let key = key.as_str().unwrap();
                    let path = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
                    leaves(value, &path, into);
                }
            }
            _ => into.push(prefix.to_owned()),
        }
    }

    #[test]
    fn the_table_and_the_model_agree() {
        let mut model = Vec::new();
        leaves(&defaults(), "", &mut model);
        let mut table: Vec<_> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        model.sort();
        table.sort();
        assert_eq!(table, model);
    }

    #[test]
    fn the_page_is_fresh() {
        crate::docs::assert_fresh("docs/config.md", &reference());
    }

    /// All settings as a settings file.
    fn default_file() -> String {
        let mut file = String::from(
            "# Every setting with its default, printed from the program (orchestra config defaults). Loading it changes nothing.\n\
             # Settings of yours go to ~/.orchestra/config.yaml, those of a project to its .orchestra/config.yaml.\n",
        );
        let defaults = defaults();
        let mut section: Vec<&str> = Vec::new();
        for Key { path, kind, doc } in &KEYS {
            let parts: Vec<_> = path.split('.').collect();
            let (name, above) = parts.split_last().unwrap();
            let same = section.iter().zip(above).take_while(|(old, new)| old == new).count();
            for (depth, part) in above.iter().enumerate().skip(same) {
                let _ = write!(file, "\n{}{part}:", "  ".repeat(depth));
            }
            section = above.to_vec();
            let value = parts.iter().try_fold(&defaults, |value, part| value.get(*part)).unwrap();
            let value = serde_json::to_string(value).unwrap();
            let (indent, kind) = ("  ".repeat(above.len()), kind.describe().replace('`', ""));
            let _ = writeln!(file, "\n{indent}# {}\n{indent}# {kind}\n{indent}{name}: {value}", doc.replace('`', ""));
        }
        file
    }

    #[test]
    fn the_printed_defaults_change_nothing() {
        crate::docs::assert_fresh("assets/defaults.yaml", &default_file());
        let file = std::path::Path::new("defaults.yaml");
        assert_eq!(super::super::merge([(file, super::super::defaults())]).unwrap(), Config::default());
    }
}

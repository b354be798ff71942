//! The header as text: read strictly, edited by the line.
//!
//! Invariant: [`edit`] checks its own result. Where the text is too clever for it (others use the key's anchor), it refuses.

use std::fmt::Write as _;
use std::ops::Range;

use serde_yaml::Mapping;

use super::super::yaml::{Entry, Flaw, Kind, Mark, Node};
use super::Header;
use crate::model::Status;

/// The keys that Orchestra knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeaderKey {
    BaseBranch,
    Status,
    Title,
    Flow,
    Agent,
    Model,
    Auto,
    Parent,
    After,
    Merged,
    Archived,
}

impl HeaderKey {
    pub const ALL: [Self; 11] = [
        Self::BaseBranch,
        Self::Status,
        Self::Title,
        Self::Flow,
        Self::Agent,
        Self::Model,
        Self::Auto,
        Self::Parent,
        Self::After,
        Self::Merged,
        Self::Archived,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::BaseBranch => "base_branch",
            Self::Status => "status",
            Self::Title => "title",
            Self::Flow => "flow",
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Auto => "auto",
            Self::Parent => "parent",
            Self::After => "after",
            Self::Merged => "merged",
            Self::Archived => "archived",
        }
    }

    /// What an edit of it does, for the docs.
    const fn doc(self) -> (&'static str, &'static str) {
        match self {
            Self::BaseBranch => ("branch or commit", "Where the task's branch begins and merges to. Drafts only."),
            Self::Status => (
                "`draft`, `running`, `idle`, `completed`, `reviewed`",
                "Written by Orchestra. Setting `running` starts or resumes the task, `completed` completes it; the others cannot be set by hand.",
            ),
            Self::Title => ("text", "The title. None: the first heading of the description, else the slug."),
            Self::Flow => (
                "name of a flow",
                "In place of `default_flow`. Drafts only: a task keeps the flow that it started with.",
            ),
            Self::Agent => ("name of an agent", "In place of `agent`, from the next launch on."),
            Self::Model => ("text", "In place of the flow's `model`, from the next launch on."),
            Self::Auto => ("true, false", "True: no pause for a person between the stages."),
            Self::Parent => ("number or slug", "Kept as it is."),
            Self::After => ("list of numbers or slugs", "Kept as it is."),
            Self::Merged | Self::Archived => ("time", "Written by Orchestra."),
        }
    }

    /// All keys as a table of Markdown.
    pub fn reference() -> String {
        let row = |key: Self| format!("| `{}` | {} | {} |\n", key.name(), key.doc().0, key.doc().1);
        std::iter::once("| key | type | meaning |\n|---|---|---|\n".to_owned()).chain(Self::ALL.map(row)).collect()
    }
}

/// A new value for a key, or its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    key: HeaderKey,
    /// As YAML on one line; none removes the key.
    yaml: Option<String>,
}

impl Change {
    pub fn text(key: HeaderKey, text: &str) -> Self {
        Self { key, yaml: Some(quoted(text)) }
    }

    pub fn status(status: Status) -> Self {
        Self::text(HeaderKey::Status, status.word())
    }

    pub fn auto(auto: bool) -> Self {
        Self { key: HeaderKey::Auto, yaml: Some(auto.to_string()) }
    }

    pub fn words(key: HeaderKey, words: &[String]) -> Self {
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        Self { key, yaml: Some(format!("[{}]", words.join(", "))) }
    }

    pub const fn remove(key: HeaderKey) -> Self {
        Self { key, yaml: None }
    }
}

/// Where the parts of a file are, in bytes.
struct Parts {
    yaml: Range<usize>,
    body: usize,
}

/// The header and the body of a file's text. Lines of the flaw count from the file's first one.
pub(super) fn read(text: &str) -> Result<(Header, &str), Flaw> {
    let Some(parts) = split(text)? else { return Ok((Header::default(), text.trim_start_matches(BOM))) };
    let header = interpret(&node(&text[parts.yaml])?).map_err(shifted)?;
    Ok((header, &text[parts.body..]))
}

/// The text with its header changed.
pub(super) fn edit(text: &str, changes: &[Change]) -> Result<String, Flaw> {
    changes.iter().try_fold(text.to_owned(), |text, change| {
        let edited = apply(&text, change)?;
        check(&text, &edited, change)?;
        Ok(edited)
    })
}

const BOM: char = '\u{feff}';

/// None: the file has no header.
fn split(text: &str) -> Result<Option<Parts>, Flaw> {
    let start = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let mut at = start;
    let mut yaml = None;
    for line in text[start..].split_inclusive('\n') {
        let is_fence = line.trim_end() == "---";
        match yaml {
            None if !is_fence => return Ok(None),
            None => yaml = Some(at + line.len()),
            Some(from) if is_fence => return Ok(Some(Parts { yaml: from..at, body: at + line.len() })),
            Some(_) => {}
        }
        at += line.len();
    }
    match yaml {
        None => Ok(None),
        Some(_) => Err(Flaw::new(Mark { line: 1, column: 1 }, "the header has no closing ---")),
    }
}

fn node(yaml: &str) -> Result<Node, Flaw> {
    let node = Node::parse(yaml).map_err(shifted)?;
    match node.kind {
        Kind::Map { .. } => Ok(node),
        _ if node.is_null() => Ok(node),
        _ => Err(shifted(Flaw::new(node.mark, "the header must be keys with values"))),
    }
}

/// Positions in the header as positions in the file: the opening line comes before it.
fn shifted(flaw: Flaw) -> Flaw {
    Flaw { mark: Mark { line: flaw.mark.line + 1, ..flaw.mark }, ..flaw }
}

fn interpret(node: &Node) -> Result<Header, Flaw> {
    let text = |key: HeaderKey| -> Result<Option<String>, Flaw> {
        let Some(value) = node.get(key.name()) else { return Ok(None) };
        // Lenient: a title may be a number, a branch may be named `1.0`.
        let text = value.raw().map_or_else(|| value.text(key.name()), Ok)?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    let status = node.get("status").map(read_status).transpose()?;
    let auto = node.get("auto").map(|value| value.flag("auto")).transpose()?;
    Ok(Header {
        base_branch: text(HeaderKey::BaseBranch)?,
        status,
        title: text(HeaderKey::Title)?,
        flow: text(HeaderKey::Flow)?,
        agent: text(HeaderKey::Agent)?,
        model: text(HeaderKey::Model)?,
        auto,
        parent: text(HeaderKey::Parent)?,
        after: node.get("after").map_or(Ok(Vec::new()), read_words)?,
        merged: text(HeaderKey::Merged)?,
        archived: text(HeaderKey::Archived)?,
    })
}

fn read_status(value: &Node) -> Result<Status, Flaw> {
    const ALL: [Status; 5] = [Status::Draft, Status::Running, Status::Idle, Status::Completed, Status::Reviewed];
    let word = value.choice("status", &ALL.map(Status::word))?;
    Ok(ALL.into_iter().find(|status| status.word() == word).expect("invariant: the word is one of theirs"))
}

/// One word, or a list of them.
fn read_words(value: &Node) -> Result<Vec<String>, Flaw> {
    let items = match &value.kind {
        Kind::Scalar { .. } => std::slice::from_ref(value),
        _ => value.list("after")?,
    };
    items.iter().map(|item| item.raw().map_or_else(|| item.text("after"), Ok).map(str::to_owned)).collect()
}

fn apply(text: &str, change: &Change) -> Result<String, Flaw> {
    let newline = if text.split_once('\n').is_some_and(|(line, _)| line.ends_with('\r')) { "\r\n" } else { "\n" };
    let Some(parts) = split(text)? else {
        let (bom, rest) = text.split_at(if text.starts_with(BOM) { BOM.len_utf8() } else { 0 });
        return apply(&format!("{bom}---{newline}---{newline}{newline}{rest}"), change);
    };
    let yaml = &text[parts.yaml.clone()];
    let root = node(yaml)?;
    let (range, with) = match (own_entry(&root, change.key.name()), &change.yaml) {
        (None, None) => return Ok(text.to_owned()),
        (None, Some(value)) => insertion(yaml, &root, &format!("{}: {value}", change.key.name()), newline),
        (Some(entry), value) => replacement(yaml, &root, entry, value.as_deref()),
    };
    let (from, to) = (parts.yaml.start + range.start, parts.yaml.start + range.end);
    Ok([&text[..from], &with, &text[to..]].concat())
}

/// The entry that stands in the header itself, not one that a merge key brings.
fn own_entry<'a>(root: &'a Node, key: &str) -> Option<&'a Entry> {
    let Kind::Map { entries, flow } = &root.kind else { return None };
    entries.iter().find(|entry| entry.key == key && (*flow || entry.mark.column == root.mark.column))
}

/// Where a new key goes, in bytes of the header, and its text.
fn insertion(yaml: &str, root: &Node, entry: &str, newline: &str) -> (Range<usize>, String) {
    match &root.kind {
        Kind::Map { entries, flow: true } => {
            let at = byte(yaml, root.span.start) + 1;
            (at..at, if entries.is_empty() { entry.to_owned() } else { format!("{entry}, ") })
        }
        Kind::Map { .. } => (yaml.len()..yaml.len(), format!("{}{entry}{newline}", " ".repeat(root.mark.column - 1))),
        _ => (yaml.len()..yaml.len(), format!("{entry}{newline}")),
    }
}

/// What of the header an entry's new value takes the place of, and with what.
fn replacement(yaml: &str, root: &Node, entry: &Entry, value: Option<&str>) -> (Range<usize>, String) {
    let key_end = byte(yaml, entry.span.end);
    let colon = yaml[key_end..].find(':').map_or(key_end, |at| key_end + at + 1);
    let is_flow = matches!(root.kind, Kind::Map { flow: true, .. });
    // An empty value has no place of its own, and an alias has that of its anchor.
    let is_empty = entry.value.raw() == Some("") && entry.value.is_null();
    let start = byte(yaml, entry.value.span.start);
    let region = match () {
        () if is_empty => colon..colon,
        () if start < colon => alias(yaml, colon),
        () => start..byte(yaml, entry.value.span.end),
    };
    let end = region.start + written_length(&yaml[region.clone()]);
    match value {
        Some(value) if is_empty => (colon..colon, format!(" {value}")),
        None if is_flow && is_empty => (colon..colon, String::new()),
        None if is_flow => (region.start..end, "null".to_owned()),
        Some(value) if yaml[colon..end].contains('\n') => (colon..end, format!(" {value}")),
        Some(value) => (region.start..end, value.to_owned()),
        None => {
            let start = yaml[..byte(yaml, entry.span.start)].rfind('\n').map_or(0, |at| at + 1);
            let end = yaml[end..].find('\n').map_or(yaml.len(), |at| end + at + 1);
            (start..end, String::new())
        }
    }
}

/// Where the alias behind a colon stands.
fn alias(yaml: &str, colon: usize) -> Range<usize> {
    let start = yaml.len() - yaml[colon..].trim_start().len();
    let length = yaml[start..].find(|c: char| c.is_whitespace() || ",]}".contains(c));
    start..length.map_or(yaml.len(), |length| start + length)
}

/// The length of a value as it is written. The parser's span goes on to the next token, over comments and blank lines.
fn written_length(value: &str) -> usize {
    match value.chars().next() {
        Some('"') => return closing(value, |rest| if rest.starts_with('\\') { 2 } else { 0 }),
        Some('\'') => return closing(value, |rest| if rest.starts_with("''") { 2 } else { 0 }),
        _ => {}
    }
    let mut end = value.trim_end().len();
    while let Some(start) = value[..end].rfind('\n') {
        let line = value[start..end].trim();
        if !line.is_empty() && !line.starts_with('#') {
            break;
        }
        end = value[..start].trim_end().len();
    }
    end
}

/// The length of a quoted text with its quotes. `escaped`: how many bytes at a place belong together and are no end.
fn closing(value: &str, escaped: impl Fn(&str) -> usize) -> usize {
    let quote = &value[..1];
    let mut at = 1;
    while let Some(rest) = value.get(at..).filter(|rest| !rest.is_empty()) {
        match escaped(rest) {
            0 if rest.starts_with(quote) => return at + 1,
            0 => at += rest.chars().next().map_or(1, char::len_utf8),
            bytes => at += bytes,
        }
    }
    value.trim_end().len()
}

/// The edited text says what was asked, and the rest says what it said.
fn check(old: &str, new: &str, change: &Change) -> Result<(), Flaw> {
    let key = change.key.name();
    let (before, own) = meaning(old, key)?;
    let mark = own.map_or(Mark { line: 1, column: 1 }, |own| own.mark);
    let refuse = || shifted(Flaw::new(mark, format!("\"{key}\" cannot be changed as it is written here")));
    let (after, own) = meaning(new, key).map_err(|_| refuse())?;
    let wanted = change.yaml.as_deref().map(Node::parse).transpose()?;
    let is_as_wanted = own.map(|own| own.to_value()) == wanted.map(|wanted| wanted.to_value());
    if before == after && is_as_wanted { Ok(()) } else { Err(refuse()) }
}

/// What a text's header says of `key`, and of all others.
fn meaning(text: &str, key: &str) -> Result<(Mapping, Option<Node>), Flaw> {
    let Some(parts) = split(text)? else { return Ok((Mapping::new(), None)) };
    let root = node(&text[parts.yaml])?;
    let own = root.get(key).cloned();
    let Kind::Map { entries, .. } = root.kind else { return Ok((Mapping::new(), own)) };
    let others = entries.into_iter().filter(|entry| entry.key != key);
    Ok((others.map(|entry| (entry.key.into(), entry.value.to_value())).collect(), own))
}

/// The byte where a character of the text begins.
fn byte(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// `text` as YAML on one line: as it is where that is plain, else in double quotes.
fn quoted(text: &str) -> String {
    let inner = |c: char| c.is_alphanumeric() || " _-./+()'!?".contains(c);
    let is_plain = text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(inner)
        && !text.ends_with(' ')
        && Node::parse(text).is_ok_and(|node| node.to_value().is_string());
    if is_plain {
        return text.to_owned();
    }
    let mut out = String::from('"');
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => write!(out, "\\x{:02x}", u32::from(c)),
            '\u{2028}' | '\u{2029}' | BOM => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "{c}"),
        };
    }
    out.push('"');
    out
}

//! What a person gives: text from standard input or a file, an answer to a question, a text from the editor.
//!
//! Invariant: nothing here waits for a person where there is none.

use std::io::{self, BufRead as _, Read, Write as _};
use std::path::Path;
use std::process::Command;

use serde::de::DeserializeOwned;

use super::context::{Context, home};
use super::output::note;
use crate::model::{Failure, FailureKind};
use crate::store::config;

/// The longest text, in bytes: what a task file may hold.
const MAX_BYTES: u64 = 1024 * 1024;

/// All of standard input.
pub(super) fn stdin() -> Result<String, Failure> {
    read(io::stdin().lock(), "standard input")
}

pub(super) fn file(path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::new(FailureKind::Usage, format!("cannot read {name}: {error}.")))?;
    read(file, &name)
}

fn read(source: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    source
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(FailureKind::Usage, format!("cannot read {name}: {error}.")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(FailureKind::Usage, format!("{name} is larger than 1 MB.")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(FailureKind::Usage, format!("{name} is no UTF-8 text.")))
}

/// What a text says, JSON or YAML; what is wrong names the field, or line and column.
pub(super) fn json_or_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // JSON is told of in its own words; YAML would not take its tabs either.
    if text.trim_start().starts_with(['{', '[']) {
        let mut reader = serde_json::Deserializer::from_str(text);
        let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| error.to_string())?;
        return reader.end().map(|()| value).map_err(|error| error.to_string());
    }
    serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| error.to_string())
}

/// Asks after the facts were shown; the answer's first letter, and `n` for anything that is none of `letters`.
///
/// `--yes` answers `y`. Without a person it fails, and says which option would answer.
pub(super) fn confirm(context: &Context, question: &str, letters: &[char]) -> Result<char, Failure> {
    if context.yes {
        return Ok('y');
    }
    if !context.has_person() {
        return Err(Failure::new(FailureKind::BadState, format!("{question} There is nobody to ask."))
            .hint("-y answers yes; nothing was changed."));
    }
    ask(question, letters)
}

/// The same for what only a person may answer: `--yes` does not.
pub(super) fn ask(question: &str, letters: &[char]) -> Result<char, Failure> {
    let choices: Vec<String> = letters.iter().map(char::to_string).collect();
    let answer = line(&format!("{question} [{}/N] ", choices.join("/")))?.unwrap_or_default().to_lowercase();
    let word = |letter: &&char| answer == letter.to_string() || (**letter == 'y' && answer == "yes");
    Ok(letters.iter().find(word).copied().unwrap_or('n'))
}

/// A line from the terminal after a prompt; none: the end of it.
pub(super) fn line(prompt: &str) -> Result<Option<String>, Failure> {
    let mut errors = io::stderr().lock();
    let _ = write!(errors, "{prompt}");
    let _ = errors.flush();
    drop(errors);
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(Failure::internal)?;
    if line.is_empty() {
        note("");
        return Ok(None);
    }
    Ok(Some(line.trim().to_owned()))
}

/// Shows facts beside the result, before a question.
pub(super) fn facts(context: &Context, text: &str) {
    if context.has_person() && !context.yes {
        note(text.trim_end());
    }
}

/// The person's editor on a file: the user's setting, `$VISUAL`, `$EDITOR`, `vi`. False: it failed.
pub(super) fn editor(path: &Path) -> Result<bool, Failure> {
    let var = |name| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
    // A project's files may not choose what runs here.
    let configured = config::load_user(&home()?).ok().and_then(|config| config.ui.editor);
    let editor = configured.or_else(|| var("VISUAL")).or_else(|| var("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(path)
        .status()
        .map_err(|error| Failure::internal(format!("cannot run {editor}: {error}.")))?;
    Ok(status.success())
}

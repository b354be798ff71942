//! Settings: defaults < `~/.orchestra/config.yaml` < `.orchestra/config.yaml`, read strictly.
//!
//! Invariant: every key that is accepted stands in [`key::KEYS`] with its type and range; the defaults are those of
//! [`Config::default`] and are written nowhere else. A file with an error is refused whole, the caller keeps the settings
//! it had.

mod key;
mod layer;
mod problem;

use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use super::atomic::{FileError, into_text, read_beneath, read_capped};
use super::paths::{Folder, Home};
use super::yaml::{Flaw, MAX_BYTES, Mark, Node};
use crate::model::Config;

pub use key::reference;
pub use layer::{Layer, origins};
pub use problem::{Problem, check};

/// Why a settings or flow file is refused. Line and column count from 1.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}:{line}:{column}: {message}", file.display())]
    Invalid {
        file: PathBuf,
        line: usize,
        column: usize,
        message: String,
        /// The valid key or word that is nearest to the one written.
        nearest: Option<String>,
    },
    #[error(transparent)]
    File(#[from] FileError),
}

impl ConfigError {
    pub(super) fn at(file: &Path) -> impl FnOnce(Flaw) -> Self {
        move |Flaw { mark: Mark { line, column }, message, nearest }| Self::Invalid {
            file: file.to_owned(),
            line,
            column,
            message,
            nearest,
        }
    }
}

/// The settings of a project.
pub fn load(home: &Home, folder: &Folder) -> Result<Config, ConfigError> {
    let files = texts(home, folder).map(|(layer, file, text)| text.map(|text| (layer, file, text)));
    let files = files.into_iter().collect::<Result<Vec<_>, _>>()?;
    for (layer, file, text) in &files {
        let node = text.as_deref().map(|text| Node::parse(text_of(text))).transpose().map_err(ConfigError::at(file))?;
        if let Some(flaw) = node.and_then(|node| flaws(*layer, &node).into_iter().next()) {
            return Err(ConfigError::at(file)(flaw));
        }
    }
    merge(files.iter().filter_map(|(_, file, text)| Some((file.as_path(), text.as_deref()?))))
}

/// A settings file with every default, and what each setting means: loading it changes nothing.
pub const fn defaults() -> &'static str {
    include_str!("../../../assets/defaults.yaml")
}

/// The settings files, later ones win; a missing one is none.
fn texts(home: &Home, folder: &Folder) -> [(Layer, PathBuf, Result<Option<String>, ConfigError>); 2] {
    let project = match read_beneath(folder.root(), &folder.config(), MAX_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    };
    [(Layer::User, home.config(), read_user(home)), (Layer::Project, folder.config(), project)]
}

/// What is wrong with a settings file of this layer.
fn flaws(layer: Layer, node: &Node) -> Vec<Flaw> {
    let misplaced = if layer == Layer::Project { key::misplaced(node) } else { None };
    key::flaws(node).into_iter().chain(misplaced).collect()
}

/// Without the mark that some editors put before it.
fn text_of(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The user's own settings, without a project.
pub fn load_user(home: &Home) -> Result<Config, ConfigError> {
    let (file, text) = (home.config(), read_user(home)?);
    merge(text.as_deref().map(|text| (file.as_path(), text)))
}

/// Puts the texts of settings files over the defaults, later ones over earlier ones: maps key by key, all else whole.
pub fn merge<'a>(layers: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Result<Config, ConfigError> {
    let mut merged = key::defaults();
    let mut last = Path::new("config.yaml");
    for (file, text) in layers {
        let node = Node::parse(text_of(text)).map_err(ConfigError::at(file))?;
        if let Some(flaw) = key::flaws(&node).into_iter().next() {
            return Err(ConfigError::at(file)(flaw));
        }
        lay_over(&mut merged, node.to_value());
        last = file;
    }
    serde_yaml::from_value(merged).map_err(|error| {
        let flaw = Flaw::new(Mark { line: 1, column: 1 }, error.to_string());
        ConfigError::at(last)(flaw)
    })
}

/// The user's file may be a link: people keep such files in a repository of their own.
fn read_user(home: &Home) -> Result<Option<String>, ConfigError> {
    let file = home.config();
    match read_capped(&file, MAX_BYTES) {
        Ok(bytes) => Ok(Some(into_text(&file, bytes)?)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Null leaves what is below as it is: a section of which every key is commented out is null.
fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (_, Value::Null) => {}
        (Value::Mapping(below), Value::Mapping(above)) => lay_map_over(below, above),
        (below, above) => *below = above,
    }
}

fn lay_map_over(below: &mut Mapping, above: Mapping) {
    for (key, value) in above {
        match below.get_mut(&key) {
            Some(slot) => lay_over(slot, value),
            None => drop(below.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests;

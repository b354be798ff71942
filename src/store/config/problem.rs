//! All that is wrong with a person's settings, at once: what `orchestra config check` says.

use std::fmt;
use std::path::{Path, PathBuf};

use super::super::paths::{Folder, Home};
use super::super::workflow;
use super::super::yaml::{Flaw, Mark, Node};
use super::{ConfigError, flaws, text_of, texts};
use crate::model::Flow;

/// Something wrong in a settings or flow file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: PathBuf,
    /// Line and column, from 1; none: of the file as a whole.
    pub place: Option<(usize, usize)>,
    pub message: String,
    /// The valid key or word that is nearest to the one written.
    pub nearest: Option<String>,
}

/// What is wrong with the user's and the project's settings, and with the flows; empty: nothing.
pub fn check(home: &Home, folder: &Folder) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut default_flow = None;
    for (layer, file, text) in texts(home, folder) {
        match text {
            Ok(Some(text)) => match Node::parse(text_of(&text)) {
                Ok(node) => {
                    problems.extend(flaws(layer, &node).into_iter().map(|flaw| at(&file, flaw)));
                    let named = node.get("default_flow").and_then(|node| Some((node.raw()?.to_owned(), node.mark)));
                    default_flow = named.map(|(name, mark)| (file.clone(), name, mark)).or(default_flow);
                }
                Err(flaw) => problems.push(at(&file, flaw)),
            },
            Ok(None) => {}
            Err(error) => problems.push(of_error(&file, error)),
        }
    }
    match workflow::read(folder, &folder.workflow()) {
        Ok(flows) => {
            let known = |name: &str| name == Flow::SOLO || flows.iter().any(|flow| flow.name == name);
            let unknown = default_flow.filter(|(_, name, _)| !known(name));
            problems.extend(unknown.map(|(file, name, mark)| {
                let names = flows.iter().map(|flow| flow.name.as_str()).chain([Flow::SOLO]);
                at(&file, super::super::yaml::unknown(mark, "flow", &name, names))
            }));
        }
        Err(errors) => problems.extend(errors.into_iter().map(|error| of_error(&folder.workflow(), error))),
    }
    problems
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file.display(), self.message),
            None => f.write_str(&self.message),
        }
    }
}

fn at(file: &Path, flaw: Flaw) -> Problem {
    let Flaw { mark: Mark { line, column }, message, nearest } = flaw;
    Problem { file: file.to_owned(), place: Some((line, column)), message, nearest }
}

fn of_error(file: &Path, error: ConfigError) -> Problem {
    match error {
        ConfigError::Invalid { file, line, column, message, nearest } => {
            Problem { file, place: Some((line, column)), message, nearest }
        }
        // Its words name the file.
        ConfigError::File(error) => {
            Problem { file: file.to_owned(), place: None, message: error.to_string(), nearest: None }
        }
    }
}

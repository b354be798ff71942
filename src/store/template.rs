//! Templates of tasks: Markdown files in `.orchestra/templates/`, whose header presets what a new task has.
//!
//! Invariant: a header is read strictly; a mistake in it names file, line and column.

use std::path::{Path, PathBuf};

use super::atomic::{FileError, read_beneath};
use super::paths::Folder;
use super::yaml::{Fields, Flaw, MAX_BYTES, Node};
use crate::model::TaskTemplate;

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot list {}: {source}", path.display())]
    List { path: PathBuf, source: std::io::Error },
    #[error("{}: {flaw}", path.display())]
    Header { path: PathBuf, flaw: Flaw },
    #[error("there is no template \"{name}\" in {}", folder.display())]
    Missing { name: String, folder: PathBuf },
}

/// The template of this name.
pub fn read(folder: &Folder, name: &str) -> Result<TaskTemplate, TemplateError> {
    let templates = folder.templates();
    let missing = || TemplateError::Missing { name: name.to_owned(), folder: templates.clone() };
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(missing());
    }
    let path = templates.join(format!("{name}.md"));
    match read_beneath(folder.root(), &path, MAX_BYTES) {
        Ok(text) => parse(name, &path, &text),
        Err(error) if error.is_missing() => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

/// All templates by name; those that cannot be read tell why.
pub fn list(folder: &Folder) -> Result<Vec<Result<TaskTemplate, TemplateError>>, TemplateError> {
    let path = folder.templates();
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(TemplateError::List { path, source }),
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| !name.is_empty() && !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    Ok(names.iter().map(|name| read(folder, name)).collect())
}

fn parse(name: &str, path: &Path, text: &str) -> Result<TaskTemplate, TemplateError> {
    let text = text.trim_start_matches('\u{feff}');
    let (header, body) = split(text);
    let template =
        TaskTemplate { name: name.to_owned(), path: path.to_owned(), body: body.to_owned(), ..TaskTemplate::default() };
    let Some(header) = header else { return Ok(template) };
    interpret(header, template).map_err(|mut flaw| {
        // The header's first line is the file's second.
        flaw.mark.line += 1;
        TemplateError::Header { path: path.to_owned(), flaw }
    })
}

/// The text between two lines `---` at the beginning, and what is below. None: there is no header.
fn split(text: &str) -> (Option<&str>, &str) {
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else { return (None, text) };
    let mut end = first.len();
    for line in lines {
        if line.trim_end() == "---" {
            return (Some(&text[first.len()..end]), &text[end + line.len()..]);
        }
        end += line.len();
    }
    (None, text)
}

const KEYS: [&str; 6] = ["title", "flow", "agent", "model", "auto", "base_branch"];

fn interpret(header: &str, template: TaskTemplate) -> Result<TaskTemplate, Flaw> {
    let node = Node::parse(header)?;
    if node.is_null() {
        return Ok(template);
    }
    let fields = Fields::new(&node, "a template's header", &KEYS)?;
    Ok(TaskTemplate {
        title: fields.text("title")?,
        flow: fields.text("flow")?,
        agent: fields.text("agent")?,
        model: fields.text("model")?,
        auto: fields.flag("auto")?.unwrap_or_default(),
        base_branch: fields.text("base_branch")?,
        ..template
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        std::fs::create_dir_all(folder.templates()).unwrap();
        for (name, text) in files {
            std::fs::write(folder.templates().join(name), text).unwrap();
        }
        (dir, folder)
    }

    #[test]
    fn a_template_is_a_header_and_a_text() {
        let text = "---\ntitle: A bug\nflow: hotfix\nauto: true\n---\n# Bug\n\n{{description}}\n\nAdd a test.\n";
        let (_dir, folder) = folder(&[("bug.md", text), ("plain.md", "Look at the docs.\n"), ("note.txt", "no")]);
        let bug = read(&folder, "bug").unwrap();
        assert_eq!((bug.title.as_deref(), bug.flow.as_deref(), bug.auto), (Some("A bug"), Some("hotfix"), true));
        assert_eq!(bug.filled(" it breaks\n"), "# Bug\n\nit breaks\n\nAdd a test.");
        assert!(bug.needs_description());
        let plain = read(&folder, "plain").unwrap();
        assert_eq!(plain.filled("Only the first."), "Look at the docs.\n\nOnly the first.");
        assert_eq!(plain.filled(""), "Look at the docs.");
        assert!(!plain.needs_description());
        let names: Vec<_> = list(&folder).unwrap().into_iter().map(|template| template.unwrap().name).collect();
        assert_eq!(names, ["bug", "plain"]);
    }

    #[test]
    fn mistakes_name_their_place() {
        let (_dir, folder) =
            folder(&[("bad.md", "---\ntitle: x\nflwo: y\n---\ntext"), ("worse.md", "---\nauto: maybe\n---\n")]);
        let error = read(&folder, "bad").unwrap_err().to_string();
        assert!(error.contains("bad.md: line 3, column 1") && error.contains("did you mean \"flow\"?"), "{error}");
        assert!(read(&folder, "worse").unwrap_err().to_string().contains("line 2, column 7"));
        assert!(matches!(read(&folder, "../bad"), Err(TemplateError::Missing { .. })));
        assert!(matches!(read(&folder, "none"), Err(TemplateError::Missing { .. })));
        assert_eq!(list(&folder).unwrap().len(), 2);
        assert!(list(&Folder::of(&folder.templates())).unwrap().is_empty());
    }
}

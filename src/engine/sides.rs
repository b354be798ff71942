//! Both sides of a conflict in words, for the agent that is to mend it: what each of them was about.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::project::Project;
use super::text::head_and_tail;
use crate::git::Repo;
use crate::git::integrate::base_side;
use crate::model::{State, Task};
use crate::store::database::Artifact;

/// Merged tasks that are looked at, the latest ones.
const NEIGHBORS: usize = 20;
/// Lines of a summary from each end.
const LINES: usize = 20;

/// What is known of both sides before there is a conflict.
#[derive(Debug, Clone, Default)]
pub(super) struct Sides {
    pub own: Option<String>,
    /// Those that went into the same base, in that order.
    pub merged: Vec<Neighbor>,
}

/// Another task's part in the base.
#[derive(Debug, Clone)]
pub(super) struct Neighbor {
    slug: String,
    branch: String,
    summary: Option<String>,
}

impl Project {
    /// The artifact in which a task's agents say what they did, with its file: `summary`, else the last one.
    pub(super) fn result(&self, task: &Task) -> Option<(Artifact, PathBuf)> {
        let mut all = self.latest_artifacts(task).ok()?;
        let index = all.iter().rposition(|(artifact, _)| artifact.name == "summary").or(all.len().checked_sub(1))?;
        Some(all.swap_remove(index))
    }

    /// The same in some lines.
    pub(super) fn summary(&self, task: &Task) -> Option<String> {
        let (artifact, path) = self.result(task)?;
        Some(head_and_tail(artifact.text.trim(), LINES, &path.to_string_lossy()))
    }

    /// The tasks that went into a branch, in that order.
    pub(super) fn merged_into(&self, base: &str) -> Vec<Neighbor> {
        let mut merged: Vec<_> =
            self.tasks().filter(|task| task.state == State::Merged && task.target() == base).collect();
        merged.sort_by_key(|task| (self.since(task), task.id));
        let latest = merged.split_off(merged.len().saturating_sub(NEIGHBORS));
        let neighbor = |task: &Task| Neighbor {
            slug: task.slug.to_string(),
            branch: task.branch.clone(),
            summary: self.summary(task),
        };
        latest.into_iter().map(|task| neighbor(task)).collect()
    }
}

impl Sides {
    /// What both sides did to these files.
    pub fn tell(&self, repo: &Repo, task: &Task, files: &[String]) -> String {
        let landed: Vec<_> = self.merged.iter().map(|it| it.branch.as_str()).collect();
        let mut text = format!("What {} brought to them since your branch left it:\n", task.target());
        match base_side(repo, (&task.branch, task.target()), files, &landed) {
            Ok(commits) => {
                for commit in &commits {
                    let by = commit.by.map_or_else(String::new, |by| format!(" (task {})", self.merged[by].slug));
                    put(&mut text, &format!("- {} {}{by}\n", &commit.id[..commit.id.len().min(10)], commit.subject));
                }
                let named = |index: &usize| commits.iter().any(|commit| commit.by == Some(*index));
                for neighbor in (0..self.merged.len()).filter(named).map(|index| &self.merged[index]) {
                    if let Some(summary) = &neighbor.summary {
                        put(&mut text, &format!("\nTask {} says of its work:\n{summary}\n", neighbor.slug));
                    }
                }
            }
            // What is in conflict is known all the same.
            Err(error) => put(&mut text, &format!("({error})\n")),
        }
        if let Some(own) = &self.own {
            put(&mut text, &format!("\nYou said of your own work:\n{own}\n"));
        }
        text.trim_end().to_owned()
    }
}

fn put(text: &mut String, part: &str) {
    text.write_str(part).expect("invariant: a String takes all that is written");
}

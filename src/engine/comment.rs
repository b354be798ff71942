//! Comments on lines of a task's diff, and the rejection that takes them along.
//!
//! Invariant: a comment is marked as sent in the transaction of the rejection that has its words, and in no other.

use std::fmt::Write as _;
use std::path::{Component, Path};

use super::core::Core;
use super::ground::now;
use super::message::TaskPlace;
use super::pipeline::Wish;
use super::project::Project;
use super::request::done;
use crate::model::{Answer, Comment, DiffLine, Failure, FailureKind, LineKind, NewComment, Reply, Side, TaskId};
use crate::store::atomic;

/// Bytes of a file of which a line is looked up.
const FILE_LIMIT: u64 = 5 << 20;

impl Core {
    /// Sends back what waits, with the words and all open comments.
    pub(super) fn reject(&mut self, at: TaskPlace, words: &str, fresh: bool) -> Answer {
        let feedback = with_comments(words, self.project(&at.project)?.open_comments(at.task));
        self.wish(at.project, at.task, Wish::Reject { feedback, fresh })
    }

    pub(super) fn add_comment(&mut self, at: &TaskPlace, comment: NewComment) -> Answer {
        let project = self.project(&at.project)?;
        project.check_stays(at.task)?;
        let task = project.task(at.task)?;
        if task.state.is_closed() {
            let text = format!("cannot comment on {}: it is {}.", task.slug, task.state.word());
            return Err(Failure::new(FailureKind::BadState, text));
        }
        if comment.text.trim().is_empty() {
            return Err(Failure::new(FailureKind::Usage, "a comment needs a text."));
        }
        let quote = match &comment.quote {
            Some(quote) => quote.clone(),
            None => self.line_of(at, &comment)?,
        };
        let new = NewComment { quote: Some(quote), text: comment.text.trim().to_owned(), ..comment };
        let project = self.project_mut(&at.project)?;
        let kept = project.db.add_comment(at.task, &new, now()).map_err(Failure::internal)?;
        let open = project.book.comments.entry(at.task).or_default();
        open.push(kept);
        Ok(done(Some(&match open.len() {
            1 => "noted; the next rejection takes it along".to_owned(),
            count => format!("noted; the next rejection takes {count} comments along"),
        })))
    }

    pub(super) fn drop_comment(&mut self, at: &TaskPlace, id: i64) -> Answer {
        let project = self.project_mut(&at.project)?;
        let slug = project.task(at.task)?.slug.clone();
        if !project.db.drop_comment(at.task, id).map_err(Failure::internal)? {
            let text = format!("{slug} has no open comment {id}.");
            return Err(Failure::new(FailureKind::NotFound, text).hint("All of them: orchestra comment TASK"));
        }
        if let Some(open) = project.book.comments.get_mut(&at.task) {
            open.retain(|comment| comment.id != id);
        }
        Ok(done(Some(&format!("dropped comment {id}"))))
    }

    pub(super) fn comments(&self, at: &TaskPlace) -> Answer {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        Ok(Reply::Comments(project.db.comments(task.id).map_err(Failure::internal)?))
    }

    /// The text of the line: of the worktree's file as it is now, or as the live diff has it removed.
    fn line_of(&self, at: &TaskPlace, comment: &NewComment) -> Result<String, Failure> {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        let NewComment { path, side, line, .. } = comment;
        let missing = |what: &str| Failure::new(FailureKind::NotFound, format!("{path} has no {what} {line}."));
        if *side == Side::Old {
            let diffs = self.shared.diffs.load();
            let diff = diffs.get(&(at.project.clone(), task.session_id()));
            let file = diff.and_then(|diff| diff.files.iter().find(|file| file.is_at(path)));
            let mut lines = file.into_iter().flat_map(|file| &file.hunks).flat_map(|hunk| &hunk.lines);
            let found = lines.find(|it| it.kind == LineKind::Removed && it.number == *line);
            return found.map(DiffLine::text).ok_or_else(|| missing("removed line"));
        }
        let worktree = project.worktree(task)?;
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Failure::new(
                FailureKind::Usage,
                format!("{path} is no path in the worktree of {}.", task.slug),
            ));
        }
        let text = atomic::read_beneath(&worktree, &worktree.join(path), FILE_LIMIT)
            .map_err(|error| Failure::new(FailureKind::NotFound, format!("{error}.")))?;
        let index = line.checked_sub(1).ok_or_else(|| missing("line"))?;
        text.lines().nth(index as usize).map(str::to_owned).ok_or_else(|| missing("line"))
    }
}

impl Project {
    /// The comments on a task's diff that no rejection has taken along yet, oldest first.
    pub(super) fn open_comments(&self, task: TaskId) -> &[Comment] {
        self.book.comments.get(&task).map_or(&[], Vec::as_slice)
    }
}

/// What the agent is told: the person's words, then each comment with the line that it is on, by file and line.
fn with_comments(words: &str, comments: &[Comment]) -> String {
    let mut feedback = words.trim().to_owned();
    let mut ordered: Vec<&Comment> = comments.iter().collect();
    ordered.sort_by_key(|comment| (&comment.path, comment.line, comment.id));
    for Comment { path, side, line, quote, text, .. } in ordered {
        let gap = if feedback.is_empty() { "" } else { "\n\n" };
        let removed = if *side == Side::Old { " (removed)" } else { "" };
        // Writing to a string does not fail.
        let _ = write!(feedback, "{gap}{path}:{line}{removed}: {text}\n> {quote}");
    }
    feedback
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R97.
    #[test]
    fn comments_stand_below_the_words_by_file_and_line() {
        let comment = |id, path: &str, line, side, text: &str| Comment {
            id,
            path: path.to_owned(),
            side,
            line,
            quote: format!("line {line}"),
            text: text.to_owned(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            sent_at: None,
        };
        let comments = [
            comment(1, "b.rs", 2, Side::New, "two\nlines"),
            comment(2, "a.rs", 30, Side::Old, "keep it"),
            comment(3, "a.rs", 4, Side::New, "why"),
        ];
        let told = "a.rs:4: why\n> line 4\n\na.rs:30 (removed): keep it\n> line 30\n\nb.rs:2: two\nlines\n> line 2";
        assert_eq!(with_comments(" ", &comments), told);
        assert_eq!(with_comments("In short: no.\n", &comments), format!("In short: no.\n\n{told}"));
        assert_eq!(with_comments("no", &[]), "no");
    }
}

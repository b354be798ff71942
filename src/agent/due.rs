//! What a stage has to end with, in words for its agent: how it is handed in, and what is said when it was not.
//!
//! Invariants: every command here is one that `orchestra submit` takes, and the one that fits the stage; an agent whose output is
//! its artifact is told of no command for it.

use super::manifest::ArtifactBy;
use super::prompt::fenced;
use crate::model::{Assignment, Output};

/// What a stage has to end with, and the way that takes.
#[derive(Debug, Clone, Copy)]
pub struct Due<'a> {
    /// Name of the artifact that the stage produces.
    pub artifact: &'a str,
    pub assignment: &'a Assignment,
    /// Stages that a rejection may go back to.
    pub earlier_stages: &'a [&'a str],
    pub by: ArtifactBy,
}

impl Due<'_> {
    /// What is due, and how it is handed in.
    pub fn told(&self) -> String {
        let (way, note) = match self.by {
            ArtifactBy::Submit => (self.by_command(), "It ends the stage; without it nothing goes on."),
            ArtifactBy::Stdout => {
                (self.by_printing(), "You need no command for it: it counts when you exit with success.")
            }
        };
        let parts = [format!("{way} {note}"), self.explained(), self.example()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    /// What an agent is told that rests without having handed in; `n` from 1.
    pub fn reminder(&self, n: u8) -> String {
        let again = if n > 1 { format!(" (reminder {n})") } else { String::new() };
        let how = match self.by {
            ArtifactBy::Submit => "do it now:",
            ArtifactBy::Stdout => "print it now, and nothing else:",
        };
        let questions = if self.assignment.asks { "`--questions`, " } else { "" };
        let example =
            Some(self.example()).filter(|it| !it.is_empty()).map_or_else(String::new, |it| format!("{it}\n\n"));
        format!(
            "You have not handed in the artifact `{}` yet{again}. If the work is done, {how}\n\n{example}If it is not done, go on with \
             it. If you cannot go on, say so with `orchestra submit` and {questions}`--blocked` or `--failed`.",
            self.artifact
        )
    }

    fn by_command(&self) -> String {
        let artifact = self.artifact;
        match &self.assignment.output {
            Output::Artifact => {
                let kind = if self.assignment.schema.is_some() { "JSON" } else { "text (Markdown)" };
                format!(
                    "Hand in the artifact `{artifact}` by this command, with your {kind} in place of the middle line."
                )
            }
            Output::Verdict { .. } => format!(
                "Hand in your verdict, the artifact `{artifact}`, by one of these commands, with your reasons (Markdown) in place of \
                 the middle line."
            ),
            Output::Subtasks(_) => {
                format!("Hand in the breakdown, the artifact `{artifact}`, by this command, with your own JSON.")
            }
        }
    }

    fn by_printing(&self) -> String {
        let artifact = self.artifact;
        match &self.assignment.output {
            Output::Artifact if self.assignment.schema.is_none() => {
                format!("The artifact `{artifact}` is the text that you print: nothing else may be in it.")
            }
            _ => format!("Print the artifact `{artifact}` as JSON, alone or in a fenced block at the end."),
        }
    }

    /// What the parts of it mean.
    fn explained(&self) -> String {
        match &self.assignment.output {
            Output::Artifact => self.assignment.schema.as_ref().map_or_else(String::new, |schema| {
                format!("It has to hold against this JSON Schema:\n\n{}", fenced(schema.text.trim()))
            }),
            Output::Verdict { rejection_stage } => format!(
                "A rejection goes back to the stage that you name (one of: {}; {rejection_stage} when you name none), and its agent \
                 reads your reasons: make them a list that it can work through.",
                self.earlier_stages.join(", ")
            ),
            Output::Subtasks(_) => "`depends_on` has the indices, from 0, of the subtasks that must be merged before this one starts. \
                                    Each subtask is done by an agent of its own that sees only its title, description and \
                                    instructions. A single subtask means: no breakdown is worth it."
                .to_owned(),
        }
    }

    /// The command, or what is printed, as a block; empty where any text will do.
    fn example(&self) -> String {
        let breakdown = "{\"summary\": \"the idea of the breakdown\", \"subtasks\": [\n  {\"title\": \"..\", \"description\": \"what is \
                         different afterwards\", \"instructions\": \"how to go about it\", \"depends_on\": []}\n]}";
        match (&self.assignment.output, self.by) {
            (Output::Artifact, ArtifactBy::Submit) => {
                let what = if self.assignment.schema.is_some() { "your JSON" } else { "your text" };
                shell(&format!("orchestra submit <<'EOF'\n{what}\nEOF"))
            }
            (Output::Verdict { rejection_stage }, ArtifactBy::Submit) => shell(&format!(
                "orchestra submit --verdict approve <<'EOF'\nyour reasons\nEOF\n\
                 orchestra submit --verdict reject --to {rejection_stage} <<'EOF'\nyour reasons\nEOF"
            )),
            (Output::Subtasks(_), ArtifactBy::Submit) => {
                shell(&format!("orchestra submit --subtasks - <<'EOF'\n{breakdown}\nEOF"))
            }
            (Output::Artifact, ArtifactBy::Stdout) => String::new(),
            (Output::Verdict { rejection_stage }, ArtifactBy::Stdout) => format!(
                "`{{\"decision\": \"approve\", \"reason\": \"your reasons\"}}`, or `{{\"decision\": \"reject\", \"reason\": \"your \
                 reasons\", \"route_to\": \"{rejection_stage}\"}}`"
            ),
            (Output::Subtasks(_), ArtifactBy::Stdout) => fenced(breakdown),
        }
    }
}

fn shell(command: &str) -> String {
    format!("```sh\n{command}\n```")
}

//! `orchestra submit`: an agent hands in the result of its stage, its questions, or what keeps it from going on.
//!
//! The engine checks it against the stage at once, so the agent hears what is wrong while it can act on it. Where it cannot be
//! asked, or does not know the session yet, it is left in the session's folder, and checked when the engine finds it there.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::context::{Context, home};
use super::{Outcome, Run, own_path};
use crate::model::{Decision, Failure, FailureKind, HandIn, Question, Resource, Submission, SubtaskDraft, Verdict};
use crate::rpc::OwnSession;
use crate::store::dropbox::MAX_BYTES;

/// Hand in the result of a stage; run by an agent
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra submit summary.md                    or pipe the text into it
  orchestra submit --verdict approve review.md
  orchestra submit --verdict reject --to work review.md
  orchestra submit --subtasks breakdown.json
  orchestra submit --questions questions.json
  orchestra submit --blocked 'the staging server is down'
  orchestra submit --failed 'the library cannot do it'
  orchestra submit summary.md --log 'rewrote the parser, ran its tests'
  orchestra submit plan.md --resource 'rfc https://www.rfc-editor.org/rfc/rfc4180 how CSV quotes'

breakdown.json   {\"summary\": \"..\", \"subtasks\": [{\"title\": \"..\", \"description\": \"..\",
                 \"instructions\": \"..\", \"depends_on\": [0]}]}, or the same as YAML
questions.json   {\"questions\": [{\"question\": \"..\", \"options\": [{\"label\": \"..\"}]}]}
both also take   \"log\": \"..\", \"resources\": [{\"name\": \"..\", \"url\": \"..\", \"description\": \"..\"}]

A resource is a URL (http or https) or a file of the worktree. The next stages and the
subtasks have it in their prompts; one with the name of another takes its place.

Exit codes: 0 handed in, 2 it does not fit the stage, and the message says why, 4 the
session is over.")]
pub(super) struct Submit {
    /// File with the text; standard input when none is given or with `-`
    #[arg(conflicts_with_all = ["subtasks", "questions", "blocked", "failed"])]
    file: Option<PathBuf>,
    /// Judge the work of earlier stages; the text has the reasons
    #[arg(long, value_enum, group = "what")]
    verdict: Option<Judgment>,
    /// The earlier stage that a rejection goes back to
    #[arg(long, value_name = "STAGE", requires = "verdict")]
    to: Option<String>,
    /// Take the task apart: a file of JSON or YAML, `-` for standard input
    #[arg(long, value_name = "FILE", group = "what")]
    subtasks: Option<PathBuf>,
    /// Ask a person: a file of JSON or YAML, `-` for standard input
    #[arg(long, value_name = "FILE", group = "what")]
    questions: Option<PathBuf>,
    /// Something outside of your reach has to be done first
    #[arg(long, value_name = "TEXT", group = "what")]
    blocked: Option<String>,
    /// The task cannot be done
    #[arg(long, value_name = "TEXT", group = "what")]
    failed: Option<String>,
    /// Name what those who come after should read: 'NAME URL [DESCRIPTION]'; as often as needed
    #[arg(long, value_name = "RESOURCE")]
    resource: Vec<String>,
    /// What was done in this attempt, for the task's activity log; at most 2,000 characters
    #[arg(long, value_name = "TEXT")]
    log: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Judgment {
    Approve,
    Reject,
}

/// What `--subtasks` reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Breakdown {
    summary: String,
    subtasks: Vec<SubtaskDraft>,
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default)]
    log: Option<String>,
}

/// What `--questions` reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    questions: Vec<Question>,
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default)]
    log: Option<String>,
}

impl Run for Submit {
    fn run(&self, context: &Context) -> Outcome {
        let session = own_session()?;
        let answer = session.hand_in(&home()?, &own_path()?, &self.hand_in()?)?;
        context.output.result(&answer, || answer["done"]["message"].as_str().unwrap_or_default().to_owned());
        Ok(ExitCode::SUCCESS)
    }
}

impl Submit {
    /// What is handed in, with what is said beside, by options or in its file.
    fn hand_in(&self) -> Result<HandIn, Failure> {
        // A wrong option is told before standard input is waited for.
        let named: Vec<_> = self.resource.iter().map(|text| Resource::parse(text)).collect::<Result<_, _>>()?;
        let mut hand_in = self.parts()?;
        hand_in.resources.extend(named);
        hand_in.log = self.log.clone().or(hand_in.log);
        hand_in.resources.iter_mut().try_for_each(from_root)?;
        hand_in.check(&[])?;
        Ok(hand_in)
    }

    fn parts(&self) -> Result<HandIn, Failure> {
        if let Some(file) = &self.subtasks {
            let Breakdown { summary, subtasks, resources, log } =
                parsed(&read(Some(file))?, "the breakdown", SUBTASKS)?;
            return Ok(HandIn { submission: Submission::Subtasks { summary, subtasks }, resources, log });
        }
        if let Some(file) = &self.questions {
            let Asked { questions, resources, log } = parsed(&read(Some(file))?, "the questions", QUESTIONS)?;
            return Ok(HandIn { submission: Submission::Questions { questions }, resources, log });
        }
        self.submission().map(HandIn::from)
    }

    fn submission(&self) -> Result<Submission, Failure> {
        if let Some(reason) = self.blocked.clone() {
            return Ok(Submission::Blocked { reason });
        }
        if let Some(reason) = self.failed.clone() {
            return Ok(Submission::Failed { reason });
        }
        let text = read(self.file.as_deref())?;
        if text.trim().is_empty() {
            return Err(Failure::new(FailureKind::Usage, "the text is empty.")
                .hint("orchestra submit FILE, or pipe the text into it"));
        }
        Ok(match self.verdict {
            None => Submission::Artifact { text },
            Some(judgment) => {
                let decision = match judgment {
                    Judgment::Approve => Decision::Approve,
                    Judgment::Reject => Decision::Reject,
                };
                Submission::Verdict(Verdict { decision, reason: text, route_to: self.to.clone() })
            }
        })
    }
}

const SUBTASKS: &str =
    r#"{"summary": "..", "subtasks": [{"title": "..", "description": "..", "instructions": "..", "depends_on": [0]}]}"#;
const QUESTIONS: &str = r#"{"questions": [{"question": "..", "options": [{"label": ".."}]}]}"#;

/// The session of the task whose agent runs this.
fn own_session() -> Result<OwnSession, Failure> {
    OwnSession::of_environment().filter(|session| session.task().is_some()).ok_or_else(|| {
        Failure::new(FailureKind::Usage, "this is no session of a task.")
            .hint("An agent runs `orchestra submit` inside the worktree that was made for it.")
    })
}

/// The path of a resource as it is from the root of the worktree: an agent gives it from where it stands.
fn from_root(resource: &mut Resource) -> Result<(), Failure> {
    let (Some(path), Some(worktree)) = (resource.path(), std::env::var_os("ORCHESTRA_WORKTREE_PATH")) else {
        return Ok(());
    };
    let wrong = |why: &str| {
        Failure::new(FailureKind::Usage, format!("resource {}: {why}.", resource.name))
            .hint("Make the file first, or give a URL (https://..)")
    };
    let file = path.canonicalize().map_err(|error| wrong(&format!("cannot find {}: {error}", path.display())))?;
    let root = Path::new(&worktree).canonicalize().map_err(|error| wrong(&format!("no worktree: {error}")))?;
    let inside = file.strip_prefix(&root).map_err(|_| wrong(&format!("{} is not in the worktree", path.display())))?;
    let inside = inside.to_str().ok_or_else(|| wrong("its path is no UTF-8 text"))?.to_owned();
    resource.url = inside;
    Ok(())
}

/// What stands in a file that an agent wrote; what is wrong names the place.
fn parsed<T: DeserializeOwned>(text: &str, what: &str, form: &str) -> Result<T, Failure> {
    super::input::json_or_yaml(text)
        .map_err(|why| Failure::new(FailureKind::Usage, format!("{what} cannot be read: {why}.")).hint(form))
}

fn read(file: Option<&Path>) -> Result<String, Failure> {
    let name = file.filter(|file| file.as_os_str() != "-");
    let mut bytes = Vec::new();
    let read = match name {
        Some(file) => std::fs::File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)),
        None => std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes),
    };
    let place = name.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    read.map_err(|error| Failure::new(FailureKind::Usage, format!("cannot read {place}: {error}.")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(FailureKind::Usage, format!("{place} is larger than 5 MB.")).hint("Submit a summary"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(FailureKind::Usage, format!("{place} is no UTF-8 text.")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::super::verb::{Cli, Verb};
    use crate::agent::ArtifactBy;
    use crate::agent::due::Due;
    use crate::agent::prompt::{self, Brief};
    use crate::model::{Assignment, Breakdown, ChildFailure, Output, PermissionMode, Slug, TaskId, Trigger};

    /// The words of all command lines `orchestra ..` in a text.
    fn commands(text: &str) -> Vec<Vec<String>> {
        let line = regex::Regex::new(r"orchestra (?:submit)[^`\n]*").unwrap();
        let word = regex::Regex::new(r"'([^']*)'|([^\s']+)").unwrap();
        line.find_iter(text)
            .map(|found| {
                let command = found.as_str().split("<<").next().unwrap();
                let words = word.captures_iter(command).map(|word| word.get(1).or(word.get(2)).unwrap().as_str());
                words.map(|word| word.trim_end_matches([',', '.', ':']).to_owned()).collect()
            })
            .collect()
    }

    fn told(output: Output) -> String {
        let assignment = Assignment { output, ..Assignment::default() };
        let slug = Slug::new("it").unwrap();
        let trigger = Trigger::Gate { text: "it broke".to_owned() };
        let due = Due {
            artifact: "summary",
            assignment: &assignment,
            earlier_stages: &["plan", "work"],
            by: ArtifactBy::Submit,
        };
        let brief = Brief {
            role: "",
            template: prompt::DEFAULT_TEMPLATE,
            stage: None,
            instructions: None,
            title: "A title",
            description: "What",
            artifacts: &[],
            resources: &[],
            trigger: &trigger,
            due,
            former: None,
            permissions: PermissionMode::Edits,
            worktree: Path::new("/worktree"),
            branch: "task/it",
            base_branch: "main",
            task: TaskId(1),
            slug: &slug,
        };
        let more = [prompt::feedback(&trigger, "summary").unwrap(), prompt::go_on("summary"), due.reminder(2)];
        format!("{}\n{}", prompt::compose(&brief).unwrap(), more.join("\n"))
    }

    #[test]
    fn every_command_that_an_agent_is_told_parses() {
        let breakdown =
            Breakdown { flow: "subtask".to_owned(), completion_stage: None, on_child_failure: ChildFailure::Fail };
        let outputs =
            [Output::Artifact, Output::Verdict { rejection_stage: "work".to_owned() }, Output::Subtasks(breakdown)];
        let prompts = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/prompts")).unwrap();
        let templates = prompts.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        let texts: Vec<String> = outputs.into_iter().map(told).chain(templates).collect();
        let lines: Vec<_> = texts.iter().flat_map(|text| commands(text)).collect();
        for line in &lines {
            let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert!(matches!(cli.verb, Some(Verb::Submit(_))), "{line:?}");
        }
        let beside = regex::Regex::new(r"`(--[a-z]+) '([^']*)'`").unwrap();
        let flags: std::collections::BTreeSet<_> =
            texts.iter().flat_map(|text| beside.captures_iter(text)).map(|it| it.extract::<2>().1).collect();
        assert_eq!(flags.iter().map(|[flag, _]| *flag).collect::<Vec<_>>(), ["--log", "--resource"]);
        for [flag, value] in flags {
            let cli = Cli::try_parse_from(["orchestra", "submit", flag, value]).unwrap();
            assert!(matches!(cli.verb, Some(Verb::Submit(_))), "{flag}");
        }
        for form in [
            "--verdict approve",
            "--verdict reject --to work",
            "--subtasks -",
            "--questions -",
            "--blocked",
            "--failed",
        ] {
            assert!(lines.iter().any(|line| line.join(" ").contains(form)), "{form}: {lines:?}");
        }
    }
}

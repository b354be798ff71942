//! `orchestra answer`: a person answers what an agent asked.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::{Output, note};
use super::{Outcome, Run, act, input};
use crate::model::{Failure, FailureKind, Question};
use crate::rpc::TaskDetail;

/// Answer the questions of a task's agent
///
/// Without an answer they are asked one after the other: the number of an option, or any text.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra answer fix-tests                       asks on the terminal
  orchestra answer fix-tests use the parser that is there
  orchestra answer fix-tests --option 2
  orchestra answer fix-tests -a \"both\" -a \"keep the old name\"    one for each question
  orchestra show fix-tests --json | jq .task.questions
Exit codes: 2 not as many answers as questions, 4 it asks nothing, or nobody can be asked.")]
pub(super) struct Answer {
    /// Number, slug or `id:slug`
    #[arg(value_name = "TASK")]
    task: String,
    /// The answer to the only question; `-` reads it from standard input
    #[arg(value_name = "TEXT", group = "way")]
    text: Vec<String>,
    /// The answer to the next question
    #[arg(id = "answer", long, short, value_name = "TEXT", group = "way")]
    each: Vec<String>,
    /// The number of an option, from 1, of the next question
    #[arg(long, short, value_name = "N", group = "way")]
    option: Vec<usize>,
}

impl Run for Answer {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let of_task = OfTask { task: Some(self.task.clone()) };
        let name = link.name(&of_task)?;
        let detail: TaskDetail = typed(link.show(&name)?)?;
        let questions = &detail.questions;
        if questions.is_empty() {
            return Err(nothing_asked(&detail));
        }
        let answers = match self.given(questions)? {
            Some(answers) => answers,
            None if context.has_person() => asked(&context.output, questions)?,
            None => {
                let failure =
                    Failure::new(FailureKind::BadState, format!("{name} asks:\n{}", page(&context.output, questions)));
                return Err(failure.hint("orchestra answer TASK -a TEXT, once for each question"));
            }
        };
        act::run(context, &of_task, ("task.answer", json!({"answers": answers})), |task| {
            format!("answered {}; {} goes on", task.slug, task.stage)
        })
    }
}

impl Answer {
    /// The answers of the command line, one for each question; none: there are none.
    fn given(&self, questions: &[Question]) -> Result<Option<Vec<String>>, Failure> {
        let answers = if !self.each.is_empty() {
            self.each.clone()
        } else if !self.option.is_empty() {
            let pairs = self.option.iter().zip(questions).enumerate();
            let labels = pairs.map(|(at, (number, question))| label(at, *number, question));
            let mut labels = labels.collect::<Result<Vec<_>, _>>()?;
            labels.extend(self.option.iter().skip(questions.len()).map(usize::to_string));
            labels
        } else if !self.text.is_empty() {
            vec![act::text_of(&self.text.join(" "))?.trim().to_owned()]
        } else {
            return Ok(None);
        };
        if answers.len() == questions.len() {
            return Ok(Some(answers));
        }
        let (given, asked) = (answers.len(), questions.len());
        let text = questions.iter().enumerate().map(|(at, it)| format!("{}. {}", at + 1, it.question));
        Err(Failure::new(
            FailureKind::Usage,
            format!("{given} for {asked} questions:\n{}", text.collect::<Vec<_>>().join("\n")),
        )
        .hint("-a TEXT, once for each question"))
    }
}

fn label(at: usize, number: usize, question: &Question) -> Result<String, Failure> {
    let option = number.checked_sub(1).and_then(|index| question.options.get(index));
    option.map(|option| option.label.clone()).ok_or_else(|| {
        let count = question.options.len();
        let known = if count == 0 { "no options".to_owned() } else { format!("options 1 to {count}") };
        Failure::new(FailureKind::Usage, format!("question {} has {known}, not {number}.", at + 1))
    })
}

fn nothing_asked(detail: &TaskDetail) -> Failure {
    let task = &detail.task;
    if task.state == "asking" {
        let text = format!("{} shows a dialog of its own.", task.slug);
        return Failure::new(FailureKind::BadState, text).hint(format!("orchestra attach {} answers it.", task.slug));
    }
    Failure::new(FailureKind::BadState, format!("{} asks nothing: it is {}.", task.slug, task.state))
}

/// Asks the person, question by question. Nothing is sent when one stays without an answer.
fn asked(output: &Output, questions: &[Question]) -> Result<Vec<String>, Failure> {
    let mut answers = Vec::new();
    for (at, question) in questions.iter().enumerate() {
        note(one(output, at, questions).trim_end());
        answers.push(loop {
            let Some(line) = input::line("> ")? else {
                let text = format!("question {} has no answer; nothing was sent.", at + 1);
                return Err(Failure::new(FailureKind::BadState, text));
            };
            match line.parse::<usize>() {
                Ok(number) if !question.options.is_empty() => match label(at, number, question) {
                    Ok(label) => break label,
                    Err(failure) => note(&failure.message),
                },
                _ if line.is_empty() => {}
                _ => break line,
            }
        });
    }
    Ok(answers)
}

/// All questions with their options.
pub(super) fn page(output: &Output, questions: &[Question]) -> String {
    let pages: Vec<_> = (0..questions.len()).map(|at| one(output, at, questions)).collect();
    pages.concat().trim_end().to_owned()
}

fn one(output: &Output, at: usize, questions: &[Question]) -> String {
    let Question { question, context, options } = &questions[at];
    let number = if questions.len() > 1 { format!("{}. ", at + 1) } else { String::new() };
    let mut page = format!("{number}{}\n", output.clean(question));
    for line in context.iter().flat_map(|context| context.lines()) {
        let _ = writeln!(page, "   {}", output.clean(line));
    }
    for (index, option) in options.iter().enumerate() {
        let about = option.description.as_ref().map_or_else(String::new, |about| format!("  {}", output.clean(about)));
        let _ = writeln!(page, "   {}  {}{about}", index + 1, output.clean(&option.label));
    }
    page
}

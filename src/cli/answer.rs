//! `orchestra answer`: a person answers what an agent asked.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::context::{Context, OfTask, typed};
use super::output::{Output, note};
use super::{Outcome, Run, act, input};
use crate::model::{Failure, FailureKind, Question};
use crate::rpc::TaskDetail;
use crate::ui::text::plural;

/// Answer the questions of a task's agent
///
/// Without an answer they are asked one after the other: the number of an option, or any text.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra answer fix-tests                       asks on the terminal
  orchestra answer fix-tests use the parser that is there
  orchestra answer fix-tests --option 2
  orchestra answer fix-tests -a \"both\" -a \"keep the old name\"    one for each question
  orchestra answer fix-tests -a 2 -a \"keep the old name\"         the first by the number of an option
  orchestra show fix-tests --json | jq .task.questions
Exit codes: 2 not as many answers as questions, 4 it asks nothing, or nobody can be asked.")]
pub(super) struct Answer {
    /// Number, slug or `id:slug`
    #[arg(value_name = "TASK")]
    task: String,
    /// The answer to the only question; `-` reads it from standard input
    #[arg(value_name = "TEXT", group = "way")]
    text: Vec<String>,
    /// The answer to the next question: any text, or the number of an option where it has options
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
                let way = format!("orchestra answer {name} -a TEXT, once for each question, answers it");
                let text = format!("{name} asks; {way}:\n{}", page(&context.output, questions));
                return Err(Failure::new(FailureKind::BadState, text));
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
        // One of the three at most: they exclude each other.
        let given = self.each.len() + self.option.len() + usize::from(!self.text.is_empty());
        if given == 0 {
            return Ok(None);
        }
        if given != questions.len() {
            let asked = questions.iter().enumerate().map(|(at, it)| format!("{}. {}", at + 1, it.question));
            let (given, count) = (plural(given as u64, "answer"), plural(questions.len() as u64, "question"));
            let text = format!("{given} for {count}. Give -a TEXT once for each:");
            let lines: Vec<_> = std::iter::once(text).chain(asked).collect();
            return Err(Failure::new(FailureKind::Usage, lines.join("\n")));
        }
        if !self.text.is_empty() {
            return Ok(Some(vec![act::text_of(&self.text.join(" "))?.trim().to_owned()]));
        }
        let answer = |(at, question)| match self.option.get(at) {
            Some(number) => label(at, *number, question),
            None => meant(at, &self.each[at], question),
        };
        questions.iter().enumerate().map(answer).collect::<Result<_, _>>().map(Some)
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

/// What a person answers: the number of an option, where there are options, or any text.
fn meant(at: usize, text: &str, question: &Question) -> Result<String, Failure> {
    match text.parse() {
        Ok(number) if !question.options.is_empty() => label(at, number, question),
        _ => Ok(text.to_owned()),
    }
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
            match meant(at, &line, question) {
                Ok(answer) if answer.is_empty() => {}
                Ok(answer) => break answer,
                Err(failure) => note(&failure.message),
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

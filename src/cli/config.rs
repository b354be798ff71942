//! `orchestra config`: the settings that hold here, where they come from, and whether their files are right.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{Context, home};
use super::output::{Output, note, pad};
use super::{Outcome, Run};
use crate::model::{Failure, FailureKind};
use crate::store::config::{self, Layer};
use crate::store::{Folder, Home};
use crate::ui::theme::Role;

/// Show, check or print the settings
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra config                        what holds here
  orchestra config show --origin          and which file says so
  orchestra config check                  errors with file, line and column
  orchestra config defaults               every setting, its meaning and default")]
pub(super) struct Config {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every setting with its value
    Show {
        /// Which file each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Read the files strictly: an unknown key, a wrong type or a value out of range is an error
    Check,
    /// A settings file with every key, its meaning and its default
    Defaults,
}

impl Run for Config {
    fn run(&self, context: &Context) -> Outcome {
        let (home, folder) = (home()?, context.settings_folder()?);
        match self.verb {
            None => show(&context.output, &home, &folder, Origin::Hidden),
            Some(Verb::Show { origin }) => {
                show(&context.output, &home, &folder, if origin { Origin::Shown } else { Origin::Hidden });
            }
            Some(Verb::Check) => return check(&context.output, &home, &folder),
            Some(Verb::Defaults) => {
                context.output.result(&json!({"text": config::defaults()}), || config::defaults().to_owned());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Shown,
    Hidden,
}

fn show(output: &Output, home: &Home, folder: &Folder, origin: Origin) {
    let settings = config::origins(home, folder);
    let file = |layer| match layer {
        Layer::Default => None,
        Layer::User => Some(home.config()),
        Layer::Project => Some(folder.config()),
    };
    let shown: Vec<_> = settings
        .iter()
        .map(|(key, value, layer)| json!({"key": key, "value": value, "origin": layer.word(), "file": file(*layer)}))
        .collect();
    // A file with an error is as if it were not there.
    let problems: Vec<_> = config::check(home, folder).iter().map(ToString::to_string).collect();
    if !output.json {
        for problem in &problems {
            note(problem);
        }
    }
    output.result(&json!({"settings": shown, "problems": problems}), || {
        let keys = width(settings.iter().map(|(key, ..)| key.as_str()));
        let values = width(settings.iter().map(|(_, value, _)| value.as_str()));
        let mut page = String::new();
        for (key, value, layer) in &settings {
            let place = match origin {
                Origin::Shown => {
                    file(*layer).map_or_else(|| layer.word().to_owned(), |file| file.display().to_string())
                }
                Origin::Hidden => String::new(),
            };
            let line = format!("{}{}{place}", pad(key, keys), pad(value, values));
            let role = if *layer == Layer::Default { Role::Dim } else { Role::Foreground };
            let _ = writeln!(page, "{}", output.paint(role, line.trim_end()));
        }
        page
    });
}

fn check(output: &Output, home: &Home, folder: &Folder) -> Outcome {
    let problems: Vec<_> = config::check(home, folder).iter().map(ToString::to_string).collect();
    if !problems.is_empty() {
        return Err(Failure::new(FailureKind::Config, problems.join("\n")));
    }
    let files: Vec<(PathBuf, bool)> =
        [home.config(), folder.config(), folder.workflow()].map(|file| (file.clone(), file.exists())).into();
    let found: Vec<_> = files.iter().map(|(file, there)| json!({"file": file, "there": there})).collect();
    output.result(&json!({"files": found}), || {
        files.iter().fold(String::new(), |mut page, (file, there)| {
            let _ = writeln!(page, "{}  {}", if *there { "ok       " } else { "not there" }, file.display());
            page
        })
    });
    Ok(ExitCode::SUCCESS)
}

/// Columns for texts of which the longest few may stand out.
fn width<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(crate::ui::text::width).filter(|width| *width <= 36).max().unwrap_or_default() + 2
}

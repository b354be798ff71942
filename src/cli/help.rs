//! The help of the program: verbs by what they are for; and the page of all of them.
//!
//! Invariant: every verb that is shown stands in one group.

use std::fmt::Write as _;

use clap::Command;

use super::output::pad;

/// Verbs by what they are for.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Tasks",
        &[
            "new",
            "play",
            "edit",
            "spec",
            "prompt",
            "start",
            "stop",
            "restart",
            "retry",
            "skip",
            "send-to-stage",
            "auto",
            "complete",
            "archive",
            "delete",
            "set-status",
        ],
    ),
    (
        "Looking and reviewing",
        &[
            "status", "show", "explain", "diff", "comment", "logs", "approve", "reject", "override", "answer",
            "subtasks", "gate", "merge", "pr", "wait", "unread", "usage",
        ],
    ),
    ("Sessions", &["attach", "send", "messages", "shell", "exec", "run", "path", "cd", "submit", "hook", "mcp"]),
    ("Projects", &["init", "projects", "workflow", "templates", "trust", "demo", "serve", "shutdown"]),
    ("Setup", &["agents", "config", "doctor", "completions", "shell-init", "man", "version", "rpc", "rpc-schema"]),
];

const EXAMPLES: &str = "Examples:
  orchestra                                   open the screen around this folder
  orchestra ~/src/my-app                      open it there
  orchestra demo                              see it at work, no account needed
  orchestra new -d \"Fix the tests\" --start    a task at work, from any shell
  orchestra status                            who needs you, who runs";

/// The program's definitions with a help in groups.
pub(super) fn grouped(command: Command) -> Command {
    let help = page(&command);
    command.override_help(help)
}

fn page(command: &Command) -> String {
    let mut page = String::from(
        "Runs many AI coding agents side by side, each in its own git worktree, from a\n\
         description to merged code.\n\n\
         Usage: orchestra [PATH]\n       orchestra VERB [OPTIONS]\n",
    );
    for (title, names) in GROUPS {
        let _ = writeln!(page, "\n{title}:");
        for name in names {
            let Some(verb) = command.find_subcommand(name) else { continue };
            let names: Vec<_> = std::iter::once(*name).chain(verb.get_visible_aliases()).collect();
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            let label = pad(&format!("  {}", names.join(", ")), 20);
            let mut lines = crate::ui::text::wrap(&about, 60).into_iter();
            let _ = writeln!(page, "{label}{}", lines.next().unwrap_or_default());
            for line in lines {
                let _ = writeln!(page, "{}{line}", pad("", 20));
            }
        }
    }
    page.push_str(
        "\nEverywhere:\n  -C, --in PROJECT  the project: a path inside of it, its name or its id\n  \
         -y, --yes         answer confirmations with yes; trust is never given by it\n      \
         --json        print one JSON object, errors too\n  \
         -h, --help        of the program, or of a verb: orchestra VERB --help\n  \
         -V, --version\n\n\
         ork is the same program; orchestra trak VERB and orchestra task VERB are\n\
         other names for the verbs on tasks.\n\n",
    );
    page.push_str(EXAMPLES);
    page.push('\n');
    page
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::verb::Cli;
    use super::*;

    /// All verbs with their options, as a page of Markdown.
    fn reference() -> String {
        let mut command = Cli::command();
        command.build();
        let mut text = String::from(
            "# Command line\n\nPrinted from the program; do not edit.\n\n\
             Exit codes: 0 done, 1 failed or refused, 2 usage, 3 no such task or session, 4 not in this state, untrusted, or a\n\
             person is needed, 5 the lock is held elsewhere, 6 the time is up. With `--json` results and errors are one object\n\
             on standard output, errors as `{\"error\": {\"code\", \"message\", \"hint\"}}`.\n",
        );
        let _ = write!(text, "\n```\n{}```\n", page(&command));
        for (title, names) in GROUPS {
            let _ = writeln!(text, "\n## {title}");
            for name in names {
                let verb = command.find_subcommand(name).expect("it is there");
                let help = verb.clone().bin_name(format!("orchestra {name}")).term_width(100).render_help().to_string();
                let _ = writeln!(text, "\n### {name}\n\n```\n{}\n```", help.trim_end());
            }
        }
        text
    }

    #[test]
    fn every_verb_stands_in_one_group() {
        let command = Cli::command();
        let mut shown: Vec<_> =
            command.get_subcommands().filter(|it| !it.is_hide_set()).map(|it| it.get_name().to_owned()).collect();
        let mut listed: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).map(|it| (*it).to_owned()).collect();
        shown.sort();
        listed.sort();
        assert_eq!(listed, shown);
    }

    #[test]
    fn the_help_fits_eighty_columns() {
        for line in page(&Cli::command()).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn every_verb_has_an_example() {
        for verb in Cli::command().get_subcommands().filter(|it| !it.is_hide_set()) {
            let after = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("orchestra "), "{} has no example", verb.get_name());
        }
    }

    #[test]
    fn definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_page_is_fresh() {
        crate::docs::assert_fresh("docs/cli.md", &reference());
    }
}

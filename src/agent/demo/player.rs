//! Plays the steps of a script: says, reads, writes, runs, asks, hands in.

use std::fs;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Component, Path};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::conversation::{Conversation, Speaker};
use super::script::{Choice, Script, Step};
use super::terminal::{Interrupted, Status, Terminal};

/// How often the keys are looked at while a command runs.
const BEAT: Duration = Duration::from_millis(30);

/// Lines of a file or of a command's output that are shown.
const SHOWN: usize = 12;

type Played = io::Result<Result<(), Interrupted>>;

/// One process's life with a script.
pub(super) struct Player {
    pub terminal: Terminal,
    pub script: Script,
    pub conversation: Conversation,
}

impl Player {
    /// Answers `message`, to the end or until it is interrupted; only a lost terminal is an error.
    pub fn answer(&mut self, message: &str) -> io::Result<()> {
        self.terminal.strong(&format!("> {}", headline(message)))?;
        self.remember(Speaker::You, message)?;
        self.terminal.report(Status::Working(&headline(message)))?;
        let played = self.play(&self.script.answer(message))?;
        if played.is_err() {
            self.terminal.faint("Interrupted. What now?")?;
            self.remember(Speaker::Agent, "Interrupted.")?;
        }
        self.terminal.report(if played.is_ok() { Status::Done } else { Status::Idle })
    }

    fn play(&mut self, steps: &[Step]) -> Played {
        for step in steps {
            // Also the moment at which an Esc between two steps counts.
            if self.terminal.pause(Duration::ZERO)?.is_err() || self.step(step)?.is_err() {
                return Ok(Err(Interrupted));
            }
        }
        Ok(Ok(()))
    }

    fn step(&mut self, step: &Step) -> Played {
        match step {
            Step::Say(text) => {
                self.terminal.say(text)?;
                self.remember(Speaker::Agent, text.trim_end())?;
            }
            Step::Pause(ms) => return self.terminal.pause(Duration::from_millis(*ms)),
            Step::Read(path) => self.read(path)?,
            Step::Write { path, text } => self.change("Write", path, |file| {
                if let Some(folder) = file.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(file, text)
            })?,
            Step::Edit { path, old, new } => self.change("Edit", path, |file| {
                let text = fs::read_to_string(file)?;
                if !text.contains(old.as_str()) {
                    return Err(io::Error::other("what I wanted to change is not there"));
                }
                fs::write(file, text.replacen(old.as_str(), new, 1))
            })?,
            Step::Run(command) => return self.run(command, None),
            Step::Submit(text) => return self.run("orchestra submit", Some(text)),
            Step::Ask { question, options } => return self.ask(question, options),
        }
        Ok(Ok(()))
    }

    fn read(&mut self, path: &str) -> io::Result<()> {
        self.note(&format!("Read {path}"))?;
        match fs::read_to_string(path) {
            Ok(text) => {
                for line in text.lines().take(SHOWN) {
                    self.terminal.faint(&format!("  {line}"))?;
                }
                let more = text.lines().count().saturating_sub(SHOWN);
                if more > 0 { self.terminal.faint(&format!("  ... {more} more lines")) } else { Ok(()) }
            }
            Err(error) => self.terminal.say(&format!("  {error}")),
        }
    }

    fn change(&mut self, verb: &str, path: &str, change: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        self.note(&format!("{verb} {path}"))?;
        let file = Path::new(path);
        let inside = file.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let done = if inside { change(file) } else { Err(io::Error::other("not in the worktree")) };
        done.or_else(|error| self.terminal.say(&format!("  {error}")))
    }

    fn run(&mut self, command: &str, input: Option<&str>) -> Played {
        self.note(&format!("$ {command}"))?;
        let (mut child, lines) = match spawn(command, input) {
            Ok(started) => started,
            Err(error) => {
                self.terminal.say(&format!("  {error}"))?;
                return Ok(Ok(()));
            }
        };
        if self.show_output(&mut child, &lines)?.is_err() {
            kill(&mut child)?;
            return Ok(Err(Interrupted));
        }
        let status = child.wait()?;
        if !status.success() {
            self.note(&format!("  {status}"))?;
        }
        Ok(Ok(()))
    }

    /// Shows what comes until the command is over: the pipe's end, or the exit of one whose children keep it open.
    fn show_output(&mut self, child: &mut Child, lines: &Receiver<String>) -> Played {
        loop {
            match lines.recv_timeout(BEAT) {
                Ok(line) => self.terminal.faint(&format!("  {line}"))?,
                Err(RecvTimeoutError::Disconnected) => return Ok(Ok(())),
                Err(RecvTimeoutError::Timeout) if child.try_wait()?.is_some() => return Ok(Ok(())),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.terminal.pause(Duration::ZERO)?.is_err() {
                return Ok(Err(Interrupted));
            }
        }
    }

    fn ask(&mut self, question: &str, options: &[Choice]) -> Played {
        self.terminal.strong(question)?;
        for (index, option) in options.iter().enumerate() {
            self.terminal.say(&format!("  {}. {}", index + 1, option.label))?;
        }
        self.terminal.faint(&format!("  1-{} chooses, Esc ends the turn", options.len()))?;
        let labels: Vec<_> = options.iter().map(|option| option.label.as_str()).collect();
        self.terminal.report(Status::Asking(&format!("{question} ({})", labels.join(" · "))))?;
        let Ok(chosen) = self.terminal.choose(options.len())? else { return Ok(Err(Interrupted)) };
        let Choice { label, steps } = &options[chosen];
        self.terminal.report(Status::Working(label))?;
        self.remember(Speaker::Agent, question)?;
        self.terminal.strong(&format!("> {label}"))?;
        self.remember(Speaker::You, label)?;
        self.play(steps)
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.terminal.say(text)?;
        self.remember(Speaker::Agent, text)
    }

    /// A memory that can't be written is told of, and is no reason to stop.
    fn remember(&mut self, who: Speaker, text: &str) -> io::Result<()> {
        self.conversation
            .say(who, text)
            .or_else(|error| self.terminal.faint(&format!("(this conversation is not kept: {error})")))
    }
}

/// `command` in a process group of its own, and what it prints, line by line.
fn spawn(command: &str, input: Option<&str>) -> io::Result<(Child, Receiver<String>)> {
    let (reader, writer) = io::pipe()?;
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .process_group(0)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        // A command that reads nothing has told why in its output.
        _ = stdin.write_all(text.as_bytes());
    }
    Ok((child, read_lines(reader)))
}

fn read_lines(reader: PipeReader) -> Receiver<String> {
    let (sender, lines) = sync_channel(64);
    std::thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let line = crate::agent::prompt::plain(&String::from_utf8_lossy(&line));
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn kill(child: &mut Child) -> io::Result<()> {
    // The leader is not waited for yet, so the group's id is still its own.
    _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    child.wait().map(|_| ())
}

/// One line for a message: its task's title, or its beginning.
pub(super) fn headline(message: &str) -> String {
    let title = message.lines().find_map(|line| line.strip_prefix("# Task: "));
    let line = title.or_else(|| message.lines().map(str::trim).find(|line| !line.is_empty())).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(100).collect()
}

//! What an agent does, from all that is known of it: one authority, the best source wins.
//!
//! Order of the sources: the agent's event stream, its hooks or its program status (native), then its terminal's title,
//! then its screen. Once a native source has spoken, the others are not asked, until it takes its word back. Hooks come
//! by a process of their own, late or in another order: they say when they ran, and what is newer stands. Working and
//! asking count at once; rest counts when it has lasted, for a turn's steps are often a moment apart.
//!
//! Invariant: no clock here. Times are monotonic, from any start, the same for all calls.

use std::time::Duration;

use crate::model::{Activity, HookEvent};

use super::manifest::{Manifest, Rule};

/// How long rest has to last before it counts.
const SETTLE: Duration = Duration::from_millis(300);

/// Something that was seen of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal<'a> {
    /// The agent's event stream.
    Event(Activity),
    /// The event stream is gone for good.
    EventsLost,
    /// OSC 7501: `state`, `kind` (of blocked), and the decoded `msg`.
    Program {
        state: &'a str,
        kind: Option<&'a str>,
        message: Option<&'a str>,
    },
    /// A hook of the agent that ran at `at`, on the clock of all calls.
    Hook {
        event: HookEvent,
        text: Option<&'a str>,
        at: Duration,
    },
    Title(&'a str),
    /// The visible text, and how long it has not changed.
    Screen {
        text: &'a str,
        unchanged: Duration,
    },
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Screen,
    Title,
    ProgramStatus,
    Hook,
    AgentEvents,
}

/// What the agent does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub activity: Activity,
    pub source: Source,
    /// Counts up with every change.
    pub seq: u64,
}

/// Weighs the signals of one session.
#[derive(Debug, Clone)]
pub struct Authority {
    status: Vec<Rule>,
    titles: Vec<Rule>,
    rest_after: Duration,
    verdict: Verdict,
    /// The native source that has the word.
    native: Option<Source>,
    /// When the newest native news is from.
    told: Duration,
    /// What the title says now.
    title: Option<Activity>,
    /// A rest that has not lasted yet, and since when.
    pending: Option<(Source, Duration)>,
}

impl Source {
    /// As the screen and `explain` word it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Title => "title",
            Self::ProgramStatus => "program status",
            Self::Hook => "hook",
            Self::AgentEvents => "agent events",
        }
    }
}

impl Authority {
    pub fn new(manifest: &Manifest) -> Self {
        Self {
            status: manifest.status.clone(),
            titles: manifest.titles.clone(),
            rest_after: Duration::from_millis(manifest.rest_after_ms),
            verdict: Verdict { activity: Activity::Starting, source: Source::Screen, seq: 0 },
            native: None,
            told: Duration::ZERO,
            title: None,
            pending: None,
        }
    }

    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Takes in `signal`, seen at `now`. The new verdict, when it changed by that.
    pub fn observe(&mut self, signal: Signal<'_>, now: Duration) -> Option<&Verdict> {
        let (activity, source) = match signal {
            Signal::Event(activity) => (activity, self.native(Source::AgentEvents, now)),
            Signal::EventsLost => {
                self.withdraw(Source::AgentEvents);
                return None;
            }
            Signal::Program { state, kind, message } => {
                if self.native == Some(Source::AgentEvents) {
                    return None;
                }
                let Some(activity) = program_activity(state, kind, message) else {
                    if state == "clear" {
                        self.withdraw(Source::ProgramStatus);
                    }
                    return None;
                };
                (activity, self.native(Source::ProgramStatus, now))
            }
            Signal::Hook { at, .. } if at < self.told => return None,
            Signal::Hook { event, text, at } => (hook_activity(event, text), self.native(Source::Hook, at)),
            Signal::Title(text) => {
                self.title = matched(&self.titles, text);
                (self.title.clone().filter(|_| self.native.is_none())?, Source::Title)
            }
            Signal::Screen { text, unchanged } => {
                if self.native.is_some() {
                    return None;
                }
                self.screen_activity(text, unchanged)?
            }
        };
        self.propose(activity, source, now)
    }

    /// When `settle` is to be called; none: nothing is pending.
    pub fn deadline(&self) -> Option<Duration> {
        self.pending.map(|(_, since)| since + SETTLE)
    }

    /// Lets a rest count that has lasted until `now`. The new verdict, when it changed by that.
    pub fn settle(&mut self, now: Duration) -> Option<&Verdict> {
        let (source, since) = self.pending?;
        if now < since + SETTLE {
            return None;
        }
        self.pending = None;
        self.change(Activity::Resting, source)
    }

    fn propose(&mut self, activity: Activity, source: Source, now: Duration) -> Option<&Verdict> {
        if activity != Activity::Resting {
            self.pending = None;
            return self.change(activity, source);
        }
        if self.verdict.activity == Activity::Resting {
            return self.change(activity, source);
        }
        let since = self.pending.map_or(now, |(_, since)| since);
        self.pending = Some((source, since));
        self.settle(now)
    }

    fn change(&mut self, activity: Activity, source: Source) -> Option<&Verdict> {
        if self.verdict.activity == activity && self.verdict.source == source {
            return None;
        }
        self.verdict = Verdict { activity, source, seq: self.verdict.seq + 1 };
        Some(&self.verdict)
    }

    /// A native source speaks, of what was so at `at`.
    fn native(&mut self, source: Source, at: Duration) -> Source {
        (self.native, self.told) = (Some(source), at);
        source
    }

    fn withdraw(&mut self, source: Source) {
        if self.native == Some(source) {
            self.native = None;
            self.pending = None;
        }
    }

    /// What a screen says, the title having the better word where it has one.
    fn screen_activity(&self, text: &str, unchanged: Duration) -> Option<(Activity, Source)> {
        if let Some(activity) = &self.title {
            return Some((activity.clone(), Source::Title));
        }
        let activity = match matched(&self.status, text) {
            Some(activity) => activity,
            None if unchanged >= self.rest_after => Activity::Resting,
            // A program that draws its first screen is no program at work.
            None if self.verdict.activity == Activity::Starting => return None,
            None => Activity::Working,
        };
        Some((activity, Source::Screen))
    }
}

/// OSC 7501 states; none for one that says nothing of the agent's turn.
fn program_activity(state: &str, kind: Option<&str>, message: Option<&str>) -> Option<Activity> {
    match state {
        "working" => Some(Activity::Working),
        "idle" | "done" | "error" => Some(Activity::Resting),
        "blocked" => Some(asking(message.map(str::trim).filter(|text| !text.is_empty()).or(kind))),
        _ => None,
    }
}

fn hook_activity(event: HookEvent, text: Option<&str>) -> Activity {
    match event {
        HookEvent::Working => Activity::Working,
        HookEvent::Idle | HookEvent::Done | HookEvent::Error => Activity::Resting,
        HookEvent::Asking => asking(text.filter(|text| !text.trim().is_empty())),
    }
}

fn asking(text: Option<&str>) -> Activity {
    Activity::Asking { text: first_line(text.unwrap_or("asks")) }
}

fn matched(rules: &[Rule], text: &str) -> Option<Activity> {
    rules.iter().find_map(|rule| match rule {
        Rule::Asking(pattern) => {
            let found = pattern.find(text)?;
            Some(Activity::Asking { text: line_around(text, found) })
        }
        Rule::Working(pattern) => pattern.find(text).map(|_| Activity::Working),
        Rule::Resting(pattern) => pattern.find(text).map(|_| Activity::Resting),
    })
}

/// The line of `text` that `found`, a part of it, begins in.
fn line_around(text: &str, found: &str) -> String {
    let at = found.as_ptr().addr() - text.as_ptr().addr();
    let start = text[..at].rfind('\n').map_or(0, |index| index + 1);
    first_line(&text[start..])
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "activity_tests.rs"]
mod tests;

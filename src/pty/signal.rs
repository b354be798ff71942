//! What a program tells beside its text: titles, bells, notifications, status.
//!
//! Invariant: every text in a signal is valid UTF-8 without control characters and of bounded length, so it may be shown
//! anywhere. What a signal causes (a bell outside, a clipboard) is policy, and lives elsewhere.

use super::base64;

/// One thing that a program said to its terminal, in the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// BEL outside of any sequence.
    Bell,
    /// OSC 0 or 2. Empty when the program gave its title back.
    Title(String),
    /// OSC 9, 777 (`notify`) or 99.
    Notified { title: Option<String>, body: String },
    /// OSC 9;4.
    Progress(Progress),
    /// OSC 133, shell integration.
    Prompt(PromptMark),
    /// OSC 7501, the program status protocol (revision 0.3).
    Status(ProgramStatus),
    /// OSC 52: the program asks to put `text` on the clipboard.
    CopyRequested { text: String },
    /// The end of a synchronized update (mode 2026): a whole frame stands.
    FrameDone,
}

/// The state of OSC 9;4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Gone,
    /// 0 to 100.
    At(u8),
    /// 0 to 100, if told.
    Failed(Option<u8>),
    Unknown,
    /// 0 to 100, if told.
    Paused(Option<u8>),
}

/// A mark of OSC 133.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptMark {
    PromptStarted,
    InputStarted,
    OutputStarted,
    /// The exit status of the command, if told.
    CommandDone(Option<i32>),
}

/// A report of OSC 7501.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramStatus {
    pub state: ProgramState,
    pub app: Option<String>,
    /// `a/b`: the record that is meant; `clear` drops it and its children. Without an id: the program itself, and for
    /// `clear` every record.
    pub id: Option<String>,
    /// Percent, 0 to 100.
    pub progress: Option<u8>,
    pub title: Option<String>,
    pub message: Option<String>,
}

/// The states of OSC 7501.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramState {
    Idle,
    Working,
    Blocked(Option<BlockedOn>),
    Done,
    Failed,
    Cleared,
}

/// What a blocked program waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockedOn {
    Permission,
    Question,
    Auth,
}

impl ProgramState {
    /// The word of the protocol.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Working => "working",
            Self::Blocked(_) => "blocked",
            Self::Done => "done",
            Self::Failed => "error",
            Self::Cleared => "clear",
        }
    }

    /// What it waits for, in the word of the protocol.
    pub const fn blocked_on(self) -> Option<&'static str> {
        match self {
            Self::Blocked(Some(BlockedOn::Permission)) => Some("permission"),
            Self::Blocked(Some(BlockedOn::Question)) => Some("question"),
            Self::Blocked(Some(BlockedOn::Auth)) => Some("auth"),
            _ => None,
        }
    }
}

/// Longest title and notification kept, in bytes.
const TEXT_CAP: usize = 1024;
const ID_CAP: usize = 128;
const ID_DEPTH: usize = 8;
const SEGMENT_CAP: usize = 32;
const STATUS_TITLE_CAP: usize = 192;
const STATUS_MESSAGE_CAP: usize = 2048;

impl Signal {
    /// The signal of one OSC: `body` is what stands between `ESC ]` and the terminator. `None` for everything that is
    /// no signal, malformed or not.
    pub(super) fn from_osc(body: &[u8]) -> Option<Self> {
        let (code, rest) = split_once(body, b';');
        match code {
            b"0" | b"2" => Some(Self::Title(clean(rest))),
            b"9" => osc_9(rest),
            b"777" => osc_777(rest),
            b"133" => osc_133(rest).map(Self::Prompt),
            b"52" => osc_52(rest),
            b"7501" => ProgramStatus::parse(rest).map(Self::Status),
            _ => None,
        }
    }
}

impl ProgramStatus {
    /// Parses `state=S[:app=A][:id=a/b][:kind=K][:progress=N][:title=BASE64][:msg=BASE64]`. One bad value discards the
    /// whole report, an unknown key does not.
    fn parse(report: &[u8]) -> Option<Self> {
        let report = std::str::from_utf8(report).ok()?;
        let mut status =
            Self { state: ProgramState::Idle, app: None, id: None, progress: None, title: None, message: None };
        let (mut state, mut kind) = (None, None);
        for pair in report.split(':') {
            let Some((key, value)) = pair.split_once('=') else { continue };
            match key {
                "state" => state = Some(value),
                "kind" => kind = Some(value),
                "app" => status.app = Some(is_segment(value).then(|| value.to_owned())?),
                "id" => status.id = Some(is_id(value).then(|| value.to_owned())?),
                "progress" => status.progress = Some(percent(value.as_bytes())?),
                "title" => status.title = Some(decoded(value, STATUS_TITLE_CAP)?),
                "msg" => status.message = Some(decoded(value, STATUS_MESSAGE_CAP)?),
                _ => {}
            }
        }
        status.state = match state? {
            "idle" => ProgramState::Idle,
            "working" => ProgramState::Working,
            "blocked" => ProgramState::Blocked(kind.and_then(BlockedOn::parse)),
            "done" => ProgramState::Done,
            "error" => ProgramState::Failed,
            "clear" => ProgramState::Cleared,
            _ => return None,
        };
        Some(status)
    }
}

impl BlockedOn {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "permission" => Some(Self::Permission),
            "question" => Some(Self::Question),
            "auth" => Some(Self::Auth),
            _ => None,
        }
    }
}

fn osc_9(rest: &[u8]) -> Option<Signal> {
    let Some(progress) = rest.strip_prefix(b"4;") else {
        // ConEmu numbers its other commands (`9;1;...`); everything else is the text of a notification.
        let (head, tail) = split_once(rest, b';');
        let command = !tail.is_empty() && !head.is_empty() && head.iter().all(u8::is_ascii_digit);
        return (!command && rest != b"4").then(|| Signal::Notified { title: None, body: clean(rest) });
    };
    let (state, value) = split_once(progress, b';');
    let value = percent(value);
    let progress = match state {
        b"0" => Progress::Gone,
        b"1" => Progress::At(value?),
        b"2" => Progress::Failed(value),
        b"3" => Progress::Unknown,
        b"4" => Progress::Paused(value),
        _ => return None,
    };
    Some(Signal::Progress(progress))
}

fn osc_777(rest: &[u8]) -> Option<Signal> {
    let (title, body) = split_once(rest.strip_prefix(b"notify;")?, b';');
    Some(Signal::Notified { title: Some(clean(title)).filter(|title| !title.is_empty()), body: clean(body) })
}

fn osc_133(rest: &[u8]) -> Option<PromptMark> {
    let (mark, argument) = split_once(rest, b';');
    match mark {
        b"A" => Some(PromptMark::PromptStarted),
        b"B" => Some(PromptMark::InputStarted),
        b"C" => Some(PromptMark::OutputStarted),
        b"D" => {
            let (code, _) = split_once(argument, b';');
            Some(PromptMark::CommandDone(std::str::from_utf8(code).ok().and_then(|code| code.parse().ok())))
        }
        _ => None,
    }
}

fn osc_52(rest: &[u8]) -> Option<Signal> {
    let (_selection, data) = split_once(rest, b';');
    // `?` asks for the clipboard, which no program gets; an empty payload would clear it.
    let text = String::from_utf8(base64::decode(data)?).ok()?;
    (!text.is_empty()).then_some(Signal::CopyRequested { text })
}

fn percent(digits: &[u8]) -> Option<u8> {
    let value: u8 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (value <= 100).then_some(value)
}

fn decoded(value: &str, cap: usize) -> Option<String> {
    let text = String::from_utf8(base64::decode(value.as_bytes())?).ok()?;
    (text.len() <= cap && !text.chars().any(char::is_control)).then_some(text)
}

fn is_id(id: &str) -> bool {
    id.len() <= ID_CAP && id.split('/').count() <= ID_DEPTH && id.split('/').all(is_segment)
}

fn is_segment(segment: &str) -> bool {
    (1..=SEGMENT_CAP).contains(&segment.len())
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte))
}

/// Text for people out of foreign bytes: no control characters, bounded, trimmed of padding.
fn clean(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(TEXT_CAP)];
    let text: String = String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect();
    text.trim_end().to_owned()
}

fn split_once(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    memchr::memchr(at, bytes).map_or((bytes, &[]), |index| (&bytes[..index], &bytes[index + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(report: &str) -> Option<ProgramStatus> {
        match Signal::from_osc(format!("7501;{report}").as_bytes()) {
            Some(Signal::Status(status)) => Some(status),
            _ => None,
        }
    }

    #[test]
    fn a_full_status_report_is_read() {
        let status =
            status("state=blocked:app=claude:id=main/sub-1:kind=permission:progress=40:title=SGk=:msg=w6Q=:x=y")
                .expect("a valid report");
        assert_eq!(status.state, ProgramState::Blocked(Some(BlockedOn::Permission)));
        assert_eq!(status.app.as_deref(), Some("claude"));
        assert_eq!(status.id.as_deref(), Some("main/sub-1"));
        assert_eq!(status.progress, Some(40));
        assert_eq!(status.title.as_deref(), Some("Hi"));
        assert_eq!(status.message.as_deref(), Some("ä"));
    }

    #[test]
    fn states_are_told_apart_and_an_unknown_one_is_no_report() {
        let states = ["idle", "working", "blocked", "done", "error", "clear"]
            .map(|state| status(&format!("state={state}")).expect("a known state").state);
        assert_eq!(
            states,
            [
                ProgramState::Idle,
                ProgramState::Working,
                ProgramState::Blocked(None),
                ProgramState::Done,
                ProgramState::Failed,
                ProgramState::Cleared
            ]
        );
        assert_eq!(status("state=dancing"), None);
        assert_eq!(status("app=claude"), None);
    }

    #[test]
    fn one_bad_value_discards_the_report() {
        let deep = ["a"; 9].join("/");
        let control = "GwE="; // ESC and SOH
        for bad in [
            format!("state=idle:id={deep}"),
            "state=idle:id=a//b".into(),
            format!("state=idle:id={}", "a".repeat(33)),
            "state=idle:progress=101".into(),
            "state=idle:title=***".into(),
            format!("state=idle:msg={control}"),
        ] {
            assert_eq!(status(&bad), None, "{bad}");
        }
    }

    #[test]
    fn notifications_progress_and_marks_are_read() {
        let osc = |body: &str| Signal::from_osc(body.as_bytes());
        assert_eq!(osc("9;Approval needed"), Some(Signal::Notified { title: None, body: "Approval needed".into() }));
        assert_eq!(osc("9;4;1;33"), Some(Signal::Progress(Progress::At(33))));
        assert_eq!(osc("9;4;0;"), Some(Signal::Progress(Progress::Gone)));
        assert_eq!(osc("9;2;box"), None);
        assert_eq!(
            osc("777;notify;Title;Body"),
            Some(Signal::Notified { title: Some("Title".into()), body: "Body".into() })
        );
        assert_eq!(osc("133;D;7"), Some(Signal::Prompt(PromptMark::CommandDone(Some(7)))));
        assert_eq!(osc("52;c;aGk="), Some(Signal::CopyRequested { text: "hi".into() }));
        assert_eq!(osc("52;c;?"), None);
    }

    #[test]
    fn titles_lose_controls_and_padding() {
        let padded = b"0;\xe2\x9c\xa6  Working\x01\xc2\x9b   ";
        assert_eq!(Signal::from_osc(padded), Some(Signal::Title("✦  Working".into())));
    }
}

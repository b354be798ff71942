//! What was refused to agents, for a person who wants to know: a line each in `logs/refused.log`.
//!
//! Invariants: a line is one line whatever an agent wrote; the log has at most two files of [`MOST`] bytes; that it cannot be
//! written harms nobody.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use super::server::now;
use crate::model::Failure;
use crate::store::Home;

/// In `logs/`.
const LOG: &str = "refused.log";
/// What the log was before.
const FORMER: &str = "refused.log.1";
/// Bytes after which it begins anew.
const MOST: u64 = 1 << 20;
/// Characters of a reason that are kept.
const MAX_TEXT: usize = 300;

/// Notes that `what` (a method, or a tool) was refused to the session `who`.
pub fn note(home: &Home, who: &str, what: &str, why: &Failure) {
    let path = home.logs().join(LOG);
    if fs::metadata(&path).is_ok_and(|it| it.len() > MOST) {
        let _ = fs::rename(&path, home.logs().join(FORMER));
    }
    let why: String = why.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect();
    let line = format!("{:.0} {who} {}: {why}\n", now(), what.escape_debug());
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let _ = opened.and_then(|mut file| file.write_all(line.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    #[test]
    fn a_refusal_is_one_line_and_the_log_is_short() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().to_owned());
        home.create().unwrap();
        let long = Failure::new(FailureKind::Usage, format!("no:\n{}", "x".repeat(1000)));
        note(&home, "fix-it", "task.merge", &long);
        let text = fs::read_to_string(home.logs().join(LOG)).unwrap();
        assert!(text.ends_with("xx\n") && text.contains("Z fix-it task.merge: no: xx"), "{text}");
        assert_eq!((text.lines().count(), text.len() < 400), (1, true));
        fs::write(home.logs().join(LOG), vec![b'x'; MOST as usize + 1]).unwrap();
        note(&home, "fix-it", "task.merge", &long);
        assert_eq!(fs::read_to_string(home.logs().join(LOG)).unwrap().lines().count(), 1);
        assert!(home.logs().join(FORMER).exists());
    }
}

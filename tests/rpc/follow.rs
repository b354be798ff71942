//! The lines of a session, from one of its runs to the next.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orchestra::model::FailureKind;
use orchestra::rpc::{Client, Followed, Lines, Position};
use serde_json::json;

use crate::attach::with_shell;
use crate::place::{PATIENCE, alone};
use crate::socket::Served;

/// All that comes until the run has ended: its lines, and where that is.
fn rest(client: &mut Client) -> (Vec<String>, Position) {
    let mut lines = Vec::new();
    loop {
        let told = client.next_notification(Some(Instant::now() + PATIENCE)).unwrap().expect("the end of the run");
        let told: Lines = serde_json::from_value(told.params).unwrap();
        lines.extend(told.lines);
        if told.ended {
            return (lines, Position { run: told.run, offset: told.offset });
        }
    }
}

/// Runs a command in the shell beside the task, which ends after it.
fn run(served: &Served, root: &str, command: &str) {
    let mut client = served.client();
    let size = json!({"rows": 24, "cols": 80});
    client.call("session.open_shell", json!({"project": root, "session": "fix-it", "size": size})).unwrap();
    let bytes = STANDARD.encode(format!("exec sh -c '{command}'\n"));
    client.call("session.input", json!({"project": root, "session": "fix-it.sh1", "bytes": bytes})).unwrap();
    served.bench.wait("the end of the shell", |snapshot| snapshot.projects[0].shells.is_empty().then_some(()));
}

#[test]
fn runs_that_have_gone_by_the_next_call_are_followed_in_their_order() {
    alone(|place| {
        let (served, root, session) = with_shell(place);
        let mut client = served.client();
        let asked = |after: Option<&Position>| json!({"project": root, "session": session, "after": after, "lines": 2});
        let begun: Followed = serde_json::from_value(client.call("session.follow", asked(None)).unwrap()).unwrap();
        assert!(begun.alive);
        // Nobody asks before all three have gone.
        for number in 1..=3 {
            run(&served, &root, &format!("seq 1 400; echo run-$(({number} + 0))"));
        }
        let (lines, mut at) = rest(&mut client);
        assert_eq!((lines.last().map(String::as_str), &at.run), (Some("run-1"), &begun.run));
        for number in 2..=3 {
            let next: Followed =
                serde_json::from_value(client.call("session.follow", asked(Some(&at))).unwrap()).unwrap();
            assert!(!next.alive && next.run != at.run);
            let (lines, end) = rest(&mut client);
            assert_eq!(lines, ["400".to_owned(), format!("run-{number}")]);
            at = end;
        }
        let gone = client.call("session.follow", asked(Some(&at))).unwrap_err();
        assert_eq!(gone.kind, FailureKind::NotFound);
    });
}

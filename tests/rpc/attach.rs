//! A session's screen at other terminals.

use std::os::unix::net::UnixStream;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orchestra::model::{SessionId, Size, State};
use orchestra::pty::Screen;
use orchestra::rpc::Client;
use serde_json::{Value, json};

use crate::engine::Bench;
use crate::place::{PATIENCE, Place, alone};
use crate::repo::Repository;
use crate::socket::{Raw, Served};

/// A terminal elsewhere that is attached to a session.
struct Viewer {
    client: Client,
    screen: Screen,
    root: String,
    /// Once it has ended: `session.exited`.
    end: Option<Value>,
}

impl Viewer {
    fn attach(served: &Served, root: &str, size: Size) -> Self {
        let mut client = served.client();
        let params = json!({"project": root, "session": "fix-it.sh1", "rows": size.rows, "cols": size.cols});
        client.call("session.attach", params).unwrap();
        Self { client, screen: Screen::new(size), root: root.to_owned(), end: None }
    }

    /// Takes what comes until the screen satisfies `wanted`, or the session has ended.
    fn until(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.screen) && self.end.is_none() {
            let told = self.client.next_notification(Some(deadline)).unwrap();
            let told = told.unwrap_or_else(|| panic!("no {what}:\n{}", self.screen.lines().join("\n")));
            match told.method.as_str() {
                "session.output" => {
                    let bytes = STANDARD.decode(told.params["bytes"].as_str().unwrap()).unwrap();
                    self.screen.feed(&bytes);
                }
                "session.exited" => self.end = Some(told.params),
                other => panic!("{other}"),
            }
        }
    }

    fn shows(&mut self, text: &str) {
        self.until(text, |screen| screen.lines().iter().any(|line| line.contains(text)));
    }

    fn types(&self, text: &str) {
        let params = json!({"project": self.root, "session": "fix-it.sh1", "bytes": STANDARD.encode(text)});
        self.client.notifier().notify("session.input", &params).unwrap();
    }
}

/// A served engine with a shell beside the task `fix-it`, and the project's root.
pub fn with_shell(place: &Place) -> (Served, String, SessionId) {
    let repository = Repository::new(place, crate::WILLING);
    let served = Served::new(place, Bench::open(place, &repository));
    served.bench.begin("fix-it", "quick", "Fix it");
    served.bench.reaches("fix-it", State::Approval);
    let root = repository.root().to_str().unwrap().to_owned();
    let size = json!({"rows": 24, "cols": 80});
    served.client().call("session.open_shell", json!({"project": root, "session": "fix-it", "size": size})).unwrap();
    (served, root, SessionId::shell("fix-it", 1))
}

#[test]
fn two_viewers_see_the_same_and_the_last_one_gives_the_size() {
    alone(|place| {
        let (served, root, session) = with_shell(place);
        let root = root.as_str();
        let at = (served.bench.project(), session.clone());
        let size = |wanted: Size| {
            served.bench.wait(&format!("{wanted:?}"), |_| {
                let terminal = served.bench.engine().terminal(&at)?;
                (terminal.size() == wanted).then_some(())
            });
        };
        let mut big = Viewer::attach(&served, root, Size::new(30, 100));
        size(Size::new(30, 100));
        big.types("PS1=; printf 'h%s\\n' ello\n");
        big.shows("hello");
        let mut small = Viewer::attach(&served, root, Size::new(10, 40));
        size(Size::new(10, 40));
        small.shows("hello");
        assert!(!served.bench.engine().leads(&at), "the screen of the engine does not resize it");
        big.types("stty size\n");
        size(Size::new(30, 100));
        big.shows("30 100");
        small.shows("hello");
        small.types("printf 'b%s\\n' oth\n");
        big.shows("both");
        small.shows("both");
        size(Size::new(10, 40));
        // Who leads leaves: the other one gives the size again.
        small.client.call("session.detach", json!({"project": root, "session": session})).unwrap();
        size(Size::new(30, 100));
        big.types("exit 3\n");
        big.until("the end", |_| false);
        assert_eq!(big.end.take().unwrap()["exit"], 3);
        drop(big);
        served.bench.wait("nobody is attached", |_| served.bench.engine().leads(&at).then_some(()));
    });
}

#[test]
fn a_slow_viewer_gets_fewer_frames_and_holds_up_nobody() {
    alone(|place| {
        let (served, root, _) = with_shell(place);
        let root = root.as_str();
        let mut quick = Viewer::attach(&served, root, Size::new(24, 80));
        // Attached, and never reads.
        let mut slow = Raw::to(UnixStream::connect(served.path()).unwrap());
        slow.call("hello", &json!({"protocol": 1, "version": "0", "client": "slow"})).unwrap();
        let params = json!({"project": root, "session": "fix-it.sh1", "rows": 24, "cols": 80});
        slow.call("session.attach", &params).unwrap();
        quick.types("PS1=; seq 1 300000; printf 'e%s\\n' nd-of-it\n");
        quick.shows("end-of-it");
        served.is_served();
        let mut screen = Screen::new(Size::new(24, 80));
        let mut bytes = 0;
        while !screen.lines().iter().any(|line| line.contains("end-of-it")) {
            let told = slow.hear().expect("it was not slow enough to be cut off");
            let output = STANDARD.decode(told["params"]["bytes"].as_str().unwrap()).unwrap();
            screen.feed(&output);
            bytes += output.len();
        }
        assert!(bytes < 1 << 20, "{bytes} bytes waited for it, of two million");
    });
}

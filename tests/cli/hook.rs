//! What agents' hooks tell, by the program that they call.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::place::Door;
use crate::{Desk, Ran, WILLING, in_place};

/// However slow the machine is: above the limit, and far below every time-out of the socket.
const SOON: Duration = Duration::from_secs(4);

/// R91.
#[test]
fn a_hook_tells_what_its_agent_does() {
    in_place(|place| {
        let desk = Desk::untrusted(place, "rules: []\notherwise: []\n");
        let doors = ["one", "two", "three", "four", "five"].map(|name| place.door(name));
        let wait = |at: usize| Door::wait(&doors[at]);
        let old = place.path("old.box");
        let script = format!(
            "stty -echo\necho BUSY\norchestra hook working\n{}\n\
             echo '{{\"message\": \"Which color?\"}}' | orchestra hook asking\n{}\n\
             orchestra hook working fix-it\n{}\n\
             ORCHESTRA_SESSION_DIR='{}' orchestra hook asking\ncd /\norchestra hook idle\n{}\n\
             orchestra hook working\n{}\n",
            wait(0),
            wait(1),
            wait(2),
            old.display(),
            wait(3),
            wait(4)
        );
        let agent = place.write("agent.sh", &script);
        // The screen would say that it asks while the word is there, and that it rests when nothing moves.
        let entry = format!(
            "{{start: [sh, '{}', '{{prompt}}'], rest_after_ms: 50, status: [{{asking: BUSY}}]}}",
            agent.display()
        );
        desk.repository.agent("plain", &entry);
        desk.done(&["trust", "--trust"]);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--agent", "plain", "--start"]);
        let is = |state: &str| {
            desk.done(&["wait", "fix-it", "--until", state, "--timeout", "60"]);
            let explained = desk.json(&["explain", "fix-it", "--json"]);
            let facts = explained["facts"].as_array().unwrap().clone();
            let fact = |label: &str| {
                facts.iter().find(|it| it["label"] == label).map(|it| it["text"].as_str().unwrap().to_owned()).unwrap()
            };
            let task = desk.json(&["show", "fix-it", "--json"])["task"].clone();
            let source = fact("source");
            assert!(source.starts_with("hook, "), "{state}: {source}");
            (task["state"].as_str().unwrap().to_owned(), task["status"].as_str().unwrap().to_owned(), fact("agent"))
        };
        let knock = doors[0].reached();
        assert_eq!(is("working"), ("working".into(), "running".into(), "plain works".into()));
        knock.open();
        let knock = doors[1].reached();
        assert_eq!(is("asking"), ("asking".into(), "idle".into(), "plain asks: Which color?".into()));
        knock.open();
        let knock = doors[2].reached();
        assert_eq!(is("working").2, "plain works");
        knock.open();
        let knock = doors[3].reached();
        assert_eq!(is("quiet"), ("quiet".into(), "idle".into(), "plain rests".into()), "the old run asked nothing");
        // Somebody else's hook in the worktree: the folder tells the task.
        let worktree = PathBuf::from(desk.run(&["path", "fix-it"]).raw.trim());
        let told = desk.at(&worktree).run(&["hook", "working"]);
        assert_eq!((told.code, told.out.as_str(), told.err.as_str()), (0, "", ""));
        assert_eq!(is("working").2, "plain works");
        knock.open();
        let knock = doors[4].reached();
        knock.open();
    });
}

/// R91.
#[test]
fn a_hook_ends_well_and_soon_whatever_happens() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        let timed = |run: &dyn Fn() -> Ran| {
            let began = Instant::now();
            let ran = run();
            assert!(began.elapsed() < SOON, "{:?}: {ran:?}", began.elapsed());
            assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
            ran.err
        };
        insta::assert_snapshot!(timed(&|| desk.run(&["hook", "idle", "nobody"])), @r#"nothing was told: there is no task "nobody" in my-app. All of them: orchestra status"#);
        insta::assert_snapshot!(timed(&|| desk.run(&["hook", "idle"])), @"nothing was told: no task was named, and this folder is no task's worktree. Name one; orchestra status lists them.");
        insta::assert_snapshot!(timed(&|| desk.run(&["hook", "stopped"])), @r#"nothing was told: there is no event "stopped". working, idle, asking, done or error"#);
        for garbage in ["", "{", "\0\u{ff}[[[[", "[1, 2]", "{\"message\": 3}", &"x".repeat(3 << 20)] {
            timed(&|| desk.piped_as_far_as_it_reads(&["hook", "asking"], garbage.as_bytes()));
        }
        // An input without an end, and one that is closed.
        timed(&|| {
            let mut child = desk.command(&["hook", "asking"]);
            let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let open = child.stdin.take();
            let output = child.wait_with_output().unwrap();
            drop(open);
            desk.ran(&output)
        });
        let closed = ["-c", "exec \"$0\" hook asking <&- 2>&-", env!("CARGO_BIN_EXE_orchestra")];
        timed(&|| {
            let mut command = std::process::Command::new("sh");
            command.args(closed).env_clear().envs(place.environment()).current_dir(&desk.folder);
            desk.ran(&command.output().unwrap())
        });

        desk.done(&["shutdown", "-y"]);
        let socket = place.path("orchestra-home/run/engine.sock");
        timed(&|| desk.run(&["hook", "idle"]));
        assert!(!socket.exists() || std::os::unix::net::UnixStream::connect(&socket).is_err(), "it starts no engine");

        // An engine that takes calls and answers none.
        _ = std::fs::remove_file(&socket);
        let hung = UnixListener::bind(&socket).unwrap();
        let silent = thread::spawn(move || {
            let (mut stream, _) = hung.accept().unwrap();
            _ = stream.read_to_end(&mut Vec::new());
        });
        insta::assert_snapshot!(timed(&|| desk.run(&["hook", "idle"])), @"nothing was told: the engine does not answer in time.");
        silent.join().unwrap();
        std::fs::remove_file(&socket).unwrap();
    });
}

impl Desk<'_> {
    /// As `piped`, for a program that may end before it has read all.
    fn piped_as_far_as_it_reads(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        _ = child.stdin.take().unwrap().write_all(input);
        self.ran(&child.wait_with_output().unwrap())
    }
}

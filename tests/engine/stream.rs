//! Agents that tell of themselves by an event stream, which is the test's own here: what it says, and when.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use orchestra::model::{Activity, NewTask, Request, State};

use crate::engine::{Bench, new_task};
use crate::place::{PATIENCE, Place, alone};
use crate::repo::Repository;

/// The server of an agent that is at rest, on the port that it was started with.
struct Stream(TcpStream);

impl Stream {
    /// Waits for the `n`th start of the agent, and for whoever listens to it.
    fn open(place: &Place, bench: &Bench, n: usize) -> Self {
        let port = bench.wait("the agent", |_| place.lines("ports").get(n - 1)?.parse::<u16>().ok());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let (sender, streams) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(stream) = answered(stream) {
                    _ = sender.send(stream);
                }
            }
        });
        Self::first(&streams)
    }

    fn first(streams: &Receiver<TcpStream>) -> Self {
        Self(streams.recv_timeout(PATIENCE).expect("somebody listens"))
    }

    fn say(&mut self, kind: &str, properties: &str) {
        write!(self.0, "data: {{\"type\":\"{kind}\",\"properties\":{properties}}}\n\n").unwrap();
    }

    /// A conversation begins, and its first turn.
    fn begin(&mut self, conversation: &str) {
        self.say("session.created", &format!("{{\"info\":{{\"id\":\"{conversation}\"}}}}"));
        self.say("session.status", &format!("{{\"sessionID\":\"{conversation}\",\"status\":{{\"type\":\"busy\"}}}}"));
    }
}

/// Answers what is asked once; the event stream stays.
fn answered(mut stream: TcpStream) -> Option<TcpStream> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    lines.find(String::is_empty)?;
    let body = match path.as_str() {
        "/event" => "",
        "/session/status" => "{}",
        _ => "[]",
    };
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    if path != "/event" {
        _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        return None;
    }
    write!(stream, "{head}Content-Type: text/event-stream\r\n\r\ndata: {{\"type\":\"server.connected\"}}\n\n").ok()?;
    Some(stream)
}

/// The agent `told` notes its port, then does `started`, or `resumed` where it goes on with a conversation.
fn told(place: &Place, started: &str, resumed: &str) -> Bench {
    let repository = Repository::new(place, "rules: []\notherwise: []\n");
    let ports = place.path("ports");
    let script = |name, body: &str| {
        let text = format!("echo \"$1\" >>'{}'\n{body}\n", ports.display());
        place.write(name, &text).display().to_string()
    };
    let (start, resume) = (script("start.sh", started), script("resume.sh", resumed));
    let entry = format!(
        "{{start: [sh, '{start}', '{{port}}', '{{prompt}}'], resume: [sh, '{resume}', '{{port}}', '{{conversation}}'], \
         conversation: reported, events: sse, rest_after_ms: 3000}}"
    );
    repository.agent("told", &entry);
    let bench = Bench::open(place, &repository);
    bench.made(NewTask { agent: Some("told".to_owned()), start: true, ..new_task("fix-it", "quick", "Fix it") });
    bench
}

/// It is at work in its first conversation.
fn begin(place: &Place, resumed: &str) -> (Bench, Stream) {
    let bench = told(place, "echo ready\nexec cat", resumed);
    let mut stream = Stream::open(place, &bench, 1);
    stream.begin("ses_1");
    in_conversation(&bench, "ses_1");
    (bench, stream)
}

fn rests(bench: &Bench) {
    bench.task_when("fix-it", "rests", |view| {
        view.session.as_ref().is_some_and(|session| session.activity == Activity::Resting)
    });
}

fn in_conversation(bench: &Bench, id: &str) {
    bench.task_when("fix-it", &format!("is in {id}"), |view| {
        let works = view.session.as_ref().is_some_and(|session| session.activity == Activity::Working);
        works && view.task.conversation("work") == Some(id)
    });
}

#[test]
fn an_agent_that_begins_anew_does_not_rest_because_its_former_conversation_does() {
    alone(|place| {
        let (bench, _former) = begin(place, "exec cat");
        bench.ask("fix-it", |project, task| Request::Restart { project, task });
        let mut stream = Stream::open(place, &bench, 2);
        stream.say("session.idle", "{\"sessionID\":\"ses_1\"}");
        stream.begin("ses_2");
        in_conversation(&bench, "ses_2");
        let reminders: Vec<_> = bench.task("fix-it").iterations.iter().map(|it| it.reminders).collect();
        assert_eq!(reminders, [0, 0]);
    });
}

/// Its turn was over before anybody listened.
#[test]
fn an_agent_that_has_handed_in_rests_by_its_screen_when_its_events_tell_nothing() {
    alone(|place| {
        let bench = told(place, "echo the result | orchestra submit\nexec cat", "exec cat");
        let _stream = Stream::open(place, &bench, 1);
        bench.reaches("fix-it", State::Approval);
        rests(&bench);
    });
}

#[test]
fn a_resumed_agent_is_told_its_prompt_once_its_terminal_shows_something() {
    alone(|place| {
        let (door, typed) = (place.door("door"), place.path("typed"));
        let draws =
            format!("stty -echo\n{}\nprintf '\\033[?2004hready'\nhead -n 1 >'{}'", door.wait(), typed.display());
        let (bench, _former) = begin(place, &draws);
        bench.stop("fix-it");
        bench.start("fix-it");
        let knock = door.reached();
        let _stream = Stream::open(place, &bench, 2);
        rests(&bench);
        knock.open();
        let typed = bench.wait("the prompt", |_| place.lines("typed").first().cloned());
        assert!(typed.starts_with("\u{1b}[200~You were interrupted"), "not as one paste: {typed:?}");
    });
}

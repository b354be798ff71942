use std::future::Future;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::model::{Activity, Usage};

const LIMIT: Duration = Duration::from_secs(20);

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("in time")
}

/// The next request, by its path and whether it carried the password.
async fn accept(listener: &TcpListener) -> (TcpStream, String, bool) {
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    // opencode:pw
    let known = head.to_lowercase().contains("authorization: basic b3blbmnvzgu6chc=");
    (stream, path, known)
}

async fn answer(mut stream: TcpStream, body: &str) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
    stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
}

async fn begin_events(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    say(stream, r#"{"type":"server.connected","properties":{}}"#).await;
}

async fn say(stream: &mut TcpStream, event: &str) {
    stream.write_all(format!("data: {event}\n\n").as_bytes()).await.unwrap();
}

/// Serves the three requests for the state, and the one for what was taken; `status` is the answer to the first kind.
async fn serve_state(listener: &TcpListener, status: &str) {
    for _ in 0..3 {
        let (stream, path, known) = accept(listener).await;
        assert!(known, "{path} without the password");
        answer(stream, if path == "/session/status" { status } else { "[]" }).await;
    }
    let (stream, path, known) = accept(listener).await;
    assert!(known && path == "/session/ses_1/message", "{path}");
    answer(stream, r#"[{"parts":[{"type":"step-finish","id":"prt_1","cost":1}]}]"#).await;
}

fn one_dollar() -> AgentFact {
    AgentFact::Usage { id: "prt_1".to_owned(), usage: Usage { cost: 1_000_000, ..Usage::default() } }
}

fn activity(activity: Activity) -> AgentFact {
    AgentFact::Activity { activity }
}

#[tokio::test]
async fn a_connection_that_came_too_early_is_made_anew_and_a_lost_one_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = EventSource { port: listener.local_addr().unwrap().port(), password: "pw".to_owned() };
    let (sender, mut facts) = mpsc::channel(4);
    let client = tokio::spawn(follow(source, Some("ses_1".to_owned()), || Timestamp::UNIX_EPOCH, sender));

    let (_never_answered, path, _) = accept(&listener).await;
    assert_eq!(path, "/event");
    let (mut stream, _, known) = accept(&listener).await;
    assert!(known, "the password is sent");
    begin_events(&mut stream).await;
    serve_state(&listener, r#"{"ses_1":{"type":"busy"}}"#).await;
    assert_eq!(within(facts.recv()).await, Some(activity(Activity::Working)));
    assert_eq!(within(facts.recv()).await, Some(one_dollar()));
    say(&mut stream, "no JSON").await;
    say(&mut stream, r#"{"type":"session.idle","properties":{"sessionID":"ses_1"}}"#).await;
    assert_eq!(within(facts.recv()).await, Some(activity(Activity::Resting)));

    drop(stream);
    let (mut stream, ..) = accept(&listener).await;
    begin_events(&mut stream).await;
    serve_state(&listener, r#"{"ses_1":{"type":"busy"}}"#).await;
    assert_eq!(within(facts.recv()).await, Some(activity(Activity::Working)));

    drop(facts);
    drop(stream);
    within(client).await.unwrap();
}

#[tokio::test]
async fn a_state_that_is_not_answered_is_asked_for_again_and_what_is_told_meanwhile_is_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = EventSource { port: listener.local_addr().unwrap().port(), password: "pw".to_owned() };
    let (sender, mut facts) = mpsc::channel(4);
    let client = tokio::spawn(follow(source, Some("ses_1".to_owned()), || Timestamp::UNIX_EPOCH, sender));

    let (mut stream, ..) = accept(&listener).await;
    begin_events(&mut stream).await;
    say(&mut stream, r#"{"type":"session.status","properties":{"sessionID":"ses_1","status":{"type":"busy"}}}"#).await;
    let mut never_answered = Vec::new();
    for _ in 0..3 {
        never_answered.push(accept(&listener).await);
    }
    serve_state(&listener, "{}").await;
    assert_eq!(within(facts.recv()).await, Some(activity(Activity::Resting)));
    assert_eq!(within(facts.recv()).await, Some(one_dollar()));
    assert_eq!(within(facts.recv()).await, Some(activity(Activity::Working)));

    drop(facts);
    drop(stream);
    within(client).await.unwrap();
}

#[tokio::test]
async fn a_client_that_nobody_listens_to_ends() {
    let (sender, facts) = mpsc::channel(4);
    // Nothing listens at port 9: connections are refused.
    let source = EventSource { port: 9, password: String::new() };
    let client = tokio::spawn(follow(source, None, || Timestamp::UNIX_EPOCH, sender));
    drop(facts);
    within(client).await.unwrap();
}

#[test]
fn fault_j13_a_source_does_not_print_its_password() {
    let source = EventSource { port: 1, password: "s3cr3t-canary".to_owned() };
    assert!(!format!("{source:?}").contains("canary"));
}

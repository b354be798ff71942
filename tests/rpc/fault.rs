//! Clients that misbehave: nobody else notices, and the engine lives.

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use orchestra::model::FailureKind;
use orchestra::rpc::Client;
use orchestra::store::Home;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::WILLING;
use crate::engine::Bench;
use crate::place::{Place, alone};
use crate::repo::Repository;
use crate::socket::{Raw, Served};

fn served(place: &Place) -> Served {
    let repository = Repository::new(place, WILLING);
    Served::new(place, Bench::open(place, &repository))
}

#[test]
fn fault_r1_lines_that_are_no_requests() {
    alone(|place| {
        let served = served(place);
        let mut raw = served.greeted();
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for (line, code) in [
            ("{", -32_700),
            ("nonsense", -32_700),
            ("{\"jsonrpc\": \"2.0\", \"method\": \"x\", \"id\": ", -32_700),
            ("\u{0}\u{1}", -32_700),
            (deep.as_str(), -32_700),
            ("1", -32_600),
            ("null", -32_600),
            ("{}", -32_600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"engine.ping"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"engine.ping"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"engine.ping","params":[1]}"#, -32_602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"engine.ping","params":{"x":1}}"#, -32_602),
        ] {
            assert_eq!(raw.error_of(line), code, "{}", &line[..line.len().min(60)]);
        }
        assert!(raw.write(b"\xff\xfe\n"));
        assert_eq!(raw.hear().unwrap()["error"]["code"], -32_700);
        raw.call("engine.ping", &json!({})).unwrap();
        let mut halves = served.greeted();
        assert!(halves.write(b"{\"jsonrpc\":\"2.0\",\"id\":7,") && halves.write(b"\"method\":\"engine.ping\"}\r\n"));
        assert_eq!(halves.hear().unwrap()["id"], 7, "a line may come in pieces");
    });
}

#[test]
fn fault_r2_a_line_of_a_hundred_megabytes() {
    alone(|place| {
        let served = served(place);
        let mut raw = served.greeted();
        let piece = vec![b'x'; 1 << 20];
        let written = (0..100).take_while(|_| raw.write(&piece)).count();
        assert!(written < 100, "it is cut off");
        if let Some(told) = raw.hear() {
            assert_eq!(told["error"]["code"], -32_600, "{told}");
        }
        raw.until_closed();
        served.is_served();
        let mut long = served.greeted();
        let text = "x".repeat(3 << 20);
        let params = json!({"project": served.bench.project(), "session": "main", "text": text});
        assert_eq!(long.refused("message.send", &params).0, -32_000, "3 MB are read; a message has 64 KB at most");
    });
}

#[test]
fn fault_r3_who_takes_no_answers_is_cut_off() {
    alone(|place| {
        let served = served(place);
        let mut greedy = served.greeted();
        greedy.stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "engine.info"}).to_string() + "\n";
        let calls = call.repeat(1000);
        let began = Instant::now();
        // Not read from any more once a megabyte of answers waits, and cut off 5 s later.
        while greedy.write(calls.as_bytes()) {
            served.is_served();
            assert!(began.elapsed() < Duration::from_mins(1), "it is never cut off");
        }
        served.is_served();
    });
}

#[test]
fn fault_r4_many_half_open_connections() {
    alone(|place| {
        let served = served(place);
        let open: Vec<Raw> = (0..200)
            .map(|number| {
                let mut raw = served.raw();
                if number % 2 == 0 {
                    assert!(raw.write(b"{\"jsonrpc\""));
                }
                raw
            })
            .collect();
        served.is_served();
        let more: Vec<Raw> = (0..100).map(|_| served.raw()).collect();
        let told = more.into_iter().next_back().unwrap().hear();
        assert!(told.is_none_or(|told| told["error"]["message"].as_str().unwrap().contains("connected already")));
        drop(open);
        let until = Instant::now() + Duration::from_secs(30);
        while !matches!(Client::connect(&served.home), Ok(Some(_))) {
            assert!(Instant::now() < until, "there is room again once they are gone");
        }
    });
}

#[test]
fn fault_r5_whatever_comes_the_others_are_served() {
    alone(|place| {
        let served = served(place);
        let method = prop_oneof![
            Just("task.new".to_owned()),
            Just("task.list".to_owned()),
            Just("task.start".to_owned()),
            Just("session.attach".to_owned()),
            Just("events.subscribe".to_owned()),
            "[a-z.]{0,12}"
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            Just(json!("my-app"))
        ];
        let value = leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("(project|task|session|rows|cols|since|[a-z]{1,5})", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect()))
            ]
        });
        let call = (method, value, any::<bool>()).prop_map(|(method, params, whole)| {
            let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
            let cut = if whole { call.len() } else { call.len() / 2 };
            call.bytes().take(cut).chain([b'\n']).collect::<Vec<u8>>()
        });
        let line = prop_oneof![call, prop::collection::vec(any::<u8>(), 0..200)];
        let bystander = RefCell::new(served.greeted());
        let mut runner = TestRunner::deterministic();
        runner
            .run(&(any::<bool>(), prop::collection::vec(line, 1..8)), |(greets, lines)| {
                let mut raw = if greets { served.greeted() } else { served.raw() };
                for line in lines {
                    raw.write(&line);
                }
                drop(raw);
                let answer = bystander.borrow_mut().call("engine.ping", &json!({}));
                prop_assert!(answer.is_ok(), "the others are served");
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn fault_p16_the_socket_is_private_and_goes_with_the_server() {
    alone(|place| {
        let mut served = served(place);
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&served.path()), mode(&served.home.run())), (0o600, 0o700));
        let mut raw = served.greeted();
        served.server = None;
        assert!(raw.hear().is_none() && !served.path().exists());
        assert!(Client::connect(&served.home).unwrap().is_none(), "nobody serves");
    });
}

#[test]
fn the_end_of_the_engine_is_answered_before_the_socket_ends() {
    alone(|place| {
        let mut served = served(place);
        let mut client = served.client();
        let (ended, end) = channel();
        let listening = served.bench.engine().listen(std::sync::Arc::new(move |change| {
            if change == orchestra::engine::Change::Ended {
                let _ = ended.send(());
            }
        }));
        assert_eq!(client.call("engine.handover", json!({})).unwrap(), json!({"done": {"message": null}}));
        end.recv_timeout(crate::place::PATIENCE).unwrap();
        drop(listening);
        served.server = None;
        assert_eq!(client.call("engine.ping", json!({})).unwrap_err().kind, FailureKind::Internal);
        served.bench.leave();
        served.bench.come_back();
    });
}

#[test]
fn a_home_with_a_long_path_is_served() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        let home = Home::at(place.path(&"x".repeat(120)));
        home.create().unwrap();
        let mut served = Served::new(place, bench);
        served.server = None;
        let face = orchestra::rpc::Face {
            kind: orchestra::rpc::FaceKind::Tui,
            tty: Some("/dev/pts/9".to_owned()),
            pid: 1,
            version: "1".to_owned(),
            started: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        served.server =
            Some(orchestra::rpc::Server::start(served.bench.engine().handle(), &home, face.clone()).unwrap());
        let mut client = Client::connect(&home).unwrap().unwrap();
        assert_eq!(client.greeting().face, face);
        client.call("engine.ping", json!({})).unwrap();
    });
}

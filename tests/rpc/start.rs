//! An engine that is started by who needs it.

use std::path::Path;
use std::time::{Duration, Instant};

use orchestra::model::{FailureKind, NewTask};
use orchestra::rpc::{Client, wait_for_server};
use orchestra::store::Home;
use serde_json::json;

use crate::engine::{Bench, new_task};
use crate::place::{PATIENCE, alone};
use crate::repo::Repository;

const PROGRAM: &str = env!("CARGO_BIN_EXE_orchestra");

#[test]
fn clients_that_start_one_at_once_end_up_at_the_same() {
    alone(|place| {
        let home = Home::at(place.path("orchestra-home"));
        let mut clients: Vec<Client> = std::thread::scope(|scope| {
            let start = || Client::connect_or_start(&home, Path::new(PROGRAM)).unwrap();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let pids: Vec<_> = clients.iter().map(|client| client.greeting().face.pid).collect();
        assert!(pids.iter().all(|pid| *pid == pids[0] && *pid != std::process::id()), "{pids:?}");
        drop(clients.split_off(1));
        clients[0].call("engine.shutdown", json!({})).unwrap();
        // One that was started in vain may come to its turn only now.
        while let Some(mut late) = wait_for_server(&home, Duration::from_secs(1)).unwrap() {
            // It may be at its end by itself.
            _ = late.call("engine.shutdown", json!({}));
        }
    });
}

#[test]
fn an_engine_that_cannot_start_says_why() {
    alone(|place| {
        let home = Home::at(place.path("orchestra-home"));
        let broken = place.write("broken", "#!/bin/sh\necho 'no disk is left' >&2\nexit 1\n");
        crate::place::executable(&broken);
        let failure = Client::connect_or_start(&home, &broken).err().expect("it fails");
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(failure.message.contains("no disk is left"), "{failure}");
    });
}

#[test]
fn an_engine_that_an_agent_started_outlives_the_agent() {
    alone(|place| {
        let repository = Repository::new(place, crate::WILLING);
        let door = place.door("door");
        let start =
            format!("{}; {PROGRAM} serve --stay </dev/null >/dev/null 2>&1 & wait; {}", door.wait(), door.wait());
        repository.agent("starter", &format!("{{start: [sh, -c, \"{start}\"]}}"));
        repository.agent("other", "{start: [sh, -c, \"echo here; read _\"]}");
        let mut bench = Bench::open(place, &repository);
        bench.made(NewTask { agent: Some("starter".to_owned()), start: true, ..new_task("one", "solo", "One") });
        let knock = door.reached();
        bench.leave();
        knock.open();
        let home = Home::at(place.path("orchestra-home"));
        let mut client = wait_for_server(&home, PATIENCE).unwrap().expect("the agent's engine serves");
        let root = repository.root();
        let made = json!({"description": "Two", "slug": "two", "agent": "other", "start": true});
        client.call("task.new", json!({"project": root, "task": made})).unwrap();
        client.subscribe(None).unwrap();
        let until = Instant::now() + PATIENCE;
        let state = |client: &mut Client, task: &str, wanted: &dyn Fn(&serde_json::Value) -> bool| {
            loop {
                let view = client.call("task.show", json!({"project": root, "task": task})).unwrap();
                if wanted(&view) {
                    return view;
                }
                let event = client.next_event(Some(until)).unwrap();
                assert!(event.is_some(), "{view}");
            }
        };
        state(&mut client, "two", &|view| view["session"] == "two");
        client.call("task.stop", json!({"project": root, "task": "one"})).unwrap();
        let ended = |client: &mut Client| {
            let list = client.call("session.list", json!({"project": root})).unwrap();
            list["sessions"].as_array().unwrap().iter().any(|it| it["id"] == "one" && it["alive"] == false)
        };
        while !ended(&mut client) {
            assert!(client.next_event(Some(until)).unwrap().is_some(), "the agent ends");
        }
        // The shim has ended what was left of it, but for the engine and the other session's shim.
        let two = client.call("session.list", json!({"project": root})).unwrap();
        assert!(two["sessions"].as_array().unwrap().iter().any(|it| it["id"] == "two" && it["alive"] == true), "{two}");
        client.call("engine.shutdown", json!({})).unwrap();
    });
}

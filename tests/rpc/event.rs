//! Events: numbered, in order, found again, and told when they are not.

use std::time::Instant;

use orchestra::model::State;
use orchestra::rpc::{Client, EventKind};
use serde_json::json;

use crate::WILLING;
use crate::engine::Bench;
use crate::place::{PATIENCE, alone};
use crate::repo::Repository;
use crate::socket::Served;

/// Events up to one of this kind.
fn until(client: &mut Client, kind: EventKind) -> Vec<orchestra::rpc::Event> {
    let mut events = Vec::new();
    loop {
        let event = client.next_event(Some(Instant::now() + PATIENCE)).unwrap().expect("an event in time");
        let last = event.kind == kind;
        events.push(event);
        if last {
            return events;
        }
    }
}

#[test]
fn events_tell_what_changed_and_can_be_caught_up_with() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let served = Served::new(place, Bench::open(place, &repository));
        let mut client = served.client();
        let start = client.call("engine.info", json!({})).unwrap()["seq"].as_u64().unwrap();
        client.subscribe(None).unwrap();
        served.bench.begin("fix-it", "quick", "Fix it");
        let first = until(&mut client, EventKind::TaskCreated);
        let event = first.last().unwrap();
        assert_eq!((event.task.unwrap().0, event.project.clone().unwrap()), (1, served.bench.project()));
        served.bench.reaches("fix-it", State::Approval);
        until(&mut client, EventKind::TaskState);
        // Another client catches up from where the first one began.
        let mut late = served.client();
        late.subscribe(Some(start)).unwrap();
        let mut seqs = Vec::new();
        while seqs.last() < Some(&event.seq) {
            seqs.push(late.next_event(Some(Instant::now() + PATIENCE)).unwrap().unwrap().seq);
        }
        assert!(seqs[0] > start && seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
        served.bench.ask("fix-it", |project, task| orchestra::model::Request::Delete {
            project,
            task,
            scope: orchestra::model::DeleteScope::All,
        });
        until(&mut client, EventKind::TaskDeleted);
    });
}

#[test]
fn who_missed_too_much_is_told_to_look_again() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let served = Served::new(place, Bench::open(place, &repository));
        let mut raw = served.greeted();
        // Of an engine before this one, and of one that never was.
        for since in [5, u64::MAX / 2] {
            let answer = raw.call("events.subscribe", &json!({"since": since})).unwrap();
            assert_eq!(answer["resync"], true, "{answer}");
        }
        let seq = raw.call("engine.info", &json!({})).unwrap()["seq"].clone();
        let answer = raw.call("events.subscribe", &json!({"since": seq})).unwrap();
        assert_eq!((&answer["resync"], &answer["seq"]), (&json!(false), &seq));
    });
}

//! Events for one client.
//!
//! Invariant: a client that reads slowly makes nothing grow: it is told to look again instead.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::connection::Connection;
use super::outbox::Outbox;
use super::server::{Service, now};
use super::wire::{Event, EventKind};
use crate::model::ProjectId;

/// Events that are sent before there must be room again.
const BATCH: usize = 64;

/// `events.subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    /// Number of the last event: those after it are sent, or those after `since`.
    pub seq: u64,
    /// True: some events after `since` are not known any more; look at everything again.
    pub resync: bool,
}

/// Begins to send events, in place of an earlier subscription. `only`: those of one project.
pub fn begin(connection: &mut Connection, since: Option<u64>, only: Option<&ProjectId>) -> Subscribed {
    let journal = &connection.service.journal;
    let last = journal.last();
    let known = since.filter(|since| journal.after(*since, 0).is_some());
    let (service, outbox) = (Arc::clone(&connection.service), connection.outbox.clone());
    let sending = tokio::spawn(send(service, outbox, known.unwrap_or(last), only.cloned()));
    if let Some(former) = connection.subscription.replace(sending) {
        former.abort();
    }
    Subscribed { seq: known.unwrap_or(last), resync: since.is_some() && known.is_none() }
}

async fn send(service: Arc<Service>, outbox: Outbox, mut at: u64, only: Option<ProjectId>) {
    let mut news = service.journal.follow();
    loop {
        outbox.room().await;
        match service.journal.after(at, BATCH) {
            None => {
                at = service.journal.last();
                tell(&outbox, &Event { seq: at, kind: EventKind::Resync, project: None, task: None, at: now() });
            }
            Some(events) if events.is_empty() => {
                if news.wait_for(|last| *last > at).await.is_err() {
                    return;
                }
            }
            Some(events) => {
                at = events.last().map_or(at, |event| event.seq);
                let seen = |event: &&Event| only.as_ref().is_none_or(|only| event.project.as_ref() == Some(only));
                events.iter().filter(seen).for_each(|event| tell(&outbox, event));
            }
        }
    }
}

fn tell(outbox: &Outbox, event: &Event) {
    outbox.notify("event", &json!(event));
}

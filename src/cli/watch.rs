//! Waiting for what the engine does.
//!
//! Invariant: it listens first and looks then, so nothing that happens in between is missed; it never looks on a timer;
//! it goes on with the next engine when one hands over.

use std::time::Instant;

use super::context::{Context, Link};
use crate::model::Failure;
use crate::rpc::Client;

/// Looks now, and again whenever something has happened, until `look` finds something; none: the deadline has passed.
pub(super) fn until<T>(
    context: &Context,
    link: &mut Link,
    deadline: Option<Instant>,
    mut look: impl FnMut(&mut Link) -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    loop {
        match listen(link, deadline, &mut look) {
            // Sessions go on from one engine to the next, and so does this.
            Err(failure) if Client::is_gone(&failure) => *link = context.link()?,
            ended => return ended,
        }
    }
}

fn listen<T>(
    link: &mut Link,
    deadline: Option<Instant>,
    look: &mut impl FnMut(&mut Link) -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    link.client.subscribe(None)?;
    loop {
        if let Some(found) = look(link)? {
            return Ok(Some(found));
        }
        if link.client.next_event(deadline)?.is_none() {
            return Ok(None);
        }
        // One look is enough for all that has happened by now.
        while link.client.next_event(Some(Instant::now()))?.is_some() {}
    }
}

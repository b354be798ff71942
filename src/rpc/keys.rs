//! Requests that a client may send twice: a repeated key gets the first answer.
//!
//! Invariant: a request with a key is asked of the engine once, also when the client that sent it first has gone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::caller::Caller;
use super::wire::Fault;
use crate::engine::Handle;
use crate::model::{Answer, Request};

/// Keys that are remembered; the oldest is forgotten first.
const KEPT: usize = 1024;
/// The longest key, in bytes.
const LONGEST: usize = 256;

/// The answer of the engine, once it is there.
pub type Pending = watch::Receiver<Option<Answer>>;

/// The keys of the last requests.
#[derive(Default)]
pub struct Keys(Mutex<VecDeque<Kept>>);

struct Kept {
    caller: Caller,
    key: String,
    request: Request,
    pending: Pending,
}

impl Keys {
    /// Asks the engine, unless the same caller has asked the same with this key before.
    pub fn ask(&self, handle: &Handle, caller: &Caller, key: String, request: Request) -> Result<Pending, Fault> {
        if key.is_empty() || key.len() > LONGEST {
            return Err(Fault::params(format!("request_key: 1 to {LONGEST} bytes, not {}.", key.len())));
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(former) = kept.iter().find(|it| it.key == key && it.caller == *caller) {
            if former.request != request {
                return Err(Fault::params(format!("request_key: \"{key}\" was sent with another request.")));
            }
            return Ok(former.pending.clone());
        }
        let pending = ask(handle, request.clone());
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Kept { caller: caller.clone(), key, request, pending: pending.clone() });
        Ok(pending)
    }
}

/// Asks the engine.
pub fn ask(handle: &Handle, request: Request) -> Pending {
    let (sender, pending) = watch::channel(None);
    handle.ask(request, move |answer| drop(sender.send_replace(Some(answer))));
    pending
}

/// Waits for the answer.
pub async fn answer(mut pending: Pending) -> Answer {
    match pending.wait_for(Option::is_some).await {
        Ok(answer) => answer.clone().expect("invariant: it was waited for"),
        Err(_) => Err(crate::model::Failure::internal("the engine has ended before it answered")),
    }
}

//! What waits to be written to one client.
//!
//! Invariants: whoever puts something in waits for room first, so that what waits stays bounded; a client that takes
//! nothing for [`PATIENCE`] is given up.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};

/// Room for one more line while fewer bytes wait.
const ROOM: usize = 1 << 20;
/// Calm enough for one more frame of a screen.
const CALM: usize = 16 << 10;
/// Written at once, in bytes.
const PIECE: usize = 64 << 10;
/// How long a client may take for a piece.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to the client; clones share it.
#[derive(Clone)]
pub struct Outbox {
    lines: mpsc::UnboundedSender<Vec<u8>>,
    /// Bytes that wait.
    queued: Arc<watch::Sender<usize>>,
}

/// The other end: writes.
pub struct Post {
    lines: mpsc::UnboundedReceiver<Vec<u8>>,
    queued: Arc<watch::Sender<usize>>,
}

/// Both ends.
pub fn outbox() -> (Outbox, Post) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let queued = Arc::new(watch::Sender::new(0));
    (Outbox { lines: sender, queued: Arc::clone(&queued) }, Post { lines: receiver, queued })
}

impl Outbox {
    /// Waits until few enough bytes wait.
    pub async fn room(&self) {
        self.below(ROOM).await;
    }

    /// Waits until hardly anything waits: what is made then is new when it arrives.
    pub async fn calm(&self) {
        self.below(CALM).await;
    }

    async fn below(&self, bytes: usize) {
        // The sender lives in `self`.
        let _ = self.queued.subscribe().wait_for(|queued| *queued < bytes).await;
    }

    /// Puts a message in; who does has waited for room.
    pub fn put(&self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        let bytes = line.len();
        self.queued.send_modify(|queued| *queued += bytes);
        // A client that is gone is told of by the end of its writer.
        let _ = self.lines.send(line);
    }

    pub fn notify(&self, method: &str, params: &Value) {
        self.put(&serde_json::json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }
}

impl Post {
    /// Writes until nothing more can come, or the client takes nothing any more.
    pub async fn write(mut self, mut stream: OwnedWriteHalf) {
        while let Some(line) = self.lines.recv().await {
            for piece in line.chunks(PIECE) {
                if !matches!(tokio::time::timeout(PATIENCE, stream.write_all(piece)).await, Ok(Ok(()))) {
                    return;
                }
            }
            self.queued.send_modify(|queued| *queued -= line.len());
        }
    }
}

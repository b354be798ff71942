//! Tools for agents: the Model Context Protocol on standard input and output.
//!
//! Invariants: a tool's call becomes a request of the socket, or what `orchestra submit` does, and nothing else; who calls is
//! told by the kernel to the engine, never by an argument; nothing that a client writes ends the server but the end of
//! its input.

mod call;
#[cfg(test)]
mod page;
mod server;
mod session;
mod tool;
mod transport;

pub use server::serve;
pub use session::Session;

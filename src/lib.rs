//! Orchestra: many AI coding agents side by side, each in its own git worktree, from a description to merged code.
//!
//! Modules have ranks, and an import goes to a smaller rank only (`tests/architecture.rs`).

pub mod agent; // 1: the agent CLIs behind one face
pub mod cli; // 5: the command line, one file per verb
#[cfg(test)]
mod docs; // pages that are printed from the code
pub mod engine; // 2: the one owner of shared state
pub mod git; // 1: repository facts and moves
pub mod mcp; // 4: tools for agents, by the Model Context Protocol
pub mod model; // 0: the words of the product as data
pub mod pty; // 1: programs behind shims, their screens and their history
pub mod rpc; // 3: the socket for every other program
pub mod store; // 1: disk truth: database, task files, settings, flows
pub mod ui; // 4: the full-screen face

/// The whole program: a shim or the demo's agent where it is called as one, else the command line.
pub fn program() -> std::process::ExitCode {
    // Before any runtime or logger: a shim stays for hours and must stay small.
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(verb) if verb == pty::SHIM_VERB => pty::shim_main(args),
        Some(verb) if verb == agent::demo::VERB => agent::demo::main(args),
        _ => cli::main(),
    }
}

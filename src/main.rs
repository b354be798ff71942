//! The program.

use std::process::ExitCode;

use orchestra::agent;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(verb) if verb == agent::demo::VERB => agent::demo::main(args),
        _ => ExitCode::SUCCESS,
    }
}

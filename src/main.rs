//! The program: a shim where it is called as one, else the command line.

use std::process::ExitCode;

use orchestra::pty;

fn main() -> ExitCode {
    // Before any runtime or logger: a shim stays for hours and must stay small.
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == pty::SHIM_VERB) {
        return pty::shim_main(args);
    }
    ExitCode::SUCCESS
}

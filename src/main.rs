//! The program: a shim or the demo's agent where it is called as one, else the command line.

use std::process::ExitCode;

use orchestra::program;

fn main() -> ExitCode {
    program()
}

//! `ork`: the same program under its short name.

use std::process::ExitCode;

use orchestra::program;

fn main() -> ExitCode {
    program()
}

//! Death at a point: a process is killed just before its n-th call by which something leaves it.
//!
//! Its calls are counted in the process itself (`death.c`), of all its threads together, at no cost that changes its ways.
//! What it has started lives on, as it does in earnest.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Makes processes mortal.
#[derive(Debug)]
pub struct Death {
    library: PathBuf,
}

impl Death {
    /// None where this machine cannot; says so.
    pub fn new() -> Option<Self> {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/death.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("death.so");
        // Several may make it at once: each has its own until it is whole.
        let own = library.with_extension(std::process::id().to_string());
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&own).arg(source);
        if !cfg!(target_os = "linux") || !compiler.status().is_ok_and(|status| status.success()) {
            _ = writeln!(std::io::stderr(), "SKIPPED: this needs Linux and a C compiler");
            return None;
        }
        std::fs::rename(&own, &library).unwrap();
        Some(Self { library })
    }

    /// Runs a command until just before its call number `point`, from 1. What it writes goes to `log`.
    pub fn at(&self, point: usize, command: &mut Command, log: &Path) -> ExitStatus {
        self.run(command.env("ORCHESTRA_DEATH", point.to_string()), log)
    }

    /// Runs a command to its end; how many calls it made.
    pub fn points(&self, command: &mut Command, log: &Path) -> (ExitStatus, usize) {
        let count = log.with_extension("calls");
        let status = self.run(command.env("ORCHESTRA_CALLS", &count), log);
        (status, std::fs::read_to_string(count).map_or(0, |text| text.parse().unwrap()))
    }

    fn run(&self, command: &mut Command, log: &Path) -> ExitStatus {
        let output = File::create(log).unwrap();
        command.env("LD_PRELOAD", &self.library).stdout(output.try_clone().unwrap()).stderr(output);
        command.status().unwrap()
    }
}

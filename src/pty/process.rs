//! Processes by pid and start time, so that a pid that was given away again is never taken for the old one.
//!
//! Invariant: no signal goes out before the start time was compared; on Linux both name one process through a pidfd.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

/// A process: a pid alone is no name, since pids are reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    /// When it started, in the system's own unit: ticks since boot on Linux.
    pub start_time: u64,
}

impl Process {
    /// The process that has this pid now; `None` where there is none, or a zombie only.
    pub fn of(pid: u32) -> Option<Self> {
        row(pid).filter(|row| !row.zombie).map(|row| row.process)
    }

    /// A child of this process that was not waited for yet, so that its pid is its own even if it has ended.
    pub fn of_child(pid: u32) -> Option<Self> {
        row(pid).map(|row| row.process)
    }

    /// Whether it still runs.
    pub fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends `signal` if it still runs; whether it did.
    pub fn signal(self, signal: Signal) -> bool {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return false };
        send(self, pid, signal)
    }
}

/// All that descends from `root` and runs, `root` itself left out; and so is all of a descendant that is `spared`.
pub fn descendants(root: u32, spared: impl Fn(u32) -> bool) -> Vec<Process> {
    let table = table();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for row in table.iter().filter(|row| row.parent == parent && row.process.pid != parent) {
            if spared(row.process.pid) {
                continue;
            }
            parents.push(row.process.pid);
            if !row.zombie {
                found.push(row.process);
            }
        }
    }
    found
}

/// The process and its ancestors, the nearest first; empty where there is no such process.
pub fn ancestry(pid: u32) -> Vec<Process> {
    let mut chain: Vec<Process> = Vec::new();
    let mut next = Some(pid);
    while let Some(row) = next.take().and_then(row) {
        // A table that changes while it is read may lead in a circle.
        if chain.contains(&row.process) {
            break;
        }
        chain.push(row.process);
        next = Some(row.parent).filter(|parent| *parent > 0);
    }
    chain
}

/// The arguments of a process, its name left out; empty where they are not told.
pub fn arguments(pid: u32) -> Vec<OsString> {
    strings(pid, "cmdline").into_iter().skip(1).collect()
}

/// The value of a variable that a process was started with, where that is told.
pub fn variable(pid: u32, name: &str) -> Option<OsString> {
    let value = |entry: &[u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
    strings(pid, "environ").iter().find_map(|entry| value(entry.as_bytes())).map(OsString::from_vec)
}

#[cfg(target_os = "linux")]
fn strings(pid: u32, file: &str) -> Vec<OsString> {
    let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}

#[cfg(not(target_os = "linux"))]
fn strings(_: u32, _: &str) -> Vec<OsString> {
    Vec::new()
}

struct Row {
    process: Process,
    parent: u32,
    zombie: bool,
}

#[cfg(target_os = "linux")]
fn send(process: Process, pid: Pid, signal: Signal) -> bool {
    use rustix::process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
    match pidfd_open(pid, PidfdFlags::empty()) {
        // The descriptor holds the process; only then is its start time compared.
        Ok(held) => process.alive() && pidfd_send_signal(held, signal).is_ok(),
        Err(rustix::io::Errno::NOSYS) => process.alive() && kill_process(pid, signal).is_ok(),
        Err(_) => false,
    }
}

#[cfg(not(target_os = "linux"))]
fn send(process: Process, pid: Pid, signal: Signal) -> bool {
    process.alive() && rustix::process::kill_process(pid, signal).is_ok()
}

#[cfg(target_os = "linux")]
fn row(pid: u32) -> Option<Row> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too.
    let fields = &stat[stat.iter().rposition(|&byte| byte == b')')? + 1..];
    let fields: Vec<&str> = std::str::from_utf8(fields).ok()?.split_ascii_whitespace().collect();
    let start_time = fields.get(19)?.parse().ok()?;
    let zombie = matches!(*fields.first()?, "Z" | "X");
    Some(Row { process: Process { pid, start_time }, parent: fields.get(1)?.parse().ok()?, zombie })
}

#[cfg(target_os = "linux")]
fn table() -> Vec<Row> {
    let names = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| row(name.to_str()?.parse().ok()?)).collect()
}

#[cfg(not(target_os = "linux"))]
fn row(pid: u32) -> Option<Row> {
    table().into_iter().find(|row| row.process.pid == pid)
}

#[cfg(not(target_os = "linux"))]
fn table() -> Vec<Row> {
    let listed = std::process::Command::new("/bin/ps")
        .args(["-A", "-o", "pid=,ppid=,stat=,lstart="])
        .stdin(std::process::Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let row = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let zombie = words.next()?.starts_with('Z');
        // The date as a number: equal dates, equal numbers (FNV-1a).
        let start_time = words
            .flat_map(str::bytes)
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Some(Row { process: Process { pid, start_time }, parent, zombie })
    };
    listed.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn fault_p14_a_foreign_process_with_the_pid_is_never_signalled() {
        let mut sleeper = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
        let process = Process::of(sleeper.id()).unwrap();
        let former = Process { start_time: process.start_time - 1, ..process };
        assert!(!former.alive());
        assert!(!former.signal(Signal::KILL));
        assert!(process.alive(), "the foreign process lives");
        assert!(descendants(std::process::id(), |_| false).contains(&process));
        assert!(descendants(std::process::id(), |pid| pid == process.pid).is_empty());
        assert_eq!(arguments(process.pid)[0], "60");
        assert_eq!(variable(std::process::id(), "PATH"), std::env::var_os("PATH"));
        assert_eq!(ancestry(process.pid)[..2], [process, Process::of(std::process::id()).unwrap()]);
        assert!(process.signal(Signal::KILL));
        sleeper.wait().unwrap();
        assert!(!process.alive());
        assert!(!process.signal(Signal::KILL));
    }
}

//! Starting a program on a new PTY, with exactly the environment that was asked for.
//!
//! The shim can't run code between fork and exec (that takes unsafe code, and code there must not allocate), so it starts
//! this binary once more as `__shim --child`: that makes itself the leader of a session with the PTY as its terminal and
//! then becomes the program. Pid and start time stay the same.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use rustix::fs::{Access, Mode, OFlags};
use rustix::io::FdFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::{Winsize, tcsetwinsize};

use super::VERB;
use crate::model::{Launch, Size};
use crate::pty::process::Process;

/// The first argument behind [`VERB`] of the step between shim and program.
pub const CHILD: &str = "--child";

/// A pseudo-terminal. The shim holds the program's end too: without it, a program that closes its terminal for a while
/// would look like a hangup that never ends.
pub struct Pty {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Pty {
    pub fn open(size: Size) -> io::Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        // Not every system can do it at once; with one thread nothing can come in between.
        rustix::io::fcntl_setfd(&master, FdFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let slave = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let pty = Self { master, slave };
        pty.resize(size)?;
        Ok(pty)
    }

    pub fn resize(&self, size: Size) -> io::Result<()> {
        let winsize = Winsize { ws_row: size.rows, ws_col: size.cols, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.master, winsize)?)
    }

    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(&self.master, &mut *buffer))?)
    }

    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::write(&self.master, bytes))?)
    }
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

/// Starts `launch` on `pty`; `umask` is the one that the program gets.
pub fn spawn(launch: &Launch, pty: &Pty, umask: Mode) -> Result<Process, String> {
    let (argv0, rest) = launch.argv.split_first().ok_or("no program is named")?;
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", argv0.display());
    if !launch.cwd.is_dir() {
        return Err(format!("the folder {} is not there", launch.cwd.display()));
    }
    let program = find(argv0, launch).map_err(|error| told(&error))?;
    let stdio = || pty.slave.try_clone().map(Stdio::from).map_err(|error| told(&error));
    let child = Command::new(own_binary().map_err(|error| told(&error))?)
        .args([OsStr::new(VERB), OsStr::new(CHILD), OsStr::new(&format!("{:o}", umask.as_raw_mode()))])
        .arg(program)
        .arg(argv0)
        .args(rest)
        .env_clear()
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&launch.cwd)
        .stdin(stdio()?)
        .stdout(stdio()?)
        .stderr(stdio()?)
        .spawn()
        .map_err(|error| told(&error))?;
    Process::of_child(child.id()).ok_or_else(|| told(&"its process cannot be looked at"))
}

/// The step between shim and program; `args` are umask, program, `argv[0]` and the rest.
pub fn child_main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let (umask, program, argv0) = (args.next(), args.next(), args.next());
    let (Some(umask), Some(program), Some(argv0)) = (umask, program, argv0) else { return ExitCode::from(2) };
    let told = match become_program(&umask, Command::new(program).arg0(&argv0).args(args)) {
        Ok(never) => match never {},
        Err(error) => format!("{}: {error}\r\n", argv0.display()),
    };
    drop(io::stderr().write_all(told.as_bytes()));
    ExitCode::from(127)
}

fn become_program(umask: &OsStr, program: &mut Command) -> io::Result<std::convert::Infallible> {
    let umask = umask.to_str().and_then(|digits| u32::from_str_radix(digits, 8).ok());
    rustix::process::umask(Mode::from_raw_mode(umask.unwrap_or(0o077)));
    rustix::process::setsid()?;
    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    Err(program.exec())
}

/// This binary, even when its file was replaced meanwhile.
fn own_binary() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() }
}

/// The program's file: with a slash as it stands (below the launch's folder), else in the absolute entries of `PATH`.
fn find(program: &OsStr, launch: &Launch) -> io::Result<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        let path = launch.cwd.join(program);
        return runnable(&path).map(|()| path);
    }
    let path = launch.env.iter().rev().find(|(name, _)| name == "PATH").map_or(OsStr::new(""), |(_, value)| value);
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "not found in PATH");
    for entry in std::env::split_paths(path).filter(|entry| entry.is_absolute()) {
        let candidate = entry.join(program);
        match runnable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn runnable(path: &Path) -> io::Result<()> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a file"));
    }
    Ok(rustix::fs::access(path, Access::EXEC_OK)?)
}

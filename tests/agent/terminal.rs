//! A program in a real terminal: what it printed, without escape sequences, and keys for it.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use orchestra::agent::prompt::plain;
use orchestra::model::Launch;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Generous: a real agent's first start takes long on a busy machine.
pub const LIMIT: Duration = Duration::from_mins(2);

pub struct Terminal {
    printed: Arc<(Mutex<Printed>, Condvar)>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// Closing it would hang the program up.
    _master: Box<dyn MasterPty + Send>,
}

#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    ended: bool,
}

impl Terminal {
    pub fn run(launch: &Launch) -> Self {
        let pair =
            native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::from_argv(launch.argv.clone());
        command.env_clear();
        for (name, value) in &launch.env {
            command.env(name, value);
        }
        command.cwd(&launch.cwd);
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let printed = Arc::new((Mutex::new(Printed::default()), Condvar::new()));
        let shared = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut printed = shared.0.lock().unwrap();
                printed.bytes.extend_from_slice(&buffer[..count]);
                printed.ended = count == 0;
                shared.1.notify_all();
                if count == 0 {
                    break;
                }
            }
        });
        Self { printed, writer, child, _master: pair.master }
    }

    pub fn send(&mut self, bytes: &str) {
        self.writer.write_all(bytes.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub fn paste(&mut self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Waits until the bytes printed so far hold `needle`, escape sequences included.
    pub fn wait_raw(&self, needle: &str) {
        self.wait(needle, |bytes| String::from_utf8_lossy(bytes).contains(needle));
    }

    /// Waits until the text printed so far holds `needle`.
    pub fn wait_text(&self, needle: &str) {
        self.wait(needle, |bytes| plain(&String::from_utf8_lossy(bytes)).contains(needle));
    }

    pub fn text(&self) -> String {
        plain(&String::from_utf8_lossy(&self.printed.0.lock().unwrap().bytes))
    }

    /// Waits for the program's end; its exit code.
    pub fn wait_exit(&mut self) -> u32 {
        let deadline = Instant::now() + LIMIT;
        let mut printed = self.printed.0.lock().unwrap();
        while !printed.ended {
            assert!(Instant::now() < deadline, "still runs:\n{}", String::from_utf8_lossy(&printed.bytes));
            printed = self.printed.1.wait_timeout(printed, Duration::from_secs(1)).unwrap().0;
        }
        drop(printed);
        self.child.wait().unwrap().exit_code()
    }

    fn wait(&self, needle: &str, holds: impl Fn(&[u8]) -> bool) {
        let deadline = Instant::now() + LIMIT;
        let mut printed = self.printed.0.lock().unwrap();
        while !holds(&printed.bytes) {
            let over = printed.ended || Instant::now() > deadline;
            assert!(!over, "no {needle:?} in:\n{}", plain(&String::from_utf8_lossy(&printed.bytes)));
            printed = self.printed.1.wait_timeout(printed, Duration::from_secs(1)).unwrap().0;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

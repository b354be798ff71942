//! The program in a terminal of its own: keys in, the screen out, no sleeps.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A hang is found out after this time; nothing here takes nearly as long.
const LIMIT: Duration = Duration::from_mins(1);

/// The program under test, full screen.
pub struct Tui {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    screen: Arc<(Mutex<Seen>, Condvar)>,
}

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Tui {
    /// Starts `orchestra ARGS` in `dir` with a cleared environment.
    pub fn start(dir: &Path, args: &[&str], env: &[(&str, &str)], (rows, cols): (u16, u16)) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_orchestra"));
        command.args(args);
        command.cwd(dir);
        command.env_clear();
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().expect("its output");
        let keys = pair.master.take_writer().expect("its input");
        let screen = Arc::new((Mutex::new(Seen::new(rows, cols)), Condvar::new()));
        let seen = Arc::clone(&screen);
        std::thread::spawn(move || read(reader, &seen));
        Self { child, master: pair.master, keys, screen }
    }

    /// Types bytes as a terminal would send them.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the program reads");
        self.keys.flush().expect("the program reads");
    }

    /// Waits until the screen satisfies `wanted`; its text.
    pub fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let (seen, changed) = &*self.screen;
        let mut seen = seen.lock().expect("the reader lives");
        let until = Instant::now() + LIMIT;
        loop {
            let text = seen.parser.screen().contents();
            if wanted(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.ended, "waited for {what}; the screen:\n{text}");
            seen = changed.wait_timeout(seen, left).expect("the reader lives").0;
        }
    }

    /// Presses keys, again each second, until the screen satisfies `wanted`: a dialog that has just come up takes none.
    pub fn press_until(&mut self, keys: &str, what: &str, wanted: impl Fn(&str) -> bool) {
        let until = Instant::now() + LIMIT;
        while !self.within(Duration::from_secs(1), &wanted) {
            assert!(Instant::now() < until, "{keys:?} does not lead to {what}; the screen:\n{}", self.text());
            self.keys(keys);
        }
    }

    /// Whether the screen satisfies `wanted` in the given time.
    fn within(&self, time: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let (seen, changed) = &*self.screen;
        let seen = seen.lock().expect("the reader lives");
        let unlike = |seen: &mut Seen| !wanted(&seen.parser.screen().contents());
        !changed.wait_timeout_while(seen, time, unlike).expect("the reader lives").1.timed_out()
    }

    fn text(&self) -> String {
        self.screen.0.lock().expect("the reader lives").parser.screen().contents()
    }

    pub fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    #[expect(clippy::disallowed_methods, reason = "the outer terminal of a test")]
    pub fn resize(&self, rows: u16, cols: u16) {
        let outer = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let side = |side| std::num::NonZeroU16::new(side).expect("a size");
        self.screen.0.lock().expect("the reader lives").parser.screen_mut().set_size(side(rows), side(cols));
        self.master.resize(outer).expect("a terminal can be resized");
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Ends it as the kernel would: no chance to say goodbye.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Waits for the end; exit code, and all that it wrote.
    pub fn end(mut self) -> (u32, String) {
        let (seen, changed) = &*self.screen;
        let mut seen = seen.lock().expect("the reader lives");
        let until = Instant::now() + LIMIT;
        while !seen.ended {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the program does not end; the screen:\n{}", seen.parser.screen().contents());
            seen = changed.wait_timeout(seen, left).expect("the reader lives").0;
        }
        let raw = String::from_utf8_lossy(&seen.raw).into_owned();
        drop(seen);
        (self.child.wait().expect("it has ended").exit_code(), raw)
    }
}

impl Seen {
    #[expect(clippy::disallowed_methods, reason = "the outer terminal of a test")]
    fn new(rows: u16, cols: u16) -> Self {
        let side = |side| std::num::NonZeroU16::new(side).expect("a size");
        Self { parser: vt100::Parser::new(side(rows), side(cols), 0), raw: Vec::new(), ended: false }
    }
}

fn read(mut reader: Box<dyn std::io::Read + Send>, screen: &(Mutex<Seen>, Condvar)) {
    let mut buffer = [0; 8192];
    loop {
        let read = reader.read(&mut buffer).unwrap_or(0);
        let mut seen = screen.0.lock().expect("no test panics with the lock");
        if read == 0 {
            seen.ended = true;
        } else {
            seen.parser.process(&buffer[..read]);
            seen.raw.extend_from_slice(&buffer[..read]);
        }
        screen.1.notify_all();
        if read == 0 {
            return;
        }
    }
}

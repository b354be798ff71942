//! The outer terminal: modes on, modes off, and one write per frame.
//!
//! Invariant: whatever way the program goes, `Outer::restore` has put the terminal back.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// A frame of 50 by 200 cells with a colour change in each takes less.
const FRAME_BYTES: usize = 256 * 1024;

type Backend = CrosstermBackend<BufWriter<Stdout>>;

/// True while the modes are on: the panic hook looks here.
static ACTIVE: AtomicBool = AtomicBool::new(false);
static KITTY: AtomicBool = AtomicBool::new(false);

/// Plain colors and letters, no insertion, no margins, lines that wrap, and nothing on it: what frames are drawn on.
const SOUND: &[u8] = b"\x1b[0m\x1b(B\x0f\x1b[4l\x1b[?6l\x1b[r\x1b[?7h\x1b[2J";

/// The terminal that the person sits at.
pub struct Outer {
    pub terminal: Terminal<Backend>,
}

impl Outer {
    /// Takes the terminal: raw mode, alternate screen, mouse, paste and focus events, kitty keys where there are any.
    pub fn enter() -> io::Result<Self> {
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, io::stdout()));
        install_panic_hook();
        take()?;
        Ok(Self { terminal: Terminal::new(backend)? })
    }

    /// Asks for the richer key encoding; costs a round trip to the terminal, so it is done after the first frame.
    pub fn enhance_keys() -> io::Result<()> {
        if crossterm::terminal::supports_keyboard_enhancement().unwrap_or(false) {
            KITTY.store(true, Ordering::SeqCst);
            let flags =
                KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES | KeyboardEnhancementFlags::REPORT_ALTERNATE_KEYS;
            execute!(io::stdout(), PushKeyboardEnhancementFlags(flags))?;
        }
        Ok(())
    }

    /// Runs `draw` inside a synchronized update and sends all of it with one write.
    pub fn frame(&mut self, draw: impl FnOnce(&mut Terminal<Backend>) -> io::Result<()>) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = draw(&mut self.terminal);
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.terminal.backend_mut().flush()?;
        drawn
    }

    /// Takes the terminal from whatever another program did to it; the next frame draws all of it.
    pub fn redraw(&mut self) -> io::Result<()> {
        modes(self.terminal.backend_mut())?;
        self.wipe()
    }

    /// An empty terminal, and no memory of a frame. `Terminal::clear` asks where the cursor is: that answer would go to the
    /// thread that reads keys.
    fn wipe(&mut self) -> io::Result<()> {
        self.terminal.swap_buffers();
        self.terminal.backend_mut().write_all(SOUND)
    }

    /// Gives the terminal to `work` (an editor), and takes it back.
    pub fn lend<T>(&mut self, work: impl FnOnce() -> T) -> io::Result<T> {
        restore();
        let result = work();
        take()?;
        if KITTY.load(Ordering::SeqCst) {
            Self::enhance_keys()?;
        }
        self.wipe()?;
        Ok(result)
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    ACTIVE.store(true, Ordering::SeqCst);
    modes(&mut io::stdout())
}

/// The modes that the screen has.
fn modes(out: &mut impl Write) -> io::Result<()> {
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture, EnableFocusChange, cursor::Hide)
}

/// Puts the terminal back; harmless when it is back already.
fn restore() {
    if !ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    if KITTY.load(Ordering::SeqCst) {
        let _ = queue!(out, PopKeyboardEnhancementFlags);
    }
    let _ = queue!(
        out,
        EndSynchronizedUpdate,
        DisableFocusChange,
        DisableMouseCapture,
        DisableBracketedPaste,
        cursor::SetCursorStyle::DefaultUserShape,
        cursor::Show,
        LeaveAlternateScreen
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// The message of a panic belongs on a terminal that works.
fn install_panic_hook() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Panics of a session's parser are caught where they happen: only the screen's own thread ends the screen.
        if std::thread::current().name() == Some("main") {
            restore();
        }
        former(panic);
    }));
}

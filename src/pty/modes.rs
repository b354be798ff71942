//! The modes of a terminal that decide how keys, mouse and paste are encoded.

use serde::{Deserialize, Serialize};

/// A snapshot of every mode that input and painting depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a terminal, as the standards define them")]
pub struct Modes {
    /// DECCKM: arrows as `ESC O A`.
    pub cursor_keys: bool,
    /// DECKPAM: the numeric keypad sends `ESC O j` and so on.
    pub keypad: bool,
    /// 2004.
    pub bracketed_paste: bool,
    /// 1004.
    pub focus: bool,
    /// 1007: the wheel sends arrows on the alternate screen. On until a program turns it off.
    pub alternate_scroll: bool,
    pub mouse: MouseMode,
    pub mouse_encoding: MouseEncoding,
    /// The kitty keyboard flags in force, bits 0 to 4; 0 where we do not send kitty keys.
    pub kitty: u8,
    /// xterm's modifyOtherKeys: 0, 1 or 2.
    pub modify_other_keys: u8,
    pub alternate_screen: bool,
    /// DECTCEM.
    pub cursor_visible: bool,
    pub cursor_shape: CursorShape,
    /// 2026: an update is under way, and its rows shall not be shown yet.
    pub synchronized: bool,
}

/// Which mouse events a program asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MouseMode {
    #[default]
    Off,
    /// 9: presses only.
    Press,
    /// 1000.
    PressRelease,
    /// 1002: motion with a button held.
    ButtonMotion,
    /// 1003.
    AnyMotion,
}

/// How mouse events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MouseEncoding {
    #[default]
    Default,
    /// 1005.
    Utf8,
    /// 1006.
    Sgr,
}

/// The shape that DECSCUSR asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CursorShape {
    #[default]
    Default,
    BlinkingBlock,
    SteadyBlock,
    BlinkingUnderline,
    SteadyUnderline,
    BlinkingBar,
    SteadyBar,
}

/// The modes that vt100 does not know and the filter keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tracked {
    pub(super) focus: bool,
    pub(super) alternate_scroll: bool,
    pub(super) synchronized: bool,
    pub(super) modify_other_keys: u8,
    /// The alternate screen has its own stack.
    pub(super) kitty_main: KittyStack,
    pub(super) kitty_alternate: KittyStack,
}

/// The stack of the kitty keyboard protocol: the flags in force and those below them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct KittyStack {
    flags: u8,
    below: Vec<u8>,
}

impl Default for Tracked {
    fn default() -> Self {
        Self {
            focus: false,
            alternate_scroll: true,
            synchronized: false,
            modify_other_keys: 0,
            kitty_main: KittyStack::default(),
            kitty_alternate: KittyStack::default(),
        }
    }
}

impl Tracked {
    pub(super) fn kitty(&self, alternate: bool) -> &KittyStack {
        if alternate { &self.kitty_alternate } else { &self.kitty_main }
    }

    pub(super) fn kitty_mut(&mut self, alternate: bool) -> &mut KittyStack {
        if alternate { &mut self.kitty_alternate } else { &mut self.kitty_main }
    }
}

impl KittyStack {
    const DEPTH: usize = 16;
    const KNOWN: u16 = 0b1_1111;

    pub(super) const fn flags(&self) -> u8 {
        self.flags
    }

    /// `CSI > flags u`. A full stack loses its oldest entry.
    pub(super) fn push(&mut self, flags: u16) {
        if self.below.len() == Self::DEPTH {
            self.below.remove(0);
        }
        self.below.push(self.flags);
        self.flags = (flags & Self::KNOWN) as u8;
    }

    /// `CSI < count u`. An emptied stack leaves no flags.
    pub(super) fn pop(&mut self, count: u16) {
        for _ in 0..usize::from(count).min(Self::DEPTH + 1) {
            self.flags = self.below.pop().unwrap_or(0);
        }
    }

    /// `CSI = flags ; how u`: 1 sets all, 2 adds, 3 removes.
    pub(super) fn set(&mut self, flags: u16, how: u16) {
        let flags = (flags & Self::KNOWN) as u8;
        match how {
            1 => self.flags = flags,
            2 => self.flags |= flags,
            3 => self.flags &= !flags,
            _ => {}
        }
    }
}

impl From<vt100::MouseProtocolMode> for MouseMode {
    fn from(mode: vt100::MouseProtocolMode) -> Self {
        match mode {
            vt100::MouseProtocolMode::None => Self::Off,
            vt100::MouseProtocolMode::Press => Self::Press,
            vt100::MouseProtocolMode::PressRelease => Self::PressRelease,
            vt100::MouseProtocolMode::ButtonMotion => Self::ButtonMotion,
            vt100::MouseProtocolMode::AnyMotion => Self::AnyMotion,
        }
    }
}

impl From<vt100::MouseProtocolEncoding> for MouseEncoding {
    fn from(encoding: vt100::MouseProtocolEncoding) -> Self {
        match encoding {
            vt100::MouseProtocolEncoding::Default => Self::Default,
            vt100::MouseProtocolEncoding::Utf8 => Self::Utf8,
            vt100::MouseProtocolEncoding::Sgr => Self::Sgr,
        }
    }
}

impl From<vt100::CursorStyle> for CursorShape {
    fn from(style: vt100::CursorStyle) -> Self {
        match style {
            vt100::CursorStyle::Default => Self::Default,
            vt100::CursorStyle::BlinkBlock => Self::BlinkingBlock,
            vt100::CursorStyle::SteadyBlock => Self::SteadyBlock,
            vt100::CursorStyle::BlinkUnderline => Self::BlinkingUnderline,
            vt100::CursorStyle::SteadyUnderline => Self::SteadyUnderline,
            vt100::CursorStyle::BlinkVerticalBar => Self::BlinkingBar,
            vt100::CursorStyle::SteadyVerticalBar => Self::SteadyBar,
        }
    }
}

impl From<CursorShape> for tui_term::widget::CursorShape {
    fn from(shape: CursorShape) -> Self {
        match shape {
            CursorShape::Default => Self::Default,
            CursorShape::BlinkingBlock => Self::BlinkingBlock,
            CursorShape::SteadyBlock => Self::SteadyBlock,
            CursorShape::BlinkingUnderline => Self::BlinkingUnderline,
            CursorShape::SteadyUnderline => Self::SteadyUnderline,
            CursorShape::BlinkingBar => Self::BlinkingBar,
            CursorShape::SteadyBar => Self::SteadyBar,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kitty_stack_pushes_pops_and_sets() {
        let mut stack = KittyStack::default();
        stack.push(5);
        stack.push(0xff);
        assert_eq!(stack.flags(), 31);
        stack.pop(1);
        assert_eq!(stack.flags(), 5);
        stack.set(2, 2);
        assert_eq!(stack.flags(), 7);
        stack.set(1, 3);
        assert_eq!(stack.flags(), 6);
        stack.pop(u16::MAX);
        assert_eq!(stack.flags(), 0);
        (0..1000).for_each(|_| stack.push(1));
        assert!(stack.below.len() <= KittyStack::DEPTH);
    }
}

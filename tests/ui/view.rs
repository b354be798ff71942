//! Frames, letter by letter. The drawings of the screen are the measure.

use insta::assert_snapshot;
use orchestra::model::Glyphs;
use orchestra::ui::theme::Depth;

use crate::fixture::{AgentScreen, frame, letters, model, shot, theme};

#[test]
fn wide_120x36() {
    assert_snapshot!(shot(&model(120, 36), Some(&AgentScreen::WIDE)));
}

#[test]
fn compact_80x24() {
    assert_snapshot!(shot(&model(80, 24), Some(&AgentScreen::COMPACT)));
}

#[test]
fn single_48x20() {
    assert_snapshot!(shot(&model(48, 20), None));
}

#[test]
fn ascii_120x36() {
    assert_snapshot!(letters(&frame(&model(120, 36), &theme(Glyphs::Ascii, Depth::None), None)));
}

//! What hostile and odd output may not do.

mod law;

use std::cell::Cell as Switch;
use std::time::{Duration, Instant};

use tui_term::widget::PseudoTerminal;

use super::super::{
    Attributes, BlockedOn, Color, Frame, MouseEncoding, MouseMode, ProgramState, ProgramStatus, Scrollback,
};
use super::*;

thread_local! {
    /// Makes the parser panic on SOH.
    pub(super) static FUSE: Switch<bool> = const { Switch::new(false) };
}

fn fed(size: Size, output: &str) -> Screen {
    let mut screen = Screen::new(size);
    screen.feed(output.as_bytes());
    screen
}

fn replies(output: &str) -> String {
    let mut screen = Screen::new(Size::new(24, 80));
    screen.set_outer(Outer { kitty_keys: true, ..Outer::default() });
    String::from_utf8(screen.feed(output.as_bytes()).replies).expect("replies are text")
}

#[test]
fn what_vt100_lacks_is_drawn() {
    for (output, lines) in [
        ("\x1b(0lqk\x1b(B lqk", "┌─┐ lqk\n\n"),
        ("\x1b)0\x0elqk\x0f lqk", "┌─┐ lqk\n\n"),
        ("a\x1bDb\x1bEc", "a\n b\nc"),
        ("ab\x1b[scd\x1b[uX", "abXd\n\n"),
        ("main\x1b[?1047halt\x1b[?1047l!", "main   !\n\n"),
        ("ab\x1b[?1048hcd\x1b[?1048lX", "abXd\n\n"),
        ("a\x1b[2ab\x1b[1eC", "a  b\n    C\n"),
        ("a\x1b[2Ib\x1b[Zc", "a               c\n\n"),
        ("a\x1b[4bb", "aaaaab\n\n"),
        ("xx\x1b[?1049h\x1b[?1049ly", "xxy\n\n"),
    ] {
        assert_eq!(fed(Size::new(3, 20), output).lines().join("\n"), lines, "{output:?}");
    }
}

#[test]
fn the_cursor_stays_where_it_is_when_the_alternate_screen_opens() {
    let screen = fed(Size::new(5, 20), "\r\n\r\nab\x1b[?1049hx");
    assert_eq!(screen.lines()[2], "  x");
    assert_eq!((screen.cursor().row, screen.cursor().col), (2, 3));
}

#[test]
fn colon_forms_color_cells() {
    let screen = fed(Size::new(2, 20), "\x1b[38:2::1:2:3;4:3mx\x1b[4:0;58;5;1my");
    let mut grid = Grid::new(screen.size());
    screen.copy_into(&mut grid);
    let (x, y) = (grid.row(0)[0].style(), grid.row(0)[1].style());
    assert_eq!((x.foreground, x.attributes), (Color::Rgb(1, 2, 3), Attributes::UNDERLINE));
    assert_eq!((y.foreground, y.attributes), (Color::Rgb(1, 2, 3), Attributes::default()));
}

#[test]
fn modes_are_told_and_a_reset_ends_them_all() {
    let on = "\x1b[?1;1003;1006;1004;2004;2026h\x1b=\x1b[>5u\x1b[>4;2m\x1b[?25l\x1b[?1049h\x1b[>7u\x1b[5 q";
    let mut screen = fed(Size::new(5, 20), on);
    let modes = screen.modes();
    assert!(modes.cursor_keys && modes.keypad && modes.bracketed_paste && modes.focus && modes.synchronized);
    assert!(modes.alternate_screen && !modes.cursor_visible && modes.alternate_scroll);
    assert_eq!((modes.mouse, modes.mouse_encoding), (MouseMode::AnyMotion, MouseEncoding::Sgr));
    assert_eq!((modes.kitty, modes.modify_other_keys), (0, 2), "kitty keys are not offered by default");
    screen.set_outer(Outer { kitty_keys: true, ..Outer::default() });
    assert_eq!(screen.modes().kitty, 7);
    screen.feed(b"\x1b[?1049l");
    assert_eq!(screen.modes().kitty, 5, "each screen has its own stack");
    screen.feed(b"\x1bc");
    assert_eq!(screen.modes(), Screen::new(Size::new(5, 20)).modes());
}

#[test]
fn each_agent_gets_the_answers_that_it_starts_with() {
    let claude =
        "\x1b[>0q\x1b[?u\x1b[?2026$p\x1b[?1016$p\x1b[16t\x1b]11;?\x07\x1b]7501;?\x07\x1b_Gi=1,a=q;AAAA\x1b\\\x1b[c";
    assert_eq!(
        replies(claude),
        concat!(
            "\x1bP>|orchestra ",
            env!("CARGO_PKG_VERSION"),
            "\x1b\\\x1b[?0u\x1b[?2026;2$y\x1b[?1016;0$y\x1b[6;16;8t\x1b]11;rgb:0000/0000/0000\x1b\\",
            "\x1b]7501;?\x1b\\\x1b[?62;22;52c"
        )
    );
    let codex = "\x1b[?u\x1b[c\x1b]10;?\x1b\\\x1b]11;?\x1b\\\x1b[6n";
    assert_eq!(
        replies(codex),
        "\x1b[?0u\x1b[?62;22;52c\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[1;1R"
    );
    let gemini = "\x1b[?u\x1b[>q\x1b]11;?\x1b\\\x1b[>4;?m\x1b[c";
    assert!(replies(gemini).starts_with("\x1b[?0u\x1bP>|orchestra "));
    assert!(replies(gemini).ends_with("\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22;52c"));
    let opencode = concat!(
        "\x1b[>0q\x1bP+q4d73\x1b\\\x1b[?1016$p\x1b[?2027$p\x1b[?2031$p\x1b[?1004$p\x1b[?2004$p\x1b[?2026$p\x1b[?u",
        "\x1b]66;w=1; \x1b\\\x1b[6n\x1b[14t\x1b]99;i=1:p=?;\x1b\\\x1b]1337;Capabilities\x1b\\",
        "\x1b]4;0;?;15;?\x07\x1b]10;?\x07\x1b]12;?\x07\x1b]13;?\x07\x1b[c",
    );
    let answers = replies(opencode);
    assert!(answers.contains(
        "\x1b[?1016;0$y\x1b[?2027;0$y\x1b[?2031;0$y\x1b[?1004;2$y\x1b[?2004;2$y\x1b[?2026;2$y\x1b[?0u\x1b[1;1R"
    ));
    assert!(answers.contains("\x1b[4;384;640t\x1b]4;0;rgb:0000/0000/0000\x1b\\\x1b]4;15;rgb:ffff/ffff/ffff\x1b\\"));
    assert!(answers.ends_with("\x1b]12;rgb:e5e5/e5e5/e5e5\x1b\\\x1b[?62;22;52c"));
}

#[test]
fn answers_tell_the_state_at_the_place_of_the_question() {
    assert_eq!(replies("ab\x1b[6n\x1b[5;7H\x1b[6n\x1b[?6n"), "\x1b[1;3R\x1b[5;7R\x1b[?5;7R");
    assert_eq!(replies("\x1b[5n\x1b[18t\x1b[>c\x1b[4$p"), "\x1b[0n\x1b[8;24;80t\x1b[>1;10;0c\x1b[4;0$y");
    assert_eq!(replies("\x1b[?2026h\x1b[?2026$p\x1b[?7$p"), "\x1b[?2026;1$y\x1b[?7;3$y");
    assert_eq!(replies("\x1b[>5u\x1b[?u\x1b[?1049h\x1b[?u"), "\x1b[?5u\x1b[?0u");
    let mut unable = Screen::new(Size::new(24, 80));
    assert_eq!(unable.feed(b"\x1b[?u\x1b[c").replies, b"\x1b[?62;22;52c", "silence where kitty keys are not sent");
}

#[test]
fn fault_t2_nothing_that_a_program_wrote_comes_back_to_it() {
    let asked =
        "\x1b]0;rm -rf\x07\x1b[21t\x1b]52;c;?\x07\x1bP$qm\x1b\\\x1b[1x\x1b[?26n\x1b[5i\x1b[11t\x1b[13t\x1b[20t\x05";
    assert_eq!(replies(asked), "");
    let many = "\x1b[c".repeat(100_000);
    assert!(replies(&many).len() <= REPLIES_PER_FEED * "\x1b[?62;22;52c".len());
}

#[test]
fn signals_come_in_order_and_runs_are_told_once() {
    let output = concat!(
        "\x1b]0;one\x07\x07\x07\x1b]9;done\x1b\\\x1b]777;notify;T;B\x07\x1b]9;4;1;50\x07\x1b]133;A\x07",
        "\x1b]7501;state=blocked:kind=question\x1b\\\x1b]52;c;aGk=\x07\x1b[?2026h\x1b[?2026l\x1b]2;two\x1b\\",
    );
    let mut screen = Screen::new(Size::new(4, 20));
    let signals = screen.feed(output.as_bytes()).signals;
    assert_eq!(signals[0], Signal::Title("one".into()));
    assert_eq!(signals[1], Signal::Bell);
    assert_eq!(signals[2], Signal::Notified { title: None, body: "done".into() });
    assert!(matches!(
        &signals[6],
        Signal::Status(ProgramStatus { state: ProgramState::Blocked(Some(BlockedOn::Question)), .. })
    ));
    assert_eq!(signals[7], Signal::CopyRequested { text: "hi".into() });
    assert_eq!(signals[8..], [Signal::FrameDone, Signal::Title("two".into())]);
    assert_eq!(screen.title(), "two");
}

#[test]
fn the_generation_changes_only_when_something_shows() {
    let mut screen = fed(Size::new(5, 20), "text");
    let mut changed = |output: &str| {
        let before = screen.generation();
        screen.feed(output.as_bytes());
        screen.generation() != before
    };
    for quiet in ["", "\x1b[c", "\x1b[31m", "\x1b[?2004h", "\x1b]9;hello\x07", "\x1b[", "6n", "\x1b[1;5H", "\x1b7"] {
        assert!(!changed(quiet), "{quiet:?}");
    }
    for visible in
        ["x", "\x1b[K", "\x1b[2;2H", "\x1b[?25l", "\x1b[5 q", "\x1b]0;title\x07", "\x1b[?2026h", "\x1b[?2026l"]
    {
        assert!(changed(visible), "{visible:?}");
    }
}

#[test]
fn one_key_marks_one_row() {
    let mut screen = Screen::new(Size::new(24, 80));
    let mut grid = Grid::new(screen.size());
    screen.feed("line\r\n".repeat(40).as_bytes());
    screen.copy_into(&mut grid);
    let before = grid.generation();
    screen.feed(b"\x1b[12;3H\x1b[32mk\x1b[m\x1b[24;1H");
    screen.copy_into(&mut grid);
    assert_eq!(grid.dirty_rows(before).collect::<Vec<_>>(), [11]);
    assert_eq!(grid.row_text(11), "like");
}

#[test]
fn another_screen_in_the_same_grid_is_copied_whole() {
    let mut grid = Grid::new(Size::new(2, 10));
    fed(Size::new(2, 10), "one\r\none").copy_into(&mut grid);
    fed(Size::new(2, 10), "two").copy_into(&mut grid);
    assert_eq!((grid.row_text(0), grid.row_text(1)), ("two".into(), String::new()));
}

#[test]
fn the_widget_and_the_painter_show_the_same() {
    let screen = fed(Size::new(3, 12), "\x1b[1;31mred\x1b[m 日本\x1b[44m \x1b[m⚠️\r\n\x1b[7minverse\x1b[m");
    let mut grid = Grid::new(screen.size());
    screen.copy_into(&mut grid);
    let area = ratatui::layout::Rect::new(0, 0, 12, 3);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    ratatui::widgets::Widget::render(PseudoTerminal::new(&grid), area, &mut buffer);
    assert_eq!(buffer[(0, 0)].symbol(), "r");
    assert_eq!(buffer[(4, 0)].symbol(), "日");
    assert_eq!(buffer[(9, 0)].symbol(), "⚠️");
    assert!(buffer[(0, 1)].modifier.contains(ratatui::style::Modifier::REVERSED));
    // Painting into a terminal of the same size gives the same screen.
    let mut painted = Screen::new(screen.size());
    for row in 0..3 {
        let mut bytes = format!("\x1b[{};1H", row + 1).into_bytes();
        grid.write_row(row, u16::MAX, &mut bytes);
        painted.feed(&bytes);
    }
    let mut copy = Grid::new(screen.size());
    painted.copy_into(&mut copy);
    for row in 0..3 {
        let shown = |grid: &Grid| {
            grid.row(row).iter().map(|cell| (cell.text().trim().to_owned(), cell.style())).collect::<Vec<_>>()
        };
        assert_eq!(shown(&grid), shown(&copy));
    }
}

#[test]
fn fault_t5_a_widened_character_at_the_edge_does_not_panic() {
    let mut screen = Screen::new(Size::new(24, 80));
    screen.feed("\x1b[24;80H⚠\u{fe0f}\x1b[23;80Hx".as_bytes());
    assert!(matches!(screen.journal.base(), Base::Blank(_)), "and nothing had to be rebuilt");
    assert_eq!(screen.lines()[22], format!("{}x", " ".repeat(79)));
    screen.feed("\x1bc\x1b[1;79H⚠\u{fe0f}".as_bytes());
    assert_eq!(screen.lines()[0].trim(), "⚠\u{fe0f}");
}

#[test]
fn fault_p19_a_panic_loses_the_offending_byte_only() {
    let mut screen = Screen::new(Size::new(4, 30));
    screen.feed(b"\x1b]0;kept\x07\x1b[?2004h\x1b[2;1Hbefore ");
    FUSE.set(true);
    let fed = screen.feed(b"and\x01 after\x1b[c\x1b[31m\x01!");
    FUSE.set(false);
    assert_eq!(screen.lines()[1], "before and after!");
    assert_eq!(fed.replies, b"\x1b[?62;22;52c");
    assert_eq!(screen.title(), "kept");
    assert!(screen.modes().bracketed_paste);
    let mut grid = Grid::new(screen.size());
    screen.copy_into(&mut grid);
    assert_eq!(grid.row_text(1), "before and after!");
    assert_eq!(grid.row(1)[16].style().foreground, Color::Indexed(1));
}

#[test]
fn fault_t3_bombs_of_counts_are_cheap() {
    for bomb in [
        "\x1b[65535@",
        "\x1b[65535L",
        "\x1b[65535M",
        "\x1b[65535P",
        "\x1b[65535X",
        "\x1b[65535S",
        "\x1b[65535T",
        "x\x1b[65535b",
        "\x1b[65535I",
    ] {
        let mut screen = Screen::new(Size::new(50, 200));
        let output = bomb.repeat(2000);
        let start = Instant::now();
        screen.feed(output.as_bytes());
        assert!(start.elapsed() < Duration::from_secs(2), "{bomb:?}: {:?}", start.elapsed());
    }
}

#[test]
fn fault_t4_endless_strings_hold_no_memory() {
    for endless in ["\x1b]0;", "\x1b]52;c;", "\x1bP", "\x1b_G", "\x1b^", "\x1bX", "\x1b["] {
        let mut screen = Screen::new(Size::new(5, 20));
        screen.feed(endless.as_bytes());
        let part = "1234567;".repeat(8192);
        for _ in 0..40 {
            screen.feed(part.as_bytes());
        }
        assert!(screen.filter.held() < 256 * 1024, "{endless:?}");
        assert!(screen.journal.since().len() <= 1024 * 1024);
        screen.feed(b"\x1b\\m\x18\x1b[Hfine");
        assert_eq!(screen.lines()[0], "fine", "{endless:?}");
    }
}

#[test]
fn a_long_clipboard_is_told_and_a_longer_one_dropped() {
    let copy = |length: usize| {
        let mut screen = Screen::new(Size::new(5, 20));
        let fed = screen.feed(format!("\x1b]52;c;{}\x07", "QUFB".repeat(length / 3)).as_bytes());
        fed.signals
    };
    assert_eq!(copy(90_000), [Signal::CopyRequested { text: "A".repeat(90_000) }]);
    assert_eq!(copy(120_000), []);
}

#[test]
fn a_higher_screen_gets_back_the_rows_that_had_left() {
    let output = "0\r\n1\r\nlong line that wraps\r\n\x1b[31mred\r\n4\x1b[?1049halt";
    let history = Frame::Bytes { offset: 0, bytes: output.as_bytes().to_vec() };
    let mut screen = fed(Size::new(2, 15), output);
    let size = Frame::Resize { offset: 0, size: screen.size() };
    let above: Vec<Line> = Scrollback::build([size, history], 15, 64).lines().collect();
    screen.set_size_below(Size::new(5, 15), &above);
    assert_eq!(screen.lines()[..2], ["", " alt"]);
    screen.feed(b"\x1b[?1049l!");
    assert_eq!(screen.lines(), ["1", "long line that", "wraps", "red", "4!"]);
}

#[test]
fn sizes_are_clamped_and_a_resize_keeps_the_newest_rows() {
    let mut screen = Screen::new(Size::new(0, 0));
    assert_eq!(screen.size(), Size::new(2, 2));
    screen.set_size(Size::new(4, 10));
    screen.feed(b"1\r\n2\r\n3\r\n4");
    screen.set_size(Size::new(2, 10));
    assert_eq!(screen.lines(), ["3", "4"]);
    screen.set_size(Size::new(4, 10));
    assert_eq!(screen.lines(), ["3", "4", "", ""]);
    screen.set_size(Size::new(0, 1));
    assert_eq!(screen.size(), Size::new(2, 2));
}

#[test]
fn rows_that_left_the_screen_are_counted_once() {
    let lines = |n: usize| (0..n).map(|line| format!("{line}\r\n")).collect::<Vec<_>>().concat();
    let mut screen = Screen::new(Size::new(4, 20));
    screen.feed(lines(3).as_bytes());
    assert_eq!(screen.rows_left(), 0);
    screen.feed(lines(200).as_bytes());
    assert_eq!(screen.rows_left(), 200);
    screen.feed(format!("\x1b[?1049h{}\x1b[?1049l", lines(50)).as_bytes());
    assert_eq!(screen.rows_left(), 200, "another screen has no history");
    screen.feed(b"\x1b[3J");
    screen.set_size(Size::new(6, 20));
    screen.feed(lines(10).as_bytes());
    assert!((206..=212).contains(&screen.rows_left()), "{}", screen.rows_left());
}

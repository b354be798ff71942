//! The law of checkpoints: a screen that is cut, stored and restored anywhere goes on as if nothing had happened.

use proptest::prelude::*;

use super::*;

/// One step in the life of a screen.
#[derive(Debug, Clone)]
enum Step {
    Output(Vec<u8>),
    Resize(Size),
}

/// All that a program or a person can find out about a screen now.
fn state(screen: &Screen) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut grid = Grid::new(Size::new(2, 2));
    screen.copy_into(&mut grid);
    let rows: Vec<Vec<Cell>> = (0..grid.size().rows).map(|row| grid.row(row).to_vec()).collect();
    let parser = screen.core.emulator.screen();
    let wrapped: Vec<bool> = (0..grid.size().rows).map(|row| parser.row_wrapped(row)).collect();
    (
        rows,
        wrapped,
        parser.cursor_position(),
        super::super::super::cell::Style::of_pen(parser),
        screen.modes(),
        grid.cursor(),
        screen.title().to_owned(),
        screen.filter.memory.tracked.clone(),
    )
}

/// Ways to show what is hidden: the main screen, saved cursor, region, origin mode, last character, rows above.
const REVEALS: &[&str] = &[
    "",
    "z",
    "\x1b[?1049lz",
    "\x1b[?47lz",
    "\x1b[?47hz",
    "\x1b8z",
    "\x1b[?1049l\x1b8z",
    "\x1b[?6h\x1b[999;999Hz",
    "\x1b[Hz",
    "\x1b8\x1b[2;2Hz",
    "\x1b[3b",
    "\n\n\nz",
    "\x1bM\x1bM\x1bMz",
];

fn assert_same_future(straight: &Screen, restored: &Screen, context: &str) {
    let futures = |screen: &Screen, reveal: &str, growth: u16| {
        // Through an image, because a screen can't be copied; the image is what is under test on one side only.
        let mut copy = Screen::with(
            {
                let mut emulator = Emulator::new(Size::new(2, 2), 0);
                *emulator.screen_mut() = screen.core.emulator.screen().clone();
                emulator
            },
            Filter::new(screen.filter.memory.clone()),
            Base::Lost,
        );
        copy.feed(reveal.as_bytes());
        copy.core.emulator.set_size(Size::new(screen.size().rows + growth, screen.size().cols));
        let mut all = copy.core.emulator;
        let screen = all.screen_mut();
        (screen.contents_formatted(), screen.cursor_position(), screen.alternate_screen())
    };
    assert_eq!(state(straight), state(restored), "{context}");
    for reveal in REVEALS {
        for growth in [0, 3] {
            assert_eq!(
                futures(straight, reveal, growth),
                futures(restored, reveal, growth),
                "{context}, then {reveal:?} and {growth} rows more"
            );
        }
    }
}

/// The law: cut anywhere, checkpointed and restored, a screen goes on as if nothing had happened.
fn assert_law(size: Size, steps: &[Step], every: usize) {
    let mut straight = Screen::new(size);
    let mut other = Screen::new(size);
    let mut restores = 0;
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Resize(size) => {
                straight.set_size(*size);
                other.set_size(*size);
            }
            Step::Output(bytes) => {
                straight.feed(bytes);
                for cut in bytes.chunks(every) {
                    other.feed(cut);
                    if let Some(checkpoint) = other.checkpoint() {
                        other = Screen::restore(&checkpoint).expect("our own checkpoint");
                        restores += 1;
                    }
                }
            }
        }
        assert_same_future(&straight, &other, &format!("after step {index} and {restores} restores"));
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{1,30}",
        2 => "[a-zäß日本語한글⠋⠙✦─│╭╮●⏺]{1,12}",
        1 => Just("⚠️ ✔️ 1️⃣ e\u{301}\u{302} 👍🏽 👩‍💻 🇩🇪".to_owned()),
        1 => "(\r\n|\n|\r|\t|\x08|\x07|\x0b){1,3}",
    ]
}

fn sgr_params() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u8..110).prop_map(|code| code.to_string()),
        any::<u8>().prop_map(|index| format!("38;5;{index}")),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| format!("48;2;{r};{g};{b}")),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| format!("38:2::{r}:{g}:{b}")),
        Just("4:3".to_owned()),
        Just("58;5;1".to_owned()),
        Just("1;3;4;7".to_owned()),
    ]
}

/// What agents and shells send, each sequence whole.
fn sequence() -> impl Strategy<Value = String> {
    let modes = prop::sample::select(vec![
        1, 6, 6, 7, 9, 25, 47, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1047, 1048, 1049, 1049, 1049, 2004, 2026,
        2027, 2031,
    ]);
    prop_oneof![
        5 => sgr_params().prop_map(|params| format!("\x1b[{params}m")),
        4 => (0u16..14, 0u16..32).prop_map(|(row, col)| format!("\x1b[{row};{col}H")),
        4 => (0u16..12, prop::sample::select(b"@ABCDEFGIJKLMPSTXZ`abdesu".to_vec()))
            .prop_map(|(count, last)| format!("\x1b[{count}{}", char::from(last))),
        3 => (modes, prop::sample::select(vec!['h', 'l'])).prop_map(|(mode, on)| format!("\x1b[?{mode}{on}")),
        2 => (0u16..12, 0u16..14).prop_map(|(top, bottom)| format!("\x1b[{top};{bottom}r")),
        2 => prop::sample::select(vec![
            "\x1b7", "\x1b8", "\x1bM", "\x1bD", "\x1bE", "\x1b[s", "\x1b[u", "\x1b(0", "\x1b(B", "\x1b)0", "\x0e", "\x0f",
            "\x1b=", "\x1b>", "\x1b[!p", "\x1bc", "\x1b[3J", "\x1b[2J", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[1 q",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "\x1b[>5u", "\x1b[>7u", "\x1b[<1u", "\x1b[=3;2u", "\x1b[>4;2m", "\x1b[>4m", "\x1b[c", "\x1b[6n", "\x1b[>0q", "\x1b[?u",
            "\x1b[?2026$p", "\x1b]0;title ✳\x07", "\x1b]2;x\x1b\\", "\x1b]8;id=1;https://e.x\x1b\\link\x1b]8;;\x1b\\",
            "\x1b]10;?\x07", "\x1b]7501;state=working:msg=SGk=\x1b\\", "\x1bP+q4d73\x1b\\", "\x1b_Ga=q;AAAA\x1b\\",
        ]).prop_map(str::to_owned),
    ]
}

fn output() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![3 => text(), 4 => sequence()], 1..60)
        .prop_map(|parts| parts.concat().into_bytes())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => output().prop_map(Step::Output),
        1 => (2u16..14, 2u16..32).prop_map(|(rows, cols)| Step::Resize(Size::new(rows, cols))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cut_restored_and_continued_equals_a_straight_parse(
        rows in 2u16..12, cols in 2u16..30, steps in prop::collection::vec(step(), 1..5), every in prop::sample::select(vec![1usize, 7, 97]),
    ) {
        assert_law(Size::new(rows, cols), &steps, every);
    }

    #[test]
    fn the_cut_of_the_output_does_not_matter(output in output(), every in 1usize..9) {
        let mut whole = Screen::new(Size::new(8, 20));
        let mut parts = Screen::new(Size::new(8, 20));
        let told = whole.feed(&output);
        let (mut answers, mut signals) = (Vec::new(), Vec::new());
        for part in output.chunks(every) {
            let told = parts.feed(part);
            answers.extend(told.replies);
            signals.extend(told.signals);
        }
        signals.dedup();
        prop_assert_eq!(state(&whole), state(&parts));
        prop_assert_eq!(told.replies, answers);
        prop_assert_eq!(told.signals, signals);
    }

    #[test]
    fn a_copied_grid_equals_a_fresh_one(pieces in prop::collection::vec(output(), 1..6)) {
        let mut screen = Screen::new(Size::new(9, 24));
        let mut kept = Grid::new(Size::new(9, 24));
        for piece in pieces {
            for part in piece.chunks(40) {
                screen.feed(part);
                screen.copy_into(&mut kept);
                let mut fresh = Grid::new(Size::new(9, 24));
                screen.copy_into(&mut fresh);
                for row in 0..9 {
                    prop_assert_eq!(kept.row(row), fresh.row(row), "row {}", row);
                }
                prop_assert_eq!(kept.cursor(), fresh.cursor());
            }
        }
    }

    #[test]
    fn fault_t5_random_bytes_and_resizes_never_panic(
        steps in prop::collection::vec(prop_oneof![
            4 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Step::Output),
            4 => output().prop_map(Step::Output),
            2 => (0u16..20, 0u16..40).prop_map(|(rows, cols)| Step::Resize(Size::new(rows, cols))),
        ], 1..12),
    ) {
        let mut screen = Screen::new(Size::new(5, 9));
        for step in steps {
            match step {
                Step::Output(bytes) => drop(screen.feed(&bytes)),
                Step::Resize(size) => screen.set_size(size),
            }
            let mut grid = Grid::new(screen.size());
            screen.copy_into(&mut grid);
            let mut painted = Vec::new();
            (0..grid.size().rows).for_each(|row| grid.write_row(row, u16::MAX, &mut painted));
        }
        screen.feed(b"\x1bc\x1b[Hfine");
        if screen.filter.is_ground() && screen.size().cols >= 4 && screen.lines()[0] != "fine" {
            // An unfinished string before it may have swallowed the reset.
            screen.feed(b"\x18\x1b\\\x1bc\x1b[Hfine");
            prop_assert_eq!(&screen.lines()[0], "fine");
        }
    }
}

#[test]
fn captures_cut_at_every_97th_byte_equal_a_straight_parse() {
    for capture in [
        &include_bytes!("../../../../tests/fixtures/captures/vim.bin")[..],
        include_bytes!("../../../../tests/fixtures/captures/less.bin"),
        include_bytes!("../../../../tests/fixtures/captures/tmux.bin"),
        include_bytes!("../../../../tests/fixtures/captures/bash.bin"),
    ] {
        let steps: Vec<Step> = capture.chunks(capture.len() / 6 + 1).map(|part| Step::Output(part.to_vec())).collect();
        assert_law(Size::new(24, 80), &steps, 97);
        assert_law(Size::new(11, 37), &steps, 97);
    }
}

#[test]
fn a_checkpoint_waits_for_the_end_of_a_sequence_or_character() {
    let mut screen = Screen::new(Size::new(4, 20));
    for unfinished in ["\x1b", "\x1b[3", "\x1b]0;ti", "\x1bP+q", "\x1b("] {
        screen.feed(unfinished.as_bytes());
        assert_eq!(screen.checkpoint(), None, "{unfinished:?}");
        screen.feed(b"\x18");
        assert!(screen.checkpoint().is_some());
    }
    screen.feed(&"日".as_bytes()[..2]);
    assert_eq!(screen.checkpoint(), None);
    screen.feed(&"日".as_bytes()[2..]);
    assert_eq!(screen.lines()[0], "日");
}

#[test]
fn a_foreign_checkpoint_is_refused() {
    assert!(matches!(Screen::restore(b"no header"), Err(ScreenError::Damaged(_))));
    assert!(matches!(Screen::restore(b"{}\n"), Err(ScreenError::Damaged(_))));
    let newer = b"{\"version\":2,\"new\":true}\n";
    assert_eq!(Screen::restore(newer).err(), Some(ScreenError::Version(2)));
}

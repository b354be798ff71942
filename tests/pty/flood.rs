//! Much output, and odd output.

use std::fs;

use orchestra::model::{ExitStatus, Size};

use crate::support::{Bench, Home, SIZE, sh};

#[test]
fn fault_f14_a_hundred_megabytes_pass_in_bounded_memory() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let line = "x".repeat(99);
    let terminal =
        bench.spawn(&place, &sh(&format!("stty -opost; yes {line} | head -c 100000000; printf end; exit 0")));
    assert_eq!(bench.exit(), ExitStatus::Code(0));
    assert_eq!(terminal.offset(), 100_000_003);
    let status = fs::read_to_string(format!("/proc/{}/status", terminal.shim().pid)).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 24 << 10, "the shim had {peak} kB");
    let on_disk: u64 =
        fs::read_dir(place.history()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(on_disk <= 65 << 20, "{on_disk} bytes of history");
}

#[test]
fn fault_t6_bytes_that_are_no_text_harm_nothing() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let script = r"printf '\377\376\300\200 \342\202'; printf '\254 \0 ok'; head -c 200000 /dev/urandom; stty sane; printf '\033c\033[2J\033[Hstill here'; read x";
    let terminal = bench.spawn(&home.place("r1"), &sh(script));
    bench.shows(&terminal, "still here");
}

#[test]
fn fault_t5_wide_characters_survive_a_sweep_of_sizes() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let script = "while :; do printf '日本語テキスト⚠️ 👩‍👩‍👧 wide \\n'; read x; [ \"$x\" = q ] && break; done; printf '\\033[2J\\033[Hdone'; read x";
    let terminal = bench.spawn(&home.place("r1"), &sh(script));
    bench.shows(&terminal, "wide");
    for cols in (2..80).rev().step_by(7) {
        terminal.resize(Size::new(1 + cols / 4, cols)).unwrap();
        terminal.input(b"\r").unwrap();
    }
    terminal.resize(Size::new(0, 0)).unwrap();
    terminal.resize(Size::new(24, 80)).unwrap();
    terminal.input(b"q\r").unwrap();
    bench.shows(&terminal, "done");
    assert_eq!(terminal.size(), Size::new(24, 80));
}

#[test]
fn an_absence_longer_than_history_is_a_gap_and_the_program_draws_again() {
    let (home, mut bench) = (Home::new(), Bench::new());
    bench.hub.set_history_cap(6 << 20);
    let (place, gate) = (home.place("r1"), home.path("gate"));
    let script = format!(
        "trap 'echo drawn again' WINCH; echo ready; while [ ! -e {} ]; do sleep 0.02; done; yes 0123456789 | head -c 20000000; \
         echo the end; touch {}.done; while :; do sleep 600 & wait $!; done",
        gate.display(),
        gate.display()
    );
    let terminal = bench.spawn(&place, &sh(&script));
    bench.shows(&terminal, "ready");
    drop((terminal, bench));
    fs::write(&gate, "").unwrap();
    let done = gate.with_extension("done");
    while !done.exists() {
        std::thread::yield_now();
    }
    let mut bench = Bench::new();
    let terminal = bench.adopt(&place);
    bench.shows(&terminal, "the end");
    bench.shows(&terminal, "drawn again");
    assert_eq!(terminal.size(), SIZE);
    let start = terminal.history(0).start().unwrap();
    assert!(terminal.offset() - start < 7 << 20);
}

#[test]
fn fault_t16_many_engines_in_a_flood_leave_the_screen_right() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let script = "stty -opost; awk 'BEGIN { for (i = 1; i <= 200000; i++) printf \"line %d of many\\r\\n\", i }'; printf 'the end'; read x";
    let mut terminal = bench.spawn(&place, &sh(script));
    for _ in 0..50 {
        drop(terminal);
        terminal = bench.adopt(&place);
    }
    bench.shows(&terminal, "the end");
    let lines = terminal.lines();
    for (row, line) in lines[..23].iter().enumerate() {
        assert_eq!(*line, format!("line {} of many", 199_978 + row));
    }
}

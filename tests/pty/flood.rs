//! Much output, and odd output.

use std::fs;

use orchestra::model::{ExitStatus, Size};

use crate::support::{Bench, Home, sh};

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

//! The engine dies, in whatever way; programs, screens, history and exit statuses stay.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Child;

use orchestra::model::ExitStatus;
use orchestra::pty::{Adopted, Grid, Place, Terminal};
use rustix::process::Signal;

use crate::support::{Bench, Home, SIZE, engine, engine_place, hasty, run, sh, wait_gone};

/// Kills the engine at once when it has said `ready`.
fn kill_when_ready(mut engine: Child) {
    let mut lines = BufReader::new(engine.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("ready")), "the engine did not come up");
    engine.kill().unwrap();
    engine.wait().unwrap();
}

/// Tells the test that its engine is ready, then waits to be killed.
fn ready() {
    tell("ready");
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    std::process::exit(1);
}

/// Writes a line to the test that started this engine.
fn tell(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn grid(terminal: &Terminal) -> Vec<String> {
    let mut grid = Grid::new(SIZE);
    assert!(terminal.copy_grid(&mut grid));
    let mut rows: Vec<String> = (0..grid.size().rows)
        .map(|row| {
            let mut painted = Vec::new();
            grid.write_row(row, SIZE.cols, &mut painted);
            String::from_utf8(painted).unwrap()
        })
        .collect();
    rows.push(format!("{:?} {:?}", grid.cursor(), terminal.modes()));
    rows
}

/// The highest number that a counting program shows.
fn count(terminal: &Terminal) -> u32 {
    let lines = terminal.lines();
    let numbers = lines.iter().filter_map(|line| line.strip_prefix("count ")?.trim_end_matches('.').parse().ok());
    numbers.max().unwrap_or(0)
}

#[test]
#[ignore = "an engine for the tests below"]
fn engine_with_counters() {
    let mut bench = Bench::new();
    let script = "trap '' TERM HUP INT; i=0; while :; do i=$((i+1)); echo count $i.; sleep 0.05; done";
    let terminals: Vec<Terminal> =
        (0..5).map(|index| bench.spawn(&engine_place(&format!("r{index}")), &sh(script))).collect();
    for terminal in &terminals {
        bench.until("it counts", || count(terminal) > 3);
    }
    ready();
}

#[test]
fn fault_p1_programs_count_on_when_the_engine_is_killed() {
    let home = Home::new();
    kill_when_ready(engine("engine_death::engine_with_counters", &home));
    let mut bench = Bench::new();
    for index in 0..5 {
        let terminal = bench.adopt(&home.place(&format!("r{index}")));
        bench.until("it is restored", || terminal.restored());
        let restored = count(&terminal);
        assert!(restored > 3);
        bench.until("it counts on", || count(&terminal) > restored + 3);
        terminal.stop(hasty()).unwrap();
        assert!(bench.stop_done().is_empty());
        assert_eq!(bench.exit(), ExitStatus::Signal(9));
    }
}

#[test]
#[ignore = "an engine for the test below"]
fn engine_with_a_short_program() {
    let mut bench = Bench::new();
    let gate = engine_place("r1").dir().with_file_name("gate");
    let script = format!("echo before; while [ ! -e {} ]; do sleep 0.02; done; echo after; exit 7", gate.display());
    let terminal = bench.spawn(&engine_place("r1"), &sh(&script));
    bench.shows(&terminal, "before");
    ready();
}

#[test]
fn an_end_during_the_absence_is_found_with_the_last_screen() {
    let home = Home::new();
    kill_when_ready(engine("engine_death::engine_with_a_short_program", &home));
    let place = home.place("r1");
    let process = place.pids().unwrap().child;
    std::fs::write(home.path("run/gate"), "").unwrap();
    wait_gone(process);
    let mut bench = Bench::new();
    let terminal = bench.adopt(&place);
    assert_eq!(bench.exit(), ExitStatus::Code(7));
    assert_eq!(terminal.lines()[..2], ["before", "after"]);
    let shim = terminal.shim();
    terminal.collect().unwrap();
    wait_gone(shim);
    let again = bench.hub.adopt(place.dir(), run(&place)).unwrap();
    assert!(matches!(again, Adopted::Ended(ExitStatus::Code(7))));
}

#[test]
fn a_program_alone_has_its_queries_answered() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let gate = home.path("gate");
    let script = format!(
        "echo ready; while [ ! -e {} ]; do sleep 0.02; done; stty raw -echo; printf '\\033]7501;?\\007\\033[c'; \
         answer=$(head -c 22 | od -An -c | tr -d ' \\n'); stty sane; printf '%s\\n' \"got $answer\"; exit 9",
        gate.display()
    );
    let terminal = bench.spawn(&place, &sh(&script));
    bench.shows(&terminal, "ready");
    let process = terminal.process();
    drop((terminal, bench));
    std::fs::write(gate, "").unwrap();
    wait_gone(process);
    let mut bench = Bench::new();
    let terminal = bench.adopt(&place);
    assert_eq!(bench.exit(), ExitStatus::Code(9));
    bench.shows(&terminal, r"got 033]7501;?033\033[?62;22;52c");
}

/// Ten megabytes: lines that scroll away, then an alternate screen that is redrawn, and styles, and odd modes.
const FLOOD: &str = r#"stty -opost; awk 'BEGIN {
    for (i = 1; i <= 120000; i++) printf "\033[3%dmline %d of the log \346\227\245\346\234\254 %d\033[m\r\n", i % 8, i, i * 7919 % 10007;
    printf "\033[?1049h\033[?2004h\033[?1h\033[2;20r";
    for (i = 1; i <= 180000; i++) {
        printf "\033[%d;%dH\033[4%dm frame %d \033[m", i % 24 + 1, i % 60 + 1, i % 7, i;
        if (i % 50 == 0) printf "\033[?2026h\033[20;1H\nscrolled %d\033[?2026l", i;
        if (i % 1000 == 0) for (j = 0; j < 60; j++) printf "\033[%d;1H%s", j % 24 + 1, "the quick brown fox jumps over the lazy dog, again and again \342\232\240\357\270\217";
    }
    printf "\033[5;5Hthe end"; fflush();
}'"#;

#[test]
#[ignore = "an engine for the test below"]
fn engine_with_a_flood() {
    let bench = Bench::new();
    let terminal = bench.spawn(&engine_place("r1"), &sh(&format!("{FLOOD}; read x")));
    // In the middle of it, after a checkpoint or two.
    while terminal.offset() < 2_500_000 {
        std::thread::yield_now();
    }
    ready();
}

#[test]
fn a_screen_restored_in_a_flood_equals_an_uninterrupted_one() {
    let home = Home::new();
    kill_when_ready(engine("engine_death::engine_with_a_flood", &home));
    let (mut whole, mut cut) = (Bench::new(), Bench::new());
    let straight = whole.spawn(&home.place("r2"), &sh(&format!("{FLOOD}; read x")));
    let restored = cut.adopt(&home.place("r1"));
    whole.shows(&straight, "the end");
    cut.shows(&restored, "the end");
    assert_eq!(straight.offset(), restored.offset());
    assert!(straight.offset() > 8_000_000, "{}", straight.offset());
    assert_eq!(grid(&straight), grid(&restored));
    let last = |terminal: &Terminal| terminal.scrollback(80, 1000).lines().collect::<Vec<_>>();
    assert_eq!(last(&straight), last(&restored));
    assert_eq!(last(&straight).len(), 1000);
}

#[test]
#[ignore = "an engine for the test below"]
fn engine_that_is_stopped() {
    let mut bench = Bench::new();
    let terminal = bench
        .spawn(&engine_place("r1"), &sh("echo ready; read x; yes 0123456789 | head -c 30000000; printf end; exit 6"));
    bench.shows(&terminal, "ready");
    terminal.input(b"go\r").unwrap();
    bench.until("it floods", || terminal.offset() > 1_000_000);
    tell("ready");
    let status = bench.exit();
    tell(&format!("{status} at {} with {:?}", terminal.offset(), terminal.lines().last()));
}

#[test]
fn fault_p9_an_engine_that_was_stopped_has_the_right_screen_after() {
    let home = Home::new();
    let mut engine = engine("engine_death::engine_that_is_stopped", &home);
    let mut lines = BufReader::new(engine.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("ready")));
    let pid = rustix::process::Pid::from_raw(engine.id() as i32).unwrap();
    rustix::process::kill_process(pid, Signal::STOP).unwrap();
    let place: Place = home.place("r1");
    wait_gone(place.pids().unwrap().child);
    rustix::process::kill_process(pid, Signal::CONT).unwrap();
    let told = lines.find(|line| line.contains("exited")).unwrap();
    // 30,000,000 bytes with 2,727,273 line ends that the terminal doubles, `ready` and the echoed `go`.
    assert!(told.starts_with("exited 6 at 327272"), "{told}");
    assert!(told.contains("end"), "{told}");
    engine.wait().unwrap();
}

//! Ending programs, and the ends of programs.

use std::fs;

use orchestra::model::ExitStatus;
use orchestra::pty::{Event, Process, StopPlan};

use crate::support::{Bench, Home, hasty, sh, wait_gone};

#[test]
fn a_program_that_knows_how_to_leave_is_asked() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let terminal =
        bench.spawn(&home.place("r1"), &sh("echo ready; read word; [ \"$word\" = /exit ] && exit 5; read x"));
    bench.shows(&terminal, "ready");
    terminal.stop(StopPlan { quit: Some(b"/exit\r".to_vec()), ..StopPlan::default() }).unwrap();
    assert_eq!(bench.exit(), ExitStatus::Code(5));
    assert!(bench.stop_done().is_empty());
}

#[test]
fn fault_p11_a_program_that_ignores_signals_is_killed() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let script = "trap '' TERM HUP INT QUIT TSTP; echo ready; while :; do sleep 600; done";
    let terminal = bench.spawn(&home.place("r1"), &sh(script));
    bench.shows(&terminal, "ready");
    terminal.stop(StopPlan { quit: Some(b"/exit\r".to_vec()), ..hasty() }).unwrap();
    assert_eq!(bench.exit(), ExitStatus::Signal(9));
    assert!(bench.stop_done().is_empty());
}

#[test]
fn fault_p10_what_left_the_session_by_setsid_and_double_fork_ends_too() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let pid = home.path("pid");
    let stray =
        format!("trap \"\" TERM HUP; echo $$ > {0}.new; mv {0}.new {0}; while :; do sleep 600; done", pid.display());
    let script = format!(
        "( setsid sh -c '{stray}' </dev/null >/dev/null 2>&1 & ) ; while [ ! -e {0} ]; do sleep 0.01; done; echo ready; read x",
        pid.display()
    );
    let terminal = bench.spawn(&home.place("r1"), &sh(&script));
    bench.shows(&terminal, "ready");
    let stray = Process::of(fs::read_to_string(pid).unwrap().trim().parse().unwrap()).unwrap();
    terminal.stop(hasty()).unwrap();
    assert!(bench.stop_done().is_empty());
    assert!(!stray.alive());
    bench.exit();
}

#[test]
fn fault_p12_the_end_is_seen_though_children_hold_the_terminal() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let terminal = bench.spawn(&home.place("r1"), &sh("trap '' HUP; sleep 600 & echo $!; exit 3"));
    assert_eq!(bench.exit(), ExitStatus::Code(3));
    let holder = Process::of(terminal.lines()[0].trim().parse().unwrap()).unwrap();
    assert!(holder.alive());
    let shim = terminal.shim();
    let before = cpu_ticks(shim);
    // Half a second in which a shim that spins would show it.
    std::process::Command::new("sleep").arg("0.5").status().unwrap();
    assert!(cpu_ticks(shim) - before <= 2);
    terminal.collect().unwrap();
    wait_gone(shim);
    assert!(!holder.alive(), "what an ended program left behind goes with its shim");
}

#[test]
fn a_program_that_stops_itself_is_told_and_resumed() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let terminal = bench.spawn(&home.place("r1"), &sh("echo one; kill -STOP $$; echo two; read x"));
    bench.event(|event| (event.event == Event::Stopped).then_some(()));
    assert!(terminal.stopped());
    terminal.resume().unwrap();
    bench.event(|event| (event.event == Event::Continued).then_some(()));
    bench.shows(&terminal, "two");
    assert!(!terminal.stopped());
}

#[test]
fn a_stopped_program_can_be_ended() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let terminal = bench.spawn(&home.place("r1"), &sh("kill -STOP $$; read x"));
    bench.event(|event| (event.event == Event::Stopped).then_some(()));
    terminal.stop(hasty()).unwrap();
    assert_eq!(bench.exit(), ExitStatus::Signal(15));
}

#[test]
fn fault_p6_a_killed_shim_is_lost_and_the_others_stay() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let first = bench.spawn(&home.place("r1"), &sh("read x"));
    let second = bench.spawn(&home.place("r2"), &sh("echo ready; read x; echo $x; read y"));
    assert!(first.shim().signal(rustix::process::Signal::KILL));
    let lost = bench.event(|event| matches!(event.event, Event::Lost(_)).then(|| event.run.clone()));
    assert_eq!(lost, *first.run());
    assert!(first.input(b"x").is_err());
    second.input(b"alive\r").unwrap();
    bench.until("the other answers", || second.lines().iter().filter(|line| line.contains("alive")).count() == 2);
}

/// User and system time of a process, in ticks.
fn cpu_ticks(process: Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

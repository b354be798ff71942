//! Input: keys, pastes, messages.

use std::time::Duration;

use crate::support::{Bench, Home, sh};

const DELAY: Duration = Duration::from_millis(50);

#[test]
fn a_message_with_one_id_is_typed_once() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let terminal = bench.spawn(&place, &sh("stty -echo; echo ready; exec cat"));
    bench.shows(&terminal, "ready");
    terminal.submit("m1", "hello there", DELAY).unwrap();
    terminal.submit("m1", "hello there", DELAY).unwrap();
    assert_eq!(bench.submitted(), "m1");
    assert_eq!(bench.submitted(), "m1");
    drop((terminal, bench));
    // Another engine that doesn't know whether it was typed asks again.
    let mut bench = Bench::new();
    let terminal = bench.adopt(&place);
    terminal.submit("m1", "hello there", DELAY).unwrap();
    terminal.submit("m2", "the end", DELAY).unwrap();
    bench.shows(&terminal, "the end");
    assert_eq!(terminal.lines().iter().filter(|line| line.contains("hello there")).count(), 1);
    assert_eq!(place.submitted(), ["m1", "m2"]);
}

#[test]
fn a_message_for_an_ended_program_is_refused() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let terminal = bench.spawn(&home.place("r1"), &sh("exit 0"));
    bench.exit();
    terminal.submit("m1", "too late", DELAY).unwrap();
    bench.event(|event| (event.event == orchestra::pty::Event::Refused("m1".into())).then_some(()));
}

#[test]
fn fault_t9_a_paste_of_a_megabyte_arrives_whole() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let script = "stty raw -echo; printf ready; head -c 1000000 | sha256sum; read x";
    let terminal = bench.spawn(&home.place("r1"), &sh(script));
    bench.shows(&terminal, "ready");
    let text: Vec<u8> = (0..1_000_000_u64).map(|index| b'a' + (index * index % 23) as u8).collect();
    terminal.input(&text).unwrap();
    let digest = sha256(&text);
    bench.shows(&terminal, &digest);
}

#[test]
fn an_idle_session_causes_no_wakes_and_a_shown_one_does() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let terminal = bench.spawn(&home.place("r1"), &sh("stty -echo; echo ready; exec cat"));
    bench.shows(&terminal, "ready");
    assert_eq!(bench.wakes.load(std::sync::atomic::Ordering::Relaxed), 0, "hidden");
    terminal.show();
    let generation = terminal.generation();
    terminal.input(b"first\r").unwrap();
    bench.shows(&terminal, "first");
    terminal.input(b"second\r").unwrap();
    bench.shows(&terminal, "second");
    assert_eq!(bench.wakes.load(std::sync::atomic::Ordering::Relaxed), 1, "once until the next copy");
    assert!(terminal.generation() > generation);
}

#[test]
fn fault_t9_the_end_of_a_paste_cannot_be_pasted() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let script = "stty raw -echo; printf '\\033[?2004hready'; exec cat -v";
    let terminal = bench.spawn(&home.place("r1"), &sh(script));
    bench.shows(&terminal, "ready");
    terminal.paste("rm -rf\u{1b}[201~\r now\u{3}").unwrap();
    bench.shows(&terminal, "^[[201~");
    let line = terminal.lines().concat();
    assert_eq!(line.matches("^[[201~").count(), 1, "{line}");
    assert!(line.trim_end().ends_with("^[[201~") && line.contains("^[[200~rm -rf"), "{line}");
    assert!(!line.contains("^C") && !line.contains("^M"), "{line}");
}

#[test]
fn with_nothing_to_do_neither_hub_nor_shim_wakes_up() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let terminal = bench.spawn(&home.place("r1"), &sh("echo ready; read x"));
    bench.shows(&terminal, "ready");
    let switches = || {
        let shim = format!("/proc/{}/task/{}", terminal.shim().pid, terminal.shim().pid);
        let mine = std::fs::read_dir("/proc/self/task").unwrap().flatten().map(|entry| entry.path());
        let hub =
            mine.filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "terminals\n"));
        hub.chain([shim.into()]).map(|task| switches_of(&task)).collect::<Vec<u64>>()
    };
    // The checkpoint and the writing of history come first.
    let pause = |seconds: &str| std::process::Command::new("sleep").arg(seconds).status().unwrap();
    pause("3");
    let before = switches();
    assert_eq!(before.len(), 2);
    pause("1.5");
    assert_eq!(switches(), before);
}

fn switches_of(task: &std::path::Path) -> u64 {
    let status = std::fs::read_to_string(task.join("status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap().trim().parse().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    use std::fmt::Write;
    sha2::Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

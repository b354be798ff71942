//! Launching, attaching and resizing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use orchestra::model::{ExitStatus, Launch, RunId, Size};
use orchestra::pty::{Adopted, Frame, Grid, Place, PtyError};

use crate::support::{Bench, Home, SIZE, hasty, launch, run, sh, wait_gone};

#[test]
fn a_program_has_its_size_and_hears_of_changes() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let script = "trap 'stty size' WINCH; stty size; while :; do sleep 600 & wait $!; done";
    let terminal = bench.spawn(&home.place("r1"), &sh(script));
    bench.shows(&terminal, "24 80");
    terminal.resize(Size::new(30, 100)).unwrap();
    bench.shows(&terminal, "30 100");
    assert_eq!(terminal.size(), Size::new(30, 100));
    let sizes: Vec<Size> = terminal
        .history(0)
        .filter_map(|frame| match frame {
            Frame::Resize { size, .. } => Some(size),
            Frame::Bytes { .. } => None,
        })
        .collect();
    assert_eq!(sizes, [SIZE, Size::new(30, 100)]);
    let mut grid = Grid::new(SIZE);
    assert!(terminal.copy_grid(&mut grid));
    assert_eq!(grid.size(), Size::new(30, 100));
}

#[test]
fn fault_v7_the_environment_is_exactly_what_was_given() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let mut launch = launch(&["env"]);
    launch.env.push(("ORCHESTRA_SECRET".into(), "two words=x\nnext".into()));
    launch.cwd = home.dir.path().to_owned();
    let terminal = bench.spawn(&place, &launch);
    assert_eq!(bench.exit(), ExitStatus::Code(0));
    let lines: Vec<String> = terminal.lines().into_iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["ORCHESTRA_SECRET=two words=x", "next", "PATH=/usr/local/bin:/usr/bin:/bin"]);
    let kept = fs::read_to_string(place.dir().join("launch.json")).unwrap();
    assert!(kept.contains("ORCHESTRA_SECRET") && !kept.contains("two words"), "{kept}");
}

#[test]
fn fault_f15_files_are_private_and_the_program_keeps_its_umask() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o002));
    let terminal = bench.spawn(&place, &sh("umask; read x"));
    rustix::process::umask(before);
    bench.shows(&terminal, "0002");
    drop(terminal.history(0));
    let mut folders = vec![place.dir().to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            seen += 1;
            let mode = entry.metadata().unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{:?}", entry.path());
        }
    }
    assert!(seen >= 4, "socket, pid, launch and a segment");
}

#[test]
fn fault_c5_a_program_that_cannot_run_is_told_and_leaves_nothing() {
    let (home, bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let spawn = |launch: &Launch| match bench.hub.spawn(place.dir(), run(&place), launch, SIZE) {
        Err(PtyError::Launch(told)) => told,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it runs"),
    };
    assert_eq!(spawn(&launch(&["no-such-agent"])), "no-such-agent: not found in PATH");
    assert!(spawn(&launch(&["/etc/passwd"])).contains("ermission denied"));
    assert!(spawn(&Launch { cwd: "/no/such/folder".into(), ..sh("true") }).contains("/no/such/folder"));
    assert!(spawn(&launch(&[])).contains("no program"));
    fs::write(home.path("git"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(home.path("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut planted = launch(&["git"]);
    planted.env = vec![("PATH".into(), ".:".into())];
    planted.cwd = home.dir.path().to_owned();
    assert!(spawn(&planted).contains("not found in PATH"), "a program planted in the worktree");
    assert!(!place.dir().exists());
}

#[test]
fn a_run_is_launched_once() {
    let (home, bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let _terminal = bench.spawn(&place, &sh("read x"));
    let again = bench.hub.spawn(place.dir(), run(&place), &sh("read x"), SIZE);
    assert!(matches!(again, Err(PtyError::Launched(dir)) if dir == place.dir()));
}

#[test]
fn fault_f11_a_folder_with_a_long_odd_name_works() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place(&"long \u{fc}\n".repeat(30));
    let terminal = bench.spawn(&place, &sh("echo there; read x"));
    bench.shows(&terminal, "there");
    drop((terminal, bench));
    let mut next = Bench::new();
    let terminal = next.adopt(&place);
    next.shows(&terminal, "there");
}

#[test]
fn fault_p13_an_early_end_keeps_code_and_last_words() {
    let (home, mut bench) = (Home::new(), Bench::new());
    for (name, script, status) in [
        ("r1", "printf 'last words'; exit 0", ExitStatus::Code(0)),
        ("r2", "printf 'last words'; exit 137", ExitStatus::Code(137)),
        ("r3", "printf 'last words'; kill -9 $$", ExitStatus::Signal(9)),
    ] {
        let place = home.place(name);
        let terminal = bench.spawn(&place, &sh(script));
        assert_eq!(bench.exit(), status);
        assert_eq!(terminal.lines()[0], "last words");
        assert_eq!((terminal.exit(), place.exit()), (Some(status), Some(status)));
        let shim = terminal.shim();
        terminal.collect().unwrap();
        wait_gone(shim);
        assert!(matches!(bench.hub.adopt(place.dir(), run(&place)), Ok(Adopted::Ended(it)) if it == status));
    }
}

#[test]
fn a_dropped_terminal_leaves_the_program_and_its_shim() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let terminal = bench.spawn(&place, &sh("echo one; read x; echo got $x; read y"));
    bench.shows(&terminal, "one");
    let process = terminal.process();
    drop(terminal);
    let terminal = bench.adopt(&place);
    assert_eq!(terminal.process(), process);
    terminal.input(b"it\r").unwrap();
    bench.shows(&terminal, "got it");
    terminal.stop(hasty()).unwrap();
    assert!(bench.stop_done().is_empty());
}

#[test]
fn fault_p14_p16_stale_folders_are_lost_and_nothing_is_signalled() {
    let (home, bench) = (Home::new(), Bench::new());
    let stale = |name: &str| {
        let place = home.place(name);
        place.create().unwrap();
        place
    };
    let adopt = |place: &Place| bench.hub.adopt(place.dir(), RunId::from("r")).unwrap();
    let empty = stale("empty");
    assert!(matches!(adopt(&empty), Adopted::Lost));
    let socket = stale("socket");
    drop(socket.bind().unwrap());
    assert!(matches!(adopt(&socket), Adopted::Lost), "a socket that nobody serves");
    let pid = stale("pid");
    let me = orchestra::pty::Process::of(std::process::id()).unwrap();
    let former = orchestra::pty::Process { start_time: me.start_time - 1, ..me };
    pid.write_pids(orchestra::pty::Pids { shim: former, child: former }).unwrap();
    assert!(matches!(adopt(&pid), Adopted::Lost), "a foreign process has the pid");
    let torn = stale("torn");
    fs::write(torn.dir().join("exit.json"), b"{\"status\":{\"co").unwrap();
    assert!(matches!(adopt(&torn), Adopted::Lost));
    assert!(matches!(adopt(&home.place("none")), Adopted::Lost));
}

/// In a process of its own: it counts what that one holds, and other tests run in this one at the same time.
#[test]
fn fault_f8_cycles_leave_no_descriptors_and_no_zombies() {
    const ALONE: &str = "ORCHESTRA_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let mut own = std::process::Command::new(std::env::current_exe().unwrap());
        own.args(["--exact", "launch::fault_f8_cycles_leave_no_descriptors_and_no_zombies", "--nocapture"]);
        assert!(own.env(ALONE, "1").status().unwrap().success());
        return;
    }
    let (home, mut bench) = (Home::new(), Bench::new());
    let count = |path: &str| fs::read_dir(path).unwrap().count();
    let mut cycle = |name: String| {
        let terminal = bench.spawn(&home.place(&name), &sh("ls -C /proc/$$/fd; read x"));
        bench.shows(&terminal, "2");
        assert_eq!(terminal.lines()[0].trim_end(), "0  1  2", "no descriptor of the shim");
        terminal.stop(hasty()).unwrap();
        bench.exit();
        let shim = terminal.shim();
        terminal.collect().unwrap();
        wait_gone(shim);
        drop(terminal);
    };
    cycle("first".into());
    let before = count("/proc/self/fd");
    for index in 0..20 {
        cycle(format!("r{index}"));
    }
    // The last connection may be about to be closed.
    assert!(count("/proc/self/fd") <= before + 1);
    drop(bench);
    let me = std::process::id().to_string();
    let zombies = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with("Z ") && rest.split(' ').nth(1) == Some(&me))
    });
    assert!(zombies.count() <= 1);
}

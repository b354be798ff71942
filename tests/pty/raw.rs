//! What a shim does with engines that misbehave: spoken to over its socket, without a hub.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use orchestra::model::ExitStatus;
use orchestra::pty::Place;

use crate::support::{Bench, Home, sh, wait_gone};

fn attach(place: &Place, version: u16) -> UnixStream {
    let mut stream = place.connect().unwrap();
    let said = format!("{{\"version\":{version},\"have\":null}}");
    let mut frame = (said.len() as u32).to_le_bytes().to_vec();
    frame.push(65);
    frame.extend_from_slice(said.as_bytes());
    stream.write_all(&frame).unwrap();
    stream
}

fn frame(stream: &mut UnixStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).ok()?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize];
    stream.read_exact(&mut payload).ok()?;
    Some((head[4], payload))
}

#[test]
fn fault_p9_an_engine_that_reads_nothing_is_dropped_and_the_program_goes_on() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let terminal =
        bench.spawn(&place, &sh("echo ready; read x; yes 0123456789abcdef | head -c 20000000; printf end; exit 4"));
    bench.shows(&terminal, "ready");
    let process = terminal.process();
    terminal.input(b"go\r").unwrap();
    let deaf = attach(&place, 1);
    assert_eq!(bench.lost(), "another engine took over");
    wait_gone(process);
    drop((terminal, deaf));
    let terminal = bench.adopt(&place);
    assert_eq!(bench.exit(), ExitStatus::Code(4));
    assert!(terminal.lines().iter().any(|line| line.ends_with("end")));
}

#[test]
fn fault_p17_another_version_is_refused_and_the_session_stays() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let terminal = bench.spawn(&place, &sh("echo ready; read x; echo got $x; read y"));
    bench.shows(&terminal, "ready");
    let mut newer = attach(&place, 99);
    let (kind, hello) = frame(&mut newer).unwrap();
    assert_eq!(kind, 1);
    assert!(String::from_utf8(hello).unwrap().contains("\"version\":1"));
    assert_eq!(frame(&mut newer), None, "and no more");
    terminal.input(b"it\r").unwrap();
    bench.shows(&terminal, "got it");
}

#[test]
fn garbage_and_silence_at_the_door_disturb_nobody() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let terminal = bench.spawn(&place, &sh("echo ready; read x; echo got $x; read y"));
    bench.shows(&terminal, "ready");
    let mut hostile = place.connect().unwrap();
    hostile.write_all(&[255; 4096]).unwrap();
    assert_eq!(frame(&mut hostile), None);
    let silent: Vec<UnixStream> = (0..3).map(|_| place.connect().unwrap()).collect();
    terminal.input(b"it\r").unwrap();
    bench.shows(&terminal, "got it");
    // An engine that comes behind them has to wait, and is let in.
    let again = bench.adopt(&place);
    bench.shows(&again, "got it");
    drop(silent);
}

#[test]
fn a_checkpoint_that_nobody_can_read_is_replaced_by_history() {
    let (home, mut bench) = (Home::new(), Bench::new());
    let place = home.place("r1");
    let terminal = bench.spawn(&place, &sh("echo one; read x; echo two; read y"));
    bench.shows(&terminal, "one");
    let mut foreign = attach(&place, 1);
    bench.lost();
    while frame(&mut foreign).unwrap().0 != 6 {}
    let mut checkpoint = 13_u32.to_le_bytes().to_vec();
    checkpoint.push(72);
    checkpoint.extend_from_slice(&terminal.offset().to_le_bytes());
    checkpoint.extend_from_slice(b"other");
    foreign.write_all(&checkpoint).unwrap();
    drop(foreign);
    let terminal = bench.adopt(&place);
    bench.until("it is restored", || terminal.restored());
    bench.shows(&terminal, "one");
    terminal.input(b"\r").unwrap();
    bench.shows(&terminal, "two");
}

//! The programs that run under the init: `bench-harness helper NAME FD [COUNT]`.
//!
//! Contract: each says `R` on the socket FD when it is ready, and ends when the harness closes its end.

use crate::sys;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

pub(crate) fn main(words: &[String]) -> io::Result<()> {
    let usage = || io::Error::other("helper: expected NAME FD [COUNT]");
    let fd = words.get(1).and_then(|word| word.parse().ok()).ok_or_else(usage)?;
    let harness = UnixStream::from(sys::own(fd));
    match words[0].as_str() {
        "pause" => pause(harness),
        "echo" => echo(harness),
        "orphans" => orphans(harness, words.get(2).and_then(|word| word.parse().ok()).ok_or_else(usage)?),
        _ => Err(usage()),
    }
}

/// Does nothing until the harness goes away.
fn pause(mut harness: UnixStream) -> io::Result<()> {
    harness.write_all(b"R")?;
    harness.read(&mut [0]).map(drop)
}

/// Answers each SIGUSR1 with the time of its arrival.
fn echo(mut harness: UnixStream) -> io::Result<()> {
    let signals = sys::block(libc::SIGUSR1);
    harness.write_all(b"R")?;
    loop {
        sys::wait_signal(&signals);
        let arrival = sys::now_ns();
        harness.write_all(&arrival.to_ne_bytes())?;
    }
}

/// Leaves `count` processes to the init, lets them all end at once when the harness says so, and answers with the
/// nanoseconds until the last one is reaped.
fn orphans(mut harness: UnixStream, count: usize) -> io::Result<()> {
    let (release, held) = UnixStream::pair()?;
    let (mut born, report) = UnixStream::pair()?;
    if let Some(parent) = sys::fork()? {
        drop((held, report));
        let mut pids = vec![0; count * size_of::<sys::Pid>()];
        born.read_exact(&mut pids)?;
        let mut pids: Vec<sys::Pid> =
            pids.as_chunks().0.iter().map(|bytes| sys::Pid::from_ne_bytes(*bytes)).collect();
        sys::wait(parent)?;
        harness.write_all(b"R")?;
        harness.read_exact(&mut [0])?;
        let start = sys::now_ns();
        drop(release);
        // Ask for one at a time, from the last born: a pid that is gone was reaped. A millisecond is fine enough.
        while let Some(&last) = pids.last() {
            if sys::kill(last, 0).is_err() {
                pids.pop();
            } else {
                sys::idle_ms(1);
            }
        }
        harness.write_all(&(sys::now_ns() - start).to_ne_bytes())?;
        return pause(harness);
    }
    drop((release, born, harness));
    beget(&held, report, count)
}

/// The parent of the orphans: tells their pids and goes.
fn beget(mut held: &UnixStream, mut report: UnixStream, count: usize) -> io::Result<()> {
    for _ in 0..count {
        let Some(pid) = sys::fork()? else {
            let _ = held.read(&mut [0]);
            sys::exit_now(0)
        };
        report.write_all(&pid.to_ne_bytes())?;
    }
    sys::exit_now(0)
}

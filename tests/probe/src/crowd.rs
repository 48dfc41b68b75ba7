//! Apps that make many processes, or leave some behind.

use std::fs;

use crate::args::{Args, failed, usage};
use crate::output::say;
use crate::{catch, sys};

/// Runs `body` in a process whose parent is gone.
pub(crate) fn orphan(body: impl FnOnce()) {
    let middle = sys::fork();
    if middle == 0 {
        if sys::fork() == 0 {
            body();
            sys::exit(0);
        }
        sys::exit(0);
    }
    let _ = sys::wait(middle, 0);
}

/// The pids whose parent is `parent`, zombies included.
fn children_of(parent: i32) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap_or_else(|e| failed("/proc", e)).flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // "pid (name) state ppid": the name can hold anything, so look after its end.
        let mut fields = stat.rsplit(')').next().unwrap_or("").split_whitespace().skip(1);
        if fields.next().and_then(|ppid| ppid.parse().ok()) == Some(parent) {
            found.push(pid);
        }
    }
    found
}

/// `orphans N [--reaper PID]`: orphans N processes that end at once and waits until the init has none of them
/// left, dead or alive. There is no event for "reaped", so it looks again and again, for 20 seconds at most.
pub(crate) fn orphans(args: &mut Args) -> i32 {
    let number: usize = args.number();
    let mut reaper = sys::parent();
    while let Some(option) = args.option() {
        match option.as_str() {
            "--reaper" => reaper = args.number(),
            _ => usage("orphans: unknown option"),
        }
    }
    let before = children_of(reaper).len();
    let middle = sys::fork();
    if middle == 0 {
        for _ in 0..number {
            if sys::fork() == 0 {
                sys::exit(0);
            }
        }
        sys::exit(0);
    }
    let _ = sys::wait(middle, 0);
    let deadline = sys::microseconds() + 20_000_000;
    loop {
        let left = children_of(reaper).len().saturating_sub(before);
        if left == 0 {
            say!("reaped {number}");
            return 0;
        }
        if sys::microseconds() > deadline {
            say!("not reaped {left}");
            return 1;
        }
        sys::sched_yield();
    }
}

/// `leftover [--code N] [--stubborn] [--own-session] [--last SIGNAL]`: leaves a process behind that prints its
/// signals, and ends. With `--on SIGNAL` it ends on that signal, else at once.
pub(crate) fn leftover(args: &mut Args) -> i32 {
    let (mut code, mut last, mut own_session, mut on) = (0, libc::SIGTERM, false, 0);
    while let Some(option) = args.option() {
        match option.as_str() {
            "--code" => code = args.number(),
            "--stubborn" => last = 0,
            "--own-session" => own_session = true,
            "--on" => on = args.signal(),
            _ => usage("leftover: unknown option"),
        }
    }
    sys::set_mask(!0);
    catch::child("leftover", own_session, last, &[]);
    say!("app ready pid={}", sys::pid());
    while on != 0 && sys::take_signal(!0, true).is_some_and(|signal| signal.number != on) {}
    code
}

/// `daemonise`: the main process ends as soon as its daemon is ready; the daemon ends on TERM.
pub(crate) fn daemonise() -> i32 {
    catch::child("daemon", true, libc::SIGTERM, &[]);
    0
}

/// `forks N`: forks children that stay until it fails or N are there, says so, and ends all of them.
pub(crate) fn forks(args: &mut Args) -> i32 {
    let number: usize = args.number();
    let (reader, writer) = sys::pipe();
    let mut made = 0;
    let failure = loop {
        if made == number {
            break None;
        }
        match sys::try_fork() {
            Ok(0) => {
                sys::close(writer);
                sys::readable(reader, -1);
                sys::exit(0);
            }
            Ok(_) => made += 1,
            Err(e) => break Some(e),
        }
    };
    say!("fork {}", failure.map_or("never failed".to_owned(), |e| format!("failed: {e}")));
    sys::set_mask(!0);
    say!("app ready pid={}", sys::pid());
    let signal = loop {
        match sys::take_signal(!0, true) {
            Some(signal) if signal.number != libc::SIGCHLD => break signal.number,
            _ => {}
        }
    };
    say!("app got {signal} from 0");
    sys::close(writer);
    while sys::wait(-1, 0).is_ok() {}
    0
}

/// `hog`: writes to ever more memory.
pub(crate) fn hog() -> i32 {
    say!("app ready pid={}", sys::pid());
    let mut all = Vec::new();
    loop {
        all.push(vec![1u8; 1 << 20]);
        std::hint::black_box(&all);
    }
}

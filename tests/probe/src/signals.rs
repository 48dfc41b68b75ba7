//! Signal names, and the commands that send signals or die of them.

use crate::args::{Args, failed};
use crate::output::say;
use crate::sys;

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// A number from 1 to 64, or a name without `SIG`.
pub(crate) fn parse(text: &str) -> Option<i32> {
    match text.parse() {
        Ok(number) => (1..=64).contains(&number).then_some(number),
        Err(_) => NAMES.iter().position(|name| *name == text).map(|at| at as i32 + 1),
    }
}

/// `die SIGNAL`: ends by this signal, whatever was inherited.
pub(crate) fn die(args: &mut Args) -> i32 {
    let signal = args.signal();
    if signal != libc::SIGKILL && signal != libc::SIGSTOP {
        sys::set_ignored(signal, false).unwrap_or_else(|e| failed("sigaction", e));
    }
    sys::set_mask(0);
    sys::kill(sys::pid(), signal).unwrap_or_else(|e| failed("kill", e));
    say!("survived {signal}");
    0
}

/// `pause`: waits for ever with every signal at its default.
pub(crate) fn pause() -> i32 {
    sys::set_mask(0);
    say!("app ready pid={}", sys::pid());
    sys::pause()
}

/// `stop CODE`: stops itself; when somebody lets it go on, it ends with the code.
pub(crate) fn stop(args: &mut Args) -> i32 {
    say!("app ready pid={}", sys::pid());
    sys::kill(sys::pid(), libc::SIGSTOP).unwrap_or_else(|e| failed("kill", e));
    say!("app goes on");
    args.number()
}

/// `plain CODE`: touches no signal, reads a line and ends with the code.
pub(crate) fn plain(args: &mut Args) -> i32 {
    say!("app ready pid={}", sys::pid());
    while sys::read(0, &mut [0]).is_err_and(|e| e.kind() == std::io::ErrorKind::Interrupted) {}
    args.number()
}

/// `kill [--times N] PID SIGNAL...`: sends the signals in this order, all of them N times.
pub(crate) fn kill(args: &mut Args) -> i32 {
    let mut first = args.value();
    let mut times = 1;
    if first == "--times" {
        times = args.number();
        first = args.value();
    }
    let pid = first.parse().unwrap_or_else(|_| crate::args::usage("kill: the pid is not a number"));
    let mut signals = Vec::new();
    while !args.is_empty() {
        signals.push(args.signal());
    }
    for _ in 0..times {
        for signal in &signals {
            let sent = if *signal > 31 { sys::queue(pid, *signal) } else { sys::kill(pid, *signal) };
            sent.unwrap_or_else(|e| failed(&format!("signal {signal} to {pid}"), e));
        }
    }
    0
}

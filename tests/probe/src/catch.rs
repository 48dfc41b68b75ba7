//! Apps that print what reaches them: `NAME ready pid=… ppid=… pgid=… sid=… tpgid=…`, then `NAME got N from PID`.

use crate::args::{Args, failed};
use crate::output::say;
use crate::{crowd, signals, sys};

/// How a catcher ends.
struct Rule {
    /// The signal that ends it; 0 for none.
    last: i32,
    /// The exit code then.
    code: i32,
    /// Signals that keep their default action.
    default: u64,
}

impl Rule {
    /// `--last SIGNAL|none`, `--code N`, `--default SIGNAL`.
    fn parse(args: &mut Args) -> Self {
        let mut rule = Self { last: libc::SIGTERM, code: 0, default: 0 };
        while let Some(option) = args.option() {
            match option.as_str() {
                "--last" => rule.last = signals::parse(&args.value()).unwrap_or(0),
                "--code" => rule.code = args.number(),
                "--default" => rule.default |= sys::bit(args.signal()),
                _ => crate::args::usage(&format!("catch: unknown option {option}")),
            }
        }
        rule
    }
}

/// Blocks every signal and says that the process is ready for them.
fn ready(name: &str, rule: &Rule) {
    sys::set_mask(!rule.default);
    let (pid, parent, group, session) = (sys::pid(), sys::parent(), sys::group(), sys::session());
    say!("{name} ready pid={pid} ppid={parent} pgid={group} sid={session} tpgid={}", sys::foreground());
}

/// Prints every signal until the last one.
fn report(name: &str, rule: &Rule) -> i32 {
    loop {
        let Some(signal) = sys::take_signal(!rule.default, true) else { continue };
        if signal.number == libc::SIGCHLD && signal.code > 0 {
            // A child of its own ended; that is not a signal that somebody sent.
            while sys::wait(-1, libc::WNOHANG).is_ok_and(|(pid, _)| pid > 0) {}
            continue;
        }
        say!("{name} got {} from {}", signal.number, signal.sender);
        if signal.number == rule.last {
            return rule.code;
        }
    }
}

/// `catch`: prints every signal, ends on TERM or on `--last`.
pub(crate) fn run(args: &mut Args) -> i32 {
    let rule = Rule::parse(args);
    ready("app", &rule);
    report("app", &rule)
}

/// `stubborn`: prints every signal and goes on.
pub(crate) fn stubborn() -> i32 {
    let rule = Rule { last: 0, code: 0, default: 0 };
    ready("app", &rule);
    report("app", &rule)
}

/// A child that catches signals too; returns once it has said that it is ready. It does not keep `close` open.
pub(crate) fn child(name: &str, own_session: bool, last: i32, close: &[i32]) -> i32 {
    let (reader, writer) = sys::pipe();
    let pid = sys::fork();
    if pid == 0 {
        close.iter().copied().for_each(sys::close);
        if own_session {
            sys::setsid().unwrap_or_else(|e| failed("setsid", e));
        }
        let rule = Rule { last, code: 0, default: 0 };
        ready(name, &rule);
        sys::close(reader);
        sys::close(writer);
        sys::exit(report(name, &rule));
    }
    sys::close(writer);
    sys::readable(reader, -1);
    sys::close(reader);
    pid
}

/// `tree`: the app, a grandchild of the init in the app's group, and a stranger in a session of its own.
pub(crate) fn tree(args: &mut Args) -> i32 {
    let rule = Rule::parse(args);
    child("grandchild", false, libc::SIGTERM, &[]);
    child("stranger", true, libc::SIGTERM, &[]);
    ready("app", &rule);
    report("app", &rule)
}

/// `switch-user UID`: an app that its init may not signal any more.
pub(crate) fn switch_user(args: &mut Args) -> i32 {
    sys::become_user(args.number()).unwrap_or_else(|e| failed("setuid", e));
    let mut rule = Rule::parse(args);
    // The init's signals do not arrive, so the app ends when its stdin does.
    rule.last = libc::SIGTERM;
    ready("app", &rule);
    let mut byte = [0];
    while sys::read(0, &mut byte).is_ok_and(|n| n > 0) {}
    while let Some(signal) = sys::take_signal(!0, false) {
        say!("app got {} from {}", signal.number, signal.sender);
    }
    rule.code
}

/// `storm N`: counts N signals 40 while N orphans end; 0 when all arrived.
pub(crate) fn storm(args: &mut Args) -> i32 {
    let number: u32 = args.number();
    let rule = Rule { last: libc::SIGTERM, code: 0, default: sys::bit(libc::SIGCHLD) };
    ready("app", &rule);
    let mut left = number;
    let mut orphans = 0;
    while left > 0 {
        let Some(signal) = sys::take_signal(!rule.default, true) else { continue };
        match signal.number {
            40 => left -= 1,
            libc::SIGTERM => break,
            other => say!("app got {other} from {}", signal.sender),
        }
        if orphans < number {
            orphans += 1;
            crowd::orphan(|| sys::exit(0));
        }
    }
    say!("app counted {}", number - left);
    i32::from(left > 0)
}

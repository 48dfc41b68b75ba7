//! What an app can do to the descriptors that it shares with its init.

use crate::args::{Args, usage};
use crate::output::say;
use crate::sys;

/// `stdio closed|nonblocking|full`: closes stdin, stdout and stderr, makes them non-blocking, or fills stderr;
/// then waits for TERM and exits 7.
pub(crate) fn run(args: &mut Args) -> i32 {
    sys::set_mask(!0);
    match args.value().as_str() {
        "closed" => {
            say!("app ready pid={}", sys::pid());
            (0..3).for_each(sys::close);
        }
        "nonblocking" => {
            for fd in 0..3 {
                let _ = sys::set_nonblocking(fd, true);
            }
            say!("app ready pid={}", sys::pid());
        }
        "full" => {
            fill(2);
            say!("app ready pid={}", sys::pid());
        }
        _ => usage("stdio: unknown state"),
    }
    while sys::take_signal(!0, true).is_some_and(|signal| signal.number != libc::SIGTERM) {}
    7
}

/// Writes until nothing fits any more, and makes the pipe blocking again.
fn fill(fd: i32) {
    let _ = sys::set_nonblocking(fd, true);
    let bytes = [b'.'; 4096];
    while sys::write(fd, &bytes).is_ok() {}
    while sys::write(fd, b".").is_ok() {}
    let _ = sys::set_nonblocking(fd, false);
}

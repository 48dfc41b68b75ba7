//! `trace N -- COMMAND`: starts a command and prints its first N system calls, one `call NUMBER ARGUMENT...` a line,
//! then ends it. The probe is the tracer: no tool has to be installed for this.

use crate::args::{Args, failed, usage};
use crate::output::say;
use crate::sys;

/// Prints the calls; 0 when there were that many.
pub(crate) fn run(mut args: Args) -> i32 {
    let number: u32 = args.number();
    if args.option().is_some() {
        usage("trace: -- is missing");
    }
    let command = args.rest();
    let child = sys::fork();
    if child == 0 {
        sys::be_traced().unwrap_or_else(|e| failed("trace: ptrace", e));
        let e = sys::exec(&command);
        failed("trace: exec", e);
    }
    let stopped = |(_, status): (i32, i32)| libc::WIFSTOPPED(status);
    // The first stop is that of exec itself.
    let _ = sys::wait(child, 0);
    sys::trace_calls(child).unwrap_or_else(|e| failed("trace: options", e));
    let mut left = number;
    while left > 0 && sys::next_call(child).is_ok() && sys::wait(child, 0).is_ok_and(stopped) {
        let Some(call) = sys::entered_call(child) else { continue };
        let words: Vec<_> = call.iter().map(|word| format!("{word:x}")).collect();
        say!("call {}", words.join(" "));
        if let Some(mask) = sys::new_mask(child, &call) {
            say!("mask {mask:x}");
        }
        left -= 1;
    }
    let _ = sys::kill(child, libc::SIGKILL);
    i32::from(left > 0)
}

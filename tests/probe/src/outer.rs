//! `outer`: the PID 1 of a namespace in which the init under test is not PID 1, as under `docker --init` or in a
//! pod with a shared PID namespace. It never signals anybody.

use std::fs;

use crate::args::Args;
use crate::output::say;
use crate::{catch, sys};

/// Runs a command, reaps whatever comes, and ends as the command does. Who is still there then is printed as
/// `outer left NAME`, and dies with the namespace. With `--sibling` there is another process that prints its signals.
pub(crate) fn run(mut args: Args) -> i32 {
    let mut with_sibling = false;
    while let Some(option) = args.option() {
        match option.as_str() {
            "--sibling" => with_sibling = true,
            _ => crate::args::usage("outer: unknown option"),
        }
    }
    let command = args.rest();
    let (reader, writer) = sys::pipe();
    let main = sys::fork();
    if main == 0 {
        // The first child is the init, so that the tests can tell; it starts once the sibling is ready.
        sys::close(writer);
        sys::readable(reader, -1);
        sys::close(reader);
        let e = sys::exec(&command);
        crate::args::failed("outer", e);
    }
    sys::close(reader);
    let sibling = if with_sibling { catch::child("sibling", true, 0, &[writer]) } else { 0 };
    sys::close(writer);
    let status = loop {
        match sys::wait(-1, 0) {
            Ok((pid, status)) if pid == main => break status,
            Ok(_) => {}
            Err(e) => crate::args::failed("outer: wait", e),
        }
    };
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).unwrap_or(1);
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // A zombie is about to be reaped: it is gone for all that matters.
        if pid != 1 && pid != sibling && !stat.contains(") Z ") {
            say!("outer left {}", stat.split(' ').take(2).collect::<Vec<_>>().join(" "));
        }
    }
    if sibling != 0
        && fs::read_to_string(format!("/proc/{sibling}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    {
        say!("outer sibling lives");
    }
    if libc::WIFEXITED(status) {
        return libc::WEXITSTATUS(status);
    }
    eprintln!("outer: the init was killed by signal {}", libc::WTERMSIG(status));
    200
}

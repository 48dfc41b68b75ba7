//! `state`: prints what a process inherits, one `name value` a line, then `end`.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::output::say;
use crate::sys;

/// Prints everything and exits 0.
pub(crate) fn run() -> i32 {
    say!("pid {}", sys::pid());
    say!("ppid {}", sys::parent());
    say!("pgid {}", sys::group());
    say!("sid {}", sys::session());
    say!("tpgid {}", sys::foreground());
    say!("ids {:?}", sys::ids());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (key, name) in [("SigBlk:", "blocked"), ("SigIgn:", "ignored"), ("Groups:", "groups")] {
        if let Some(value) = status.lines().find_map(|line| line.strip_prefix(key)) {
            say!("{name} {}", value.trim());
        }
    }
    let mut descriptors: Vec<_> = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<i32>().ok()?, fs::read_link(entry.path()).ok()?))
        })
        // The directory that is being read is not part of what was inherited.
        .filter(|(_, target)| !target.ends_with("fd"))
        .collect();
    descriptors.sort();
    for (fd, target) in descriptors {
        say!("fd {fd} {}", target.display());
    }
    say!("cwd {}", std::env::current_dir().unwrap_or_default().display());
    let mask = sys::umask(0);
    sys::umask(mask);
    say!("umask {mask:03o}");
    for resource in 0..16 {
        let (soft, hard) = sys::limit(resource);
        say!("rlimit {resource} {soft} {hard}");
    }
    let oom = fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
    say!("oom_score_adj {}", oom.trim());
    for (key, value) in std::env::vars_os() {
        say!("env {}={}", key.as_bytes().escape_ascii(), value.as_bytes().escape_ascii());
    }
    say!("end");
    0
}

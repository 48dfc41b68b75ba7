//! `launch`: sets the state in which an init is to start, and becomes it.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::IntoRawFd;
use std::path::Path;

use crate::args::{Args, failed, usage};
use crate::{signals, sys};

/// What to set, in the order in which it must be set.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are options")]
struct Plan {
    cgroups: Vec<String>,
    mounts: Vec<(String, String)>,
    terminal: bool,
    background: bool,
    open: BTreeMap<i32, String>,
    close: Vec<i32>,
    limits: Vec<(i32, u64)>,
    oom_score_adj: Option<String>,
    deny_subreaper: bool,
    deny_signalfd: bool,
    drop_capabilities: Vec<u32>,
    no_new_privileges: bool,
    uid: Option<u32>,
    directory: Option<String>,
    umask: Option<u32>,
    listen: Option<String>,
    child: bool,
    blocked: u64,
    ignored: Vec<i32>,
}

/// Takes the options up to `--`, sets all that they say, and executes the rest.
pub(crate) fn run(mut args: Args) -> i32 {
    let plan = parse(&mut args);
    let command = args.rest();
    plan.carry_out().unwrap_or_else(|(what, e)| failed(&format!("launch: {what}"), e));
    failed(&format!("launch: {}", command[0].display()), sys::exec(&command))
}

fn parse(args: &mut Args) -> Plan {
    let mut plan = Plan::default();
    while let Some(option) = args.option() {
        match option.as_str() {
            // The directory of a cgroup to join.
            "--cgroup" => plan.cgroups.push(args.value()),
            // In a mount namespace of its own, in the order given:
            "--foreign-proc" | "--tmpfs" | "--noexec" | "--empty-proc" | "--bare-dev" | "--read-only"
            | "--bind" | "--overlay" => {
                let value = match option.as_str() {
                    "--tmpfs" | "--noexec" | "--bind" | "--overlay" => args.value(),
                    _ => String::new(),
                };
                plan.mounts.push((option, value));
            }
            // A new session whose terminal is stdin; in the background of it with --background.
            "--terminal" => plan.terminal = true,
            "--background" => plan.background = true,
            // FD=PATH, and descriptors to close.
            "--open" => {
                let value = args.value();
                let (fd, path) = value.split_once('=').unwrap_or_else(|| usage("--open FD=PATH"));
                plan.open.insert(fd.parse().unwrap_or_else(|_| usage("--open FD=PATH")), path.to_owned());
            }
            "--close" => plan.close.push(args.number()),
            "--limit" => plan.limits.push((args.number(), args.number())),
            "--oom-score-adj" => plan.oom_score_adj = Some(args.value()),
            "--deny-signalfd" => plan.deny_signalfd = true,
            // All capabilities but these, by number.
            "--only-capabilities" => {
                let kept: Vec<u32> = args.value().split(',').filter_map(|word| word.parse().ok()).collect();
                // SETPCAP goes last: it is what lets the others go.
                let all = (0..=40).filter(|capability| *capability != 8).chain([8]);
                plan.drop_capabilities.extend(all.filter(|capability| !kept.contains(capability)));
            }
            "--deny-subreaper" => plan.deny_subreaper = true,
            "--drop-capability" => plan.drop_capabilities.push(args.number()),
            "--no-new-privileges" => plan.no_new_privileges = true,
            "--uid" => plan.uid = Some(args.number()),
            "--directory" => plan.directory = Some(args.value()),
            "--umask" => plan.umask = u32::from_str_radix(&args.value(), 8).ok(),
            // Socket activation: LISTEN_PID is this process, as systemd would set it.
            "--listen" => plan.listen = Some(args.value()),
            // A child that the init will find it has.
            "--child" => plan.child = true,
            "--block" => {
                for name in args.value().split(',') {
                    plan.blocked |= if name == "all" { !0 } else { sys::bit(signal(name)) };
                }
            }
            "--ignore" => plan.ignored.extend(args.value().split(',').map(signal)),
            _ => usage(&format!("launch: unknown option {option}")),
        }
    }
    plan
}

fn signal(name: &str) -> i32 {
    signals::parse(name).unwrap_or_else(|| usage(&format!("launch: {name} is not a signal")))
}

/// A step that failed: its name and the reason.
type Failure = (&'static str, std::io::Error);

impl Plan {
    fn carry_out(self) -> Result<(), Failure> {
        for cgroup in &self.cgroups {
            fs::write(Path::new(cgroup).join("cgroup.procs"), "0").map_err(|e| ("join the cgroup", e))?;
        }
        if !self.mounts.is_empty() {
            sys::private_mounts().map_err(|e| ("mount namespace", e))?;
        }
        for (kind, place) in &self.mounts {
            change_mounts(kind, place).map_err(|e| ("mount", e))?;
        }
        if let Some(value) = &self.oom_score_adj {
            fs::write("/proc/self/oom_score_adj", value).map_err(|e| ("oom_score_adj", e))?;
        }
        if self.terminal {
            sys::setsid().map_err(|e| ("setsid", e))?;
            sys::take_terminal().map_err(|e| ("take the terminal", e))?;
        }
        if self.background {
            let child = sys::fork();
            if child != 0 {
                // The leader stays in the foreground and ends as its child does.
                let (_, status) = sys::wait(child, 0).map_err(|e| ("wait", e))?;
                sys::exit(if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 99 });
            }
            sys::set_group(0, 0).map_err(|e| ("setpgid", e))?;
        }
        for (resource, value) in &self.limits {
            sys::set_limit(*resource, *value).map_err(|e| ("setrlimit", e))?;
        }
        // What this test happens to have open is no part of the state.
        sys::close_above(2);
        for (fd, path) in &self.open {
            let file = fs::OpenOptions::new().read(true).write(true).open(path).map_err(|e| ("open", e))?;
            // A copy has no close-on-exec flag; from a high number, so that it is one.
            let opened = file.into_raw_fd();
            let high = sys::dup_above(opened, 50).map_err(|e| ("dup", e))?;
            sys::close(opened);
            sys::dup2(high, *fd).map_err(|e| ("dup2", e))?;
            sys::close(high);
        }
        if self.deny_signalfd {
            sys::deny(libc::SYS_signalfd4, None).map_err(|e| ("seccomp", e))?;
        }
        if self.deny_subreaper {
            sys::deny_subreaper().map_err(|e| ("seccomp", e))?;
        }
        for capability in &self.drop_capabilities {
            sys::drop_capability(*capability).map_err(|e| ("drop a capability", e))?;
        }
        if self.no_new_privileges {
            sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(|e| ("no_new_privs", e))?;
        }
        if let Some(uid) = self.uid {
            sys::become_user(uid).map_err(|e| ("become another user", e))?;
            // Another user has lost what unshare's --kill-child has set.
            sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL).map_err(|e| ("pdeathsig", e))?;
        }
        if let Some(directory) = &self.directory {
            std::env::set_current_dir(directory).map_err(|e| ("chdir", e))?;
        }
        if let Some(mask) = self.umask {
            sys::umask(mask);
        }
        if let Some(fds) = &self.listen {
            sys::set_variable("LISTEN_PID", &sys::pid().to_string());
            sys::set_variable("LISTEN_FDS", fds);
        }
        if self.child && sys::fork() == 0 {
            // It lives until the init's stdin is at its end, then exits with a code that nobody asked for.
            let mut byte = [0];
            while sys::read(0, &mut byte).is_ok_and(|n| n > 0) {}
            sys::exit(55);
        }
        // Not what the test's own start has left: musl's posix_spawn ignores 32 and 33.
        for signal in (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal)) {
            sys::set_ignored(signal, false).map_err(|e| ("default action", e))?;
        }
        for signal in &self.ignored {
            sys::set_ignored(*signal, true).map_err(|e| ("ignore", e))?;
        }
        self.close.iter().copied().for_each(sys::close);
        sys::set_mask(self.blocked);
        Ok(())
    }
}

fn change_mounts(kind: &str, place: &str) -> std::io::Result<()> {
    let (none, at) = (Path::new("none"), Path::new(place));
    match kind {
        "--tmpfs" => sys::mount(none, at, "tmpfs", 0, "mode=755"),
        "--noexec" => {
            sys::mount(at, at, "none", libc::MS_BIND, "")?;
            sys::mount(none, at, "none", libc::MS_BIND | libc::MS_REMOUNT | libc::MS_NOEXEC, "")
        }
        // What is below the namespace's own: that of the namespace around it.
        "--foreign-proc" => sys::unmount(c"/proc"),
        "--empty-proc" => sys::mount(none, Path::new("/proc"), "tmpfs", libc::MS_RDONLY, "mode=555"),
        // Only /dev/null and an empty termination log: no tty, no full, no pts.
        "--bare-dev" => {
            let keep = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
            sys::mount(none, Path::new("/dev"), "tmpfs", 0, "mode=755")?;
            fs::write("/dev/null", "")?;
            let null = format!("/proc/self/fd/{}", keep.into_raw_fd());
            sys::mount(Path::new(&null), Path::new("/dev/null"), "none", libc::MS_BIND, "")?;
            fs::write("/dev/termination-log", "")
        }
        "--read-only" => sys::make_all_read_only(),
        // SOURCE=TARGET: what is in SOURCE appears in TARGET too.
        "--overlay" => {
            let (source, target) = place.split_once('=').unwrap_or_else(|| usage("--overlay SOURCE=TARGET"));
            sys::mount(
                none,
                Path::new(target),
                "overlay",
                libc::MS_RDONLY,
                &format!("lowerdir={source}:{target}"),
            )
        }
        // SOURCE=TARGET: SOURCE takes the place of TARGET.
        _ => {
            let (source, target) = place.split_once('=').unwrap_or_else(|| usage("--bind SOURCE=TARGET"));
            sys::mount(Path::new(source), Path::new(target), "none", libc::MS_BIND, "")
        }
    }
}

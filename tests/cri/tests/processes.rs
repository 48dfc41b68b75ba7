//! Processes of a pod, as `/proc` of this machine shows them.

use std::fs;
use std::path::{Path, PathBuf};

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// `S`, `Z`...
    pub(crate) state: char,
    parent: i32,
    /// The program's name; of a zombie too.
    pub(crate) name: String,
    pub(crate) started: u64,
}

impl Process {
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = text.rsplit_once(") ")?;
        let fields: Vec<_> = after.split(' ').collect();
        Some(Self {
            pid,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            name: before.split_once(" (")?.1.to_owned(),
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// How many kilobytes of memory it has that are no file's.
    pub(crate) fn anonymous_memory(&self) -> i64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("a process that lives");
        let value = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
        value.trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("a process that lives").count()
    }
}

/// All processes of the machine.
fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
}

/// The pids of a process's children.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    all().filter(|process| process.parent == pid).map(|process| process.pid).collect()
}

/// The directory of a cgroup, of the memory controller where each has a hierarchy of its own.
pub(crate) fn cgroup(name: &str) -> PathBuf {
    let top = Path::new("/sys/fs/cgroup");
    let old = top.join("memory");
    if old.is_dir() { old.join(name) } else { top.join(name) }
}

/// How many bytes of memory a cgroup's processes have that are no file's, and not the server's shared memory.
pub(crate) fn anonymous_memory(cgroup: &Path) -> i64 {
    let text = fs::read_to_string(cgroup.join("memory.stat")).expect("the memory controller");
    let value =
        text.lines().find_map(|line| line.strip_prefix("rss ").or_else(|| line.strip_prefix("anon ")));
    value.expect("rss or anon").parse().expect("a number")
}

/// The first process of a cgroup: of a container's, its entry point.
pub(crate) fn first_of(cgroup: &Path) -> Process {
    let pids = fs::read_to_string(cgroup.join("cgroup.procs"))
        .unwrap_or_else(|e| panic!("{}: {e}", cgroup.display()));
    let members = pids.lines().filter_map(|pid| Process::read(pid.parse().ok()?));
    members.min_by_key(|process| process.started).expect("a process in the container's cgroup")
}

/// Everything in the PID namespace of this process, zombies too, which are in no cgroup any more.
pub(crate) fn in_namespace_of(pid: i32) -> Vec<Process> {
    let namespace = |pid| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let wanted = namespace(pid).expect("a process that lives");
    all().filter(|process| namespace(process.pid).as_ref() == Some(&wanted)).collect()
}

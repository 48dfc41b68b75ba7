//! What the cgroup of the init says about memory, as far as it can be read from here.

use std::fs;

/// The memory of a container; what is not known is none.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Memory {
    /// Bytes in use, the page cache included.
    pub(super) current: Option<u64>,
    /// The limit in bytes; none without one.
    pub(super) limit: Option<u64>,
    /// How many processes the OOM killer has killed.
    pub(super) oom_kills: Option<u64>,
}

/// Of the cgroup that this process is in.
pub(super) fn of(pid: i32) -> Memory {
    let own = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let mut places = Vec::new();
    for line in own.lines() {
        // "0::/path" is v2, "9:memory:/path" v1.
        let mut fields = line.splitn(3, ':').skip(1);
        match (fields.next(), fields.next()) {
            (Some(""), Some(path)) => places.push(format!("/sys/fs/cgroup{path}")),
            (Some(names), Some(path)) if names.split(',').any(|name| name == "memory") => {
                places.push(format!("/sys/fs/cgroup/memory{path}"));
            }
            _ => {}
        }
    }
    // In a container the cgroup's own directory is mounted at the top, whatever /proc says.
    places.extend(["/sys/fs/cgroup".to_owned(), "/sys/fs/cgroup/memory".to_owned()]);
    places.iter().find_map(|place| read(place)).unwrap_or_default()
}

fn read(place: &str) -> Option<Memory> {
    let text = |file: &str| fs::read_to_string(format!("{place}/{file}")).ok();
    let number = |file: &str| text(file)?.trim().parse::<u64>().ok();
    let current = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
    let events = text("memory.events").or_else(|| text("memory.oom_control")).unwrap_or_default();
    // v1 has a number near the largest in place of "max".
    let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"));
    Some(Memory {
        current: Some(current),
        limit: limit.filter(|limit| *limit < 1 << 60),
        oom_kills: events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()),
    })
}

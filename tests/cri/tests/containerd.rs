//! A private containerd: own root, state, socket and configuration in a temporary directory.
//!
//! It runs in PID, mount and network namespaces of its own. So its death is the death of every shim and container, no mount
//! of theirs is seen outside, and a pod on the "host's" network shares no port with this machine.
//! When this process itself is killed the directory, empty cgroups and the sandbox's image stay, and no process.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::images::Images;
use crate::{DEADLINE, processes};

/// The running daemon, with the images imported. Dropped: all that it started is dead and all that it wrote is gone.
pub(crate) struct Containerd {
    directory: TempDir,
    images: Images,
    outside: Child,
}

impl Containerd {
    pub(crate) fn start() -> Self {
        assert!(rustix::process::geteuid().is_root(), "these tests start containers: run them as root");
        let images = Images::prepare();
        let directory = tempfile::Builder::new().prefix("wrapper-cri-").tempdir().expect("a directory");
        let mut containerd = Self { outside: spawn(directory.path(), &images), directory, images };
        containerd.wait_until_booted();
        containerd.images.import(&containerd.socket());
        containerd
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("containerd.sock")
    }

    /// The place for whatever pods need on the host.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn images(&self) -> &Images {
        &self.images
    }

    /// The parent of all its containers' cgroups: a name in the top directory of each hierarchy.
    pub(crate) fn cgroup(&self) -> &str {
        self.directory.path().file_name().and_then(|name| name.to_str()).expect("a name in UTF-8")
    }

    /// It says so in its log, which goes on into a file.
    fn wait_until_booted(&mut self) {
        let pipe = BufReader::new(self.outside.stderr.take().expect("a pipe"));
        let path = self.directory.path().join("containerd.log");
        let mut log = fs::File::create(&path).expect("the log");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in pipe.lines().map_while(Result::ok) {
                // A log that cannot be written is no reason to stop reading.
                let _ = writeln!(log, "{line}");
                if line.contains("containerd successfully booted") {
                    let _ = sender.send(());
                }
            }
        });
        let booted = receiver.recv_timeout(DEADLINE).is_ok();
        assert!(booted, "containerd did not start:\n{}", fs::read_to_string(&path).unwrap_or_default());
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // The first process of its PID namespace: the kernel lets it go when all others in there are dead and reaped.
        for first in processes::children(self.outside.id() as i32) {
            let _ = kill_process(Pid::from_raw(first).expect("a pid"), Signal::KILL);
        }
        let _ = self.outside.wait();
        remove_cgroups(self.cgroup());
    }
}

/// Killed with this process, whatever becomes of it.
fn spawn(directory: &Path, images: &Images) -> Child {
    let configuration = directory.join("config.toml");
    fs::write(&configuration, configuration_of(directory, images)).expect("write the configuration");
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "unshare", "--mount", "--pid", "--net", "--fork"]);
    command.args(["--kill-child", "--mount-proc", "--", "sh", "-c"]);
    // On /run of its own: the sockets of its shims.
    command
        .arg("ip link set lo up && mount -t tmpfs tmpfs /run && exec containerd --config \"$1\"")
        .arg("sh");
    command.arg(configuration).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("start setpriv, unshare and containerd: scripts/setup.sh test installs them")
}

fn configuration_of(directory: &Path, images: &Images) -> String {
    let directory = directory.display();
    let pause = images.pause();
    format!(
        r#"version = 2
root = "{directory}/root"
state = "/run/containerd/state"

[grpc]
address = "{directory}/containerd.sock"

# For a host that is itself a container: it may lower no OOM score, and often has no controller for huge pages.
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
disable_hugetlb_controller = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"#
    )
}

/// A cgroup of this name in every hierarchy, with those inside.
fn remove_cgroups(name: &str) {
    let top = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(top).into_iter().flatten().flatten().map(|entry| entry.path());
    for hierarchy in hierarchies.chain([top.to_owned()]) {
        remove_cgroup(&hierarchy.join(name));
    }
}

fn remove_cgroup(directory: &Path) {
    for inner in fs::read_dir(directory).into_iter().flatten().flatten() {
        if inner.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&inner.path());
        }
    }
    match fs::remove_dir(directory) {
        Err(e) if e.kind() != ErrorKind::NotFound && e.kind() != ErrorKind::NotADirectory => {
            eprintln!("{}: {e}", directory.display());
        }
        _ => {}
    }
}

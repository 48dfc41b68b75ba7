//! The programs that the tests start: the wrapper and the probe as built, and the system's tools. What is missing
//! fails the test with what to install.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the two own programs are, readable for every uid.
pub(crate) struct Programs {
    pub(crate) wrapper: String,
    pub(crate) probe: String,
}

/// The target directory, of which the wrapper is `TRIPLE/PROFILE/wrapper`.
pub(crate) fn target_directory() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wrapper")).ancestors().nth(3).expect("TARGET/TRIPLE/PROFILE/wrapper")
}

/// Builds the probe and copies both programs to a place that a random uid can reach (a home directory often is not).
pub(crate) fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        check_namespaces();
        let built = Path::new(env!("CARGO_BIN_EXE_wrapper"));
        let profile = built.parent().expect("TARGET/TRIPLE/PROFILE/wrapper");
        let triple = profile.parent().expect("a target triple");
        build_probe(triple, profile);
        let mut hash = DefaultHasher::new();
        profile.hash(&mut hash);
        let place = std::env::temp_dir().join(format!("wrapper-it-{:x}", hash.finish()));
        fs::create_dir_all(&place).expect("create a directory for the programs");
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).expect("chmod");
        let install = |program: &str| {
            let (target, new) =
                (place.join(program), place.join(format!("{program}.{}", std::process::id())));
            fs::copy(profile.join(program), &new).expect("copy a program");
            fs::rename(&new, &target).expect("rename a program");
            target.to_str().expect("a path in UTF-8").to_owned()
        };
        Programs { wrapper: install("wrapper"), probe: install("probe") }
    })
}

fn check_namespaces() {
    assert!(rustix::process::geteuid().is_root(), "these tests start PID 1s: run them as root");
    let tried = Command::new(tool("unshare")).args(["--pid", "--fork", "--mount-proc", "true"]).status();
    let hint = "run these tests on a host or a virtual machine, or in a container with --privileged";
    assert!(tried.expect("start unshare").success(), "no PID and mount namespaces can be made here: {hint}");
}

fn build_probe(triple: &Path, profile: &Path) {
    let name = if profile.ends_with("debug") { "dev" } else { "release" };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package=probe", "--profile", name, "--target"])
        .arg(triple.file_name().expect("a target triple"))
        .arg("--target-dir")
        .arg(target_directory())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.expect("start cargo").success(), "cargo could not build the probe");
}

/// The Debian package of each tool.
const PACKAGES: &[(&str, &str)] = &[
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("mkfifo", "coreutils"),
    ("bash", "bash"),
    ("bats", "bats"),
    ("env", "coreutils"),
    ("tini", "tini"),
    ("tini-static", "tini"),
    ("dumb-init", "dumb-init"),
    ("catatonit", "catatonit"),
    ("qemu-aarch64-static", "qemu-user-static"),
];

/// The path of a system tool.
pub(crate) fn tool(name: &str) -> String {
    let package = PACKAGES.iter().find(|(tool, _)| *tool == name).map_or(name, |(_, package)| package);
    let path: PathBuf = which::which(name)
        .unwrap_or_else(|_| panic!("{name} is missing: install it with `apt-get install {package}`"));
    path.to_str().expect("a path in UTF-8").to_owned()
}

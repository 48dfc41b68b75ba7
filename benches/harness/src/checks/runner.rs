//! The runners, how each is called, and the checks they run.
//!
//! Contract: all of them run the same files one after the other, but for [`Runner::WrapperDefault`].

use crate::bench::Bench;
use crate::subject::{Call, c_strings};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The suite that the checks are in.
const SUITE: &str = "bench";

/// Checks as each runner wants them.
pub(crate) struct Checks {
    /// What `WRAPPER_CONFIG_DIR` names.
    location: PathBuf,
    /// The files.
    folder: PathBuf,
    /// A bats file whose tests run them.
    bats: PathBuf,
}

impl Checks {
    /// `count` files with this content, in a folder of `work` called `name`.
    pub(crate) fn write(work: &Path, name: &str, count: usize, content: &str) -> io::Result<Self> {
        let location = work.join(name);
        let folder = location.join("tests").join(SUITE);
        fs::create_dir_all(&folder)?;
        let mut tests = String::new();
        for number in 0..count {
            let file = folder.join(format!("{number:04}-check.sh"));
            fs::write(&file, content)?;
            fs::set_permissions(&file, PermissionsExt::from_mode(0o755))?;
            let _ = writeln!(tests, "@test \"check {number}\" {{ {}; }}", file.display());
        }
        let bats = location.join("checks.bats");
        fs::write(&bats, tests)?;
        Ok(Self { location, folder, bats })
    }
}

/// One column of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Runner {
    /// `wrapper test --jobs 1`, which reports each check.
    Wrapper,
    /// The same with `--format silent`.
    WrapperSilent,
    /// With the default number of files at the same time.
    WrapperDefault,
    /// [`super::launcher`].
    Launcher,
    ShLoop,
    RunParts,
    Bats,
}

impl Runner {
    pub(crate) const ALL: [Self; 7] = [
        Self::Wrapper,
        Self::WrapperSilent,
        Self::WrapperDefault,
        Self::Launcher,
        Self::ShLoop,
        Self::RunParts,
        Self::Bats,
    ];

    /// What the column is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wrapper => "wrapper",
            Self::WrapperSilent => "wrapper, silent",
            Self::WrapperDefault => "wrapper, 4 jobs",
            Self::Launcher => "launcher",
            Self::ShLoop => "sh",
            Self::RunParts => "run-parts",
            Self::Bats => "bats",
        }
    }

    /// How to run `checks`; None when the program was not given.
    pub(crate) fn call(self, bench: &Bench, checks: &Checks) -> io::Result<Option<Call>> {
        let program = if self == Self::Launcher {
            Some(bench.own.clone())
        } else {
            let wanted = self.name().split(',').next();
            let found = bench.installed.iter().find(|subject| Some(subject.name.as_str()) == wanted);
            found.map(|subject| subject.file.clone())
        };
        let Some(program) = program else { return Ok(None) };
        let mut argv: Vec<OsString> = vec![program.into()];
        let mut add = |words: &[&str]| argv.extend(words.iter().map(OsString::from));
        match self {
            Self::Wrapper => add(&["test", SUITE, "--jobs", "1"]),
            Self::WrapperSilent => add(&["test", SUITE, "--jobs", "1", "--format", "silent"]),
            Self::WrapperDefault => add(&["test", SUITE]),
            Self::Launcher => add(&["launch"]),
            Self::ShLoop => add(&["-c", "for check in \"$1\"/*; do \"$check\"; done", "sh"]),
            Self::RunParts => add(&["--regex", "[.]sh$"]),
            Self::Bats => {}
        }
        match self {
            Self::Wrapper | Self::WrapperSilent | Self::WrapperDefault => {}
            Self::Bats => argv.push(checks.bats.clone().into()),
            _ => argv.push(checks.folder.clone().into()),
        }
        let mut config_dir = OsString::from("WRAPPER_CONFIG_DIR=");
        config_dir.push(&checks.location);
        let envp = ["PATH=/usr/bin:/bin".into(), "HOME=/tmp".into(), "TERM=dumb".into(), config_dir];
        Ok(Some(Call { argv: c_strings(&argv)?, envp: c_strings(&envp)? }))
    }
}

//! Which init to start, where, as whom, in what state, and with what options.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::process::{DEADLINE, Process};
use super::running::Running;
use super::tools::{programs, tool};
use super::tree::Tree;

/// The inits that the tests know how to start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Wrapper,
    Tini,
    TiniStatic,
    DumbInit,
    Catatonit,
}

impl Kind {
    /// The name of the program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wrapper => "wrapper",
            Self::Tini => "tini",
            Self::TiniStatic => "tini-static",
            Self::DumbInit => "dumb-init",
            Self::Catatonit => "catatonit",
        }
    }
}

/// What the init is in its PID namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// PID 1.
    Pid1,
    /// A child of another PID 1, and allowed to become a subreaper.
    Subreaper,
    /// The same where `prctl(PR_SET_CHILD_SUBREAPER)` fails.
    Neither,
}

/// Who starts the init.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum User {
    Root,
    /// A uid and gid without any entry in /etc/passwd and without capabilities.
    Uid(u32),
}

impl User {
    /// A uid that nobody has.
    pub(crate) fn random() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        Self::Uid(100_000 + now.subsec_nanos() % 1_000_000)
    }
}

/// Whom forwarded signals reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Pid,
    Group,
    All,
}

/// An init to start; nothing happens before `start`, `app`, `raw` or `sweep`.
#[derive(Clone)]
#[must_use]
pub(crate) struct Init {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    user: User,
    launch: Vec<String>,
    outer: Vec<String>,
    flags: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    deadline: Duration,
    quick: bool,
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Init {
    /// This init as PID 1, started by root.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            place: Place::Pid1,
            user: User::Root,
            launch: Vec::new(),
            outer: Vec::new(),
            flags: Vec::new(),
            environment: Vec::new(),
            deadline: DEADLINE,
            quick: false,
        }
    }

    /// The wrapper as PID 1, started by root.
    pub(crate) fn wrapper() -> Self {
        Self::new(Kind::Wrapper)
    }

    pub(crate) fn place(self, place: Place) -> Self {
        Self { place, ..self }
    }

    pub(crate) fn user(self, user: User) -> Self {
        Self { user, ..self }
    }

    /// How long anything may take before the test fails.
    pub(crate) fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// For a comparison: few rounds in a sweep, and little patience.
    pub(crate) fn quick(self) -> Self {
        Self { quick: true, deadline: Duration::from_secs(4), ..self }
    }

    /// Options of `probe launch`: the state in which the init starts.
    pub(crate) fn launch(mut self, options: &[&str]) -> Self {
        self.launch.extend(owned(options));
        self
    }

    /// Options of `probe outer`: the PID 1 around an init that is not.
    pub(crate) fn outer(mut self, options: &[&str]) -> Self {
        self.outer.extend(owned(options));
        self
    }

    /// An option of the init itself.
    pub(crate) fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Whom signals reach, in each init's own spelling.
    pub(crate) fn target(self, target: Target) -> Self {
        match (self.kind, target) {
            (Kind::Wrapper, Target::Pid) => self.flag("--target=pid"),
            (Kind::Wrapper, Target::Group) => self.flag("--target=group"),
            (Kind::Wrapper, Target::All) => self.flag("--target=all"),
            (Kind::DumbInit, Target::Pid) => self.flag("-c"),
            (Kind::Tini | Kind::TiniStatic | Kind::Catatonit, Target::Group) => self.flag("-g"),
            (Kind::DumbInit, Target::Group) | (_, Target::Pid) => self,
            (kind, Target::All) => panic!("{kind:?} has no such target"),
        }
    }

    /// An environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// One of any bytes.
    pub(crate) fn env_bytes(mut self, name: &[u8], value: &[u8]) -> Self {
        let [name, value] = [name, value].map(|bytes| OsStr::from_bytes(bytes).to_owned());
        self.environment.push((name, value));
        self
    }

    /// The tree in which the wrapper looks for its files.
    pub(crate) fn tree(self, tree: &Tree) -> Self {
        self.env("WRAPPER_CONFIG_DIR", &tree.path("")).env("PROBE", &programs().probe)
    }

    /// The init's own path.
    fn program(&self) -> String {
        match self.kind {
            Kind::Wrapper => programs().wrapper.clone(),
            peer => tool(peer.name()),
        }
    }

    /// The init with its options, up to the command.
    pub(crate) fn argv(&self) -> Vec<String> {
        let mut argv = vec![self.program()];
        if self.kind == Kind::Wrapper {
            argv.push("exec".to_owned());
        }
        if matches!(self.kind, Kind::Tini | Kind::TiniStatic) && self.place == Place::Subreaper {
            argv.push("-s".to_owned());
        }
        argv.extend(self.flags.iter().cloned());
        argv.push("--".to_owned());
        argv
    }

    /// A command in its namespaces, behind the outer PID 1 and the launcher with its options.
    fn command(&self, user: User, command: Vec<String>) -> Command {
        let mut argv = vec![tool("unshare")];
        argv.extend(owned(&["--pid", "--fork", "--kill-child", "--mount-proc", "--"]));
        let probe = &programs().probe;
        if self.place != Place::Pid1 {
            argv.extend([probe.clone(), "outer".to_owned()]);
            argv.extend(self.outer.iter().cloned());
            argv.push("--".to_owned());
        }
        argv.extend([probe.clone(), "launch".to_owned()]);
        if self.place == Place::Neither {
            argv.push("--deny-subreaper".to_owned());
        }
        argv.extend(self.launch.iter().cloned());
        if let User::Uid(uid) = user {
            argv.extend(["--uid".to_owned(), uid.to_string()]);
        }
        argv.push("--".to_owned());
        argv.extend(command);
        let mut command = Process::command(&argv);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the init with this command under it.
    pub(crate) fn start(self, app: &[&str]) -> Running {
        self.start_with(app, |_| {})
    }

    /// The same; `change` may give other descriptors than pipes.
    pub(crate) fn start_with(self, app: &[&str], change: impl FnOnce(&mut Command)) -> Running {
        let mut rest = self.argv();
        rest.extend(owned(app));
        self.start_words(rest, change)
    }

    /// Starts the init with the probe as the app.
    pub(crate) fn app(self, arguments: &[&str]) -> Running {
        let mut app = vec![programs().probe.as_str()];
        app.extend(arguments);
        self.start(&app)
    }

    /// Starts the wrapper with exactly these arguments.
    pub(crate) fn raw(self, arguments: &[&str]) -> Running {
        self.raw_with(arguments, |_| {})
    }

    /// The same; `change` may give other descriptors than pipes.
    pub(crate) fn raw_with(self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Running {
        let mut rest = vec![self.program()];
        rest.extend(owned(arguments));
        self.start_words(rest, change)
    }

    /// Starts the command in the same way, but without an init: what it inherits is what the init inherits.
    pub(crate) fn without(self, app: &[&str]) -> Running {
        self.start_words(owned(app), |_| {})
    }

    fn start_words(self, words: Vec<String>, change: impl FnOnce(&mut Command)) -> Running {
        let mut command = self.command(self.user, words);
        change(&mut command);
        Running::new(Process::start(command, self.deadline), self.place, self.user)
    }

    /// Starts the init many times (see the probe's `sweep`): fails when any of them ends in a wrong way.
    pub(crate) fn sweep(self, kind: &str, rounds: u32) {
        self.sweep_with(kind, rounds, &[]);
    }

    /// The same with more options.
    pub(crate) fn sweep_with(self, kind: &str, rounds: u32, options: &[&str]) {
        let rounds = if self.quick { rounds.div_ceil(20) } else { rounds };
        let mut words = vec![programs().probe.clone()];
        words.extend(["sweep".to_owned(), kind.to_owned(), rounds.to_string()]);
        words.extend(owned(options));
        if self.place != Place::Pid1 {
            words.push("--not-pid1".to_owned());
        }
        // Only root can make a PID namespace for each of them.
        if let User::Uid(uid) = self.user {
            words.extend(["--uid".to_owned(), uid.to_string()]);
        }
        words.push("--".to_owned());
        words.extend(self.argv());
        // The whole sweep is one wait; each of its runs has a deadline of its own.
        let done = Process::start(self.command(User::Root, words), Duration::from_secs(1800)).finish();
        let result = done.stdout.last().cloned().unwrap_or_default();
        let first = done.stdout.first().cloned().unwrap_or_default();
        assert!(result.starts_with("sweep ok "), "{result}: {first}\n{done}");
    }
}

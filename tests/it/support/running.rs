//! An init that runs with its app: its pids, signals to it, commands inside its namespaces.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::init::{Place, User};
use super::proc;
use super::process::{DEADLINE, Finished, Process};
use super::tools::{programs, tool};

/// A started init. Lines are read through the `Process` that it is; dropping it kills the whole namespace.
pub(crate) struct Running {
    process: Process,
    place: Place,
    user: User,
}

impl Deref for Running {
    type Target = Process;
    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Runs a command to its end.
pub(crate) fn run(argv: &[String]) -> Finished {
    Process::start(Process::command(argv), DEADLINE).finish()
}

fn send(pid: i32, times: u32, signals: &[&str]) {
    let mut argv = vec![programs().probe.clone(), "kill".to_owned()];
    argv.extend(["--times".to_owned(), times.to_string(), pid.to_string()]);
    argv.extend(signals.iter().map(|signal| (*signal).to_owned()));
    run(&argv).code(0);
}

impl Running {
    pub(crate) fn new(process: Process, place: Place, user: User) -> Self {
        Self { process, place, user }
    }

    /// The next line that starts with `NAME ready`, as numbers by their names.
    pub(crate) fn ready(&mut self, name: &str) -> Ready {
        Ready(self.line(&format!("{name} ready")))
    }

    /// The init's pid on the host. Call it once something that the init started has printed a line.
    pub(crate) fn init_pid(&self) -> i32 {
        let first = proc::children(self.process.pid())[0];
        if self.place == Place::Pid1 {
            return first;
        }
        // The outer PID 1 forks the init before anything else.
        proc::children(first)[0]
    }

    /// The pid on the host of the init's child that has this pid inside.
    pub(crate) fn host_pid(&self, inner: i32) -> i32 {
        let mut all = vec![self.process.pid()];
        let mut at = 0;
        while at < all.len() {
            all.extend(proc::children(all[at]));
            at += 1;
        }
        all.into_iter()
            .skip(1)
            .find(|pid| proc::inner_pid(*pid) == Some(inner))
            .expect("a process with this pid")
    }

    /// Sends signals to the init from outside of its namespace.
    pub(crate) fn signal(&self, signals: &[&str]) {
        send(self.init_pid(), 1, signals);
    }

    /// The same, when the init may have ended already.
    pub(crate) fn try_signal(&self, signals: &[&str]) {
        let Some(init) = proc::children(self.process.pid()).first().copied() else { return };
        let mut argv = vec![programs().probe.clone(), "kill".to_owned(), init.to_string()];
        argv.extend(signals.iter().map(|signal| (*signal).to_owned()));
        run(&argv);
    }

    /// The same, all of them as often as this.
    pub(crate) fn signal_times(&self, times: u32, signals: &[&str]) {
        send(self.init_pid(), times, signals);
    }

    /// Sends signals directly to the process that has this pid inside.
    pub(crate) fn signal_process(&self, inner: i32, signals: &[&str]) {
        send(self.host_pid(inner), 1, signals);
    }

    /// Sends signals to the init from a process inside its namespace.
    pub(crate) fn signal_inside(&self, signals: &[&str]) {
        let pid = proc::inner_pid(self.init_pid()).expect("the init").to_string();
        let mut argv = vec![programs().probe.as_str(), "kill", &pid];
        argv.extend(signals);
        self.enter(&argv).code(0);
    }

    /// Runs a command inside the init's namespaces as the init's own user, as `docker exec` does.
    pub(crate) fn enter(&self, argv: &[&str]) -> Finished {
        self.enter_as(self.user, argv)
    }

    /// The same as somebody else.
    pub(crate) fn enter_as(&self, user: User, argv: &[&str]) -> Finished {
        run(&self.entering(user, argv))
    }

    /// The same without waiting for its end.
    pub(crate) fn enter_and_stay(&self, argv: &[&str]) -> Process {
        self.enter_and_stay_within(argv, DEADLINE)
    }

    /// The same for what takes longer.
    pub(crate) fn enter_and_stay_within(&self, argv: &[&str], deadline: Duration) -> Process {
        Process::start(Process::command(&self.entering(self.user, argv)), deadline)
    }

    fn entering(&self, user: User, argv: &[&str]) -> Vec<String> {
        let mut words = vec![tool("nsenter"), format!("--target={}", self.init_pid())];
        words.extend(["--pid".to_owned(), "--mount".to_owned()]);
        if let User::Uid(uid) = user {
            words.extend([format!("--setuid={uid}"), format!("--setgid={uid}")]);
        }
        words.push("--".to_owned());
        words.extend(argv.iter().map(|word| (*word).to_owned()));
        words
    }

    /// Closes stdin.
    pub(crate) fn close_stdin(&mut self) {
        self.process.stdin = None;
    }

    /// Waits for the end of the init and of everything that holds its output.
    pub(crate) fn finish(self) -> Finished {
        self.process.finish()
    }

    /// Kills everything; for a test that has seen all it wants.
    pub(crate) fn stop(self) {
        drop(self);
    }
}

/// A `NAME ready pid=… ppid=… pgid=… sid=… tpgid=…` line.
pub(crate) struct Ready(String);

impl Ready {
    /// One of its numbers.
    pub(crate) fn get(&self, name: &str) -> i32 {
        let key = format!("{name}=");
        let value = self.0.split(' ').find_map(|word| word.strip_prefix(&key));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }
}

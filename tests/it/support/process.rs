//! A process whose output is read line by line as it comes. Nothing here waits for a time: a deadline only turns
//! a hang into a failure, which shows all that was printed.

use super::tree::no_start_at_the_same_time;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How long a line or an end may take before the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Where a line was printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// A line, or the end of a stream.
type Event = (Stream, Option<String>);

/// A running process, killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    /// All lines so far, and how many of them the test has looked at, for each stream.
    seen: Vec<(Stream, String)>,
    looked: [usize; 2],
    drained: usize,
    open: usize,
    deadline: Duration,
    command: String,
}

/// How a process ended and what it printed.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
    command: String,
}

impl Process {
    /// Starts a command with pipes on all three descriptors, except where the test has set something else.
    pub(crate) fn start(mut command: Command, deadline: Duration) -> Self {
        let shown = format!("{command:?}");
        let alone = no_start_at_the_same_time();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("start {shown}: {e}"));
        drop(alone);
        let (sender, events) = channel();
        let mut open = 0;
        if let Some(out) = child.stdout.take() {
            open += 1;
            read_lines(Stream::Out, out, sender.clone());
        }
        if let Some(err) = child.stderr.take() {
            open += 1;
            read_lines(Stream::Err, err, sender.clone());
        }
        let stdin = child.stdin.take();
        Self {
            child,
            stdin,
            events,
            sender,
            seen: Vec::new(),
            looked: [0; 2],
            drained: 0,
            open,
            deadline,
            command: shown,
        }
    }

    /// A command with pipes everywhere and a small fixed environment.
    pub(crate) fn command(argv: &[String]) -> Command {
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Also reads lines from this, as if they came on stdout: the other side of a terminal, where a line that is drawn over
    /// is one too.
    pub(crate) fn also_read(&mut self, from: impl Read + Send + 'static) {
        self.open += 1;
        let sender = self.sender.clone();
        thread::spawn(move || {
            let mut line = Vec::new();
            // A terminal ends with an error in place of an end of file.
            for byte in BufReader::new(from).bytes().map_while(Result::ok) {
                if !matches!(byte, b'\r' | b'\n') {
                    line.push(byte);
                } else if !line.is_empty() {
                    let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
                    if sender.send((Stream::Out, Some(text))).is_err() {
                        return;
                    }
                }
            }
            let _ = sender.send((Stream::Out, None));
        });
    }

    /// The process's pid.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// The next line of the stream that `wanted` accepts; the lines before it are passed over.
    pub(crate) fn find(&mut self, stream: Stream, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + self.deadline;
        loop {
            while let Some((from, line)) = self.seen.get(self.looked[stream as usize]) {
                self.looked[stream as usize] += 1;
                if *from == stream && wanted(line) {
                    return line.clone();
                }
            }
            if let Err(why) = self.receive(until) {
                panic!("{why} before {what}\n{}", self.transcript());
            }
        }
    }

    /// The next line on stdout that starts like this.
    pub(crate) fn line(&mut self, prefix: &str) -> String {
        self.find(Stream::Out, &format!("{prefix:?} on stdout"), |line| line.starts_with(prefix))
    }

    /// The next line on stdout, whatever it is.
    pub(crate) fn next_line(&mut self) -> String {
        self.find(Stream::Out, "a line on stdout", |_| true)
    }

    /// The next line on stdout that contains this.
    pub(crate) fn part(&mut self, part: &str) -> String {
        self.find(Stream::Out, &format!("{part:?} on stdout"), |line| line.contains(part))
    }

    /// The next line on stderr that contains this.
    pub(crate) fn error(&mut self, part: &str) -> String {
        self.find(Stream::Err, &format!("{part:?} on stderr"), |line| line.contains(part))
    }

    fn receive(&mut self, until: Instant) -> Result<(), &'static str> {
        if self.open == 0 {
            return Err("end of output");
        }
        let left = until.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok((stream, Some(line))) => self.seen.push((stream, line)),
            Ok((_, None)) => self.open -= 1,
            Err(_) => return Err("hung: the deadline passed"),
        }
        Ok(())
    }

    /// The lines that have come since the last call, on both streams, without waiting.
    pub(crate) fn drain(&mut self) -> Vec<(Stream, String)> {
        while let Ok((stream, line)) = self.events.try_recv() {
            match line {
                Some(line) => self.seen.push((stream, line)),
                None => self.open -= 1,
            }
        }
        let new = self.seen[self.drained..].to_vec();
        self.drained = self.seen.len();
        new
    }

    /// Closes stdin and waits for the end of the process and of its output.
    pub(crate) fn finish(mut self) -> Finished {
        let until = Instant::now() + self.deadline;
        self.stdin = None;
        let pidfd = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty()).expect("pidfd_open");
        let deadline = Timespec::try_from(self.deadline).expect("a deadline");
        let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&deadline)).expect("poll");
        assert!(ended > 0, "hung: no exit\n{}", self.transcript());
        let status = self.child.wait().expect("wait");
        while self.open > 0 {
            if let Err(why) = self.receive(until) {
                panic!("{why} before the end of output, after {status}\n{}", self.transcript());
            }
        }
        let lines = |wanted| self.seen.iter().filter(|(s, _)| *s == wanted).map(|(_, l)| l.clone()).collect();
        Finished {
            status,
            stdout: lines(Stream::Out),
            stderr: lines(Stream::Err),
            command: self.command.clone(),
        }
    }

    /// What was started and all that it printed.
    pub(crate) fn transcript(&mut self) -> String {
        while let Ok((stream, line)) = self.events.try_recv() {
            self.seen.extend(line.map(|line| (stream, line)));
        }
        let mut text = format!("started: {}\n", self.command);
        for (stream, line) in &self.seen {
            let _ = writeln!(text, "  {stream:?}: {line}");
        }
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends each line of a pipe, then the end of it.
fn read_lines(stream: Stream, from: impl Read + Send + 'static, to: Sender<Event>) {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if to.send((stream, Some(text))).is_err() {
                return;
            }
        }
        let _ = to.send((stream, None));
    });
}

impl Finished {
    /// Fails unless the process exited with this code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "wrong exit: {}\n{self}", self.status);
        self
    }

    /// Fails unless stdout is exactly these lines.
    #[track_caller]
    pub(crate) fn printed(self, lines: &[&str]) -> Self {
        assert_eq!(self.stdout, lines, "wrong output\n{self}");
        self
    }

    /// Fails unless stderr has a line with all of these parts.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let found = self.stderr.iter().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "no line on stderr says {parts:?}\n{self}");
        self
    }

    /// Fails when anything was printed on stderr.
    #[track_caller]
    pub(crate) fn quiet(self) -> Self {
        assert!(self.stderr.is_empty(), "stderr should be empty\n{self}");
        self
    }

    /// Whether stdout has a line that starts like this.
    pub(crate) fn has(&self, prefix: &str) -> bool {
        self.stdout.iter().any(|line| line.starts_with(prefix))
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "started: {}\nended: {}", self.command, self.status)?;
        for (name, lines) in [("Out", &self.stdout), ("Err", &self.stderr)] {
            for line in lines {
                writeln!(f, "  {name}: {line}")?;
            }
        }
        Ok(())
    }
}

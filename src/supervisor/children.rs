//! The children that are ours: the app and one script at a time; how they are started and what they are called.

use super::board::Board;
use super::environment::{self, Environments};
use super::message::Message;
use super::policy::Target;
use super::start_directory::StartDirectory;
use super::terminal::Terminal;
use crate::process::command::{Attributes, Command};
use crate::process::diagnose::{self, Diagnosis};
use crate::process::exit::Exit;
use crate::process::{Pid, tree};
use crate::sys::fork::{Report, Step};
use crate::sys::mask;
use crate::sys::signal::SignalNo;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Everything that is ever started.
#[derive(Debug)]
pub struct Programs {
    /// The app; its environment is built at each start.
    pub app: Command,
    /// Why it must not be started, and the exit code for that, when the configuration is broken.
    pub broken: Option<Diagnosis>,
    /// Before it, in this order.
    pub init: Vec<PathBuf>,
    /// In place of the stop signal.
    pub stop: Option<PathBuf>,
    /// After it.
    pub finish: Vec<PathBuf>,
    /// What they have in common; the session and the umask are the app's alone.
    pub attributes: Attributes,
    /// Whom forwarded signals reach.
    pub target: Target,
    /// Where the termination message goes; none leaves none.
    pub message: Option<Message>,
}

/// The processes that run now.
#[derive(Debug)]
pub struct Children {
    programs: Programs,
    environments: Environments,
    terminal: Terminal,
    start_directory: StartDirectory,
    app: Option<Pid>,
    /// The app's process group, which can outlive it.
    group: Option<Pid>,
    script: Option<Pid>,
}

impl Children {
    /// None runs yet.
    pub fn new(programs: Programs, environments: Environments, terminal: Terminal) -> Self {
        let start_directory = StartDirectory::default();
        Self { programs, environments, terminal, start_directory, app: None, group: None, script: None }
    }

    /// Their environment.
    pub fn environments(&mut self) -> &mut Environments {
        &mut self.environments
    }

    /// Begins to build the environment of the next start; the outcome when it is there at once.
    pub fn build_environment(&mut self) -> Option<environment::Outcome> {
        self.environments.build(self.start_directory.left())
    }

    /// Takes what the helper that builds it made; `code` when it ended by itself.
    pub fn environment_built(&mut self, code: Option<u8>) -> environment::Outcome {
        self.environments.helped(code, self.start_directory.left())
    }

    /// Works in `/` from now on, so that no volume is kept busy.
    pub fn leave_start_directory(&mut self) {
        self.start_directory.leave();
        self.programs.attributes.start = self.start_directory.left().map(Path::to_owned);
    }

    /// The app while it runs.
    pub fn app(&self) -> Option<Pid> {
        self.app
    }

    /// Takes note that a child ended, and tells which of ours it was.
    pub fn ended(&mut self, pid: Pid) -> Option<Role> {
        if self.app == Some(pid) {
            self.app = None;
            Some(Role::App)
        } else if self.script == Some(pid) {
            self.script = None;
            Some(Role::Script)
        } else if self.environments.helper() == Some(pid) {
            Some(Role::Builder)
        } else if self.environments.forget(pid) {
            Some(Role::Nobody)
        } else {
            None
        }
    }

    /// Starts the app.
    pub fn start_app(&mut self, board: &dyn Board) -> Result<(), Diagnosis> {
        if let Some(diagnosis) = &self.programs.broken {
            return Err(diagnosis.clone());
        }
        if self.programs.attributes.session {
            self.terminal.give_up();
        }
        self.app = Some(start(&self.app_command(), &self.programs.attributes, &board.app_report())?);
        self.group = self.app;
        self.leave_start_directory();
        Ok(())
    }

    fn app_command(&self) -> Command {
        Command { env: self.environments.load(), ..self.programs.app.clone() }
    }

    /// Starts a script with more in its environment.
    pub fn start_script(
        &mut self,
        script: Script,
        board: &dyn Board,
        variables: &[(&str, &OsStr)],
    ) -> Result<(), Diagnosis> {
        // An init script prepares for the app, whose options may matter to it.
        let args = match script {
            Script::Init(_) => self.programs.app.args.clone(),
            Script::Stop | Script::Finish(_) => Vec::new(),
        };
        let mut command = Command::new(self.path(script), args);
        command.directory.clone_from(&self.programs.app.directory);
        command.env =
            variables.iter().fold(self.environments.load(), |env, (name, value)| env.with(name, value));
        let attributes = Attributes {
            session: false,
            umask: None,
            // The stop script runs beside the app, which keeps the terminal.
            foreground: self.programs.attributes.foreground && script != Script::Stop,
            ..self.programs.attributes.clone()
        };
        self.script = Some(start(&command, &attributes, &board.script_report())?);
        Ok(())
    }

    fn path(&self, script: Script) -> PathBuf {
        let found = match script {
            Script::Init(index) => self.programs.init.get(index),
            Script::Stop => self.programs.stop.as_ref(),
            Script::Finish(index) => self.programs.finish.get(index),
        };
        found.cloned().unwrap_or_default()
    }

    /// What people call a script: `init.d/50-schema`.
    pub fn name(&self, script: Script) -> String {
        let path = self.path(script);
        let file = path.file_name().unwrap_or_default().display();
        match script {
            Script::Init(_) => format!("init.d/{file}"),
            Script::Stop => "the stop script".into(),
            Script::Finish(_) => format!("finish.d/{file}"),
        }
    }

    /// Sends `signal` to the app by the target rule. False when it did not reach the app because we may not signal it:
    /// it runs as another user, and we lack `CAP_KILL`. An app that has just ended counts as reached.
    pub fn forward(&self, signal: SignalNo) -> bool {
        let Some(app) = self.app else { return true };
        let sent = match self.programs.target {
            Target::Pid => mask::kill(app, signal),
            Target::Group => to_group(app, signal),
            Target::All => {
                tree::signal(signal, &self.helpers(), self.group);
                Ok(())
            }
        };
        let denied = sent.is_err_and(|error| error.raw_os_error() == Some(libc::EPERM));
        // Of a group or a tree others may have been reached. SIGCONT has a rule of its own.
        !denied && (signal == SignalNo::CONT || mask::may_signal(app))
    }

    /// Where the termination message goes.
    pub fn message(&self) -> Option<&Message> {
        self.programs.message.as_ref()
    }

    /// Whether the app runs, and we may not signal it.
    pub fn app_is_out_of_reach(&self) -> bool {
        self.app.is_some_and(|app| !mask::may_signal(app))
    }

    /// Our own children, which no signal of the app's is for; 0 is nobody.
    fn helpers(&self) -> [Pid; 2] {
        [self.script, self.environments.helper()].map(Option::unwrap_or_default)
    }

    /// Sends `signal` to the group of the script that runs.
    pub fn signal_script(&self, signal: SignalNo) {
        if let Some(script) = self.script {
            let _ = to_group(script, signal);
        }
    }

    /// Sends `signal` to the tree without our script, and returns how many it reached.
    pub fn signal_tree(&self, signal: SignalNo) -> usize {
        tree::signal(signal, &self.helpers(), self.group)
    }

    /// KILL to the whole tree, scripts too. The groups first: they are reached without `/proc` as well.
    pub fn kill_all(&self) {
        for leader in [self.app, self.script].into_iter().flatten() {
            let _ = to_group(leader, SignalNo::KILL);
        }
        tree::signal(SignalNo::KILL, &[], self.group);
    }

    /// Why a child that ended never became its program, if so.
    pub fn failure(&self, role: Role, script: Option<Script>, board: &dyn Board) -> Option<Diagnosis> {
        let report = match role {
            Role::App => board.app_report(),
            Role::Script => board.script_report(),
            Role::Builder | Role::Nobody => return None,
        };
        let (step, errno) = report.failure()?;
        let command = match role {
            Role::App => self.app_command(),
            _ => Command::new(self.path(script?), Vec::new()),
        };
        Some(explain(&command, self.programs.attributes.start.as_deref(), step, errno))
    }

    /// For an app that could be a script with CR LF line ends, the hint that it is.
    pub fn crlf_hint(&self, exit: Exit) -> Option<String> {
        if !matches!(exit, Exit::Code(126 | 127)) {
            return None;
        }
        let file = self.app_command().candidates_from(self.start_directory.left()).into_iter().next()?;
        diagnose::has_crlf(&file).then(|| {
            format!(
                "{}: its lines end with CR LF; convert it with dos2unix or sed -i 's/\\r$//'",
                file.display()
            )
        })
    }

    /// The files that run by `/bin/sh` for want of a `#!` line; told once each.
    pub fn by_shell(&self, script: Option<Script>, board: &dyn Board) -> [Option<String>; 2] {
        let app = board.app_report().take_by_shell().then(|| self.programs.app.program.display().to_string());
        let script = script.filter(|_| board.script_report().take_by_shell());
        [app, script.map(|script| self.path(script).display().to_string())]
    }

    /// The terminal.
    pub fn terminal(&self) -> Terminal {
        self.terminal
    }
}

/// Which child of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The app.
    App,
    /// The script that runs.
    Script,
    /// The helper that builds the environment.
    Builder,
    /// One of ours that nobody waits for any more.
    Nobody,
}

/// Which script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Script {
    /// init.d, by index.
    Init(usize),
    /// The stop script.
    Stop,
    /// finish.d, by index.
    Finish(usize),
}

/// To the group that `leader` leads. It may not exist yet (a child on its way to `setsid`): then its leader is all
/// there is of it.
fn to_group(leader: Pid, signal: SignalNo) -> io::Result<()> {
    match mask::kill(-leader, signal) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => mask::kill(leader, signal),
        result => result,
    }
}

fn start(command: &Command, attributes: &Attributes, report: &Report) -> Result<Pid, Diagnosis> {
    command.spawn(attributes, report).map_err(|error| Diagnosis {
        code: 126,
        reason: format!(
            "{}: cannot start a process: {}",
            command.program.display(),
            diagnose::errno_text(error.raw_os_error().unwrap_or(0))
        ),
    })
}

fn explain(command: &Command, start: Option<&Path>, step: Step, errno: i32) -> Diagnosis {
    let name = command.program.display();
    let failed = |what: String| Diagnosis {
        code: 126,
        reason: format!("{name}: {what}: {}", diagnose::errno_text(errno)),
    };
    match step {
        Step::Exec => diagnose::explain(&command.program, &command.candidates_from(start), errno),
        Step::Session => failed("cannot start a session".into()),
        Step::Stdio => failed("cannot take its standard input and output".into()),
        Step::Identity => failed("cannot become the user that run.user and run.group name".into()),
        Step::Directory => {
            let (name, directory) = match (&command.directory, start) {
                (Some(directory), _) => ("run.workdir", directory.as_path()),
                (None, start) => ("the working directory", start.unwrap_or(Path::new("."))),
            };
            failed(format!("cannot start in {name} {}", directory.display()))
        }
    }
}

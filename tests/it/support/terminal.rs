//! A terminal: the test is on its one side, the init on the other.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::Init;
use super::running::Running;

/// The side that people type on.
pub(crate) struct Terminal {
    master: File,
}

impl Terminal {
    /// A new terminal, 24 lines of 80 columns.
    pub(crate) fn open() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("open a terminal");
        grantpt(&master).expect("grantpt");
        unlockpt(&master).expect("unlockpt");
        let terminal = Self { master: File::from(master) };
        terminal.resize(24, 80);
        terminal
    }

    /// The side of the processes.
    fn other_side(&self) -> File {
        let name = ptsname(&self.master, Vec::new()).expect("ptsname");
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(rustix::fs::OFlags::NOCTTY.bits() as i32);
        options.open(name.to_str().expect("a path in ASCII")).expect("open the terminal's other side")
    }

    /// Starts the init on this terminal.
    pub(crate) fn start(&self, init: Init, app: &[&str]) -> Running {
        self.read(init.start_with(app, |command| self.attach(command)))
    }

    /// Starts the wrapper with these arguments on this terminal.
    pub(crate) fn start_raw(&self, init: Init, arguments: &[&str]) -> Running {
        self.read(init.raw_with(arguments, |command| self.attach(command)))
    }

    fn attach(&self, command: &mut Command) {
        command.stdin(self.other_side()).stdout(self.other_side()).stderr(self.other_side());
    }

    fn read(&self, mut running: Running) -> Running {
        running.also_read(self.master.try_clone().expect("dup"));
        running
    }

    /// Starts the init with this terminal as stdin alone: its output stays readable when the terminal is gone.
    pub(crate) fn start_as_stdin(&self, init: Init, app: &[&str]) -> Running {
        init.start_with(app, |command| {
            command.stdin(self.other_side());
        })
    }

    /// What somebody types.
    pub(crate) fn type_in(&self, keys: &str) {
        (&self.master).write_all(keys.as_bytes()).expect("write to the terminal");
    }

    /// Changes the size of the window.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).expect("resize the terminal");
    }
}

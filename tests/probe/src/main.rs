//! `probe`: the companion of the integration tests.
//!
//! On one side it launches an init in a chosen state (`launch`, `outer`, `sweep`), on the other it plays the
//! app under that init and prints, one line an event, what the tests wait for. A usage error exits 98 and a
//! failed step 99, codes that no init gives by itself.
#![no_main]
#![deny(unsafe_code)]

mod args;
mod catch;
mod crowd;
mod dead;
mod launch;
mod outer;
mod output;
mod page;
mod signals;
mod state;
mod stdio;
mod sweep;
mod sys;
mod trace;

use std::ffi::OsString;

use args::Args;

const USAGE: &str = "usage: probe COMMAND [ARGUMENT...]
the app under an init:
  catch [OPTIONS]        print each signal; ends on TERM
  tree [OPTIONS]         the same in three processes: app, grandchild (same group), stranger (own session)
  state                  print mask, ignored signals, descriptors, limits, environment...
  exit N | die SIGNAL    end with this code, or by this signal
  stop N                 stop itself, then end with this code
  plain N                touch no signal, read a line, end with this code
  pause                  wait for ever, all signals at their default
  stubborn               print each signal and go on; only KILL ends it
  orphans N              orphan N processes, wait until they are reaped
  leftover [OPTIONS]     end with processes left behind
  daemonise              leave a daemon behind and exit 0
  switch-user UID        become another user, then catch
  stdio WHAT             closed, nonblocking or full: spoil the shared descriptors, then wait for TERM
  forks N                fork until it fails, then report
  hog                    use memory until the kernel says no
  storm N                catch N signals 40 while N orphans end
  page [OPTIONS] NAME LENGTH     show a memory file of this name, as the wrapper shows its state
  dead DIRECTORY         mount a file system that never answers
outside of it:
  launch [OPTIONS] -- INIT...    set a state and exec
  outer [--sibling] -- COMMAND   a PID 1 that is not the init under test
  kill [--times N] PID SIGNAL... send signals, in order
  sweep KIND N [OPTIONS] -- INIT start the init N times and compare its exit
  trace N -- COMMAND             print the first N system calls";

/// Runs one command; the result is the exit code.
fn run(words: Vec<OsString>) -> i32 {
    let mut args = Args::new(words);
    match args.word().as_deref() {
        Some("catch") => catch::run(&mut args),
        Some("tree") => catch::tree(&mut args),
        Some("stubborn") => catch::stubborn(),
        Some("switch-user") => catch::switch_user(&mut args),
        Some("storm") => catch::storm(&mut args),
        Some("state") => state::run(),
        Some("exit") => args.number(),
        Some("die") => signals::die(&mut args),
        Some("kill") => signals::kill(&mut args),
        Some("stop") => signals::stop(&mut args),
        Some("plain") => signals::plain(&mut args),
        Some("pause") => signals::pause(),
        Some("orphans") => crowd::orphans(&mut args),
        Some("leftover") => crowd::leftover(&mut args),
        Some("daemonise") => crowd::daemonise(),
        Some("forks") => crowd::forks(&mut args),
        Some("hog") => crowd::hog(),
        Some("dead") => dead::run(&mut args),
        Some("page") => page::run(&mut args),
        Some("stdio") => stdio::run(&mut args),
        Some("launch") => launch::run(args),
        Some("outer") => outer::run(args),
        Some("sweep") => sweep::run(args),
        Some("trace") => trace::run(args),
        Some("sweep-app") => sweep::app(&mut args),
        _ => args::usage("unknown command"),
    }
}

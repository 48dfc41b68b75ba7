//! A file system that never answers, as a network file system whose server is gone.

use std::fs::OpenOptions;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use crate::args::{Args, failed};
use crate::output::say;
use crate::sys;

/// `dead DIRECTORY`: mounts one there and holds it until the end.
pub(crate) fn run(args: &mut Args) -> i32 {
    let directory = args.value();
    let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
    let device = device.unwrap_or_else(|error| failed("/dev/fuse (the kernel module fuse)", error));
    let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
    if let Err(error) = sys::mount(Path::new("dead"), Path::new(&directory), "fuse", 0, &options) {
        failed("mount", error);
    }
    say!("dead ready pid={}", sys::pid());
    sys::pause()
}

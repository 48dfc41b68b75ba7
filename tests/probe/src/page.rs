//! A process that shows a memfd as the wrapper does, with whatever a test wants in it.

use std::os::unix::ffi::OsStrExt;

use crate::args::{Args, failed, usage};
use crate::output::say;
use crate::sys;

/// `page [OPTIONS] NAME LENGTH`: makes a memfd, says `page ready pid=…`, and waits for ever.
///
/// `--word INDEX VALUE` writes a word; `--open INDEX PATH` writes the number of an `O_PATH` descriptor of that path;
/// `--seals BITS` seals it; `--shrinks` cuts it off and restores it without an end, in place of waiting.
pub(crate) fn run(args: &mut Args) -> i32 {
    let (mut words, mut seals, mut shrinks) = (Vec::new(), 0, false);
    let name = loop {
        let word = args.value();
        match word.as_str() {
            "--word" => words.push((args.number::<usize>(), args.number::<u64>())),
            "--open" => {
                let index = args.number();
                let path = args.value();
                let fd = sys::open_path(std::ffi::OsStr::from_bytes(path.as_bytes()))
                    .unwrap_or_else(|e| failed("page: open", e));
                words.push((index, fd as u64));
            }
            "--seals" => seals = args.number(),
            "--shrinks" => shrinks = true,
            option if option.starts_with("--") => usage("page: unknown option"),
            name => break name.to_owned(),
        }
    };
    let length: usize = args.number();
    let mut content = vec![0; length];
    for (index, value) in words {
        content[8 * index..8 * (index + 1)].copy_from_slice(&value.to_ne_bytes());
    }
    let fd = sys::memfd(&name, &content, seals).unwrap_or_else(|e| failed("page", e));
    say!("page ready pid={}", sys::pid());
    if !shrinks {
        sys::pause();
    }
    loop {
        let _ = sys::truncate(fd, 0);
        let _ = sys::write_at_start(fd, &content);
    }
}

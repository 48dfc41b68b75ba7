//! Why a program could not be started, in one line that says what to do. The kernel says `ENOENT` for a missing
//! interpreter, a CRLF and a missing loader alike; this looks at the file and tells them apart.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A program that did not start: the exit code that shells give, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// 127 not found, 126 found and not to be executed.
    pub code: u8,
    /// The cause, in one line, with the file's name.
    pub reason: String,
}

const ELF: &[u8] = b"\x7fELF";
/// How much of a file is looked at.
const START: usize = 4096;

/// Explains the failure `errno` of `execve` for a program that can be one of `candidates` (one, if it was typed
/// with a slash, or one for each directory of `PATH`).
pub fn explain(program: &OsStr, candidates: &[PathBuf], errno: i32) -> Diagnosis {
    if program.is_empty() {
        return Diagnosis { code: 127, reason: "the command is an empty word".into() };
    }
    let existing = candidates.iter().find(|file| file.symlink_metadata().is_ok());
    let name = program.display();
    match (existing, errno) {
        (None, libc::ENOENT | libc::ENOTDIR | libc::EACCES) if candidates.len() == 1 => {
            let place = missing_part(&candidates[0]);
            Diagnosis { code: 127, reason: format!("{name}: not found{place}") }
        }
        (None, libc::ENOENT | libc::ENOTDIR | libc::EACCES) => Diagnosis {
            code: 127,
            reason: format!("{name}: no such command in PATH; give a path, or install what provides it"),
        },
        (None, _) => Diagnosis { code: 126, reason: format!("{name}: {}", errno_text(errno)) },
        (Some(file), _) => of_file(file, errno),
    }
}

/// What is wrong with a file that exists.
fn of_file(file: &Path, errno: i32) -> Diagnosis {
    let name = file.display();
    let cannot = |reason: String| Diagnosis { code: 126, reason: format!("{name}: {reason}") };
    match errno {
        libc::ENOENT if !file.exists() => {
            let target = fs::read_link(file).unwrap_or_default();
            Diagnosis {
                code: 127,
                reason: format!("{name}: a link to {}, which does not exist", target.display()),
            }
        }
        libc::ENOENT | libc::ENOTDIR | libc::ENOEXEC | libc::EINVAL => cannot(match start_of(file) {
            Ok(start) => of_content(&start, errno),
            Err(error) => format!("cannot be run nor read: {error}"),
        }),
        libc::EACCES => cannot(denied(file)),
        _ => cannot(errno_text(errno)),
    }
}

/// Why the kernel will not load these first bytes.
fn of_content(start: &[u8], errno: i32) -> String {
    if start.is_empty() {
        return "the file is empty; it needs a #! line and commands, or to be a program".into();
    }
    if let Some(line) = start.strip_prefix(b"#!") {
        let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
        if line.ends_with(b"\r") {
            return "its lines end with CR LF, so the kernel looks for an interpreter whose name ends in CR; convert \
                    it with dos2unix or sed -i 's/\\r$//'"
                .into();
        }
        let interpreter = line.trim_ascii().split(|b| matches!(b, b' ' | b'\t')).next().unwrap_or_default();
        if interpreter.is_empty() {
            return "its #! line names no interpreter".into();
        }
        let interpreter = Path::new(OsStr::from_bytes(interpreter));
        return format!(
            "its #! line names the interpreter {}, which is not in this image or cannot run",
            interpreter.display()
        );
    }
    if start.starts_with(ELF) {
        return of_elf(start, errno);
    }
    "not a program for this machine, and not a script: it has no #! line".into()
}

fn of_elf(start: &[u8], errno: i32) -> String {
    let half = |at: usize| start.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]));
    let long = |at: usize| {
        start.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes) as usize
    };
    let machine = half(18);
    let (own, own_name) = if cfg!(target_arch = "aarch64") { (183, "aarch64") } else { (62, "x86_64") };
    if machine != own {
        let other = match machine {
            3 => "i386".into(),
            40 => "arm".into(),
            62 => "x86_64".into(),
            183 => "aarch64".into(),
            243 => "riscv".into(),
            21 => "ppc64".into(),
            22 => "s390x".into(),
            _ => format!("machine type {machine}"),
        };
        return format!(
            "a program for {other}, and this machine is {own_name}; build or pull it for {own_name}"
        );
    }
    // PT_INTERP among the program headers names the loader.
    let (table, size, count) = (long(32), usize::from(half(54)), usize::from(half(56)));
    let loader = (0..count).map(|n| table + n * size).find_map(|at| {
        let kind = start.get(at..at + 4)?;
        let range = long(at + 8)..long(at + 8).checked_add(long(at + 32))?;
        (kind == [3, 0, 0, 0]).then(|| start.get(range)).flatten()
    });
    match loader {
        Some(loader) if errno == libc::ENOENT => format!(
            "it needs the loader {}, which is not in this image; install it, or link the program statically",
            String::from_utf8_lossy(loader).trim_end_matches('\0')
        ),
        _ => "damaged: an ELF program that the kernel refuses to load".into(),
    }
}

/// Why `EACCES`.
fn denied(file: &Path) -> String {
    let Ok(metadata) = file.metadata() else {
        return "a directory on its path may not be entered by this user".into();
    };
    let mode = metadata.permissions().mode();
    if metadata.is_dir() {
        "a directory, not a program".into()
    } else if !metadata.is_file() {
        "not a regular file".into()
    } else if mode & 0o111 == 0 {
        format!("not executable (mode {:04o}); run chmod +x on it, or COPY --chmod=755", mode & 0o7777)
    } else if is_noexec(file) {
        "its file system is mounted noexec; keep programs in the image, or mount the volume with exec".into()
    } else if nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_err() {
        format!("this user may not execute it (mode {:04o}, owner {})", mode & 0o7777, owner(&metadata))
    } else {
        "its interpreter or loader may not be executed, or a security policy forbids it".into()
    }
}

fn owner(metadata: &fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    format!("{}:{}", metadata.uid(), metadata.gid())
}

fn is_noexec(file: &Path) -> bool {
    nix::sys::statvfs::statvfs(file)
        .is_ok_and(|fs| fs.flags().contains(nix::sys::statvfs::FsFlags::ST_NOEXEC))
}

/// The first part of a path that is not there, when it is not the last one.
fn missing_part(file: &Path) -> String {
    let parents: Vec<_> = file.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()).collect();
    match parents.iter().rev().find(|part| !part.is_dir()) {
        Some(part) if part.exists() => format!(": {} is not a directory", part.display()),
        Some(part) => format!(": there is no directory {}", part.display()),
        None => String::new(),
    }
}

fn start_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(file)?.take(START as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether the first line of a script ends in CR LF: `#!/usr/bin/env bash\r` starts, and then fails with 127.
pub fn has_crlf(file: &Path) -> bool {
    start_of(file).is_ok_and(|start| {
        start.starts_with(b"#!")
            && start.split(|b| *b == b'\n').next().is_some_and(|line| line.ends_with(b"\r"))
    })
}

/// An errno in words, with what to do where we know it.
pub fn errno_text(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno);
    let cure = match errno {
        libc::E2BIG => "; arguments and environment together are over the kernel's limit",
        libc::ETXTBSY => "; somebody has the file open for writing",
        libc::EAGAIN => "; the limit of processes (pids.max or ulimit -u) is reached",
        libc::ENOMEM => "; the container's memory is used up",
        libc::ELOOP => "; a loop of links",
        libc::EPERM => "; a security policy or a missing capability forbids it",
        _ => "",
    };
    format!("{text}{cure}")
}

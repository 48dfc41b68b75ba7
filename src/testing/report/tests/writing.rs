//! How reports are written: in pieces, the same each time, and with the writer's errors.

use super::{FORMATS, all_outcomes, bytes, run, shell};
use crate::testing::check::Outcome;
use crate::testing::report::{Format, Style, write};
use std::io::{self, Write};

/// Takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn errors_of_the_writer_are_returned() {
    for format in FORMATS.into_iter().filter(|format| *format != Format::Silent) {
        let run = all_outcomes();
        let size = bytes(&run, format, Style::default()).len();
        for room in [0, size - 1] {
            let error = write(&run, format, Style::default(), &mut Full(room)).expect_err("it is full");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{format:?}");
        }
        write(&run, format, Style::default(), &mut Full(size)).expect("it fits");
    }
}

/// Remembers the longest piece.
#[derive(Default)]
struct Pieces {
    longest: usize,
    total: usize,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.longest = self.longest.max(bytes.len());
        self.total += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn ten_thousand_checks_are_written_in_small_pieces() {
    let checks =
        (0..10_000).map(|n| shell(&format!("{n:05}.sh"), Outcome::Fail, "exited with code 1\nno answer"));
    let run = run(checks.collect());
    for format in FORMATS {
        let mut pieces = Pieces::default();
        write(&run, format, Style::default(), &mut pieces).expect("it takes everything");
        assert!(pieces.longest <= 16 * 1024, "{format:?}: {} of {} bytes", pieces.longest, pieces.total);
    }
}

#[test]
fn the_same_run_gives_the_same_bytes_and_silent_gives_none() {
    for format in FORMATS {
        let [one, two] = [(); 2].map(|()| bytes(&all_outcomes(), format, Style { colour: true }));
        assert_eq!(one, two);
        assert_eq!(one.is_empty(), format == Format::Silent);
    }
}

#[test]
fn only_the_formats_for_people_have_colours() {
    for format in FORMATS {
        let escape = bytes(&all_outcomes(), format, Style { colour: true }).contains(&0x1b);
        assert_eq!(escape, matches!(format, Format::Documentation | Format::Rspecish), "{format:?}");
        assert!(!bytes(&all_outcomes(), format, Style { colour: false }).contains(&0x1b), "{format:?}");
    }
}

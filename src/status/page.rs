//! PID 1's side: publishes the state and takes commands.

use super::answers::{self, Fate};
use super::layout::{self, Mode};
use crate::sys::fork::Report;
use crate::sys::page::{self, Words};
use crate::sys::{clock, fd, signal::SignalNo};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::sync::atomic::{Ordering, fence};

/// The page and the pipe. Where the page cannot be made (no descriptor or memory, a file size limit, a sandbox) it is
/// private and there is no pipe: the container runs, and nobody can see its state.
#[derive(Debug)]
pub struct Page {
    words: Words,
    /// Held open for others to find; the pipe's write end too, so that it never ends.
    _shared: Option<OwnedFd>,
    pipe: Option<(OwnedFd, OwnedFd)>,
    /// The command in hand, and where its answer goes.
    current: (u64, u64),
}

impl Page {
    /// Makes both, as far as that is possible; the second is why it is not.
    pub fn create(mode: Mode) -> (Self, Option<io::Error>) {
        let (shared, words, mut missing) = match CString::new(layout::NAME)
            .map_err(io::Error::from)
            .and_then(|name| page::create(&name, layout::WORDS))
        {
            Ok((fd, words)) => (Some(fd), words, None),
            Err(error) => (None, page::private(), Some(error)),
        };
        let pipe = shared.as_ref().and_then(|_| fd::pipe().map_err(|error| missing = Some(error)).ok());
        if let Some((_, write)) = &pipe {
            words[layout::PIPE].store(write.as_raw_fd() as u64, Ordering::Relaxed);
        }
        layout::write_release(words);
        words[layout::MODE].store(mode.word(), Ordering::Relaxed);
        words[layout::HEADER].store(layout::MAGIC, Ordering::Release);
        (Self { words, _shared: shared, pipe, current: (0, 0) }, missing)
    }

    /// The page's words, for what is not the page's own.
    pub fn write(&self, values: [u64; layout::STATE.end - layout::STATE.start]) {
        layout::write_state(self.words, values);
    }

    /// Counts a forwarded signal.
    pub fn count_signal(&self, signal: SignalNo) {
        layout::count(&self.words[layout::SIGNALS.start + signal.get() as usize]);
    }

    /// Readable when a command waits.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.pipe.as_ref().map(|(read, _)| read.as_raw_fd())
    }

    /// The next command: id and verb. One whose client waits no more is passed over, and an order that was carried out
    /// before gets the same answer again. What is not a command is thrown away with all that waits behind it.
    pub fn next_command(&mut self) -> Option<(u64, u64)> {
        let (read, _) = self.pipe.as_ref()?;
        loop {
            let mut record = [0; layout::RECORD];
            let got = fd::read_some(read.as_fd(), &mut record);
            let Some((id, verb, expires)) = layout::decode(&record[..got]) else {
                if got > 0 {
                    let mut waste = [0; 512];
                    while fd::read_some(read.as_fd(), &mut waste) == waste.len() {}
                }
                return None;
            };
            let before = if verb == layout::PING { None } else { answers::earlier(self.words, id) };
            let place = answers::receive(self.words, id, clock::now());
            self.current = (id, place);
            // The clock is read once more behind the note: a client that finds none after its deadline knows that the
            // command is not carried out.
            fence(Ordering::SeqCst);
            let late = (expires <= clock::now()).then_some(Fate::Expired);
            match before.or(late) {
                Some(fate) => answers::tell(self.words, place, id, fate),
                None => return Some((id, verb)),
            }
        }
    }

    /// Answers the command `id`, the one in hand or one before it, and wakes its client.
    pub fn answer(&mut self, id: u64, code: u64) {
        let code = u8::try_from(code).unwrap_or(u8::MAX);
        let place =
            if self.current.0 == id { Some(self.current.1) } else { answers::place_of(self.words, id) };
        if let Some(place) = place {
            answers::tell(self.words, place, id, Fate::Answered(code));
        }
    }

    /// Where the app (0) or the script (1) reports between fork and exec.
    pub fn report(&self, which: usize) -> Report {
        Report::new(&self.words[layout::REPORTS[which]])
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::Lookout;
    use super::*;
    use std::time::Duration;

    fn page() -> Page {
        let (page, missing) = Page::create(Mode::Run);
        assert!(missing.is_none(), "{missing:?}");
        page
    }

    fn write(page: &Page, bytes: &[u8]) {
        let (_, write) = page.pipe.as_ref().expect("a pipe");
        assert_eq!(fd::write_nowait(write.as_raw_fd(), bytes), bytes.len());
    }

    fn soon() -> Duration {
        clock::now() + Duration::from_secs(60)
    }

    /// An order that is written twice is carried out once, and both get its answer; a ping asks for nothing but one.
    #[test]
    fn a_repeated_order_is_carried_out_once() {
        let mut page = page();
        let order = layout::encode(7, 2, soon());
        write(&page, &order);
        write(&page, &order);
        write(&page, &layout::encode(8, layout::PING, soon()));
        write(&page, &layout::encode(8, layout::PING, soon()));
        assert_eq!(page.next_command(), Some((7, 2)));
        page.answer(7, 4);
        let mut second = Lookout::new(page.words, 7);
        assert_eq!(page.next_command(), Some((8, layout::PING)));
        assert_eq!(second.look(), Some(Fate::Answered(4)));
        assert_eq!(page.next_command(), Some((8, layout::PING)));
        assert_eq!(page.next_command(), None);
        // However many came in between.
        for id in 100..4000 {
            write(&page, &layout::encode(id, layout::PING, soon()));
            assert_eq!(page.next_command(), Some((id, layout::PING)));
            page.answer(id, 0);
        }
        write(&page, &order);
        assert_eq!(page.next_command(), None);
    }

    #[test]
    fn an_answer_may_come_behind_those_to_later_commands() {
        let mut page = page();
        let mut lookouts = [7, 8].map(|id| Lookout::new(page.words, id));
        for id in [7, 8] {
            write(&page, &layout::encode(id, 2, soon()));
            assert_eq!(page.next_command(), Some((id, 2)));
        }
        page.answer(8, 1);
        page.answer(7, 3);
        assert_eq!(
            lookouts.each_mut().map(Lookout::look),
            [Some(Fate::Answered(3)), Some(Fate::Answered(1))]
        );
    }

    /// A command that is taken too late is noted down, and not carried out.
    #[test]
    fn what_came_too_late_is_told_and_not_carried_out() {
        let mut page = page();
        let mut lookout = Lookout::new(page.words, 7);
        write(&page, &layout::encode(7, 2, clock::now()));
        assert_eq!(page.next_command(), None);
        assert_eq!(lookout.look(), Some(Fate::Expired));
    }

    /// A command is noted down before it is carried out, so that a client whose time is over knows.
    #[test]
    fn what_was_taken_is_known_before_it_is_answered() {
        let mut page = page();
        let mut lookout = Lookout::new(page.words, 7);
        write(&page, &layout::encode(7, 2, soon()));
        assert_eq!(page.next_command(), Some((7, 2)));
        assert_eq!(lookout.look(), Some(Fate::Received));
    }

    #[test]
    fn what_is_no_command_is_thrown_away() {
        let mut page = page();
        write(&page, &[b'x'; 3 * layout::RECORD]);
        write(&page, &layout::encode(7, 2, soon()));
        assert_eq!(page.next_command(), None);
        write(&page, &layout::encode(8, 2, soon()));
        assert_eq!(page.next_command(), Some((8, 2)));
    }
}

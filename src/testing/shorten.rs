//! JSON with its long strings cut: what a check compared can be a whole file, and what is shown of it is a line.

/// What a string that was cut ends with: no character of any text, so that whoever reads the JSON knows.
pub(super) const CUT: char = '\u{fffe}';

/// JSON text taken in piece by piece; strings longer than `most` bytes lose their end, for which [`CUT`] stands, and the rest
/// stays as it is.
#[derive(Debug)]
pub(super) struct Shorten {
    out: Vec<u8>,
    /// The longest string, in bytes as it is written, escapes included.
    most: usize,
    /// The most that is kept in all.
    room: usize,
    state: State,
    /// Bytes of the string so far.
    length: usize,
    /// The rest of the string is dropped.
    dropping: bool,
    overflow: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Outside,
    Inside,
    /// Behind a backslash.
    Escape,
    /// In `\uXXXX`, so many digits to come.
    Unicode(u8),
}

impl Shorten {
    pub(super) fn new(most: usize, room: usize) -> Self {
        Self {
            out: Vec::new(),
            most,
            room,
            state: State::Outside,
            length: 0,
            dropping: false,
            overflow: false,
        }
    }

    /// Takes in the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        for byte in piece {
            self.byte(*byte);
        }
    }

    /// What came of it; none when it was more than the room there is, even so.
    pub(super) fn finish(&self) -> Option<&[u8]> {
        (!self.overflow).then_some(&self.out)
    }

    fn byte(&mut self, byte: u8) {
        let before = self.state;
        self.state = match (before, byte) {
            (State::Outside, b'"') => {
                (self.length, self.dropping) = (0, false);
                State::Inside
            }
            (State::Outside, _) | (State::Inside, b'"') => State::Outside,
            (State::Inside, b'\\') => State::Escape,
            (State::Escape, b'u') => State::Unicode(4),
            (State::Unicode(left), _) if left > 1 => State::Unicode(left - 1),
            (State::Inside | State::Escape | State::Unicode(_), _) => State::Inside,
        };
        let content = before != State::Outside && self.state != State::Outside;
        if content {
            // A cut comes between two characters and between two escapes: at a byte that begins one.
            let begins = before == State::Inside && !matches!(byte, 0x80..=0xbf);
            if !self.dropping && self.length >= self.most && begins {
                self.dropping = true;
                CUT.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.keep(byte));
            }
            if self.dropping {
                return;
            }
            self.length += 1;
        }
        self.keep(byte);
    }

    fn keep(&mut self, byte: u8) {
        if self.out.len() < self.room { self.out.push(byte) } else { self.overflow = true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn short(text: &str, most: usize) -> String {
        let mut shorten = Shorten::new(most, 1 << 20);
        text.as_bytes().chunks(3).for_each(|piece| shorten.push(piece));
        String::from_utf8(shorten.finish().expect("room").to_vec()).expect("UTF-8")
    }

    #[test]
    fn long_strings_lose_their_end_and_say_so() {
        let marked = |text: &str| text.replace('~', &CUT.to_string());
        assert_eq!(
            short(r#"{"a": "123456", "b": [1234567]}"#, 4),
            marked(r#"{"a": "1234~", "b": [1234567]}"#)
        );
        assert_eq!(
            short(r#"["12\n45", "123\u00e945", "1234"]"#, 4),
            marked(r#"["12\n~", "123\u00e9~", "1234"]"#)
        );
        assert_eq!(short("[\"12\u{e9}\u{e9}\u{e9}\"]", 4), marked("[\"12\u{e9}~\"]"));
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut shorten = Shorten::new(10, 100);
        shorten.push(&[b'['; 200]);
        assert!(shorten.finish().is_none());
    }

    proptest! {
        #[test]
        fn what_was_json_stays_json(strings in prop::collection::vec(any::<String>(), 0..8), most in 1..20_usize) {
            let text = serde_json::to_string(&strings).expect("JSON");
            let read: Vec<String> = serde_json::from_str(&short(&text, most)).expect("still JSON");
            prop_assert_eq!(read.len(), strings.len());
            for (short, long) in read.iter().zip(&strings) {
                let whole = short == long;
                let cut = short.strip_suffix(CUT).is_some_and(|start| long.starts_with(start));
                prop_assert!(whole || cut, "{:?} of {:?}", short, long);
            }
        }
    }
}

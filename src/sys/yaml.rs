//! The events of a YAML text, one by one, before anything is built from them.
//!
//! Contract: the parser is the one that the YAML library uses, so both see the same events. A text is read only as
//! far as it is asked for: who stops early pays for nothing behind.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use unsafe_libyaml_norway as unsafe_libyaml;

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list or a map begins.
    Open,
    /// A list or a map ends.
    Close,
    /// A scalar of so many bytes.
    Scalar(usize),
    /// The node of an anchor once more.
    Alias(Vec<u8>),
    /// The frame of the stream and its documents.
    Frame,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    /// What it is about.
    pub kind: Kind,
    /// The anchor that the node gets.
    pub anchor: Option<Vec<u8>>,
    /// Whether the node has a tag.
    pub tagged: bool,
    /// Line and column, from 1.
    pub at: (usize, usize),
}

/// The events of a text, up to its end or to the first fault of syntax.
pub struct Events<'t> {
    parser: Box<MaybeUninit<unsafe_libyaml::yaml_parser_t>>,
    text: PhantomData<&'t str>,
    ended: bool,
}

impl<'t> Events<'t> {
    /// Of `text`.
    pub fn new(text: &'t str) -> Self {
        let mut parser = Box::new(MaybeUninit::uninit());
        let at: *mut unsafe_libyaml::yaml_parser_t = parser.as_mut_ptr();
        // SAFETY: room for a parser, which this call fills.
        let made = unsafe { unsafe_libyaml::yaml_parser_initialize(at) };
        // SAFETY: an initialised parser.
        unsafe { unsafe_libyaml::yaml_parser_set_encoding(at, unsafe_libyaml::YAML_UTF8_ENCODING) };
        // SAFETY: as above; the text outlives the parser, which `'t` says.
        unsafe { unsafe_libyaml::yaml_parser_set_input_string(at, text.as_ptr(), text.len() as u64) };
        Self { parser, text: PhantomData, ended: made.fail }
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let mut room = MaybeUninit::<unsafe_libyaml::yaml_event_t>::uninit();
        // SAFETY: an initialised parser and room for an event, which the call fills when it succeeds.
        let parsed =
            unsafe { unsafe_libyaml::yaml_parser_parse(self.parser.as_mut_ptr(), room.as_mut_ptr()) };
        if parsed.fail {
            self.ended = true;
            return None;
        }
        // SAFETY: filled by the call above.
        let event = unsafe { room.assume_init_ref() };
        self.ended = event.type_ == unsafe_libyaml::YAML_STREAM_END_EVENT;
        let read = read(event);
        // SAFETY: a whole event, which nobody uses behind this line.
        unsafe { unsafe_libyaml::yaml_event_delete(room.as_mut_ptr()) };
        Some(read)
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        // SAFETY: an initialised parser, deleted once.
        unsafe { unsafe_libyaml::yaml_parser_delete(self.parser.as_mut_ptr()) };
    }
}

fn read(event: &unsafe_libyaml::yaml_event_t) -> Event {
    let (kind, anchor, tag) = match event.type_ {
        unsafe_libyaml::YAML_SCALAR_EVENT => {
            // SAFETY: the field of a scalar.
            let scalar = unsafe { event.data.scalar };
            (Kind::Scalar(scalar.length as usize), scalar.anchor, scalar.tag)
        }
        unsafe_libyaml::YAML_SEQUENCE_START_EVENT => {
            // SAFETY: the field of a list.
            let list = unsafe { event.data.sequence_start };
            (Kind::Open, list.anchor, list.tag)
        }
        unsafe_libyaml::YAML_MAPPING_START_EVENT => {
            // SAFETY: the field of a map.
            let map = unsafe { event.data.mapping_start };
            (Kind::Open, map.anchor, map.tag)
        }
        unsafe_libyaml::YAML_ALIAS_EVENT => {
            // SAFETY: the field of an alias.
            let alias = unsafe { event.data.alias };
            (Kind::Alias(name(alias.anchor).unwrap_or_default()), std::ptr::null_mut(), std::ptr::null_mut())
        }
        unsafe_libyaml::YAML_SEQUENCE_END_EVENT | unsafe_libyaml::YAML_MAPPING_END_EVENT => {
            (Kind::Close, std::ptr::null_mut(), std::ptr::null_mut())
        }
        _ => (Kind::Frame, std::ptr::null_mut(), std::ptr::null_mut()),
    };
    let at = (event.start_mark.line as usize + 1, event.start_mark.column as usize + 1);
    Event { kind, anchor: name(anchor), tagged: !tag.is_null(), at }
}

/// The text of an anchor.
fn name(anchor: *const u8) -> Option<Vec<u8>> {
    if anchor.is_null() {
        return None;
    }
    // SAFETY: the library ends its texts with a NUL, and the event that holds this one is alive.
    let text = unsafe { CStr::from_ptr(anchor.cast::<c_char>()) };
    Some(text.to_bytes().to_vec())
}

//! What more than one room says: the vocabulary, and how a text from outside is shown.
//!
//! Contract: imports nothing of this crate.

pub mod text;

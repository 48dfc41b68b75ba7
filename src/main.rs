//! The `wrapper` binary: calls the library, returns its exit code.
fn main() {}

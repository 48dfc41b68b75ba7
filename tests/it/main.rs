//! The integration tests: an init is started as a real PID 1 in namespaces of its own (and as a subreaper, and
//! as neither; as root and as a random uid), and the tests wait for what the app under it prints.
//!
//! They need root and the tools named in `support/tools.rs`; what is missing fails with the way to get it.
#![expect(clippy::disallowed_methods, reason = "the tests' processes are not the wrapper's children")]
#![expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the cases follow with the wrapper that they ask"
)]

mod support;

mod layout;

//! The integration tests: an init is started as a real PID 1 in namespaces of its own (and as a subreaper, and
//! as neither; as root and as a random uid), and the tests wait for what the app under it prints.
//!
//! They need root and the tools named in `support/tools.rs`; what is missing fails with the way to get it.
//! Cases that any init can be asked also run against tini, dumb-init and catatonit: see `peers.rs`.
#![expect(clippy::disallowed_methods, reason = "the tests' processes are not the wrapper's children")]
#![expect(clippy::needless_pass_by_value, reason = "a case gets its init to use it up; some only borrow it")]

mod support;

mod app_environment;
mod architecture;
mod bad_input;
mod capabilities;
mod clients;
mod crowds;
mod environment;
mod exit;
mod inherited;
mod layout;
mod maintenance;
mod peers;
mod probes;
mod reaping;
mod run;
mod shutdown;
mod signals;
mod soak;
mod status;
mod suites;
mod termination;
mod test_bats;
mod test_files;
mod test_forgery;
mod test_trees;
mod trust;
mod tty;

//! Configuration: cli, file, env, resolve → one immutable `Config`.
//!
//! Contract: `load` reads every source once and returns a complete `Config`, where each explicit value came
//! from, and warnings; or the first error, which names file, line and key. It prints nothing, never panics on
//! what it reads, and leaves YAML alone when there is no file and no `WRAPPER_` variable.

mod child_env;
mod cli;
mod error;
mod locations;
mod model;
mod resolve;

pub use child_env::{EnvError, child_env};
pub use cli::Layer;
pub use error::{ConfigError, Place};
pub use locations::{Locations, NotFound};
pub use model::{
    Config, Engine, Exit, Maintenance, NonZeroDuration, Probe, Rewrite, Run, Session, Signals, Status, Stop,
    Suite, Target, Test, Umask,
};
pub use resolve::{Loaded, Origin, Warning, load, load_cli, load_tolerant};

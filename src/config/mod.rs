//! Configuration: cli, file, env, resolve → one immutable `Config`.
//!
//! Contract: `load` reads every source once and returns a complete `Config`, where each explicit value came
//! from, and warnings; or the first error, which names file, line and key. It prints nothing, never panics on
//! what it reads, and leaves YAML alone when there is no file and no `WRAPPER_` variable.

mod budget;
mod child_env;
mod cli;
mod draft;
mod env;
mod error;
mod file;
mod keys;
mod locations;
mod model;
mod render;
mod resolve;
mod schema;
mod secret;
mod slot;
mod types;
mod value;
mod warning;
mod yaml;

pub use child_env::{ChildEnv, EnvError, child_env, reads_files};
pub use cli::Layer;
pub use error::{ConfigError, Place};
pub use keys::{KEYS, Key, OTHER_VARIABLES};
pub use locations::{Locations, NotFound};
pub use model::{Config, Exit, Maintenance, Run, Signals, Status, Stop, Suite, Test};
pub use render::{render_json, render_yaml};
pub use resolve::{Loaded, Origin, check_files, load, load_cli, load_tolerant};
pub use secret::secret_values;
pub use types::{Engine, NonZeroDuration, Probe, Rewrite, Session, Target, Umask, VarName};
pub use warning::Warning;

#[cfg(test)]
mod tests;

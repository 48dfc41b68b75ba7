//! What is odd about a configuration and no error: told once, and the start goes on.

use std::path::PathBuf;

/// Odd, not wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A `WRAPPER_` variable that we do not know.
    #[error("{name}: no such setting{}", nearest.as_ref().map_or(String::new(), |near| format!(": did you mean {near}?")))]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The known one that looks most like it.
        nearest: Option<String>,
    },
    /// A variable that Kubernetes made for a Service called `wrapper`.
    #[error(
        "{name}: ignored: Kubernetes made it for a Service (enableServiceLinks: false in the pod leaves them out)"
    )]
    ServiceLink {
        /// Its name.
        name: String,
    },
    /// A key that this version does nothing with.
    #[error("{place}: {key} has no effect in this version")]
    WithoutEffect {
        /// Who set it.
        place: String,
        /// The key.
        key: &'static str,
    },
    /// A file in `wrapper.d` that is no drop-in.
    #[error("{}: ignored: a drop-in is called NAME.yaml", path.display())]
    NotADropIn {
        /// The file.
        path: PathBuf,
    },
}

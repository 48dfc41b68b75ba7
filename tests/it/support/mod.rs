//! The harness: what to start (`init`), how it runs (`process`, `running`), and the cases' common forms.

pub(crate) mod cases;
pub(crate) mod cgroup;
pub(crate) mod init;
pub(crate) mod proc;
pub(crate) mod process;
pub(crate) mod running;
pub(crate) mod suite;
pub(crate) mod terminal;
pub(crate) mod tools;
pub(crate) mod tree;

pub(crate) use cases::{Case, matrix, portable};
pub(crate) use init::{Init, Kind, Place, Target, User};
pub(crate) use running::Running;
pub(crate) use tree::Tree;

//! Whether we have the capabilities that `run.user` and `run.group` need: to become that user, and to signal it later.

use crate::sys::capability::{self, Capability};
use crate::sys::fork::Identity;

/// The app cannot become its user.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "run.user and run.group need the {0}, which this container lacks: add what is missing (docker run --cap-add, in a pod \
     securityContext.capabilities.add), or start the container as that user"
)]
pub struct Missing(&'static str);

/// Checks it. What works but for the signals is a warning: every one of them will fail.
pub(super) fn check(identity: &Identity) -> Result<(), Missing> {
    let own = nix::unistd::geteuid().as_raw();
    let other = identity.uid.is_some_and(|uid| uid != own);
    let other_group = identity.groups.is_some() || identity.gid.is_some();
    match (other && !capability::has(Capability::SetUid), other_group && !capability::has(Capability::SetGid))
    {
        (true, true) => return Err(Missing("capabilities SETUID and SETGID")),
        (true, false) => return Err(Missing("capability SETUID")),
        (false, true) => return Err(Missing("capability SETGID")),
        (false, false) => {}
    }
    if other && !capability::has(Capability::Kill) {
        tracing::warn!(
            "run.user: this container lacks the capability KILL, so no signal can reach the app: neither a stop, a restart, \
             maintenance nor a reload; add it (docker run --cap-add KILL, in a pod securityContext.capabilities.add: \
             [KILL]), or start the container as that user"
        );
    }
    Ok(())
}

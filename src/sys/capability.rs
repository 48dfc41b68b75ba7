//! The capabilities that we have in force.

use super::check;

/// A capability by the kernel's number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capability {
    /// To signal processes of other users.
    Kill = 5,
    /// To take other groups.
    SetGid = 6,
    /// To become another user.
    SetUid = 7,
}

/// Whether it is in our effective set; true as well when the kernel does not tell.
pub fn has(capability: Capability) -> bool {
    // Version 3 of the interface: a header of version and pid (0: ourselves), then twice effective, permitted, inheritable.
    let mut header = [0x2008_0522_u32, 0];
    let mut sets = [0_u32; 6];
    // SAFETY: both arrays have the size of version 3 and live through the call.
    let asked = unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()) };
    check(asked).is_err() || sets[0] & (1 << capability as u32) != 0
}

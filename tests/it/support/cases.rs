//! The common forms of a case: one function that gets an init to ask.

use super::init::{Init, Place, User};

/// A case that any init can be asked, with the name that the table of peers shows.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Init),
}

/// Asks the wrapper in all six ways; a failure is preceded by the way it was started.
pub(crate) fn matrix(case: fn(Init)) {
    for place in [Place::Pid1, Place::Subreaper, Place::Neither] {
        for user in [User::Root, User::random()] {
            eprintln!("--- as {place:?}, {user:?}");
            case(Init::wrapper().place(place).user(user));
        }
    }
}

/// Makes tests of functions, and the list `PORTABLE` of them for the table of peers: those of `every` run in
/// the whole matrix, those of `once` as PID 1 and root.
macro_rules! portable {
    (every: [$($every:ident),* $(,)?], once: [$($once:ident),* $(,)?] $(,)?) => {
        /// The cases of this file that any init can be asked.
        pub(crate) const PORTABLE: &[$crate::support::Case] = &[
            $($crate::support::Case { name: stringify!($every), run: $every },)*
            $($crate::support::Case { name: stringify!($once), run: $once },)*
        ];
        mod portable {
            $(#[test] fn $every() { $crate::support::matrix(super::$every); })*
            $(#[test] fn $once() { super::$once($crate::support::Init::wrapper()); })*
        }
    };
}
pub(crate) use portable;

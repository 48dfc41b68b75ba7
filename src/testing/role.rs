//! What a probe says in each phase of the container, before any test is looked at: `design.md`'s table.

/// The probe that a suite stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The startup probe.
    Startup,
    /// The liveness probe.
    Live,
    /// The readiness probe.
    Ready,
    /// No probe.
    None,
}

/// Where the container is in its life, as far as probes care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// init.d runs; the app is not there yet.
    Init,
    /// The app runs.
    Running,
    /// Maintenance, or on the way in or out.
    Maintenance,
    /// Draining, stopping, ending.
    Stopping,
}

/// What a suite's role makes of a phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The tests decide.
    Run,
    /// It passes without them.
    Pass,
    /// It fails without them.
    Fail,
}

/// The table.
pub fn verdict(role: Role, phase: Phase) -> Verdict {
    match (role, phase) {
        (Role::None, _) | (_, Phase::Running) | (Role::Startup, Phase::Stopping) => Verdict::Run,
        (Role::Startup | Role::Ready, Phase::Init) | (Role::Ready, _) => Verdict::Fail,
        (Role::Startup, Phase::Maintenance) | (Role::Live, _) => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_as_designed() {
        use Verdict::{Fail, Pass, Run};
        let phases = [Phase::Init, Phase::Running, Phase::Maintenance, Phase::Stopping];
        for (role, row) in [
            (Role::Startup, [Fail, Run, Pass, Run]),
            (Role::Live, [Pass, Run, Pass, Pass]),
            (Role::Ready, [Fail, Run, Fail, Fail]),
            (Role::None, [Run, Run, Run, Run]),
        ] {
            assert_eq!(phases.map(|phase| verdict(role, phase)), row, "{role:?}");
        }
    }
}

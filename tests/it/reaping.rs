//! Zombies: orphans are reaped at once, whoever made them, and no end of the app is missed among them.

use crate::support::tools::programs;
use crate::support::{Init, Place, portable, proc};

portable! {
    every: [a_hundred_orphans, an_execed_in_double_fork],
    once: [ten_thousand_orphans, the_app_and_an_orphan_end_together],
}

fn a_hundred_orphans(init: Init) {
    // Who adopts nobody has nobody to reap; the orphans must not disturb it all the same.
    let reaper: &[&str] = if init.place == Place::Neither { &["--reaper", "1"] } else { &[] };
    init.app(&[&["orphans", "100"], reaper].concat()).finish().code(0).printed(&["reaped 100"]);
}

fn ten_thousand_orphans(init: Init) {
    init.app(&["orphans", "10000"]).finish().code(0).printed(&["reaped 10000"]);
}

fn the_app_and_an_orphan_end_together(init: Init) {
    init.sweep("twins", 10_000);
}

/// What somebody execs into the container and orphans there becomes a child of the namespace's PID 1.
fn an_execed_in_double_fork(init: Init) {
    let place = init.place;
    let mut running = init.app(&["catch"]);
    running.ready("app");
    running.enter(&[&programs().probe, "orphans", "5", "--reaper", "1"]).code(0).printed(&["reaped 5"]);
    if place == Place::Pid1 {
        proc::until("only the app is left", || proc::children(running.init_pid()).len() == 1);
    }
    running.signal(&["TERM"]);
    running.finish().code(0);
}

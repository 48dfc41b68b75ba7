//! A soak: at random, clients in bursts, orders, probes, signals and kills, and after each round a check that nothing
//! was lost, left or grown.
//!
//! It takes 15 seconds among the other tests, and as many as `WRAPPER_SOAK_SECONDS` says. The seed is printed;
//! `WRAPPER_SOAK_SEED` gives it again: the rounds are then the same, their timing is not.

mod client;
mod container;
mod door;
mod random;
mod round;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use container::Container;
use random::Random;
use round::{Outcome, Round};

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: expected a number")))
}

#[test]
fn soak() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let seed = setting("WRAPPER_SOAK_SEED").unwrap_or(now.as_micros() as u64);
    let end = Instant::now() + Duration::from_secs(setting("WRAPPER_SOAK_SECONDS").unwrap_or(15));
    println!("WRAPPER_SOAK_SEED={seed}");
    let mut random = Random::new(seed);
    let mut tally = BTreeMap::<&str, u32>::new();
    let mut rounds = 0;
    while Instant::now() < end {
        let mut container = Container::start(random.percent(80), random.percent(80));
        // A container lives long enough to show growth.
        for _ in 0..100 + random.below(200) {
            rounds += 1;
            let round = Round::draw(&mut random);
            *tally.entry(round.name()).or_default() += 1;
            match round.play(&mut container, &mut random) {
                Ok(Outcome::Lives) => {}
                Ok(Outcome::Ended) => break,
                Err(fault) => panic!(
                    "WRAPPER_SOAK_SEED={seed}, round {rounds}: {round:?}\n{fault}\n{}",
                    container.portrait()
                ),
            }
            if Instant::now() > end {
                break;
            }
        }
    }
    println!("{rounds} rounds: {tally:?}");
}

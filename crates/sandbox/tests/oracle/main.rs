//! The kernel and qemu-user as oracles for `plan::simulate`.
//!
//! Random trees, random operations on them, executed for real by both executors; a static probe in
//! the container asks what thousands of paths lead to, and the simulation must say the same. A
//! difference fails with the smallest case that still differs, which belongs into [`known`].
//!
//! Environment: `BATHYSPHERE_ORACLE_CASES` (cases of each test), `BATHYSPHERE_ORACLE_SECONDS` (go on
//! for so long), `BATHYSPHERE_ORACLE_SEED` (a number; the default always makes the same cases).

#[path = "../common/mod.rs"]
mod common;

mod ask;
mod case;
mod compare;
mod expect;
mod generate;
mod interpreter;
mod known;
mod programs;
mod reduce;
mod world;

use ask::Way;
use compare::{Tally, check};
use programs::{need, programs, variable};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::time::{Duration, Instant};

/// Cases of each test, unless more are asked for.
const CASES: u64 = 40;

/// Questions in each case.
const QUESTIONS: usize = 250;

fn number(name: &str) -> Option<u64> {
    variable(name)
        .map(|v| v.to_str().and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("{name}")))
}

/// Makes and checks random cases.
fn search(ways: &[Way], seed: u64) {
    let programs = need!(programs());
    let seconds = number("BATHYSPHERE_ORACLE_SECONDS").map(Duration::from_secs);
    let cases = number("BATHYSPHERE_ORACLE_CASES").unwrap_or(CASES);
    let seed = number("BATHYSPHERE_ORACLE_SEED").unwrap_or(seed);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = generate::case(QUESTIONS);
    let start = Instant::now();
    let mut tally = Tally::default();
    let mut made = 0;
    while seconds.map_or(made < cases, |limit| start.elapsed() < limit) {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        made += 1;
        for way in ways {
            if let Some(difference) = check(way, &programs, &case, &mut tally) {
                let (smallest, difference) = reduce::reduce(way, &programs, &case, difference);
                panic!(
                    "case {made} of seed {seed}, {}:\n{smallest}\n{difference}\n(so far: {tally})",
                    way.name()
                );
            }
        }
    }
    println!("{made} cases of seed {seed}: {tally}");
    assert!(tally.compared > 0);
}

#[test]
fn the_kernel_agrees() {
    search(&programs::native_ways(), 1);
}

#[test]
fn qemu_agrees() {
    search(&[Way::Qemu], 2);
}

#[test]
fn qemu_finds_the_program_interpreter() {
    let programs = need!(programs());
    println!("{} interpreters", interpreter::check_all(&programs));
}

#[test]
fn known_cases() {
    let programs = need!(programs());
    known::check_all(&programs);
}

//! Mutated input for everything that evalmark reads: suites, datasets, labels, recorded answers, other
//! tools' results, logs of production, ledgers, judges' replies and models' answers.
//!
//! **What it does.** A [`Target`] reads one input and says in a word or two what came of it. [`fuzz`]
//! mutates the target's seeds, keeps the inputs whose outcome is new as further seeds, and stops at
//! a panic, or at an input that takes too long, and names the folder that holds the input.
//!
//! **Where to begin reading.** `targets.rs` has the targets, `seeds.rs` what they begin with,
//! `mutate.rs` what is done to an input, and `run.rs` the loop. `cargo run --release -p evalmark-fuzz --
//! TARGET SECONDS` runs one; a test runs each for a few inputs.
//!
//! **What it deliberately does not do.** It needs no nightly compiler, and so does not see which code
//! an input reaches. It has no access to anything that users have not.

mod mutate;
mod production;
mod result_files;
mod run;
mod seeds;
mod targets;

pub use run::{Effort, Found, fuzz};
pub use targets::{Target, targets};

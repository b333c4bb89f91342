//! The whole program, run as users run it, against a server on loopback.

mod faults;
mod judges;
mod mistakes;
mod quickstart;
mod resuming;
mod setup;
mod stopping;
mod tidy;
mod verdicts;

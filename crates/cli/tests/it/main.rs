//! The whole program, run as users run it, against a server on loopback.

mod aborted;
mod baselines;
mod calibrate;
mod changing;
mod classified;
mod custom;
mod examples;
mod explored;
mod faults;
mod gated;
mod judged;
mod judges;
mod killed;
mod mistakes;
mod planning;
mod quickstart;
mod resuming;
mod setup;
mod spending;
mod stopping;
mod tidy;
mod verdicts;

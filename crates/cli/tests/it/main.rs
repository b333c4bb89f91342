//! The whole program, run as users run it, against a server on loopback.

mod aborted;
mod baselines;
mod calibrate;
mod changed;
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
mod printed;
mod quickstart;
mod reasoning;
mod recorded;
mod resuming;
mod setup;
mod sharing;
mod spending;
mod stopping;
mod tidy;
mod verdicts;

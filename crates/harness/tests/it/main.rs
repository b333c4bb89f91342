//! Asking a server on this machine that answers, fails and breaks as it is told.

mod batches;
mod breaker;
mod budget;
mod cache;
mod congestion;
mod connections;
mod contract;
mod embeddings;
mod faults;
mod hedging;
mod keys;
mod ledger;
mod limits;
mod programs;
mod recordings;
mod secrets;
mod setup;
mod signing;
mod stopping;
mod upkeep;
mod wrecks;

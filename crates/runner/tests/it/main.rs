//! The engine, called as a program other than `evalmark` would call it.

#[path = "../../examples/verdict.rs"]
mod example;

mod verdict;

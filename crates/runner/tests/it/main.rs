//! The engine, called as a program other than `evalmark` would call it.

#[expect(dead_code, reason = "its `main` is for those who run it alone")]
#[path = "../../examples/verdict.rs"]
mod example;

mod verdict;

//! The book under `docs/`, README.md and their companions, held against the program: every command is run,
//! every suite checked, every link followed, and every word of the reference found.

mod blocks;
mod commands;
mod environment;
mod links;
mod pages;
mod providers;
mod reference;
mod schema_table;
mod search;
mod shown;
mod stand_in;
mod suites;

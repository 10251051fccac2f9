//! Tests of the whole: the public library, the command line, conformance, faults, and the house rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod attacks;
mod cli;
mod emergency;
mod evidence;
mod faults;
mod format_pages;
mod gap;
mod kills;
mod log_keys;
mod long;
mod people;
pub(crate) mod plugins;
mod queries;
mod rewrap;
mod roles;
mod sealed;
mod strikes;
mod tidy;
mod two_keys;
mod vectors_age;
mod vectors_merkle;
mod verbs;
mod words;

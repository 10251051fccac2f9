//! Tests of the whole: the public library, the command line, conformance, faults, and the house rules.

mod format_pages;
mod tidy;
mod vectors_age;
mod vectors_merkle;

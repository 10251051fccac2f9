//! Tests of the whole: the public library, the command line, conformance, faults, and the house rules.

mod sealed;
mod tidy;
mod two_keys;
mod vectors_age;
mod vectors_merkle;

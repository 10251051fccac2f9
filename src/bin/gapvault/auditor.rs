//! `gapvault-audit`: the auditor's verbs alone, over evidence, on a machine that has no vault.
//!
//! Built without the vault's room it links no database and knows no secret but that of the witness who signs. It shares the
//! files of the other program's counter.

// Some of the counter only the other program needs.
#![allow(dead_code)]

mod command;
mod config;
#[cfg(feature = "vault")]
mod demo;
mod desk;
mod errors;
mod files;
mod help;
mod language;
mod output;
mod passphrase;
mod program;
mod progress;
mod table;
mod terminal;
mod verbs;

use std::process::ExitCode;

use program::Program;

fn main() -> ExitCode {
    let program =
        Program { name: "gapvault-audit", grammar: command::build_auditor, verbs: verbs::run_auditor };
    program::main(program)
}

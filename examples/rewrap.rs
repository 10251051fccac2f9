//! Gives every document of a vault a new header or a new file key, as changes of members and keys do:
//! `rewrap rewrap|rekey IDENTITY PASSPHRASE-FILE VAULT STATE [SINCE]`. What it prints is the way to go on with a run
//! that was interrupted, the number of documents done, and how many failed.

#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gapvault::vault::{NoProgress, RewrapRequest, Site, Vault, prepare_passphrase};
use zeroize::Zeroizing;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [way, identity, passphrase, vault, state, since @ ..] = arguments.as_slice() else {
        return Err("usage: rewrap rewrap|rekey IDENTITY PASSPHRASE-FILE VAULT STATE [SINCE]".into());
    };
    let run = match way.as_str() {
        "rewrap" => Vault::rewrap,
        "rekey" => Vault::rekey,
        _ => return Err("neither rewrap nor rekey".into()),
    };
    let since = since.first().map(|text| text.parse()).transpose()?;
    let site = Site::system(state.into(), Duration::from_secs(10), Arc::new(|_| ()));
    let vault = Vault::at(site, Path::new(vault))?;
    let words = prepare_passphrase(&Zeroizing::new(std::fs::read(passphrase)?))?;
    let me = vault.unlock(identity.as_ref(), &words)?;
    let report = run(&vault, &me, &RewrapRequest { all: true, since, ..Default::default() }, &NoProgress)?;
    println!("since {} done {} failed {}", report.since, report.documents.len(), report.failed.len());
    if report.failed.is_empty() { Ok(()) } else { Err("not all were done".into()) }
}

//! Opens any age file with an identity file of ours: `cargo run --release --example age_open -- IDENTITY PASSPHRASE-FILE
//! FILE OUT`. With it a file that another implementation made is read by this library.

#![allow(clippy::print_stderr, reason = "a program of its own")]

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use gapvault::agefile::{UnverifiedHeader, decrypt_with, read_nonce};
use gapvault::identity::Identity;
use gapvault::plugin::Plugins;
use secrecy::SecretString;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [identity, passphrase, file, out] = arguments.as_slice() else {
        return Err("usage: age_open IDENTITY PASSPHRASE-FILE FILE OUT".into());
    };
    let words = std::fs::read_to_string(passphrase)?;
    let words = SecretString::from(words.strip_suffix('\n').unwrap_or(&words).to_owned());
    let identity = Identity::unlock(&std::fs::read(identity)?, &words)?;
    let (header, mut rest) = UnverifiedHeader::read(File::open(file)?)?;
    let file_key = identity.with_key(&Plugins::none(), |key| header.unlock(&[key]))?;
    let nonce = read_nonce(&mut rest)?;
    let mut to = File::create_new(out)?;
    decrypt_with(2, (&file_key, &nonce), &mut rest, &mut |_| (), &mut to)?;
    to.flush()?;
    Ok(())
}

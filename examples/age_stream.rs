//! Our codec by itself, without a vault: `age_stream encrypt RECIPIENT FILE OUT` and `age_stream decrypt KEY-FILE FILE OUT`, where
//! the key file is one that `age-keygen` makes. For comparisons with other programs that do the same.

#![allow(clippy::print_stderr, reason = "a program of its own")]

use std::fs::File;
use std::path::Path;

use gapvault::agefile::{
    FileKey, Identity, PayloadNonce, Recipient, UnverifiedHeader, decrypt_with, encrypt_with, read_nonce,
    seal_header, wrap,
};
use gapvault::crypto::SystemRandom;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // As many as a vault takes for a large document.
    let threads = 2 * std::thread::available_parallelism()?.get();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["encrypt", recipient, file, out] => encrypt(threads, recipient, file.as_ref(), out.as_ref()),
        ["decrypt", keys, file, out] => decrypt(threads, keys.as_ref(), file.as_ref(), out.as_ref()),
        _ => Err("usage: age_stream encrypt RECIPIENT FILE OUT, or decrypt KEY-FILE FILE OUT".into()),
    }
}

fn encrypt(
    threads: usize,
    recipient: &str,
    file: &Path,
    out: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let random = SystemRandom::new();
    let recipient: Recipient = recipient.parse()?;
    let (file_key, nonce) = (FileKey::generate(&random)?, PayloadNonce::generate(&random)?);
    let header = seal_header(&file_key, &wrap(&file_key, &[&recipient])?)?;
    let mut to = File::create_new(out)?;
    std::io::Write::write_all(&mut to, &header)?;
    encrypt_with(threads, (&file_key, &nonce), &mut File::open(file)?, &mut |_| (), &mut to)?;
    Ok(())
}

fn decrypt(threads: usize, keys: &Path, file: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(keys)?;
    let key = text.lines().find(|line| !line.starts_with('#')).ok_or("no key")?;
    let identity: Identity = key.parse()?;
    let (header, mut rest) = UnverifiedHeader::read(File::open(file)?)?;
    let file_key = header.unlock(&[&identity])?;
    let nonce = read_nonce(&mut rest)?;
    let mut to = File::create_new(out)?;
    decrypt_with(threads, (&file_key, &nonce), &mut rest, &mut |_| (), &mut to)?;
    Ok(())
}

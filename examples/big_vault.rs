//! Makes a large vault to measure with: `cargo run --release --example big_vault -- DIR [SESSIONS [DOCUMENTS]]`.
//!
//! Each session seals DOCUMENTS small files (100) and opens half of them again, so 1,000 sessions (the default) make
//! 100,000 documents and a log of about 200,000 entries. The identity is `DIR/me.id`, its passphrase in `DIR/me.pass`,
//! the vault `DIR/vault`, the host's state `DIR/state`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gapvault::label::{Class, KeyKind, Zone};
use gapvault::vault::{
    self, Error, IdentityNew, InitRequest, ListRequest, NoProgress, OpenRequest, OpenTo, SealRequest, Secret,
    Site, Vault,
};
use secrecy::SecretString;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: big_vault DIR [SESSIONS [DOCUMENTS]]")?);
    let mut number = |otherwise: u32| -> Result<u32, Box<dyn std::error::Error>> {
        match arguments.next() {
            Some(text) => Ok(text.to_str().ok_or("not a number")?.parse()?),
            None => Ok(otherwise),
        }
    };
    let (sessions, documents) = (number(1000)?, number(100)?);
    make(&folder, sessions, documents)
}

fn make(folder: &Path, sessions: u32, documents: u32) -> Outcome {
    std::fs::create_dir_all(folder)?;
    let site = Site::system(folder.join("state"), Duration::from_secs(10), Arc::new(|_| ()));
    let words = "measured and not guarded";
    std::fs::write(folder.join("me.pass"), words)?;
    let passphrase = SecretString::from(words.to_owned());
    let out = folder.join("me.id");
    let new = IdentityNew {
        name: "Big".into(),
        out: out.clone(),
        secret: Secret::Passphrase(passphrase.clone()),
        work_factor: 10,
        kind: KeyKind::Hybrid,
        key: None,
    };
    vault::identity_new(&site, &new)?;
    let me = vault::unlock_identity(&site, &out, &passphrase)?;
    let root = folder.join("vault");
    let request = InitRequest::new("big", Zone::Networked, KeyKind::Hybrid);
    vault::init(&site, &root, &me, &request)?;
    let vault = Vault::at(site, &root)?;
    for session in 0..sessions {
        let sources = folder.join("sources");
        std::fs::create_dir_all(&sources)?;
        for number in 0..documents {
            std::fs::write(
                sources.join(format!("{session:04}-{number:04}.txt")),
                format!("{session} {number}"),
            )?;
        }
        work(&vault, &me, &sources, folder)?;
        std::fs::remove_dir_all(&sources)?;
        if session % 50 == 49 {
            eprintln!("{} sessions", session + 1);
        }
    }
    let listed = vault.list(Some(&me), &ListRequest::default())?.documents.len();
    let status = vault.status()?;
    println!("{listed} documents, {} entries", status.log.size);
    Ok(())
}

/// One session: seals the sources, opens half of them.
fn work(vault: &Vault, me: &vault::Identity, sources: &Path, folder: &Path) -> Result<(), Error> {
    let request = SealRequest {
        paths: vec![sources.to_owned()],
        class: Class::Important,
        title: None,
        remove_original: false,
        dry_run: false,
    };
    let sealed = vault.seal(me, &request, &NoProgress)?;
    let half = sealed.documents.len() / 2;
    let ids = sealed.documents.iter().take(half).map(|row| row.id.to_string()).collect();
    let into = folder.join("opened");
    let request =
        OpenRequest { ids, all: false, to: OpenTo::Into(into.clone()), reason: None, request: None };
    vault.open(me, request, &NoProgress)?;
    // What cannot be removed now is in nobody's way.
    let _ = std::fs::remove_dir_all(into);
    Ok(())
}

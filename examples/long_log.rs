//! Makes a vault with a long log to measure with:
//! `cargo run --release --example long_log -- DIR ENTRIES [DOCUMENTS [live|past [BATCH]]]`.
//!
//! DOCUMENTS small files are sealed (1,000); then, BATCH to a checkpoint (8,192), follow refusals to open one of them, by the same
//! member, until the log has ENTRIES entries. The identity is `DIR/me.id`, its passphrase in `DIR/me.pass`, the vault
//! `DIR/vault`, the host's state `DIR/state`. With `live` all entries stay in the live index.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gapvault::id::{DocumentId, MemberId, SessionId};
use gapvault::label::{Class, KeyKind, Zone};
use gapvault::log::entry::{Event, Object, Outcome};
use gapvault::store::layout::Layout;
use gapvault::store::live::{Context, Live};
use gapvault::store::lock::VaultLock;
use gapvault::vault::{
    self, Identity, IdentityNew, InitRequest, NoProgress, SealRequest, Secret, Site, Vault,
};
use secrecy::SecretString;

type Done<T> = Result<T, Box<dyn std::error::Error>>;

/// Entries of one append, unless somebody wants others.
const BATCH: u64 = 8192;

fn main() -> Done<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: long_log DIR ENTRIES [DOCUMENTS [live|past [BATCH]]]";
    let folder = PathBuf::from(arguments.next().ok_or(usage)?);
    let entries = arguments.next().ok_or(usage)?.parse()?;
    let documents = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let mut site = Site::system(folder.join("state"), Duration::from_secs(10), Arc::new(|_| ()));
    if arguments.next().is_some_and(|word| word == "live") {
        site.window.keep = u64::MAX;
    }
    let batch = arguments.next().map_or(Ok(BATCH), |text| text.parse())?;
    let (me, ids) = found(&site, &folder, documents)?;
    grow(&site, &folder, &me, &ids, (entries, batch))?;
    println!("{} entries", Vault::at(site, &folder.join("vault"))?.status()?.log.size);
    Ok(())
}

fn found(site: &Site, folder: &Path, documents: u32) -> Done<(Identity, Vec<DocumentId>)> {
    std::fs::create_dir_all(folder.join("sources"))?;
    let words = "measured and not guarded";
    std::fs::write(folder.join("me.pass"), words)?;
    let passphrase = SecretString::from(words.to_owned());
    let out = folder.join("me.id");
    let new = IdentityNew {
        name: "Long".into(),
        out: out.clone(),
        secret: Secret::Passphrase(passphrase.clone()),
        work_factor: 10,
        kind: KeyKind::Classic,
        key: None,
    };
    vault::identity_new(site, &new)?;
    let me = vault::unlock_identity(site, &out, &passphrase)?;
    let root = folder.join("vault");
    vault::init(site, &root, &me, &InitRequest::new("long", Zone::Networked, KeyKind::Classic))?;
    for number in 0..documents {
        std::fs::write(folder.join("sources").join(format!("{number:06}.txt")), number.to_string())?;
    }
    let request = SealRequest {
        paths: vec![folder.join("sources")],
        class: Class::Important,
        title: None,
        remove_original: false,
        dry_run: false,
    };
    let sealed = Vault::at(site.clone(), &root)?.seal(&me, &request, &NoProgress)?;
    std::fs::remove_dir_all(folder.join("sources"))?;
    Ok((me, sealed.documents.iter().map(|row| row.id).collect()))
}

fn grow(
    site: &Site,
    folder: &Path,
    me: &Identity,
    ids: &[DocumentId],
    (entries, batch): (u64, u64),
) -> Done<()> {
    let context = Context {
        disk: site.disk.clone(),
        layout: Layout::new(&folder.join("vault").canonicalize()?),
        state: site.state.clone(),
        clock: site.clock.clone(),
        window: site.window,
        random: site.random.clone(),
        key_entries: site.key_entries,
    };
    let lock = VaultLock::take(&context.layout.lock(), site.wait, &|_| ())?;
    let mut live = Live::open(&context, lock)?;
    let member: MemberId = me.id();
    let mut batches = 0_u64;
    while live.ledger().size() < entries {
        let count = batch.min(entries - live.ledger().size());
        let mut drafts = Vec::new();
        for at in 0..count {
            // As if each command refused four.
            let session = SessionId(u128::from(batches * batch + at / 4 + 1).to_be_bytes());
            let mut draft = live.draft(Event::DocumentOpen, Outcome::Denied, session);
            draft.actor.id = Some(member);
            let which = usize::try_from((batches * batch + at).wrapping_mul(0x9e37_79b9) >> 7)?;
            draft.object = ids.get(which % ids.len().max(1)).map(|id| Object::document(*id));
            draft.reason = "no-clearance".parse().ok();
            drafts.push(draft);
        }
        live.record_end(drafts, Some(me.signing()))?;
        batches += 1;
        if batches.is_multiple_of((64 * BATCH / batch.max(1)).max(1)) {
            eprintln!("{} entries", live.ledger().size());
        }
    }
    Ok(())
}

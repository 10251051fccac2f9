//! The vault's secret keys, as the member who holds them gets at them.

use std::path::Path;

use super::{Code, Error, Site};
use crate::agefile;
use crate::crypto::Digest;
use crate::identity::{Identity, MemberKey};
use crate::roster::{KeyName, Purpose, Roster};
use crate::store::disk::Disk;
use crate::store::live::Context;

/// A wrapped key: header and one line.
const KEY_FILE_LIMIT: u64 = 64 * 1024;

/// The secret half of one key. It counts only when its public half is the roster's.
pub(super) fn held(
    site: &Site,
    context: &Context,
    roster: &Roster,
    me: &Identity,
    name: KeyName,
) -> Result<agefile::Identity, Error> {
    let wrong = || Error::new(Code::TamperedKey).with("name", name.purpose.as_str());
    let path = context.layout.key(name, me.id());
    let bytes = match context.disk.read(&path, KEY_FILE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() || error.is_wrong_kind() => return Err(wrong()),
        Err(error) => return Err(error.into()),
    };
    let file = Digest::of(&bytes);
    let key = match me.remembered(&file) {
        Some(key) => key,
        None => {
            let key = unwrapped(site, me, &bytes, &wrong)?;
            me.remember(file, key.clone());
            key
        }
    };
    let public = key.to_recipient().to_string();
    if roster.key(name) == Some(public.as_str()) { Ok(key) } else { Err(wrong()) }
}

/// The key in a key file.
fn unwrapped(
    site: &Site,
    me: &Identity,
    bytes: &[u8],
    wrong: &dyn Fn() -> Error,
) -> Result<agefile::Identity, Error> {
    let limit = usize::try_from(KEY_FILE_LIMIT).unwrap_or(usize::MAX);
    let plain = me.with_key(&site.plugins, |key| agefile::decrypt_small(&[key], bytes, limit));
    let plain = plain.map_err(|error| match error {
        // The token, and not the file.
        agefile::Error::Key(_) => Error::from(error),
        error => wrong().because(error),
    })?;
    let text = std::str::from_utf8(&plain).ok().map(str::trim_end);
    text.and_then(|text| text.parse().ok()).ok_or_else(wrong)
}

/// The secret half of the newest generation for a purpose.
pub(super) fn newest(
    site: &Site,
    context: &Context,
    roster: &Roster,
    me: &Identity,
    purpose: Purpose,
) -> Result<agefile::Identity, Error> {
    let (name, _) = roster.newest_key(purpose).ok_or(Code::TamperedRoster)?;
    held(site, context, roster, me, name)
}

/// The secret halves of every generation for a purpose that the member has a file of, newest first. The newest must be
/// among them.
pub(super) fn every(
    site: &Site,
    context: &Context,
    roster: &Roster,
    me: &Identity,
    purpose: Purpose,
) -> Result<Vec<agefile::Identity>, Error> {
    let (newest, _) = roster.newest_key(purpose).ok_or(Code::TamperedRoster)?;
    let mut keys = vec![held(site, context, roster, me, newest)?];
    for generation in (1..newest.generation).rev() {
        let name = KeyName { purpose, generation };
        if roster.key(name).is_some() && context.disk.exists(&context.layout.key(name, me.id()))? {
            keys.push(held(site, context, roster, me, name)?);
        }
    }
    Ok(keys)
}

/// Whether there is a file at `path` that has the form of an age file.
pub(super) fn is_formed(disk: &dyn Disk, path: &Path) -> Result<bool, Error> {
    let bytes = match disk.read(path, KEY_FILE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() || error.is_wrong_kind() => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    Ok(agefile::is_formed(&bytes))
}

/// A key as a small age file for one member; stock age takes the content as an identity file.
pub(super) fn wrap(site: &Site, key: &agefile::Identity, to: &MemberKey) -> Result<Vec<u8>, Error> {
    let mut text = zeroize::Zeroizing::new(String::with_capacity(4096));
    text.push_str(&key.to_text());
    text.push('\n');
    Ok(to.with_key(&site.plugins, |to| agefile::encrypt_small(&[to], text.as_bytes(), &*site.random))?)
}

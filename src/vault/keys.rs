//! The vault's secret keys, as the member who holds them gets at them.

use std::collections::HashSet;
use std::path::Path;

use super::finish::was_wrapped;
use super::init::new_key;
use super::{Code, Error, Site};
use crate::agefile;
use crate::crypto::Digest;
use crate::id::MemberId;
use crate::identity::{Identity, MemberKey};
use crate::log::entry::{Event, Outcome};
use crate::policy::standing;
use crate::roster::{KeyName, Member, Purpose, Roster};
use crate::store::StoreError;
use crate::store::disk::Disk;
use crate::store::live::{Context, Live};
use crate::time::Timestamp;

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

/// Whether a key file that comes with a new roster holds that roster's key.
pub(super) fn fits(
    site: &Site,
    roster: &Roster,
    me: &Identity,
    name: KeyName,
    bytes: &[u8],
) -> Result<bool, Error> {
    match unwrapped(site, me, bytes, &|| Code::TamperedKey.into()) {
        Ok(key) => Ok(roster.key(name) == Some(key.to_recipient().to_string().as_str())),
        Err(error) if error.code() == Code::TamperedKey => Ok(false),
        Err(error) => Err(error),
    }
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

/// Whether a file with the newest key for a purpose lies there for this member.
pub(super) fn is_given(
    context: &Context,
    roster: &Roster,
    member: MemberId,
    purpose: Purpose,
) -> Result<bool, Error> {
    let (newest, _) = roster.newest_key(purpose).ok_or(Code::TamperedRoster)?;
    Ok(context.disk.exists(&context.layout.key(newest, member))?)
}

/// Keys that members are to have and of which no file lies there: one for each generation, the newest of them first.
pub(super) fn missing(
    context: &Context,
    live: &Live,
    roster: &Roster,
    now: Timestamp,
) -> Result<Vec<(KeyName, MemberId)>, Error> {
    let mut missing = Vec::new();
    let retired = retired(live)?;
    for (name, _) in roster.keys.iter().rev() {
        let newest = roster.newest_key(name.purpose).is_some_and(|(newest, _)| newest == *name);
        // An older one may have been thrown away, and then nobody is to have it.
        if !newest && (retired.contains(&name.to_string()) || !has_files(context, *name)?) {
            continue;
        }
        for member in roster.members.iter().filter(|member| member.holds(name.purpose)) {
            let over = standing(roster, member.id, now).is_err();
            if !over && !context.disk.exists(&context.layout.key(*name, member.id))? {
                missing.push((*name, member.id));
            }
        }
    }
    Ok(missing)
}

/// A key that was never wrapped to the member is awaited, and not missing.
pub(super) fn awaited(live: &Live, me: &Identity, purpose: Purpose, error: Error) -> Error {
    let Some((newest, _)) = live.roster().roster().newest_key(purpose) else { return error };
    let waits = error.code() == Code::TamperedKey && was_wrapped(live, newest, me.id()).is_ok_and(|was| !was);
    if waits { Error::new(Code::KeyWaiting).with("name", purpose.as_str()) } else { error }
}

/// Generations that were thrown away, or begun to be.
fn retired(live: &Live) -> Result<HashSet<String>, Error> {
    let mut retired = HashSet::new();
    for place in live.index().places_of_event(Event::KeyRetire.as_str()).map_err(StoreError::from)? {
        let entry = live.entry(place)?;
        if entry.event() == Event::KeyRetire && entry.outcome() == Outcome::Ok {
            retired.extend(entry.detail().code.as_ref().map(ToString::to_string));
        }
    }
    Ok(retired)
}

/// Whether anybody has a key of this generation.
pub(super) fn has_files(context: &Context, name: KeyName) -> Result<bool, Error> {
    match context.disk.list_dir(&context.layout.key_folder(name)) {
        Ok(files) => Ok(!files.is_empty()),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes every file of a generation.
pub(super) fn remove_files(context: &Context, name: KeyName) -> Result<(), Error> {
    let folder = context.layout.key_folder(name);
    for file in context.disk.list_dir(&folder)? {
        context.disk.remove_file(&folder.join(file))?;
    }
    context.disk.sync_dir(&folder)?;
    Ok(())
}

/// A new generation of a key, wrapped to everybody who is to have it.
pub(super) fn next_generation(
    site: &Site,
    roster: &mut Roster,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Vec<(KeyName, MemberId, Vec<u8>)>, Error> {
    let newest = roster.newest_key(purpose).map_or(0, |(name, _)| name.generation);
    let name = KeyName { purpose, generation: newest + 1 };
    let key = new_key(site, roster.key_kind)?;
    roster.keys.push((name, key.to_recipient().to_string()));
    roster.keys.sort();
    let holds = |member: &&Member| member.holds(purpose) && standing(roster, member.id, now).is_ok();
    let holders = roster.members.iter().filter(holds);
    holders
        .map(|member| {
            let to: MemberKey = member.recipient.parse().map_err(|_| Code::TamperedRoster)?;
            Ok((name, member.id, wrap(site, &key, &to)?))
        })
        .collect()
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

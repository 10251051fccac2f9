//! Identities, before and beside any vault.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::report::{IdentityNewReport, IdentityPassphraseReport, IdentityShowReport};
use super::{Code, Error, Site};
use crate::identity::{Card, FILE_LIMIT, Identity, MAX_WORK_FACTOR, MIN_WORK_FACTOR, passphrase};
use crate::label::KeyKind;
use crate::note::VerifierKey;
use crate::store::disk::{write_durably, write_many_durably};
use crate::store::os;

/// A new person.
#[derive(Debug)]
pub struct IdentityNew {
    /// The person's name.
    pub name: String,
    /// The identity file; the card goes beside it.
    pub out: PathBuf,
    /// The passphrase.
    pub passphrase: SecretString,
    /// scrypt's work factor.
    pub work_factor: u8,
    /// The kind of the decryption key.
    pub kind: KeyKind,
}

/// A passphrase from raw bytes: UTF-8, one final newline off, NFC, not empty, within the limit.
///
/// # Errors
/// [`Code::PassphraseEmpty`], [`Code::PassphraseTooLong`], [`Code::PassphraseText`].
pub fn prepare_passphrase(raw: &Zeroizing<Vec<u8>>) -> Result<SecretString, Error> {
    Ok(passphrase(raw)?)
}

/// Makes an identity file under a passphrase, and the card beside it.
///
/// # Errors
/// [`Code::Exists`], [`Code::WorkFactor`], [`Code::Text`] for the name.
pub fn identity_new(site: &Site, request: &IdentityNew) -> Result<IdentityNewReport, Error> {
    if !(MIN_WORK_FACTOR..=MAX_WORK_FACTOR).contains(&request.work_factor) {
        return Err(Code::WorkFactor.into());
    }
    let card_path = card_path(&request.out);
    for path in [&request.out, &card_path] {
        if site.disk.exists(path)? {
            return Err(Error::new(Code::Exists).with("path", path.display()));
        }
    }
    let now = site.clock.now().time;
    let me = Identity::generate(&request.name, request.kind, now, &*site.random)?;
    let card = me.card()?;
    let file = me.lock(&request.passphrase, request.work_factor, &*site.random)?;
    // One write for both: a kill leaves the identity without its card at worst, and the card can be shown again.
    let files = [(request.out.clone(), file), (card_path.clone(), card.print().into_bytes())];
    write_many_durably(&*site.disk, &files)?;
    Ok(IdentityNewReport {
        id: me.id(),
        name: request.name.clone(),
        identity: request.out.clone(),
        card: card_path,
        code: card.code().to_string(),
    })
}

fn card_path(identity: &Path) -> PathBuf {
    let mut name = identity.as_os_str().to_owned();
    name.push(".card");
    name.into()
}

fn read(site: &Site, file: &Path) -> Result<Vec<u8>, Error> {
    match site.disk.read(file, FILE_LIMIT as u64) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.is_not_found() => Err(Error::new(Code::NoFile).with("path", file.display())),
        Err(error) if error.is_wrong_kind() => {
            Err(Error::new(Code::BadIdentity).with("path", file.display()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads a card file, verified.
pub(super) fn read_card(site: &Site, file: &Path) -> Result<Card, Error> {
    let bytes = match read(site, file) {
        Err(error) if error.code() == Code::BadIdentity => {
            return Err(Error::new(Code::NotACard).with("path", file.display()));
        }
        other => other?,
    };
    Card::parse(&bytes).map_err(|error| Error::from(error).with("path", file.display()))
}

/// Unlocks an identity file.
///
/// # Errors
/// [`Code::NoFile`], [`Code::IdentityPermissions`], [`Code::WrongPassphrase`], [`Code::BadIdentity`],
/// [`Code::ExcessiveWork`].
pub fn unlock_identity(site: &Site, file: &Path, passphrase: &SecretString) -> Result<Identity, Error> {
    let bytes = read(site, file)?;
    if os::others_can_read(file).unwrap_or(true) {
        return Err(Error::new(Code::IdentityPermissions).with("path", file.display()));
    }
    Identity::unlock(&bytes, passphrase).map_err(|error| Error::from(error).with("path", file.display()))
}

/// Shows a card: of a card file as it is, of an identity file after its passphrase.
///
/// # Errors
/// Those of [`unlock_identity`]; [`Code::TamperedCard`].
pub fn identity_show(
    site: &Site,
    file: &Path,
    passphrase: &mut dyn FnMut() -> Result<SecretString, Error>,
) -> Result<IdentityShowReport, Error> {
    let bytes = read(site, file)?;
    let card = if bytes.starts_with(b"age-encryption.org/") {
        unlock_identity(site, file, &passphrase()?)?.card()?
    } else {
        Card::parse(&bytes).map_err(|error| Error::from(error).with("path", file.display()))?
    };
    Ok(IdentityShowReport {
        id: card.id,
        name: card.name.clone(),
        recipient: card.recipient.to_string(),
        verifier_key: VerifierKey::of_member(card.key).to_string(),
        created: card.created,
        code: card.code().to_string(),
        card: card.print(),
    })
}

/// Puts an identity file under another passphrase. The old file is replaced only by a whole new one.
///
/// # Errors
/// Those of [`unlock_identity`]; [`Code::WorkFactor`].
pub fn identity_passphrase(
    site: &Site,
    file: &Path,
    old: &SecretString,
    new: &SecretString,
    work_factor: u8,
) -> Result<IdentityPassphraseReport, Error> {
    let me = unlock_identity(site, file, old)?;
    write_durably(&*site.disk, file, &me.lock(new, work_factor, &*site.random)?)?;
    Ok(IdentityPassphraseReport { identity: file.to_owned() })
}

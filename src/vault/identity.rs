//! Identities, before and beside any vault.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::report::{IdentityNewReport, IdentityPassphraseReport, IdentityShowReport};
use super::{Code, Error, Site};
use crate::agefile::{self, UnverifiedHeader, Wrap};
use crate::identity::{
    Card, FILE_LIMIT, Identity, IdentityError, MAX_WORK_FACTOR, MIN_WORK_FACTOR, passphrase,
};
use crate::label::KeyKind;
use crate::note::VerifierKey;
use crate::plugin;
use crate::store::disk::{write_durably, write_many_durably};
use crate::store::guesses::{GuessBook, GuessError};
use crate::store::os;

/// A new person.
#[derive(Debug)]
pub struct IdentityNew {
    /// The person's name.
    pub name: String,
    /// The identity file; the card goes beside it.
    pub out: PathBuf,
    /// What protects the identity file.
    pub secret: Secret,
    /// scrypt's work factor, for a passphrase.
    pub work_factor: u8,
    /// The kind of the decryption key, for one that is made.
    pub kind: KeyKind,
    /// The decryption key, if it is a token's.
    pub key: Option<TokenKey>,
}

/// A token's key: both halves, as its program prints them.
#[derive(Debug, Clone)]
pub struct TokenKey {
    /// What leads to the secret half.
    pub identity: plugin::Identity,
    /// The public half.
    pub recipient: plugin::Recipient,
}

/// What an identity file is under.
#[derive(Clone)]
pub enum Secret {
    /// A passphrase.
    Passphrase(SecretString),
    /// A token, or whatever else a plugin of the age protocol leads to.
    Token(plugin::Identity),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase(..)"),
            Self::Token(token) => write!(f, "Token({token:?})"),
        }
    }
}

/// The same, lent.
#[derive(Debug, Clone, Copy)]
pub enum Opener<'a> {
    /// A passphrase.
    Passphrase(&'a SecretString),
    /// What leads to a token.
    Token(&'a plugin::Identity),
}

impl<'a> From<&'a SecretString> for Opener<'a> {
    fn from(words: &'a SecretString) -> Self {
        Self::Passphrase(words)
    }
}

impl<'a> From<&'a Secret> for Opener<'a> {
    fn from(secret: &'a Secret) -> Self {
        match secret {
            Secret::Passphrase(words) => Self::Passphrase(words),
            Secret::Token(token) => Self::Token(token),
        }
    }
}

/// What an identity file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// Its passphrase.
    Passphrase,
    /// Its token; the file that leads to it lies at this path, unless somebody names another.
    Token(PathBuf),
}

/// A passphrase from raw bytes: UTF-8, one final newline off, NFC, not empty, within the limit.
///
/// # Errors
/// [`Code::PassphraseEmpty`], [`Code::PassphraseTooLong`], [`Code::PassphraseText`].
pub fn prepare_passphrase(raw: &Zeroizing<Vec<u8>>) -> Result<SecretString, Error> {
    Ok(passphrase(raw)?)
}

/// Makes an identity file, and the card beside it. Under a token, what leads to the token stands in a third file,
/// `FILE.token`. Whatever a token has to do later it is asked to do once before anything is written.
///
/// # Errors
/// [`Code::Exists`], [`Code::WorkFactor`], [`Code::Text`] for the name; [`Code::TokenDiffers`] for two halves that do not
/// belong together; what a token's program does wrong.
pub fn identity_new(site: &Site, request: &IdentityNew) -> Result<IdentityNewReport, Error> {
    if !(MIN_WORK_FACTOR..=MAX_WORK_FACTOR).contains(&request.work_factor) {
        return Err(Code::WorkFactor.into());
    }
    let (card_path, token_path) = (beside(&request.out, "card"), beside(&request.out, "token"));
    for path in [&request.out, &card_path, &token_path] {
        if site.disk.exists(path)? {
            return Err(Error::new(Code::Exists).with("path", path.display()));
        }
    }
    let now = site.clock.now().time;
    let me = match &request.key {
        None => Identity::generate(&request.name, request.kind, now, &*site.random)?,
        Some(TokenKey { identity, recipient }) => {
            try_out(site, identity, &recipient.with(&site.plugins))?;
            let key = (identity.clone(), recipient.clone());
            Identity::generate_with_plugin(&request.name, key, now, &*site.random)?
        }
    };
    let card = me.card()?;
    let file = locked(site, &me, &request.secret, request.work_factor)?;
    // One write for all: a kill leaves the identity without its card at worst, and the card can be shown again.
    let mut files = vec![(request.out.clone(), file), (card_path.clone(), card.print().into_bytes())];
    if let Secret::Token(token) = &request.secret {
        // Before the identity: without it nobody would know which token.
        files.insert(0, (token_path, format!("{}\n", token.as_str()).into_bytes()));
    }
    write_many_durably(&*site.disk, &files)?;
    Ok(IdentityNewReport {
        id: me.id(),
        name: request.name.clone(),
        identity: request.out.clone(),
        card: card_path,
        code: card.code().to_string(),
    })
}

/// The bytes of an identity file.
fn locked(site: &Site, me: &Identity, secret: &Secret, work_factor: u8) -> Result<Vec<u8>, Error> {
    match secret {
        Secret::Passphrase(words) => Ok(me.lock(words, work_factor, &*site.random)?),
        Secret::Token(token) => {
            let to = token.with(&site.plugins);
            try_out(site, token, &to)?;
            Ok(agefile::encrypt_small(&[&to], me.to_text().as_bytes(), &*site.random)?)
        }
    }
}

/// Whether a token opens what was encrypted for it: now, and not when a document is needed.
fn try_out(site: &Site, token: &plugin::Identity, recipient: &dyn Wrap) -> Result<(), Error> {
    let text = site.random.bytes32().map_err(|_| Code::NoRandom)?;
    let file = agefile::encrypt_small(&[recipient], &text, &*site.random)?;
    match agefile::decrypt_small(&[&token.with(&site.plugins)], &file, text.len()) {
        Ok(opened) if opened.as_slice() == text => Ok(()),
        Ok(_) | Err(agefile::Error::NoMatch | agefile::Error::Mac) => {
            Err(Error::new(Code::TokenDiffers).with("name", token.name().program()))
        }
        Err(error) => Err(error.into()),
    }
}

/// A file beside the identity file.
fn beside(identity: &Path, end: &str) -> PathBuf {
    let mut name = identity.as_os_str().to_owned();
    name.push(".");
    name.push(end);
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

/// What an identity file asks for. Only its form is looked at, and nothing in it is believed.
///
/// # Errors
/// [`Code::NoFile`], [`Code::BadIdentity`].
pub fn protection_of(site: &Site, file: &Path) -> Result<Protection, Error> {
    let header = UnverifiedHeader::parse(&read(site, file)?);
    let header = header.map_err(|error| bad_identity(file).because(error))?;
    if header.is_passphrase() {
        Ok(Protection::Passphrase)
    } else {
        Ok(Protection::Token(beside(file, "token")))
    }
}

fn bad_identity(file: &Path) -> Error {
    Error::new(Code::BadIdentity).with("path", file.display())
}

/// Reads a file that leads to a token: one line `AGE-PLUGIN-…`, comments beside it. With it the public half, where a comment
/// names it as programs do: `# … recipient: age1…` or `# public key: age1…`.
///
/// # Errors
/// [`Code::NoFile`], [`Code::NotAToken`].
pub fn read_token(site: &Site, file: &Path) -> Result<(plugin::Identity, Option<plugin::Recipient>), Error> {
    let not_one = || Error::new(Code::NotAToken).with("path", file.display());
    let bytes = match site.disk.read(file, FILE_LIMIT as u64) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.is_not_found() => {
            return Err(Error::new(Code::NoFile).with("path", file.display()));
        }
        Err(error) if error.is_wrong_kind() => return Err(not_one()),
        Err(error) => return Err(error.into()),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| not_one())?;
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut keys = lines().filter(|line| !line.starts_with('#'));
    let (Some(key), None) = (keys.next(), keys.next()) else { return Err(not_one()) };
    let named = lines().filter(|line| line.starts_with('#')).find_map(|line| {
        let (what, key) = line.rsplit_once(':')?;
        let what = what.to_lowercase();
        let known = what.ends_with("recipient") || what.ends_with("public key");
        key.trim().parse().ok().filter(|_| known)
    });
    Ok((key.parse().map_err(|_| not_one())?, named))
}

/// Unlocks an identity file, with its passphrase or its token. The fifth wrong passphrase locks it on this host for a quarter
/// of an hour; tokens do their own counting.
///
/// # Errors
/// [`Code::NoFile`], [`Code::IdentityPermissions`], [`Code::WrongPassphrase`], [`Code::LockedOut`], [`Code::WrongToken`],
/// [`Code::BadIdentity`], [`Code::ExcessiveWork`], what a token's program does wrong; [`Code::Busy`] when another process
/// judges attempts for longer than we wait, what the disk says when the count of wrong ones cannot be read.
pub fn unlock_identity<'a>(
    site: &Site,
    file: &Path,
    opener: impl Into<Opener<'a>>,
) -> Result<Identity, Error> {
    let bytes = read(site, file)?;
    if os::others_can_read(file).unwrap_or(true) {
        return Err(Error::new(Code::IdentityPermissions).with("path", file.display()));
    }
    let token = match opener.into() {
        Opener::Passphrase(words) => return unlock_with_passphrase(site, file, &bytes, words),
        Opener::Token(token) => token,
    };
    let opened = agefile::decrypt_small(&[&token.with(&site.plugins)], &bytes, FILE_LIMIT);
    let text = opened.map_err(|error| match error {
        agefile::Error::NoMatch | agefile::Error::Mac => {
            Error::new(Code::WrongToken).with("name", token.name().program())
        }
        agefile::Error::Key(_) => error.into(),
        error => bad_identity(file).because(error),
    })?;
    let text = std::str::from_utf8(&text).map_err(|_| bad_identity(file))?;
    text.parse().map_err(|error: IdentityError| Error::from(error).with("path", file.display()))
}

/// Tries a passphrase, unless there were too many wrong ones; whether it was right is told only once that is counted.
fn unlock_with_passphrase(
    site: &Site,
    file: &Path,
    bytes: &[u8],
    words: &SecretString,
) -> Result<Identity, Error> {
    let book = GuessBook::new(&*site.disk, &*site.clock, &site.state, bytes);
    let book = book.waiting(site.wait, &*site.on_wait);
    book.admit()?;
    let error = match Identity::unlock(bytes, words) {
        Ok(me) => {
            book.right()?;
            return Ok(me);
        }
        Err(error) => Error::from(error).with("path", file.display()),
    };
    if error.code() != Code::WrongPassphrase {
        return Err(error);
    }
    Err(match book.wrong() {
        Ok(()) => error,
        // The count is lost, as on a read-only medium, where a verifier must still be able to work. The person has to hear
        // that the passphrase was wrong, and not how a folder is that nobody asked for. Whoever can make the folder read-only
        // could empty it as well, so refusing here would keep out honest people only.
        Err(GuessError::Disk(lost)) => error.because(lost),
        Err(other) => other.into(),
    })
}

/// Shows a card: of a card file as it is, of an identity file once it is unlocked with what `secret` gives.
///
/// # Errors
/// Those of [`unlock_identity`]; [`Code::TamperedCard`].
pub fn identity_show(
    site: &Site,
    file: &Path,
    secret: &mut dyn FnMut() -> Result<Secret, Error>,
) -> Result<IdentityShowReport, Error> {
    let bytes = read(site, file)?;
    let card = if bytes.starts_with(b"age-encryption.org/") {
        unlock_identity(site, file, &secret()?)?.card()?
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

/// Puts an identity file under another passphrase; one that was under a token is under the passphrase alone then. The old file
/// is replaced only by a whole new one.
///
/// # Errors
/// Those of [`unlock_identity`]; [`Code::WorkFactor`].
pub fn identity_passphrase(
    site: &Site,
    file: &Path,
    old: &Secret,
    new: &SecretString,
    work_factor: u8,
) -> Result<IdentityPassphraseReport, Error> {
    let me = unlock_identity(site, file, old)?;
    write_durably(&*site.disk, file, &me.lock(new, work_factor, &*site.random)?)?;
    Ok(IdentityPassphraseReport { identity: file.to_owned() })
}

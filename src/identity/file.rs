//! The identity file, and what a passphrase is.

use std::str::FromStr;

use secrecy::SecretString;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{Decryption, Identity, IdentityError, is_name};
use crate::agefile;
use crate::crypto::{Random, SigningKey};
use crate::encoding::{base64, unbase64};
use crate::time::Timestamp;

/// scrypt's work factor (log2 N) for new files: about a second and 256 MiB.
pub const DEFAULT_WORK_FACTOR: u8 = 18;
/// The least we write; for tests and demonstrations.
pub const MIN_WORK_FACTOR: u8 = 10;
/// The most we write or accept.
pub const MAX_WORK_FACTOR: u8 = 20;
/// Longest passphrase in bytes.
pub const PASSPHRASE_LIMIT: usize = 4096;

const FIRST_LINE: &str = "# gapvault identity";
const RECIPIENT_LINE: &str = "# recipient: ";

/// A passphrase from the bytes of a file or a terminal: UTF-8, one final newline ignored, NFC, so that the same
/// words typed on different systems are the same passphrase.
pub fn passphrase(raw: &Zeroizing<Vec<u8>>) -> Result<SecretString, IdentityError> {
    if raw.len() > PASSPHRASE_LIMIT + 2 {
        return Err(IdentityError::PassphraseTooLong);
    }
    let text = std::str::from_utf8(raw).map_err(|_| IdentityError::PassphraseText)?;
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text);
    if line.is_empty() {
        return Err(IdentityError::PassphraseEmpty);
    }
    if line.contains(['\n', '\r', '\0']) {
        return Err(IdentityError::PassphraseText);
    }
    // NFC grows text by a factor of three at most; reserving that much keeps it from leaving copies behind.
    let mut normal = Zeroizing::new(String::with_capacity(line.len() * 3));
    normal.extend(line.nfc());
    if normal.len() > PASSPHRASE_LIMIT {
        return Err(IdentityError::PassphraseTooLong);
    }
    Ok(SecretString::from(normal.as_str().to_owned()))
}

impl Identity {
    /// The identity file's bytes: an age file under the passphrase, which stock age takes as `-i`.
    pub fn lock(
        &self,
        passphrase: &SecretString,
        work_factor: u8,
        random: &dyn Random,
    ) -> Result<Vec<u8>, IdentityError> {
        if !(MIN_WORK_FACTOR..=MAX_WORK_FACTOR).contains(&work_factor) {
            return Err(IdentityError::WorkFactor);
        }
        agefile::encrypt_with_passphrase(passphrase, work_factor, self.to_text().as_bytes(), random)
            .map_err(|_| IdentityError::NotAnIdentity)
    }

    /// Opens an identity file. Nothing of a wrong passphrase or the content shows in the error.
    pub fn unlock(file: &[u8], passphrase: &SecretString) -> Result<Self, IdentityError> {
        let plain = agefile::decrypt_with_passphrase(passphrase, MAX_WORK_FACTOR, file, super::FILE_LIMIT)
            .map_err(|error| match error {
                agefile::Error::NoMatch => IdentityError::WrongPassphrase,
                agefile::Error::ExcessiveWork { .. } => IdentityError::ExcessiveWork,
                _ => IdentityError::NotAnIdentity,
            })?;
        std::str::from_utf8(&plain).map_err(|_| IdentityError::NotAnIdentity)?.parse()
    }

    /// The text inside an identity file, which [`FromStr`] reads. It is the secret itself: for somebody who keeps
    /// it under something other than a passphrase.
    pub fn to_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(base64(self.signing.seed()));
        let key = match &self.decryption {
            Decryption::Here(key) => key.to_text(),
            Decryption::Plugin(key, recipient) => {
                Zeroizing::new(format!("{RECIPIENT_LINE}{recipient}\n{}", key.as_str()))
            }
        };
        Zeroizing::new(format!(
            "{FIRST_LINE}\n# name: {}\n# created: {}\n# signing-key: {}\n{}\n",
            self.name,
            self.created,
            seed.as_str(),
            key.as_str(),
        ))
    }
}

/// Reads what [`Identity::to_text`] wrote, and nothing else; any other text is [`IdentityError::NotAnIdentity`].
impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        read(text).ok_or(IdentityError::NotAnIdentity)
    }
}

fn read(text: &str) -> Option<Identity> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let name = lines.next()?.strip_prefix("# name: ").filter(|name| is_name(name))?.to_owned();
    let created: Timestamp = lines.next()?.strip_prefix("# created: ")?.parse().ok()?;
    let seed = Zeroizing::new(unbase64(lines.next()?.strip_prefix("# signing-key: ")?)?);
    let seed: &[u8; 32] = seed.as_slice().try_into().ok()?;
    let line = lines.next()?;
    let decryption = match line.strip_prefix(RECIPIENT_LINE) {
        None => Decryption::Here(line.parse().ok()?),
        // What leads to a plugin's key does not tell its public half.
        Some(recipient) => {
            let recipient = recipient.parse().ok()?;
            Decryption::Plugin(lines.next()?.parse().ok()?, recipient)
        }
    };
    let signing = SigningKey::from_seed(*seed);
    lines.next().is_none().then(|| Identity::of(&name, created, signing, decryption))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;
    use crate::label::KeyKind;
    use secrecy::ExposeSecret as _;

    fn words(bytes: &[u8]) -> Result<String, IdentityError> {
        passphrase(&Zeroizing::new(bytes.to_vec())).map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn one_final_newline_is_ignored_and_nothing_else() {
        assert_eq!(words(b"a b").unwrap(), "a b");
        assert_eq!(words(b"a b\n").unwrap(), "a b");
        assert_eq!(words(b"a b\r\n").unwrap(), "a b");
        assert_eq!(words(b" a ").unwrap(), " a ");
        for bad in [&b"a\n\n"[..], b"a\nb", b"a\0", b"\xff"] {
            assert_eq!(words(bad), Err(IdentityError::PassphraseText), "{bad:?}");
        }
        for empty in [&b""[..], b"\n", b"\r\n"] {
            assert_eq!(words(empty), Err(IdentityError::PassphraseEmpty));
        }
    }

    #[test]
    fn the_same_words_in_nfc_and_nfd_are_the_same() {
        assert_eq!(words("café".as_bytes()), words("cafe\u{301}".as_bytes()));
        assert_eq!(words("が".as_bytes()), words("か\u{3099}".as_bytes()));
    }

    #[test]
    fn the_length_limit_holds_on_both_sides() {
        assert!(words(&vec![b'x'; PASSPHRASE_LIMIT]).is_ok());
        assert_eq!(words(&vec![b'x'; PASSPHRASE_LIMIT + 1]), Err(IdentityError::PassphraseTooLong));
        assert_eq!(words(&vec![b'x'; 1 << 20]), Err(IdentityError::PassphraseTooLong));
    }

    #[test]
    fn an_identity_file_opens_with_its_passphrase_only() {
        let identity =
            Identity::generate("Ann Lee", KeyKind::Classic, Timestamp::from_unix_ms(5), &SystemRandom::new())
                .unwrap();
        let pass = |text: &str| SecretString::from(text.to_owned());
        let file = identity.lock(&pass("correct horse"), 10, &SystemRandom::new()).unwrap();
        let again = Identity::unlock(&file, &pass("correct horse")).unwrap();
        assert_eq!(again.id(), identity.id());
        assert_eq!(again.card().unwrap().print(), identity.card().unwrap().print());
        assert_eq!(Identity::unlock(&file, &pass("wrong")).unwrap_err(), IdentityError::WrongPassphrase);
        assert_eq!(
            identity.lock(&pass("x"), 9, &SystemRandom::new()).unwrap_err(),
            IdentityError::WorkFactor
        );
        assert_eq!(
            identity.lock(&pass("x"), 21, &SystemRandom::new()).unwrap_err(),
            IdentityError::WorkFactor
        );
        let cut = &file[..file.len() - 1];
        assert_eq!(Identity::unlock(cut, &pass("correct horse")).unwrap_err(), IdentityError::NotAnIdentity);
        assert_eq!(Identity::unlock(b"hello", &pass("x")).unwrap_err(), IdentityError::NotAnIdentity);
    }

    #[test]
    fn the_text_inside_reads_as_it_prints_and_in_no_other_way() {
        let created = Timestamp::from_unix_ms(5);
        for kind in KeyKind::ALL {
            let identity = Identity::generate("王小明", *kind, created, &SystemRandom::new()).unwrap();
            let text = identity.to_text();
            let again: Identity = text.parse().unwrap();
            assert_eq!(again.to_text(), text);
            assert_eq!((again.id(), again.name()), (identity.id(), "王小明"));
            for bad in [
                text.trim_end().to_owned(),
                format!("{}\n", text.as_str()),
                text.replace('\n', "\r\n"),
                text.replace("# name: ", "# name:  "),
                text.replace("1970", "01970"),
                text.replace("# signing-key: ", "# signing-key: A"),
                text.to_lowercase(),
            ] {
                assert_eq!(bad.parse::<Identity>().unwrap_err(), IdentityError::NotAnIdentity);
            }
        }
    }

    #[test]
    fn work_factor_30_is_refused_at_once() {
        let identity =
            Identity::generate("Ann Lee", KeyKind::Classic, Timestamp::from_unix_ms(5), &SystemRandom::new())
                .unwrap();
        let file = identity.lock(&SecretString::from("x".to_owned()), 10, &SystemRandom::new()).unwrap();
        let end = file.iter().position(|byte| *byte == b'\n').unwrap();
        let line_end = file[end + 1..].iter().position(|byte| *byte == b'\n').unwrap() + end + 1;
        let mut forged = file[..line_end - 2].to_vec();
        forged.extend_from_slice(b"30");
        forged.extend_from_slice(&file[line_end..]);
        let got = Identity::unlock(&forged, &SecretString::from("x".to_owned())).unwrap_err();
        assert_eq!(got, IdentityError::ExcessiveWork);
    }
}

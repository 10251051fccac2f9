use secrecy::SecretString;
use zeroize::Zeroizing;

use super::error::Error;
use super::header::UnverifiedHeader;
use super::small::{decrypt_small, encrypt_small};
use crate::crypto::Random;

/// The largest work factor (log2 of scrypt's N) that we write, and the one to read our own files with.
/// 20 takes a few seconds and 1 GiB.
pub const MAX_WORK_FACTOR: u8 = 20;

/// Encrypts a small file under a passphrase, with `work_factor` from 1 to [`MAX_WORK_FACTOR`].
///
/// # Errors
/// [`Error::WorkFactor`], [`Error::NoRandom`].
pub fn encrypt_with_passphrase(
    passphrase: &SecretString,
    work_factor: u8,
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, Error> {
    if !(1..=MAX_WORK_FACTOR).contains(&work_factor) {
        return Err(Error::WorkFactor(work_factor));
    }
    let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(work_factor);
    encrypt_small(&[&recipient], plaintext, random)
}

/// Decrypts a small file under a passphrase, if that takes no more work than `max_work_factor` allows
/// ([`MAX_WORK_FACTOR`] for our own files) and the plaintext has no more than `limit` bytes.
///
/// # Errors
/// [`Error::NoMatch`] for a wrong passphrase, [`Error::ExcessiveWork`] before any work,
/// [`Error::NotPassphrase`], and those of [`decrypt_small`](super::decrypt_small).
pub fn decrypt_with_passphrase(
    passphrase: &SecretString,
    max_work_factor: u8,
    bytes: &[u8],
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if !UnverifiedHeader::parse(bytes)?.is_passphrase() {
        return Err(Error::NotPassphrase);
    }
    let mut identity = age::scrypt::Identity::new(passphrase.clone());
    identity.set_max_work_factor(max_work_factor);
    decrypt_small(&[&identity], bytes, limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agefile::{FileKey, Identity, PayloadNonce, Stanza, encrypt, seal_header};
    use crate::crypto::SystemRandom;
    use crate::encoding::base64_unpadded;
    use crate::label::KeyKind;

    fn words(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn the_passphrase_opens_what_it_closed_and_no_other_does() {
        let random = SystemRandom::new();
        let file = encrypt_with_passphrase(&words("correct horse"), 2, b"secret", &random).unwrap();
        let open = |text| decrypt_with_passphrase(&words(text), MAX_WORK_FACTOR, &file, 6);
        assert_eq!(open("correct horse").unwrap().as_slice(), b"secret");
        assert!(matches!(open("correct horse "), Err(Error::NoMatch)));
        assert!(matches!(open(""), Err(Error::NoMatch)));
    }

    #[test]
    fn work_is_limited_on_both_sides() {
        let random = SystemRandom::new();
        for factor in [0, MAX_WORK_FACTOR + 1, 64, 255] {
            let result = encrypt_with_passphrase(&words("x"), factor, b"", &random);
            assert!(matches!(result, Err(Error::WorkFactor(bad)) if bad == factor));
        }
        let file = encrypt_with_passphrase(&words("x"), 5, b"", &random).unwrap();
        assert!(decrypt_with_passphrase(&words("x"), 5, &file, 0).is_ok());
        let refused = decrypt_with_passphrase(&words("x"), 4, &file, 0);
        assert!(matches!(refused, Err(Error::ExcessiveWork { required: 5 })));
    }

    #[test]
    fn a_file_that_asks_for_a_terabyte_is_refused_at_once() {
        let file_key = FileKey::new([1; 16]);
        for factor in [21, 30, 63, 64, 99] {
            let args = vec![base64_unpadded(&[2; 16]), factor.to_string()];
            let stanza = Stanza { tag: "scrypt".into(), args, body: vec![0; 32] };
            let mut file = seal_header(&file_key, &[stanza]).unwrap();
            encrypt(&file_key, &PayloadNonce([0; 16]), &mut &b""[..], &mut file).unwrap();
            let refused = decrypt_with_passphrase(&words("x"), MAX_WORK_FACTOR, &file, 0);
            assert!(matches!(refused, Err(Error::ExcessiveWork { required }) if required == factor));
        }
    }

    #[test]
    fn a_file_for_a_key_is_not_called_a_wrong_passphrase() {
        let random = SystemRandom::new();
        let key = Identity::generate(KeyKind::Classic, &random).unwrap().to_recipient();
        let file = encrypt_small(&[&key], b"", &random).unwrap();
        let refused = decrypt_with_passphrase(&words("x"), MAX_WORK_FACTOR, &file, 0);
        assert!(matches!(refused, Err(Error::NotPassphrase)));
    }
}

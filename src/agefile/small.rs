use zeroize::Zeroizing;

use super::error::Error;
use super::header::{FileKey, UnverifiedHeader, check_known_stanza, seal_header, wrap};
use super::stream::{PayloadNonce, decrypt, encrypt, plain_len, read_nonce};
use super::{Unwrap, Wrap};
use crate::crypto::Random;

/// Encrypts a small file, such as a key, in memory.
///
/// # Errors
/// [`Error::NoRecipient`], [`Error::MixedRecipients`], [`Error::Key`], [`Error::NoRandom`].
pub fn encrypt_small(
    recipients: &[&dyn Wrap],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, Error> {
    let file_key = FileKey::generate(random)?;
    let mut out = seal_header(&file_key, &wrap(&file_key, recipients)?)?;
    encrypt(&file_key, &PayloadNonce::generate(random)?, &mut &*plaintext, &mut out)?;
    Ok(out)
}

/// Decrypts a small file in memory, if its plaintext has no more than `limit` bytes.
///
/// # Errors
/// [`Error::TooLarge`] before anything is unwrapped; those of [`UnverifiedHeader::unlock`];
/// [`Error::Payload`].
pub fn decrypt_small(
    identities: &[&dyn Unwrap],
    bytes: &[u8],
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let header = UnverifiedHeader::parse(bytes)?;
    let mut payload = bytes.get(header.len()..).unwrap_or_default();
    let len = plain_len(payload.len() as u64).unwrap_or(payload.len() as u64);
    if len > limit as u64 {
        return Err(Error::TooLarge { limit });
    }
    let file_key = header.unlock(identities)?;
    let nonce = read_nonce(&mut payload)?;
    // Room for all of it from the start, so that no copy is left behind where a buffer grew.
    let mut out = Zeroizing::new(Vec::with_capacity(payload.len()));
    decrypt(&file_key, &nonce, &mut payload, &mut *out)?;
    Ok(out)
}

/// Whether these bytes have the form of an age file: all that can be said without an identity.
pub fn is_formed(bytes: &[u8]) -> bool {
    UnverifiedHeader::parse(bytes).is_ok_and(|header| {
        let payload = bytes.len() - header.len();
        header.stanzas.iter().all(|stanza| check_known_stanza(stanza).is_ok())
            && plain_len(payload as u64).is_some()
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;
    use crate::agefile::{CHUNK_LEN, Identity, Recipient};
    use crate::crypto::SystemRandom;
    use crate::label::KeyKind;

    fn pair() -> (Identity, Recipient) {
        pair_of(KeyKind::Classic)
    }

    fn pair_of(kind: KeyKind) -> (Identity, Recipient) {
        let identity = Identity::generate(kind, &SystemRandom::new()).unwrap();
        let recipient = identity.to_recipient();
        (identity, recipient)
    }

    #[test]
    fn a_file_that_is_cut_in_its_header_has_no_form() {
        let (_, recipient) = pair();
        let file = encrypt_small(&[&recipient], b"key", &SystemRandom::new()).unwrap();
        assert!(is_formed(&file));
        let header = UnverifiedHeader::parse(&file).unwrap().len();
        for len in 0..header + 16 + 16 {
            assert!(!is_formed(&file[..len]), "{len}");
        }
    }

    #[test]
    fn each_recipient_opens_it_and_a_stranger_does_not() {
        for kind in KeyKind::ALL {
            let ((a, for_a), (b, for_b), (stranger, _)) = (pair_of(*kind), pair_of(*kind), pair_of(*kind));
            let file = encrypt_small(&[&for_a, &for_b], b"text", &SystemRandom::new()).unwrap();
            for identities in [[&a, &stranger], [&stranger, &b]] {
                let identities = identities.map(|one| one as &dyn Unwrap);
                assert_eq!(decrypt_small(&identities, &file, 4).unwrap().as_slice(), b"text");
            }
            assert!(matches!(decrypt_small(&[&stranger], &file, 4), Err(Error::NoMatch)));
            assert!(matches!(decrypt_small(&[], &file, 4), Err(Error::NoMatch)));
        }
    }

    #[test]
    fn post_quantum_and_classic_recipients_are_not_mixed() {
        let ((_, classic), (_, hybrid)) = (pair_of(KeyKind::Classic), pair_of(KeyKind::Hybrid));
        for mixed in [[&classic, &hybrid], [&hybrid, &classic]] {
            let mixed = mixed.map(|one| one as &dyn Wrap);
            let refused = encrypt_small(&mixed, b"", &SystemRandom::new());
            assert!(matches!(refused, Err(Error::MixedRecipients)));
        }
    }

    #[test]
    fn the_limit_holds_on_both_sides() {
        let (identity, recipient) = pair();
        for len in [0, 1, 100, CHUNK_LEN, CHUNK_LEN + 1] {
            let file = encrypt_small(&[&recipient], &vec![1; len], &SystemRandom::new()).unwrap();
            assert_eq!(decrypt_small(&[&identity], &file, len).unwrap().len(), len);
            if let Some(limit) = len.checked_sub(1) {
                let over = decrypt_small(&[&identity], &file, limit);
                assert!(matches!(over, Err(Error::TooLarge { limit: said }) if said == limit));
            }
        }
    }

    #[test]
    fn a_small_file_is_refused_cut_at_every_byte_flipped_in_every_bit_and_joined() {
        let (identity, recipient) = pair();
        let file = encrypt_small(&[&recipient], b"secret", &SystemRandom::new()).unwrap();
        let open = |bytes: &[u8]| decrypt_small(&[&identity], bytes, 1000);
        assert!(open(&file).is_ok());
        for len in 0..file.len() {
            assert!(open(&file[..len]).is_err(), "{len}");
        }
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let error = open(&changed).unwrap_err();
            let kind = matches!(error, Error::Header(_) | Error::NoMatch | Error::Mac | Error::Payload(_));
            assert!(kind, "bit {bit}: {error:?}");
        }
        assert!(open(&[file.as_slice(), b"\0"].concat()).is_err());
        assert!(open(&[file.as_slice(), &file].concat()).is_err());
    }

    #[test]
    fn the_age_crate_opens_ours_and_we_open_its_own() {
        let (identity, recipient) = pair();
        let theirs: age::x25519::Identity = identity.to_text().parse().unwrap();
        for len in [0, 1, CHUNK_LEN, 2 * CHUNK_LEN + 1] {
            let plaintext = vec![7; len];
            let ours = encrypt_small(&[&recipient], &plaintext, &SystemRandom::new()).unwrap();
            let mut opened = Vec::new();
            let decryptor = age::Decryptor::new(&*ours).unwrap();
            let identities = std::iter::once(&theirs as &dyn age::Identity);
            decryptor.decrypt(identities).unwrap().read_to_end(&mut opened).unwrap();
            assert_eq!(opened, plaintext);

            let recipients = [theirs.to_public()];
            let recipients = recipients.iter().map(|one| one as &dyn age::Recipient);
            let mut file = Vec::new();
            let mut writer =
                age::Encryptor::with_recipients(recipients).unwrap().wrap_output(&mut file).unwrap();
            writer.write_all(&plaintext).unwrap();
            writer.finish().unwrap();
            assert_eq!(decrypt_small(&[&identity], &file, len).unwrap().as_slice(), plaintext);
        }
    }
}

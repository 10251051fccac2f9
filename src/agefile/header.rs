use std::collections::HashSet;
use std::fmt;

use age_core::format::Stanza;
use secrecy::ExposeSecret as _;

use super::error::{Error, HeaderError};
use super::{Unwrap, Wrap};
use crate::crypto::{self, NoRandom, Random, Secret32};
use crate::encoding::{base64_unpadded, unbase64_unpadded};

/// The longest header, from the version line to the line end after the MAC.
pub const MAX_HEADER_LEN: usize = 2 * 1024 * 1024;
/// The most stanzas in a header.
pub const MAX_STANZAS: usize = 1024;
/// The most arguments, stanza types among them, in all stanzas of a header.
pub const MAX_ARGS: usize = 8192;

/// The first line of every age v1 file, with its line end.
pub const VERSION_LINE: &str = "age-encryption.org/v1\n";
/// The length of the last line of a header: `--- `, 43 columns of base64 and a line end.
pub const MAC_LINE_LEN: usize = 4 + 43 + 1;

pub(super) const STANZA_PREFIX: &str = "-> ";
const MAC_PREFIX: &str = "--- ";
pub(super) const BODY_COLUMNS: usize = 64;

pub(super) const X25519_TAG: &str = "X25519";
pub(super) const SCRYPT_TAG: &str = "scrypt";
pub(super) const HYBRID_TAG: &str = "mlkem768x25519";
/// Keeps post-quantum stanzas and others out of one header, where the weakest would decide.
pub(super) const POST_QUANTUM: &str = "postquantum";
/// A file key under ChaCha20-Poly1305.
pub(super) const WRAPPED_LEN: usize = 16 + crypto::AEAD_TAG_LEN;
/// An ML-KEM-768 ciphertext and an X25519 share.
pub(super) const HYBRID_ENC_LEN: usize = 1088 + 32;

/// The 16 secret bytes from which an age file's header MAC and payload key are derived.
pub struct FileKey(age_core::format::FileKey);

impl FileKey {
    /// A new file key, for one payload.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandom> {
        age_core::format::FileKey::try_init_with_mut(|key| random.fill(key)).map(Self)
    }

    /// The file key of these bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(age_core::format::FileKey::new(Box::new(bytes)))
    }

    /// Lends the bytes out.
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose_secret()
    }

    /// HKDF-SHA-256 of the file key.
    pub fn derive(&self, salt: &[u8], info: &[u8]) -> Secret32 {
        crypto::hkdf(self.expose(), salt, info)
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(..)")
    }
}

/// A header that follows the format's rules, and nothing more is known of it.
///
/// Nobody has vouched for these stanzas before [`unlock`](Self::unlock) has checked the MAC, unless the
/// header's digest is known from elsewhere.
pub struct UnverifiedHeader {
    pub(super) stanzas: Vec<Stanza>,
    pub(super) mac: [u8; 32],
    pub(super) bytes: Vec<u8>,
}

impl fmt::Debug for UnverifiedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedHeader({} stanzas, {} bytes)", self.stanzas.len(), self.bytes.len())
    }
}

impl UnverifiedHeader {
    /// The stanzas, authenticated by nobody.
    pub fn stanzas(&self) -> &[Stanza] {
        &self.stanzas
    }

    /// The header as it was read, to the line end after the MAC.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The header's length in bytes; the payload begins there.
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Prints the header from its parts: always the bytes that were read.
    pub fn print(&self) -> Vec<u8> {
        let mut out = print_stanzas(&self.stanzas);
        push_mac(&mut out, &self.mac);
        out
    }

    /// Whether the file is encrypted with a passphrase.
    pub fn is_passphrase(&self) -> bool {
        self.stanzas.iter().any(|stanza| stanza.tag == SCRYPT_TAG)
    }

    /// Unwraps the file key with the first identity that can, and checks the header's MAC with it.
    ///
    /// # Errors
    /// [`Error::Header`] for a malformed stanza of a known kind, before any identity is asked;
    /// [`Error::ExcessiveWork`] from a passphrase; [`Error::NoMatch`] when no identity opens a stanza;
    /// [`Error::Key`] when none does and one of them failed; [`Error::Mac`].
    pub fn unlock(&self, identities: &[&dyn Unwrap]) -> Result<FileKey, Error> {
        self.check_mac(unwrap(&self.stanzas, identities)?)
    }

    fn check_mac(&self, file_key: FileKey) -> Result<FileKey, Error> {
        let covered = self.bytes.len().saturating_sub(MAC_LINE_LEN) + MAC_PREFIX.len() - 1;
        let mac = header_mac(&file_key, self.bytes.get(..covered).unwrap_or_default());
        if crypto::constant_time_eq(&mac, &self.mac) { Ok(file_key) } else { Err(Error::Mac) }
    }
}

/// Unwraps a file key with the first identity that can. For stanzas of a header use
/// [`UnverifiedHeader::unlock`]; this is for stanzas that something else vouches for.
///
/// # Errors
/// Those of [`UnverifiedHeader::unlock`], but for [`Error::Mac`].
pub fn unwrap(stanzas: &[Stanza], identities: &[&dyn Unwrap]) -> Result<FileKey, Error> {
    stanzas.iter().try_for_each(check_known_stanza)?;
    let mut failed = None;
    for identity in identities {
        match identity.unwrap_stanzas(stanzas) {
            None => {}
            Some(Ok(file_key)) => return Ok(FileKey(file_key)),
            Some(Err(error)) => match from_decrypt(error) {
                // A token that is not plugged in must not hide the key that is at hand.
                error @ (Error::Key(_) | Error::NoMatch) => failed = failed.or(Some(error)),
                error => return Err(error),
            },
        }
    }
    Err(failed.unwrap_or(Error::NoMatch))
}

fn from_decrypt(error: age::DecryptError) -> Error {
    match error {
        age::DecryptError::InvalidHeader | age::DecryptError::UnknownFormat => HeaderError::Recipient.into(),
        age::DecryptError::ExcessiveWork { required, .. } => Error::ExcessiveWork { required },
        age::DecryptError::InvalidMac => Error::Mac,
        age::DecryptError::Io(error) => Error::Key(error),
        _ => Error::NoMatch,
    }
}

/// Wraps `file_key` to every recipient.
///
/// # Errors
/// [`Error::NoRecipient`]; [`Error::MixedRecipients`] when their labels differ; [`Error::Key`] from a
/// recipient outside this process.
pub fn wrap(file_key: &FileKey, recipients: &[&dyn Wrap]) -> Result<Vec<Stanza>, Error> {
    let mut stanzas = Vec::new();
    let mut labels: Option<HashSet<String>> = None;
    for recipient in recipients {
        let (wrapped, its_labels) = recipient.wrap_file_key(&file_key.0).map_err(from_encrypt)?;
        if labels.get_or_insert_with(|| its_labels.clone()) != &its_labels {
            return Err(Error::MixedRecipients);
        }
        stanzas.extend(wrapped);
    }
    if stanzas.is_empty() { Err(Error::NoRecipient) } else { Ok(stanzas) }
}

/// Whether what is wrapped to this recipient is meant to withstand a quantum computer, as the recipient itself says by its
/// label. A key of no use is wrapped for it.
///
/// # Errors
/// [`Error::Key`] from a recipient outside this process, [`Error::NoRandom`].
pub fn is_post_quantum(recipient: &dyn Wrap, random: &dyn Random) -> Result<bool, Error> {
    let file_key = FileKey::generate(random)?;
    let (_, labels) = recipient.wrap_file_key(&file_key.0).map_err(from_encrypt)?;
    Ok(labels.len() == 1 && labels.contains(POST_QUANTUM))
}

fn from_encrypt(error: age::EncryptError) -> Error {
    match error {
        age::EncryptError::Io(error) => Error::Key(error),
        age::EncryptError::MissingRecipients => Error::NoRecipient,
        age::EncryptError::IncompatibleRecipients { .. } | age::EncryptError::MixedRecipientAndPassphrase => {
            Error::MixedRecipients
        }
        other => Error::Key(std::io::Error::other(other.to_string())),
    }
}

/// The header over `stanzas` in this order, with its MAC.
///
/// # Errors
/// [`Error::Header`] for stanzas that no reader of ours would take.
pub fn seal_header(file_key: &FileKey, stanzas: &[Stanza]) -> Result<Vec<u8>, Error> {
    check_stanzas(stanzas)?;
    stanzas.iter().try_for_each(check_known_stanza)?;
    let mut out = print_stanzas(stanzas);
    if out.len() + MAC_LINE_LEN > MAX_HEADER_LEN {
        return Err(HeaderError::TooLong.into());
    }
    out.extend_from_slice(MAC_PREFIX.trim_end().as_bytes());
    let mac = header_mac(file_key, &out);
    out.truncate(out.len() - (MAC_PREFIX.len() - 1));
    push_mac(&mut out, &mac);
    Ok(out)
}

/// HMAC-SHA-256 over the header up to and with `---`.
fn header_mac(file_key: &FileKey, covered: &[u8]) -> [u8; 32] {
    crypto::hmac(file_key.derive(&[], b"header").expose(), covered)
}

fn push_mac(out: &mut Vec<u8>, mac: &[u8; 32]) {
    out.extend_from_slice(MAC_PREFIX.as_bytes());
    out.extend_from_slice(base64_unpadded(mac).as_bytes());
    out.push(b'\n');
}

fn print_stanzas(stanzas: &[Stanza]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stanzas.iter().map(stanza_len).sum::<usize>() + 128);
    out.extend_from_slice(VERSION_LINE.as_bytes());
    for stanza in stanzas {
        out.extend_from_slice(STANZA_PREFIX.as_bytes());
        out.extend_from_slice(stanza.tag.as_bytes());
        for arg in &stanza.args {
            out.push(b' ');
            out.extend_from_slice(arg.as_bytes());
        }
        out.push(b'\n');
        let body = base64_unpadded(&stanza.body);
        for line in body.as_bytes().chunks(BODY_COLUMNS) {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        // A body ends with a line of fewer than 64 columns, so that its end can be seen.
        if body.len().is_multiple_of(BODY_COLUMNS) {
            out.push(b'\n');
        }
    }
    out
}

/// How many bytes a stanza takes in a header.
pub fn stanza_len(stanza: &Stanza) -> usize {
    let first = STANZA_PREFIX.len() + stanza.tag.len() + 1;
    let args: usize = stanza.args.iter().map(|arg| arg.len() + 1).sum();
    let columns = (stanza.body.len() * 4).div_ceil(3);
    first + args + columns + columns / BODY_COLUMNS + 1
}

/// The rules for all stanzas of a header together, and for the words in them.
pub(super) fn check_stanzas(stanzas: &[Stanza]) -> Result<(), HeaderError> {
    if stanzas.is_empty() {
        return Err(HeaderError::NoStanza);
    }
    if stanzas.len() > MAX_STANZAS {
        return Err(HeaderError::TooManyStanzas);
    }
    if stanzas.iter().map(|stanza| 1 + stanza.args.len()).sum::<usize>() > MAX_ARGS {
        return Err(HeaderError::TooManyArgs);
    }
    if stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.tag == SCRYPT_TAG) {
        return Err(HeaderError::ScryptNotAlone);
    }
    let mut words = stanzas.iter().flat_map(|stanza| std::iter::once(&stanza.tag).chain(&stanza.args));
    if words.all(|word| is_word(word.as_bytes())) { Ok(()) } else { Err(HeaderError::Argument) }
}

/// The format's "arbitrary string".
pub(super) fn is_word(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| (33..=126).contains(byte))
}

/// The shape that the format fixes for the stanzas it defines: a file key has 16 bytes, whoever unwraps it.
pub(super) fn check_known_stanza(stanza: &Stanza) -> Result<(), HeaderError> {
    let bytes = |arg: &String, len: usize| unbase64_unpadded(arg).is_some_and(|bytes| bytes.len() == len);
    let args_fit = match (stanza.tag.as_str(), stanza.args.as_slice()) {
        (X25519_TAG, [share]) => bytes(share, 32),
        (HYBRID_TAG, [enc]) => bytes(enc, HYBRID_ENC_LEN),
        (SCRYPT_TAG, [salt, factor]) => {
            let digits = factor.bytes().all(|digit| digit.is_ascii_digit()) && !factor.starts_with('0');
            // Two digits say every factor that can be computed at all.
            bytes(salt, 16) && digits && factor.len() <= 2
        }
        (X25519_TAG | HYBRID_TAG | SCRYPT_TAG, _) => false,
        _ => return Ok(()),
    };
    if args_fit && stanza.body.len() == WRAPPED_LEN { Ok(()) } else { Err(HeaderError::Recipient) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stanza(tag: &str, args: &[&str], body: &[u8]) -> Stanza {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Stanza { tag: tag.to_owned(), args, body: body.to_vec() }
    }

    fn key() -> FileKey {
        FileKey::new(*b"YELLOW SUBMARINE")
    }

    fn header_error(bytes: &[u8]) -> HeaderError {
        match UnverifiedHeader::parse(bytes) {
            Err(Error::Header(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// Recipients that wrap nothing but say what a plugin might say.
    struct Labelled(&'static [&'static str], &'static str);

    impl Wrap for Labelled {
        fn wrap_file_key(
            &self,
            _: &age_core::format::FileKey,
        ) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
            let labels = self.0.iter().map(|label| (*label).to_owned()).collect();
            Ok((vec![stanza(self.1, &[], b"")], labels))
        }
    }

    #[test]
    fn the_header_of_the_specification_has_the_mac_of_the_specification() {
        // Stanza and file key of the vector `x25519`.
        let share = "TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc";
        let body = unbase64_unpadded("hjabGXwSLQ9c3S6Lw2i+S2Tu2fiwQHHslbBN6B41FLE").unwrap();
        let header = seal_header(&key(), &[stanza("X25519", &[share], &body)]).unwrap();
        assert!(header.ends_with(b"\n--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n"));
    }

    #[test]
    fn every_body_length_prints_and_parses() {
        for len in 0..200 {
            let stanza = stanza("a", &["b"], &vec![7; len]);
            let expected = VERSION_LINE.len() + stanza_len(&stanza) + MAC_LINE_LEN;
            let header = seal_header(&key(), &[stanza]).unwrap();
            assert_eq!(header.len(), expected, "{len}");
            let parsed = UnverifiedHeader::parse(&header).unwrap();
            assert_eq!(parsed.stanzas()[0].body.len(), len);
            assert_eq!(parsed.print(), header);
        }
    }

    #[test]
    fn a_cut_header_is_refused_at_every_byte() {
        let header = seal_header(&key(), &[stanza("a", &["b"], &[7; 60])]).unwrap();
        for len in 0..header.len() {
            assert_eq!(header_error(&header[..len]), HeaderError::Truncated, "{len}");
        }
        assert_eq!(UnverifiedHeader::parse(&header).unwrap().len(), header.len());
    }

    #[test]
    fn no_changed_bit_passes_parser_and_mac() {
        struct Knows;
        impl Unwrap for Knows {
            fn unwrap_stanza(
                &self,
                _: &Stanza,
            ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
                Some(Ok(key().0))
            }
        }
        let header = seal_header(&key(), &[stanza("a", &["b"], &[7; 60]), stanza("c", &[], b"")]).unwrap();
        assert!(UnverifiedHeader::parse(&header).unwrap().unlock(&[&Knows]).is_ok());
        let mut wrong_macs = 0;
        for bit in 0..header.len() * 8 {
            let mut changed = header.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            match UnverifiedHeader::parse(&changed).and_then(|header| header.unlock(&[&Knows])) {
                Err(Error::Header(_)) => {}
                Err(Error::Mac) => wrong_macs += 1,
                other => panic!("bit {bit}: {other:?}"),
            }
        }
        assert!(wrong_macs > 0);
    }

    #[test]
    fn other_spellings_are_refused() {
        let mac = "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n";
        let full = "A".repeat(64);
        for (text, error) in [
            ("age-encryption.org/v2\n".to_owned(), HeaderError::Version),
            ("age-encryption.org/v1\r\n".to_owned(), HeaderError::Version),
            (format!("{VERSION_LINE}{mac}"), HeaderError::NoStanza),
            (format!("{VERSION_LINE}->\n\n{mac}"), HeaderError::Line),
            (format!("{VERSION_LINE}-> \n\n{mac}"), HeaderError::Argument),
            (format!("{VERSION_LINE}-> a  b\n\n{mac}"), HeaderError::Argument),
            (format!("{VERSION_LINE}-> a \n\n{mac}"), HeaderError::Argument),
            (format!("{VERSION_LINE}-> a\u{7f}\n\n{mac}"), HeaderError::Argument),
            (format!("{VERSION_LINE}-> a\r\n\n{mac}"), HeaderError::Argument),
            (format!("{VERSION_LINE}-> é\n\n{mac}"), HeaderError::Argument),
            (format!("{VERSION_LINE}-> a\n{mac}"), HeaderError::Body),
            (format!("{VERSION_LINE}-> a\n{full}\n{mac}"), HeaderError::Body),
            (format!("{VERSION_LINE}-> a\n{full}A\n\n{mac}"), HeaderError::Body),
            (format!("{VERSION_LINE}-> a\nAAAA\nAAAA\n{mac}"), HeaderError::Line),
            (format!("{VERSION_LINE}-> a\nAB\n{mac}"), HeaderError::Body),
            (format!("{VERSION_LINE}-> a\nAA==\n{mac}"), HeaderError::Body),
            (format!("{VERSION_LINE}-> a\n\n---  {}", &mac[4..]), HeaderError::MacLine),
            (format!("{VERSION_LINE}-> a\n\n---{}", &mac[4..]), HeaderError::MacLine),
            (format!("{VERSION_LINE}-> a\n\n--- AAAA\n"), HeaderError::MacLine),
            (format!("{VERSION_LINE}-> a\n\n{}\n", mac.replace('\n', "=")), HeaderError::MacLine),
            (format!("{VERSION_LINE}-> scrypt\n\n-> a\n\n{mac}"), HeaderError::ScryptNotAlone),
            (format!("{VERSION_LINE}-> scrypt\n\n-> scrypt\n\n{mac}"), HeaderError::ScryptNotAlone),
        ] {
            assert_eq!(header_error(text.as_bytes()), error, "{text:?}");
        }
    }

    #[test]
    fn the_limits_hold_on_both_sides() {
        let many = |count: usize| (0..count).map(|_| stanza("a", &[], b"")).collect::<Vec<_>>();
        let sealed = seal_header(&key(), &many(MAX_STANZAS)).unwrap();
        assert_eq!(UnverifiedHeader::parse(&sealed).unwrap().stanzas().len(), MAX_STANZAS);
        let over = many(MAX_STANZAS + 1);
        assert!(matches!(seal_header(&key(), &over), Err(Error::Header(HeaderError::TooManyStanzas))));
        assert_eq!(header_error(&print_stanzas(&over)), HeaderError::TooManyStanzas);

        let words = |count: usize| [stanza("a", &vec!["b"; count - 1], b"")];
        assert!(UnverifiedHeader::parse(&seal_header(&key(), &words(MAX_ARGS)).unwrap()).is_ok());
        let over = words(MAX_ARGS + 1);
        assert!(matches!(seal_header(&key(), &over), Err(Error::Header(HeaderError::TooManyArgs))));
        assert_eq!(header_error(&print_stanzas(&over)), HeaderError::TooManyArgs);

        // An argument fills the header to the byte.
        let frame = VERSION_LINE.len() + stanza_len(&stanza("a", &[""], b"")) + MAC_LINE_LEN;
        let filled = |len: usize| [stanza("a", &["b".repeat(len - frame).as_str()], b"")];
        let sealed = seal_header(&key(), &filled(MAX_HEADER_LEN)).unwrap();
        assert_eq!(UnverifiedHeader::parse(&sealed).unwrap().len(), MAX_HEADER_LEN);
        let over = filled(MAX_HEADER_LEN + 1);
        assert!(matches!(seal_header(&key(), &over), Err(Error::Header(HeaderError::TooLong))));
        let mut printed = print_stanzas(&over);
        push_mac(&mut printed, &[0; 32]);
        assert_eq!(printed.len(), MAX_HEADER_LEN + 1);
        assert_eq!(header_error(&printed), HeaderError::TooLong);
    }

    #[test]
    fn a_stanza_of_a_known_kind_has_its_shape_before_anybody_is_asked() {
        struct Never;
        impl Unwrap for Never {
            fn unwrap_stanza(
                &self,
                _: &Stanza,
            ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
                panic!("asked")
            }
        }
        let share = base64_unpadded(&[9; 32]);
        let enc = base64_unpadded(&[9; HYBRID_ENC_LEN]);
        let salt = base64_unpadded(&[9; 16]);
        for bad in [
            stanza("X25519", &[], &[0; 32]),
            stanza("X25519", &[&share, "x"], &[0; 32]),
            stanza("X25519", &[&share[1..]], &[0; 32]),
            stanza("X25519", &[&share], &[0; 31]),
            stanza("X25519", &[&share], &[0; 33]),
            stanza("mlkem768x25519", &[&share], &[0; 32]),
            stanza("mlkem768x25519", &[&enc], &[0; 33]),
            stanza("scrypt", &[&salt], &[0; 32]),
            stanza("scrypt", &[&salt, "010"], &[0; 32]),
            stanza("scrypt", &[&salt, "100"], &[0; 32]),
            stanza("scrypt", &[&salt, "+1"], &[0; 32]),
            stanza("scrypt", &[&salt, "10"], &[0; 31]),
        ] {
            let mut bytes = print_stanzas(std::slice::from_ref(&bad));
            push_mac(&mut bytes, &[0; 32]);
            let header = UnverifiedHeader::parse(&bytes).unwrap();
            let error = header.unlock(&[&Never]).unwrap_err();
            assert!(matches!(error, Error::Header(HeaderError::Recipient)), "{bad:?}");
            assert!(seal_header(&key(), &[bad]).is_err());
        }
    }

    #[test]
    fn recipients_with_different_labels_do_not_mix() {
        let (plain, quantum) = (Labelled(&[], "a"), Labelled(&["postquantum"], "b"));
        assert_eq!(wrap(&key(), &[&plain, &plain]).unwrap().len(), 2);
        assert_eq!(wrap(&key(), &[&quantum, &quantum]).unwrap().len(), 2);
        for mixed in [[&plain, &quantum], [&quantum, &plain]] {
            let mixed: Vec<&dyn Wrap> = mixed.iter().map(|one| *one as &dyn Wrap).collect();
            assert!(matches!(wrap(&key(), &mixed), Err(Error::MixedRecipients)));
        }
        assert!(matches!(wrap(&key(), &[]), Err(Error::NoRecipient)));
    }

    #[test]
    fn an_identity_that_fails_does_not_hide_the_one_that_matches() {
        struct Unplugged;
        impl Unwrap for Unplugged {
            fn unwrap_stanza(
                &self,
                _: &Stanza,
            ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
                Some(Err(age::DecryptError::Io(std::io::Error::other("no token"))))
            }
        }
        struct Knows;
        impl Unwrap for Knows {
            fn unwrap_stanza(
                &self,
                _: &Stanza,
            ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
                Some(Ok(key().0))
            }
        }
        let header = seal_header(&key(), &[stanza("a", &[], b"")]).unwrap();
        let header = UnverifiedHeader::parse(&header).unwrap();
        assert!(matches!(header.unlock(&[&Unplugged]), Err(Error::Key(_))));
        assert!(header.unlock(&[&Unplugged, &Knows]).is_ok());
        assert!(matches!(header.unlock(&[]), Err(Error::NoMatch)));
    }

    fn any_stanza() -> impl Strategy<Value = Stanza> {
        let words = proptest::collection::vec("[!-~]{1,20}", 1..5);
        (words, proptest::collection::vec(any::<u8>(), 0..150)).prop_map(|(mut words, body)| Stanza {
            tag: words.remove(0),
            args: words,
            body,
        })
    }

    proptest! {
        #[test]
        fn stanzas_come_back(stanzas in proptest::collection::vec(any_stanza(), 1..6)) {
            let header = seal_header(&key(), &stanzas).unwrap();
            let parsed = UnverifiedHeader::parse(&header).unwrap();
            prop_assert_eq!(parsed.stanzas(), &stanzas);
            prop_assert_eq!(parsed.print(), header);
        }

        #[test]
        fn what_parses_prints_the_same(
            body in "(-> [a-b ]{0,6}\n([AQ/=]{0,66}\n){0,3}){0,3}(--- ?[A-Q]{42,44}\n)?[a-b]{0,3}",
        ) {
            let text = format!("{VERSION_LINE}{body}");
            if let Ok(parsed) = UnverifiedHeader::parse(text.as_bytes()) {
                prop_assert_eq!(parsed.print(), &text.as_bytes()[..parsed.len()]);
            }
        }
    }
}

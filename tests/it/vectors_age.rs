//! The age format's conformance vectors (C2SP/CCTV): each file ends in exactly its class of failure and
//! releases exactly its plaintext, and what is sound prints back to the same bytes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on stops; its helpers are not marked as tests"
)]

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use gapvault::agefile::{
    ArmorReader, Error, FileKey, Identity, PayloadNonce, UnverifiedHeader, Unwrap, decrypt, encrypt,
    read_nonce, seal_header,
};
use gapvault::crypto::Digest;
use gapvault::encoding::hex;
use secrecy::SecretString;

/// How many vectors there are; fewer means that the folder is not whole.
const COUNT: usize = 143;
/// The largest work factor that the vectors expect a reader to take.
const WORK_FACTOR: u8 = 22;
const KEYS: [&str; 8] =
    ["expect", "payload", "file key", "identity", "passphrase", "armored", "compressed", "comment"];

struct Vector {
    name: String,
    fields: HashMap<String, Vec<String>>,
    file: Vec<u8>,
}

impl Vector {
    fn parse(name: String, bytes: &[u8]) -> Self {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").expect("a head and an empty line");
        let head = std::str::from_utf8(&bytes[..end]).expect("the head is text");
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for line in head.lines() {
            let (key, value) = line.split_once(": ").expect("`key: value`");
            assert!(KEYS.contains(&key), "{name}: unknown key {key}");
            fields.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        let mut file = bytes[end + 2..].to_vec();
        match fields.get("compressed").map(|values| values[0].as_str()) {
            None => {}
            Some("zlib") => {
                let deflated = std::mem::take(&mut file);
                flate2::read::ZlibDecoder::new(&*deflated).read_to_end(&mut file).expect("zlib");
            }
            Some(other) => panic!("{name}: unknown compression {other}"),
        }
        Self { name, fields, file }
    }

    fn one(&self, key: &str) -> Option<&str> {
        let values = self.fields.get(key)?;
        assert_eq!(values.len(), 1, "{}: {key} is given twice", self.name);
        Some(&values[0])
    }

    fn all(&self, key: &str) -> &[String] {
        self.fields.get(key).map_or(&[], Vec::as_slice)
    }

    fn source(&self) -> Box<dyn Read + '_> {
        match self.one("armored") {
            None => Box::new(Cursor::new(&self.file)),
            Some("yes") => Box::new(ArmorReader::new(Cursor::new(&self.file))),
            Some(other) => panic!("{}: armored is {other}", self.name),
        }
    }

    fn identities(&self) -> Vec<Box<dyn Unwrap>> {
        let mut out: Vec<Box<dyn Unwrap>> = Vec::new();
        for text in self.all("identity") {
            out.push(Box::new(text.parse::<Identity>().expect("an identity")));
        }
        for text in self.all("passphrase") {
            let mut identity = age::scrypt::Identity::new(SecretString::from(text.clone()));
            identity.set_max_work_factor(WORK_FACTOR);
            out.push(Box::new(identity));
        }
        out
    }
}

/// What came out of one vector before it failed or ended.
#[derive(Default)]
struct Outcome {
    header: Option<UnverifiedHeader>,
    file_key: Option<FileKey>,
    nonce: Option<PayloadNonce>,
    released: Vec<u8>,
}

fn open(vector: &Vector, outcome: &mut Outcome) -> Result<(), Error> {
    let (header, mut rest) = UnverifiedHeader::read(vector.source())?;
    let header = outcome.header.insert(header);
    let identities = vector.identities();
    let identities: Vec<&dyn Unwrap> = identities.iter().map(AsRef::as_ref).collect();
    let file_key = outcome.file_key.insert(header.unlock(&identities)?);
    let nonce = outcome.nonce.insert(read_nonce(&mut rest)?);
    decrypt(file_key, nonce, &mut rest, &mut outcome.released).map(|_| ())
}

fn class(result: &Result<(), Error>) -> &'static str {
    match result {
        Ok(()) => "success",
        Err(Error::NoMatch) => "no match",
        Err(Error::Mac) => "HMAC failure",
        Err(Error::Header(_) | Error::ExcessiveWork { .. }) => "header failure",
        Err(Error::Armor(_)) => "armor failure",
        Err(Error::Payload(_)) => "payload failure",
        Err(other) => panic!("no class for {other:?}"),
    }
}

fn check(vector: &Vector) -> Result<(), String> {
    let mut outcome = Outcome::default();
    let result = open(vector, &mut outcome);
    let got = class(&result);
    let name = &vector.name;
    if Some(got) != vector.one("expect") {
        return Err(format!("{name}: {got} ({result:?}), not {:?}", vector.one("expect")));
    }
    let released = Digest::of(&outcome.released).to_string();
    let expected = vector.one("payload").map_or_else(|| Digest::of(b"").to_string(), str::to_owned);
    if released != expected {
        return Err(format!("{name}: released {released}, not {expected}"));
    }
    if let Some(header) = &outcome.header
        && header.print() != header.as_bytes()
    {
        return Err(format!("{name}: the header prints differently"));
    }
    let (Some(header), Some(file_key)) = (outcome.header, outcome.file_key) else { return Ok(()) };
    if Some(hex(file_key.expose()).as_str()) != vector.one("file key") {
        return Err(format!("{name}: another file key"));
    }
    if seal_header(&file_key, header.stanzas()).ok().as_deref() != Some(header.as_bytes()) {
        return Err(format!("{name}: the header seals differently"));
    }
    if got == "success" {
        let mut file = header.as_bytes().to_vec();
        let nonce = outcome.nonce.expect("a payload was read");
        encrypt(&file_key, &nonce, &mut &*outcome.released, &mut file).expect("memory takes it");
        let mut original = Vec::new();
        vector.source().read_to_end(&mut original).expect("memory gives it");
        if file != original {
            return Err(format!("{name}: the payload encrypts differently"));
        }
    }
    Ok(())
}

#[test]
fn every_vector_of_the_age_format_ends_as_it_says() {
    let Some(folder) = std::env::var_os("GAPVAULT_VECTORS") else {
        println!("skipped: GAPVAULT_VECTORS does not name the folder of the vectors");
        return;
    };
    let folder = PathBuf::from(folder).join("age");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of vectors")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .collect();
    names.sort();
    assert!(names.len() >= COUNT, "{} vectors of {COUNT}", names.len());
    let mut wrong = Vec::new();
    for name in names {
        let bytes = std::fs::read(folder.join(&name)).expect("a vector");
        if let Err(message) = check(&Vector::parse(name, &bytes)) {
            wrong.push(message);
        }
    }
    assert!(wrong.is_empty(), "{} vectors:\n{}", wrong.len(), wrong.join("\n"));
}

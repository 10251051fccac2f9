//! Bundles that a member of the sending vault signed, with an archive inside that no honest program makes.

use gapvault::bundle::Inner;
use gapvault::crypto::Digest;
use gapvault::id::{BundleId, DocumentId, VaultId};
use gapvault::label::Class;
use gapvault::vault::Code;

use super::forge::{Content, copied, cut, encrypted, fill, manifest, resign, transfer_key};
use super::{Side, crossing};

const BLOCK: usize = 512;

/// Puts the sum of a member's header right.
fn summed(header: &mut [u8]) {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Where the header of a member stands, the list being 0.
fn header_at(content: &Content, member: usize) -> usize {
    let lens = [content.inner.print().len()].into_iter().chain(content.files.iter().map(Vec::len));
    lens.take(member).map(|len| BLOCK + len.next_multiple_of(BLOCK)).sum()
}

/// A bundle of two small documents, and what is in it.
fn two() -> (Side, Side, std::path::PathBuf, Content) {
    let (out, inside) = super::pair();
    let ids = [("a", &b"one"[..]), ("b", b"two")].map(|(name, text)| out.seal(name, text, Class::Important));
    let medium = out.path("medium");
    out.send("隔離庫", &[&ids[0], &ids[1]], &medium);
    let content = Content::of(&out, &medium);
    (out, inside, medium, content)
}

/// The import of a bundle with such an archive is refused, after decryption, and leaves nothing.
fn refused(out: &Side, inside: &Side, medium: &std::path::Path, digest: Digest, tar: &[u8], what: &str) {
    let spoilt = copied(medium, "spoilt");
    fill(out, inside, &spoilt, digest, tar);
    assert_eq!(inside.verdict(&spoilt), "ok", "{what}: as far as can be seen from outside");
    assert_eq!(inside.turns_away(&spoilt), Code::BundleContent, "{what}");
}

#[test]
fn what_the_forger_makes_comes_in_when_nothing_is_wrong_with_it() {
    let (out, inside, medium, content) = two();
    fill(&out, &inside, &medium, content.inner.digest(), &content.tar());
    inside.import(&medium).unwrap();
    let mut texts: Vec<Vec<u8>> =
        content.inner.documents.iter().map(|document| inside.opens(&document.id.to_string())).collect();
    texts.sort();
    assert_eq!(texts, [b"one", b"two"]);
    inside.sound();
}

/// Fields of a header that have one value.
const SPOTS: [(&str, usize, &[u8]); 8] = [
    ("mode", 100, b"0004755"),
    ("owner", 108, b"0001000"),
    ("time", 136, b"14000000000"),
    ("target", 157, b"/etc/passwd"),
    ("magic", 257, b"ustar  "),
    ("user", 265, b"root"),
    ("device", 329, b"0000001"),
    ("prefix", 345, b"/etc"),
];

/// Sizes in other spellings, and of something else.
fn sizes(len: u64) -> [(&'static str, Vec<u8>); 8] {
    [
        ("one less", format!("{:011o}\0", len - 1).into_bytes()),
        ("one more", format!("{:011o}\0", len + 1).into_bytes()),
        ("none", b"00000000000\0".to_vec()),
        ("most", b"77777777777\0".to_vec()),
        ("without zeros", format!("{len:>11o}\0").into_bytes()),
        ("with a blank", format!("{len:011o} ").into_bytes()),
        ("base-256, not needed", [&[0x80, 0, 0, 0][..], &len.to_be_bytes()].concat()),
        ("negative", [0xff; 12].to_vec()),
    ]
}

#[test]
fn members_of_other_kinds_names_and_sizes_are_refused() {
    let (out, inside, medium, content) = two();
    let tar = content.tar();
    let digest = content.inner.digest();
    let at = header_at(&content, 1);
    assert!(tar[at..].starts_with(b"documents/"));
    let own = String::from_utf8(tar[at..at + 46].to_vec()).unwrap();
    let changed = |member: usize, change: &dyn Fn(&mut [u8])| {
        let (mut tar, at) = (tar.clone(), header_at(&content, member));
        change(&mut tar[at..at + BLOCK]);
        summed(&mut tar[at..at + BLOCK]);
        tar
    };
    let named = |name: &str| {
        let name = name.to_owned();
        changed(1, &move |header| {
            header[..100].fill(0);
            header[..name.len()].copy_from_slice(name.as_bytes());
        })
    };
    let mut hostile: Vec<(String, Vec<u8>)> = Vec::new();
    for (what, at, bytes) in SPOTS {
        let tar = changed(1, &|header| header[at..at + bytes.len()].copy_from_slice(bytes));
        hostile.push((what.to_owned(), tar));
    }
    // Hard and symbolic links, devices, folders, FIFOs, sparse files, extensions of GNU and POSIX.
    for kind in b"123456789xgLKSV\0 " {
        hostile.push((format!("kind {kind}"), changed(1, &|header| header[156] = *kind)));
    }
    let second = &tar[header_at(&content, 2)..][..46];
    let other_id = own.replace("documents/", "");
    for name in [
        "/etc/passwd",
        "../../etc/passwd",
        "documents/../../../x.age",
        "documents/x.age",
        "inner.json",
        "padding",
        "",
        "documents/",
        "./documents/x.age",
        &format!("/{own}"),
        &format!("./{own}"),
        &own.replace("documents/", "documents//"),
        &own.replace("documents/", "Documents/"),
        &own.to_uppercase(),
        &other_id,
        &format!("{own}.exe"),
        std::str::from_utf8(second).unwrap(),
    ] {
        hostile.push((format!("name {name}"), named(name)));
    }
    let len = content.files[0].len() as u64;
    for (what, size) in sizes(len) {
        hostile.push((format!("size {what}"), changed(1, &|header| header[124..136].copy_from_slice(&size))));
    }
    let mut sum = tar.clone();
    sum[at + 148] ^= 1;
    hostile.push(("sum".to_owned(), sum));
    for (what, tar) in hostile {
        refused(&out, &inside, &medium, digest, &tar, &what);
    }
    inside.import(&medium).unwrap();
    inside.sound();
}

#[test]
fn members_missing_added_doubled_or_out_of_order_are_refused() {
    let (out, inside, medium, content) = two();
    let tar = content.tar();
    let digest = content.inner.digest();
    let at = |member| header_at(&content, member);
    let (list, one, two, padding) = (&tar[..at(1)], &tar[at(1)..at(2)], &tar[at(2)..at(3)], &tar[at(3)..]);
    let end = padding.len() - 1024;
    let mut dirty = tar.clone();
    let last = dirty.len() - 1;
    dirty[last] = 1;
    let mut in_padding = tar.clone();
    in_padding[at(3) + BLOCK] = 1;
    let mut in_filling = tar.clone();
    in_filling[at(1) - 1] = 1;
    assert_eq!(tar[at(1) - 1], 0);
    let hostile: Vec<(&str, Vec<u8>)> = vec![
        ("the first is missing", [list, two, padding].concat()),
        ("the second is missing", [list, one, padding].concat()),
        ("both are missing", [list, padding].concat()),
        ("the other way round", [list, two, one, padding].concat()),
        ("doubled", [list, one, one, two, padding].concat()),
        ("doubled in place of another", [list, one, one, padding].concat()),
        ("two lists", [list, list, one, two, padding].concat()),
        ("the list is not the first", [one, list, two, padding].concat()),
        ("no list", [one, two, padding].concat()),
        ("no padding", [list, one, two, &padding[end..]].concat()),
        ("no end", [list, one, two, &padding[..end]].concat()),
        ("half of the end", tar[..tar.len() - 512].to_vec()),
        ("cut", tar[..tar.len() - 1].to_vec()),
        ("cut in a document", tar[..at(2) + 600].to_vec()),
        ("more zeros", [&tar[..], &[0; 512]].concat()),
        ("something behind the end", [&tar[..], one].concat()),
        ("something in the end", dirty),
        ("something in the padding", in_padding),
        ("something in the filling", in_filling),
        ("nothing", Vec::new()),
        ("zeros", vec![0; tar.len()]),
    ];
    for (what, tar) in hostile {
        refused(&out, &inside, &medium, digest, &tar, what);
    }
    inside.import(&medium).unwrap();
}

/// What somebody changes in the list and in the files.
type Change<'a> = &'a dyn Fn(&mut Inner, &mut Vec<Vec<u8>>);

/// The list as somebody changed it, with everything else following from it.
fn relisted(content: &Content, change: impl FnOnce(&mut Inner, &mut Vec<Vec<u8>>)) -> (Digest, Vec<u8>) {
    let mut other = Content { inner: content.inner.clone(), files: content.files.clone() };
    change(&mut other.inner, &mut other.files);
    (other.inner.digest(), other.tar())
}

#[test]
fn lists_of_something_else_are_refused() {
    let (out, inside, medium, content) = two();
    let tar = content.tar();
    // Not the list that was approved.
    refused(&out, &inside, &medium, Digest([7; 32]), &tar, "another digest");
    let mut other = content.inner.clone();
    other.random = [9; 16];
    refused(&out, &inside, &medium, other.digest(), &tar, "another list");
    for (what, change) in [
        ("bundle", (|inner: &mut Inner| inner.bundle = BundleId([1; 16])) as fn(&mut Inner)),
        ("sender", |inner| inner.sender = VaultId([1; 32])),
        ("receiver", |inner| inner.receiver = VaultId([1; 32])),
    ] {
        let (digest, tar) = relisted(&content, |inner, _| change(inner));
        refused(&out, &inside, &medium, digest, &tar, what);
    }
    // In another spelling, which has a digest of its own.
    let list = content.inner.print();
    for spelling in [
        [&list[..], b"\n"].concat(),
        [b" ", &list[..]].concat(),
        String::from_utf8(list.clone()).unwrap().replace("\",\"", "\", \"").into_bytes(),
        String::from_utf8(list.clone()).unwrap().replacen('{', "{\"a\":1,", 1).into_bytes(),
    ] {
        let mut header = tar[..BLOCK].to_vec();
        header[124..136].copy_from_slice(format!("{:011o}\0", spelling.len()).as_bytes());
        summed(&mut header);
        let mut filled = spelling.clone();
        filled.resize(spelling.len().next_multiple_of(BLOCK), 0);
        let tar = [&header[..], &filled, &tar[header_at(&content, 1)..]].concat();
        refused(&out, &inside, &medium, Digest::of(&spelling), &tar, "spelling");
    }
    inside.import(&medium).unwrap();
}

#[test]
fn documents_that_are_not_what_the_list_says_are_refused() {
    let (out, inside, medium, content) = two();
    let header_len = content.inner.documents[0].header_len as usize;
    let digest = content.inner.digest();
    // Bytes that the list does not have.
    let at = header_at(&content, 1) + BLOCK;
    for (what, at) in [("header", at + 100), ("payload", at + header_len + 20)] {
        let mut tar = content.tar();
        tar[at] ^= 1;
        refused(&out, &inside, &medium, digest, &tar, what);
    }
    // Lists that say what the bytes are, of documents that nobody can open or that open to something else.
    let payload = |document: &mut gapvault::bundle::InnerDocument, file: &[u8]| {
        let header_len = document.header_len as usize;
        document.header_sha256 = Digest::of(&file[..header_len]);
        document.payload_sha256 = Digest::of(&file[header_len..]);
    };
    let cases: [(&str, Change<'_>); 5] = [
        ("commitment", &|inner, _| inner.documents[0].commitment = inner.documents[1].commitment),
        ("a header of another document", &|inner, files| {
            let mixed = [&files[1][..header_len], &files[0][header_len..]].concat();
            payload(&mut inner.documents[0], &mixed);
            files[0] = mixed;
        }),
        ("a header that no key opens", &|inner, files| {
            files[0][60] ^= 1;
            let file = files[0].clone();
            payload(&mut inner.documents[0], &file);
        }),
        ("no header", &|inner, files| {
            files[0][..header_len].fill(b'x');
            let file = files[0].clone();
            payload(&mut inner.documents[0], &file);
        }),
        ("a header for another vault", &|inner, files| {
            let id = inner.documents[0].id.to_string();
            let home = out.path("v/documents").join(&id[..2]).join(format!("{id}.age"));
            let home = std::fs::read(home).unwrap();
            inner.documents[0].header_len = (home.len() - (files[0].len() - header_len)) as u64;
            payload(&mut inner.documents[0], &home);
            files[0] = home;
        }),
    ];
    for (what, change) in cases {
        let (digest, tar) = relisted(&content, |inner, files| change(inner, files));
        refused(&out, &inside, &medium, digest, &tar, what);
    }
    inside.import(&medium).unwrap();
    inside.sound();
}

#[test]
fn a_payload_that_opens_to_nothing_is_found_when_it_is_opened() {
    let (out, inside, medium, content) = two();
    let header_len = content.inner.documents[0].header_len as usize;
    let (digest, tar) = relisted(&content, |inner, files| {
        let last = files[0].len() - 1;
        files[0][last] ^= 1;
        inner.documents[0].payload_sha256 = Digest::of(&files[0][header_len..]);
    });
    fill(&out, &inside, &medium, digest, &tar);
    inside.import(&medium).unwrap();
    let to = inside.path("opened");
    let request = gapvault::vault::OpenRequest {
        ids: vec![content.inner.documents[0].id.to_string()],
        all: false,
        to: gapvault::vault::OpenTo::File(to.clone()),
        reason: None,
        request: None,
    };
    let error = inside.vault().open(&inside.founder, request, &gapvault::vault::NoProgress).unwrap_err();
    assert_eq!(error.code(), Code::TamperedPayload);
    assert!(!to.exists());
}

#[test]
fn an_age_file_for_somebody_else_or_with_something_behind_it_is_refused() {
    let (out, inside, medium, content) = two();
    let refused = |body: Vec<u8>, what: &str| {
        let spoilt = copied(&medium, "spoilt");
        resign(&spoilt, &[&out.founder], |manifest| cut(&spoilt, manifest, body, 1 << 30));
        assert_eq!(inside.verdict(&spoilt), "ok", "{what}");
        assert_eq!(inside.turns_away(&spoilt), Code::BundleContent, "{what}");
    };
    let tar = content.tar();
    refused(encrypted(&tar, &transfer_key(&out)), "another vault's key");
    let body = encrypted(&tar, &transfer_key(&inside));
    refused([&body[..], b"x"].concat(), "a byte more");
    refused([&body[..], &body[..]].concat(), "twice");
    refused(body[..body.len() - 1].to_vec(), "a byte less");
    refused(b"x".to_vec(), "one byte");
    refused(vec![b'\n'; 100_000], "lines");
    refused(vec![0; 100_000], "zeros");
    let mut mac = body.clone();
    mac[160] ^= 1;
    refused(mac, "header");
    let mut end = body.clone();
    let last = end.len() - 1;
    end[last] ^= 1;
    refused(end, "tag");
    // Another vault's key by the manifest's own word.
    let spoilt = copied(&medium, "spoilt");
    resign(&spoilt, &[&out.founder], |manifest| {
        manifest.core.receiver_key = Digest::of(transfer_key(&out).to_string().as_bytes());
    });
    assert_eq!(inside.finds(&spoilt), Code::BundleWrongKey);
}

#[test]
fn two_documents_of_one_id_do_not_even_make_a_list() {
    let (_out, _inside, medium, content) = crossing_content();
    let mut inner = content.inner.clone();
    inner.documents.push(inner.documents[0].clone());
    assert!(!inner.is_sound());
    inner.documents.pop();
    inner.documents[0].id = DocumentId([1; 16]);
    assert!(inner.is_sound());
    assert_ne!(inner.digest(), manifest(&medium).core.link.inner);
}

fn crossing_content() -> (Side, Side, std::path::PathBuf, Content) {
    let (out, inside, medium, _) = crossing();
    let content = Content::of(&out, &medium);
    (out, inside, medium, content)
}

#[test]
fn metadata_of_another_document_do_not_come_in() {
    // The header of a document that goes by another id: its title and dates belong to the old one.
    let (out, inside, medium, content) = crossing_content();
    let (digest, tar) = relisted(&content, |inner, _| inner.documents[0].id = DocumentId([5; 16]));
    fill(&out, &inside, &medium, digest, &tar);
    let before = inside.import_as(&inside.founder, &medium).unwrap();
    assert_eq!(before.state, "quarantine");
    let bundle = before.bundle.to_string();
    let vault = inside.vault();
    let error =
        vault.import_accept(&inside.founder, &bundle, None, &gapvault::vault::NoProgress).unwrap_err();
    assert_eq!(error.code(), Code::BundleContent);
    assert!(!inside.path("v/documents/05").exists());
    vault.import_reject(&inside.founder, &bundle, None).unwrap();
    inside.sound();
}

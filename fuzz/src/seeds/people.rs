use gapvault::agefile::{Stanza, encrypt_with_passphrase, seal_header, stanza_len};
use gapvault::crypto::{Digest, PublicKey, SigningKey, SystemRandom};
use gapvault::document::{Meta, ModifiedAt, Name};
use gapvault::encoding::base64;
use gapvault::id::{DocumentId, MemberId, RequestId, VaultId};
use gapvault::identity::Identity;
use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::log::checkpoint::Checkpoint;
use gapvault::log::merkle::{empty_root, leaf_hash};
use gapvault::note::{Fields, KeyId, Signature, SignedNote, VerifierKey, member_id, origin};
use gapvault::policy::{Approval, Ask, Part, Policy, Wanted};
use gapvault::roster::{Host, KeyName, Member, Purpose, Roster};
use gapvault::time::Timestamp;
use secrecy::SecretString;

use crate::fixed::{Same, file_key, signing_key};

type Named = Vec<(&'static str, Vec<u8>)>;

pub(crate) fn start() -> Timestamp {
    Timestamp::from_unix_ms(1_790_000_000_000)
}

fn name(bytes: &[u8]) -> Name {
    Name::new(bytes.to_vec()).expect("a name")
}

fn described(called: &[u8], title: Option<&str>, path: &[&[u8]]) -> Meta {
    Meta {
        class: Class::Critical,
        id: DocumentId([0x16; 16]),
        modified: title.map(|_| ModifiedAt { nanos: 120_000_000, seconds: 1_790_000_000 }),
        name: name(called),
        path: path.iter().map(|part| name(part)).collect(),
        size: 6,
        title: title.map(str::to_owned),
    }
}

/// The body of a meta stanza: a wrapped key of this kind, then so many bytes.
fn body(kind: u8, sealed: usize) -> Vec<u8> {
    let enc = if kind == 2 { 1120 } else { 32 };
    [vec![kind], vec![0x21; enc], vec![0x42; 32], vec![0x63; sealed]].concat()
}

/// A whole header as a document has it, but for what is in it.
fn whole(kind: u8, sealed: usize) -> Vec<u8> {
    let stanza = |tag: &str, args: Vec<String>, body: Vec<u8>| Stanza { tag: tag.to_owned(), args, body };
    let recipient = stanza("recipient", vec!["of".to_owned()], vec![1; 32]);
    let mut stanzas = vec![
        recipient,
        stanza("gapvault.meta", vec![], body(kind, sealed)),
        stanza("gapvault.pad", vec![], vec![]),
    ];
    // Version line, MAC line, and the blank before the pad's argument.
    let len = 22 + 48 + 1 + stanzas.iter().map(stanza_len).sum::<usize>();
    stanzas[2].args.push("0".repeat((len + 1).next_multiple_of(4096) - len));
    seal_header(&file_key(), &stanzas).expect("it is sound")
}

pub(super) fn metas() -> Named {
    let plain = described(b"a.txt", None, &[]);
    let full =
        described("計畫.pdf".as_bytes(), Some("網路架構 network plan"), &[b"share", "計畫".as_bytes()]);
    let odd = described(b"\xff\x1b[31m", Some("\u{202e}x"), &[b"\xfe", b" ", b"..."]);
    let mut seeds: Named = Vec::new();
    for (json, packed, meta) in [
        ("json-plain", "packed-plain", plain),
        ("json-full", "packed-full", full),
        ("json-odd", "packed-odd", odd),
    ] {
        seeds.push((json, meta.print().expect("it is within the limits")));
        seeds.push((packed, meta.pack().expect("it is within the limits")));
    }
    let (classic, hybrid) = (body(1, 0), body(2, 0));
    seeds.push(("key-classic-text", base64(&classic).into_bytes()));
    seeds.push(("key-hybrid-text", base64(&hybrid).into_bytes()));
    seeds.push(("key-classic", classic));
    seeds.push(("key-hybrid", hybrid));
    seeds.push(("key-unknown", body(3, 0)));
    seeds.push(("header-classic", whole(1, 180)));
    seeds.push(("header-hybrid", whole(2, 180)));
    seeds.push(("header-short-meta", whole(1, 27)));
    // Two bytes for the twist, then the body that is put into a header.
    for (name, twist, sealed) in [
        ("around", [0, 0], 28),
        ("around-long", [0, 0], 900),
        ("around-short", [0, 0], 27),
        ("around-swapped", [1, 0], 28),
        ("around-no-recipient", [2, 0], 28),
        ("around-two-metas", [3, 0], 28),
        ("around-argument", [4, 0], 28),
        ("around-stranger", [5, 0], 28),
        ("around-pad-length", [0x80, 1], 28),
        ("around-pad-byte", [0x40, 1], 28),
    ] {
        seeds.push((name, [twist.to_vec(), body(1, sealed)].concat()));
    }
    seeds
}

fn person(kind: KeyKind) -> Identity {
    Identity::generate("王小明", kind, start(), &Same(6)).expect("there are bytes")
}

/// Somebody whose decryption key is in a plugin named `test`.
fn person_with_plugin() -> (Identity, [(&'static str, Vec<u8>); 2]) {
    const PUBLIC: &str = "age1test1wp6kymrfvvsxsctvvc0ss28f";
    const WAY: &str = "AGE-PLUGIN-TEST-1WASHJGR5DUSXJAQRXQJVW";
    let keys = (WAY.parse().expect("a way to a key"), PUBLIC.parse().expect("a key"));
    let person = Identity::generate_with_plugin("王小明", keys, start(), &Same(6)).expect("there are bytes");
    (person, [("public-plugin", PUBLIC.into()), ("secret-plugin", WAY.into())])
}

pub(super) fn identities() -> Named {
    let mut seeds: Named = Vec::new();
    let (person_with_plugin, keys) = person_with_plugin();
    seeds.extend(keys);
    seeds.push(("text-plugin", person_with_plugin.to_text().as_bytes().to_vec()));
    seeds.push(("card-plugin", person_with_plugin.card().expect("it has one").print().into_bytes()));
    for (kind, [text, card, public, secret]) in [
        (KeyKind::Classic, ["text-classic", "card-classic", "public-classic", "secret-classic"]),
        (KeyKind::Hybrid, ["text-hybrid", "card-hybrid", "public-hybrid", "secret-hybrid"]),
    ] {
        let person = person(kind);
        seeds.push((text, person.to_text().as_bytes().to_vec()));
        let line = person.to_text().lines().last().map(str::to_owned).expect("its key stands last");
        seeds.push((public, person.recipient().to_string().into_bytes()));
        seeds.push((secret, line.into_bytes()));
        seeds.push((card, person.card().expect("it has one").print().into_bytes()));
    }
    let words = SecretString::from("x".to_owned());
    let locked =
        |text: &[u8]| encrypt_with_passphrase(&words, 1, text, &SystemRandom::new()).expect("it locks");
    let whole = locked(person(KeyKind::Classic).to_text().as_bytes());
    seeds.push(("drawn-other-text", locked(b"# gapvault identity\n")));
    for (name, factor) in [("factor-18", "18"), ("factor-21", "21"), ("factor-30", "30"), ("factor-99", "99")]
    {
        let args = vec!["CQkJCQkJCQkJCQkJCQkJCQ".to_owned(), factor.to_owned()];
        let stanza = Stanza { tag: "scrypt".to_owned(), args, body: vec![1; 32] };
        let header = seal_header(&file_key(), &[stanza]).expect("it is sound");
        seeds.push((name, [header, vec![2; 60]].concat()));
    }
    seeds.push(("drawn-locked-cut", whole[..whole.len() - 20].to_vec()));
    seeds.push(("drawn-locked", whole));
    let stanza = Stanza { tag: "other".to_owned(), args: vec![], body: vec![1; 32] };
    seeds.push(("no-passphrase", seal_header(&file_key(), &[stanza]).expect("it is sound")));
    seeds
}

pub(crate) fn member(key: PublicKey, role: Role, sponsor: Option<&Member>) -> Member {
    Member {
        id: member_id(&key),
        name: "王小明".to_owned(),
        key,
        recipient: "age1example".to_owned(),
        role,
        clearance: if sponsor.is_some() { vec![] } else { vec![Class::Critical, Class::Important] },
        titles: true,
        import: sponsor.is_none(),
        release: false,
        sponsor: sponsor.map(|member| member.id),
        until: sponsor.map(|_| "2027-12-31".to_owned()),
        joined: start(),
    }
}

fn roster() -> Roster {
    let host = SigningKey::from_seed([9; 32]).public();
    let officer = member(signing_key().public(), Role::Officer, None);
    let guest = member(SigningKey::from_seed([8; 32]).public(), Role::Clerk, Some(&officer));
    let key = |purpose| (KeyName { purpose, generation: 1 }, "age1key".to_owned());
    let mut members = vec![officer, guest];
    members.sort_by_key(|member| member.id);
    Roster {
        vault: None,
        version: 1,
        previous: None,
        created: start(),
        name: "第一庫".to_owned(),
        zone: Zone::Isolated,
        key_kind: KeyKind::Classic,
        officers_needed: 1,
        policy: None,
        deposit_for: None,
        keys: Purpose::ALL.into_iter().map(key).collect(),
        hosts: vec![Host { id: Host::id_of(&host), key: host, name: "desk 1".to_owned() }],
        members,
    }
}

/// A roster of the fixed member alone.
pub(crate) fn office() -> Roster {
    Roster { members: vec![member(signing_key().public(), Role::Officer, None)], ..roster() }
}

/// A request of the fixed member.
pub(crate) fn ask() -> Ask {
    Ask {
        vault: VaultId([0x3f; 32]),
        id: RequestId([0x52; 16]),
        wanted: Wanted::Destroy,
        to: None,
        requester: member_id(&signing_key().public()),
        created: start(),
        until: Timestamp::from_unix_ms(start().unix_ms() + 1_000),
        reason: Some(Digest([0x72; 32])),
        note: None,
        export: None,
        objects: vec![
            (DocumentId([0x16; 16]), Digest([0x17; 32])),
            (DocumentId([0x18; 16]), Digest([0x19; 32])),
        ],
    }
}

fn approval() -> Approval {
    let ask = ask();
    let request = Digest::of(ask.print().expect("it is sound").as_bytes());
    let member = member_id(&signing_key().public());
    Approval { vault: ask.vault, wanted: ask.wanted, part: Part::Approver, request, member, until: ask.until }
}

pub(super) fn notes() -> Named {
    let (key, known) = (signing_key(), VerifierKey::of_member(signing_key().public()));
    let mut fields = Fields::new("gapvault.example/v1");
    fields.put("vault", "3f3f").put("object.1", "critical").put("remark", "two  words, 兩個詞");
    let text = fields.finish().expect("it is sound");
    let one = SignedNote::sign(&text, &[(known.name(), &key)]).expect("it is sound");
    let mut two = one.clone();
    two.cosign("example.com/other", &SigningKey::from_seed([8; 32])).expect("there is room");
    two.add(Signature::new("witness", KeyId([4; 4]), vec![4; 72]).expect("a line")).expect("there is room");
    let mut crowd = one.clone();
    for number in 1..64 {
        let line = Signature::new("witness", KeyId([number; 4]), vec![number; 8]).expect("a line");
        crowd.add(line).expect("there is room");
    }
    let forged = one.print().replace("two  words", "too  words");

    let origin = origin(&VaultId([0x3f; 32]), 1);
    let empty = Checkpoint::new(&origin, 0, empty_root()).expect("it is sound");
    let some = Checkpoint::new(&origin, 1_000_000, leaf_hash(b"x")).expect("it is sound");
    let roster = roster().print().expect("it is orderly");
    let later = roster
        .replace("vault self", &format!("vault {}", "3f".repeat(32)))
        .replace("version 1", "version 2")
        .replace("previous none", &format!("previous {}", "ab".repeat(32)));
    let signed = SignedNote::sign(&roster, &[(known.name(), &key)]).expect("it is sound");
    let checked = some.sign(&SigningKey::from_seed([9; 32]), Some(&key)).expect("it is sound");
    let policy = Policy { approvers: vec![MemberId([1; 8]), MemberId([2; 8])], ..Policy::for_one_person() };
    let named = vec![
        ("one", one.print()),
        ("several", two.print()),
        ("crowd", crowd.print()),
        ("forged", forged),
        ("empty-lines", SignedNote::sign("a\n\nb\n\n\n", &[("k", &key)]).expect("it is sound").print()),
        ("text-crlf", "a\r\n\n— k AAAAAAA=\n".to_owned()),
        ("fields", text),
        ("verifier-key", known.to_string()),
        ("verifier-key-other", VerifierKey::new("例/1", key.public()).expect("a name").to_string()),
        ("checkpoint-empty", empty.text()),
        ("checkpoint", some.text()),
        ("checkpoint-extra", format!("{}more\n", some.text())),
        ("checkpoint-zero", some.text().replace("1000000", "01000000")),
        ("checkpoint-signed", checked.print()),
        ("request", ask().print().expect("it is sound")),
        ("approval", approval().print().expect("it is sound")),
        ("policy", Policy::default().print()),
        ("policy-approvers", policy.print()),
        ("roster", roster),
        ("roster-later", later),
        ("roster-signed", signed.print()),
    ];
    named.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

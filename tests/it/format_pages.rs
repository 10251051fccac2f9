//! The worked examples in `docs/format` are what the code reads and writes.

// Helpers of a test fail as tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

use gapvault::bundle::{
    Attempt, CardNotes, Core, FileLine, Head, Inner, InnerDocument, Known, Link, Manifest, Peer, Plan,
    Ranges, ReadSlice, Receipt, VaultCard, Verdict, WitnessRequest, Witnessed, encode,
};
use gapvault::crypto::{Digest, PublicKey, SigningKey};
use gapvault::evidence::read_checkpoint;
use gapvault::id::{BundleId, Code, DocumentId, MemberId, RequestId, SessionId, VaultId};
use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::log::checkpoint::{Checkpoint, SignedCheckpoint};
use gapvault::log::cosignature::{Cosignature, WitnessKey, cosigners};
use gapvault::log::entry::{Category, Draft, Entry, Event, Object, Outcome};
use gapvault::log::frames::ENTRIES;
use gapvault::log::keys::{Generations, HandOver};
use gapvault::log::merkle::{leaf_hash, node_hash, root_of};
use gapvault::log::proof::EntryProof;
use gapvault::note::{Fields, FieldsReader, SignedNote, VerifierKey, member_id, member_key_name, origin};
use gapvault::policy::{Approval, Ask, ClassRules, Export, Part, Policy, Wanted};
use gapvault::roster::Resume;
use gapvault::roster::{Host, InForce, KeyName, Member, Purpose, Roster, found};
use gapvault::sealed::Commitment;
use gapvault::time::{Moment, Timestamp};

const BUNDLE: &str = include_str!("../../docs/format/bundle.md");
const EVIDENCE: &str = include_str!("../../docs/format/evidence.md");
const NOTE: &str = include_str!("../../docs/format/note.md");
const LOG: &str = include_str!("../../docs/format/log.md");
const PEOPLE: &str = include_str!("../../docs/format/people.md");
const VAULT: &str = include_str!("../../docs/format/vault.md");

/// Seeds of the people of the pages and of their host's log keys, each 32 times this byte.
const OFFICER: u8 = 1;
const HOST: u8 = 2;
const CLERK: u8 = 3;
const NEXT_HOST: u8 = 4;

/// The fenced blocks of a page, in their order, each without its last newline.
fn blocks<const N: usize>(page: &str) -> [&str; N] {
    let fenced = page.split("\n```").skip(1).step_by(2);
    let bodies: Vec<&str> = fenced.map(|block| block.split_once('\n').unwrap().1).collect();
    bodies.try_into().unwrap_or_else(|bodies: Vec<&str>| panic!("{} blocks", bodies.len()))
}

#[test]
fn the_note_of_its_page_verifies_and_is_what_we_write() {
    let [key, note, digest] = blocks(NOTE);
    let note = format!("{note}\n");
    let known: VerifierKey = key.trim().parse().unwrap();
    let signing = SigningKey::from_seed([1; 32]);
    assert_eq!(known, VerifierKey::of_member(signing.public()));

    let read = SignedNote::parse(note.as_bytes()).unwrap();
    let verified = read.verify(std::slice::from_ref(&known)).unwrap();
    assert_eq!(verified.digest().to_string(), digest.trim());

    let mut reader = FieldsReader::new(verified.text(), "gapvault.example/v1").unwrap();
    let mut fields = Fields::new("gapvault.example/v1");
    fields.put("vault", reader.take_as::<VaultId>("vault").unwrap());
    fields.put("action", reader.take("action").unwrap());
    for (id, class) in reader.take_prefixed("object.") {
        fields.put(&format!("object.{id}"), class);
    }
    fields.put("remark", reader.take("remark").unwrap());
    reader.finish().unwrap();
    let written = SignedNote::sign(&fields.finish().unwrap(), &[(known.name(), &signing)]).unwrap();
    assert_eq!(written.print(), note);
}

#[test]
fn the_log_of_its_page_hangs_together_and_is_what_we_write() {
    let [first, second, hashes, note, key, ..] = blocks::<7>(LOG);
    let note = format!("{note}\n");
    let entries = [first, second].map(|line| line.trim_end().as_bytes());
    for (seq, line) in (0..).zip(entries) {
        let entry = Entry::parse(line).unwrap();
        assert_eq!((entry.seq(), entry.to_bytes().as_slice()), (seq, line));
    }
    let [one, two] = entries.map(leaf_hash);
    let root = root_of([one, two]);
    assert_eq!(root, node_hash(&one, &two));
    assert_eq!(hashes.trim_end(), format!("{one}\n{two}\n{root}"));

    let mut tail = Vec::new();
    for line in entries {
        ENTRIES.append(&mut tail, line).unwrap();
    }
    let second_head = entries[0].len() + 2;
    assert_eq!((&tail[..2], &tail[second_head..second_head + 2]), (&[0x01, 0x2e][..], &[0x01, 0xc5][..]));
    assert_eq!(tail.len(), 759);

    let (host, member) = (SigningKey::from_seed([2; 32]), SigningKey::from_seed([1; 32]));
    let log_key: VerifierKey = key.trim().parse().unwrap();
    let known = [VerifierKey::of_member(member.public())];
    let read = SignedCheckpoint::verify(note.as_bytes(), &log_key, &known).unwrap();
    assert_eq!((read.checkpoint().size(), read.checkpoint().root()), (2, root));
    assert_eq!(read.signers().len(), 2);
    let ours = Checkpoint::new(&origin(&VaultId([0x3f; 32]), 1), 2, root).unwrap();
    assert_eq!(ours.sign(&host, Some(&member)).unwrap().print(), note);
}

#[test]
fn the_next_log_key_of_its_page_follows_from_the_first() {
    let [first, second, _, _, log_key, third, proof] = blocks(LOG);
    let old: VerifierKey = log_key.trim().parse().unwrap();
    let (now, next) = (key(HOST), key(NEXT_HOST));
    let host = Host::id_of(&now.public());
    let moment = Moment { time: at("3T08:01"), boot: String::new(), mono_ms: 86_460_123 };
    let mut draft =
        Draft::new(Event::HostRekey, Outcome::Ok, SessionId([0; 16]), host, Zone::Isolated, &moment);
    draft.object = Some(Object::host(host));
    draft.detail.host_key = Some(next.public().0);
    let entry = draft.entry(2).unwrap().to_bytes();
    let leaves = [first, second].map(|line| leaf_hash(line.trim_end().as_bytes()));
    let before = node_hash(&leaves[0], &leaves[1]);
    let tree = Checkpoint::new(old.name(), 3, node_hash(&before, &leaf_hash(&entry))).unwrap();
    let note = SignedNote::sign(&tree.text(), &[(old.name(), &now), (old.name(), &next)]).unwrap();
    let made = HandOver::proof(entry.clone(), vec![before], note.print().as_bytes()).unwrap();
    let made = String::from_utf8(made).unwrap();
    let entry = String::from_utf8(entry).unwrap();
    compare("log", &[third, proof], &[entry, made.clone()]);

    let handed = HandOver::parse(made.as_bytes()).unwrap();
    let keys = Generations::follow(VaultId([0x3f; 32]), 1, &[now.public()], &[handed]).into_keys();
    let shown: Vec<_> = keys.iter().map(|key| (key.verifier().key(), key.begins(), key.until())).collect();
    assert_eq!(shown, [(now.public(), 0, Some(3)), (next.public(), 3, None)]);
}

#[test]
fn the_page_of_the_log_gives_every_event_its_category() {
    let rows: Vec<[&str; 3]> = LOG
        .lines()
        .skip_while(|line| !line.starts_with("| event | outcome"))
        .skip(2)
        .map_while(|line| {
            line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect::<Vec<_>>().try_into().ok()
        })
        .collect();
    assert_eq!(rows.len(), 8);
    let names = |cell: &str, word: &str| cell == "any" || cell.contains(&format!("`{word}`"));
    for event in Event::ALL {
        for outcome in Outcome::ALL {
            let fits = |row: &&[&str; 3]| names(row[0], event.as_str()) && names(row[1], outcome.as_str());
            let [_, _, category] = rows.iter().find(fits).unwrap();
            assert_eq!(*category, format!("`{}`", Category::of(*event, *outcome)), "{event} {outcome}");
        }
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn id(seed: u8) -> MemberId {
    member_id(&key(seed).public())
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-2{time}:00.000Z").parse().unwrap()
}

fn signed(text: &str, by: u8) -> String {
    SignedNote::sign(text, &[(&member_key_name(id(by)), &key(by))]).unwrap().print()
}

fn first_roster() -> Roster {
    let keys = [
        "age17p63l9ksnt8u8xfqt3474ndnf85s2d8hnktmhg7a6k2r4d6u496sh8p8zj",
        "age1v7k72xrukurzewpkt27499qtqqqjy2cshfxtzyzy4wy550dv533sp77j2u",
        "age1wn8wc9gdpmc6ur3czygm87utxhks5ufv5sljjr4cvgmg3gpy2y3qm2mpzy",
        "age1h2ehqzyht7a0ntma0hapwrwfrv9rsxyeg5kq0vlxn9arz8j8g5gsvl7gxx",
    ];
    let keys = Purpose::ALL.into_iter().zip(keys);
    let host: PublicKey = key(HOST).public();
    Roster {
        vault: None,
        version: 1,
        previous: None,
        created: at("3T08:00"),
        name: "企劃科".to_owned(),
        zone: Zone::Isolated,
        key_kind: KeyKind::Classic,
        officers_needed: 1,
        policy: None,
        deposit_for: None,
        keys: keys.map(|(purpose, key)| (KeyName { purpose, generation: 1 }, key.to_owned())).collect(),
        hosts: vec![Host { id: Host::id_of(&host), key: host, name: "desk-1".to_owned() }],
        members: vec![Member {
            id: id(OFFICER),
            name: "陳美".to_owned(),
            key: key(OFFICER).public(),
            recipient: "age15uh3pucj58k5x8fr5rzmtamkxzqmhhxdm67k54skeu0f3mhe0ysqr5wa8t".to_owned(),
            role: Role::Officer,
            clearance: Class::ALL.to_vec(),
            titles: true,
            import: true,
            release: true,
            sponsor: None,
            until: None,
            joined: at("3T08:00"),
        }],
    }
}

fn policy() -> Policy {
    let base = Policy::default();
    Policy { important: ClassRules { destroy_approvals: 2, ..base.important }, ..base }
}

/// A clerk joins, under another policy; the critical key is in its second generation since somebody else left.
fn second_roster(first: &InForce) -> Roster {
    let clerk = Member {
        id: id(CLERK),
        name: "Lin An".to_owned(),
        key: key(CLERK).public(),
        recipient: "age1jhkdrr36fyquy5zt06ww389tks0srtggps2mfsejf3zaxr8cjcvq5uccnx".to_owned(),
        role: Role::Clerk,
        clearance: vec![Class::Important],
        import: false,
        release: false,
        until: Some("2027-06-30".to_owned()),
        joined: at("4T08:00"),
        ..first.roster().members[0].clone()
    };
    let mut next = Roster {
        vault: Some(first.vault()),
        version: 2,
        previous: Some(first.digest()),
        created: at("4T08:00"),
        policy: Some(policy().digest()),
        ..first.roster().clone()
    };
    next.members.push(clerk);
    next.members.sort_by_key(|member| member.id);
    let critical = KeyName { purpose: Purpose::Class(Class::Critical), generation: 2 };
    next.keys.push((critical, "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".to_owned()));
    next.keys.sort();
    next
}

/// What has to stand in these blocks; on a difference the whole is written beside the tests.
fn compare(name: &str, shown: &[&str], right: &[String]) {
    let right: Vec<&str> = right.iter().map(|block| block.trim_end()).collect();
    if shown.iter().map(|block| block.trim_end()).collect::<Vec<_>>() == right {
        return;
    }
    let real = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&real, right.join("\n```\n\n```text\n")).unwrap();
    panic!("the page says otherwise; as it really is: {}", real.display());
}

#[test]
fn people_policy_and_requests_of_their_page_are_what_we_read_and_write() {
    let note = signed(&first_roster().print().unwrap(), OFFICER);
    let first = found(note.as_bytes()).unwrap();
    let digest = format!("{}\n{}", first.digest(), Code::of(&first.vault().0));
    let policy_text = policy().print();
    let second_note = signed(&second_roster(&first).print().unwrap(), OFFICER);
    let second = first.succeed(second_note.as_bytes()).unwrap();
    let recipients = second.roster().members.iter().map(|member| &member.recipient);
    for key in second.roster().keys.iter().map(|(_, key)| key).chain(recipients) {
        assert!(key.parse::<gapvault::agefile::Recipient>().is_ok(), "{key}");
    }

    let ask = Ask {
        vault: first.vault(),
        id: RequestId([8; 16]),
        wanted: Wanted::Destroy,
        to: None,
        requester: id(CLERK),
        created: at("5T08:00"),
        until: "2026-12-09T08:00:00.000Z".parse().unwrap(),
        reason: Some(Digest::of(b"the bytes of reason.age")),
        note: None,
        export: None,
        objects: vec![(DocumentId([5; 16]), Digest::of(b"its payload"))],
    };
    let request = signed(&ask.print().unwrap(), CLERK);
    let (read, asked) = Ask::verify(request.as_bytes(), first.vault(), second.roster()).unwrap();
    assert_eq!(read, ask);
    let approval = Approval {
        vault: first.vault(),
        wanted: Wanted::Destroy,
        part: Part::Approver,
        request: asked,
        member: id(OFFICER),
        until: ask.until,
    };
    let approved = signed(&approval.print().unwrap(), OFFICER);
    assert_eq!(Approval::verify(approved.as_bytes(), &ask, asked, second.roster()).unwrap(), approval);

    let mut exception = Fields::new("gapvault.exception/v1");
    exception.put("vault", first.vault());
    exception.put("host", Host::id_of(&key(HOST).public()));
    exception.put("until", at("5T10:00"));
    let exception = signed(&exception.finish().unwrap(), OFFICER);

    let shown = blocks::<8>(PEOPLE);
    let digests = policy().digest().to_string();
    let right = [note, digest, policy_text, digests, second_note, request, approved, exception];
    compare("people.md", &shown, &right);
    assert_eq!(Policy::parse(&format!("{}\n", shown[2])).unwrap(), policy());
}

#[test]
fn state_and_resume_note_of_the_page_of_the_vault_are_of_its_people() {
    let first = found(signed(&first_roster().print().unwrap(), OFFICER).as_bytes()).unwrap();
    let second = signed(&second_roster(&first).print().unwrap(), OFFICER);
    let second = first.succeed(second.as_bytes()).unwrap();
    let root: Digest = "7eef869ca75eb32f7c011922f1dc008e74549f1b1ce983a05f537eaf11a36242".parse().unwrap();
    let checkpoint = Checkpoint::new(&origin(&first.vault(), 1), 6, root).unwrap();
    let checkpoint = checkpoint.sign(&key(HOST), Some(&key(CLERK))).unwrap().print();
    let record = format!(
        "gapvault.host/v1\ncounter 5\nvault {}\nroster 2 {}\nepoch 1\ncheckpoint {}\n{checkpoint}",
        first.vault(),
        second.digest(),
        checkpoint.len()
    );
    let record = format!("{record}sha256 {}", Digest::of(record.as_bytes()));
    let resume = Resume {
        vault: first.vault(),
        epoch: 2,
        size: 6,
        root,
        roster: second.digest(),
        key: key(NEXT_HOST).public(),
        host: "desk-1".to_owned(),
    };
    let note = signed(&resume.print().unwrap(), OFFICER);
    assert_eq!(Resume::verify(note.as_bytes(), &second), Some(resume));
    let [_, _, _, shown_record, shown_note] = blocks(VAULT);
    compare("vault.md", &[shown_record, shown_note], &[record, note]);
}

/// Who imports in the receiving vault.
const OPERATOR: u8 = 5;
const RECEIVER: VaultId = VaultId([0x3f; 32]);
const BUNDLE_ID: BundleId = BundleId([9; 16]);

fn inner(sender: VaultId) -> Inner {
    let hex = |text: &str| text.parse::<Digest>().unwrap();
    let document = InnerDocument {
        class: Class::Important,
        commitment: Commitment(hex("62e759137a0377068284727c3a52a5c4cfe4853343b34af784adeef6cfc22a40")),
        header_len: 4096,
        header_sha256: Digest::of(b"the header for the receiver"),
        id: "1682c81a103aa425976ed37e1458a50d".parse().unwrap(),
        payload_sha256: hex("731c35a7769e35ac625a5a16b29481ee0ecdf105b67208d4a7a93c02464afb6d"),
        size: 6,
    };
    Inner { bundle: BUNDLE_ID, sender, receiver: RECEIVER, random: [7; 16], documents: vec![document] }
}

fn export(sender: VaultId, inner: Digest) -> Ask {
    Ask {
        vault: sender,
        id: RequestId([10; 16]),
        wanted: Wanted::Export,
        to: None,
        requester: id(CLERK),
        created: at("5T08:00"),
        until: "2026-12-09T08:00:00.000Z".parse().unwrap(),
        reason: None,
        note: None,
        export: Some(Export {
            bundle: BUNDLE_ID,
            receiver: RECEIVER,
            inner,
            volume: 650_000_000,
            parity: 10,
            not_after: "2026-12-25T08:00:00.000Z".parse().unwrap(),
        }),
        objects: Vec::new(),
    }
}

/// The checkpoint of the sender, as on the page of the vault.
fn sent_checkpoint(sender: &VaultId) -> Checkpoint {
    let root = "7eef869ca75eb32f7c011922f1dc008e74549f1b1ce983a05f537eaf11a36242".parse().unwrap();
    Checkpoint::new(&origin(sender, 1), 6, root).unwrap()
}

fn manifest(sender: &InForce, note: &str, (inner, request): (Digest, Digest), witness: &[u8]) -> Manifest {
    let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let not_shown =
        |name: &str, len: u64| FileLine { name: name.to_owned(), len, sha256: Digest::of(name.as_bytes()) };
    let request_note = signed(&export(sender.vault(), inner).print().unwrap(), CLERK);
    Manifest {
        core: Core {
            sender: sender.vault(),
            receiver: RECEIVER,
            receiver_key: Digest::of(key.as_bytes()),
            link: Link { series: 1, number: 1, bundle: BUNDLE_ID, inner },
            previous: None,
            request,
            created: at("5T10:00"),
            from: Zone::Isolated,
            to: Zone::Networked,
            approvals: 1,
            releaser: true,
            plan: Plan::new(8392, 650_000_000, 10).unwrap(),
            shards: Digest::of(b"shards"),
        },
        attempt: Attempt {
            number: 1,
            issued: at("5T10:01"),
            not_after: "2026-12-25T08:00:00.000Z".parse().unwrap(),
            roster: 2,
            roster_digest: sender.digest(),
            knows: 1,
            files: vec![
                not_shown("approval-0001", 433),
                not_shown("approval-0002", 433),
                FileLine::of("policy", policy().print().as_bytes()),
                FileLine::of("request", request_note.as_bytes()),
                FileLine::of("roster-0002", note.as_bytes()),
                not_shown("shards", 352),
                FileLine::of("witness-request", witness),
            ],
        },
        medium: 1,
        slices: Ranges::of(&(1..=11).collect::<Vec<_>>()).unwrap(),
        slips: vec![not_shown("SLIP.html", 31_000), not_shown("SLIP.txt", 3000)],
    }
}

fn receipt(manifest: &Manifest) -> Receipt {
    let root = "fe988dfe392014aec6058d0b0d26ce78c452bb06410612ec01646bedb6befe6e".parse().unwrap();
    let own = Checkpoint::new(&origin(&RECEIVER, 1), 2, root).unwrap();
    let (core, created) = (&manifest.core, at("6T09:00"));
    Receipt {
        receiver: RECEIVER,
        sender: core.sender,
        link: core.link,
        attempt: 1,
        verdict: Verdict::Accepted,
        damaged: Vec::new(),
        created,
        knows: 2,
        roster: 1,
        witnessed: Witnessed::sign(&key(OPERATOR), &sent_checkpoint(&core.sender), created),
        checkpoint: own.sign(&key(HOST), Some(&key(OFFICER))).unwrap().print().into_bytes(),
    }
}

#[test]
fn the_bundle_of_its_page_is_what_we_read_and_write() {
    let first_note = signed(&first_roster().print().unwrap(), OFFICER);
    let first = found(first_note.as_bytes()).unwrap();
    let second_note = signed(&second_roster(&first).print().unwrap(), OFFICER);
    let second = first.succeed(second_note.as_bytes()).unwrap();
    let inner = inner(first.vault());
    let list = String::from_utf8(inner.print()).unwrap();
    assert_eq!(Inner::parse(list.as_bytes()).unwrap(), inner);
    assert_eq!((inner.archive_len(), inner.padding_len()), (Some(8192), Some(0)));

    let asked = export(first.vault(), inner.digest());
    let request = signed(&asked.print().unwrap(), CLERK);
    let (read, digest) = Ask::verify(request.as_bytes(), first.vault(), second.roster()).unwrap();
    assert_eq!(read, asked);

    let checkpoint = sent_checkpoint(&first.vault()).sign(&key(HOST), Some(&key(CLERK))).unwrap().print();
    let witness = WitnessRequest { old: 0, proof: Vec::new(), checkpoint: checkpoint.into_bytes() };
    assert_eq!(WitnessRequest::parse(&witness.print()).unwrap(), witness);
    let known = Known::of(vec![first.clone(), second.clone()], policy(), Vec::new()).unwrap();
    assert!(witness.judge(&known, None).is_some());

    let manifest = manifest(&second, &second_note, (inner.digest(), digest), &witness.print());
    let text = manifest.print().unwrap();
    assert_eq!(Manifest::parse(&text).unwrap(), manifest);
    let core = manifest.core.print().unwrap();
    assert!(text.starts_with(&core) && Core::parse(&core).is_some());
    let codes = format!("{}\n{}", Digest::of(core.as_bytes()), manifest.code().unwrap());
    let head = Head::of(&manifest.core.plan, BUNDLE_ID, 1, 0).unwrap().print();
    assert_eq!((head.len(), Head::parse(&head).is_some()), (128, true));

    let receipt = receipt(&manifest);
    let answer = receipt.print().unwrap();
    assert_eq!(Receipt::parse(&answer).unwrap(), receipt);
    assert!(receipt.witnessed.unwrap().is_by(&key(OPERATOR).public()));

    let card = VaultCard::of(CardNotes { rosters: vec![first_note.into_bytes()], ..CardNotes::default() });
    let card = card.unwrap();
    let printed = card.print();
    assert_eq!(VaultCard::parse(&printed).unwrap().digest(), card.digest());
    let beginning: Vec<&str> = std::str::from_utf8(&printed).unwrap().lines().take(6).collect();
    let digits = format!("{}\n{}", card.digest(), card.code());
    let peer = Peer {
        vault: first.vault(),
        roster: second.digest(),
        peer: RECEIVER,
        card: Digest::of(b"the card of the receiver"),
        out: 1,
        incoming: 1,
        created: at("4T09:00"),
    };
    assert_eq!(Peer::parse(&peer.print().unwrap()).unwrap(), peer);

    let shown = blocks::<11>(BUNDLE);
    let right = [
        beginning.join("\n"),
        digits,
        signed(&peer.print().unwrap(), OFFICER),
        list,
        inner.digest().to_string(),
        request,
        String::from_utf8(witness.print()).unwrap(),
        signed(&text, CLERK),
        codes,
        std::str::from_utf8(&head).unwrap().to_owned(),
        signed(&answer, OPERATOR),
    ];
    compare("bundle.md", &shown, &right);
}

/// A body cut by a plan.
struct Cut<'a>(&'a Plan, &'a [u8]);

impl ReadSlice for Cut<'_> {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> std::io::Result<usize> {
        let begin = (u64::from(slice) * self.0.slice_len() + offset) as usize;
        let len = out.len().min((self.0.body_len_of(slice) - offset) as usize);
        out[..len].copy_from_slice(&self.1[begin..begin + len]);
        Ok(len)
    }
}

#[test]
fn one_slice_of_parity_is_the_xor_of_all_volumes() {
    let body: Vec<u8> = (0..8392_u32).map(|at| (at * at / 7) as u8).collect();
    let plan = Plan::new(8392, 650_000_000, 10).unwrap();
    assert_eq!((plan.volumes(), plan.parity(), plan.slice_len(), plan.body_len_of(9)), (10, 1, 896, 328));
    let mut xor = vec![0; 896];
    for slice in body.chunks(896) {
        xor.iter_mut().zip(slice).for_each(|(sum, byte)| *sum ^= byte);
    }
    let mut parity = Vec::new();
    let mut sink = |_: u32, bytes: &[u8]| {
        parity.extend_from_slice(bytes);
        Ok(())
    };
    encode(&plan, &Cut(&plan, &body), 1, &mut sink, &|_| ()).unwrap();
    assert!(parity == xor);
}

#[test]
fn the_proof_of_its_page_is_what_we_write_and_holds() {
    let [first, second, _hashes, checkpoint, key, ..] = blocks::<7>(LOG);
    let [proof, witness] = blocks(EVIDENCE);
    let signing = SigningKey::from_seed([3; 32]);
    let known = WitnessKey::of_member(signing.public());
    assert_eq!(witness.trim(), known.to_string());

    let log: VerifierKey = key.trim().parse().unwrap();
    let note = format!("{}\n", checkpoint.trim_end());
    let (tree, mut note) = read_checkpoint(note.as_bytes(), &[log.into()]).unwrap();
    let now = Timestamp::from_unix_ms(1_790_000_000_000);
    note.add(Cosignature::sign(&signing, &tree, now).unwrap().line(&known).unwrap()).unwrap();
    let ours = EntryProof {
        entry: Some(second.as_bytes().to_vec()),
        index: 1,
        hashes: vec![leaf_hash(first.as_bytes())],
        checkpoint: note.print().into_bytes(),
    };
    assert_eq!(String::from_utf8(ours.print()).unwrap(), format!("{proof}\n"));

    let read = EntryProof::parse(format!("{proof}\n").as_bytes()).unwrap();
    assert_eq!(read, ours);
    read.check(second.as_bytes(), &tree).unwrap();
    let signed = cosigners(&note, &tree, std::slice::from_ref(&known)).unwrap();
    assert_eq!(signed, [(known, 1_790_000_000)]);
}

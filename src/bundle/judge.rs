//! Is this bundle what the paired vault sent, to us, now, next? Judged over the signed manifest and the small files beside
//! it, with public keys only; nothing is decrypted for it. Pure.
//!
//! The checks stand in one order, and every one that can be made is made: `bundle verify` shows all of them, `import` stops
//! at the first that fails.

use std::collections::{BTreeMap, BTreeSet};

use super::known::{BadChain, Known};
use super::manifest::{Link, MANIFEST_NAME, Manifest, SLIP_NAMES};
use super::receipt::is_answer;
use super::witness::{Found, WitnessRequest};
use crate::access::Consent;
use crate::crypto::Digest;
use crate::id::{MemberId, VaultId};
use crate::label::{Role, Zone};
use crate::log::checkpoint::Checkpoint;
use crate::note::SignedNote;
use crate::policy::{Approval, Ask, Machine, Rules, consents_given, standing};
use crate::time::Timestamp;

/// A note from further in the future than this is not believed: a clock can be a little wrong.
const AHEAD_MS: i64 = 24 * 60 * 60 * 1000;

/// Why a bundle is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not a manifest, in the one spelling that there is.
    Format,
    /// Of a vault that was never admitted here, or is not any more.
    UnknownSender(VaultId),
    /// Rosters, policy, resume notes or log keys of the sender do not add up.
    Chain(BadChain),
    /// It names a roster that does not follow from what is known.
    Roster,
    /// Nobody of the sending vault signed it, or a signature is wrong.
    Signature,
    /// Who signed may not send.
    Sender(MemberId),
    /// It is for another vault.
    WrongReceiver(VaultId),
    /// It is encrypted to a key that is not ours.
    ReceiverKey,
    /// The zones are not those of the two vaults.
    Direction,
    /// A file is not the one that the manifest names.
    File(String),
    /// A file is missing.
    Missing(String),
    /// A file is there that the manifest does not name.
    Undeclared(String),
    /// The request is not what the manifest says, or of somebody else.
    Request,
    /// Too few have approved, or nobody has released.
    Approvals {
        /// How many have to.
        needed: u32,
        /// How many have.
        given: u32,
        /// Whether somebody has to release, and nobody has.
        releaser: bool,
    },
    /// This number came in before.
    Replayed {
        /// The number.
        number: u64,
        /// When it came in.
        when: Timestamp,
    },
    /// Bundles before this one are missing.
    Gap {
        /// The first that is missing.
        from: u64,
        /// The last that is missing.
        to: u64,
    },
    /// Another bundle has this number, or its predecessor is another one.
    Forked(u64),
    /// Officers have begun the channel anew on one side only.
    Series {
        /// The series that is expected.
        expected: u64,
        /// The series of the bundle.
        found: u64,
    },
    /// It came too late.
    Expired(Timestamp),
    /// It is from the future.
    NotYet(Timestamp),
    /// The sender's log is not the one that was seen before.
    LogForked,
    /// The sender's checkpoint is not signed by its log.
    Witness,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds; what was found.
    Holds(String),
    /// It does not.
    Fails(Refusal),
    /// It cannot be made here.
    Open,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

/// The receiving end of a channel, as the receiver's own log has it.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The series that officers agreed on.
    pub series: u64,
    /// What came in, with the time, in the order of the log.
    pub imported: Vec<(Link, Timestamp)>,
    /// The checkpoint of the sender's log that was signed last.
    pub witnessed: Option<Checkpoint>,
}

impl Ledger {
    /// The newest bundle of the series.
    pub fn last(&self) -> Option<&Link> {
        let links = self.imported.iter().map(|(link, _)| link);
        links.filter(|link| link.series == self.series).max_by_key(|link| link.number)
    }

    /// Whether this bundle is the next one.
    fn judge(&self, link: &Link, previous: Option<Digest>) -> Result<String, Refusal> {
        if link.series != self.series {
            return Err(Refusal::Series { expected: self.series, found: link.series });
        }
        let known = self.imported.iter().find(|(known, _)| known == link);
        if let Some((_, when)) = known {
            return Err(Refusal::Replayed { number: link.number, when: *when });
        }
        // A number or an id that is taken is another bundle's.
        if self.imported.iter().any(|(known, _)| known.bundle == link.bundle) {
            return Err(Refusal::Forked(link.number));
        }
        let last = self.last();
        let next = last.map_or(0, |last| last.number).saturating_add(1);
        if link.number < next {
            return Err(Refusal::Forked(link.number));
        }
        if link.number > next {
            return Err(Refusal::Gap { from: next, to: link.number - 1 });
        }
        if previous == last.map(Link::digest) {
            Ok(link.number.to_string())
        } else {
            Err(Refusal::Forked(link.number))
        }
    }
}

/// The receiving vault, as far as it matters.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The vault.
    pub vault: VaultId,
    /// Its zone.
    pub zone: Zone,
    /// The digests of its transfer keys, of every generation.
    pub keys: Vec<Digest>,
    /// Its end of the channel.
    pub ledger: Ledger,
    /// The later of the clock and the newest entry of its own log.
    pub now: Timestamp,
}

/// What there is to judge.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The manifest with its signatures.
    pub note: &'a SignedNote,
    /// The files that it names besides volumes, those that could be read.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// Every name in the folder.
    pub names: &'a [String],
}

/// The judgement.
#[derive(Debug)]
pub struct Judged {
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// The sender as it is after the notes that came along.
    pub sender: Option<Known>,
    /// Who signed the manifest.
    pub signer: Option<MemberId>,
    /// The consents that came along, for the decision about classes.
    pub consents: Vec<Consent>,
    /// The sender's checkpoint, where it may be signed.
    pub witness: Option<Checkpoint>,
}

impl Judged {
    /// The first check that failed.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.checks.iter().find_map(|check| match &check.outcome {
            Outcome::Fails(refusal) => Some(refusal),
            _ => None,
        })
    }

    fn put(&mut self, name: &'static str, found: Result<String, Refusal>) {
        let outcome = found.map_or_else(Outcome::Fails, Outcome::Holds);
        self.checks.push(Check { name, outcome });
    }

    fn leave_open(&mut self, name: &'static str) {
        self.checks.push(Check { name, outcome: Outcome::Open });
    }
}

/// Judges. Without `sender` or `receiver` what takes them stays open.
pub fn judge(
    manifest: &Manifest,
    evidence: &Evidence<'_>,
    sender: Option<&Known>,
    receiver: Option<&Receiver>,
) -> Judged {
    let mut judged =
        Judged { checks: Vec::new(), sender: None, signer: None, consents: Vec::new(), witness: None };
    let core = &manifest.core;
    match receiver {
        Some(receiver) if receiver.vault != core.receiver => {
            judged.put("receiver", Err(Refusal::WrongReceiver(core.receiver)));
        }
        Some(receiver) if !receiver.keys.contains(&core.receiver_key) => {
            judged.put("receiver", Err(Refusal::ReceiverKey));
        }
        Some(_) => judged.put("receiver", Ok(core.receiver.to_string())),
        None => judged.leave_open("receiver"),
    }
    let Some(sender) = sender else {
        for name in ["sender", "signature", "approvals", "witness"] {
            judged.leave_open(name);
        }
        judge_place(manifest, evidence, None, receiver, &mut judged);
        return judged;
    };
    match chain(manifest, evidence, sender) {
        Ok(after) => {
            judged.put("sender", Ok(after.roster().name.clone()));
            judge_people(manifest, evidence, &after, &mut judged);
            judge_place(manifest, evidence, Some(&after), receiver, &mut judged);
            judge_witness(evidence, &after, receiver, &mut judged);
            judged.sender = Some(after);
        }
        Err(refusal) => judged.put("sender", Err(refusal)),
    }
    judged
}

/// The sender with the notes that came along.
fn chain(manifest: &Manifest, evidence: &Evidence<'_>, known: &Known) -> Result<Known, Refusal> {
    let numbered = |prefix: &str| {
        let files = evidence.files.iter().filter_map(move |(name, bytes)| {
            let number = name.strip_prefix(prefix)?.parse::<u64>().ok()?;
            Some((number, bytes.clone()))
        });
        files.collect::<BTreeMap<u64, Vec<u8>>>()
    };
    let rosters: Vec<(u64, Vec<u8>)> = numbered("roster-").into_iter().collect();
    let resumes: Vec<(u64, Vec<u8>)> = numbered("resume-").into_iter().collect();
    let policy = evidence.files.get("policy").map(Vec::as_slice);
    let hand_overs: Vec<(u64, Vec<u8>)> = numbered("log-key-").into_iter().collect();
    let after = known.after(&rosters, policy, &resumes).map_err(Refusal::Chain)?;
    let after = after.handed_over(&hand_overs).map_err(Refusal::Chain)?;
    let named = after.digest_of(manifest.attempt.roster);
    if named == Some(manifest.attempt.roster_digest) { Ok(after) } else { Err(Refusal::Roster) }
}

/// Who signed, and whether enough others consented.
fn judge_people(manifest: &Manifest, evidence: &Evidence<'_>, sender: &Known, judged: &mut Judged) {
    let signed = match sender.signed(evidence.note) {
        Ok((_, signer)) => may_send(manifest, sender, signer).inspect(|_| judged.signer = Some(signer)),
        Err(_) => Err(Refusal::Signature),
    };
    judged.put("signature", signed);
    let Some(signer) = judged.signer else {
        judged.leave_open("approvals");
        return;
    };
    let found = approvals(manifest, evidence, sender, signer).map(|(consents, told)| {
        judged.consents = consents;
        told
    });
    judged.put("approvals", found);
}

fn may_send(manifest: &Manifest, sender: &Known, signer: MemberId) -> Result<String, Refusal> {
    let member = standing(sender.roster(), signer, manifest.attempt.issued);
    let member = member.map_err(|_| Refusal::Sender(signer))?;
    if matches!(member.role, Role::Officer | Role::Clerk | Role::Courier) {
        Ok(member.name.clone())
    } else {
        Err(Refusal::Sender(signer))
    }
}

/// The request is the signer's own and about this very bundle, and enough others consented to it.
fn approvals(
    manifest: &Manifest,
    evidence: &Evidence<'_>,
    sender: &Known,
    signer: MemberId,
) -> Result<(Vec<Consent>, String), Refusal> {
    let core = &manifest.core;
    let request = evidence.files.get("request").ok_or_else(|| Refusal::Missing("request".to_owned()))?;
    let (ask, digest) =
        Ask::verify(request, sender.vault(), sender.roster()).map_err(|_| Refusal::Request)?;
    let export = ask.export.ok_or(Refusal::Request)?;
    let same = (export.bundle, export.receiver, export.inner)
        == (core.link.bundle, core.receiver, core.link.inner)
        && digest == core.request
        && ask.requester == signer
        && (ask.created..ask.until).contains(&core.created);
    if !same {
        return Err(Refusal::Request);
    }
    let notes = evidence.files.iter().filter(|(name, _)| name.starts_with("approval-"));
    let consents: Vec<Consent> = notes
        .filter_map(|(_, note)| Approval::verify(note, &ask, digest, sender.roster()).ok())
        // What was given in time counts, however long the bundle is on its way.
        .filter_map(|approval| approval.consent(core.created))
        .collect();
    let rules = sender_rules(sender, core.created);
    let (given, released) = consents_given(&rules, signer, &consents);
    let missing = core.releaser && !released;
    if given < core.approvals || missing {
        let needed = core.approvals;
        return Err(Refusal::Approvals { needed, given: given.min(needed), releaser: missing });
    }
    Ok((consents, format!("{given}/{}", core.approvals)))
}

/// The rules of the sending vault, as its people had to keep them.
pub fn sender_rules(sender: &Known, now: Timestamp) -> Rules<'_> {
    Rules { roster: sender.roster(), policy: sender.policy(), machine: Machine::Apart, now }
}

/// Where it comes from and goes to, when, in which order, and what lies beside it.
fn judge_place(
    manifest: &Manifest,
    evidence: &Evidence<'_>,
    sender: Option<&Known>,
    receiver: Option<&Receiver>,
    judged: &mut Judged,
) {
    let core = &manifest.core;
    let from = sender.is_none_or(|sender| sender.roster().zone == core.from);
    let to = receiver.is_none_or(|receiver| receiver.zone == core.to);
    let direction =
        if from && to { Ok(format!("{} → {}", core.from, core.to)) } else { Err(Refusal::Direction) };
    judged.put("direction", direction);
    match receiver {
        Some(receiver) => {
            judged.put("channel", receiver.ledger.judge(&core.link, core.previous));
            judged.put("time", time(manifest, receiver.now));
        }
        None => {
            judged.leave_open("channel");
            judged.leave_open("time");
        }
    }
    judged.put("files", files(manifest, evidence));
    judged.put("undeclared", undeclared(manifest, evidence.names));
}

fn time(manifest: &Manifest, now: Timestamp) -> Result<String, Refusal> {
    let latest = Timestamp::from_unix_ms(now.unix_ms().saturating_add(AHEAD_MS));
    if manifest.attempt.issued > latest {
        return Err(Refusal::NotYet(manifest.attempt.issued));
    }
    if now >= manifest.attempt.not_after {
        return Err(Refusal::Expired(manifest.attempt.not_after));
    }
    Ok(manifest.attempt.not_after.to_string())
}

/// Every file that is named is there and is that file.
fn files(manifest: &Manifest, evidence: &Evidence<'_>) -> Result<String, Refusal> {
    let lines = manifest.attempt.files.iter().chain(&manifest.slips);
    let mut count = 0;
    for line in lines {
        let bytes = evidence.files.get(&line.name).ok_or_else(|| Refusal::Missing(line.name.clone()))?;
        if bytes.len() as u64 != line.len || Digest::of(bytes) != line.sha256 {
            return Err(Refusal::File(line.name.clone()));
        }
        count += 1;
    }
    let shards = manifest.file("shards").is_some_and(|line| line.sha256 == manifest.core.shards);
    if shards { Ok(format!("{count}")) } else { Err(Refusal::File("shards".to_owned())) }
}

/// Nothing lies there that the manifest does not name, but for what the receiver itself writes.
fn undeclared(manifest: &Manifest, names: &[String]) -> Result<String, Refusal> {
    let plan = manifest.core.plan;
    let mut seen = BTreeSet::new();
    for name in names {
        // Of two names that differ in case only, one is nobody's, and who opens the folder by hand may open that one.
        if !seen.insert(name) {
            return Err(Refusal::Undeclared(name.clone()));
        }
        let slice = name.parse().ok().and_then(|slice| plan.index_of(slice));
        let here = slice.is_some_and(|index| manifest.slices.contains(index + 1));
        let named = here
            || name == MANIFEST_NAME
            || is_answer(name)
            || SLIP_NAMES.contains(&name.as_str())
            || manifest.file(name).is_some();
        if !named {
            return Err(Refusal::Undeclared(name.clone()));
        }
    }
    Ok(names.len().to_string())
}

fn judge_witness(evidence: &Evidence<'_>, sender: &Known, receiver: Option<&Receiver>, judged: &mut Judged) {
    let Some(bytes) = evidence.files.get("witness-request") else {
        judged.leave_open("witness");
        return;
    };
    let last = receiver.and_then(|receiver| receiver.ledger.witnessed.as_ref());
    match WitnessRequest::parse(bytes).and_then(|request| request.judge(sender, last)) {
        Some(Found::Grown(checkpoint)) => {
            judged.put("witness", Ok(checkpoint.size().to_string()));
            judged.witness = Some(checkpoint);
        }
        Some(Found::Unknown) => judged.leave_open("witness"),
        Some(Found::Forked(_)) => judged.put("witness", Err(Refusal::LogForked)),
        None => judged.put("witness", Err(Refusal::Witness)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scene::{
        AUDITOR, CLERK, HOST, OFFICER, OTHER, Sent, approval, ask, at, checkpoint, key, known, proof, sent,
        signed,
    };
    use super::*;
    use crate::id::BundleId;
    use crate::policy::Part;

    fn receiver() -> Receiver {
        let ledger = Ledger { series: 1, ..Ledger::default() };
        let keys = vec![Digest([3; 32]), Digest([4; 32])];
        Receiver { vault: VaultId([6; 32]), zone: Zone::Isolated, keys, ledger, now: at(50_000) }
    }

    /// The judgement of a bundle whose manifest these people signed.
    fn judged(sent: &Sent, by: &[u8], receiver: &Receiver) -> Judged {
        let note = SignedNote::parse(&signed(&sent.manifest.print().unwrap(), by)).unwrap();
        let mut names: Vec<String> = sent.files.keys().cloned().collect();
        names.extend(["manifest", "receipt", "receipt-policy", "receipt-roster-0002"].map(str::to_owned));
        let plan = sent.manifest.core.plan;
        names.extend((0..plan.slices()).map(|slice| plan.slice(slice).unwrap().to_string()));
        let evidence = Evidence { note: &note, files: &sent.files, names: &names };
        judge(&sent.manifest, &evidence, Some(&known(1)), Some(receiver))
    }

    fn refusal(change: impl FnOnce(&mut Sent)) -> Option<Refusal> {
        let mut sent = sent();
        change(&mut sent);
        judged(&sent, &[CLERK], &receiver()).refusal().cloned()
    }

    /// Changes a file and what the manifest says of it.
    fn put(sent: &mut Sent, name: &str, bytes: Vec<u8>) {
        let lines = &mut sent.manifest.attempt.files;
        lines.retain(|line| line.name != name);
        lines.push(super::super::manifest::FileLine::of(name, &bytes));
        lines.sort_by(|one, other| one.name.cmp(&other.name));
        sent.files.insert(name.to_owned(), bytes);
    }

    fn witness(old: u64, size: u64, history: u8, by: u8) -> Vec<u8> {
        let checkpoint = checkpoint(size, history, 1).sign(&key(by), None).unwrap().print().into_bytes();
        let proof = if old == 1 && size == 2 { proof(history) } else { vec![] };
        WitnessRequest { old, proof, checkpoint }.print()
    }

    #[test]
    fn an_honest_bundle_holds_in_every_point() {
        let mut sent = sent();
        put(&mut sent, "witness-request", witness(0, 2, 7, HOST));
        let judged = judged(&sent, &[CLERK], &receiver());
        let names: Vec<&str> = judged.checks.iter().map(|check| check.name).collect();
        let all = [
            "receiver",
            "sender",
            "signature",
            "approvals",
            "direction",
            "channel",
            "time",
            "files",
            "undeclared",
            "witness",
        ];
        assert_eq!(names, all);
        assert!(judged.checks.iter().all(|check| matches!(check.outcome, Outcome::Holds(_))), "{judged:?}");
        assert_eq!(judged.sender.unwrap().roster().version, 2);
        assert_eq!((judged.consents.len(), judged.witness), (1, Some(checkpoint(2, 7, 1))));
    }

    #[test]
    fn without_the_vaults_what_takes_them_stays_open() {
        let sent = sent();
        let note = SignedNote::parse(&signed(&sent.manifest.print().unwrap(), &[CLERK])).unwrap();
        let evidence = Evidence { note: &note, files: &sent.files, names: &[] };
        let open = |sender: Option<&Known>, receiver: Option<&Receiver>| {
            let judged = judge(&sent.manifest, &evidence, sender, receiver);
            assert_eq!(judged.refusal(), None);
            let open = judged.checks.iter().filter(|check| check.outcome == Outcome::Open);
            open.map(|check| check.name).collect::<Vec<_>>()
        };
        let nobody = ["receiver", "sender", "signature", "approvals", "witness", "channel", "time"];
        assert_eq!(open(None, None), nobody);
        assert_eq!(open(Some(&known(1)), None), ["receiver", "channel", "time", "witness"]);
        assert_eq!(open(None, Some(&receiver())), ["sender", "signature", "approvals", "witness"]);
    }

    #[test]
    fn who_signed_decides() {
        let refusal = |by: &[u8]| judged(&sent(), by, &receiver()).refusal().cloned();
        assert_eq!(refusal(&[CLERK]), None);
        assert_eq!(refusal(&[77]), Some(Refusal::Signature));
        assert_eq!(refusal(&[CLERK, OFFICER]), Some(Refusal::Signature));
        // A stranger's line beside a member's is passed over.
        assert_eq!(refusal(&[CLERK, 77]), None);
        assert_eq!(refusal(&[OFFICER]), Some(Refusal::Request));
        assert!(matches!(refusal(&[AUDITOR]), Some(Refusal::Sender(_))));
    }

    #[test]
    fn approvals_are_counted_by_people_and_for_this_request() {
        let with = |approvals: u32, releaser: bool, notes: &[Vec<u8>]| {
            refusal(|sent| {
                sent.manifest.attempt.files.retain(|line| !line.name.starts_with("approval-"));
                sent.files.retain(|name, _| !name.starts_with("approval-"));
                for (at, note) in notes.iter().enumerate() {
                    put(sent, &format!("approval-{:04}", at + 1), note.clone());
                }
                (sent.manifest.core.approvals, sent.manifest.core.releaser) = (approvals, releaser);
            })
        };
        let (one, two) = (approval(OFFICER, Part::Approver), approval(OTHER, Part::Approver));
        let release = approval(OTHER, Part::Releaser);
        assert_eq!(with(0, false, &[]), None);
        assert_eq!(with(2, false, &[one.clone(), two.clone()]), None);
        assert_eq!(with(1, true, &[one.clone(), release.clone()]), None);
        let lacks = |found| matches!(found, Some(Refusal::Approvals { .. }));
        assert!(lacks(with(1, false, &[])));
        assert!(lacks(with(2, false, &[one.clone(), one.clone()])));
        assert!(lacks(with(2, false, &[one.clone(), release.clone()])));
        assert!(lacks(with(1, true, &[one.clone(), two])));
        assert!(lacks(with(1, true, &[one.clone(), approval(OFFICER, Part::Releaser)])));
        assert!(lacks(with(1, true, &[approval(OTHER, Part::Approver), release])));
        assert!(lacks(with(1, false, &[approval(CLERK, Part::Approver)])));
        assert!(lacks(with(1, false, &[approval(77, Part::Approver)])));
        assert!(lacks(with(1, false, &[b"junk".to_vec()])));
    }

    #[test]
    fn every_point_has_its_refusal() {
        let core =
            |change: fn(&mut super::super::manifest::Core)| refusal(|sent| change(&mut sent.manifest.core));
        assert_eq!(
            core(|core| core.receiver = VaultId([1; 32])),
            Some(Refusal::WrongReceiver(VaultId([1; 32])))
        );
        assert_eq!(core(|core| core.receiver_key = Digest([1; 32])), Some(Refusal::ReceiverKey));
        assert_eq!(core(|core| core.from = Zone::Isolated), Some(Refusal::Direction));
        assert_eq!(core(|core| core.to = Zone::Networked), Some(Refusal::Direction));
        assert_eq!(core(|core| core.link.bundle = BundleId([1; 16])), Some(Refusal::Request));
        assert_eq!(core(|core| core.link.inner = Digest([1; 32])), Some(Refusal::Request));
        assert_eq!(core(|core| core.request = Digest([1; 32])), Some(Refusal::Request));
        assert_eq!(core(|core| core.created = at(999)), Some(Refusal::Request));
        assert_eq!(core(|core| core.link.series = 2), Some(Refusal::Series { expected: 1, found: 2 }));
        assert_eq!(core(|core| core.shards = Digest([1; 32])), Some(Refusal::File("shards".to_owned())));
        let missing = refusal(|sent| drop(sent.files.remove("request")));
        assert_eq!(missing, Some(Refusal::Missing("request".to_owned())));
        let missing = refusal(|sent| drop(sent.files.remove("SLIP.txt")));
        assert_eq!(missing, Some(Refusal::Missing("SLIP.txt".to_owned())));
        let other = refusal(|sent| drop(sent.files.insert("SLIP.txt".to_owned(), b"SLIP.tXt".to_vec())));
        assert_eq!(other, Some(Refusal::File("SLIP.txt".to_owned())));
        let chain = refusal(|sent| put(sent, "roster-0002", b"x".to_vec()));
        assert_eq!(chain, Some(Refusal::Chain(BadChain::Roster)));
        let chain = refusal(|sent| put(sent, "policy", b"x".to_vec()));
        assert_eq!(chain, Some(Refusal::Chain(BadChain::Policy)));
        let roster = refusal(|sent| sent.manifest.attempt.roster = 3);
        assert_eq!(roster, Some(Refusal::Roster));
        let roster = refusal(|sent| sent.manifest.attempt.roster_digest = Digest([1; 32]));
        assert_eq!(roster, Some(Refusal::Roster));
        let until = refusal(|sent| {
            let mut ask = ask();
            ask.until = at(1_500);
            let note = signed(&ask.print().unwrap(), &[CLERK]);
            sent.manifest.core.request = SignedNote::parse(&note).unwrap().digest();
            put(sent, "request", note);
        });
        assert_eq!(until, Some(Refusal::Request), "made when the request was over");
    }

    #[test]
    fn time_is_judged_by_the_receivers_own() {
        let with = |now| {
            let receiver = Receiver { now: at(now), ..receiver() };
            judged(&sent(), &[CLERK], &receiver).refusal().cloned()
        };
        assert_eq!(with(99_999), None);
        assert_eq!(with(100_000), Some(Refusal::Expired(at(100_000))));
        assert_eq!(with(3_000 - AHEAD_MS), None);
        assert_eq!(with(2_999 - AHEAD_MS), Some(Refusal::NotYet(at(3_000))));
        assert_eq!(with(i64::MIN), Some(Refusal::NotYet(at(3_000))));
        assert_eq!(with(i64::MAX), Some(Refusal::Expired(at(100_000))));
    }

    #[test]
    fn names_that_nobody_signed_for_are_refused() {
        let manifest = sent().manifest;
        let with = |name: &str| undeclared(&manifest, &["shards".to_owned(), name.to_owned()]);
        for good in
            ["manifest", "SLIP.txt", "v0010", "p0001", "receipt", "receipt-policy", "receipt-roster-0012"]
        {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in
            ["", "x", "v0011", "p0002", "v001", "receipt-", "receipt-x", "receipt-roster-12", "roster-0001"]
        {
            assert_eq!(with(bad), Err(Refusal::Undeclared(bad.to_owned())));
        }
        assert_eq!(with("shards"), Err(Refusal::Undeclared("shards".to_owned())), "twice");
    }

    #[test]
    fn the_senders_log_only_grows() {
        let with = |last: Option<u64>, request: Vec<u8>| {
            let mut sent = sent();
            put(&mut sent, "witness-request", request);
            let mut receiver = receiver();
            receiver.ledger.witnessed = last.map(|size| checkpoint(size, 7, 1));
            let judged = judged(&sent, &[CLERK], &receiver);
            judged.refusal().cloned().map_or(Ok(judged.witness.map(|seen| seen.size())), Err)
        };
        assert_eq!(with(None, witness(0, 2, 7, HOST)), Ok(Some(2)));
        assert_eq!(with(Some(1), witness(1, 2, 7, HOST)), Ok(Some(2)));
        assert_eq!(with(Some(2), witness(0, 2, 7, HOST)), Ok(Some(2)));
        assert_eq!(with(Some(2), witness(0, 2, 8, HOST)), Err(Refusal::LogForked));
        assert_eq!(with(Some(1), witness(0, 2, 8, HOST)), Ok(None));
        assert_eq!(with(None, witness(0, 2, 7, CLERK)), Err(Refusal::Witness));
        assert_eq!(with(None, b"junk".to_vec()), Err(Refusal::Witness));
    }

    fn link(series: u64, number: u64, id: u8) -> Link {
        Link { series, number, bundle: BundleId([id; 16]), inner: Digest([id; 32]) }
    }

    #[test]
    fn a_ledger_takes_the_next_one_and_nothing_else() {
        let imported = vec![(link(1, 1, 1), at(1)), (link(1, 2, 2), at(2)), (link(2, 1, 3), at(3))];
        let ledger = Ledger { series: 2, imported, witnessed: None };
        let after = Some(link(2, 1, 3).digest());
        assert_eq!(ledger.judge(&link(2, 2, 4), after), Ok("2".to_owned()));
        assert_eq!(ledger.judge(&link(2, 2, 4), None), Err(Refusal::Forked(2)));
        assert_eq!(ledger.judge(&link(2, 2, 4), Some(link(1, 2, 2).digest())), Err(Refusal::Forked(2)));
        assert_eq!(ledger.judge(&link(2, 1, 3), None), Err(Refusal::Replayed { number: 1, when: at(3) }));
        assert_eq!(ledger.judge(&link(2, 1, 4), None), Err(Refusal::Forked(1)));
        assert_eq!(
            ledger.judge(&link(2, 2, 1), after),
            Err(Refusal::Forked(2)),
            "an id of the series before"
        );
        assert_eq!(ledger.judge(&link(2, 4, 4), after), Err(Refusal::Gap { from: 2, to: 3 }));
        let far = Err(Refusal::Gap { from: 2, to: u64::MAX - 1 });
        assert_eq!(ledger.judge(&link(2, u64::MAX, 4), after), far);
        assert_eq!(ledger.judge(&link(1, 1, 1), None), Err(Refusal::Series { expected: 2, found: 1 }));
        assert_eq!(ledger.judge(&link(3, 1, 4), None), Err(Refusal::Series { expected: 2, found: 3 }));
        let full = Ledger { series: 1, imported: vec![(link(1, u64::MAX, 1), at(1))], witnessed: None };
        let next = full.judge(&link(1, u64::MAX, 2), Some(link(1, u64::MAX, 1).digest()));
        assert_eq!(next, Ok(u64::MAX.to_string()), "no panic; the manifest's own limit is far below");
    }

    proptest! {
        /// Bundles in any order, some of them twice: what comes in is 1, 2, 3 … and nothing twice.
        #[test]
        fn whatever_the_order_numbers_come_in_one_after_another(order in prop::collection::vec(1..=6_u64, 0..40)) {
            let mut ledger = Ledger { series: 1, ..Ledger::default() };
            for number in order {
                let next = ledger.imported.len() as u64 + 1;
                let previous = (number > 1).then(|| link(1, number - 1, number as u8 - 1).digest());
                let found = ledger.judge(&link(1, number, number as u8), previous);
                prop_assert_eq!(found.is_ok(), number == next);
                if found.is_ok() {
                    ledger.imported.push((link(1, number, number as u8), at(0)));
                }
            }
        }
    }
}

use std::path::Path;

use gapvault::audit::Quorum;
use gapvault::bundle::WitnessRequest;
use gapvault::crypto::SigningKey;
use gapvault::evidence::proofs::Which;
use gapvault::evidence::witness::{CosignReport, cosign};
use gapvault::evidence::{Evidence, Trust, VerifyWish};
use gapvault::log::cosignature::WitnessKey;
use gapvault::note::VerifierKey;
use gapvault::time::Timestamp;
use gapvault::vault::{AuditVerify, Code, Error, NoProgress};

use super::{Exported, codes};

const NOW: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(seconds * 1000)
}

fn signed(
    memory: &Path,
    request: &[u8],
    told: &[VerifierKey],
    key: &SigningKey,
) -> Result<CosignReport, Error> {
    cosign(memory, request, told, None, key, at(NOW))
}

#[test]
fn an_auditor_signs_what_only_grew_and_the_vault_takes_it() {
    let exported = Exported::new();
    let (vault, keys) = (exported.office.place.vault(), exported.keys());
    let memory = exported.office.place.path("memory");
    let ada = exported.ada.signing();
    let witness = WitnessKey::of_member(ada.public());
    let ask = || vault.audit_request_cosign(Which::Newest, Some(&witness), None).unwrap();

    // The first time the log has to be told, and then it is remembered.
    let first = ask();
    let code = |result: Result<CosignReport, Error>| result.unwrap_err().code();
    assert_eq!(code(signed(&memory, &first, &[], ada)), Code::UnverifiableLog);
    let report = signed(&memory, &first, &keys, ada).unwrap();
    assert_eq!((report.old_size, report.witness.parse()), (0, Ok(witness.clone())));
    let taken = vault.audit_import_cosign(report.note.as_bytes(), &[]).unwrap();
    assert_eq!((taken.size, taken.witnesses), (report.size, vec![witness.name().to_owned()]));
    // Once more at the same size does no harm.
    assert_eq!(signed(&memory, &first, &[], ada).unwrap().size, report.size);

    exported.grow();
    let second = ask();
    assert_eq!(WitnessRequest::parse(&second).unwrap().old, report.size, "it begins where the witness was");
    let later = signed(&memory, &second, &[], ada).unwrap();
    assert_eq!((later.old_size, later.size > report.size), (report.size, true));
    // The older request comes again: it does not begin at what was signed last.
    assert_eq!(code(signed(&memory, &first, &[], ada)), Code::WitnessSize);
    // A proof that does not hold is a fork, and is not forgotten over.
    let mut forged = WitnessRequest::parse(&second).unwrap();
    exported.grow();
    forged.checkpoint = vault.audit_checkpoint().unwrap().note.into_bytes();
    forged.old = later.size;
    assert_eq!(code(signed(&memory, &forged.print(), &[], ada)), Code::Forked);
    assert_eq!(code(signed(&memory, b"junk", &[], ada)), Code::NotAWitnessRequest);
    let third = vault.audit_request_cosign(Which::Newest, None, Some(later.size)).unwrap();
    assert!(signed(&memory, &third, &[], ada).is_ok());

    // What was brought back counts in the vault and in the evidence.
    vault.audit_import_cosign(later.note.as_bytes(), &[]).unwrap();
    let own = vault.audit_verify_by(&AuditVerify::default(), &NoProgress).unwrap();
    assert_eq!((own.verdict.as_str(), own.witnessed_size), ("ok", later.size));
    assert_eq!(own.logs[0].witnesses[0].seconds, NOW as u64);
    let strict = AuditVerify { strict: true, ..AuditVerify::default() };
    assert_eq!(codes(vault.audit_verify_by(&strict, &NoProgress)), [Code::StaleWitness]);
    let folder = exported.export("witnessed");
    let outside = super::verify(&folder, exported.vault).unwrap();
    assert_eq!((outside.verdict.as_str(), outside.witnessed_size), ("ok", later.size));
    // An entry before that is proven with its witness.
    let policy = Quorum::parse(format!("witness ada {witness}\nquorum ada\n").as_bytes()).unwrap();
    let by = |policy: &Quorum, strict: bool, age: Option<u64>| {
        let trust = Trust { vault: Some(exported.vault), policy: Some(policy.clone()) };
        let max_age = age.map(|age| (age, NOW as u64 + 100));
        let wish = VerifyWish { trust, strict, max_age, ..VerifyWish::default() };
        codes(Evidence::open(&folder).unwrap().verify(&mut { wish }))
    };
    assert_eq!(by(&policy, false, Some(100)), []);
    assert_eq!(by(&policy, false, Some(99)), [Code::StaleWitness]);
    assert_eq!(by(&policy, true, None), [Code::StaleWitness]);
    let other = WitnessKey::of_member(SigningKey::from_seed([9; 32]).public());
    let both = format!("witness ada {witness}\nwitness bo {other}\ngroup both all ada bo\nquorum both\n");
    assert_eq!(by(&Quorum::parse(both.as_bytes()).unwrap(), false, None), [Code::StaleWitness]);
}

#[test]
fn a_strangers_or_a_forged_signature_is_not_taken() {
    let exported = Exported::new();
    let (vault, keys) = (exported.office.place.vault(), exported.keys());
    let stranger = SigningKey::from_seed([9; 32]);
    let request = vault.audit_request_cosign(Which::Newest, None, None).unwrap();
    let memory = exported.office.place.path("memory");
    let note = signed(&memory, &request, &keys, &stranger).unwrap().note;
    let refused = |note: &str, named: &[WitnessKey]| {
        vault.audit_import_cosign(note.as_bytes(), named).unwrap_err().code()
    };
    assert_eq!(refused(&note, &[]), Code::UnverifiableWitness);
    let named = [WitnessKey::of_member(stranger.public())];
    assert!(vault.audit_import_cosign(note.as_bytes(), &named).is_ok());
    let mut lines: Vec<String> = note.lines().map(str::to_owned).collect();
    let last = lines.last_mut().unwrap();
    let at = last.len() - 20;
    let other = if last.as_bytes()[at] == b'A' { "B" } else { "A" };
    last.replace_range(at..=at, other);
    let forged = format!("{}\n", lines.join("\n"));
    assert_eq!(refused(&forged, &named), Code::TamperedCheckpoint);
    assert_eq!(refused("junk", &named), Code::NotACheckpoint);
    // Of another vault's log.
    let other = Exported::new();
    let request = other.office.place.vault().audit_request_cosign(Which::Newest, None, None).unwrap();
    let note = signed(&memory, &request, &other.keys(), &stranger).unwrap().note;
    assert_eq!(refused(&note, &named), Code::UnverifiableLog);
}

#[test]
fn two_people_at_once_sign_one_history() {
    let exported = Exported::new();
    let (vault, keys) = (exported.office.place.vault(), exported.keys());
    let memory = exported.office.place.path("memory");
    let key = SigningKey::from_seed([9; 32]);
    let request = vault.audit_request_cosign(Which::Newest, None, None).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| signed(&memory, &request, &keys, &key).unwrap());
        }
    });
    // A memory that was damaged signs nothing.
    let file = std::fs::read_dir(&memory).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_none()).unwrap();
    std::fs::write(&file, b"junk").unwrap();
    assert_eq!(signed(&memory, &request, &keys, &key).unwrap_err().code(), Code::DamagedState);
}

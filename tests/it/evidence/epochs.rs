//! A vault that went on after a loss has a log for each epoch: auditors ask each of them.

use gapvault::audit::sample::Seed;
use gapvault::evidence::proofs::{self, LogSource, Which};
use gapvault::evidence::sample::{Wish, sample};
use gapvault::evidence::witness::cosign;
use gapvault::evidence::{AuditVerify, Evidence, Trust};
use gapvault::log::cosignature::WitnessKey;
use gapvault::vault::{Code, NoProgress, Vault};

use super::{Exported, codes, verify};

/// The vault goes on in a second epoch, on another machine.
fn resumed(exported: &Exported) -> Vault {
    let place = &exported.office.place;
    let vault = Vault::at(crate::verbs::site_with(&place.path("state2")), &place.path("v")).unwrap();
    vault.host_resume(&place.founder, "主機毀損", &mut |_| Ok(())).unwrap();
    vault
}

/// The checkpoint of a log, proofs of its entries, and what is drawn from it.
fn asked(log: &dyn LogSource) -> (Vec<u8>, Vec<Vec<u8>>, Vec<u64>) {
    let checkpoint = log.checkpoint().unwrap();
    let seed: Seed = "dice: 2 7 1 8".parse().unwrap();
    let wish = Wish { checkpoint: Some(&checkpoint), seed: &seed, count: 3 };
    let drawn = sample(log, &wish).unwrap().entries;
    for entry in &drawn {
        proofs::check_proof(entry.proof.as_bytes(), None, &log.keys(), None).unwrap();
    }
    let proven = (0..2).map(|seq| proofs::prove(log, seq).unwrap().print()).collect();
    (checkpoint, proven, drawn.iter().map(|entry| entry.index).collect())
}

#[test]
fn every_epoch_is_asked_at_the_vault_and_in_evidence_alike() {
    let exported = Exported::new();
    let before = exported.office.place.vault().audit_checkpoint().unwrap().note.into_bytes();
    exported.grow();
    let vault = resumed(&exported);
    let folder = exported.office.place.path("second");
    vault.audit_export(&folder, &NoProgress).unwrap();
    assert_eq!(codes(verify(&folder, exported.vault)), []);
    let evidence = Evidence::open(&folder).unwrap();
    let trust = Trust { vault: Some(exported.vault), policy: None };
    let of = |epoch| evidence.log(epoch, trust.log_keys(evidence.known(), &evidence.origin(epoch)));
    let own = |which| vault.audit_log(which).unwrap();
    let answers = [1, 2].map(|epoch| asked(&own(Which::Epoch(epoch))));
    for (epoch, answer) in (1..).zip(&answers) {
        assert_eq!(&asked(&of(epoch)), answer);
        assert_eq!(&asked(&own(Which::OfCheckpoint(&answer.0))), answer, "a checkpoint names its log");
        assert_eq!(
            proofs::consistency(&own(Which::OfCheckpoint(&answer.0)), &answer.0).unwrap().verdict,
            "same"
        );
    }
    assert_ne!(answers[0].0, answers[1].0);
    assert_eq!(asked(&own(Which::Newest)), answers[1]);
    let grown = proofs::consistency(&own(Which::OfCheckpoint(&before)), &before).unwrap();
    assert_eq!(grown.verdict, "grown");
    // What one log says proves nothing in the other.
    let code = proofs::consistency(&own(Which::Epoch(2)), &before).unwrap_err().code();
    assert_eq!(code, Code::UnverifiableLog);
    for epoch in [0, 3, u64::MAX] {
        assert_eq!(vault.audit_log(Which::Epoch(epoch)).map(|_| ()).unwrap_err().code(), Code::NoEpoch);
    }
    let newest = |note: &[u8]| Which::OfCheckpoint(note).epoch(&exported.vault, 2).unwrap();
    assert_eq!((newest(b"junk"), newest(&before)), (2, 1));
}

#[test]
fn a_witness_signs_what_an_epoch_ended_with() {
    let exported = Exported::new();
    let keys = exported.keys();
    let vault = resumed(&exported);
    let ada = exported.ada.signing();
    let witness = WitnessKey::of_member(ada.public());
    let request = vault.audit_request_cosign(Which::Epoch(1), Some(&witness), None).unwrap();
    let memory = exported.office.place.path("memory");
    let now = gapvault::time::Timestamp::from_unix_ms(1_800_000_000_000);
    let signed = cosign(&memory, &request, &keys, None, ada, now).unwrap();
    let taken = vault.audit_import_cosign(signed.note.as_bytes(), &[]).unwrap();
    assert_eq!((taken.origin.ends_with("/1"), taken.size), (true, signed.size));
    let report = vault.audit_verify_by(&AuditVerify::default(), &NoProgress).unwrap();
    let witnessed: Vec<usize> = report.logs.iter().map(|log| log.witnesses.len()).collect();
    assert_eq!((report.verdict.as_str(), witnessed), ("ok", vec![1, 0]));
}

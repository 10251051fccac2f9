//! The vault at hand, as a log that auditors ask.

use gapvault::answer::Progress;
use gapvault::audit::{Answer, People, Question};
use gapvault::evidence::proofs::CompareReport;
use gapvault::evidence::sample::{Sample, Wish};
use gapvault::evidence::{AuditVerify, AuditVerifyReport, CheckpointReport};
use gapvault::fault::Error;
use gapvault::id::VaultId;
use gapvault::log::cosignature::WitnessKey;
use gapvault::log::entry::Entry;
use gapvault::log::keys::LogKey;
use gapvault::log::proof::EntryProof;
use gapvault::roster::InForce;
use gapvault::vault::Vault;

use crate::verbs::OwnLog;

impl OwnLog for Vault {
    fn read(
        &self,
        wish: &AuditVerify,
        progress: &dyn Progress,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<(AuditVerifyReport, Vec<InForce>), Error> {
        self.audit_read_by(wish, progress, visit)
    }

    fn chain(&self) -> Result<Vec<InForce>, Error> {
        self.audit_chain()
    }

    fn keys(&self) -> Result<Vec<LogKey>, Error> {
        self.audit_keys()
    }

    fn checkpoint(&self) -> Result<CheckpointReport, Error> {
        self.audit_checkpoint()
    }

    fn prove(&self, seq: u64) -> Result<EntryProof, Error> {
        self.audit_prove(seq)
    }

    fn consistency(&self, older: &[u8]) -> Result<CompareReport, Error> {
        self.audit_consistency(older)
    }

    fn people(&self) -> Result<(VaultId, People), Error> {
        self.audit_people()
    }

    fn ask(&self, question: &Question) -> Result<Answer, Error> {
        self.audit_query(question)
    }

    fn sample(&self, wish: &Wish<'_>) -> Result<Sample, Error> {
        self.audit_sample(wish)
    }

    fn request(&self, witness: Option<&WitnessKey>, old: Option<u64>) -> Result<Vec<u8>, Error> {
        self.audit_request_cosign(witness, old)
    }
}

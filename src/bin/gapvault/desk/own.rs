//! The vault at hand, as a log that auditors ask.

use gapvault::answer::Progress;
use gapvault::audit::{Answer, People, Question};
use gapvault::evidence::proofs::{LogSource, Which};
use gapvault::evidence::{AuditVerify, AuditVerifyReport};
use gapvault::fault::Error;
use gapvault::id::VaultId;
use gapvault::log::cosignature::WitnessKey;
use gapvault::log::entry::Entry;
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

    fn epoch(&self, which: Which<'_>) -> Result<Box<dyn LogSource>, Error> {
        Ok(Box::new(self.audit_log(which)?))
    }

    fn people(&self) -> Result<(VaultId, People), Error> {
        self.audit_people()
    }

    fn ask(&self, question: &Question) -> Result<Answer, Error> {
        self.audit_query(question)
    }

    fn request(
        &self,
        which: Which<'_>,
        witness: Option<&WitnessKey>,
        old: Option<u64>,
    ) -> Result<Vec<u8>, Error> {
        self.audit_request_cosign(which, witness, old)
    }
}

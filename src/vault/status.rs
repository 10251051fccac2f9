//! Health.

use super::report::{LogStatus, StatusReport, Warning};
use super::{Error, Vault};
use crate::label::Class;
use crate::roster::Roster;

impl Vault {
    /// The vault's health. Opening it finishes what a kill left.
    ///
    /// # Errors
    /// What keeps the vault from being opened: that is the vault's health, then.
    pub fn status(&self) -> Result<StatusReport, Error> {
        let live = self.live()?;
        let roster = live.roster().roster();
        let size = live.ledger().size();
        let mut warnings = warnings(roster);
        if !live.ledger().can_write() {
            warnings.push(Warning { code: "host-not-enrolled".to_owned(), detail: String::new() });
        }
        Ok(StatusReport {
            vault: live.roster().vault(),
            name: roster.name.clone(),
            zone: roster.zone,
            documents: live.documents(),
            log: LogStatus { epoch: live.ledger().epoch(), size, signed_size: size, witnessed_size: 0 },
            pending: live.recovered().to_vec(),
            warnings,
        })
    }
}

/// What somebody should look at in a roster.
fn warnings(roster: &Roster) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if roster.officers().count() == 1 {
        let name = roster.officers().next().map(|officer| officer.name.clone()).unwrap_or_default();
        warnings.push(Warning { code: "last-officer".to_owned(), detail: name });
    }
    for class in Class::ALL {
        let readers = roster.members.iter().filter(|member| member.clearance.contains(class)).count();
        if readers == 1 {
            warnings.push(Warning { code: "single-reader".to_owned(), detail: class.to_string() });
        }
    }
    warnings
}

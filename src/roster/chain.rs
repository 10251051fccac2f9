//! From one roster to the next.

use super::{Roster, RosterError};
use crate::crypto::{Digest, PublicKey};
use crate::id::VaultId;
use crate::note::{SignedNote, Verified, VerifierKey};

/// A roster whose signatures and place in the chain were verified.
#[derive(Debug, Clone)]
pub struct InForce {
    roster: Roster,
    digest: Digest,
    vault: VaultId,
}

/// The first roster of a vault: version 1, signed by every officer it names. Its digest is the vault's id.
pub fn found(note: &[u8]) -> Result<InForce, RosterError> {
    let note = SignedNote::parse(note).map_err(|_| RosterError::Malformed)?;
    // The text has to be read before its signers are known, since it names them; it counts for nothing until
    // they have been found to have signed, and whoever holds the vault's id can tell it from any other.
    let named = Roster::parse(note.text())?;
    if named.version != 1 {
        return Err(RosterError::Chain);
    }
    let verified = verify(&note, &named)?;
    enough(&verified, &named, named.officers().count())?;
    Ok(InForce { vault: VaultId(verified.digest().0), digest: verified.digest(), roster: named })
}

impl InForce {
    /// The next roster: names this one as its predecessor and is signed by enough of this one's officers.
    pub fn succeed(&self, note: &[u8]) -> Result<Self, RosterError> {
        let note = SignedNote::parse(note).map_err(|_| RosterError::Malformed)?;
        let verified = verify(&note, &self.roster)?;
        // While fewer officers exist than the threshold asks for, all of them sign.
        let officers = self.roster.officers().count();
        let needed = usize::try_from(self.roster.officers_needed).unwrap_or(usize::MAX).min(officers);
        enough(&verified, &self.roster, needed)?;
        let roster = Roster::parse(verified.text())?;
        let follows = roster.version == self.roster.version + 1
            && roster.previous == Some(self.digest)
            && roster.vault == Some(self.vault)
            // A drop box stays one, and nothing becomes one.
            && roster.deposit_for == self.roster.deposit_for
            // A key that was there stays what it was: documents are under it.
            && self.roster.keys.iter().all(|key| roster.keys.contains(key));
        if !follows {
            return Err(RosterError::Chain);
        }
        Ok(Self { roster, digest: verified.digest(), vault: self.vault })
    }

    /// A roster whose digest was pinned by the host's own state when it was verified before.
    pub fn pinned(note: &[u8], digest: Digest, vault: VaultId) -> Result<Self, RosterError> {
        let note = SignedNote::parse(note).map_err(|_| RosterError::Malformed)?;
        if note.digest() != digest {
            return Err(RosterError::Chain);
        }
        let roster = Roster::parse(note.text())?;
        let ours = roster.vault.map_or_else(|| digest.0 == vault.0, |named| named == vault);
        if ours { Ok(Self { roster, digest, vault }) } else { Err(RosterError::Chain) }
    }

    /// What it says.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Its digest, which the next version and the log name.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The vault.
    pub fn vault(&self) -> VaultId {
        self.vault
    }
}

/// The note's text as signed by members of `by`.
fn verify(note: &SignedNote, by: &Roster) -> Result<Verified, RosterError> {
    let keys: Vec<VerifierKey> = by.members.iter().map(|member| VerifierKey::of_member(member.key)).collect();
    note.verify(&keys).map_err(|_| RosterError::Signatures)
}

/// Counts distinct officers with distinct keys, never lines.
fn enough(verified: &Verified, by: &Roster, needed: usize) -> Result<(), RosterError> {
    let mut keys: Vec<PublicKey> = by
        .officers()
        .filter(|officer| verified.is_signed_by(&VerifierKey::of_member(officer.key)))
        .map(|officer| officer.key)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() >= needed.max(1) { Ok(()) } else { Err(RosterError::Signatures) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{member, officer_key, sample};
    use super::*;
    use crate::crypto::SigningKey;
    use crate::label::Role;
    use crate::note::{member_id, member_key_name};

    fn signed(roster: &Roster, keys: &[&SigningKey]) -> Vec<u8> {
        let names: Vec<String> = keys.iter().map(|key| member_key_name(member_id(&key.public()))).collect();
        let pairs: Vec<(&str, &SigningKey)> =
            names.iter().map(String::as_str).zip(keys.iter().copied()).collect();
        SignedNote::sign(&roster.print().unwrap(), &pairs).unwrap().print().into_bytes()
    }

    fn next(of: &InForce) -> Roster {
        let mut next = of.roster().clone();
        next.version += 1;
        next.vault = Some(of.vault());
        next.previous = Some(of.digest());
        next
    }

    #[test]
    fn a_chain_is_followed_and_only_officers_carry_it_on() {
        let (officer, clerk) = (officer_key(), SigningKey::from_seed([2; 32]));
        let first = found(&signed(&sample(), &[&officer])).unwrap();
        assert_eq!(first.vault().0, first.digest().0);

        let mut second = next(&first);
        second.members.push(member(&clerk, Role::Clerk));
        second.members.sort_by_key(|member| member.id);
        let second = first.succeed(&signed(&second, &[&officer])).unwrap();

        // A clerk adds himself some rights.
        let third = next(&second);
        assert_eq!(second.succeed(&signed(&third, &[&clerk])).unwrap_err(), RosterError::Signatures);
        assert!(second.succeed(&signed(&third, &[&clerk, &officer])).is_ok());
        // The older roster cannot be continued by the third version.
        assert_eq!(first.succeed(&signed(&third, &[&officer])).unwrap_err(), RosterError::Chain);
        // Nor by a stranger who calls himself an officer in the very text that he signs.
        let stranger = SigningKey::from_seed([3; 32]);
        let mut forged = next(&second);
        forged.members.push(member(&stranger, Role::Officer));
        forged.members.sort_by_key(|member| member.id);
        assert_eq!(second.succeed(&signed(&forged, &[&stranger])).unwrap_err(), RosterError::Signatures);
    }

    #[test]
    fn a_threshold_counts_people_not_lines() {
        let (one, two) = (officer_key(), SigningKey::from_seed([2; 32]));
        let mut roster = sample();
        roster.officers_needed = 2;
        roster.members.push(member(&two, Role::Officer));
        roster.members.sort_by_key(|member| member.id);
        assert_eq!(found(&signed(&roster, &[&one])).unwrap_err(), RosterError::Signatures);
        let first = found(&signed(&roster, &[&one, &two])).unwrap();
        let second = next(&first);
        assert_eq!(first.succeed(&signed(&second, &[&one])).unwrap_err(), RosterError::Signatures);
        assert!(first.succeed(&signed(&second, &[&two, &one])).is_ok());
    }

    #[test]
    fn a_key_that_is_there_stays_what_it_is() {
        let officer = officer_key();
        let mut roster = sample();
        let with_second = |roster: &mut Roster| {
            let mut second = roster.keys[0].clone();
            second.0.generation = 2;
            roster.keys.push(second);
            roster.keys.sort();
        };
        let first = found(&signed(&roster, &[&officer])).unwrap();
        // Another key beside the old ones is what a rotation adds.
        roster = next(&first);
        with_second(&mut roster);
        let second = first.succeed(&signed(&roster, &[&officer])).unwrap();
        for place in 0..roster.keys.len() {
            // Documents are under the key, and nobody could open them any more.
            let mut changed = next(&second);
            changed.keys[place].1 = "age1other".to_owned();
            assert_eq!(second.succeed(&signed(&changed, &[&officer])).unwrap_err(), RosterError::Chain);
        }
        // The newer one is dropped again.
        let mut dropped = next(&second);
        dropped.keys = first.roster().keys.clone();
        assert_eq!(second.succeed(&signed(&dropped, &[&officer])).unwrap_err(), RosterError::Chain);
        assert!(second.succeed(&signed(&next(&second), &[&officer])).is_ok());
    }

    #[test]
    fn a_pinned_roster_is_that_one_and_no_other() {
        let note = signed(&sample(), &[&officer_key()]);
        let first = found(&note).unwrap();
        assert!(InForce::pinned(&note, first.digest(), first.vault()).is_ok());
        assert!(InForce::pinned(&note, Digest::of(b"other"), first.vault()).is_err());
        assert!(InForce::pinned(&note, first.digest(), VaultId([0; 32])).is_err());
    }
}

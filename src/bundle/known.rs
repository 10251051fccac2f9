//! What is known of another vault: the chain of its rosters from the first on, its policy, the notes by which its log
//! went on after a loss, and the proofs by which its log keys changed.

use crate::crypto::{Digest, PublicKey};
use crate::id::{MemberId, VaultId};
use crate::log::keys::{Generations, HAND_OVER_LIMIT, HandOver, LogKey};
use crate::note::{NoteError, SignedNote, Verified, VerifierKey, member_of_key_name, origin_epoch};
use crate::policy::Policy;
use crate::roster::{InForce, Member, Resume, Roster, found};

/// Longest roster, policy or resume note of another vault.
pub(super) const NOTE_LIMIT: usize = 2 << 20;
/// Most rosters of one chain.
pub(super) const CHAIN_LIMIT: usize = 10_000;
/// Most epochs of one log.
const EPOCH_LIMIT: u64 = 1000;

/// Why notes of another vault do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadChain {
    /// A roster is malformed, not signed by enough officers, or follows from another one.
    #[error("a roster does not follow from the one before")]
    Roster,
    /// The policy that the newest roster names is missing or another one.
    #[error("the policy is not the one that the roster names")]
    Policy,
    /// A resume note that no officers of this chain signed.
    #[error("a note that goes on with the log is not signed by officers")]
    Resume,
    /// A log key that the one before has not handed over to.
    #[error("a log key does not follow from the one before")]
    LogKey,
    /// More than anybody needs.
    #[error("too many notes")]
    TooMany,
}

/// Another vault, as far as its own officers signed for it.
#[derive(Debug, Clone)]
pub struct Known {
    chain: Vec<InForce>,
    newest: InForce,
    policy: Policy,
    resumes: Vec<Resume>,
    handed: Vec<HandOver>,
}

impl Known {
    /// Follows a chain from the first roster on.
    ///
    /// # Errors
    /// [`BadChain`].
    pub fn from_notes(
        rosters: &[Vec<u8>],
        policy: Option<&[u8]>,
        resumes: &[Vec<u8>],
    ) -> Result<Self, BadChain> {
        let (first, rest) = rosters.split_first().ok_or(BadChain::Roster)?;
        let first = found(first).map_err(|_| BadChain::Roster)?;
        let mut known = Self {
            newest: first.clone(),
            chain: vec![first],
            policy: Policy::default(),
            resumes: Vec::new(),
            handed: Vec::new(),
        };
        known.follow((2..).zip(rest))?;
        known.take_policy(policy)?;
        for (epoch, note) in (2..).zip(resumes) {
            known.take_resume(epoch, note)?;
        }
        Ok(known)
    }

    /// A vault of which everything was verified already.
    pub fn of(chain: Vec<InForce>, policy: Policy, resumes: Vec<Resume>) -> Option<Self> {
        let newest = chain.last()?.clone();
        Some(Self { chain, newest, policy, resumes, handed: Vec::new() })
    }

    /// The same vault with proofs by which its log keys changed, each with its number. Those that are known already have to be
    /// those.
    ///
    /// # Errors
    /// [`BadChain::LogKey`]; then nothing was taken.
    pub fn handed_over(&self, proofs: &[(u64, Vec<u8>)]) -> Result<Self, BadChain> {
        let mut next = self.clone();
        for (number, proof) in proofs {
            let proof = HandOver::parse(proof).ok_or(BadChain::LogKey)?;
            let at = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
            match at.map(|at| (next.handed.get(at), at == next.handed.len())) {
                Some((Some(known), _)) if *known == proof => {}
                Some((None, true)) if at < Some(HAND_OVER_LIMIT) => next.handed.push(proof),
                _ => return Err(BadChain::LogKey),
            }
        }
        let all = next.generations(next.epoch()).taken() == next.handed.len();
        if all { Ok(next) } else { Err(BadChain::LogKey) }
    }

    /// The same vault after what came since: rosters that follow from the newest known, the policy of the last of them,
    /// resume notes. Each comes with its version or epoch; those that are known already have to be those.
    ///
    /// # Errors
    /// [`BadChain`]; then nothing was taken.
    pub fn after(
        &self,
        rosters: &[(u64, Vec<u8>)],
        policy: Option<&[u8]>,
        resumes: &[(u64, Vec<u8>)],
    ) -> Result<Self, BadChain> {
        let mut next = self.clone();
        let mut newer = Vec::new();
        for (version, note) in rosters {
            let at = usize::try_from(*version).ok().and_then(|version| version.checked_sub(1));
            match at.and_then(|at| self.chain.get(at)) {
                Some(known) => {
                    let same = SignedNote::parse(note).is_ok_and(|note| note.digest() == known.digest());
                    if !same {
                        return Err(BadChain::Roster);
                    }
                }
                None => newer.push((*version, note)),
            }
        }
        let grown = !newer.is_empty();
        next.follow(newer)?;
        // What is known of the newest roster's policy was proven with it. A bundle that was long on its way brings an older one.
        if grown {
            next.take_policy(policy)?;
        }
        for (epoch, note) in resumes {
            next.take_resume(*epoch, note)?;
        }
        Ok(next)
    }

    fn follow<'a>(&mut self, rosters: impl IntoIterator<Item = (u64, &'a Vec<u8>)>) -> Result<(), BadChain> {
        for (version, note) in rosters {
            if self.chain.len() >= CHAIN_LIMIT {
                return Err(BadChain::TooMany);
            }
            let next = self.newest.succeed(note).map_err(|_| BadChain::Roster)?;
            // Notes are kept under the numbers that they came with, and looked for under them.
            if next.roster().version != version {
                return Err(BadChain::Roster);
            }
            self.chain.push(next.clone());
            self.newest = next;
        }
        Ok(())
    }

    fn take_policy(&mut self, text: Option<&[u8]>) -> Result<(), BadChain> {
        let read = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok()?;
            Policy::parse(text).ok()
        };
        let policy = match (self.newest.roster().policy, text) {
            (None, _) => Some(Policy::default()),
            // The policy that was in force before may be in force still.
            (Some(digest), None) => Some(self.policy.clone()).filter(|policy| policy.digest() == digest),
            (Some(digest), Some(text)) => read(text).filter(|policy| policy.digest() == digest),
        };
        self.policy = policy.ok_or(BadChain::Policy)?;
        Ok(())
    }

    fn take_resume(&mut self, epoch: u64, note: &[u8]) -> Result<(), BadChain> {
        let resume = self.chain.iter().rev().find_map(|roster| Resume::verify(note, roster));
        let resume = resume.filter(|resume| resume.epoch == epoch && epoch <= EPOCH_LIMIT);
        let resume = resume.ok_or(BadChain::Resume)?;
        match self.resumes.iter().find(|known| known.epoch == resume.epoch) {
            Some(known) if *known != resume => Err(BadChain::Resume),
            Some(_) => Ok(()),
            // One after another, so that all of them are there up to the newest.
            None if epoch == self.epoch() + 1 => {
                self.resumes.push(resume);
                Ok(())
            }
            None => Err(BadChain::Resume),
        }
    }

    /// The vault.
    pub fn vault(&self) -> VaultId {
        self.newest.vault()
    }

    /// Every roster, the first one first.
    pub fn chain(&self) -> &[InForce] {
        &self.chain
    }

    /// The newest roster.
    pub fn roster(&self) -> &Roster {
        self.newest.roster()
    }

    /// Its digest.
    pub fn roster_digest(&self) -> Digest {
        self.newest.digest()
    }

    /// The digest of an older version.
    pub fn digest_of(&self, version: u64) -> Option<Digest> {
        let at = usize::try_from(version).ok()?.checked_sub(1)?;
        self.chain.get(at).map(InForce::digest)
    }

    /// The policy of the newest roster.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The newest epoch of its log that is known.
    pub fn epoch(&self) -> u64 {
        self.resumes.last().map_or(1, |resume| resume.epoch)
    }

    /// The notes by which its log went on, without a gap from epoch 2 on.
    pub fn resumes(&self) -> &[Resume] {
        &self.resumes
    }

    /// The keys of its members.
    pub fn member_keys(&self) -> Vec<VerifierKey> {
        self.roster().members.iter().map(|member| VerifierKey::of_member(member.key)).collect()
    }

    /// The proofs by which its log keys changed, the first one first.
    pub fn hand_overs(&self) -> &[HandOver] {
        &self.handed
    }

    /// The keys that its log can be signed with in the epoch that an origin names, each for its sizes.
    pub fn log_keys(&self, log: &str) -> Vec<LogKey> {
        match origin_epoch(&self.vault(), log) {
            Some(epoch) => self.generations(epoch).into_keys(),
            None => Vec::new(),
        }
    }

    fn generations(&self, epoch: u64) -> Generations {
        let mut named: Vec<PublicKey> = self.roster().hosts.iter().map(|host| host.key).collect();
        named.extend(self.resumes.iter().filter(|resume| resume.epoch <= epoch).map(|resume| resume.key));
        Generations::follow(self.vault(), epoch, &named, &self.handed)
    }

    /// A note that exactly one member signed, and who.
    ///
    /// # Errors
    /// [`NoteError`]; for a note of nobody known, [`NoteError::NotSigned`].
    pub fn signed(&self, note: &SignedNote) -> Result<(Verified, MemberId), NoteError> {
        let verified = note.verify(&self.member_keys())?;
        match verified.signers() {
            [signer] => {
                let id = member_of_key_name(signer.name()).ok_or(NoteError::NotSigned)?;
                Ok((verified, id))
            }
            _ => Err(NoteError::TooManySignatures),
        }
    }

    /// A member of the newest roster.
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.roster().member(id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::{CLERK, HOST, OFFICER, chain, key, known, policy, resume};
    use super::*;
    use crate::note::origin;

    fn numbered(from: u64, notes: &[Vec<u8>]) -> Vec<(u64, Vec<u8>)> {
        (from..).zip(notes.iter().cloned()).collect()
    }

    #[test]
    fn rosters_follow_one_after_another_under_their_own_numbers() {
        let (notes, policy) = (chain(4), policy());
        let first = known(1);
        let after = first.after(&numbered(2, &notes[1..]), Some(&policy), &[]).unwrap();
        assert_eq!((after.roster().version, after.vault()), (4, first.vault()));
        assert_eq!(after.digest_of(4), Some(after.roster_digest()));
        assert_eq!(after.digest_of(1), Some(first.roster_digest()));
        assert_eq!((after.digest_of(0), after.digest_of(5)), (None, None));
        // With those that are known already, and with nothing new at all.
        assert!(after.after(&numbered(1, &notes), Some(&policy), &[]).is_ok());
        assert!(after.after(&[], None, &[]).is_ok());
        let bad = |rosters: &[(u64, Vec<u8>)]| first.after(rosters, Some(&policy), &[]).unwrap_err();
        assert_eq!(bad(&numbered(3, &notes[1..2])), BadChain::Roster, "under another number");
        assert_eq!(bad(&numbered(0, &notes[1..2])), BadChain::Roster);
        assert_eq!(bad(&[(u64::MAX, notes[1].clone())]), BadChain::Roster);
        assert_eq!(bad(&numbered(3, &notes[2..])), BadChain::Roster, "one is missing");
        assert_eq!(bad(&[(3, notes[2].clone()), (2, notes[1].clone())]), BadChain::Roster);
        assert_eq!(bad(&[(2, notes[1].clone()), (2, notes[1].clone())]), BadChain::Roster);
        assert_eq!(bad(&[(1, notes[1].clone())]), BadChain::Roster, "another first one");
        assert_eq!(bad(&[(2, notes[0].clone())]), BadChain::Roster);
        assert_eq!(bad(&[(2, b"junk".to_vec())]), BadChain::Roster);
        assert_eq!(Known::from_notes(&[], None, &[]).unwrap_err(), BadChain::Roster);
        assert_eq!(Known::from_notes(&notes[1..], Some(&policy), &[]).unwrap_err(), BadChain::Roster);
        assert_eq!(
            Known::from_notes(&[notes[0].clone(), notes[2].clone()], None, &[]).unwrap_err(),
            BadChain::Roster
        );
    }

    #[test]
    fn the_policy_is_the_one_that_the_roster_names() {
        let (notes, policy) = (chain(3), policy());
        let first = known(1);
        let next = numbered(2, &notes[1..2]);
        assert_eq!(first.after(&next, None, &[]).unwrap_err(), BadChain::Policy);
        assert_eq!(first.after(&next, Some(b"junk"), &[]).unwrap_err(), BadChain::Policy);
        let other = Policy::default().print();
        assert_eq!(first.after(&next, Some(other.as_bytes()), &[]).unwrap_err(), BadChain::Policy);
        let second = first.after(&next, Some(&policy), &[]).unwrap();
        assert_eq!(*second.policy(), Policy::for_one_person());
        // It stays in force with the next roster, and one of long ago changes nothing.
        assert!(second.after(&numbered(3, &notes[2..]), None, &[]).is_ok());
        let late = second.after(&[], Some(other.as_bytes()), &[]).unwrap();
        assert_eq!(*late.policy(), Policy::for_one_person());
        assert_eq!(*first.policy(), Policy::default());
    }

    #[test]
    fn the_log_goes_on_epoch_after_epoch() {
        let second = known(2);
        let (two, three) = (resume(2, 1, OFFICER), resume(3, 2, OFFICER));
        let after = second.after(&[], None, &[(2, two.clone()), (3, three.clone())]).unwrap();
        assert_eq!((second.epoch(), after.epoch(), after.resumes().len()), (1, 3, 2));
        assert_eq!(after.after(&[], None, &[(2, two.clone()), (3, three.clone())]).unwrap().epoch(), 3);
        let bad = |notes: &[(u64, Vec<u8>)]| second.after(&[], None, notes).unwrap_err();
        assert_eq!(bad(&[(3, three.clone())]), BadChain::Resume, "one is missing");
        assert_eq!(bad(&[(3, two.clone())]), BadChain::Resume, "under another number");
        assert_eq!(bad(&[(3, three), (2, two)]), BadChain::Resume);
        assert_eq!(bad(&[(2, resume(2, 2, CLERK))]), BadChain::Resume);
        assert_eq!(bad(&[(1, resume(1, 2, OFFICER))]), BadChain::Resume);
        assert_eq!(bad(&[(2, resume(2, 3, OFFICER))]), BadChain::Resume, "of a roster that nobody knows");
        let forked = after.after(&[], None, &[(2, resume(2, 2, OFFICER))]);
        assert_eq!(forked.unwrap_err(), BadChain::Resume, "another second epoch");
        let log = |epoch| origin(&after.vault(), epoch);
        let keys = |epoch: u64| {
            after.log_keys(&log(epoch)).iter().map(|key| key.verifier().key()).collect::<Vec<_>>()
        };
        let host = |epoch: u8| key(HOST + epoch).public();
        assert_eq!(keys(1), [host(0)]);
        assert_eq!(keys(3), [host(0), host(2), host(3)]);
        assert!(after.log_keys("gapvault/ffff/1").is_empty() && after.log_keys("").is_empty());
    }
}

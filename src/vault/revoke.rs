//! People leave, and keys change: a roster without them, new keys for those who stay, new headers for the documents.
//!
//! The new roster is in force first. What follows can be interrupted at any moment: what is missing is found by
//! looking, by the next [`Vault::key_finish`].

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::change::{Change, Changed, KeyFile};
use super::finish::Since;
use super::identity::read_card;
use super::member::{CardView, check_card, find_member, row, successor};
use super::report::{FailedRow, KeyReport, MemberRevokeReport, OpenedOnce};
use super::rewrap::Way;
use super::session::Session;
use super::{Code, Done, Error, Vault, keys};
use crate::access::{Action, Request};
use crate::answer::Progress;
use crate::id::{DocumentId, VaultId};
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Event, Object, ObjectKind, Outcome, Phase};
use crate::policy::{Machine, decide, standing};
use crate::roster::{KeyName, Member, Purpose, Roster};
use crate::store::StoreError;
use crate::store::live::Live;
use crate::time::Timestamp;

/// Who leaves, and how.
pub struct Leaving<'a> {
    /// The id or its beginning.
    pub member: String,
    /// The card of the person's new identity, where the person stays.
    pub card: Option<PathBuf>,
    /// Encrypt the documents anew as well, and not only their headers.
    pub rekey: bool,
    /// Why; kept sealed in the log.
    pub reason: Option<String>,
    /// Compares the card's code with what the person said; an error stops everything.
    pub confirm: &'a mut dyn FnMut(&CardView) -> Result<(), Error>,
}

impl Vault {
    /// Takes a person's access, or gives the person a new identity after a lost one: a roster without the old one, every
    /// key that it held anew, and new headers for all documents of its classes as far as the caller holds their keys.
    ///
    /// # Errors
    /// [`Code::NoRole`], [`Code::NoMember`], [`Code::LastOfficer`], [`Code::LastReader`] when nobody else could read
    /// what this member can; for a card those of [`member_add`](Self::member_add).
    pub fn member_leave(
        &self,
        me: &Identity,
        leaving: Leaving<'_>,
        progress: &dyn Progress,
    ) -> Result<Done<MemberRevokeReport>, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let (before, gone, mut roster) = self.roster_to_change(&session, me, &leaving.member)?;
        let now = self.site.clock.now().time;
        let mut report = MemberRevokeReport { member: Some(row(&before, &gone, now)), ..Default::default() };
        roster.members.retain(|member| member.id != gone.id);
        if let Some(path) = &leaving.card {
            let card = read_card(&self.site, path)?;
            check_card(&self.site, &before, &card)?;
            (leaving.confirm)(&CardView { id: card.id, name: card.name.clone(), code: card.code() })?;
            let new = Member {
                id: card.id,
                name: card.name.clone(),
                key: card.key,
                recipient: card.recipient.to_string(),
                joined: now,
                ..gone.clone()
            };
            report.replaced_by = Some(row(&before, &new, now));
            roster.members.push(new);
            roster.members.sort_by_key(|member| member.id);
            for member in &mut roster.members {
                member.sponsor = member.sponsor.map(|id| if id == gone.id { card.id } else { id });
            }
        }
        let held: Vec<Purpose> = Purpose::ALL.into_iter().filter(|purpose| gone.holds(*purpose)).collect();
        let (keys, rotated) = self.rotate(&mut roster, &held, now)?;
        report.rotated = rotated;
        report.without_sponsor = roster
            .members
            .iter()
            .filter(|member| member.sponsor == Some(gone.id))
            .map(|member| member.id)
            .collect();
        let code = if leaving.card.is_some() { "member-replace" } else { "member-revoke" };
        let mut live = self.live()?;
        if Some(live.roster().digest()) != roster.previous {
            return Err(Error::new(Code::Busy).with("holder", "roster"));
        }
        let policy = live.policy().clone();
        let change = Change { roster, policy, code, keys };
        match self.change(&mut live, &mut session, me, change, leaving.reason.as_deref())? {
            Changed::Asked(request) => return Ok(Done::Asked(Box::new(request))),
            Changed::InForce(after) => report.roster_version = after.roster().version,
        }
        drop(live);
        // Without a place in the roster nobody goes on with anything.
        if gone.id != me.id() {
            report.documents = self.finished(me, leaving.rekey, progress);
        }
        let live = self.live()?;
        (report.may_still_have, report.opened) = self.still_had(&live, &gone)?;
        Ok(Done::Done(report))
    }

    /// Makes every key of the vault anew, without anybody leaving.
    ///
    /// # Errors
    /// [`Code::NoRole`], [`Code::LastReader`].
    pub fn key_rotate(
        &self,
        me: &Identity,
        rekey: bool,
        progress: &dyn Progress,
    ) -> Result<Done<MemberRevokeReport>, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let now = self.site.clock.now().time;
        let mut live = self.live()?;
        self.officer_only(&live, me)?;
        let mut roster = successor(live.roster(), now);
        let (keys, rotated) = match roster.deposit_for {
            Some(receiver) => (Vec::new(), self.take_keys_of(&live, &mut roster, receiver)?),
            None => self.rotate(&mut roster, &Purpose::ALL, now)?,
        };
        let policy = live.policy().clone();
        let change = Change { roster, policy, code: "key-rotate", keys };
        let mut report = MemberRevokeReport { rotated, ..Default::default() };
        match self.change(&mut live, &mut session, me, change, None)? {
            Changed::Asked(request) => return Ok(Done::Asked(Box::new(request))),
            Changed::InForce(after) => report.roster_version = after.roster().version,
        }
        drop(live);
        report.documents = self.finished(me, rekey, progress);
        Ok(Done::Done(report))
    }

    /// What follows a change that is in force already: whatever keeps it from being done, the change was made, and the rest waits.
    fn finished(&self, me: &Identity, rekey: bool, progress: &dyn Progress) -> KeyReport {
        self.key_finish(me, rekey, progress).unwrap_or_else(|error| {
            let failed = vec![FailedRow { source: "key finish".to_owned(), code: error.code() }];
            KeyReport { failed, ..Default::default() }
        })
    }

    pub(super) fn officer_only(&self, live: &Live, me: &Identity) -> Result<(), Error> {
        let granted = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::ChangeRoster));
        Ok(granted.map(|_| ())?)
    }

    /// The roster in force, the member who is meant, and the next roster.
    fn roster_to_change(
        &self,
        session: &Session,
        me: &Identity,
        member: &str,
    ) -> Result<(Roster, Member, Roster), Error> {
        let live = self.live()?;
        if let Err(error) = self.officer_only(&live, me) {
            drop(live);
            let object = Some(Object::of_kind(ObjectKind::Roster));
            return Err(self.refused(session, me, Event::RosterChange, object, error));
        }
        let before = live.roster().roster().clone();
        let id = find_member(&before, member)?;
        let gone = before.member(id).cloned().ok_or(Code::Internal)?;
        let next = successor(live.roster(), self.site.clock.now().time);
        Ok((before, gone, next))
    }

    /// In a drop box the keys are those of the vault that it is for: what that one has newer is taken over.
    fn take_keys_of(
        &self,
        live: &Live,
        roster: &mut Roster,
        receiver: VaultId,
    ) -> Result<Vec<String>, Error> {
        let peer = self.peer(live, receiver)?.ok_or_else(|| Error::new(Code::NoPeer).with("id", receiver))?;
        let mut taken = Vec::new();
        for purpose in Purpose::ALL.into_iter().filter(|purpose| *purpose != Purpose::Transfer) {
            let theirs = if purpose == Purpose::Catalogue { purpose } else { Purpose::Transfer };
            let key = super::bundle::key_of(peer.known.roster(), theirs)?.to_string();
            let newest = roster.newest_key(purpose);
            if newest.is_some_and(|(_, known)| known == key) {
                continue;
            }
            let generation = newest.map_or(0, |(name, _)| name.generation) + 1;
            let name = KeyName { purpose, generation };
            roster.keys.push((name, key));
            taken.push(name.to_string());
        }
        roster.keys.sort();
        if taken.is_empty() { Err(Code::DropBox.into()) } else { Ok(taken) }
    }

    /// New generations for these purposes, wrapped to whoever stays. Somebody has to stay who can read.
    fn rotate(
        &self,
        roster: &mut Roster,
        purposes: &[Purpose],
        now: Timestamp,
    ) -> Result<(Vec<KeyFile>, Vec<String>), Error> {
        let (mut files, mut rotated) = (Vec::new(), Vec::new());
        for purpose in purposes {
            let stays = |member: &&Member| member.holds(*purpose) && standing(roster, member.id, now).is_ok();
            if !roster.members.iter().any(|member| stays(&member)) {
                return Err(Error::new(Code::LastReader).with("name", purpose.as_str()));
            }
            files.extend(keys::next_generation(&self.site, roster, *purpose, now)?);
            rotated.extend(roster.newest_key(*purpose).map(|(name, _)| name.to_string()));
        }
        Ok((files, rotated))
    }

    /// Documents that somebody who left may still be able to open: file keys that were made before the keys changed.
    fn still_had(&self, live: &Live, gone: &Member) -> Result<(u64, Vec<OpenedOnce>), Error> {
        let mut since: HashMap<Class, Since> = HashMap::new();
        for class in &gone.clearance {
            since.extend(
                self.generation_since(live, Purpose::Class(*class))?.map(|(_, place)| (*class, place)),
            );
        }
        let mut rows = Vec::new();
        let visited = live.index().for_each_row(|row| {
            if since.contains_key(&row.class) {
                rows.push(row);
            }
            Ok(())
        });
        visited.map_err(StoreError::from)?;
        let mut had: HashSet<DocumentId> = HashSet::new();
        for row in rows {
            if let Some(since) = since.get(&row.class)
                && !since.is_done(live, &row, Way::Rekey)?
            {
                had.insert(row.id);
            }
        }
        let mut opened: HashMap<DocumentId, Timestamp> = HashMap::new();
        for place in live.index().places_of_member(gone.id).map_err(StoreError::from)? {
            let entry = live.entry(place)?;
            let released = entry.event() == Event::DocumentOpen
                && entry.phase() == Phase::Done
                && entry.outcome() == Outcome::Ok;
            let id = entry.object().and_then(Object::document_id).filter(|id| released && had.contains(id));
            if let Some(id) = id {
                opened.insert(id, entry.time());
            }
        }
        let mut opened: Vec<OpenedOnce> =
            opened.into_iter().map(|(id, last)| OpenedOnce { id, last }).collect();
        opened.sort_by_key(|one| (one.last, one.id));
        Ok((had.len() as u64, opened))
    }
}

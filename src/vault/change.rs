//! A new roster, and what comes with it: keys, a policy. It is in force when enough officers of the one before have
//! signed; until then it is a request.

use std::collections::HashMap;
use std::path::PathBuf;

use super::ask::{Asking, Files};
use super::init::sign_text;
use super::report::RequestReport;
use super::session::{Session, actor};
use super::{Code, Error, Vault, keys};
use crate::access::{Action, Grant, Request};
use crate::id::MemberId;
use crate::identity::{Identity, MemberKey};
use crate::log::entry::{Draft, Event, Object, ObjectKind, Outcome};
use crate::note::SignedNote;
use crate::policy::{Machine, Policy, Wanted, decide};
use crate::roster::{InForce, KeyName, Roster, RosterError};
use crate::store::StoreError;
use crate::store::live::Live;
use crate::store::policies;
use crate::store::requests::RequestFile;
use crate::store::staging::Staging;

/// A key file, before it lies anywhere.
pub(super) type KeyFile = (KeyName, MemberId, Vec<u8>);

/// What is to be in force.
pub(super) struct Change {
    pub(super) roster: Roster,
    pub(super) policy: Policy,
    /// What kind of change it is, for the log.
    pub(super) code: &'static str,
    /// The keys of new generations.
    pub(super) keys: Vec<KeyFile>,
}

/// What became of it.
pub(super) enum Changed {
    InForce(InForce),
    Asked(RequestReport),
}

impl Vault {
    /// Puts a change in force, or asks the other officers whose signatures it needs.
    pub(super) fn change(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        change: Change,
        reason: Option<&str>,
    ) -> Result<Changed, Error> {
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::ChangeRoster))?;
        check_officers(live.roster().roster(), &change.roster)?;
        let text = change.roster.print().map_err(StoreError::from)?;
        let note = sign_text(&text, me)?;
        match live.roster().succeed(note.print().as_bytes()) {
            Ok(after) => {
                self.put_in_force(live, session, me, &grant, (&after, &note), (&change, None))?;
                Ok(Changed::InForce(after))
            }
            Err(RosterError::Signatures) => {
                let mut files: Files = vec![(RequestFile::Proposed(me.id()), note.print().into_bytes())];
                if live.roster().roster().policy != change.roster.policy && change.roster.policy.is_some() {
                    files.push((RequestFile::Policy, change.policy.print().into_bytes()));
                }
                let keys = change.keys.into_iter();
                files.extend(keys.map(|(key, member, bytes)| (RequestFile::Key(key, member), bytes)));
                let asking = Asking {
                    wanted: Wanted::Roster,
                    note: Some(note.digest()),
                    files,
                    ..Asking::new(reason)
                };
                Ok(Changed::Asked(self.ask(live, session, me, &grant, asking)?))
            }
            Err(error) => Err(StoreError::from(error).into()),
        }
    }

    /// Stages roster, policy and keys, records them, publishes. What keys members lack besides, and the caller holds, is
    /// wrapped at once; the rest waits.
    pub(super) fn put_in_force(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        grant: &Grant,
        (after, note): (&InForce, &SignedNote),
        (change, used_up): (&Change, Option<Draft>),
    ) -> Result<(), Error> {
        let layout = &self.context.layout;
        let staging = Staging::begin(&self.context.disk, layout, session.id(), grant)?;
        let mut places = vec![layout.roster(after.roster().version)];
        staging.create_new(&layout.roster(after.roster().version))?.put(note.print().as_bytes())?;
        if let Some(digest) = after.roster().policy {
            let place = layout.policy(digest);
            let lies_there = self.context.disk.exists(&place)?;
            // A vault does not open under a policy that is not the one that its name says.
            if !lies_there || policies::in_force(&self.context, after.roster()).is_err() {
                staging.create_new(&place)?.put(change.policy.print().as_bytes())?;
                places.push(place);
            }
        }
        let mut files = change.keys.clone();
        files.extend(self.wrapped(live, me, after.roster(), &files)?);
        places.extend(self.stage_keys(&staging, &files)?);
        staging.sync()?;

        let mut draft = live.draft(Event::RosterChange, Outcome::Ok, session.id());
        draft.actor = actor(me, live.roster().roster());
        draft.object = Some(Object::of_kind(ObjectKind::Roster));
        draft.detail.version = Some(after.roster().version);
        draft.detail.note_sha256 = Some(after.digest());
        draft.detail.code = change.code.parse().ok();
        let mut drafts = vec![draft];
        drafts.extend(files.iter().map(|(key, member, _)| wrap_draft(live, session, me, *key, *member)));
        drafts.extend(used_up);
        staging.keep();
        let (recorded, entries) = live.record_roster(grant, drafts, me.signing(), (after, &change.policy))?;
        live.publish(session.id(), &places, &recorded)?;
        live.follow(&entries, &HashMap::new())?;
        staging.release();
        Ok(())
    }

    /// Records what is staged, puts it into its places, and lets the index follow.
    pub(super) fn land(
        &self,
        live: &mut Live,
        staging: &Staging,
        grant: &Grant,
        me: &Identity,
        (drafts, places): (Vec<Draft>, &[PathBuf]),
    ) -> Result<(), Error> {
        // Once the append was tried, what is staged may be in the log: only the next start may sweep it.
        staging.keep();
        let (recorded, entries) = live.record(grant, drafts, Some(me.signing()))?;
        live.publish(staging.session(), places, &recorded)?;
        live.follow(&entries, &HashMap::new())?;
        staging.release();
        Ok(())
    }

    pub(super) fn stage_keys(&self, staging: &Staging, files: &[KeyFile]) -> Result<Vec<PathBuf>, Error> {
        let stage = |(key, member, bytes): &KeyFile| {
            let place = self.context.layout.key(*key, *member);
            staging.create_new(&place)?.put(bytes)?;
            Ok(place)
        };
        files.iter().map(stage).collect()
    }

    /// Keys that members lack and the caller holds, but for those that come along anyway. An isolated vault unwraps none on
    /// a machine that is connected: they wait.
    pub(super) fn wrapped(
        &self,
        live: &Live,
        me: &Identity,
        roster: &Roster,
        coming: &[KeyFile],
    ) -> Result<Vec<KeyFile>, Error> {
        let mut wrapped = Vec::new();
        if self.machine(live) == Machine::Connected {
            return Ok(wrapped);
        }
        let comes =
            |name: KeyName, to: MemberId| coming.iter().any(|(key, member, _)| (*key, *member) == (name, to));
        for (name, to) in keys::missing(&self.context, live, roster, self.site.clock.now().time)? {
            let own = self.context.layout.key(name, me.id());
            if comes(name, to) || to == me.id() || !self.context.disk.exists(&own)? {
                continue;
            }
            // A file of the caller's own that is damaged hinders no change: the key waits for somebody else.
            let Ok(key) = keys::held(&self.site, &self.context, roster, me, name) else { continue };
            let member = roster.member(to).ok_or(Code::Internal)?;
            let recipient: MemberKey = member.recipient.parse().map_err(|_| Code::TamperedRoster)?;
            wrapped.push((name, to, keys::wrap(&self.site, &key, &recipient)?));
        }
        Ok(wrapped)
    }
}

/// The entry for a key that was wrapped to somebody.
pub(super) fn wrap_draft(live: &Live, session: &Session, me: &Identity, key: KeyName, to: MemberId) -> Draft {
    let mut draft = live.draft(Event::KeyWrap, Outcome::Ok, session.id());
    draft.actor = actor(me, live.roster().roster());
    draft.object = Some(Object::member(to));
    draft.detail.code = key.to_string().parse().ok();
    draft
}

/// Nobody breaks by accident what signs the next change: there stays an officer, and as many as have to sign, once there
/// were that many.
fn check_officers(before: &Roster, next: &Roster) -> Result<(), Error> {
    let needed = usize::try_from(before.officers_needed).unwrap_or(usize::MAX);
    let stay = needed.min(before.officers().count()).max(1);
    if next.officers().count() >= stay { Ok(()) } else { Err(Code::LastOfficer.into()) }
}

//! People in the vault.

use std::collections::HashMap;
use std::path::PathBuf;

use super::identity::read_card;
use super::init::sign;
use super::report::{MemberAddReport, MemberListReport, MemberRow};
use super::session::{Session, actor};
use super::{Code, Error, Site, Vault, keys};
use crate::access::{Action, Request};
use crate::id::{Code as Digits, MemberId};
use crate::identity::{Card, Identity};
use crate::label::{Class, Role};
use crate::log::entry::{Event, Object, ObjectKind, Outcome};
use crate::policy::decide;
use crate::roster::{InForce, Member, Purpose, Roster};
use crate::store::staging::Staging;

/// Who joins, and with which rights.
pub struct MemberAdd<'a> {
    /// The person's card.
    pub card: PathBuf,
    /// The role.
    pub role: Role,
    /// The classes whose contents the member may open.
    pub clearance: Vec<Class>,
    /// May see titles.
    pub titles: bool,
    /// May import.
    pub import: bool,
    /// May release.
    pub release: bool,
    /// The last day.
    pub until: Option<String>,
    /// The sponsor's id or its beginning.
    pub sponsor: Option<String>,
    /// Compares the card's code with what the person said; an error stops everything.
    pub confirm: &'a mut dyn FnMut(&CardView) -> Result<(), Error>,
}

/// What is compared before a card is believed.
#[derive(Debug, Clone)]
pub struct CardView {
    /// The member id.
    pub id: MemberId,
    /// The name on the card.
    pub name: String,
    /// The 25 digits.
    pub code: Digits,
}

impl Vault {
    /// Admits a person: a new roster, signed, and the keys that the rights ask for, wrapped to the person.
    ///
    /// # Errors
    /// [`Code::NoRole`] unless the caller is an officer, [`Code::TamperedCard`], [`Code::MemberExists`],
    /// [`Code::KeyKind`], what `confirm` says, and [`Code::NoClearance`] for rights that the caller does not hold.
    pub fn member_add(&self, me: &Identity, request: MemberAdd<'_>) -> Result<MemberAddReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let glance = self.glance()?;
        let before = glance.roster.clone();
        drop(glance);
        let wish = Request { member: me.id(), action: Action::ChangeRoster };
        if let Err(denial) = decide(before.roster(), wish) {
            let object = Some(Object::of_kind(ObjectKind::Roster));
            return Err(self.refused(&session, me, Event::RosterChange, object, denial.into()));
        }
        let card = read_card(&self.site, &request.card)?;
        check_card(&self.site, before.roster(), &card)?;
        let view = CardView { id: card.id, name: card.name.clone(), code: card.code() };
        (request.confirm)(&view)?;
        let member = self.new_member(before.roster(), &card, &request)?;
        let roster = self.admit(&session, me, &before, &card, member.clone())?;
        Ok(MemberAddReport {
            member: row(&member),
            code: card.code().to_string(),
            roster_version: roster.roster().version,
        })
    }

    fn new_member(&self, roster: &Roster, card: &Card, request: &MemberAdd<'_>) -> Result<Member, Error> {
        let mut clearance = request.clearance.clone();
        clearance.sort_unstable();
        clearance.dedup();
        let sponsor = request.sponsor.as_ref().map(|text| find_member(roster, text)).transpose()?;
        if let Some(until) = &request.until {
            let day = format!("{until}T00:00:00.000Z").parse::<crate::time::Timestamp>();
            if day.is_err() {
                return Err(Error::new(Code::Text).with("name", "until"));
            }
        }
        Ok(Member {
            id: card.id,
            name: card.name.clone(),
            key: card.key,
            recipient: card.recipient.to_string(),
            role: request.role,
            clearance,
            titles: request.titles,
            import: request.import,
            release: request.release,
            sponsor,
            until: request.until.clone(),
            joined: self.site.clock.now().time,
        })
    }

    /// Stages roster and keys, records, publishes.
    fn admit(
        &self,
        session: &Session,
        me: &Identity,
        before: &InForce,
        card: &Card,
        member: Member,
    ) -> Result<InForce, Error> {
        let mut live = self.live()?;
        if live.roster().digest() != before.digest() {
            return Err(Error::new(Code::Busy).with("holder", "roster"));
        }
        let wish = Request { member: me.id(), action: Action::ChangeRoster };
        let grant = decide(before.roster(), wish)?;
        let mut roster = successor(before, self.site.clock.now().time);
        roster.members.push(member.clone());
        roster.members.sort_by_key(|member| member.id);
        let note = sign(&roster, me)?;
        let after = before.succeed(note.as_bytes()).map_err(crate::store::StoreError::from)?;

        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        let mut places = vec![self.context.layout.roster(roster.version)];
        staging.create(&self.context.layout.roster(roster.version))?.put(note.as_bytes())?;
        for purpose in Purpose::ALL.into_iter().filter(|purpose| member.holds(*purpose)) {
            for (name, _) in roster.keys.iter().filter(|(name, _)| name.purpose == purpose) {
                let key =
                    keys::held(&self.site, &self.context, before.roster(), me, *name).map_err(|error| {
                        Error::new(Code::NoClearance).with("name", purpose.as_str()).because(error)
                    })?;
                let place = self.context.layout.key(*name, member.id);
                staging.create(&place)?.put(&keys::wrap(&self.site, &key, &card.recipient)?)?;
                places.push(place);
            }
        }
        staging.sync()?;

        let mut draft = live.draft(Event::RosterChange, Outcome::Ok, session.id());
        draft.actor = actor(me, before.roster());
        draft.object = Some(Object::of_kind(ObjectKind::Roster));
        draft.detail.version = Some(roster.version);
        draft.detail.note_sha256 = Some(after.digest());
        draft.detail.code = "member-add".parse().ok();
        staging.keep();
        let (recorded, entries) = live.record_roster(&grant, vec![draft], me.signing(), &after)?;
        live.publish(session.id(), &places, &recorded)?;
        live.follow(&entries, &HashMap::new())?;
        staging.release();
        Ok(after)
    }

    /// The people in the roster in force.
    ///
    /// # Errors
    /// What keeps the roster from being read.
    pub fn member_list(&self) -> Result<MemberListReport, Error> {
        let glance = self.glance()?;
        Ok(MemberListReport { members: glance.roster.roster().members.iter().map(row).collect() })
    }
}

/// The next version, not yet changed.
pub(super) fn successor(before: &InForce, now: crate::time::Timestamp) -> Roster {
    let mut next = before.roster().clone();
    next.version += 1;
    next.vault = Some(before.vault());
    next.previous = Some(before.digest());
    next.created = now;
    next
}

fn check_card(site: &Site, roster: &Roster, card: &Card) -> Result<(), Error> {
    if let Some(known) = roster.member(card.id) {
        return Err(Error::new(Code::MemberExists).with("name", &known.name).with("id", known.id));
    }
    if card.recipient.kind(&site.plugins, &*site.random)? != roster.key_kind {
        return Err(Error::new(Code::KeyKind).with("name", &card.name));
    }
    Ok(())
}

/// The member that an id or its beginning of at least four characters means.
fn find_member(roster: &Roster, text: &str) -> Result<MemberId, Error> {
    if text.len() < 4 {
        return Err(Error::new(Code::ShortId).with("id", text));
    }
    let fits: Vec<_> =
        roster.members.iter().filter(|member| member.id.to_string().starts_with(text)).collect();
    match fits.as_slice() {
        [] => Err(Error::new(Code::NoMember).with("id", text)),
        [member] => Ok(member.id),
        _ => Err(Error::new(Code::AmbiguousId).with("id", text)),
    }
}

fn row(member: &Member) -> MemberRow {
    MemberRow {
        id: member.id,
        name: member.name.clone(),
        role: member.role,
        clearance: member.clearance.clone(),
        titles: member.titles,
        import: member.import,
        release: member.release,
        until: member.until.clone(),
        sponsor: member.sponsor,
        state: "active",
    }
}

//! People in the vault.

use std::path::PathBuf;

use super::change::{Change, Changed};
use super::identity::read_card;
use super::report::{MemberAddReport, MemberListReport, MemberRow};
use super::session::Session;
use super::{Code, Done, Error, Site, Vault, keys};
use crate::access::{Action, Denial, Request};
use crate::id::{Code as Digits, MemberId};
use crate::identity::{Card, Identity};
use crate::label::{Class, Role};
use crate::log::entry::{Event, Object, ObjectKind};
use crate::policy::{Machine, Rules, decide, standing};
use crate::roster::{InForce, Member, Roster};
use crate::store::StoreError;
use crate::time::Timestamp;

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
    /// Admits a person: a new roster, signed, and the keys that the rights ask for, wrapped to the person. Keys that the
    /// caller does not hold wait for a member who does.
    ///
    /// # Errors
    /// [`Code::NoRole`] unless the caller is an officer, [`Code::TamperedCard`], [`Code::MemberExists`],
    /// [`Code::KeyKind`], [`Code::SponsorNeeded`], [`Code::BadDate`], what `confirm` says.
    pub fn member_add(&self, me: &Identity, request: MemberAdd<'_>) -> Result<Done<MemberAddReport>, Error> {
        let session = Session::begin(&*self.site.random)?;
        let glance = self.glance()?;
        let (before, policy) = (glance.roster.clone(), glance.policy.clone());
        drop(glance);
        let now = self.site.clock.now().time;
        let rules = Rules { roster: before.roster(), policy: &policy, machine: Machine::Apart, now };
        if let Err(denial) = decide(&rules, Request::new(me.id(), Action::ChangeRoster)) {
            let object = Some(Object::of_kind(ObjectKind::Roster));
            return Err(self.refused(&session, me, Event::RosterChange, object, denial.into()));
        }
        let card = read_card(&self.site, &request.card)?;
        check_card(&self.site, before.roster(), &card)?;
        let view = CardView { id: card.id, name: card.name.clone(), code: card.code() };
        (request.confirm)(&view)?;
        let member = self.new_member(before.roster(), &card, &request)?;
        let mut session = session;
        let mut live = self.live()?;
        if live.roster().digest() != before.digest() {
            return Err(Error::new(Code::Busy).with("holder", "roster"));
        }
        let mut roster = successor(&before, now);
        roster.members.push(member.clone());
        roster.members.sort_by_key(|member| member.id);
        let change = Change { roster, policy, code: "member-add", keys: Vec::new() };
        Ok(match self.change(&mut live, &mut session, me, change, None)? {
            Changed::Asked(request) => Done::Asked(Box::new(request)),
            Changed::InForce(after) => {
                let missing = keys::missing(&self.context, &live, after.roster(), now)?;
                Done::Done(MemberAddReport {
                    member: row(after.roster(), &member, now),
                    code: card.code().to_string(),
                    roster_version: after.roster().version,
                    keys_waiting: missing.iter().filter(|(_, to)| *to == member.id).count() as u64,
                })
            }
        })
    }

    fn new_member(&self, roster: &Roster, card: &Card, request: &MemberAdd<'_>) -> Result<Member, Error> {
        let mut clearance = request.clearance.clone();
        clearance.sort_unstable();
        clearance.dedup();
        let sponsor = request.sponsor.as_ref().map(|text| find_member(roster, text)).transpose()?;
        let answers =
            sponsor.and_then(|id| roster.member(id)).is_some_and(|one| one.role != Role::Contractor);
        if request.role == Role::Contractor && !answers {
            return Err(Code::SponsorNeeded.into());
        }
        // Who signs changes does not stop doing so unseen: then nothing could be changed any more.
        if request.role == Role::Officer && request.until.is_some() {
            return Err(Code::OfficerUntil.into());
        }
        // Nobody in a drop box has a key, and a right without one would only look like it.
        if roster.deposit_for.is_some() && (!clearance.is_empty() || request.titles || request.import) {
            return Err(Code::DropBox.into());
        }
        if let Some(until) = &request.until {
            check_date(until, self.site.clock.now().time)?;
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

    /// The people in the roster in force, and when each was last seen.
    ///
    /// # Errors
    /// What keeps the vault from being opened.
    pub fn member_list(&self) -> Result<MemberListReport, Error> {
        let live = self.live()?;
        let (roster, now) = (live.roster().roster(), self.site.clock.now().time);
        let mut members = Vec::new();
        for member in &roster.members {
            let places = live.index().places_of_member(member.id).map_err(StoreError::from)?;
            let last = places.last().map(|place| live.entry(place)).transpose()?;
            let last_seen = last.map(|entry| entry.time());
            members.push(MemberRow { last_seen, ..row(roster, member, now) });
        }
        Ok(MemberListReport { members })
    }
}

/// The next version, not yet changed.
pub(super) fn successor(before: &InForce, now: Timestamp) -> Roster {
    let mut next = before.roster().clone();
    next.version += 1;
    next.vault = Some(before.vault());
    next.previous = Some(before.digest());
    next.created = now;
    next
}

/// A day that is not over.
pub(super) fn check_date(text: &str, now: Timestamp) -> Result<(), Error> {
    let day: Option<Timestamp> = format!("{text}T00:00:00.000Z").parse().ok();
    let fine = day.is_some_and(|day| day.day() == text && *text >= *now.day());
    if fine { Ok(()) } else { Err(Error::new(Code::BadDate).with("detail", text)) }
}

pub(super) fn check_card(site: &Site, roster: &Roster, card: &Card) -> Result<(), Error> {
    if let Some(known) = roster.member(card.id) {
        return Err(Error::new(Code::MemberExists).with("name", &known.name).with("id", known.id));
    }
    if card.recipient.kind(&site.plugins, &*site.random)? != roster.key_kind {
        return Err(Error::new(Code::KeyKind).with("name", &card.name));
    }
    Ok(())
}

/// The member that an id or its beginning of at least four characters means.
pub(super) fn find_member(roster: &Roster, text: &str) -> Result<MemberId, Error> {
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

pub(super) fn row(roster: &Roster, member: &Member, now: Timestamp) -> MemberRow {
    let state = match standing(roster, member.id, now) {
        Ok(_) => "active",
        Err(Denial::Sponsor) => "without-sponsor",
        Err(_) => "ended",
    };
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
        state,
        last_seen: None,
    }
}

//! Requests: what one person asks for and others have to consent to.

use std::path::PathBuf;

use super::init::sign_text;
use super::report::{ApprovalRow, RequestReport};
use super::session::{REASON_LIMIT, Session, actor};
use super::{Code, Error, Vault};
use crate::access::{Action, Consent, Grant};
use crate::agefile::{self, Wrap};
use crate::bundle::Inner;
use crate::crypto::Digest;
use crate::document::is_line;
use crate::id::{DocumentId, MemberId, RequestId};
use crate::identity::{Identity, MemberKey};
use crate::label::{Class, Role};
use crate::log::entry::{Draft, Event, Object, Outcome};
use crate::note::{SignedNote, VerifierKey};
use crate::policy::{
    Approval, Ask, BadAsk, Export, OBJECT_LIMIT, Wanted, consents_needed, may_approve, standing,
};
use crate::roster::Roster;
use crate::store::live::Live;
use crate::store::requests::{self, Ended, RequestFile};
use crate::store::staging::Staging;
use crate::time::Timestamp;

/// How long a request waits before it is over.
const DAYS: i64 = 14;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Files that come with a request.
pub(super) type Files = Vec<(RequestFile, Vec<u8>)>;

/// What is asked for.
pub(super) struct Asking<'a> {
    pub(super) wanted: Wanted,
    pub(super) to: Option<Class>,
    pub(super) note: Option<Digest>,
    pub(super) export: Option<Export>,
    pub(super) objects: Vec<(DocumentId, Digest)>,
    pub(super) reason: Option<&'a str>,
    pub(super) files: Files,
}

impl<'a> Asking<'a> {
    pub(super) fn new(reason: Option<&'a str>) -> Self {
        let (objects, files) = (Vec::new(), Vec::new());
        Self { wanted: Wanted::Roster, to: None, note: None, export: None, objects, reason, files }
    }
}

/// A request as it lies there, with its signature verified.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) digest: Digest,
    pub(super) ended: Option<Ended>,
    /// Approvals that are signed by members of the roster in force and are not over; whose count, policy decides.
    pub(super) approvals: Vec<Approval>,
    /// For a note that is to be in force: it with all genuine signatures of members.
    pub(super) proposed: Option<SignedNote>,
    /// What is to be sent, where the list lies there as it was signed.
    pub(super) inner: Option<Inner>,
}

impl Vault {
    /// Makes a request and records it.
    pub(super) fn ask(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        grant: &Grant,
        asking: Asking<'_>,
    ) -> Result<RequestReport, Error> {
        let roster = live.roster().roster().clone();
        let id = RequestId(self.site.random.bytes16().map_err(|_| Code::NoRandom)?);
        let mut files = asking.files;
        if let Some(reason) = asking.reason {
            files.push((RequestFile::Reason, self.reason_file(live, me, reason)?));
        }
        let reason = files.iter().find(|(file, _)| *file == RequestFile::Reason);
        let now = self.site.clock.now().time;
        let mut objects = asking.objects;
        objects.sort_unstable();
        objects.dedup();
        let ask = Ask {
            vault: live.roster().vault(),
            id,
            wanted: asking.wanted,
            to: asking.to,
            requester: me.id(),
            created: now,
            until: Timestamp::from_unix_ms(now.unix_ms() + DAYS * DAY_MS),
            reason: reason.map(|(_, bytes)| Digest::of(bytes)),
            note: asking.note,
            export: asking.export,
            objects,
        };
        if !ask.is_sound() {
            return Err(Error::new(Code::TooMany).with("size", OBJECT_LIMIT));
        }
        let note = sign_text(&ask.print().ok_or(Code::Internal)?, me)?;
        files.push((RequestFile::Request, note.print().into_bytes()));
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), grant)?;
        let mut places: Vec<PathBuf> = Vec::new();
        for (file, bytes) in &files {
            let place = requests::place(&self.context, id, *file);
            staging.create_new(&place)?.put(bytes)?;
            places.push(place);
        }
        staging.sync()?;
        let mut draft = request_draft(live, session, me, Event::RequestMake, id);
        draft.detail.note_sha256 = Some(note.digest());
        draft.detail.code = ask.wanted.as_str().parse().ok();
        let seq = live.ledger().size();
        session.seal_reason(&mut draft, seq, asking.reason, &roster, &*self.site.random)?;
        self.land(live, &staging, grant, me, (vec![draft], &places))?;
        let asked = self.asked(live, id)?;
        Ok(self.request_report(live, &asked))
    }

    /// The reason, for the eyes of the requester and of everybody whose consent may be asked for.
    fn reason_file(&self, live: &Live, me: &Identity, reason: &str) -> Result<Vec<u8>, Error> {
        if !is_line(reason, REASON_LIMIT) {
            return Err(Error::new(Code::Text).with("name", "reason"));
        }
        let rules = live.rules(crate::policy::Machine::Apart);
        let eyes = rules.roster.members.iter().filter(|member| {
            let active = standing(rules.roster, member.id, rules.now).is_ok();
            member.id == me.id() || (active && member.release) || may_approve(&rules, member.id)
        });
        let keys = eyes.map(|member| member.recipient.parse().map_err(|_| Error::from(Code::TamperedRoster)));
        let keys: Vec<MemberKey> = keys.collect::<Result<_, _>>()?;
        self.encrypt_to(&keys, reason.as_bytes())
    }

    fn encrypt_to(&self, keys: &[MemberKey], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut used: Vec<Box<dyn Wrap + '_>> = Vec::new();
        for key in keys {
            used.push(key.used(&self.site.plugins));
        }
        let used: Vec<&dyn Wrap> = used.iter().map(|key| &**key).collect();
        Ok(agefile::encrypt_small(&used, plain, &*self.site.random)?)
    }

    /// The reason of a request, for somebody who may see it.
    pub(super) fn reason_of(&self, asked: &Asked, me: &Identity) -> Result<Option<String>, Error> {
        let Some(digest) = asked.ask.reason else { return Ok(None) };
        let Some(bytes) = requests::read(&self.context, asked.ask.id, RequestFile::Reason)? else {
            return Err(Error::new(Code::TamperedRequest).with("id", asked.ask.id));
        };
        if Digest::of(&bytes) != digest {
            return Err(Error::new(Code::TamperedRequest).with("id", asked.ask.id));
        }
        let plain =
            me.with_key(&self.site.plugins, |key| agefile::decrypt_small(&[key], &bytes, REASON_LIMIT));
        match plain {
            Ok(plain) => Ok(String::from_utf8(plain.to_vec()).ok()),
            Err(agefile::Error::NoMatch) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The request that an id or its beginning means.
    pub(super) fn find_request(&self, live: &Live, text: &str) -> Result<Asked, Error> {
        if text.len() < 4 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::new(Code::ShortId).with("id", text));
        }
        let ids = requests::list(&self.context)?;
        let fits: Vec<_> = ids.into_iter().filter(|id| id.to_string().starts_with(text)).collect();
        match fits.as_slice() {
            [] => Err(Error::new(Code::NoRequest).with("id", text)),
            [id] => self.asked(live, *id),
            _ => Err(Error::new(Code::AmbiguousId).with("id", text)),
        }
    }

    /// A request with whatever counts of what lies beside it.
    pub(super) fn asked(&self, live: &Live, id: RequestId) -> Result<Asked, Error> {
        self.asked_of(live, id, requests::ended(live, id)?)
    }

    /// The same, where it is known how it ended.
    pub(super) fn asked_of(&self, live: &Live, id: RequestId, ended: Option<Ended>) -> Result<Asked, Error> {
        let tampered = || Error::new(Code::TamperedRequest).with("id", id);
        let (vault, roster) = (live.roster().vault(), live.roster().roster());
        let note = requests::read(&self.context, id, RequestFile::Request)?;
        let note = note.ok_or_else(|| Error::new(Code::NoRequest).with("id", id))?;
        let (ask, digest) = Ask::verify(&note, vault, roster).map_err(|error| match error {
            // Who asked has left; nothing was done to the request.
            BadAsk::Nobody => Error::new(Code::RequestEnded).with("id", id).with("state", "requester-left"),
            error => tampered().because(error),
        })?;
        if ask.id != id {
            return Err(tampered());
        }
        let mut approvals = Vec::new();
        for (_, bytes) in requests::read_all(&self.context, id, "approval-")? {
            // One that does not count is no reason to refuse the others.
            let approval = Approval::verify(&bytes, &ask, digest, roster).ok();
            approvals.extend(approval.filter(|one| !approvals.contains(one)));
        }
        let proposed = ask.note.map(|wanted| self.proposed(id, wanted, roster)).transpose()?.flatten();
        let inner = ask.export.map(|export| self.inner_of(id, &export)).transpose()?.flatten();
        Ok(Asked { ask, digest, ended, approvals, proposed, inner })
    }

    /// The list of what is to be sent, if it is the one that the request names.
    fn inner_of(&self, id: RequestId, export: &Export) -> Result<Option<Inner>, Error> {
        let bytes = requests::read(&self.context, id, RequestFile::Inner)?;
        let bytes = bytes.filter(|bytes| Digest::of(bytes) == export.inner);
        let inner = bytes.and_then(|bytes| Inner::parse(&bytes));
        Ok(inner.filter(|inner| (inner.bundle, inner.receiver) == (export.bundle, export.receiver)))
    }

    /// The note that is to be in force, with the signatures of every member who gave one.
    fn proposed(&self, id: RequestId, wanted: Digest, roster: &Roster) -> Result<Option<SignedNote>, Error> {
        let known: Vec<VerifierKey> =
            roster.members.iter().map(|member| VerifierKey::of_member(member.key)).collect();
        let mut merged: Option<SignedNote> = None;
        for (_, bytes) in requests::read_all(&self.context, id, "proposed-")? {
            let Ok(note) = SignedNote::parse(&bytes) else { continue };
            if note.digest() != wanted || note.verify(&known).is_err() {
                continue;
            }
            match &mut merged {
                None => merged = Some(note),
                Some(merged) => {
                    merged.merge(&note).map_err(|error| Error::new(Code::Internal).because(error))?
                }
            }
        }
        Ok(merged)
    }

    /// Who has consented, for a decision.
    pub(super) fn consents(&self, asked: &Asked) -> Vec<Consent> {
        let now = self.site.clock.now().time;
        asked.approvals.iter().filter_map(|approval| approval.consent(now)).collect()
    }

    /// Whether a request can still come to something.
    ///
    /// # Errors
    /// [`Code::RequestEnded`].
    pub(super) fn still_open(&self, asked: &Asked) -> Result<(), Error> {
        let state = state_of(asked, self.site.clock.now().time);
        if state == "pending" {
            Ok(())
        } else {
            Err(Error::new(Code::RequestEnded).with("id", asked.ask.id).with("state", state))
        }
    }

    /// A request as reports tell it.
    pub(super) fn request_report(&self, live: &Live, asked: &Asked) -> RequestReport {
        let rules = live.rules(crate::policy::Machine::Apart);
        let roster = rules.roster;
        let name = |id: MemberId| roster.member(id).map(|member| member.name.clone());
        let (needed, releaser) = self.needed(live, asked);
        let approvals = match &asked.proposed {
            Some(note) => signers(note, roster).into_iter().map(|id| ("officer", id)).collect::<Vec<_>>(),
            None => asked.approvals.iter().map(|one| (one.part.as_str(), one.member)).collect(),
        };
        RequestReport {
            request: asked.ask.id,
            state: state_of(asked, rules.now),
            action: asked.ask.wanted.to_string(),
            to: asked.ask.to,
            requester: asked.ask.requester,
            requester_name: name(asked.ask.requester),
            created: asked.ask.created,
            until: asked.ask.until,
            documents: match &asked.inner {
                Some(inner) => inner.documents.iter().map(|document| document.id).collect(),
                None => asked.ask.objects.iter().map(|(id, _)| *id).collect(),
            },
            bundle: asked.ask.export.map(|export| export.bundle),
            receiver: asked.ask.export.map(|export| export.receiver),
            receiver_name: asked.ask.export.and_then(|export| {
                let peer = self.peer(live, export.receiver).ok().flatten()?;
                Some(peer.known.roster().name.clone())
            }),
            digest: asked.digest,
            reason: None,
            note: asked.proposed.as_ref().map(|note| note.text().to_owned()),
            changes: changes(live, asked),
            policy: self.policy_text(live, asked),
            approvals_needed: needed,
            releaser_needed: releaser,
            approvals: approvals
                .into_iter()
                .map(|(part, member)| ApprovalRow { member, name: name(member), part: part.to_owned() })
                .collect(),
        }
    }

    /// The policy that a roster would put in force, for those who are to sign it.
    fn policy_text(&self, live: &Live, asked: &Asked) -> Option<String> {
        let roster = Roster::parse(asked.proposed.as_ref()?.text()).ok()?;
        if roster.policy == live.roster().roster().policy {
            return None;
        }
        Some(self.policy_of(live, asked, &roster).ok()?.print())
    }

    /// How many have to consent; for a note how many officers have to sign.
    fn needed(&self, live: &Live, asked: &Asked) -> (u32, bool) {
        let roster = live.roster().roster();
        match asked.ask.wanted {
            Wanted::Roster | Wanted::Exception => {
                let officers = u32::try_from(roster.officers().count()).unwrap_or(u32::MAX);
                (roster.officers_needed.min(officers), false)
            }
            Wanted::Export => self.export_needs(live, asked),
            _ => {
                let classes =
                    asked.ask.objects.iter().filter_map(|(id, _)| live.document(*id).ok().flatten());
                let needed = classes.map(|(_, row)| {
                    let action = action_of(&asked.ask, row.class);
                    action.map_or((0, false), |action| consents_needed(live.policy(), roster.zone, action))
                });
                needed.fold((0, false), |most, one| (most.0.max(one.0), most.1 || one.1))
            }
        }
    }

    /// How many have to consent to what is to be sent, by its classes and where it goes. The most that there can be where
    /// that cannot be told.
    pub(super) fn export_needs(&self, live: &Live, asked: &Asked) -> (u32, bool) {
        let receiver = asked.ask.export.and_then(|export| self.peer(live, export.receiver).ok().flatten());
        let (Some(receiver), Some(inner)) = (receiver, &asked.inner) else {
            return (live.policy().most_people(), true);
        };
        let (from, to) = (live.roster().roster().zone, receiver.known.roster().zone);
        let needs = inner
            .documents
            .iter()
            .map(|document| consents_needed(live.policy(), from, Action::Export(document.class, to)));
        needs.fold((0, false), |most, one| (most.0.max(one.0), most.1 || one.1))
    }
}

/// The act that a request asks for, with documents of this class.
pub(super) fn action_of(ask: &Ask, class: Class) -> Option<Action> {
    match ask.wanted {
        Wanted::Open => Some(Action::Open(class)),
        Wanted::Destroy => Some(Action::Destroy(class)),
        Wanted::Relabel => ask.to.map(|to| Action::Relabel { from: class, to }),
        Wanted::Roster => Some(Action::ChangeRoster),
        Wanted::Exception => Some(Action::Except),
        // Where it goes, the vault that is to receive it says.
        Wanted::Export => None,
    }
}

/// A value is cut for the eye beyond this many characters.
const EYE: usize = 60;

/// What a roster changes in the one in force.
fn changes(live: &Live, asked: &Asked) -> Vec<String> {
    let note = asked.proposed.as_ref().filter(|_| asked.ask.wanted == Wanted::Roster);
    let (Some(note), Ok(present)) = (note, live.roster().roster().print()) else { return Vec::new() };
    let (old, new): (Vec<&str>, Vec<&str>) = (present.lines().collect(), note.text().lines().collect());
    // These are others in every roster.
    let telling =
        |line: &str| !["version ", "previous ", "created ", "vault "].iter().any(|key| line.starts_with(key));
    let only = |these: &[&str], others: &[&str], sign: &str| {
        let others: std::collections::HashSet<&str> = others.iter().copied().collect();
        let lines = these.iter().filter(|line| telling(line) && !others.contains(**line));
        lines.map(|line| format!("{sign} {}", shortened(line))).collect::<Vec<_>>()
    };
    [only(&old, &new, "-"), only(&new, &old, "+")].concat()
}

fn shortened(line: &str) -> String {
    let Some((key, value)) = line.split_once(' ').filter(|(_, value)| value.chars().count() > EYE) else {
        return line.to_owned();
    };
    let head: String = value.chars().take(EYE / 2).collect();
    let tail: String = value.chars().skip(value.chars().count() - EYE / 3).collect();
    format!("{key} {head}…{tail}")
}

/// Members who signed a note.
pub(super) fn signers(note: &SignedNote, roster: &Roster) -> Vec<MemberId> {
    let keys: Vec<VerifierKey> =
        roster.members.iter().map(|member| VerifierKey::of_member(member.key)).collect();
    let Ok(verified) = note.verify(&keys) else { return Vec::new() };
    let signed = |member: &&crate::roster::Member| verified.is_signed_by(&VerifierKey::of_member(member.key));
    roster.members.iter().filter(signed).map(|member| member.id).collect()
}

/// Officers who signed a note and are members still.
pub(super) fn officers_who_signed(note: &SignedNote, roster: &Roster, now: Timestamp) -> usize {
    let officer = |id: &MemberId| standing(roster, *id, now).is_ok_and(|member| member.role == Role::Officer);
    signers(note, roster).iter().filter(|id| officer(id)).count()
}

fn state_of(asked: &Asked, now: Timestamp) -> &'static str {
    match asked.ended {
        Some(Ended::Done) => "done",
        Some(Ended::Rejected) => "rejected",
        Some(Ended::Withdrawn) => "withdrawn",
        None if now >= asked.ask.until => "over",
        None => "pending",
    }
}

/// An entry about a request.
pub(super) fn request_draft(
    live: &Live,
    session: &Session,
    me: &Identity,
    event: Event,
    id: RequestId,
) -> Draft {
    let mut draft = live.draft(event, Outcome::Ok, session.id());
    draft.actor = actor(me, live.roster().roster());
    draft.object = Some(Object::request(id));
    draft
}

//! Other vaults: the own card for them, theirs admitted by an officer, and what came of them since.

mod known;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) use known::Met;
use known::{said, series_before};

use super::channel::Channels;
use super::init::sign_text;
use super::report::{PeerCardReport, PeerListReport, PeerReport, PeerRow};
use super::session::{Session, actor};
use super::{Code, Error, Site, Vault};
use crate::access::{Action, Grant, Request};
use crate::bundle::{CARD_LIMIT, CardNotes, Known, NUMBER_LIMIT, Peer, VaultCard};
use crate::crypto::Digest;
use crate::id::{Code as Digits, VaultId};
use crate::identity::Identity;
use crate::label::{Role, Zone};
use crate::log::entry::{Draft, Event, Object, Outcome};
use crate::note::SignedNote;
use crate::policy::{Machine, decide};
use crate::store::live::Live;
use crate::store::log_keys;
use crate::store::peers::{self, PeerFile};
use crate::store::rosters::NOTE_LIMIT;
use crate::store::staging::Staging;

/// What is compared before another vault is believed.
#[derive(Debug, Clone)]
pub struct VaultCardView {
    /// The vault.
    pub vault: VaultId,
    /// What its people call it.
    pub name: String,
    /// Where it stands.
    pub zone: Zone,
    /// The 25 digits.
    pub code: Digits,
}

/// How the log names the two resets.
const RESET_OUT: &str = "reset-out";
const RESET_IN: &str = "reset-in";

/// What is to become of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// What goes out gets numbers from 1 again, in the next series.
    Out,
    /// What comes in is expected in this series, from 1 on.
    In(u64),
}

/// Another vault as the log and the notes beneath it have it.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    pub(super) peer: Peer,
    pub(super) known: Known,
}

impl Vault {
    /// The vault's card, as a file: the chain of rosters, the policy, the notes by which the log went on. Everything in it is
    /// public, so nobody has to say who they are.
    ///
    /// # Errors
    /// [`Code::Exists`], what keeps the vault from being opened.
    pub fn peer_card(&self, to: &Path) -> Result<PeerCardReport, Error> {
        if self.site.disk.exists(to)? {
            return Err(Error::new(Code::Exists).with("path", to.display()));
        }
        let live = self.live()?;
        let card = self.own_card(&live)?;
        crate::store::disk::write_durably(&*self.site.disk, to, &card.print())?;
        let (vault, code) = (card.known().vault(), card.code().to_string());
        Ok(PeerCardReport { vault, code, path: to.to_owned() })
    }

    /// The own card as it is now.
    pub(super) fn own_card(&self, live: &Live) -> Result<VaultCard, Error> {
        let disk = &*self.context.disk;
        let mut notes = CardNotes::default();
        for version in 1..=live.roster().roster().version {
            notes.rosters.push(disk.read(&self.context.layout.roster(version), NOTE_LIMIT)?);
        }
        if live.roster().roster().policy.is_some() {
            notes.policy = Some(live.policy().print().into_bytes());
        }
        for epoch in 2..=live.ledger().epoch() {
            notes.resumes.push(disk.read(&self.context.layout.resume_note(epoch), NOTE_LIMIT)?);
        }
        notes.hand_overs.extend(log_keys::hand_overs(&self.context)?.into_iter().map(|(_, proof)| proof));
        VaultCard::of(notes).map_err(|error| Error::new(Code::TamperedRoster).because(error))
    }

    /// The own vault as others know it, for judging what it made itself.
    pub(super) fn own_known(&self, live: &Live) -> Result<Known, Error> {
        Ok(self.own_card(live)?.known().clone())
    }

    /// Admits another vault whose card two people have compared.
    ///
    /// # Errors
    /// [`Code::NotAVaultCard`], [`Code::NoRole`] unless the caller is an officer, [`Code::PeerExists`], [`Code::OwnVault`],
    /// what `confirm` says.
    pub fn peer_add(
        &self,
        me: &Identity,
        card: &Path,
        confirm: &mut dyn FnMut(&VaultCardView) -> Result<(), Error>,
    ) -> Result<PeerReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let card = read_vault_card(&self.site, card)?;
        let peer = card.known().vault();
        {
            let live = self.live()?;
            self.may_pair(live, &session, me, peer)?;
        }
        confirm(&vault_card_view(&card))?;
        let mut live = self.live()?;
        if live.roster().vault() == peer {
            return Err(Code::OwnVault.into());
        }
        let before = self.peer(&live, peer)?;
        if before.is_some() {
            let name = &card.known().roster().name;
            return Err(Error::new(Code::PeerExists).with("name", name).with("id", peer));
        }
        // Who was let go and comes back goes on where the numbers were.
        let (out, incoming) = series_before(&live, peer)?;
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Pair))?;
        let note = self.peer_note(&live, me, (peer, card.digest()), (out, incoming))?;
        let file = (peers::place(&self.context, peer, PeerFile::Card(card.digest())), card.print());
        let draft = change_draft(&live, &session, me, peer, "added", Some(note.digest()));
        self.put_peer(&mut live, &session, me, &grant, (peer, &note), vec![file], draft)?;
        self.peer_report(&live, peer)
    }

    fn may_pair(&self, live: Live, session: &Session, me: &Identity, peer: VaultId) -> Result<(), Error> {
        match decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Pair)) {
            Ok(_) => Ok(()),
            Err(denial) => {
                drop(live);
                Err(self.refused(session, me, Event::PeerChange, Some(Object::vault(peer)), denial.into()))
            }
        }
    }

    fn peer_note(
        &self,
        live: &Live,
        me: &Identity,
        (peer, card): (VaultId, Digest),
        (out, incoming): (u64, u64),
    ) -> Result<SignedNote, Error> {
        let created = self.site.clock.now().time;
        let (vault, roster) = (live.roster().vault(), live.roster().digest());
        let note = Peer { vault, roster, peer, card, out, incoming, created };
        sign_text(&note.print().ok_or(Code::Internal)?, me)
    }

    #[allow(clippy::too_many_arguments)]
    fn put_peer(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        grant: &Grant,
        (peer, note): (VaultId, &SignedNote),
        mut files: Vec<(PathBuf, Vec<u8>)>,
        draft: Draft,
    ) -> Result<(), Error> {
        let place = peers::place(&self.context, peer, PeerFile::Peer(note.digest()));
        files.push((place, note.print().into_bytes()));
        self.put_peer_files(live, session, me, grant, files, draft)
    }

    fn put_peer_files(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        grant: &Grant,
        files: Vec<(PathBuf, Vec<u8>)>,
        draft: Draft,
    ) -> Result<(), Error> {
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), grant)?;
        let mut places = Vec::new();
        for (place, bytes) in files {
            // What lies there under the name and is something else was never named by an entry, and would be in the way for
            // ever once this one is.
            match self.context.disk.read(&place, CARD_LIMIT as u64) {
                Ok(there) if there == bytes => continue,
                Err(error) if error.is_not_found() => {}
                _ => self.context.disk.remove_file(&place)?,
            }
            staging.create(&place)?.put(&bytes)?;
            places.push(place);
        }
        staging.sync()?;
        self.land(live, &staging, grant, me, (vec![draft], &places))
    }

    /// Lets another vault go: nothing more goes out to it or comes in from it.
    ///
    /// # Errors
    /// [`Code::NoRole`], [`Code::NoPeer`].
    pub fn peer_remove(&self, me: &Identity, peer: &str) -> Result<PeerReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let id = match self.find_peer(&live, peer) {
            Ok(found) => found.known.vault(),
            // What lies there of it may be damaged, and that is a reason to let it go.
            Err(error) if matches!(error.code(), Code::TamperedPeer | Code::TruncatedPeer) => {
                let named = |id: &&VaultId| peer.len() >= 4 && id.to_string().starts_with(peer);
                said(&live)?.keys().find(named).copied().ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        self.may_pair(live, &session, me, id)?;
        live = self.live()?;
        let report = self.peer_report(&live, id).unwrap_or_else(|_| PeerReport { peer: unreadable(id) });
        let draft = change_draft(&live, &session, me, id, "removed", None);
        live.record_end(vec![draft], Some(me.signing()))?;
        Ok(report)
    }

    /// Begins the numbers of a channel anew. An officer of each side has to: the sender [`Reset::Out`], the receiver
    /// [`Reset::In`] with the series that the sender got.
    ///
    /// # Errors
    /// [`Code::NoRole`], [`Code::NoPeer`], [`Code::Usage`] for a series that is not a later one.
    pub fn peer_reset(&self, me: &Identity, peer: &str, reset: Reset) -> Result<PeerReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let id = self.find_peer(&live, peer)?.known.vault();
        self.may_pair(live, &session, me, id)?;
        live = self.live()?;
        let found = self.peer(&live, id)?.ok_or_else(|| Error::new(Code::NoPeer).with("id", id))?;
        let (out, incoming) = match reset {
            Reset::Out => (found.peer.out.saturating_add(1).min(NUMBER_LIMIT), found.peer.incoming),
            Reset::In(series) if (found.peer.incoming + 1..=NUMBER_LIMIT).contains(&series) => {
                (found.peer.out, series)
            }
            Reset::In(_) => return Err(Error::new(Code::Usage).with("detail", "--in")),
        };
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Pair))?;
        let note = self.peer_note(&live, me, (id, found.peer.card), (out, incoming))?;
        let code = if reset == Reset::Out { RESET_OUT } else { RESET_IN };
        let mut draft = change_draft(&live, &session, me, id, code, Some(note.digest()));
        draft.detail.series = Some(if reset == Reset::Out { out } else { incoming });
        self.put_peer(&mut live, &session, me, &grant, (id, &note), Vec::new(), draft)?;
        self.peer_report(&live, id)
    }

    /// Takes rosters of another vault that follow from what is known, and that came with something it signed.
    pub(super) fn peer_follow(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        (before, after): (&Known, &Known),
        notes: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), Error> {
        let handed = after.hand_overs().len();
        let rest = before.epoch() == after.epoch() && before.hand_overs().len() == handed;
        if before.roster_digest() == after.roster_digest() && rest {
            return Ok(());
        }
        let id = after.vault();
        let mut files = Vec::new();
        for (name, bytes) in notes {
            let number =
                |prefix: &str| name.strip_prefix(prefix).and_then(|digits| digits.parse::<u64>().ok());
            let file = if let Some(version) = number("roster-") {
                (version > before.roster().version).then_some(PeerFile::Roster(version))
            } else if let Some(epoch) = number("resume-") {
                (epoch > before.epoch()).then_some(PeerFile::Resume(epoch))
            } else if let Some(number) = number("log-key-") {
                (number > before.hand_overs().len() as u64).then_some(PeerFile::LogKey(number))
            } else if name == "policy" {
                Some(PeerFile::Policy(Digest::of(bytes)))
            } else {
                None
            };
            files.extend(file.map(|file| (peers::place(&self.context, id, file), bytes.clone())));
        }
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
        let mut draft = change_draft(live, session, me, id, "followed", Some(after.roster_digest()));
        draft.detail.version = Some(after.roster().version);
        draft.detail.to = Some(after.epoch());
        draft.detail.count = Some(handed as u64).filter(|count| *count > 0);
        // What the session stages for itself has a folder of its own.
        let own = Session::begin(&*self.site.random)?;
        draft.session = own.id();
        self.put_peer_files(live, &own, me, &grant, files, draft)
    }

    /// Another vault by its id or the beginning of it, or by its name.
    pub(super) fn find_peer(&self, live: &Live, text: &str) -> Result<Admitted, Error> {
        let (mut fits, mut unreadable) = (Vec::new(), None);
        for id in said(live)?.keys() {
            let by_id = text.len() >= 4 && id.to_string().starts_with(text);
            let found = match self.peer(live, *id) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                // What is wrong with one is no reason to do without the others.
                Err(error) if by_id => return Err(error),
                Err(error) => {
                    unreadable.get_or_insert(error);
                    continue;
                }
            };
            if by_id || found.known.roster().name == text {
                fits.push(found);
            }
        }
        match (fits.pop(), fits.is_empty()) {
            (None, _) => Err(unreadable.unwrap_or_else(|| Error::new(Code::NoPeer).with("id", text))),
            (Some(found), true) => Ok(found),
            (Some(_), false) => Err(Error::new(Code::AmbiguousId).with("id", text)),
        }
    }

    /// Every vault that is admitted.
    pub(super) fn peers(&self, live: &Live) -> Result<Vec<Admitted>, Error> {
        let mut all = Vec::new();
        for id in said(live)?.keys() {
            all.extend(self.peer(live, *id)?);
        }
        Ok(all)
    }

    /// Other vaults, and how far the channels with them are.
    ///
    /// # Errors
    /// [`Code::TamperedPeer`], [`Code::TruncatedPeer`], what keeps the vault from being opened.
    pub fn peer_list(&self) -> Result<PeerListReport, Error> {
        let live = self.live()?;
        let channels = Channels::read(&live)?;
        let peers = self.peers(&live)?;
        Ok(PeerListReport { peers: peers.iter().map(|peer| row(peer, &channels)).collect() })
    }

    fn peer_report(&self, live: &Live, id: VaultId) -> Result<PeerReport, Error> {
        let found = self.peer(live, id)?.ok_or_else(|| Error::new(Code::NoPeer).with("id", id))?;
        Ok(PeerReport { peer: row(&found, &Channels::read(live)?) })
    }
}

/// Reads a card of another vault. Its notes add up; whose it is, its code settles between two people.
///
/// # Errors
/// [`Code::NotAVaultCard`], [`Code::NoFile`], [`Code::Io`].
pub fn read_vault_card(site: &Site, path: &Path) -> Result<VaultCard, Error> {
    let wrong = || Error::new(Code::NotAVaultCard).with("path", path.display());
    let bytes = match site.disk.read(path, CARD_LIMIT as u64) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => {
            return Err(Error::new(Code::NoFile).with("path", path.display()));
        }
        Err(error) if error.is_wrong_kind() => return Err(wrong()),
        Err(error) => return Err(error.into()),
    };
    VaultCard::parse(&bytes).map_err(|error| wrong().because(error))
}

/// What is to be compared before a card is believed.
pub fn vault_card_view(card: &VaultCard) -> VaultCardView {
    let roster = card.known().roster();
    VaultCardView {
        vault: card.known().vault(),
        name: roster.name.clone(),
        zone: roster.zone,
        code: card.code(),
    }
}

/// A vault of which nothing can be read but its id.
fn unreadable(vault: VaultId) -> PeerRow {
    PeerRow {
        vault,
        name: vault.to_string(),
        zone: Zone::Networked,
        sent: 0,
        received: 0,
        series_out: 0,
        series_in: 0,
        roster_version: 0,
        officers: Vec::new(),
        last_received: None,
    }
}

fn row(peer: &Admitted, channels: &Channels) -> PeerRow {
    let roster = peer.known.roster();
    let id = peer.known.vault();
    let ledger = channels.ledger(id, peer.peer.incoming);
    PeerRow {
        vault: id,
        name: roster.name.clone(),
        zone: roster.zone,
        sent: channels.last_out(id, peer.peer.out).map_or(0, |link| link.number),
        received: ledger.last().map_or(0, |link| link.number),
        series_out: peer.peer.out,
        series_in: peer.peer.incoming,
        roster_version: roster.version,
        officers: roster
            .members
            .iter()
            .filter(|member| member.role == Role::Officer)
            .map(|member| member.name.clone())
            .collect(),
        last_received: ledger.imported.last().map(|(_, when)| *when),
    }
}

/// An entry about another vault.
fn change_draft(
    live: &Live,
    session: &Session,
    me: &Identity,
    peer: VaultId,
    code: &str,
    note: Option<Digest>,
) -> Draft {
    let mut draft = live.draft(Event::PeerChange, Outcome::Ok, session.id());
    draft.actor = actor(me, live.roster().roster());
    draft.object = Some(Object::vault(peer));
    draft.detail.code = code.parse().ok();
    draft.detail.note_sha256 = note;
    draft
}

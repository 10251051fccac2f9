//! Questions to the log, answered from the index; and what titles the documents have that came up.

use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use super::list::document_row;
use super::parallel;
use super::session::Session;
use super::{Code, Error, Vault};
use crate::access::{Action, Request};
use crate::audit::{Answer, People, Query, Question};
use crate::id::{DocumentId, VaultId};
use crate::identity::Identity;
use crate::log::entry::{Entry, Event, Object, Outcome};
use crate::policy::decide;
use crate::roster::InForce;
use crate::store::StoreError;
use crate::store::index::Place;
use crate::store::live::Live;
use crate::store::lookup::{self, Places};
use crate::store::segments::{SegmentError, Segments, Signposts, Wanted};

impl Vault {
    /// Everybody who ever was a member of this vault.
    ///
    /// # Errors
    /// What keeps the rosters from being read.
    pub fn audit_people(&self) -> Result<(VaultId, People), Error> {
        let _lock = self.lock()?;
        let record = crate::store::live::known_host(&self.context)?.record().clone();
        let (chain, _) = self.roster_chain(&record)?;
        Ok((record.vault, People::of(&chain)))
    }

    /// Answers a question from the index. Each entry is read from the log's files, proven to be in the tree that the vault was
    /// opened with, and looked at; what a wrong index leaves out does not show.
    ///
    /// # Errors
    /// [`Code::NoMember`], [`Code::NoDocument`], [`Code::ShortId`], [`Code::AmbiguousId`]; what keeps the vault from being
    /// opened.
    pub fn audit_query(&self, question: &Question) -> Result<Answer, Error> {
        let live = self.live()?;
        let chain: Vec<InForce> = live.chain()?;
        let people = People::of(&chain);
        let mut question = question.clone();
        question.name(&people)?;
        if let Some(text) = &question.document {
            question.query.document = Some(document(&live, text)?);
        }
        let places = candidates(&live, &question.query)?;
        let places = places.filter(|places| places.len() <= MANY.max(live.ledger().size() / SHARE));
        let found = places.map(|places| self.read(&live, &question.query, &places)).transpose()?;
        Ok(Answer { vault: live.roster().vault(), people, found })
    }

    /// Reads the entries that an index names.
    fn read(&self, live: &Live, query: &Query, places: &Places) -> Result<Vec<(u64, Entry)>, Error> {
        let mut found = Vec::new();
        for runs in places.runs().chunk_by(|(one, _), (two, _)| one.epoch == two.epoch) {
            let Some((first, _)) = runs.first() else { continue };
            let epoch = first.epoch;
            let past;
            let segments = if epoch == live.ledger().epoch() {
                live.ledger().segments()
            } else {
                let folder = self.context.layout.log(epoch);
                past =
                    Segments::read(self.site.disk.clone(), &folder, first.seq).map_err(StoreError::from)?;
                &past
            };
            let mut seqs = Vec::new();
            for (first, count) in runs {
                let end = first.seq.saturating_add(*count);
                if end > segments.size() {
                    return Err(Error::new(Code::DamagedIndex).with("detail", format!("{epoch}/{end}")));
                }
                seqs.extend(first.seq..end);
            }
            let past = live.index().past();
            let signposts = Signposts::open(&**past.disk(), &past.signposts(epoch));
            let entries = proven(segments, signposts.as_ref(), query, &seqs).map_err(StoreError::from)?;
            found.extend(entries.into_iter().map(|entry| (epoch, entry)));
        }
        Ok(found)
    }

    /// Titles of documents, for a member who may see them, which is recorded. Those that were destroyed have none.
    ///
    /// # Errors
    /// [`Code::NotAMember`], [`Code::NoTitleRight`]; what keeps the vault from being opened, and the log from being written.
    pub fn audit_titles(
        &self,
        me: &Identity,
        documents: &[DocumentId],
    ) -> Result<BTreeMap<DocumentId, String>, Error> {
        let mut live = self.live()?;
        let object = match documents {
            [one] => Some(Object::document(*one)),
            _ => None,
        };
        let rules = live.rules(self.machine(&live));
        if let Err(denial) = decide(&rules, Request::new(me.id(), Action::SeeTitles)) {
            drop(live);
            let session = Session::begin(&*self.site.random)?;
            return Err(self.refused(&session, me, Event::TitleRead, object, self.told(denial)));
        }
        let mut session = Session::begin(&*self.site.random)?;
        let intent = self.titles_intent(&mut live, &session, me, object)?;
        let catalogue = Catalogue::unlock(&self.site, &self.context, &live, me)?;
        catalogue.fold(&self.site, &self.context, &live)?;
        let mut titles = BTreeMap::new();
        for id in documents {
            let Some((_, Some(row))) = live.index().document(*id)? else { continue };
            // Not folded in: damage to one document, which is for `verify` to tell.
            if row.private.is_empty() {
                continue;
            }
            let meta = catalogue.open(&row)?;
            titles.extend(document_row(&row, Some(meta)).title.map(|title| (*id, title)));
        }
        self.titles_done(&mut live, &mut session, me, intent, titles.len() as u64)?;
        Ok(titles)
    }
}

/// The document that an id or its beginning means, destroyed or not.
fn document(live: &Live, text: &str) -> Result<DocumentId, Error> {
    let hex = text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    if !hex || !(4..=32).contains(&text.len()) {
        return Err(Error::new(Code::ShortId).with("id", text));
    }
    match live.index().documents_with_prefix(text)?.as_slice() {
        [] => Err(Error::new(Code::NoDocument).with("id", text)),
        [id] => Ok(*id),
        _ => Err(Error::new(Code::AmbiguousId).with("id", text)),
    }
}

/// The entries of one log at these places that a query wants, each of them proven; bundles are read on all processors.
fn proven(
    segments: &Segments,
    signposts: Option<&Signposts>,
    query: &Query,
    seqs: &[u64],
) -> Result<Vec<Entry>, SegmentError> {
    let of = |seq: u64, bytes: &[u8]| -> Result<Option<Entry>, SegmentError> {
        let entry = Entry::parse(bytes).ok().filter(|entry| entry.seq() == seq);
        Ok(Some(entry.ok_or(SegmentError::Entry { at: seq })?).filter(|entry| query.matches(entry)))
    };
    let (wanted, full) = segments.wanted(seqs)?;
    let files = segments.files();
    let parts: Vec<&[Wanted<'_>]> = wanted.chunks(PART).collect();
    let read = parallel::for_each(parts.len(), 1, |at| {
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        for wanted in parts.get(at).copied().unwrap_or_default() {
            for (seq, bytes) in wanted.read(files, signposts, &mut buffer)? {
                found.extend(of(seq, &bytes)?);
            }
        }
        Ok(found)
    });
    let mut found = Vec::new();
    for (entries, part) in read.into_iter().zip(parts) {
        // A thread that was lost to a panic has proven nothing.
        let at = part.first().map_or(0, Wanted::start);
        found.extend(entries.unwrap_or(Err(SegmentError::Entry { at }))?);
    }
    for seq in seqs.get(full..).unwrap_or_default() {
        found.extend(of(*seq, &segments.proven_entry(*seq)?)?);
    }
    Ok(found)
}

/// So many bundles are one piece of work, through one buffer.
const PART: usize = 8;

/// From so many places on, and from such a share of the log, reading all of it takes less than proving entries one by one.
const MANY: u64 = 4096;
const SHARE: u64 = 16;

/// So few places are quicker read than compared with what other indexes say.
const FEW: u64 = 256;

/// Where entries can stand, by what the index knows; `None` where it knows nothing of what was asked.
fn candidates(live: &Live, query: &Query) -> Result<Option<Places>, Error> {
    let index = live.index();
    let mut places = None;
    if let Some(document) = query.document {
        let about: Vec<Place> = lookup::places(index, document)?;
        narrow(&mut places, Places::single(&about));
    }
    if let Some(outcomes) = outcomes(live, &query.outcomes)?.filter(|_| is_worth(places.as_ref())) {
        narrow(&mut places, outcomes);
    }
    if let Some((first, last)) = query.days().filter(|_| is_worth(places.as_ref())) {
        let runs = lookup::runs_between(index, lookup::DAY, first.as_bytes(), last.as_bytes())?;
        narrow(&mut places, Places::new(runs));
    }
    if let Some(members) = query.members.as_ref().filter(|_| is_worth(places.as_ref())) {
        let runs = members.iter().map(|member| lookup::runs(index, lookup::MEMBER, &member.0));
        narrow(&mut places, Places::new(runs.collect::<Result<Vec<_>, _>>()?.concat()));
    }
    if !query.events.is_empty() && is_worth(places.as_ref()) {
        let of = |event: &Event| lookup::runs(index, lookup::EVENT, event.as_str().as_bytes());
        let runs = query.events.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        narrow(&mut places, Places::new(runs.concat()));
    }
    Ok(places)
}

/// Whether another index is worth asking.
fn is_worth(places: Option<&Places>) -> bool {
    places.is_none_or(|places| places.len() > FEW)
}

fn narrow(places: &mut Option<Places>, more: Places) {
    *places = Some(places.take().map_or_else(|| more.clone(), |held| held.and(&more)));
}

/// Outcomes other than `ok` have runs; nearly every entry is `ok`, so that one narrows nothing.
fn outcomes(live: &Live, wanted: &[Outcome]) -> Result<Option<Places>, Error> {
    if wanted.is_empty() || wanted.contains(&Outcome::Ok) || !live.index().knows_outcomes()? {
        return Ok(None);
    }
    let runs =
        wanted.iter().map(|outcome| lookup::runs(live.index(), lookup::OUTCOME, outcome.as_str().as_bytes()));
    Ok(Some(Places::new(runs.collect::<Result<Vec<_>, _>>()?.concat())))
}

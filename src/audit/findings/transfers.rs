//! What crossed the gap, as this log has it.

use std::collections::HashMap;

use super::calendar::DAY_MS;
use super::pile::{Facts, Key, Of, Pile, Sight};
use super::rules::Rules;
use super::watch::{End, Here};
use super::{Name, Weight};
use crate::id::{BundleId, MemberId, VaultId};
use crate::log::entry::{Detail, Event, Object, Outcome, Phase};

/// So many bundles on their way are remembered, and so many channels.
const MOST: usize = 65_536;
/// Beginnings of reasons by which a bundle is refused for what it is, and not for who asks.
const REASONS: [&str; 4] = ["bundle.", "tampered.", "forked.", "damaged."];
/// Reasons that say that somebody may have tampered, or that two vaults say they are one.
const GRAVE: [&str; 6] =
    ["tampered.", "forked.", "bundle.forked", "bundle.log-forked", "bundle.signature", "bundle.chain"];

#[derive(Debug)]
struct Sent {
    number: u64,
    peer: Option<VaultId>,
    member: Option<MemberId>,
    written: Option<Sight>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Way {
    Out,
    In,
}

#[derive(Debug)]
pub(super) struct Transfers {
    sent: HashMap<BundleId, Sent>,
    /// The newest number of each channel, and where it was given.
    newest: HashMap<(Way, VaultId, u64), (u64, Sight)>,
    patience: i64,
}

fn code(detail: &Detail) -> &str {
    detail.code.as_ref().map_or("", |code| code.as_str())
}

impl Transfers {
    pub(super) fn new(rules: &Rules) -> Self {
        Self { sent: HashMap::new(), newest: HashMap::new(), patience: rules.days(Name::NoReceipt) }
    }

    pub(super) fn entry(&mut self, here: &Here<'_>, pile: &mut Pile) {
        let entry = here.entry;
        match entry.event() {
            Event::DocumentImport => return unscanned(here, pile),
            Event::BundleWrite | Event::BundleImport | Event::BundleAccept | Event::BundleReceipt => {}
            _ => return,
        }
        if entry.outcome() != Outcome::Ok {
            return refused(here, pile);
        }
        let Some(bundle) = entry.object().and_then(Object::bundle_id) else { return };
        match (entry.event(), entry.phase()) {
            (Event::BundleWrite, Phase::Intent) => self.begun(here, bundle, pile),
            (Event::BundleWrite, Phase::Done) if code(entry.detail()) == "all-media" => {
                if let Some(sent) = self.sent.get_mut(&bundle) {
                    (sent.written, sent.member) = (Some(here.at), entry.actor().id);
                }
            }
            // Other answers are not the last word.
            (Event::BundleReceipt, Phase::Single)
                if ["accepted", "rejected"].contains(&code(entry.detail())) =>
            {
                self.sent.remove(&bundle);
            }
            (Event::BundleImport, Phase::Done) => self.number(here, Way::In, pile),
            _ => {}
        }
    }

    fn begun(&mut self, here: &Here<'_>, bundle: BundleId, pile: &mut Pile) {
        let detail = here.entry.detail();
        if self.sent.contains_key(&bundle) {
            // Written once more, or on the next medium.
            return;
        }
        self.number(here, Way::Out, pile);
        if self.sent.len() < MOST {
            let number = detail.number.unwrap_or(0);
            let member = here.entry.actor().id;
            self.sent.insert(bundle, Sent { number, peer: detail.peer, member, written: None });
        }
    }

    /// A new bundle has the next number of its channel.
    fn number(&mut self, here: &Here<'_>, way: Way, pile: &mut Pile) {
        let detail = here.entry.detail();
        let (Some(peer), Some(series), Some(number)) = (detail.peer, detail.series, detail.number) else {
            return;
        };
        let place = (way, peer, series);
        let known = self.newest.get(&place).copied();
        if known.is_none() && self.newest.len() >= MOST {
            return;
        }
        let last = known.map_or(0, |(number, _)| number);
        if number > last || known.is_none() {
            self.newest.insert(place, (number, here.at));
        }
        let (rule, weight) = match number.checked_sub(last) {
            Some(1) => return,
            None | Some(0) => (Name::ChannelFork, Weight::Alarm),
            Some(_) => (Name::ChannelGap, Weight::Alarm),
        };
        let sights: Vec<Sight> = known.map(|(_, at)| at).into_iter().chain([here.at]).collect();
        let direction = if way == Way::Out { "out" } else { "in" };
        let key = Key { word: Some(format!("{direction} {peer} {series} {number}")), ..Key::default() };
        pile.add(Of::new(rule, weight, here.entry.actor().id), key, &sights, || {
            let mut facts: Facts = vec![("way", direction.to_owned()), ("peer", peer.to_string())];
            facts.push(("number", number.to_string()));
            if rule == Name::ChannelGap {
                facts.push(("from", (last + 1).to_string()));
                facts.push(("to", (number - 1).to_string()));
            }
            facts
        });
    }

    pub(super) fn finish(&mut self, end: &End<'_>, pile: &mut Pile) {
        let mut waiting: Vec<(BundleId, Sent)> = self.sent.drain().collect();
        waiting.sort_unstable_by_key(|(id, sent)| (sent.written.map(|at| at.seq), *id));
        for (id, sent) in waiting {
            let Some(written) = sent.written else { continue };
            let waited = end.upto.unix_ms().saturating_sub(written.time.unix_ms());
            if waited < self.patience {
                continue;
            }
            let of = Of::new(Name::NoReceipt, Weight::Warning, sent.member);
            pile.add(of, Key::what(id.0), &[written], || {
                vec![
                    ("bundle", id.to_string()),
                    ("number", sent.number.to_string()),
                    ("peer", sent.peer.map(|peer| peer.to_string()).unwrap_or_default()),
                    ("days", (waited / DAY_MS).to_string()),
                ]
            });
        }
    }
}

/// Documents that were let in and that no program had looked at: the entry says so itself.
fn unscanned(here: &Here<'_>, pile: &mut Pile) {
    let (entry, detail) = (here.entry, here.entry.detail());
    if entry.outcome() != Outcome::Ok || code(detail) == "clean" {
        return;
    }
    let bundle = detail.bundle.unwrap_or(BundleId([0; 16]));
    let of = Of::new(Name::UnscannedImport, Weight::Warning, entry.actor().id);
    pile.add(of, Key::what(bundle.0), &[here.at], || vec![("bundle", bundle.to_string())]);
}

/// Refused for what it is. Who was not allowed is another rule's.
fn refused(here: &Here<'_>, pile: &mut Pile) {
    let reason = here.reason();
    let begins = |with: &[&str]| with.iter().any(|beginning| reason.starts_with(beginning));
    if !begins(&REASONS) {
        return;
    }
    let weight = if begins(&GRAVE) { Weight::Alarm } else { Weight::Warning };
    let of = Of::new(Name::RefusedBundle, weight, here.entry.actor().id);
    pile.add(of, Key::word(here.day, reason), &[here.at], || {
        vec![("event", here.entry.event().to_string()), ("reason", reason.to_owned())]
    });
}

//! What is out, for how long, and what came back; what came in, and what waits.

use super::super::channel::{Channels, Fate};
use super::super::report::{BundleInRow, BundleListReport, BundleOutRow};
use super::super::{Error, Vault};
use crate::id::VaultId;
use crate::policy::Wanted;
use crate::store::live::Live;
use crate::store::requests;
use crate::time::Timestamp;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Vault {
    /// Every bundle that was asked for, went out or came in.
    ///
    /// # Errors
    /// What keeps the vault from being opened.
    pub fn bundle_list(&self) -> Result<BundleListReport, Error> {
        let live = self.live()?;
        let channels = Channels::read(&live)?;
        self.tidy_outbox(&channels)?;
        self.tidy_quarantine(&live)?;
        let now = self.site.clock.now().time;
        let mut out = self.bundles_asked_for(&live, &channels)?;
        for (id, one) in &channels.out {
            let state = match (&one.answer, one.written) {
                (Some((verdict, _)), _) => verdict.clone(),
                (None, Some(_)) => "out".to_owned(),
                (None, None) => "writing".to_owned(),
            };
            let until = one.answer.as_ref().map_or(now, |(_, when)| *when);
            out.push(BundleOutRow {
                bundle: *id,
                state,
                peer: one.peer,
                peer_name: self.peer_name(&live, one.peer),
                number: Some(one.link.number),
                attempt: Some(one.attempt),
                documents: one.documents,
                since: one.since,
                days: days(one.since, until),
                request: None,
            });
        }
        out.sort_by_key(|row| row.since);
        let mut incoming: Vec<BundleInRow> = Vec::new();
        for (id, one) in &channels.incoming {
            let state = match one.fate {
                Fate::Quarantine => "quarantine",
                Fate::Accepted => "accepted",
                Fate::Rejected => "rejected",
            };
            incoming.push(BundleInRow {
                bundle: *id,
                state: state.to_owned(),
                peer: one.peer,
                peer_name: self.peer_name(&live, one.peer),
                number: one.link.number,
                attempt: one.attempt,
                documents: one.documents,
                since: one.since,
            });
        }
        incoming.sort_by_key(|row| row.since);
        Ok(BundleListReport { out, incoming })
    }

    /// Bundles that have no number yet.
    fn bundles_asked_for(&self, live: &Live, channels: &Channels) -> Result<Vec<BundleOutRow>, Error> {
        let mut rows = Vec::new();
        let ended = requests::all_ended(live)?;
        for id in requests::list(&self.context)? {
            let Ok(asked) = self.asked_of(live, id, ended.get(&id).copied()) else { continue };
            let export = asked.ask.export.filter(|_| asked.ask.wanted == Wanted::Export);
            let Some(export) = export.filter(|export| !channels.out.contains_key(&export.bundle)) else {
                continue;
            };
            let report = self.request_report(live, &asked);
            let approved = report.state == "pending" && self.is_approved(live, &asked);
            let state = match report.state {
                "pending" if approved => "approved",
                "pending" => "requested",
                over => over,
            };
            rows.push(BundleOutRow {
                bundle: export.bundle,
                state: state.to_owned(),
                peer: export.receiver,
                peer_name: self.peer_name(live, export.receiver),
                number: None,
                attempt: None,
                documents: report.documents.len() as u64,
                since: asked.ask.created,
                days: 0,
                request: Some(id),
            });
        }
        Ok(rows)
    }

    fn is_approved(&self, live: &Live, asked: &super::super::ask::Asked) -> bool {
        let (needed, releaser) = self.export_needs(live, asked);
        let rules = live.rules(crate::policy::Machine::Apart);
        let consents = self.consents(asked);
        let (given, released) = crate::policy::consents_given(&rules, asked.ask.requester, &consents);
        given >= needed && (released || !releaser)
    }

    fn peer_name(&self, live: &Live, id: VaultId) -> Option<String> {
        let peer = self.peer(live, id).ok().flatten()?;
        Some(peer.known.roster().name.clone())
    }
}

fn days(from: Timestamp, to: Timestamp) -> i64 {
    (to.unix_ms() - from.unix_ms()).max(0) / DAY_MS
}

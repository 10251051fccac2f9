//! Health.

use super::channel::{Channels, Fate, Outgoing};
use super::finish::{is_finished, lacking, over, stale};
use super::keys;
use super::policy::people_there;
use super::report::{LogStatus, StatusReport, Warning};
use super::rewrap::Way;
use super::{Error, Vault};
use crate::access::Denial;
use crate::label::{Class, Zone};
use crate::policy::{Machine, Rules, standing};
use crate::roster::Purpose;
use crate::store::live::Live;

/// A bundle that was not answered for so long is worth a question: 30 days.
const ANSWER_MS: i64 = 30 * 24 * 60 * 60 * 1000;

impl Vault {
    /// The vault's health. Opening it finishes what a kill left.
    ///
    /// # Errors
    /// What keeps the vault from being opened: that is the vault's health, then.
    pub fn status(&self) -> Result<StatusReport, Error> {
        let live = self.live()?;
        let roster = live.roster().roster();
        let size = live.ledger().size();
        let rules = live.rules(Machine::Apart);
        let mut warnings = warnings(&rules);
        if !live.ledger().can_write() {
            warnings.push(Warning { code: "host-not-enrolled".to_owned(), detail: String::new() });
        }
        let channels = Channels::read(&live)?;
        self.across_the_gap(&channels, &mut warnings);
        let epoch = live.ledger().epoch();
        Ok(StatusReport {
            vault: live.roster().vault(),
            name: roster.name.clone(),
            zone: roster.zone,
            documents: live.documents(),
            log: LogStatus { epoch, size, signed_size: size, witnessed_size: channels.witnessed(epoch) },
            pending: self.pending(&live)?,
            links: self.links_found(&live, &mut warnings),
            warnings,
        })
    }

    /// Bundles that nobody decided about, and those that nobody answered.
    fn across_the_gap(&self, channels: &Channels, warnings: &mut Vec<Warning>) {
        let waiting = channels.incoming.values().filter(|one| one.fate == Fate::Quarantine).count();
        if waiting > 0 {
            warnings.push(Warning { code: "quarantine".to_owned(), detail: waiting.to_string() });
        }
        let long_ago = self.site.clock.now().time.unix_ms() - ANSWER_MS;
        let silent = |out: &&Outgoing| out.answer.is_none() && out.since.unix_ms() < long_ago;
        let unanswered = channels.out.values().filter(silent).count();
        if unanswered > 0 {
            warnings.push(Warning { code: "unanswered".to_owned(), detail: unanswered.to_string() });
        }
    }

    /// What was finished just now, and what waits for a member who holds keys.
    fn pending(&self, live: &Live) -> Result<Vec<String>, Error> {
        let mut pending = live.recovered().to_vec();
        let missing = keys::missing(&self.context, live, live.roster().roster(), self.site.clock.now().time)?;
        pending.extend(lacking(&missing));
        let over = over(live, self.site.clock.now().time);
        pending.extend(over.iter().map(|member| format!("revoke {member}")));
        for class in Class::ALL.iter().copied() {
            let since = self.generation_since(live, Purpose::Class(class))?;
            if let Some((key, since)) = since.filter(|(key, _)| !is_finished(live, *key).unwrap_or(false)) {
                let count = stale(live, class, since, Way::Rewrap)?;
                if count > 0 {
                    pending.push(format!("rewrap {key} {count}"));
                }
            }
        }
        Ok(pending)
    }

    /// What connects the machine, where the vault is isolated; with a warning when there is anything.
    fn links_found(&self, live: &Live, warnings: &mut Vec<Warning>) -> Option<Vec<String>> {
        if live.roster().roster().zone != Zone::Isolated {
            return None;
        }
        let links = match self.site.surroundings.links() {
            Ok(links) => links.into_iter().map(|link| format!("{}: {}", link.kind, link.name)).collect(),
            Err(error) => vec![error.to_string()],
        };
        if !links.is_empty() {
            let (code, detail) = match self.exception(live) {
                Some(until) => ("excepted", until.to_string()),
                None => ("connected", self.links()),
            };
            warnings.push(Warning { code: code.to_owned(), detail });
        }
        Some(links)
    }
}

/// What somebody should look at in a roster.
fn warnings(rules: &Rules<'_>) -> Vec<Warning> {
    let roster = rules.roster;
    let mut warnings = Vec::new();
    let mut warn = |code: &str, detail: String| warnings.push(Warning { code: code.to_owned(), detail });
    for member in &roster.members {
        let holds = Purpose::ALL.into_iter().any(|purpose| member.holds(purpose));
        match standing(roster, member.id, rules.now) {
            // Until the keys change, what this person may have copied still opens what comes.
            Err(Denial::Ended) if holds => warn("ended-holds-keys", member.name.clone()),
            Err(Denial::Sponsor) => warn("without-sponsor", member.name.clone()),
            _ => {}
        }
    }
    let (there, needed) = (people_there(rules), rules.policy.most_people());
    if there < needed {
        warn("too-few-people", format!("{there} < {needed}"));
    }
    if roster.officers().count() == 1 {
        let name = roster.officers().next().map(|officer| officer.name.clone()).unwrap_or_default();
        warnings.push(Warning { code: "last-officer".to_owned(), detail: name });
    }
    for class in Class::ALL {
        let active = |member: &&crate::roster::Member| standing(roster, member.id, rules.now).is_ok();
        let members = roster.members.iter().filter(active);
        let readers = members.filter(|member| member.clearance.contains(class)).count();
        if readers == 1 {
            warnings.push(Warning { code: "single-reader".to_owned(), detail: class.to_string() });
        }
    }
    warnings
}

//! Identities that did not unlock. Who it was nobody knows: that is what failed.

use std::collections::HashMap;

use super::calendar::date_of;
use super::pile::{Key, Of, Pile};
use super::rules::Rules;
use super::watch::{Here, Window};
use super::{Name, Weight};
use crate::id::HostId;
use crate::log::entry::{Event, Outcome};

/// So many hosts are told apart, far more than a roster can name.
const HOSTS: usize = 4_096;
/// Reasons of a failed unlocking that are guesses.
const GUESSES: [&str; 3] =
    ["authentication.passphrase", "authentication.token", "authentication.token-refused"];
const LOCKED_OUT: &str = "authentication.locked-out";
const NOT_A_MEMBER: &str = "authentication.not-a-member";

#[derive(Debug)]
pub(super) struct Attempts {
    hosts: HashMap<HostId, Window>,
    limits: (usize, i64),
}

impl Attempts {
    pub(super) fn new(rules: &Rules) -> Self {
        let attempts = usize::try_from(rules.get(Name::FailedUnlocks, "attempts")).unwrap_or(usize::MAX);
        Self { hosts: HashMap::new(), limits: (attempts, rules.minutes(Name::FailedUnlocks)) }
    }

    pub(super) fn entry(&mut self, here: &Here<'_>, pile: &mut Pile) {
        if here.entry.event() != Event::IdentityUnlock || here.entry.outcome() == Outcome::Ok {
            return;
        }
        let (host, reason) = (here.entry.host(), here.reason());
        let mut tell = |rule, sights: &[_]| {
            let facts = || vec![("day", date_of(here.day)), ("host", here.host_name(host))];
            pile.add(Of::new(rule, Weight::Warning, None), Key::host(here.day, host), sights, facts);
        };
        match reason {
            LOCKED_OUT => tell(Name::LockOut, &[here.at]),
            NOT_A_MEMBER => tell(Name::Stranger, &[here.at]),
            _ if GUESSES.contains(&reason)
                && (self.hosts.len() < HOSTS || self.hosts.contains_key(&host)) =>
            {
                let window = self.hosts.entry(host).or_insert_with(Window::new);
                tell(Name::FailedUnlocks, &window.take(here.at, None, self.limits));
            }
            _ => {}
        }
    }
}

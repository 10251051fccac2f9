//! Clocks that were set: what the clock on the wall says has passed, and what the machine has counted.

use std::collections::HashMap;

use super::calendar::date_of;
use super::pile::{Key, Of, Pile, Sight};
use super::rules::Rules;
use super::watch::Here;
use super::{Name, Weight};
use crate::id::HostId;
use crate::log::entry::Boot;

/// So many hosts are told apart, far more than a roster can name.
const HOSTS: usize = 4_096;

#[derive(Debug)]
struct Clock {
    boot: Boot,
    mono: u64,
    at: Sight,
}

#[derive(Debug)]
pub(super) struct Clocks {
    hosts: HashMap<HostId, Clock>,
    /// In milliseconds.
    step: i64,
}

impl Clocks {
    pub(super) fn new(rules: &Rules) -> Self {
        let seconds = i64::try_from(rules.get(Name::ClockStep, "seconds")).unwrap_or(i64::MAX);
        Self { hosts: HashMap::new(), step: seconds.saturating_mul(1000) }
    }

    pub(super) fn entry(&mut self, here: &Here<'_>, pile: &mut Pile) {
        let entry = here.entry;
        let host = entry.host();
        let Some(clock) = self.hosts.get_mut(&host) else {
            if self.hosts.len() < HOSTS {
                let clock = Clock { boot: entry.boot().clone(), mono: entry.mono(), at: here.at };
                self.hosts.insert(host, clock);
            }
            return;
        };
        let wall = here.at.time.unix_ms().saturating_sub(clock.at.time.unix_ms());
        let same = clock.boot == *entry.boot() && !clock.boot.as_str().is_empty();
        // Across a start of the machine only one thing is sure: time does not run backwards.
        let stepped = if same { wall.saturating_sub(signed(entry.mono(), clock.mono)) } else { wall.min(0) };
        let before = std::mem::replace(&mut clock.at, here.at);
        clock.mono = entry.mono();
        if !same {
            clock.boot = entry.boot().clone();
        }
        if stepped.saturating_abs() < self.step {
            return;
        }
        let of = Of::new(Name::ClockStep, Weight::Warning, None);
        pile.add(of, Key::host(here.day, host), &[before, here.at], || {
            let seconds = stepped.saturating_abs() / 1000;
            let way = if stepped < 0 { "back" } else { "ahead" };
            vec![
                ("day", date_of(here.day)),
                ("host", here.host_name(host)),
                ("seconds", seconds.to_string()),
                ("way", way.to_owned()),
            ]
        });
    }
}

fn signed(now: u64, before: u64) -> i64 {
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    signed(now).saturating_sub(signed(before))
}

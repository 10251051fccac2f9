//! Whether the wall clock ran as the machine's other clock did.

use std::collections::BTreeMap;

use crate::audit::findings::Seq;
use crate::id::HostId;
use crate::log::entry::{Boot, Entry};
use crate::time::Timestamp;

/// Between two entries of one start of a machine the clocks may differ by so many milliseconds: what a slow correction does.
const DRIFT: i64 = 60_000;
/// Most hosts that are watched.
const HOSTS: usize = 1024;
/// The first so many steps are named.
const NAMED: usize = 20;

/// What is to be said of the clocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClockReport {
    /// How often the wall clock was set by more than a minute while the machine ran.
    pub steps: u64,
    /// How often an entry has an earlier time than the one before it.
    pub backwards: u64,
    /// The first twenty entries after such a step.
    pub entries: Vec<Seq>,
    /// Pairs of entries that could be compared: of one host and one start of it.
    pub compared: u64,
}

/// The last that was seen of each host's clocks.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    last: BTreeMap<HostId, (Boot, Timestamp, u64)>,
    newest: Option<Timestamp>,
    report: ClockReport,
}

impl Clocks {
    pub(super) fn take(&mut self, at: Seq, entry: &Entry) {
        let (host, time, mono) = (entry.host(), entry.time(), entry.mono());
        if self.newest.is_some_and(|newest| time < newest) {
            self.report.backwards += 1;
        }
        self.newest = Some(time);
        if self.last.len() >= HOSTS && !self.last.contains_key(&host) {
            return;
        }
        let last = self.last.insert(host, (entry.boot().clone(), time, mono));
        let Some((boot, before, ran)) = last else { return };
        if boot != *entry.boot() || boot.as_str().is_empty() {
            return;
        }
        self.report.compared += 1;
        let wall = time.unix_ms().saturating_sub(before.unix_ms());
        let machine =
            i64::try_from(mono).unwrap_or(i64::MAX).saturating_sub(i64::try_from(ran).unwrap_or(i64::MAX));
        if wall.saturating_sub(machine).unsigned_abs() > DRIFT.unsigned_abs() {
            self.report.steps += 1;
            if self.report.entries.len() < NAMED {
                self.report.entries.push(at);
            }
        }
    }

    pub(super) fn finish(self) -> ClockReport {
        self.report
    }
}

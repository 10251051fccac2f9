//! How far witnesses vouch for a log, and whether that is far enough.

use super::report::{Finding, LogReport, WitnessRow};
use crate::fault::Code;
use crate::log::cosignature::WitnessKey;

/// What witnesses signed that the entries agree with.
#[derive(Debug, Clone, Default)]
pub struct Witnessed {
    /// The largest size that enough of them signed, or one that extends it.
    pub size: u64,
    /// When the last of those did, in seconds since 1970.
    pub at: Option<u64>,
    /// Every witness.
    pub rows: Vec<WitnessRow>,
    keys: Vec<WitnessKey>,
}

impl Witnessed {
    /// Takes in who signed a checkpoint of this size, which the entries agree with.
    pub fn take(&mut self, size: u64, signed: &[(WitnessKey, u64)]) {
        for (witness, seconds) in signed {
            match self.keys.iter().position(|key| key == witness).and_then(|at| self.rows.get_mut(at)) {
                Some(row) if (row.size, row.seconds) >= (size, *seconds) => {}
                Some(row) => (row.size, row.seconds) = (size, *seconds),
                None => {
                    self.keys.push(witness.clone());
                    self.rows.push(WitnessRow { name: witness.name().to_owned(), size, seconds: *seconds });
                }
            }
        }
    }

    /// Finds how far enough of them vouch. Whoever signed a larger tree vouches for a smaller one: all of them are one log.
    #[must_use]
    pub fn met(mut self, is_met: impl Fn(&[WitnessKey]) -> bool) -> Self {
        let mut sizes: Vec<u64> = self.rows.iter().map(|row| row.size).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        for size in sizes {
            let vouching = self.rows.iter().zip(&self.keys).filter(|(row, _)| row.size >= size);
            let (rows, keys): (Vec<&WitnessRow>, Vec<WitnessKey>) =
                vouching.map(|(row, key)| (row, key.clone())).unzip();
            if is_met(&keys) {
                self.size = size;
                self.at = rows.iter().map(|row| row.seconds).max();
                break;
            }
        }
        self
    }
}

/// What a caller does not put up with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Strict {
    /// Entries that no signature or no witness covers.
    pub strict: bool,
    /// No witnesses at all, where a policy asks for them.
    pub asked: bool,
    /// Witnesses that signed more than so many seconds before now, which is the second number.
    pub max_age: Option<(u64, u64)>,
}

impl Strict {
    /// Adds what is found.
    pub fn judge(&self, log: &LogReport, witnessed: &Witnessed, findings: &mut Vec<Finding>) {
        let behind = |covered: u64| format!("{covered} < {}", log.size);
        if self.strict && log.signed_size < log.size {
            findings.push(Finding::new(Code::StaleSignature, &log.origin, &behind(log.signed_size)));
        }
        if (self.asked && witnessed.size == 0) || (self.strict && witnessed.size < log.size) {
            findings.push(Finding::new(Code::StaleWitness, &log.origin, &behind(witnessed.size)));
        }
        let Some((most, now)) = self.max_age else { return };
        let age = witnessed.at.map(|at| now.saturating_sub(at));
        if age.is_none_or(|age| age > most) {
            let age = age.map_or_else(|| "-".to_owned(), |age| age.to_string());
            findings.push(Finding::new(Code::StaleWitness, &log.origin, &format!("{age} s")));
        }
    }
}

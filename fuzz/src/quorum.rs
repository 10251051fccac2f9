use gapvault::audit::{POLICY_LIMIT, Quorum};
use gapvault::log::cosignature::WitnessKey;

use crate::cut::Cut;

/// A policy of logs and witnesses: nobody is not enough where witnesses are asked for, all of them always are but for a quorum
/// that nobody can reach, and another signature never makes it worse.
pub fn quorum(data: &[u8]) {
    let Ok(policy) = Quorum::parse(data) else { return };
    assert!(data.len() <= POLICY_LIMIT);
    let all: Vec<WitnessKey> = policy.witnesses().cloned().collect();
    assert_eq!(policy.is_met_by(&[]), !policy.asks_for_witnesses());
    assert!(policy.is_met_by(&all), "every group can be met by its members");
    let mut cut = Cut::new(data);
    let mut some: Vec<WitnessKey> = all.iter().filter(|_| cut.byte().is_multiple_of(2)).cloned().collect();
    let before = policy.is_met_by(&some);
    some.extend(all.iter().find(|_| !cut.byte().is_multiple_of(2)).cloned());
    assert!(!before || policy.is_met_by(&some));
    // One key counts once, however often it signed.
    let twice: Vec<WitnessKey> = some.iter().chain(&some).cloned().collect();
    assert_eq!(policy.is_met_by(&twice), policy.is_met_by(&some));
}

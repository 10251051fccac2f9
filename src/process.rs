//! The process itself: what it keeps to itself, its clocks, and its threads.

pub mod parallel;

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::{Clock, Moment, Timestamp};

/// No core dumps and no debugger from another account: memory holds keys.
pub fn harden_process() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    // Neither can fail for a process that asks for less; if it does, the work goes on as everywhere else.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let unix_ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        // It stays the same for as long as any process lives.
        static BOOT: OnceLock<String> = OnceLock::new();
        let boot = BOOT
            .get_or_init(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default());
        let mono = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(mono.tv_sec).unwrap_or(0);
        let millis = u64::try_from(mono.tv_nsec / 1_000_000).unwrap_or(0);
        Moment {
            time: Timestamp::from_unix_ms(unix_ms),
            boot: boot.trim_end().to_owned(),
            mono_ms: seconds * 1000 + millis,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_within_one_start_of_the_machine() {
        let (first, second) = (SystemClock.now(), SystemClock.now());
        assert_eq!(first.boot, second.boot);
        assert_eq!(first.boot.len(), 36, "{}", first.boot);
        assert!(first.mono_ms > 0 && first.mono_ms <= second.mono_ms);
        assert!(first.time.unix_ms() > 1_700_000_000_000);
    }
}

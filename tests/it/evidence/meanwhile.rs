//! What goes on around a log: clocks that jump, and people who work while it is exported and judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use gapvault::label::Class;
use gapvault::time::Clock as _;
use gapvault::vault::{AuditShow, NoProgress, Site, SystemClock, Vault};

use super::{Exported, codes, verify};
use crate::verbs::{Ahead, sealing};

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const YEAR: i64 = 365 * 24 * HOUR;

#[test]
fn a_clock_that_jumps_is_written_down_and_changes_no_order() {
    let exported = Exported::new();
    let place = &exported.office.place;
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let vault = Vault::at(Site { clock: clock.clone(), ..place.site() }, &place.path("v")).unwrap();
    let source = place.write("paper.txt", b"paper");
    let to_1970 = -SystemClock.now().time.unix_ms();
    for ahead in [0, -SECOND, -HOUR, -10 * YEAR, 0, HOUR, 10 * YEAR, to_1970, to_1970 - SECOND, 0] {
        clock.0.store(ahead, Ordering::SeqCst);
        let done = vault.seal(&exported.office.cara, &sealing(&source, Class::Important), &NoProgress);
        assert!(done.unwrap().failed.is_empty(), "{ahead}");
        assert_eq!(codes(vault.audit_verify(&NoProgress)), [], "{ahead}");
    }
    let entries = place.vault().audit_show(&AuditShow::default()).unwrap().entries;
    let seqs: Vec<u64> =
        entries.iter().map(|entry| entry["seq"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(seqs, (0..entries.len() as u64).collect::<Vec<_>>());
    let times: Vec<&str> = entries.iter().map(|entry| entry["time"].as_str().unwrap()).collect();
    assert!(!times.is_sorted() && times.iter().any(|time| time.starts_with("1970-")));
    assert!(times.iter().any(|time| time.starts_with("1969-")), "{times:?}");
    assert_eq!(codes(verify(&exported.export("jumped"), exported.vault)), []);
}

#[test]
fn a_log_that_grows_while_it_is_exported_and_judged_is_in_order_each_time() {
    let exported = Exported::new();
    let (place, done) = (&exported.office.place, AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..12 {
                exported.grow();
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut sizes = Vec::new();
        while !done.load(Ordering::SeqCst) || sizes.len() < 3 {
            let folder = exported.export(&format!("meanwhile{}", sizes.len()));
            let report = verify(&folder, exported.vault).unwrap();
            sizes.push(report.size);
            assert_eq!(codes(Ok(report)), []);
            assert_eq!(codes(place.vault().audit_verify(&NoProgress)), []);
        }
        assert!(sizes.is_sorted(), "{sizes:?}");
    });
}

//! Whole records of the log: removed, doubled, swapped, moved, said in other words; the tail cut short.

use gapvault::vault::{Code, NoProgress};

use super::scene::{Scene, refuse};

/// The records of a framed file, without their lengths.
pub(crate) fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let [high, low, after @ ..] = rest {
        let (record, next) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        found.push(record.to_vec());
        rest = next;
    }
    found
}

pub(crate) fn framed(records: &[Vec<u8>]) -> Vec<u8> {
    let len = |record: &Vec<u8>| u16::try_from(record.len()).unwrap().to_be_bytes();
    records.iter().flat_map(|record| [&len(record)[..], record].concat()).collect()
}

/// The same entry to any reader of JSON, in other bytes.
fn respelled(record: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8(record.to_vec()).unwrap();
    let escaped =
        text.replacen("\"document", "\"\\u0064ocument", 1).replacen("\"vault.init", "\"\\u0076ault.init", 1);
    let mut all = vec![text.replacen(':', ": ", 1), format!("{text}\n"), format!(" {text}")];
    all.push(text.replacen("\"v\":1", "\"v\":1.0", 1));
    all.push(text.replacen("\"v\":1,\"zone\":\"networked\"", "\"zone\":\"networked\",\"v\":1", 1));
    all.push(text.replacen("\"v\":1", "\"v\":1,\"v\":1", 1));
    all.extend((escaped != text).then_some(escaped));
    all.into_iter().map(String::into_bytes).collect()
}

/// Every way to disturb a row of records, with its name.
fn disturbed(records: &[Vec<u8>]) -> Vec<(String, Vec<Vec<u8>>)> {
    let mut all = Vec::new();
    let mut push = |name: &str, at: usize, change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = records.to_vec();
        change(&mut changed);
        all.push((format!("{name} {at}"), changed));
    };
    for at in 0..records.len() {
        push("removed", at, &|records| drop(records.remove(at)));
        push("doubled", at, &|records| records.insert(at, records[at].clone()));
        push("appended again", at, &|records| records.push(records[at].clone()));
        push("emptied", at, &|records| records[at].clear());
        for to in (0..records.len()).filter(|to| *to != at) {
            push("moved", at, &|records| {
                let record = records.remove(at);
                records.insert(to, record);
            });
        }
        for spelling in respelled(&records[at]) {
            push("respelled", at, &|records| records[at].clone_from(&spelling));
        }
    }
    all
}

#[test]
fn no_record_of_the_log_can_be_disturbed() {
    let scene = Scene::new(6);
    let path = scene.at("log/tail");
    let bytes = std::fs::read(&path).unwrap();
    for (name, changed) in disturbed(&records(&bytes)) {
        std::fs::write(&path, framed(&changed)).unwrap();
        let said = scene.audit();
        assert!(matches!(said.verdict.as_str(), "tampered" | "truncated"), "{name} {said:?}");
        // Nobody gets in either, and trying changes nothing.
        let refusal = scene.refusal();
        assert!(matches!(refusal, Some(Code::TamperedLog | Code::TruncatedLog)), "{name} {refusal:?}");
        assert_eq!(std::fs::read(&path).unwrap(), framed(&changed), "{name}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(scene.audit().is_ok());
}

#[test]
fn an_older_checkpoint_is_true_by_itself_and_none_can_be_made_up() {
    let scene = Scene::new(6);
    let path = scene.at("log/checkpoints");
    let bytes = std::fs::read(&path).unwrap();
    let all = records(&bytes);
    for (name, changed) in disturbed(&all) {
        std::fs::write(&path, framed(&changed)).unwrap();
        let said = scene.audit();
        // Removed, doubled or in another order they all still say what was signed; only the newest is missed.
        // An empty record at the end is as good as none.
        let changed = changed.strip_suffix(&[Vec::new()]).unwrap_or(&changed);
        let genuine = changed.iter().all(|record| all.contains(record));
        let newest = changed.last() == all.last();
        assert!(!said.is_ok() || (genuine && (newest || !said.pending.is_empty())), "{name} {said:?}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(scene.audit().is_ok());
}

#[test]
fn a_tail_that_was_cut_by_any_number_of_entries_lacks_them() {
    let scene = Scene::new(4);
    refuse(&scene.place, 296);
    let path = scene.at("log/tail");
    let bytes = std::fs::read(&path).unwrap();
    let all = records(&bytes);
    assert_eq!(all.len(), 300 - 256);
    for gone in 1..=all.len() {
        std::fs::write(&path, framed(&all[..all.len() - gone])).unwrap();
        let report = scene.vault().audit_verify(&NoProgress).unwrap();
        assert_eq!((report.verdict.as_str(), report.size), ("truncated", 300 - gone as u64));
        assert_eq!(scene.refusal(), Some(Code::TruncatedLog), "{gone}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(scene.refusal(), None);
}

use gapvault::log::entry::{Category, Entry, EntryError, MAX_ENTRY_LEN, Phase};
use gapvault::log::frames::ENTRIES;

/// An entry of the log has one spelling, and says nothing that contradicts itself; a file of framed ones gives back what it holds.
pub fn entry(data: &[u8]) {
    match Entry::parse(data) {
        Ok(entry) => {
            assert_eq!(entry.to_bytes(), data);
            assert!(data.is_ascii() && data.len() <= MAX_ENTRY_LEN);
            assert_eq!(entry.category(), Category::of(entry.event(), entry.outcome()));
            assert_eq!(entry.closes().is_some(), entry.phase() == Phase::Done);
            assert!(entry.closes().is_none_or(|intent| intent < entry.seq()));
        }
        Err(EntryError::TooLong) => assert!(data.len() > MAX_ENTRY_LEN),
        Err(_) => {}
    }
    framed(data);
}

fn framed(data: &[u8]) {
    let tail = ENTRIES.parse_tail(data);
    let mut again = Vec::new();
    for record in &tail.records {
        assert!(!record.is_empty() && record.len() <= MAX_ENTRY_LEN);
        ENTRIES.append(&mut again, record).expect("it was read");
    }
    assert!(data.starts_with(&again));
    assert_eq!(tail.rest.is_some(), again.len() < data.len());
}

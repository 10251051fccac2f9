//! Wrong passphrases, counted on this host: the fifth locks an identity file for a quarter of an hour.
//!
//! The count lies in the host's state and goes by the identity file's content, so copies of a file count together and
//! a file under a new passphrase starts anew. It hinders guessing through this program; who has the file can guess
//! with another one.
//!
//! The lock file is not held while a passphrase is tried, which takes a second: honest commands with one identity run
//! side by side, and one that succeeds where nobody failed writes nothing. Instead no outcome is told before it was
//! judged: under the lock, one after the other, against what was counted meanwhile. However many attempts
//! run at once, five hear that they were wrong, and after the fifth even the right passphrase hears only that the
//! identity is locked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::{Disk, DiskError, make_dirs, write_durably};
use super::lock::{LockError, VaultLock};
use crate::crypto::Digest;
use crate::time::{Clock, Timestamp};

/// This many wrong passphrases lock.
const MOST: u8 = 5;
const MINUTE_MS: i64 = 60_000;
/// For how long they lock, and for how long one of them is remembered.
const WHILE_MS: i64 = 15 * MINUTE_MS;
const KIND: &str = "gapvault.guesses/v1";
/// Longest file; ours have at most 90 bytes.
const FILE_LIMIT: u64 = 256;

/// What is known of the wrong passphrases for one identity file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guesses {
    failed: u8,
    last: Timestamp,
    until: Option<Timestamp>,
}

fn later(time: Timestamp) -> Timestamp {
    Timestamp::from_unix_ms(time.unix_ms().saturating_add(WHILE_MS))
}

impl Guesses {
    /// Locked from now on. So is one whose file cannot be read: garbling it must not help.
    fn locked(now: Timestamp) -> Self {
        Self { failed: MOST, last: now, until: Some(later(now)) }
    }

    /// What still counts of it now. Nothing once a lock is over or the last failure is long ago. A clock that was set
    /// back does not make a lock longer; it may keep a failure for longer, which costs nobody anything.
    fn at(self, now: Timestamp) -> Option<Self> {
        match self.until {
            Some(until) if until <= now => None,
            Some(until) if until > later(now) => Some(Self::locked(now)),
            None if later(self.last) < now => None,
            _ => Some(self),
        }
    }

    /// After one more wrong passphrase, with what still counts of those before.
    fn and_one_more(before: Option<Self>, now: Timestamp) -> Self {
        let failed = before.map_or(0, |before| before.failed).saturating_add(1);
        if failed < MOST { Self { failed, last: now, until: None } } else { Self::locked(now) }
    }

    fn print(self) -> String {
        let until = self.until.map_or_else(|| "none".to_owned(), |until| until.to_string());
        format!("{KIND}\nfailed {}\nlast {}\nuntil {until}\n", self.failed, self.last)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(bytes).ok()?.lines();
        lines.next().filter(|line| *line == KIND)?;
        let failed = lines.next()?.strip_prefix("failed ")?.parse().ok()?;
        let last = lines.next()?.strip_prefix("last ")?.parse().ok()?;
        let until = match lines.next()?.strip_prefix("until ")? {
            "none" => None,
            time => Some(time.parse().ok()?),
        };
        let read = Self { failed, last, until };
        let sound = (1..=MOST).contains(&failed) && until.is_some() == (failed == MOST);
        // Printing it again settles what the lines alone do not: a sign, a zero in front, more lines.
        (sound && read.print().as_bytes() == bytes).then_some(read)
    }
}

/// Why an attempt does not count as one, or its outcome is not told.
#[derive(Debug, thiserror::Error)]
pub enum GuessError {
    /// Too many wrong passphrases.
    #[error("locked until {until}")]
    LockedOut {
        /// The end of the lock.
        until: Timestamp,
        /// The same in minutes from now, rounded up.
        minutes: i64,
    },
    /// Another process judges, for longer than we wait.
    #[error(transparent)]
    Busy(LockError),
    /// The count cannot be read, or not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl GuessError {
    fn locked_out(until: Timestamp, now: Timestamp) -> Self {
        let left = until.unix_ms().saturating_sub(now.unix_ms());
        let minutes = left.saturating_add(MINUTE_MS - 1).div_euclid(MINUTE_MS).max(1);
        Self::LockedOut { until, minutes }
    }
}

/// The count for one identity file.
pub struct GuessBook<'a> {
    disk: &'a dyn Disk,
    clock: &'a dyn Clock,
    folder: PathBuf,
    file: PathBuf,
    wait: Duration,
    on_wait: &'a dyn Fn(&str),
}

impl<'a> GuessBook<'a> {
    /// The count for the identity file with this content, in this state folder.
    pub fn new(disk: &'a dyn Disk, clock: &'a dyn Clock, state: &Path, identity: &[u8]) -> Self {
        let folder = state.join("guesses");
        let digest = Digest::of(identity).to_string();
        let file = folder.join(digest.get(..32).unwrap_or(&digest));
        Self { disk, clock, folder, file, wait: Duration::ZERO, on_wait: &|_| () }
    }

    /// How long to wait for another process, and what to call once when there is a wait.
    #[must_use]
    pub fn waiting(self, wait: Duration, on_wait: &'a dyn Fn(&str)) -> Self {
        Self { wait, on_wait, ..self }
    }

    /// Before an attempt: refused while the identity is locked, so that it costs no work.
    ///
    /// # Errors
    /// [`GuessError::LockedOut`]; [`GuessError::Disk`] when the count is there and cannot be read: taken for none, it
    /// could be switched off by taking away its permissions.
    pub fn admit(&self) -> Result<(), GuessError> {
        match self.read()? {
            Found::None => Ok(()),
            Found::Known(known) => {
                let now = self.clock.now().time;
                match known.at(now).map(|counts| (counts, counts.until)) {
                    // Only a lock that has to be written anew needs more than a look.
                    Some((counts, Some(until))) if counts == known => Err(GuessError::locked_out(until, now)),
                    Some((_, Some(_))) => self.judge().map(drop),
                    _ => Ok(()),
                }
            }
            Found::Damaged => self.judge().map(drop),
        }
    }

    /// After a right passphrase: what failed before is forgotten, unless it was too much by now.
    ///
    /// # Errors
    /// As [`GuessBook::admit`]; [`GuessError::Busy`].
    pub fn right(&self) -> Result<(), GuessError> {
        if self.disk.exists(&self.file).is_ok_and(|there| !there) {
            return Ok(());
        }
        let _held = self.judge()?;
        // Failures that stay because the medium cannot be written lock nobody who knows the passphrase, and are soon
        // too old to count.
        let _ = self.disk.remove_file(&self.file).and_then(|()| self.disk.sync_dir(&self.folder));
        Ok(())
    }

    /// After a wrong passphrase: counted, before anybody is told.
    ///
    /// # Errors
    /// As [`GuessBook::admit`]; [`GuessError::Busy`]; [`GuessError::Disk`] also when the count cannot be written.
    pub fn wrong(&self) -> Result<(), GuessError> {
        let judged = self.judge()?;
        let next = Guesses::and_one_more(judged.counts, judged.now);
        Ok(self.write(next)?)
    }

    /// Takes the lock and looks again: others may have failed since. A lock that has to be written anew is.
    fn judge(&self) -> Result<Judged, GuessError> {
        let lock = self.lock()?;
        let found = self.read()?;
        let now = self.clock.now().time;
        let counts = match found {
            Found::None => None,
            Found::Known(known) => {
                let counts = known.at(now);
                if let Some(counts) = counts.filter(|counts| *counts != known) {
                    // It holds from now in any case. Without a note of it, it begins anew at the next attempt.
                    let _ = self.write(counts);
                }
                counts
            }
            Found::Damaged => {
                let counts = Guesses::locked(now);
                // Without a note of it the lock would never end, and say "15 minutes" each time: better to name the
                // file that stands in the way.
                self.write(counts)?;
                Some(counts)
            }
        };
        match counts.and_then(|counts| counts.until) {
            Some(until) => Err(GuessError::locked_out(until, now)),
            None => Ok(Judged { _lock: lock, counts, now }),
        }
    }

    /// The lock among processes. Where it cannot be made, as on a read-only medium, there is none: counting is then
    /// tried all the same, and one who is right is let in.
    fn lock(&self) -> Result<Option<VaultLock>, GuessError> {
        if make_dirs(self.disk, &self.folder).is_err() {
            return Ok(None);
        }
        match VaultLock::take(&self.folder.join("lock"), self.wait, self.on_wait) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Io(_)) => Ok(None),
            Err(busy) => Err(GuessError::Busy(busy)),
        }
    }

    fn read(&self) -> Result<Found, DiskError> {
        match self.disk.read(&self.file, FILE_LIMIT) {
            Ok(bytes) => Ok(Guesses::parse(&bytes).map_or(Found::Damaged, Found::Known)),
            Err(error) if error.is_not_found() => Ok(Found::None),
            Err(error) if error.is_wrong_kind() => Ok(Found::Damaged),
            Err(error) => Err(error),
        }
    }

    fn write(&self, guesses: Guesses) -> Result<(), DiskError> {
        write_durably(self.disk, &self.file, guesses.print().as_bytes())
    }
}

/// What lies at the place of the count.
enum Found {
    None,
    Known(Guesses),
    Damaged,
}

/// Not locked, seen under the lock among processes, which is held for as long as this lives.
struct Judged {
    _lock: Option<VaultLock>,
    counts: Option<Guesses>,
    now: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::{DiskFile, OsDisk};
    use crate::time::Moment;
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    const START: i64 = 1_800_000_000_000;

    fn time(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(START + ms)
    }

    fn minutes(count: i64) -> i64 {
        count * MINUTE_MS
    }

    fn failures(count: u8, last: i64) -> Guesses {
        Guesses { failed: count, last: time(last), until: None }
    }

    #[test]
    fn the_fifth_failure_locks_and_no_earlier_one() {
        let mut counts = None;
        for count in 1..=4 {
            let next = Guesses::and_one_more(counts, time(i64::from(count)));
            assert_eq!(next, failures(count, i64::from(count)));
            counts = next.at(time(i64::from(count)));
        }
        let fifth = Guesses::and_one_more(counts, time(9));
        assert_eq!(fifth, Guesses { failed: 5, last: time(9), until: Some(time(9 + minutes(15))) });
    }

    #[test]
    fn a_lock_holds_to_its_last_millisecond_and_leaves_nothing() {
        let locked = Guesses::locked(time(0));
        for now in [0, 1, minutes(15) - 1] {
            assert_eq!(locked.at(time(now)), Some(locked), "{now}");
        }
        assert_eq!(locked.at(time(minutes(15))), None);
        assert_eq!(Guesses::and_one_more(None, time(minutes(15))), failures(1, minutes(15)));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_lengthen_a_lock() {
        let locked = Guesses::locked(time(0));
        assert_eq!(locked.at(time(-1)), Some(Guesses::locked(time(-1))));
        assert_eq!(locked.at(time(-minutes(600))), Some(Guesses::locked(time(-minutes(600)))));
        // Failures from the future still count, and no more of them are needed than before.
        assert_eq!(failures(4, 0).at(time(-minutes(600))), Some(failures(4, 0)));
    }

    #[test]
    fn failures_are_forgotten_a_quarter_of_an_hour_after_the_last() {
        assert_eq!(failures(4, 0).at(time(minutes(15))), Some(failures(4, 0)));
        assert_eq!(failures(4, 0).at(time(minutes(15) + 1)), None);
    }

    #[test]
    fn what_is_left_is_told_in_minutes_that_are_never_too_few() {
        for (left, told) in [(1, 1), (minutes(1), 1), (minutes(1) + 1, 2), (minutes(15), 15)] {
            let error = GuessError::locked_out(time(left), time(0));
            assert!(matches!(error, GuessError::LockedOut { minutes, .. } if minutes == told), "{left}");
        }
    }

    #[test]
    fn the_text_is_read_strictly() {
        for guesses in [failures(1, 0), failures(4, -5), Guesses::locked(time(3))] {
            let text = guesses.print();
            assert_eq!(Guesses::parse(text.as_bytes()), Some(guesses));
            assert!(text.len() as u64 <= 90);
        }
        let day = "2027-01-15T08:00:00.000Z";
        let good = format!("{KIND}\nfailed 4\nlast {day}\nuntil none\n");
        assert_eq!(Guesses::parse(good.as_bytes()), Some(failures(4, 0)));
        for (from, to) in [
            ("/v1", "/v2"),
            ("failed 4", "failed 0"),
            ("failed 4", "failed 5"),
            ("failed 4", "failed 6"),
            ("failed 4", "failed +4"),
            ("failed 4", "failed 04"),
            ("until none", "until "),
            ("until none", &format!("until {day}")),
            ("until none\n", "until none"),
            ("until none\n", "until none\n\n"),
            ("\n", "\r\n"),
            (day, "2027-01-15"),
        ] {
            let bad = good.replacen(from, to, 9);
            assert_eq!(Guesses::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Guesses::parse(b""), None);
    }

    #[test]
    fn the_example_of_the_format_page_is_what_we_write() {
        let page = include_str!("../../docs/format/vault.md");
        let example = Guesses::locked("2026-11-23T08:00:00.000Z".parse().unwrap()).print();
        assert!(page.contains(&format!("```text\n{example}```\n")));
    }

    /// A clock that is set by hand.
    struct Hands(AtomicI64);

    impl Hands {
        fn set(&self, ms: i64) {
            self.0.store(START + ms, Ordering::SeqCst);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Moment {
            let time = Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst));
            Moment { time, boot: String::new(), mono_ms: 0 }
        }
    }

    struct Place {
        top: tempfile::TempDir,
        clock: Hands,
    }

    impl Place {
        fn new() -> Self {
            let clock = Hands(AtomicI64::new(START));
            Self { top: tempfile::tempdir().unwrap(), clock }
        }

        fn state(&self) -> PathBuf {
            self.top.path().join("state")
        }

        fn book(&self, identity: &[u8]) -> GuessBook<'_> {
            GuessBook::new(&OsDisk, &self.clock, &self.state(), identity)
        }

        /// The count after so many failures.
        fn failed(&self, times: usize) -> GuessBook<'_> {
            let book = self.book(b"me");
            for _ in 0..times {
                book.admit().unwrap();
                book.wrong().unwrap();
            }
            book
        }
    }

    fn left(result: Result<(), GuessError>) -> i64 {
        match result {
            Err(GuessError::LockedOut { minutes, .. }) => minutes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_written_where_nobody_fails() {
        let place = Place::new();
        let book = place.book(b"me");
        book.admit().unwrap();
        book.right().unwrap();
        assert!(!place.state().exists());
    }

    #[test]
    fn five_failures_lock_one_identity_for_everybody_and_no_other() {
        let place = Place::new();
        let book = place.failed(5);
        assert_eq!([book.admit(), book.right(), book.wrong()].map(left), [15, 15, 15]);
        assert_eq!(left(place.book(b"me").admit()), 15);
        place.book(b"me, under another passphrase").admit().unwrap();
        place.clock.set(minutes(15) - 1);
        assert_eq!(left(book.admit()), 1);
        place.clock.set(minutes(15));
        book.admit().unwrap();
        book.wrong().unwrap();
        assert_eq!(Guesses::parse(&std::fs::read(&book.file).unwrap()), Some(failures(1, minutes(15))));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&book.file), mode(&book.folder), mode(&place.state())), (0o600, 0o700, 0o700));
    }

    #[test]
    fn the_name_of_the_file_is_the_beginning_of_the_identitys_digest() {
        let place = Place::new();
        let name = "2744ccd10c7533bd736ad890f9dd5cab";
        assert_eq!(place.book(b"me").file, place.state().join("guesses").join(name));
    }

    #[test]
    fn a_right_passphrase_begins_the_count_anew() {
        let place = Place::new();
        let book = place.failed(4);
        book.right().unwrap();
        assert!(!book.file.exists());
        place.failed(4).admit().unwrap();
        place.clock.set(minutes(16));
        // Nor do failures that are long ago count.
        place.failed(4).admit().unwrap();
    }

    #[test]
    fn a_lock_from_the_future_is_written_down_anew_so_that_it_ends() {
        let place = Place::new();
        let book = place.failed(5);
        place.clock.set(-minutes(1000));
        assert_eq!(left(book.admit()), 15);
        place.clock.set(-minutes(990));
        assert_eq!(left(book.admit()), 5);
        place.clock.set(-minutes(985));
        book.admit().unwrap();
    }

    #[test]
    fn a_damaged_count_is_a_lock_that_begins_when_it_is_found() {
        for garble in [&b""[..], b"gapvault.guesses/v1\n", &[b'x'; 300]] {
            let place = Place::new();
            let book = place.failed(1);
            std::fs::write(&book.file, garble).unwrap();
            assert_eq!(left(book.admit()), 15);
            place.clock.set(minutes(5));
            assert_eq!([book.admit(), book.right()].map(left), [10, 10]);
            place.clock.set(minutes(15));
            book.admit().unwrap();
        }
        // One that was garbled during the attempt locks as well.
        let place = Place::new();
        let book = place.failed(1);
        std::fs::remove_file(&book.file).unwrap();
        symlink("elsewhere", &book.file).unwrap();
        assert_eq!([book.right(), book.wrong()].map(left), [15, 15]);
    }

    #[test]
    fn what_can_be_neither_read_nor_replaced_is_named() {
        let place = Place::new();
        let book = place.book(b"me");
        std::fs::create_dir_all(book.file.join("sub")).unwrap();
        assert!(matches!(book.admit(), Err(GuessError::Disk(_))));
    }

    /// A medium that can be read and not written, also by root.
    struct ReadOnly;

    impl ReadOnly {
        fn no<T>(path: &Path) -> Result<T, DiskError> {
            Err(DiskError::new("write", path, std::io::ErrorKind::ReadOnlyFilesystem.into()))
        }
    }

    impl Disk for ReadOnly {
        fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
            Self::no(path)
        }
        fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
            OsDisk.open_read(path)
        }
        fn open_write(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
            Self::no(path)
        }
        fn append(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
            Self::no(path)
        }
        fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
            Self::no(path)
        }
        fn hard_link(&self, from: &Path, _: &Path) -> Result<(), DiskError> {
            Self::no(from)
        }
        fn rename(&self, from: &Path, _: &Path) -> Result<(), DiskError> {
            Self::no(from)
        }
        fn rename_noreplace(&self, from: &Path, _: &Path) -> Result<(), DiskError> {
            Self::no(from)
        }
        fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
            Self::no(path)
        }
        fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
            Self::no(path)
        }
        fn sync_dir(&self, path: &Path) -> Result<(), DiskError> {
            Self::no(path)
        }
        fn sync_filesystem(&self, path: &Path) -> Result<(), DiskError> {
            Self::no(path)
        }
        fn mark(&self, _: &'static str) -> Result<(), DiskError> {
            Ok(())
        }
    }

    #[test]
    fn on_a_read_only_medium_a_count_is_lost_and_a_lock_holds() {
        let place = Place::new();
        let state = place.state();
        let frozen = || GuessBook::new(&ReadOnly, &place.clock, &state, b"me");
        for before in [0, 1] {
            place.failed(before);
            frozen().admit().unwrap();
            assert!(matches!(frozen().wrong(), Err(GuessError::Disk(error)) if error.is_read_only()));
            frozen().right().unwrap();
        }
        place.failed(4);
        for now in [0, -1] {
            place.clock.set(now);
            assert_eq!([frozen().admit(), frozen().right(), frozen().wrong()].map(left), [15, 15, 15]);
        }
        std::fs::write(&frozen().file, b"").unwrap();
        assert!(matches!(frozen().admit(), Err(GuessError::Disk(error)) if error.is_read_only()));
    }

    #[test]
    fn a_lock_file_that_cannot_be_one_does_not_switch_counting_off() {
        let place = Place::new();
        let book = place.book(b"me");
        std::fs::create_dir_all(book.folder.join("lock")).unwrap();
        assert_eq!(left(place.failed(5).admit()), 15);
    }

    #[test]
    fn nothing_is_told_while_another_process_judges() {
        let place = Place::new();
        let book = place.failed(1);
        let _held = VaultLock::take(&book.folder.join("lock"), Duration::ZERO, &|_| ()).unwrap();
        book.admit().unwrap();
        assert!(matches!(book.right(), Err(GuessError::Busy(_))));
        assert!(matches!(book.wrong(), Err(GuessError::Busy(_))));
        place.book(b"another").right().unwrap();
    }

    #[test]
    fn of_many_attempts_at_once_five_hear_that_they_were_wrong() {
        let place = Place::new();
        let wrong = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let book = place.book(b"me").waiting(Duration::from_secs(60), &|_| ());
                    match book.wrong() {
                        Ok(()) => drop(wrong.fetch_add(1, Ordering::SeqCst)),
                        Err(error) => assert!(matches!(error, GuessError::LockedOut { .. }), "{error:?}"),
                    }
                });
            }
        });
        assert_eq!(wrong.into_inner(), 5);
        // One that was under way all the time, with the right words, comes too late.
        assert_eq!(left(place.book(b"me").right()), 15);
    }
}

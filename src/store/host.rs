//! What this host knows of a vault, kept outside it: the vault's id, the log key, the newest checkpoint, the roster
//! in force. Whoever exchanges or rolls back the vault's folder cannot reach it.
//!
//! The record is written into two slots in turn, each with a counter and a digest, so that a torn write leaves the
//! one before.

mod key;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskError, make_dirs, write_durably};
use crate::crypto::{Digest, Secret32, SigningKey};
use crate::id::{HostId, VaultId};
use key::{LogKey, key_name, parse_key_name};

/// Longest slot.
const SLOT_LIMIT: u64 = 128 * 1024;
/// Longest path of a vault; Linux takes 4096 bytes.
const PATH_LIMIT: u64 = 64 * 1024;
const KIND: &str = "gapvault.host/v1";
const WAITING_KEY: &str = "waiting.key";
const WAITING_NOTE: &str = "waiting.note";

/// The host's state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Neither slot holds what was written.
    #[error("the host's state is damaged")]
    Damaged,
    /// Others may read the log key.
    #[error("others may read {}", .0.display())]
    Permissions(PathBuf),
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRecord {
    /// Counts the writes.
    pub counter: u64,
    /// The vault.
    pub vault: VaultId,
    /// The version of the roster in force.
    pub roster_version: u64,
    /// Its digest.
    pub roster_digest: Digest,
    /// The epoch of the log.
    pub epoch: u64,
    /// How often the log key changed in this epoch.
    pub generation: u64,
    /// The newest checkpoint, a signed note.
    pub checkpoint: Vec<u8>,
}

impl StateRecord {
    fn print(&self) -> Vec<u8> {
        let generation = match self.generation {
            0 => String::new(),
            generation => format!("generation {generation}\n"),
        };
        let mut out = format!(
            "{KIND}\ncounter {}\nvault {}\nroster {} {}\nepoch {}\n{generation}checkpoint {}\n",
            self.counter,
            self.vault,
            self.roster_version,
            self.roster_digest,
            self.epoch,
            self.checkpoint.len(),
        )
        .into_bytes();
        out.extend_from_slice(&self.checkpoint);
        let digest = Digest::of(&out);
        out.extend_from_slice(format!("sha256 {digest}\n").as_bytes());
        out
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let body_len = bytes.len().checked_sub("sha256 \n".len() + 64)?;
        let (body, last) = bytes.split_at_checked(body_len)?;
        if last != format!("sha256 {}\n", Digest::of(body)).as_bytes() {
            return None;
        }
        let mut rest = body;
        let mut line = |key: &str| -> Option<String> {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (line, after) = rest.split_at_checked(end)?;
            let value = std::str::from_utf8(line).ok()?.strip_prefix(key).map(str::to_owned)?;
            rest = after.get(1..)?;
            Some(value)
        };
        line(KIND).filter(String::is_empty)?;
        let counter = line("counter ")?.parse().ok()?;
        let vault = line("vault ")?.parse().ok()?;
        let roster = line("roster ")?;
        let (version, digest) = roster.split_once(' ')?;
        let epoch = line("epoch ")?.parse().ok()?;
        let generation = line("generation ").map_or(Some(0), |generation| generation.parse().ok())?;
        let len: usize = line("checkpoint ")?.parse().ok()?;
        let record = Self {
            counter,
            vault,
            roster_version: version.parse().ok()?,
            roster_digest: digest.parse().ok()?,
            epoch,
            generation,
            checkpoint: rest.to_vec(),
        };
        (rest.len() == len && record.print() == bytes).then_some(record)
    }
}

/// The state of one vault on this host.
pub struct HostState {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    record: StateRecord,
    key: Option<LogKey>,
    next_slot: &'static str,
}

impl std::fmt::Debug for HostState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostState({})", self.folder.display())
    }
}

fn other_slot(slot: &str) -> &'static str {
    if slot == "slot-a" { "slot-b" } else { "slot-a" }
}

/// Where the state of the vault at this path lies: a digest of the path, so that any path will do.
fn folder_of(state: &Path, vault: &Path) -> PathBuf {
    let digest = Digest::of(vault.as_os_str().as_encoded_bytes()).to_string();
    state.join("vaults").join(digest.get(..32).unwrap_or(&digest))
}

impl HostState {
    /// The state for the vault at this path (canonical), if this host has ever seen one there.
    pub fn load(disk: &Arc<dyn Disk>, state: &Path, vault: &Path) -> Result<Option<Self>, HostError> {
        let found = Self::load_folder(disk, folder_of(state, vault))?;
        if let Some(found) = &found {
            found.name_path(vault)?;
        }
        Ok(found)
    }

    /// Finishes a move that was killed between the folder and the path in it. Where nothing can be written, the next
    /// start will do.
    fn name_path(&self, vault: &Path) -> Result<(), HostError> {
        let path = self.folder.join("path");
        let bytes = vault.as_os_str().as_encoded_bytes();
        let known = match self.disk.read(&path, PATH_LIMIT) {
            Ok(known) => known,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        if known != bytes {
            let _ = write_durably(&*self.disk, &path, bytes);
        }
        Ok(())
    }

    fn load_folder(disk: &Arc<dyn Disk>, folder: PathBuf) -> Result<Option<Self>, HostError> {
        let slot = |name: &str| match disk.read(&folder.join(name), SLOT_LIMIT) {
            Ok(bytes) => Ok((true, StateRecord::parse(&bytes))),
            Err(error) if error.is_not_found() => Ok((false, None)),
            Err(error) if error.is_wrong_kind() => Ok((true, None)),
            Err(error) => Err(error),
        };
        let ((a_there, a), (b_there, b)) = (slot("slot-a")?, slot("slot-b")?);
        let (record, next_slot) = match (a, b) {
            (Some(a), Some(b)) if b.counter > a.counter => (b, "slot-a"),
            (Some(a), _) => (a, "slot-b"),
            (None, Some(b)) => (b, "slot-a"),
            (None, None) if !a_there && !b_there => return Ok(None),
            (None, None) => return Err(HostError::Damaged),
        };
        let path = folder.join(key_name(record.epoch, record.generation));
        let key = LogKey::read(&**disk, &path, record.generation)?;
        Ok(Some(Self { disk: disk.clone(), folder, record, key, next_slot }))
    }

    /// Begins the state for the vault at this path, over whatever was known of the path before.
    pub fn create(
        disk: &Arc<dyn Disk>,
        state: &Path,
        vault: &Path,
        record: StateRecord,
        key: Option<&SigningKey>,
    ) -> Result<Self, HostError> {
        let mut host = Self::prepare(disk, state, vault, record, key)?;
        host.save(&host.record.clone())?;
        host.retire_keys()?;
        Ok(host)
    }

    /// As [`HostState::create`], but what was known of the same vault stays in force until the first
    /// [`HostState::save`].
    pub fn prepare(
        disk: &Arc<dyn Disk>,
        state: &Path,
        vault: &Path,
        record: StateRecord,
        key: Option<&SigningKey>,
    ) -> Result<Self, HostError> {
        let folder = folder_of(state, vault);
        make_dirs(&**disk, &folder)?;
        let known = Self::load_folder(disk, folder.clone()).ok().flatten();
        let known = known.filter(|known| known.record.vault == record.vault);
        let mut host = match known {
            Some(known) => known,
            None => {
                Self::wipe(&**disk, &folder)?;
                write_durably(&**disk, &folder.join("path"), vault.as_os_str().as_encoded_bytes())?;
                Self { disk: disk.clone(), folder, record: record.clone(), key: None, next_slot: "slot-a" }
            }
        };
        host.record = StateRecord { counter: host.record.counter, ..record };
        if let Some(key) = key {
            host.set_key(LogKey::first(Secret32::new(*key.seed())))?;
        }
        Ok(host)
    }

    /// A new log key, and the note that is to name it, which waits for more officers to sign. It outlives a state that is lost.
    pub fn waiting(
        disk: &Arc<dyn Disk>,
        state: &Path,
        vault: &Path,
    ) -> Result<Option<(SigningKey, Vec<u8>)>, HostError> {
        let folder = folder_of(state, vault);
        let Some(key) = LogKey::read(&**disk, &folder.join(WAITING_KEY), 0)? else { return Ok(None) };
        match disk.read(&folder.join(WAITING_NOTE), SLOT_LIMIT * 64) {
            Ok(note) => Ok(Some((SigningKey::from_seed(*key.seed.expose()), note))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps them until enough have signed.
    pub fn wait(
        disk: &Arc<dyn Disk>,
        state: &Path,
        vault: &Path,
        key: &SigningKey,
        note: &[u8],
    ) -> Result<(), HostError> {
        let folder = folder_of(state, vault);
        make_dirs(&**disk, &folder)?;
        LogKey::first(Secret32::new(*key.seed())).write(&**disk, &folder.join(WAITING_KEY), 0)?;
        Ok(write_durably(&**disk, &folder.join(WAITING_NOTE), note)?)
    }

    /// They wait no more.
    pub fn end_waiting(disk: &Arc<dyn Disk>, state: &Path, vault: &Path) -> Result<(), HostError> {
        let folder = folder_of(state, vault);
        for name in [WAITING_KEY, WAITING_NOTE] {
            if disk.exists(&folder.join(name))? {
                disk.remove_file(&folder.join(name))?;
            }
        }
        Ok(disk.sync_dir(&folder)?)
    }

    /// Destroys the log keys of epochs that ended.
    pub fn retire_keys(&self) -> Result<(), HostError> {
        let ended = |epoch, _| epoch < self.record.epoch;
        self.destroy_keys(&self.keys_that(&ended)?)
    }

    /// Destroys this epoch's log keys besides the one in force: those that were handed over, and what a kill left of one that
    /// never was. Both slots know the newest before the others go.
    pub fn retire_generations(&mut self) -> Result<(), HostError> {
        let others = |epoch, generation| epoch == self.record.epoch && generation != self.record.generation;
        let others = self.keys_that(&others)?;
        if others.is_empty() {
            return Ok(());
        }
        self.save(&self.record.clone())?;
        self.destroy_keys(&others)
    }

    fn keys_that(&self, fits: &dyn Fn(u64, u64) -> bool) -> Result<Vec<PathBuf>, HostError> {
        let names = self.disk.list_dir(&self.folder)?;
        let fits = |name: &std::ffi::OsString| {
            let key = name.to_str().and_then(parse_key_name);
            key.is_some_and(|(epoch, generation)| fits(epoch, generation))
        };
        Ok(names.iter().filter(|name| fits(name)).map(|name| self.folder.join(name)).collect())
    }

    fn destroy_keys(&self, files: &[PathBuf]) -> Result<(), HostError> {
        for file in files {
            key::destroy(&*self.disk, file)?;
        }
        if files.is_empty() { Ok(()) } else { Ok(self.disk.sync_dir(&self.folder)?) }
    }

    /// Keeps the key that this host is about to hand over to. It signs nothing until a record of its generation is saved.
    pub fn stage_key(&self, key: &SigningKey) -> Result<(), HostError> {
        let id = self.host_id().ok_or(HostError::Damaged)?;
        let generation = self.record.generation.saturating_add(1);
        let path = self.folder.join(key_name(self.record.epoch, generation));
        LogKey { seed: Secret32::new(*key.seed()), id }.write(&*self.disk, &path, generation)
    }

    /// Saves a record from which on the staged key is in force.
    pub fn hand_over(&mut self, record: &StateRecord, key: &SigningKey) -> Result<(), HostError> {
        let id = self.host_id().ok_or(HostError::Damaged)?;
        let generation = self.record.generation.saturating_add(1);
        self.save(&StateRecord { generation, ..record.clone() })?;
        self.key = Some(LogKey { seed: Secret32::new(*key.seed()), id });
        Ok(())
    }

    /// Forgets another vault, or a state that cannot be read.
    fn wipe(disk: &dyn Disk, folder: &Path) -> Result<(), HostError> {
        for old in disk.list_dir(folder)? {
            disk.remove_file(&folder.join(old))?;
        }
        Ok(disk.sync_dir(folder)?)
    }

    fn remove(&self, name: &str) -> Result<(), HostError> {
        let path = self.folder.join(name);
        if self.disk.exists(&path)? {
            self.disk.remove_file(&path)?;
            self.disk.sync_dir(&self.folder)?;
        }
        Ok(())
    }

    fn set_key(&mut self, key: LogKey) -> Result<(), HostError> {
        let path = self.folder.join(key_name(self.record.epoch, 0));
        key.write(&*self.disk, &path, 0)?;
        self.record.generation = 0;
        self.key = Some(key);
        Ok(())
    }

    /// Gives this host a log key. It may write when the roster names the key.
    pub fn enrol(&mut self, key: &SigningKey) -> Result<(), HostError> {
        self.set_key(LogKey::first(Secret32::new(*key.seed())))
    }

    /// The newest record.
    pub fn record(&self) -> &StateRecord {
        &self.record
    }

    /// The log key's seed.
    pub fn log_key(&self) -> Option<&Secret32> {
        self.key.as_ref().map(|key| &key.seed)
    }

    /// This host, by its log key.
    pub fn host_id(&self) -> Option<HostId> {
        self.key.as_ref().map(|key| key.id)
    }

    /// Writes a record into the slot whose turn it is, and sees it onto the disk.
    pub fn save(&mut self, record: &StateRecord) -> Result<(), HostError> {
        let record = StateRecord { counter: self.record.counter.saturating_add(1), ..record.clone() };
        let path = self.folder.join(self.next_slot);
        let bytes = record.print();
        if bytes.len() as u64 > SLOT_LIMIT {
            return Err(DiskError::new("write", &path, std::io::ErrorKind::FileTooLarge.into()).into());
        }
        if self.disk.exists(&path)? {
            let mut file = self.disk.open_write(&path)?;
            file.put(&bytes)?;
            file.set_size(bytes.len() as u64)?;
            file.sync_data()?;
        } else {
            // A first slot that is torn would look like a state that is lost.
            write_durably(&*self.disk, &path, &bytes)?;
        }
        self.next_slot = other_slot(self.next_slot);
        self.record = record;
        Ok(())
    }

    /// Sees the names of what is here onto the disk.
    pub fn settle(&self) -> Result<(), HostError> {
        Ok(self.disk.sync_dir(&self.folder)?)
    }

    /// Something that was written may not be on the disk; the next start writes it anew.
    pub fn mark_dirty(&self) -> Result<(), HostError> {
        Ok(write_durably(&*self.disk, &self.folder.join("dirty"), b"")?)
    }

    /// Whether [`HostState::mark_dirty`] was called and nothing was written anew since.
    pub fn is_dirty(&self) -> bool {
        self.disk.exists(&self.folder.join("dirty")).unwrap_or(true)
    }

    /// The log was written anew. So is the record, into the other slot: a slot whose sync failed can read well
    /// today and be gone tomorrow.
    pub fn clear_dirty(&mut self) -> Result<(), HostError> {
        self.save(&self.record.clone())?;
        self.remove("dirty")
    }

    /// The paths at which this host knows that vault.
    pub fn paths_of(disk: &Arc<dyn Disk>, state: &Path, vault: VaultId) -> Result<Vec<PathBuf>, HostError> {
        let folder = state.join("vaults");
        let names = match disk.list_dir(&folder) {
            Ok(names) => names,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut paths = Vec::new();
        for name in names {
            // One damaged state must not hide the others.
            let Ok(Some(known)) = Self::load_folder(disk, folder.join(&name)) else { continue };
            if known.record.vault == vault {
                let Ok(bytes) = disk.read(&folder.join(&name).join("path"), PATH_LIMIT) else { continue };
                paths.push(path_of_bytes(bytes));
            }
        }
        Ok(paths)
    }

    /// The vault moved: its state is from here on that of the new path.
    pub fn move_to(disk: &Arc<dyn Disk>, state: &Path, from: &Path, to: &Path) -> Result<(), HostError> {
        let (old, new) = (folder_of(state, from), folder_of(state, to));
        disk.rename(&old, &new)?;
        write_durably(&**disk, &new.join("path"), to.as_os_str().as_encoded_bytes())?;
        Ok(disk.sync_dir(&state.join("vaults"))?)
    }
}

fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::super::disk::OsDisk;
    use super::*;

    fn record() -> StateRecord {
        StateRecord {
            counter: 0,
            vault: VaultId([7; 32]),
            roster_version: 3,
            roster_digest: Digest([8; 32]),
            epoch: 1,
            generation: 0,
            checkpoint: b"note\nwith\n\xe2\x80\x94 lines\n".to_vec(),
        }
    }

    fn disk() -> Arc<dyn Disk> {
        Arc::new(OsDisk)
    }

    #[test]
    fn every_damage_to_a_record_is_noticed() {
        let good = record().print();
        assert_eq!(StateRecord::parse(&good), Some(record()));
        for at in 0..good.len() {
            assert_eq!(StateRecord::parse(&good[..at]), None, "cut at {at}");
            for bit in 0..8 {
                let mut flipped = good.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(StateRecord::parse(&flipped), None, "bit {bit} of byte {at}");
            }
        }
        assert_eq!(StateRecord::parse(&[&good[..], b"\n"].concat()), None);
    }

    #[test]
    fn a_record_has_one_spelling_whatever_its_digest_says() {
        let good = String::from_utf8(record().print()).unwrap();
        let body = &good[..good.len() - 72];
        let signed = |body: &str| format!("{body}sha256 {}\n", Digest::of(body.as_bytes())).into_bytes();
        assert!(StateRecord::parse(&signed(body)).is_some());
        for (from, to) in [
            ("counter 0", "counter 00"),
            ("counter 0", "counter +0"),
            ("counter 0", "counter 18446744073709551616"),
            ("epoch 1", "epoch 1 "),
            ("epoch 1\n", ""),
            ("roster 3 ", "roster 3  "),
            ("checkpoint ", "checkpoint 0"),
            ("lines\n", "lines\n\n"),
            ("gapvault.host/v1", "gapvault.host/v2"),
            ("\ncounter", "\r\ncounter"),
        ] {
            assert!(body.contains(from));
            assert_eq!(StateRecord::parse(&signed(&body.replacen(from, to, 1))), None, "{from:?} as {to:?}");
        }
    }

    #[test]
    fn a_damaged_slot_leaves_the_other_and_two_are_an_error() {
        let state = tempfile::tempdir().unwrap();
        let vault = Path::new("/v 中\n");
        let key = SigningKey::from_seed([1; 32]);
        let mut host = HostState::create(&disk(), state.path(), vault, record(), Some(&key)).unwrap();
        let version = |version| StateRecord { roster_version: version, ..record() };
        host.save(&version(4)).unwrap();
        let load = || HostState::load(&disk(), state.path(), vault);
        let loaded = load().unwrap().unwrap();
        assert_eq!((loaded.record().roster_version, loaded.host_id()), (4, host.host_id()));

        let slot = |name: &str| folder_of(state.path(), vault).join(name);
        let (a, b) = (std::fs::read(slot("slot-a")).unwrap(), std::fs::read(slot("slot-b")).unwrap());
        for len in 0..b.len() {
            std::fs::write(slot("slot-b"), &b[..len]).unwrap();
            assert_eq!(load().unwrap().unwrap().record().roster_version, 3);
        }
        // The next record goes over the damage, not over the one good slot.
        load().unwrap().unwrap().save(&version(5)).unwrap();
        assert_eq!(std::fs::read(slot("slot-a")).unwrap(), a);
        std::fs::write(slot("slot-a"), b"").unwrap();
        assert_eq!(load().unwrap().unwrap().record().roster_version, 5);
        std::fs::remove_file(slot("slot-b")).unwrap();
        std::fs::create_dir(slot("slot-b")).unwrap();
        assert!(matches!(load(), Err(HostError::Damaged)));
        assert!(HostState::load(&disk(), state.path(), Path::new("/other")).unwrap().is_none());
    }

    #[test]
    fn a_record_is_written_only_if_it_can_be_read_again() {
        let state = tempfile::tempdir().unwrap();
        let vault = Path::new("/v");
        let mut host = HostState::create(&disk(), state.path(), vault, record(), None).unwrap();
        // The length of the longer note has four digits more.
        let room =
            usize::try_from(SLOT_LIMIT).unwrap() - record().print().len() + record().checkpoint.len() - 4;
        let with = |len| StateRecord { checkpoint: vec![b'x'; len], ..record() };
        assert_eq!(with(room).print().len() as u64, SLOT_LIMIT);
        host.save(&with(room)).unwrap();
        assert!(host.save(&with(room + 1)).is_err());
        let loaded = HostState::load(&disk(), state.path(), vault).unwrap().unwrap();
        assert_eq!(loaded.record().checkpoint.len(), room);
        assert_eq!(loaded.record(), host.record());
    }

    #[test]
    fn a_new_epoch_brings_its_own_key_and_the_old_one_goes() {
        let state = tempfile::tempdir().unwrap();
        let vault = Path::new("/v");
        let keys = [SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32])];
        let first = HostState::create(&disk(), state.path(), vault, record(), Some(&keys[0])).unwrap();
        let next = StateRecord { epoch: 2, ..record() };
        let second = HostState::create(&disk(), state.path(), vault, next, Some(&keys[1])).unwrap();
        assert_ne!(first.host_id(), second.host_id());
        assert!(second.record().counter > first.record().counter);
        let loaded = HostState::load(&disk(), state.path(), vault).unwrap().unwrap();
        assert_eq!((loaded.record().epoch, loaded.host_id()), (2, second.host_id()));
        assert!(!folder_of(state.path(), vault).join("log.key").exists());
    }

    #[test]
    fn another_vault_at_the_same_path_inherits_nothing() {
        let state = tempfile::tempdir().unwrap();
        let vault = Path::new("/v");
        let key = SigningKey::from_seed([1; 32]);
        let mut old = HostState::create(&disk(), state.path(), vault, record(), Some(&key)).unwrap();
        old.save(&record()).unwrap();
        old.mark_dirty().unwrap();
        let other = StateRecord { vault: VaultId([9; 32]), ..record() };
        let new = HostState::create(&disk(), state.path(), vault, other.clone(), None).unwrap();
        let loaded = HostState::load(&disk(), state.path(), vault).unwrap().unwrap();
        assert_eq!(loaded.record(), new.record());
        assert_eq!((loaded.record().vault, loaded.host_id(), loaded.is_dirty()), (other.vault, None, false));
    }

    #[test]
    fn what_may_be_lost_is_written_anew_into_both_slots() {
        let state = tempfile::tempdir().unwrap();
        let vault = Path::new("/v");
        let mut host = HostState::create(&disk(), state.path(), vault, record(), None).unwrap();
        host.mark_dirty().unwrap();
        assert!(HostState::load(&disk(), state.path(), vault).unwrap().unwrap().is_dirty());
        host.clear_dirty().unwrap();
        std::fs::write(folder_of(state.path(), vault).join("slot-a"), b"").unwrap();
        let loaded = HostState::load(&disk(), state.path(), vault).unwrap().unwrap();
        assert_eq!((loaded.record(), loaded.is_dirty()), (host.record(), false));
    }

    #[test]
    fn a_log_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let state = tempfile::tempdir().unwrap();
        let vault = Path::new("/v");
        let key = SigningKey::from_seed([1; 32]);
        HostState::create(&disk(), state.path(), vault, record(), Some(&key)).unwrap();
        let path = folder_of(state.path(), vault).join("log.key");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let got = HostState::load(&disk(), state.path(), vault);
        assert!(matches!(got, Err(HostError::Permissions(_))));
    }

    #[test]
    fn a_moved_vault_is_found_by_its_id() {
        let state = tempfile::tempdir().unwrap();
        let (from, to) = (Path::new("/from"), Path::new("/to"));
        HostState::create(&disk(), state.path(), from, record(), None).unwrap();
        let known = || HostState::paths_of(&disk(), state.path(), VaultId([7; 32])).unwrap();
        assert_eq!(known(), vec![from.to_owned()]);
        HostState::move_to(&disk(), state.path(), from, to).unwrap();
        assert_eq!(known(), vec![to.to_owned()]);
        assert!(HostState::load(&disk(), state.path(), to).unwrap().is_some());
    }
}

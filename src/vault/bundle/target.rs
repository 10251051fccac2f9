//! The folder on the medium that a bundle is written to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::{Code, Error, Vault, convert};
use crate::bundle::{Head, MANIFEST_NAME, Plan, ReadSlice, SLIP_NAMES, SliceName, claimed, is_file_name};
use crate::id::BundleId;
use crate::note::MAX_NOTE_LEN;
use crate::store::disk::Disk;
use crate::store::medium::{self, Space};

/// What is written under this ending is not whole yet.
const PART: &str = ".part";
/// Room for what is not volumes or parity: notes, slip, the file system's own.
const RESERVE: u64 = 4 << 20;
/// Bytes that are copied and compared at once.
const COPY_LEN: usize = 1 << 20;

/// A folder that is new, empty, or holds what an interruption left of this very bundle.
pub(super) struct Target<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    /// Names that lie there, whole or not.
    there: BTreeSet<String>,
    space: Space,
}

/// Which medium is to be written: the bundle, and of one that has its number the attempt and the medium's place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which {
    pub(super) bundle: BundleId,
    pub(super) place: Option<(u32, u32)>,
}

impl<'a> Target<'a> {
    /// Looks at the folder, which need not be there yet.
    ///
    /// The log does not know yet that this medium was written. A manifest of this very medium that lies there is what a kill
    /// left behind which came between the two; any other is a bundle's.
    pub(super) fn look(vault: &'a Vault, path: &Path, which: Which) -> Result<Self, Error> {
        let disk = &*vault.context.disk;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let real = path.canonicalize().or_else(|_| parent.canonicalize());
        let real = real.map_err(|_| Error::new(Code::NoFile).with("path", parent.display()))?;
        if real.starts_with(vault.folder()) {
            return Err(Error::new(Code::InsideVault).with("path", path.display()));
        }
        let space =
            disk.space(&real).map_err(|error| convert::io(Code::Io, &error).with("path", path.display()))?;
        let mut target = Self { disk, path: path.to_owned(), there: BTreeSet::new(), space };
        if disk.exists(path)? {
            let names = disk.list_dir(path).map_err(|error| target.taken("").because(error))?;
            for name in names {
                let name = name.into_string().map_err(|name| target.taken(&name.to_string_lossy()))?;
                target.look_at(&name, which)?;
                target.there.insert(name);
            }
        }
        Ok(target)
    }

    fn taken(&self, name: &str) -> Error {
        Error::new(Code::MediumTaken).with("path", self.path.display()).with("name", name)
    }

    /// Whether a name can be what an interruption left of this bundle.
    fn look_at(&self, name: &str, which: Which) -> Result<(), Error> {
        let whole = name.strip_suffix(PART).unwrap_or(name);
        let path = self.path.join(name);
        if name == MANIFEST_NAME {
            let manifest = claimed(&self.disk.read(&path, MAX_NOTE_LEN as u64)?);
            let own = manifest.as_ref().filter(|manifest| manifest.core.link.bundle == which.bundle);
            let place = own.map(|manifest| (manifest.attempt.number, manifest.medium));
            if place.is_some() && place == which.place {
                return Ok(());
            }
            return Err(self.taken(name).with("state", if own.is_some() { "own" } else { "other" }));
        }
        if whole.parse::<SliceName>().is_ok() {
            let mut head = [0; Head::LEN];
            let file = self.disk.open_at(&path).map_err(|error| self.taken(name).because(error))?;
            // A torn one has no head yet, or half of one.
            let got = file.read_at(0, &mut head).unwrap_or(0);
            let of = head.get(..got).and_then(Head::parse);
            return match of.filter(|head| head.bundle != which.bundle) {
                Some(_) => Err(self.taken(name).with("state", "other")),
                None => Ok(()),
            };
        }
        let ours = whole == MANIFEST_NAME || SLIP_NAMES.contains(&whole) || is_file_name(whole);
        if ours { Ok(()) } else { Err(self.taken(name)) }
    }

    /// Removes what an interruption left and is not to be on this medium: a manifest first, since without one there is no
    /// bundle; volumes of another attempt, and halves. Whatever stayed would be an undeclared file.
    pub(super) fn clear(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        let stale = self.there.iter().filter(|name| *name != MANIFEST_NAME && !names.contains(*name));
        let manifest = self.there.get(MANIFEST_NAME);
        for name in manifest.into_iter().chain(stale) {
            self.disk.remove_file(&self.path.join(name))?;
        }
        Ok(())
    }

    /// Makes the folder where there is none.
    pub(super) fn make(&self) -> Result<(), Error> {
        if !self.disk.exists(&self.path)? {
            self.disk.create_dir(&self.path)?;
            self.share(&self.path)?;
        }
        Ok(())
    }

    /// How many of these volumes and parity fit, from the first one on. With `together`, all of them have to.
    pub(super) fn room_for(&self, plan: &Plan, slices: &[u32], together: bool) -> Result<usize, Error> {
        let longest = slices.iter().map(|slice| plan.file_len(*slice)).max().unwrap_or(0);
        if let Some(limit) = self.space.longest.filter(|limit| longest > *limit) {
            let error = Error::new(Code::MediumLimit).with("size", longest).with("limit", limit);
            return Err(error.with("path", self.path.display()));
        }
        let shards = plan.total_blocks().saturating_mul(32);
        let mut left =
            self.space.free.saturating_sub(shards.saturating_add(RESERVE.min(self.space.free / 8)));
        let mut count = 0;
        for slice in slices {
            let name = plan.slice(*slice).map(|name| name.to_string()).unwrap_or_default();
            let need = if self.there.contains(&name) { 0 } else { plan.file_len(*slice) };
            let Some(after) = left.checked_sub(need) else { break };
            left = after;
            count += 1;
        }
        if count == 0 || (together && count < slices.len()) {
            let need: u64 = slices.iter().map(|slice| plan.file_len(*slice)).sum();
            let error = Error::new(Code::MediumFull).with("size", need).with("free", self.space.free);
            return Err(error.with("path", self.path.display()));
        }
        Ok(count)
    }

    fn share(&self, path: &Path) -> Result<(), Error> {
        medium::let_read(path).map_err(|error| convert::io(Code::Io, &error).with("path", path.display()))
    }

    /// Writes a small file: under another name first, synced, then under its own.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.write(name, |file| {
            file.put(bytes)?;
            Ok(())
        })
    }

    fn write(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn crate::store::disk::DiskFile) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (whole, part) = (self.path.join(name), self.path.join(format!("{name}{PART}")));
        for old in [&part, &whole] {
            if self.disk.exists(old)? {
                self.disk.remove_file(old)?;
            }
        }
        let mut file = self.disk.create_new(&part)?;
        fill(&mut *file)?;
        file.sync_data()?;
        drop(file);
        self.disk.rename(&part, &whole)?;
        self.share(&whole)
    }

    /// Writes a volume or parity, unless it lies there already as it should.
    pub(super) fn put_slice(
        &self,
        name: &str,
        head: &[u8],
        (slices, slice, len): (&dyn ReadSlice, u32, u64),
        told: &dyn Fn(u64),
    ) -> Result<(), Error> {
        if self.there.contains(name) && self.has_slice(name, head, (slices, slice, len), &|_| ()).is_ok() {
            told(len);
            return Ok(());
        }
        let mut buffer = vec![0; COPY_LEN];
        self.write(name, |file| {
            file.put(head)?;
            let mut at = 0;
            while at < len {
                let got = read(slices, slice, at, &mut buffer)?;
                file.put(got)?;
                at += got.len() as u64;
                told(got.len() as u64);
            }
            Ok(())
        })
    }

    /// Sees all of it onto the medium, and lets what is compared come from there.
    pub(super) fn sync(&self, names: &[String]) -> Result<(), Error> {
        self.disk.sync_dir(&self.path)?;
        self.disk.sync_filesystem(&self.path)?;
        for name in names {
            let path = self.path.join(name);
            medium::drop_cache(&path)
                .map_err(|error| convert::io(Code::Io, &error).with("path", path.display()))?;
        }
        Ok(())
    }

    fn differs(&self, name: &str) -> Error {
        Error::new(Code::MediumDiffers).with("path", self.path.join(name).display())
    }

    /// Whether a small file reads back as it was written.
    pub(super) fn has(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let found = self.disk.read(&self.path.join(name), bytes.len() as u64);
        match found {
            Ok(found) if found == bytes => Ok(()),
            Ok(_) => Err(self.differs(name)),
            Err(error) => Err(self.differs(name).because(error)),
        }
    }

    /// Whether a volume or parity reads back as it was written.
    pub(super) fn has_slice(
        &self,
        name: &str,
        head: &[u8],
        (slices, slice, len): (&dyn ReadSlice, u32, u64),
        told: &dyn Fn(u64),
    ) -> Result<(), Error> {
        let file = self.disk.open_at(&self.path.join(name))?;
        let failed = |error: std::io::Error| self.differs(name).because(error);
        let size = file.len().map_err(failed)?;
        let mut found = vec![0; COPY_LEN];
        let (begin, _) = found.split_at_mut_checked(head.len()).ok_or(Code::Internal)?;
        if size != head.len() as u64 + len || file.read_at(0, begin).map_err(failed)? != head.len() {
            return Err(self.differs(name));
        }
        if begin != head {
            return Err(self.differs(name));
        }
        let mut wanted = vec![0; COPY_LEN];
        let mut at = 0;
        while at < len {
            let wanted = read(slices, slice, at, &mut wanted)?;
            let found = found.get_mut(..wanted.len()).unwrap_or_default();
            let got = file.read_at(head.len() as u64 + at, found).map_err(failed)?;
            if found.get(..got) != Some(wanted) {
                return Err(self.differs(name));
            }
            at += got as u64;
            told(got as u64);
        }
        Ok(())
    }

    /// The folder's path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn read<'b>(slices: &dyn ReadSlice, slice: u32, at: u64, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let failed = |error: std::io::Error| convert::io(Code::Io, &error).with("path", "outbox").because(error);
    match slices.read_at(slice, at, buffer).map_err(failed)? {
        0 => Err(Error::new(Code::TamperedStore).with("id", "outbox")),
        got => Ok(buffer.get(..got).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::OsDisk;
    use crate::store::medium::FAT_FILE_LIMIT;

    fn target(free: u64, longest: Option<u64>, there: &[&str]) -> Target<'static> {
        let there = there.iter().map(|name| (*name).to_owned()).collect();
        Target { disk: &OsDisk, path: "medium".into(), there, space: Space { free, longest } }
    }

    fn room(target: &Target<'_>, plan: &Plan, together: bool) -> Result<usize, Code> {
        let slices: Vec<u32> = (0..plan.slices()).collect();
        target.room_for(plan, &slices, together).map_err(|error| error.code())
    }

    #[test]
    fn a_file_that_fat_cannot_hold_is_refused_before_the_first_byte() {
        // Volumes of 4 GiB to the byte, and of one column less.
        let body = 12 * ((1 << 32) - 128);
        for (most, fits) in [(1 << 32, false), ((1 << 32) - 1, true), (5 << 30, false)] {
            let plan = Plan::new(body, most, 10).unwrap();
            let longest = plan.file_len(0);
            assert_eq!(longest <= FAT_FILE_LIMIT, fits, "{longest}");
            let found = room(&target(u64::MAX, Some(FAT_FILE_LIMIT), &[]), &plan, false);
            let expected = if fits { Ok(plan.slices() as usize) } else { Err(Code::MediumLimit) };
            assert_eq!(found, expected);
            assert!(room(&target(u64::MAX, None, &[]), &plan, false).is_ok());
        }
        assert_eq!(FAT_FILE_LIMIT, 4_294_967_295);
    }

    #[test]
    fn as_many_volumes_as_there_is_room_for_and_all_where_they_belong_together() {
        let plan = Plan::new(200 << 20, 20 << 20, 10).unwrap();
        let (len, notes) = (plan.file_len(0), plan.total_blocks() * 32 + RESERVE);
        for (free, count) in [(3 * len - 1, 2), (3 * len, 3), (4 * len - 1, 3)] {
            let free = free + notes;
            assert_eq!(room(&target(free, None, &[]), &plan, false), Ok(count));
            assert_eq!(room(&target(free, None, &[]), &plan, true), Err(Code::MediumFull));
        }
        let tight = target(3 * len + notes, None, &["v0001", "v0002.part", "v0003"]);
        assert_eq!(room(&tight, &plan, false), Ok(5), "what lies there whole needs no more room");
        for free in [0, 1, len, notes] {
            assert_eq!(room(&target(free, None, &[]), &plan, false), Err(Code::MediumFull), "{free}");
        }
        assert_eq!(room(&target(u64::MAX, None, &[]), &plan, true), Ok(plan.slices() as usize));
    }
}

//! A folder of evidence, opened: the chain of rosters, and where the rest lies.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::folder::{Folder, failed};
use crate::audit::{LogFiles, Notes};
use crate::bundle::Known;
use crate::crypto::Digest;
use crate::fault::{Code, Error};
use crate::log::checkpoint::MAX_CHECKPOINT_LEN;
use crate::log::entry::MAX_ENTRY_LEN;
use crate::log::frames::CHECKPOINTS as FRAMES;
use crate::log::keys::HAND_OVER_LIMIT;
use crate::log::tiles::{HashTile, TILE_WIDTH, Tile, TileKind, TileReader, TileSource, parse_bundle};
use crate::note::{MAX_NOTE_LEN, origin};
use crate::roster::{RosterError, found};

/// The newest signed checkpoint of an epoch, with its cosignatures.
pub const CHECKPOINT: &str = "checkpoint";
/// Every signed checkpoint of an epoch.
pub const CHECKPOINTS: &str = "checkpoints";
/// Older checkpoints that witnesses signed.
pub const COSIGNED: &str = "cosigned";
/// The note by which an epoch began.
pub const RESUME: &str = "resume.note";
/// The folder of the proofs by which log keys changed.
pub const LOG_KEYS: &str = "log-keys";
/// How to check all of it with other people's tools.
pub const README: &str = "README.txt";
/// A program for that.
pub const CHECKER: &str = "check.go";

/// Digests of all other files, as `sha256sum` writes them.
pub const SUMS: &str = "SHA256SUMS";

/// Longest file of checkpoints: some millions.
const FILE_LIMIT: u64 = 4 << 30;
/// Longest bundle of entries.
const BUNDLE_LIMIT: u64 = (MAX_ENTRY_LEN as u64 + 2) * TILE_WIDTH as u64;
/// Most notes of one kind.
const NOTES_LIMIT: u64 = 10_000;

/// An exported log. What it says is believed as far as [`Evidence::verify`] went.
#[derive(Debug)]
pub struct Evidence {
    pub(super) folder: Folder,
    pub(super) known: Known,
    /// Names of files that were taken so far, beneath the top.
    pub(super) notes: Vec<String>,
}

/// The folder of an epoch's log.
pub(super) fn log(epoch: u64) -> String {
    format!("log/{epoch}")
}

impl Evidence {
    /// Opens a folder and follows its rosters.
    ///
    /// # Errors
    /// [`Code::NoFile`], [`Code::NotEvidence`], [`Code::TamperedRoster`], [`Code::TamperedPolicy`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = Folder::open(path)?;
        let mut notes = Vec::new();
        let rosters =
            numbered(&folder, &mut notes, (1, NOTES_LIMIT), |version| format!("roster/{version:04}.note"))?;
        if rosters.is_empty() {
            return Err(Error::new(Code::NotEvidence).with("path", path.display()));
        }
        let resumes =
            numbered(&folder, &mut notes, (2, NOTES_LIMIT), |epoch| format!("{}/{RESUME}", log(epoch)))?;
        // Followed once without its policy, which only the newest roster names.
        let newest = policy_of(&rosters).map_err(|error| Error::new(Code::TamperedRoster).because(error))?;
        let policy = match newest {
            Some(digest) => {
                let name = format!("policy/{digest}.note");
                let bytes = folder.read(&name, MAX_NOTE_LEN as u64)?;
                notes.push(name);
                Some(bytes.ok_or(Code::TamperedPolicy)?)
            }
            None => None,
        };
        let hand_overs = numbered(&folder, &mut notes, (1, HAND_OVER_LIMIT as u64), |number| {
            format!("{LOG_KEYS}/{number:04}.tlog-proof")
        })?;
        let hand_overs: Vec<_> = (1..).zip(hand_overs).collect();
        let known = Known::from_notes(&rosters, policy.as_deref(), &resumes)
            .map_err(|error| Error::new(Code::TamperedRoster).because(error))?;
        let known = known.handed_over(&hand_overs);
        let known = known.map_err(|error| Error::new(Code::TamperedLogKey).because(error))?;
        Ok(Self { folder, known, notes })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The vault's chain of rosters, as its own notes have it.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The origin of an epoch's log.
    pub fn origin(&self, epoch: u64) -> String {
        origin(&self.known.vault(), epoch)
    }

    /// The newest checkpoint of an epoch, unverified.
    pub(super) fn checkpoint(&self, epoch: u64) -> Result<Option<Vec<u8>>, Error> {
        self.folder.read(&format!("{}/{CHECKPOINT}", log(epoch)), MAX_CHECKPOINT_LEN as u64)
    }

    /// The notes in a file of framed ones, and whether it ends in the middle of one.
    pub(super) fn framed(&self, epoch: u64, name: &str) -> Result<(Vec<Vec<u8>>, bool), Error> {
        let bytes = self.folder.read(&format!("{}/{name}", log(epoch)), FILE_LIMIT)?.unwrap_or_default();
        let tail = FRAMES.parse_tail(&bytes);
        Ok((tail.records.iter().map(|record| record.to_vec()).collect(), tail.rest.is_some()))
    }

    /// Every signed checkpoint of an epoch, unverified.
    pub(super) fn all_checkpoints(&self, epoch: u64) -> Result<Notes<'static>, Error> {
        let name = format!("{}/{CHECKPOINTS}", log(epoch));
        let Some((file, _)) = self.folder.open_file(&name, FILE_LIMIT)? else { return Ok(Notes::none()) };
        let path = self.folder.path().join(name);
        Notes::survey(Box::new(move |at, most| {
            read_at(&file, at, most).map_err(|error| failed(&path, error))
        }))
    }

    /// The entries of a bundle, as many as it is to have; `None` for a missing or another one.
    pub(super) fn entries(&self, epoch: u64, tile: Tile) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let file = self.folder.read(&format!("{}/{}", log(epoch), tile.path()), BUNDLE_LIMIT)?;
        let parsed = file.as_deref().and_then(|file| parse_bundle(file).ok());
        let whole = parsed.filter(|entries| entries.len() == usize::from(tile.width()));
        Ok(whole.map(|entries| entries.into_iter().map(<[u8]>::to_vec).collect()))
    }

    /// One entry of a tree of this size.
    pub fn entry(&self, epoch: u64, size: u64, seq: u64) -> Result<Vec<u8>, Error> {
        let wrong = || Error::new(Code::TamperedLog).with("size", seq);
        let width = u64::from(TILE_WIDTH);
        let held = size.saturating_sub(seq / width * width).min(width);
        let tile = u16::try_from(held).ok().and_then(|held| Tile::entries(seq / width).partial(held));
        let entries = self.entries(epoch, tile.ok_or_else(wrong)?)?;
        let at = usize::try_from(seq % width).unwrap_or(usize::MAX);
        entries.and_then(|entries| entries.into_iter().nth(at)).ok_or_else(wrong)
    }

    /// The hashes of a tree of this size, out of the tiles. They need not be right.
    pub fn hashes(&self, epoch: u64, size: u64) -> TileReader<Tiles<'_>> {
        TileReader::new(size, Tiles { evidence: self, epoch })
    }
}

/// The files of one epoch.
pub(super) struct EpochFiles<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) epoch: u64,
}

impl LogFiles for EpochFiles<'_> {
    fn entries(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        self.evidence.folder.read(&format!("{}/{}", log(self.epoch), tile.path()), BUNDLE_LIMIT)
    }

    fn hashes(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        let name = format!("{}/{}", log(self.epoch), tile.path());
        self.evidence.folder.read(&name, u64::from(TILE_WIDTH) * 32)
    }
}

/// What stands at a place of a file, as much as was asked for or there is.
fn read_at(file: &File, at: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut from = file;
    from.seek(SeekFrom::Start(at))?;
    from.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Hash tiles of one epoch.
#[derive(Debug)]
pub struct Tiles<'a> {
    evidence: &'a Evidence,
    epoch: u64,
}

impl TileSource for Tiles<'_> {
    type Error = Error;

    fn tiles(&self, wanted: &[Tile]) -> Result<Vec<HashTile>, Error> {
        let one = |tile: &Tile| {
            let damaged = || {
                let (level, index) = (
                    match tile.kind() {
                        TileKind::Hashes(level) => level,
                        TileKind::Entries => 0,
                    },
                    tile.index(),
                );
                Error::new(Code::DamagedTile).with("path", format!("{level}/{index}"))
            };
            let full = tile.partial(TILE_WIDTH).unwrap_or(*tile);
            // A tile that became full since is as good.
            for found in [*tile, full] {
                let name = format!("{}/{}", log(self.epoch), found.path());
                let file = self.evidence.folder.read(&name, u64::from(TILE_WIDTH) * 32)?;
                if let Some(tile) = file.and_then(|file| HashTile::parse(&file, found.width())) {
                    return Ok(tile);
                }
            }
            Err(damaged())
        };
        wanted.iter().map(one).collect()
    }
}

/// Notes under numbers one after another, and their names.
fn numbered(
    folder: &Folder,
    names: &mut Vec<String>,
    (first, most): (u64, u64),
    name: impl Fn(u64) -> String,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut notes = Vec::new();
    for number in first..first + most {
        let name = name(number);
        match folder.read(&name, MAX_NOTE_LEN as u64)? {
            Some(bytes) => notes.push(bytes),
            None => break,
        }
        names.push(name);
    }
    Ok(notes)
}

/// The policy that the newest of these rosters names.
fn policy_of(rosters: &[Vec<u8>]) -> Result<Option<Digest>, RosterError> {
    let Some((first, rest)) = rosters.split_first() else { return Ok(None) };
    let newest = rest.iter().try_fold(found(first)?, |last, note| last.succeed(note))?;
    Ok(newest.roster().policy)
}

//! The log as evidence: everything that it takes to judge it elsewhere, in a folder.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::evidence::OwnLog;
use super::{Code, Error, Vault, convert};
use crate::answer::{Progress, Stage};
use crate::crypto::{Digest, Hasher};
use crate::encoding::base64;
use crate::evidence::{
    CHECKER, CHECKPOINT, CHECKPOINTS, COSIGNED, LOG_KEYS, README, RESUME, SUMS, read_checkpoint,
};
use crate::log::checkpoint::Checkpoint;
use crate::log::frames::CHECKPOINTS as FRAMES;
use crate::log::merkle::{HashReader, Node, leaf_hash};
use crate::log::tiles::{self, HashTile, TILE_WIDTH, Tile, TileKind};
use crate::note::SignedNote;
use crate::roster::InForce;
use crate::store::disk::DiskFile;
use crate::store::live::known_host;
use crate::store::log_keys;
use crate::store::rosters::{self, NOTE_LIMIT};
use crate::store::segments::SegmentError;

/// How to check the evidence with other people's tools, and a program for it.
const README_TEXT: &str = include_str!("../../templates/evidence/README.txt");
const CHECKER_TEXT: &str = include_str!("../../templates/evidence/check.go");
/// So much of a file of checkpoints is written at once.
const OUT_PART: usize = 256 * 1024;

/// What was exported.
#[derive(Debug, Serialize)]
pub struct ExportReport {
    /// Where to.
    pub path: String,
    /// The vault, to be told to whoever verifies.
    pub vault: String,
    /// SHA-256 of the list of all files' digests, in hex: the whole folder in one number.
    pub digest: String,
    /// The logs, one for each epoch.
    pub logs: Vec<ExportedLog>,
}

/// An epoch's log in the evidence.
#[derive(Debug, Serialize)]
pub struct ExportedLog {
    /// Who it is.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// Keys that sign for it, to be told to whoever verifies without the rosters.
    pub keys: Vec<String>,
}

impl Vault {
    /// Writes everything that it takes to judge the log elsewhere.
    ///
    /// # Errors
    /// [`Code::Exists`] for a folder that is not new or empty, [`Code::InsideVault`]; what keeps the log from being read.
    pub fn audit_export(&self, to: &Path, progress: &dyn Progress) -> Result<ExportReport, Error> {
        let _lock = self.lock()?;
        let record = known_host(&self.context)?.record().clone();
        let roster = rosters::in_force(&self.context, &record)?;
        let out = Out::begin(self, to)?;
        let logs: Vec<(u64, OwnLog)> = (1..=record.epoch)
            .map(|epoch| Ok((epoch, self.log_of(&record, &roster, epoch)?)))
            .collect::<Result<_, Error>>()?;
        let sizes = logs.iter().map(|(_, log)| log.segments.size());
        progress.begin(Stage::Writing, None, Some(sizes.sum()));
        self.export_notes(&out, &roster)?;
        let mut report = Vec::new();
        for (epoch, log) in &logs {
            report.push(self.export_log(&out, *epoch, log, progress)?);
        }
        let keys: Vec<String> = report.iter().flat_map(|log| log.keys.clone()).collect();
        out.put(CHECKER, CHECKER_TEXT.as_bytes())?;
        let readme =
            README_TEXT.replace("@VAULT@", &record.vault.to_string()).replace("@KEYS@", &keys.join("\n    "));
        out.put(README, readme.as_bytes())?;
        let digest = out.finish()?;
        self.site.disk.sync_filesystem(to)?;
        progress.end();
        Ok(ExportReport {
            path: to.display().to_string(),
            vault: record.vault.to_string(),
            digest: digest.to_string(),
            logs: report,
        })
    }

    fn export_notes(&self, out: &Out<'_>, roster: &InForce) -> Result<(), Error> {
        for version in 1..=roster.roster().version {
            let bytes = self.site.disk.read(&self.context.layout.roster(version), NOTE_LIMIT)?;
            out.put(&format!("roster/{version:04}.note"), &bytes)?;
        }
        if let Some(digest) = roster.roster().policy {
            let bytes = self.site.disk.read(&self.context.layout.policy(digest), NOTE_LIMIT)?;
            out.put(&format!("policy/{digest}.note"), &bytes)?;
        }
        for (number, proof) in log_keys::hand_overs(&self.context)? {
            out.put(&format!("{LOG_KEYS}/{number:04}.tlog-proof"), &proof)?;
        }
        Ok(())
    }

    fn export_log(
        &self,
        out: &Out<'_>,
        epoch: u64,
        log: &OwnLog,
        progress: &dyn Progress,
    ) -> Result<ExportedLog, Error> {
        let folder = format!("log/{epoch}");
        let (checkpoint, _) = read_checkpoint(&log.checkpoint, &log.keys)?;
        let tiles = Exporting { out, log, folder: &folder, size: checkpoint.size() };
        tiles.export(progress)?;
        if epoch > 1 {
            let bytes = self.site.disk.read(&self.context.layout.resume_note(epoch), NOTE_LIMIT)?;
            out.put(&format!("{folder}/{RESUME}"), &bytes)?;
        }
        self.export_checkpoints(out, epoch, log, checkpoint.size())?;
        // Last: a folder without it is nothing yet.
        out.put(&format!("{folder}/{CHECKPOINT}"), &log.checkpoint)?;
        Ok(ExportedLog {
            origin: log.origin.clone(),
            size: checkpoint.size(),
            root: base64(checkpoint.root().as_bytes()),
            keys: log.keys.iter().map(|key| key.verifier().to_string()).collect(),
        })
    }

    /// The files of checkpoints, in parts: there can be as many as commands that ever wrote.
    fn export_checkpoints(&self, out: &Out<'_>, epoch: u64, log: &OwnLog, size: u64) -> Result<(), Error> {
        for name in [CHECKPOINTS, COSIGNED] {
            let mut file = OutFile::new(format!("log/{epoch}/{name}"));
            self.checkpoint_file(epoch, name, &log.origin).for_each::<Error>(|note| {
                // An entry that a kill left behind the newest checkpoint has none that others are shown. Whether what is there is
                // genuine is theirs to find out: nothing is left out because it would look bad.
                let shown = name == COSIGNED || claimed_size(note).is_none_or(|of| of < size);
                if shown { file.add(out, note) } else { Ok(()) }
            })?;
            if name == CHECKPOINTS {
                // A kill can have left it out of the file, and the host remembers it.
                file.add(out, &log.newest)?;
            }
            file.finish(out)?;
        }
        Ok(())
    }
}

/// A file of framed notes that is written bit by bit; none where there is no note.
struct OutFile {
    name: String,
    framed: Vec<u8>,
    open: Option<Box<dyn DiskFile>>,
    hasher: Hasher,
}

impl OutFile {
    fn new(name: String) -> Self {
        Self { name, framed: Vec::new(), open: None, hasher: Hasher::new() }
    }

    fn add(&mut self, out: &Out<'_>, note: &[u8]) -> Result<(), Error> {
        let done = FRAMES.append(&mut self.framed, note);
        done.map_err(|error| Error::new(Code::Internal).because(error))?;
        if self.framed.len() < OUT_PART { Ok(()) } else { self.write(out) }
    }

    fn write(&mut self, out: &Out<'_>) -> Result<(), Error> {
        let file = match &mut self.open {
            Some(file) => file,
            None => self.open.insert(out.create(&self.name)?),
        };
        file.put(&self.framed)?;
        self.hasher.update(&self.framed);
        self.framed.clear();
        Ok(())
    }

    fn finish(mut self, out: &Out<'_>) -> Result<(), Error> {
        if !self.framed.is_empty() {
            self.write(out)?;
        }
        if self.open.is_some() {
            out.sums.borrow_mut().insert(self.name, self.hasher.finish());
        }
        Ok(())
    }
}

/// The size that a note is about, whoever signed it.
fn claimed_size(note: &[u8]) -> Option<u64> {
    let note = SignedNote::parse(note).ok()?;
    Checkpoint::parse_text(note.text()).ok().map(|claimed| claimed.size())
}

/// The folder that is written.
struct Out<'a> {
    vault: &'a Vault,
    path: PathBuf,
    /// What was written, and its digest.
    sums: RefCell<BTreeMap<String, Digest>>,
}

impl<'a> Out<'a> {
    fn begin(vault: &'a Vault, path: &Path) -> Result<Self, Error> {
        let disk = &vault.site.disk;
        let told = |error: std::io::Error| convert::io(Code::Io, &error).with("path", path.display());
        if disk.exists(path)? {
            if !disk.list_dir(path)?.is_empty() {
                return Err(Error::new(Code::Exists).with("path", path.display()));
            }
        } else {
            disk.create_dir(path)?;
        }
        let real = path.canonicalize().map_err(told)?;
        if real.starts_with(vault.folder()) {
            return Err(Error::new(Code::InsideVault).with("path", path.display()));
        }
        Ok(Self { vault, path: path.to_owned(), sums: RefCell::default() })
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.create(name)?.put(bytes)?;
        self.sums.borrow_mut().insert(name.to_owned(), Digest::of(bytes));
        Ok(())
    }

    /// A new file, with the folders that it lies in.
    fn create(&self, name: &str) -> Result<Box<dyn DiskFile>, Error> {
        let disk = &self.vault.site.disk;
        let path = self.path.join(name);
        let mut missing = Vec::new();
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != self.path) {
            if disk.exists(folder)? {
                break;
            }
            missing.push(folder);
        }
        for folder in missing.into_iter().rev() {
            disk.create_dir(folder)?;
        }
        Ok(disk.create_new(&path)?)
    }

    /// Writes the digests of all files, as `sha256sum` does.
    fn finish(&self) -> Result<Digest, Error> {
        let lines =
            self.sums.borrow().iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect::<String>();
        self.put(SUMS, lines.as_bytes())?;
        Ok(Digest::of(lines.as_bytes()))
    }
}

/// Entries and hashes of one epoch on their way out.
struct Exporting<'a> {
    out: &'a Out<'a>,
    log: &'a OwnLog,
    folder: &'a str,
    size: u64,
}

impl Exporting<'_> {
    fn export(&self, progress: &dyn Progress) -> Result<(), Error> {
        let width = u64::from(TILE_WIDTH);
        // The hashes of each level, of the tile that is being filled.
        for tile in
            tiles::full_bundles(0, self.size).chain(tiles::partial_tiles(self.size).take_while(is_entries))
        {
            let (from, count) = (tile.index() * width, u64::from(tile.width()));
            let mut entries: Vec<Vec<u8>> = Vec::new();
            self.log.segments.for_each::<SegmentError>(from, from + count, |_, bytes| {
                entries.push(bytes.to_vec());
                Ok(())
            })?;
            let file = tiles::encode_bundle(entries.iter().map(Vec::as_slice));
            let file = file.map_err(|error| Error::new(Code::Internal).because(error))?;
            self.out.put(&format!("{}/{}", self.folder, tile.path()), &file)?;
            let hashes = entries.iter().map(|entry| leaf_hash(entry)).collect();
            let place = Tile::hashes(0, tile.index()).partial(tile.width()).ok_or(Code::Internal)?;
            self.put(place, hashes)?;
            progress.advance(file.len() as u64, count);
        }
        let full = tiles::full_hash_tiles(0, self.size);
        for tile in full.chain(tiles::partial_tiles(self.size)) {
            if let TileKind::Hashes(level @ 1..) = tile.kind() {
                self.put(tile, self.hashes(level, tile)?)?;
            }
        }
        Ok(())
    }

    /// What stands in a tile of a higher level: roots over whole tiles below.
    fn hashes(&self, level: u8, tile: Tile) -> Result<Vec<Digest>, Error> {
        let first = tile.index() * u64::from(TILE_WIDTH);
        let nodes: Vec<_> = (first..first + u64::from(tile.width()))
            .map(|index| Node { level: level * tiles::TILE_HEIGHT, index })
            .collect();
        Ok(self.log.segments.read(&nodes)?)
    }

    fn put(&self, tile: Tile, hashes: Vec<Digest>) -> Result<(), Error> {
        let file = HashTile::new(hashes).ok_or(Code::Internal)?.to_bytes();
        self.out.put(&format!("{}/{}", self.folder, tile.path()), &file)
    }
}

fn is_entries(tile: &Tile) -> bool {
    tile.kind() == TileKind::Entries
}

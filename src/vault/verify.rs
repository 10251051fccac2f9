//! Everything against everything: documents against the log, rosters, catalogue. Changes nothing, needs no passphrase.

mod entries;
mod inventory;
mod waiting;

use std::collections::HashSet;
use std::path::PathBuf;

use inventory::Inventory;

use super::audit::{Before, verdict};
use super::catalogue::expected;
use super::report::{Finding, VerifyReport};
use super::{Code, Error, Vault, keys, parallel};
use crate::answer::{Counted, Progress, Stage};
use crate::id::DocumentId;
use crate::log::entry::Entry;
use crate::policy::standing;
use crate::roster::{Purpose, Roster};
use crate::sealed::check_digests;
use crate::store::host::StateRecord;
use crate::store::index::{Index, IndexError, Place, Row};
use crate::store::ledger::known_size;
use crate::store::live::known_host;
use crate::store::segments::SegmentError;
use crate::store::{StoreError, objects, policies, rosters, staging};

impl Vault {
    /// Checks every document's digests against the log, the chain of rosters, the log itself and the catalogue.
    ///
    /// # Errors
    /// Only what keeps the check from being made; what is found is in the report.
    pub fn verify(&self, progress: &dyn Progress) -> Result<VerifyReport, Error> {
        let mut inventory = Inventory::default();
        let mut pending = Vec::new();
        let mut findings;
        {
            let _lock = self.lock()?;
            let record = known_host(&self.context)?.record().clone();
            let chain;
            (chain, findings) = self.roster_chain(&record)?;
            let mut before = Before::default();
            for epoch in 1..=record.epoch {
                let mut take = |epoch, entry: &Entry| inventory.take(epoch, entry);
                let mut judged = self.judge(epoch, &record, &chain, &super::NoProgress, &mut take, before)?;
                findings.append(&mut judged.findings);
                before.version = judged.judgement.version;
                if epoch == record.epoch {
                    self.note_pending(&record, &judged, &mut pending);
                }
            }
            findings.extend(inventory.contradictions());
            inventory.known = known_size(&record).map(|seq| Place { epoch: record.epoch, seq });
            self.check_catalogue(&record, &inventory, &mut findings, &mut pending)?;
            self.check_foreign(&inventory, &mut findings)?;
            self.check_policy(&record, &mut findings)?;
            if let Some(roster) = chain.last() {
                self.check_keys(roster.roster(), &inventory, &mut findings, &mut pending)?;
            }
        }
        let bytes = self.check_documents(&inventory, progress, &mut findings, &mut pending)?;
        Ok(VerifyReport {
            verdict: verdict(&findings),
            documents: inventory.rows.len() as u64,
            bytes,
            findings,
            pending,
        })
    }

    /// The live index against the log: every entry it has, every row.
    fn check_catalogue(
        &self,
        record: &StateRecord,
        inventory: &Inventory,
        findings: &mut Vec<Finding>,
        pending: &mut Vec<String>,
    ) -> Result<(), Error> {
        let mut damaged = |code: Code, detail: String| {
            findings.push(Finding { code, object: "sled".to_owned(), detail });
        };
        let (_folder, index) = match self.index_copy() {
            Ok(copy) => copy,
            Err(error) if error.code().exit() == 9 => {
                damaged(error.code(), error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let compared = self.compare_index(record, inventory, &index);
        match compared {
            Ok(None) => {}
            Ok(Some(behind)) => pending.push(behind),
            Err(StoreError::Index(error)) => damaged(Code::DamagedIndex, error.to_string()),
            // The log's own damage is among the findings already.
            Err(StoreError::Segments(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether the index is a prefix of the log in every entry and row; `Some` when it is behind.
    fn compare_index(
        &self,
        record: &StateRecord,
        inventory: &Inventory,
        index: &Index,
    ) -> Result<Option<String>, StoreError> {
        let bad = |what: String| StoreError::Index(IndexError::Damaged(what));
        let state = index.state()?.ok_or_else(|| bad("no state".to_owned()))?;
        let folder = self.context.layout.log(state.epoch);
        let segments = crate::store::segments::Segments::read(self.site.disk.clone(), &folder, state.size)?;
        if state.size > segments.size() || segments.root(state.size)? != state.root {
            return Err(bad("it is of another log".to_owned()));
        }
        self.compare_entries(index, &state, &segments)?;
        let behind = state.epoch < record.epoch || state.size < segments.size();
        let mut rows = 0_u64;
        index.for_each_row(|row| {
            rows += 1;
            let known = inventory.rows.get(&row.id);
            let same = known.is_some_and(|own| Row { private: Vec::new(), ..row.clone() } == *own);
            // An index that is behind still has what was destroyed or changed since.
            let found = index.places(row.id)?.first() == Some(&row.sealed);
            let since = || inventory.destroyed.contains(&row.id) || inventory.changed.contains_key(&row.id);
            if (same && found) || (behind && since()) {
                Ok(())
            } else {
                Err(IndexError::Damaged(format!("row of {}", row.id)))
            }
        })?;
        let expected_rows = inventory
            .rows
            .values()
            .map(|row| row.sealed)
            .filter(|at| at.epoch < state.epoch || (at.epoch == state.epoch && at.seq < state.size));
        if !behind && rows != expected_rows.count() as u64 {
            return Err(bad("rows are missing".to_owned()));
        }
        Ok(behind.then(|| "index-behind".to_owned()))
    }

    /// That the policy which the roster in force names is there.
    fn check_policy(&self, record: &StateRecord, findings: &mut Vec<Finding>) -> Result<(), Error> {
        // A roster that cannot be read is among the findings already.
        let Ok(roster) = rosters::in_force(&self.context, record) else { return Ok(()) };
        match policies::in_force(&self.context, roster.roster()) {
            Ok(_) => Ok(()),
            Err(error @ StoreError::Policy) => {
                let (object, detail) = ("policy".to_owned(), error.to_string());
                findings.push(Finding { code: Code::TamperedPolicy, object, detail });
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// That every member has the newest key for each right, as a file of the right form. What is inside only the
    /// member can see: a key counts only when its public half is the roster's.
    fn check_keys(
        &self,
        roster: &Roster,
        inventory: &Inventory,
        findings: &mut Vec<Finding>,
        pending: &mut Vec<String>,
    ) -> Result<(), Error> {
        let now = self.site.clock.now().time;
        let staged = self.staged()?;
        for purpose in Purpose::ALL {
            let Some((name, _)) = roster.newest_key(purpose) else { continue };
            let held = roster.members.iter().filter(|member| member.holds(purpose));
            for member in held.filter(|member| standing(roster, member.id, now).is_ok()) {
                let path = self.context.layout.key(name, member.id);
                if keys::is_formed(&*self.site.disk, &path)? {
                    continue;
                }
                let object = format!("{}/{}/{}", purpose.as_str(), name.generation, member.id);
                if staged.contains(&path) {
                    pending.push(format!("publish {object}"));
                } else if !inventory.was_wrapped(name, member.id) && !self.site.disk.exists(&path)? {
                    pending.push(format!("wrap {name} {}", member.id));
                } else {
                    let error = Error::new(Code::TamperedKey).with("name", &object);
                    findings.push(Finding { code: error.code(), object, detail: error.to_string() });
                }
            }
        }
        Ok(())
    }

    /// Where everything belongs that waits to be published.
    fn staged(&self) -> Result<HashSet<PathBuf>, Error> {
        let sessions = staging::sessions(&*self.site.disk, &self.context.layout)?;
        Ok(sessions.into_iter().flat_map(|(_, places)| places).collect())
    }

    /// Files among the documents that no entry names.
    fn check_foreign(&self, inventory: &Inventory, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let top = self.context.layout.documents();
        for folder in self.site.disk.list_dir(&top)? {
            let path = top.join(&folder);
            let names = match self.site.disk.list_dir(&path) {
                Ok(names) => names,
                Err(_) => vec![std::ffi::OsString::new()],
            };
            for name in names {
                let text = name.to_string_lossy().into_owned();
                let id = text.strip_suffix(".age").and_then(|id| id.parse::<DocumentId>().ok());
                let known = id.is_some_and(|id| {
                    inventory.rows.contains_key(&id) && self.context.layout.document(id) == path.join(&name)
                });
                if !known {
                    let object = path.join(&name).display().to_string();
                    findings.push(Finding { code: Code::ForeignDocument, object, detail: String::new() });
                }
            }
        }
        Ok(())
    }

    /// Hashes every document, outside the lock, on all processors.
    fn check_documents(
        &self,
        inventory: &Inventory,
        progress: &dyn Progress,
        findings: &mut Vec<Finding>,
        pending: &mut Vec<String>,
    ) -> Result<u64, Error> {
        let staged = self.staged()?;
        let being_destroyed: HashSet<DocumentId> = inventory.destroying.values().copied().collect();
        let sizes = inventory.rows.values().map(|row| row.size + row.header_len).sum();
        progress.begin(Stage::Verifying, Some(sizes), Some(inventory.rows.len() as u64));
        let rows: Vec<&Row> = inventory.rows.values().collect();
        let results = parallel::for_each(rows.len(), 1, |at| {
            progress.advance(0, 1);
            rows.get(at).map(|row| self.check_document(row, progress))
        });
        let (mut bytes, mut bad) = (0, Vec::new());
        for (row, result) in rows.iter().zip(results) {
            let id = row.id;
            match result.flatten().unwrap_or_else(|| Err(Code::Internal.into())) {
                Ok(read) => bytes += read,
                Err(_) if staged.contains(&self.context.layout.document(id)) && !inventory.is_changed(id) => {
                    pending.push(format!("publish {id}"));
                }
                Err(_) if being_destroyed.contains(&id) => pending.push(format!("destroy {id}")),
                Err(error) => bad.push((*row, error)),
            }
        }
        progress.end();
        if !bad.is_empty() {
            self.look_again(inventory, bad, findings, pending)?;
        }
        Ok(bytes)
    }

    /// What was found bad may have been destroyed or changed since the log was read, or wait for a command that was
    /// stopped to be finished.
    fn look_again(
        &self,
        inventory: &Inventory,
        bad: Vec<(&Row, Error)>,
        findings: &mut Vec<Finding>,
        pending: &mut Vec<String>,
    ) -> Result<(), Error> {
        let _lock = self.lock()?;
        let now = self.inventory()?;
        for (row, error) in bad {
            let Some(newest) = now.rows.get(&row.id) else { continue };
            let error = if newest.newest == row.newest {
                error
            } else {
                match self.check_document(newest, &super::NoProgress) {
                    Ok(_) => continue,
                    Err(error) => error,
                }
            };
            if self.waits(inventory, newest)? {
                pending.push(format!("rewrap {}", row.id));
                continue;
            }
            let detail = error.to_string();
            findings.push(Finding { code: error.code(), object: row.id.to_string(), detail });
        }
        Ok(())
    }

    fn check_document(&self, row: &Row, progress: &dyn Progress) -> Result<u64, Error> {
        let mut file = match objects::open(&*self.site.disk, &self.context.layout, row.id) {
            Ok(file) => file,
            Err(StoreError::Disk(error)) if error.is_not_found() || error.is_wrong_kind() => {
                return Err(Error::new(Code::MissingDocument).with("id", row.id));
            }
            Err(error) => return Err(error.into()),
        };
        let mut counted = Counted { inner: &mut *file, progress };
        Ok(check_digests(&mut counted, &expected(row))?)
    }

    /// What the log says now.
    fn inventory(&self) -> Result<Inventory, Error> {
        let record = known_host(&self.context)?.record().clone();
        let mut inventory = Inventory::default();
        for epoch in 1..=record.epoch {
            let read = self.segments(epoch, &record).and_then(|segments| {
                Ok(segments.for_each::<SegmentError>(0, segments.size(), |seq, bytes| {
                    let entry = Entry::parse(bytes).map_err(|_| SegmentError::Entry { at: seq })?;
                    inventory.take(epoch, &entry);
                    Ok(())
                })?)
            });
            match read {
                Ok(()) => {}
                // A log that cannot be read is among the findings already.
                Err(error) if error.code().exit() == 6 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(inventory)
    }
}

//! The derived from the truth: hash tiles from entries, the proofs by which log keys changed and the index from the log,
//! titles from the documents.

use std::path::PathBuf;

use super::catalogue::Catalogue;
use super::report::RebuildReport;
use super::session::{Session, actor};
use super::{Code, Error, Vault};
use crate::answer::{Progress, Stage};
use crate::identity::Identity;
use crate::log::entry::{Event, Object, ObjectKind, Outcome};
use crate::store::index::Index;
use crate::store::ledger::known_checkpoint;
use crate::store::live::{Live, known_host};
use crate::store::lock::VaultLock;
use crate::store::log_keys;
use crate::store::segments::Segments;

impl Vault {
    /// Makes index and hash tiles anew. The old index is put aside, not removed. With an identity that may see
    /// titles they are folded in as well; otherwise the next such command does it.
    ///
    /// # Errors
    /// A log that contradicts what was signed is refused: nothing derived from it could be believed.
    pub fn rebuild(&self, me: Option<&Identity>, progress: &dyn Progress) -> Result<RebuildReport, Error> {
        let lock = self.lock()?;
        let record = known_host(&self.context)?.record().clone();
        progress.begin(Stage::Indexing, None, None);
        let mut tiles = 0;
        for epoch in 1..=record.epoch {
            let known = if epoch == record.epoch { known_checkpoint(&record)?.size() } else { 0 };
            let folder = self.context.layout.log(epoch);
            let mut segments = Segments::read(self.site.disk.clone(), &folder, known)?;
            tiles += segments.rebuild_tiles()?;
        }
        let log_keys = log_keys::restore(&self.context, &record)?;
        let old_index = self.put_index_aside()?;
        if record.epoch > 1 {
            self.index_past_epochs(record.epoch)?;
        }
        drop(Index::open_or_create(&self.context.layout.index(), self.context.past())?);
        let live = self.record_rebuild(me, lock)?;
        if let Some(me) = me
            && self.folds_in(&live, me)?
        {
            let catalogue = Catalogue::unlock(&self.site, &self.context, &live, me)?;
            catalogue.fold(&self.site, &self.context, &live)?;
        }
        progress.end();
        let entries = live.ledger().size();
        Ok(RebuildReport { entries, documents: live.documents(), tiles, log_keys, old_index })
    }

    fn record_rebuild(&self, me: Option<&Identity>, lock: VaultLock) -> Result<Live, Error> {
        let mut live = Live::open(&self.context, lock)?;
        if live.ledger().can_write() {
            let session = Session::begin(&*self.site.random)?;
            let mut draft = live.draft(Event::IndexRebuild, Outcome::Ok, session.id());
            draft.object = Some(Object::of_kind(ObjectKind::Log));
            if let Some(me) = me {
                draft.actor = actor(me, live.roster().roster());
            }
            live.record_end(vec![draft], me.map(Identity::signing))?;
        }
        Ok(live)
    }

    /// Gives the old index a name of its own.
    fn put_index_aside(&self) -> Result<Option<PathBuf>, Error> {
        let (disk, layout) = (&*self.site.disk, &self.context.layout);
        if disk.exists(&layout.index_open())? {
            disk.remove_file(&layout.index_open())?;
        }
        if !disk.exists(&layout.index())? {
            return Ok(None);
        }
        for number in 1..10_000_u32 {
            let aside = layout.root().join(format!("sled.old-{number}"));
            if !disk.exists(&aside)? {
                disk.rename(&layout.index(), &aside)?;
                let sorted_aside = layout.root().join(format!("sorted.old-{number}"));
                if disk.exists(&layout.sorted())? && !disk.exists(&sorted_aside)? {
                    disk.rename(&layout.sorted(), &sorted_aside)?;
                }
                disk.sync_dir(layout.root())?;
                return Ok(Some(aside));
            }
        }
        Err(Error::new(Code::Exists).with("path", layout.root().join("sled.old-9999").display()))
    }

    /// The epochs before the present one, which opening does not replay.
    fn index_past_epochs(&self, present: u64) -> Result<(), Error> {
        let index = Index::open_or_create(&self.context.layout.index(), self.context.past())?;
        let mut documents = 0;
        for epoch in 1..present {
            let folder = self.context.layout.log(epoch);
            let segments = Segments::read(self.site.disk.clone(), &folder, 0)?;
            documents = crate::store::follow::replay(&index, &segments, epoch, 0, documents)?;
        }
        Ok(())
    }
}

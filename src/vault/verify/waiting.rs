//! Documents whose new header was recorded and perhaps not put in place: the work of a command that was stopped, which
//! the next one finishes.

use std::io::{self, Read as _};

use super::super::catalogue::expected;
use super::super::{Error, Vault};
use super::inventory::Inventory;
use crate::sealed::check_digests;
use crate::store::headers;
use crate::store::index::Row;
use crate::store::objects;

impl Vault {
    /// Whether all of a document waits: staged as a whole, or its payload in place and its header in the journal. Or
    /// nobody signed for its new header yet, and the one before is there.
    pub(super) fn waits(&self, inventory: &Inventory, row: &Row) -> Result<bool, Error> {
        let Some(changed) = inventory.changed.get(&row.id) else { return Ok(false) };
        let (disk, layout) = (&*self.context.disk, &self.context.layout);
        let wanted = expected(row);
        if let Some(mut file) = headers::open_staged(disk, layout, changed.session, row.id)?
            && check_digests(&mut file, &wanted).is_ok()
        {
            return Ok(true);
        }
        let Ok(mut file) = objects::open(disk, layout, row.id) else { return Ok(false) };
        let header = headers::find(disk, layout, changed.session, row.id, row.header_sha256)?;
        if let Some(header) = header {
            let skipped = io::copy(&mut (&mut file).take(row.header_len), &mut io::sink());
            return Ok(skipped.is_ok() && check_digests(&mut header.chain(file), &wanted).is_ok());
        }
        let unsigned = inventory.known.is_some_and(|known| row.newest >= known);
        Ok(unsigned && check_digests(&mut file, &expected(&changed.before)).is_ok())
    }
}

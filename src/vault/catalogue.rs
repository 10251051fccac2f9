//! Titles in a hurry: rows under a cache key that is wrapped to the catalogue key.
//!
//! The truth is in every document's header. A member who may see titles folds in what others sealed.

use std::collections::HashMap;

use super::{Code, Error, Site, Vault, keys};
use crate::access::{Action, Request};
use crate::agefile::{self, Unwrap};
use crate::crypto::{AeadKey, NONCE_LEN, Random};
use crate::document::Meta;
use crate::identity::Identity;
use crate::policy::decide;
use crate::roster::Purpose;
use crate::sealed::{Commitment, Expected, KnownHeader, MetadataKey};
use crate::store::index::{Change, Row};
use crate::store::live::{Context, Live};
use crate::store::objects;

/// How many rows are folded in before they are committed.
const STEP: usize = 4096;

/// What a member with the title right can do.
pub(super) struct Catalogue {
    /// Every generation that the member holds, the newest first: headers and sealed fields keep the one of their day.
    identities: Vec<agefile::Identity>,
    cache: AeadKey,
}

/// What the log says of a document, as opening wants it.
pub(super) fn expected(row: &Row) -> Expected {
    Expected {
        header_len: row.header_len,
        header_sha256: row.header_sha256,
        payload_sha256: row.payload_sha256,
        commitment: Commitment(row.commitment),
    }
}

impl Catalogue {
    /// Unlocks the catalogue; its cache key is made where there is none yet.
    pub(super) fn unlock(site: &Site, context: &Context, live: &Live, me: &Identity) -> Result<Self, Error> {
        let roster = live.roster().roster();
        let identities = keys::every(site, context, roster, me, Purpose::Catalogue)
            .map_err(|error| keys::awaited(live, me, Purpose::Catalogue, error))?;
        let newest = identities.first().ok_or(Code::Internal)?;
        let opened = |identity: &agefile::Identity, wrapped: &[u8]| {
            let plain = agefile::decrypt_small(&[identity], wrapped, 32).ok()?;
            <[u8; 32]>::try_from(plain.as_slice()).ok()
        };
        let key = match live.index().cache_key()? {
            None => Self::begin(site, live, newest)?,
            Some(wrapped) => match opened(newest, &wrapped) {
                Some(key) => key,
                // Whoever held the older key and left could have kept what it opens: everything is folded in anew.
                None if identities.iter().any(|identity| opened(identity, &wrapped).is_some()) => {
                    Self::unfold(live)?;
                    Self::begin(site, live, newest)?
                }
                None => return Err(Error::new(Code::DamagedIndex).with("detail", "cache key")),
            },
        };
        Ok(Self { identities, cache: AeadKey::new(&key) })
    }

    /// Takes the sealed parts out of all rows; they wait to be folded in from the documents' headers.
    fn unfold(live: &Live) -> Result<(), Error> {
        let mut rows = Vec::new();
        let visited = live.index().for_each_row(|row| {
            rows.push(row);
            Ok(())
        });
        visited.map_err(crate::store::StoreError::from)?;
        for step in rows.chunks(STEP) {
            let mut change = Change::default();
            for row in step {
                change.row(&Row { private: Vec::new(), ..row.clone() });
            }
            live.index().commit(change)?;
        }
        Ok(())
    }

    fn begin(site: &Site, live: &Live, identity: &agefile::Identity) -> Result<[u8; 32], Error> {
        let key = site.random.bytes32().map_err(|_| Code::NoRandom)?;
        let mut change = Change::default();
        change.cache_key(&agefile::encrypt_small(&[&identity.to_recipient()], &key, &*site.random)?);
        live.index().commit(change)?;
        Ok(key)
    }

    /// The sealed part of a row.
    pub(super) fn seal(&self, random: &dyn Random, meta: &Meta) -> Result<Vec<u8>, Error> {
        let nonce = random.bytes12().map_err(|_| Code::NoRandom)?;
        let mut sealed = meta.pack().map_err(|_| Code::Internal)?;
        self.cache.seal(nonce, &meta.id.0, &mut sealed);
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// A row's metadata.
    pub(super) fn open(&self, row: &Row) -> Result<Meta, Error> {
        let damaged = || Error::new(Code::DamagedIndex).with("id", row.id);
        let (nonce, sealed) = row.private.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let plain = self.cache.open(*nonce, &row.id.0, sealed).ok_or_else(damaged)?;
        Meta::unpack(&plain, row.id, row.class, row.size).map_err(|_| damaged())
    }

    /// Folds in what was sealed by people who may not see titles, from the documents' own headers.
    pub(super) fn fold(&self, site: &Site, context: &Context, live: &Live) -> Result<(), Error> {
        let mut keys = HashMap::new();
        let waiting = live.index().unfolded()?;
        for step in waiting.chunks(STEP) {
            let mut change = Change::default();
            for sealed in step {
                let Some(row) = live.index().row(*sealed)? else { continue };
                // Damage to one document is for `verify` to tell; it must not hide the titles of all others.
                let Ok(meta) = self.read_header(context, live, &row, &mut keys) else { continue };
                let private = self.seal(&*site.random, &meta)?;
                change.row(&Row { private, ..row });
            }
            live.index().commit(change)?;
        }
        Ok(())
    }

    /// A document's metadata from its header, which must be the one that the newest entry names.
    fn read_header(
        &self,
        context: &Context,
        live: &Live,
        row: &Row,
        keys: &mut HashMap<Vec<u8>, MetadataKey>,
    ) -> Result<Meta, Error> {
        live.document(row.id)?.ok_or(Code::NoDocument)?;
        let mut file = objects::open(&*context.disk, &context.layout, row.id)?;
        let header = KnownHeader::read(&mut file, &expected(row))?;
        let wrapped = header.wrapped_metadata_key();
        let name = wrapped.encode();
        if !keys.contains_key(&name) {
            keys.insert(name.clone(), wrapped.unwrap(&self.unwraps())?);
        }
        let key = keys.get(&name).ok_or(Code::Internal)?;
        let plain = header.open_meta(&row.id, key)?;
        let meta = Meta::parse(&plain).map_err(|_| Code::TamperedMetadata)?;
        // The class in there is the one of the sealing; the present one stands in the log.
        if meta.id == row.id && meta.size == row.size { Ok(meta) } else { Err(Code::TamperedMetadata.into()) }
    }

    /// One document's metadata: from its row, or from its header where it is not folded in.
    pub(super) fn meta(&self, context: &Context, live: &Live, row: &Row) -> Result<Meta, Error> {
        if !row.private.is_empty() {
            return self.open(row);
        }
        self.read_header(context, live, row, &mut HashMap::new())
    }

    /// The catalogue's secret keys, for headers and sealed fields of the log.
    pub(super) fn unwraps(&self) -> Vec<&dyn Unwrap> {
        self.identities.iter().map(|identity| identity as &dyn Unwrap).collect()
    }
}

impl Vault {
    /// Whether titles may come to light here and now for this member, and the key for it was given: then what waits is
    /// folded in.
    pub(super) fn folds_in(&self, live: &Live, me: &Identity) -> Result<bool, Error> {
        let wish = Request::new(me.id(), Action::SeeTitles);
        if decide(&live.rules(self.machine(live)), wish).is_err() {
            return Ok(false);
        }
        keys::is_given(&self.context, live.roster().roster(), me.id(), Purpose::Catalogue)
    }
}

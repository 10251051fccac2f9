//! What lies on a medium, before anything of it is believed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use super::super::{Code, Error};
use crate::bundle::{Evidence, FileLine, HEAD_LEN, Head, MANIFEST_NAME, Manifest, Plan, ReadSlice, Refusal};
use crate::note::{MAX_NOTE_LEN, SignedNote};
use crate::store::disk::ReadAt;
use crate::store::medium::Medium;

/// Most bytes of all the files beside the volumes: they are held in memory.
const FILES_LIMIT: u64 = 96 << 20;

/// A folder with a manifest, read once: everything but volumes and parity.
pub(super) struct Seen {
    pub(super) medium: Medium,
    pub(super) note: SignedNote,
    pub(super) manifest: Manifest,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) names: Vec<String>,
}

impl Seen {
    /// Reads manifest and notes.
    ///
    /// # Errors
    /// [`Code::NoFile`], [`Code::BundleNoManifest`], [`Code::BundleFormat`], [`Code::Io`].
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let medium = Medium::open(path).map_err(|error| {
            let gone = error.is_not_found() || error.is_wrong_kind();
            if gone { Error::new(Code::NoFile).with("path", path.display()) } else { error.into() }
        })?;
        let format =
            |detail: &str| Error::new(Code::BundleFormat).with("path", path.display()).with("detail", detail);
        let bytes = match medium.read(MANIFEST_NAME, MAX_NOTE_LEN as u64) {
            Ok(bytes) => {
                bytes.ok_or_else(|| Error::new(Code::BundleNoManifest).with("path", path.display()))?
            }
            Err(error) if error.is_wrong_kind() => return Err(format(MANIFEST_NAME)),
            Err(error) => return Err(error.into()),
        };
        let note = SignedNote::parse(&bytes).map_err(|error| format("manifest").because(error))?;
        // Read before its signature is verified, since it says who is to have signed it; trusted for nothing until then.
        let manifest = Manifest::parse(note.text()).ok_or_else(|| format("manifest"))?;
        let lines: Vec<&FileLine> = manifest.attempt.files.iter().chain(&manifest.slips).collect();
        let total = lines.iter().fold(0_u64, |sum, line| sum.saturating_add(line.len));
        if total > FILES_LIMIT {
            return Err(format("files"));
        }
        let mut files = BTreeMap::new();
        for line in lines {
            match medium.read(&line.name, line.len) {
                Ok(Some(bytes)) => drop(files.insert(line.name.clone(), bytes)),
                Ok(None) => {}
                // Longer than it says, or no file: then it is not the one.
                Err(error) if error.is_wrong_kind() => drop(files.insert(line.name.clone(), Vec::new())),
                Err(error) => return Err(error.into()),
            }
        }
        let names = medium.names();
        Ok(Self { medium, note, manifest, files, names })
    }

    pub(super) fn evidence(&self) -> Evidence<'_> {
        Evidence { note: &self.note, files: &self.files, names: &self.names }
    }
}

/// Files that stay open while they are read here and there. A process may have a thousand open or so: those beyond the first
/// ones are opened each time.
#[derive(Default)]
pub(super) struct Handles {
    kept: Vec<OnceLock<Box<dyn ReadAt>>>,
}

impl Handles {
    /// How many stay open.
    const KEPT: usize = 200;

    pub(super) fn new() -> Self {
        Self { kept: (0..Self::KEPT).map(|_| OnceLock::new()).collect() }
    }

    pub(super) fn read_at(
        &self,
        slice: u32,
        (at, out): (u64, &mut [u8]),
        open: impl Fn() -> io::Result<Box<dyn ReadAt>>,
    ) -> io::Result<usize> {
        let Some(slot) = usize::try_from(slice).ok().and_then(|slice| self.kept.get(slice)) else {
            return open()?.read_at(at, out);
        };
        match slot.get() {
            Some(file) => file.read_at(at, out),
            None => slot
                .get_or_init({
                    let file = open()?;
                    || file
                })
                .read_at(at, out),
        }
    }
}

/// Volumes and parity where they lie, on one medium or several.
pub(super) struct MediaSlices<'a> {
    seen: &'a [Seen],
    plan: Plan,
    /// On which of the media each lies.
    places: Vec<Option<usize>>,
    handles: Handles,
    /// Those whose length or head is not what it should be.
    pub(super) strange: Vec<u32>,
}

impl<'a> MediaSlices<'a> {
    /// Looks for what is there. A volume that lies on two media is taken from the newer attempt: it was sent again for a
    /// reason.
    pub(super) fn open(seen: &'a [Seen]) -> Result<Self, Error> {
        let Some(first) = seen.first() else { return Err(Code::BundleNoManifest.into()) };
        let plan = first.manifest.core.plan;
        let mut newest: Vec<(usize, &Seen)> = seen.iter().enumerate().collect();
        newest.sort_by_key(|(_, one)| Reverse(one.manifest.attempt.number));
        let (mut places, mut strange) = (Vec::new(), Vec::new());
        for slice in 0..plan.slices() {
            let mut found = None;
            let mut odd = false;
            let name = plan.slice(slice).ok_or(Code::Internal)?.to_string();
            for (at, one) in &newest {
                if !one.manifest.slices.contains(slice + 1) {
                    continue;
                }
                match one.medium.open_file(&name) {
                    Ok(Some(file)) if is_it(&file, &one.manifest, slice) => {
                        found = Some(*at);
                        break;
                    }
                    Ok(None) => {}
                    Ok(Some(_)) | Err(_) => odd = true,
                }
            }
            if found.is_none() && odd {
                strange.push(slice);
            }
            places.push(found);
        }
        Ok(Self { seen, plan, places, handles: Handles::new(), strange })
    }

    /// Volumes and parity that lie on none of the media.
    pub(super) fn absent(&self) -> Vec<u32> {
        let at = |(at, place): (usize, &Option<usize>)| {
            let at = u32::try_from(at).ok()?;
            (place.is_none() && !self.strange.contains(&at)).then_some(at)
        };
        self.places.iter().enumerate().filter_map(at).collect()
    }

    pub(super) fn is_there(&self, slice: u32) -> bool {
        self.place(slice).is_some()
    }

    fn place(&self, slice: u32) -> Option<&Seen> {
        let place = usize::try_from(slice).ok().and_then(|at| self.places.get(at).copied()).flatten()?;
        self.seen.get(place)
    }
}

/// Whether a file has the length and the head of a volume. A torn end is damage, and parity is for that; anything behind the
/// end is not.
fn is_it(file: &File, manifest: &Manifest, slice: u32) -> bool {
    let (plan, core) = (manifest.core.plan, &manifest.core);
    let mut head = [0; HEAD_LEN as usize];
    let expected = Head::of(&plan, core.link.bundle, manifest.attempt.number, slice);
    let same = file.read_at(0, &mut head).is_ok_and(|got| got == head.len())
        && expected.is_some_and(|expected| expected.print() == head);
    same && file.len().is_ok_and(|len| len <= plan.file_len(slice))
}

impl ReadSlice for MediaSlices<'_> {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let seen = self.place(slice).ok_or(io::ErrorKind::NotFound)?;
        let left = self.plan.body_len_of(slice).saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let out = out.get_mut(..len).unwrap_or_default();
        self.handles.read_at(slice, (HEAD_LEN + offset, out), || {
            let name = self.plan.slice(slice).ok_or(io::ErrorKind::NotFound)?.to_string();
            let file = seen.medium.open_file(&name).map_err(io::Error::other)?;
            Ok(Box::new(file.ok_or(io::ErrorKind::NotFound)?))
        })
    }
}

/// A refusal as the error that a person sees.
pub(super) fn refused(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::Format => Code::BundleFormat.into(),
        Refusal::UnknownSender(vault) => Error::new(Code::BundleUnknownSender).with("id", vault),
        Refusal::Chain(why) => Error::new(Code::BundleChain).with("detail", why),
        Refusal::Roster => Error::new(Code::BundleChain).with("detail", "roster"),
        Refusal::Signature => Code::BundleSignature.into(),
        Refusal::Sender(member) => Error::new(Code::BundleSignature).with("id", member),
        Refusal::WrongReceiver(vault) => Error::new(Code::BundleWrongReceiver).with("id", vault),
        Refusal::ReceiverKey => Code::BundleWrongKey.into(),
        Refusal::Direction => Code::BundleDirection.into(),
        Refusal::File(name) => Error::new(Code::BundleFile).with("name", name),
        Refusal::Missing(name) => Error::new(Code::BundleMissingFile).with("name", name),
        Refusal::Undeclared(name) => Error::new(Code::BundleUndeclared).with("name", name),
        Refusal::Request => Error::new(Code::BundleApprovals).with("state", "request"),
        Refusal::Approvals { needed, given, releaser } => {
            let state = if *releaser { "releaser" } else { "approvals" };
            Error::new(Code::BundleApprovals).with("state", state).with("needed", needed).with("given", given)
        }
        Refusal::Replayed { number, when } => {
            Error::new(Code::BundleReplayed).with("number", number).with("when", when)
        }
        Refusal::Gap { from, to } => Error::new(Code::BundleGap).with("number", from).with("to", to),
        Refusal::Forked(number) => Error::new(Code::BundleForked).with("number", number),
        Refusal::Series { expected, found } => {
            Error::new(Code::BundleSeries).with("known", expected).with("found", found)
        }
        Refusal::Expired(until) => Error::new(Code::BundleExpired).with("until", until),
        Refusal::NotYet(when) => Error::new(Code::BundleNotYet).with("when", when),
        Refusal::LogForked => Code::BundleLogForked.into(),
        Refusal::Witness => Error::new(Code::BundleChain).with("detail", "witness-request"),
    }
}

//! Two vaults with nothing in common but the folder on a medium.

mod archive;
mod checked;
mod dropbox;
mod forge;
mod hostile;
mod log_keys;
mod media;
mod order;
mod people;
mod places;
mod receipts;
mod roundtrip;
mod stick;
mod volumes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::note::SignedNote;
use gapvault::roster::Roster;
use gapvault::vault::{
    self, AuditShow, BundleCreate, BundleVerify, BundleVerifyReport, BundleWriteReport, Code, Identity,
    ImportReport, ImportRequest, InitRequest, Leaving, Link, MemberAdd, NoProgress, Policy, Site,
    Surroundings, Vault, bundle_verify,
};

use super::verbs::{Ahead, person, sealing, site};

/// A machine that nothing connects.
#[derive(Debug)]
pub(crate) struct Apart;

impl Surroundings for Apart {
    fn links(&self) -> std::io::Result<Vec<Link>> {
        Ok(Vec::new())
    }
}

/// One vault with its founder, its own state and its own clock.
pub(crate) struct Side {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) founder: Identity,
    pub(crate) clock: Arc<Ahead>,
}

impl Side {
    /// A vault of this name whose founder does everything alone, but for what `policy` asks.
    pub(crate) fn new(name: &str, zone: Zone, policy: Policy) -> Self {
        let folder = in_memory();
        let clock = Arc::new(Ahead(AtomicI64::new(0)));
        let founder = person(&site(folder.path()), folder.path(), "王小明");
        let side = Self { folder, founder, clock };
        let request = InitRequest { policy: Some(policy), ..InitRequest::new(name, zone, KeyKind::Classic) };
        vault::init(&side.site(), &side.path("v"), &side.founder, &request).unwrap();
        side
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn site(&self) -> Site {
        Site { clock: self.clock.clone(), surroundings: Arc::new(Apart), ..site(self.folder.path()) }
    }

    pub(crate) fn vault(&self) -> Vault {
        Vault::at(self.site(), &self.path("v")).unwrap()
    }

    pub(crate) fn later(&self, days: i64) {
        self.clock.0.fetch_add(days * 24 * 60 * 60 * 1000, Ordering::SeqCst);
    }

    /// Seals content; gives the document's id.
    pub(crate) fn seal(&self, name: &str, content: &[u8], class: Class) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        let report = self.vault().seal(&self.founder, &sealing(&path, class), &NoProgress).unwrap();
        report.documents[0].id.to_string()
    }

    /// Takes another vault's card.
    pub(crate) fn admit(&self, other: &Side) {
        let card = self.path(&format!("{}.card", other.vault().folder().display()).replace('/', "_"));
        let _ = std::fs::remove_file(&card);
        let shown = other.vault().peer_card(&card).unwrap();
        let confirm = &mut |view: &vault::VaultCardView| {
            assert_eq!(view.code.to_string(), shown.code);
            Ok(())
        };
        self.vault().peer_add(&self.founder, &card, confirm).unwrap();
    }

    /// Asks to send documents.
    pub(crate) fn create(&self, to: &str, ids: &[&str]) -> Result<vault::BundleCreateReport, vault::Error> {
        self.vault().bundle_create(&self.founder, &wish(to, ids))
    }

    pub(crate) fn write(&self, bundle: &str, to: &Path) -> Result<BundleWriteReport, vault::Error> {
        self.vault().bundle_write(&self.founder, bundle, to, &NoProgress)
    }

    /// Creates and writes a bundle that nobody has to approve.
    pub(crate) fn send(&self, to: &str, ids: &[&str], medium: &Path) -> BundleWriteReport {
        let made = self.create(to, ids).unwrap();
        self.write(&made.bundle.to_string(), medium).unwrap()
    }

    pub(crate) fn import(&self, medium: &Path) -> Result<ImportReport, vault::Error> {
        let wish = ImportRequest { paths: vec![medium.to_owned()], code: None, accept: true };
        self.vault().import(&self.founder, &wish, &NoProgress)
    }

    /// The code of the refusal.
    pub(crate) fn refuses(&self, medium: &Path) -> Code {
        self.import(medium).expect_err("it was let in").code()
    }

    /// Import by somebody, into quarantine.
    pub(crate) fn import_as(&self, me: &Identity, medium: &Path) -> Result<ImportReport, vault::Error> {
        let wish = ImportRequest { paths: vec![medium.to_owned()], code: None, accept: false };
        self.vault().import(me, &wish, &NoProgress)
    }

    /// Everything in the vault that a bundle could leave something in.
    fn stock(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        for part in ["documents", "quarantine", "staging", "peers", "outbox", "roster", "keys"] {
            collect(&self.path("v").join(part), &mut found);
        }
        found
    }

    /// The newest entries of the log.
    pub(crate) fn entries(&self, last: u64) -> Vec<serde_json::Value> {
        self.vault().audit_show(&AuditShow { last: Some(last), document: None }).unwrap().entries
    }

    /// The code of the refusal, which changes nothing, and which an entry tells of.
    pub(crate) fn turns_away(&self, medium: &Path) -> Code {
        let before = self.stock();
        let code = self.refuses(medium);
        assert_ne!(code, Code::Internal);
        assert!(self.stock() == before, "{code} left something");
        let entry = self.entries(1).remove(0);
        assert_eq!(entry["event"], "bundle.import", "{entry}");
        assert_eq!(entry["reason"], code.as_str(), "{entry}");
        code
    }

    /// The same, and `bundle verify` says it too.
    pub(crate) fn finds(&self, medium: &Path) -> Code {
        let code = self.turns_away(medium);
        assert_eq!(self.verdict(medium), code.as_str());
        code
    }

    pub(crate) fn looks(&self, media: &[&Path]) -> Result<BundleVerifyReport, vault::Error> {
        let vault = self.vault();
        let paths = media.iter().map(|medium| (*medium).to_owned()).collect();
        bundle_verify(&self.site(), &BundleVerify { paths, vault: Some(&vault), card: None }, &NoProgress)
    }

    /// What `bundle verify` says: its verdict, or why it says nothing.
    pub(crate) fn verdict(&self, medium: &Path) -> String {
        self.looks(&[medium]).map_or_else(|error| error.code().as_str().to_owned(), |report| report.verdict)
    }

    /// Somebody joins, with every right that the role can have.
    pub(crate) fn join(&self, name: &str, role: Role, until: Option<&str>) -> Identity {
        let folder = self.path(&format!("home-{}-{name}", self.roster().version));
        std::fs::create_dir_all(&folder).unwrap();
        let identity = person(&self.site(), &folder, name);
        let office = matches!(role, Role::Officer | Role::Clerk);
        let request = MemberAdd {
            card: folder.join(format!("{name}.id.card")),
            role,
            clearance: if role == Role::Auditor { vec![] } else { vec![Class::Critical, Class::Important] },
            titles: role != Role::Auditor,
            import: office,
            release: role == Role::Officer,
            until: until.map(str::to_owned),
            sponsor: None,
            confirm: &mut |_| Ok(()),
        };
        crate::people::done(self.vault().member_add(&self.founder, request).unwrap());
        identity
    }

    pub(crate) fn send_away(&self, who: &Identity) {
        let leaving = Leaving {
            member: who.id().to_string(),
            card: None,
            rekey: false,
            reason: None,
            confirm: &mut |_| Ok(()),
        };
        crate::people::done(self.vault().member_leave(&self.founder, leaving, &NoProgress).unwrap());
    }

    /// The newest roster.
    pub(crate) fn roster(&self) -> Roster {
        let newest = std::fs::read_dir(self.path("v/roster")).unwrap().count();
        let note = std::fs::read(self.path(&format!("v/roster/{newest:04}.note"))).unwrap();
        Roster::parse(SignedNote::parse(&note).unwrap().text()).unwrap()
    }

    /// A document's content, as the founder sees it.
    pub(crate) fn opens(&self, id: &str) -> Vec<u8> {
        let to = self.path("opened");
        let request = vault::OpenRequest {
            ids: vec![id.to_owned()],
            all: false,
            to: vault::OpenTo::File(to.clone()),
            reason: Some("查核".into()),
            request: None,
        };
        self.vault().open(&self.founder, request, &NoProgress).unwrap();
        let content = std::fs::read(&to).unwrap();
        std::fs::remove_file(to).unwrap();
        content
    }

    pub(crate) fn sound(&self) {
        let report = self.vault().verify(&NoProgress).unwrap();
        assert_eq!((report.verdict.as_str(), report.findings.len()), ("ok", 0), "{:?}", report.findings);
        assert!(report.pending.is_empty(), "{:?}", report.pending);
        let report = self.vault().audit_verify(&NoProgress).unwrap();
        assert_eq!((report.verdict.as_str(), report.findings.len()), ("ok", 0), "{:?}", report.findings);
        assert_eq!(report.size, report.signed_size);
    }
}

/// In memory where possible: whether a sync reaches a medium is not what is tried here.
pub(crate) fn in_memory() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap()
}

fn collect(path: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            collect(&path, found);
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

pub(crate) fn wish(to: &str, ids: &[&str]) -> BundleCreate {
    BundleCreate {
        to: to.to_owned(),
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        volume: 1 << 30,
        parity: 10,
        expires: None,
        reason: None,
    }
}

/// A networked vault and an isolated one that know each other.
pub(crate) fn pair() -> (Side, Side) {
    let out = Side::new("連網庫", Zone::Networked, Policy::for_one_person());
    let inside = Side::new("隔離庫", Zone::Isolated, Policy::for_one_person());
    out.admit(&inside);
    inside.admit(&out);
    (out, inside)
}

/// Such a pair, and a medium with a bundle of one small document from outside. Gives the document's id.
pub(crate) fn crossing() -> (Side, Side, PathBuf, String) {
    let (out, inside) = pair();
    let id = out.seal("a.txt", b"secret text", Class::Important);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    (out, inside, medium, id)
}

//! People against people: who writes himself into the roster, approves his own requests, exchanges approvals, keys and
//! policies, or has left. Done with what a hex editor can do, and with the library's lower floors, which sign what one
//! likes.

mod classes;
mod elsewhere;
mod hostile;
mod hosts;
mod leaving;
mod requests;
mod rosters;

use std::path::{Path, PathBuf};

use gapvault::access::Denial;
use gapvault::id::{MemberId, VaultId};
use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::note::{SignedNote, member_key_name};
use gapvault::policy::{Machine, Rules, standing};
use gapvault::roster::Roster;
use gapvault::vault::{
    self, Approving, Code, Done, Error, Identity, InitRequest, MemberAdd, NoProgress, Part, Policy,
    RequestReport,
};

use crate::verbs::{self, Place};

/// Two officers, olga and otto, and two clerks, cara and carl, with the clearance for `important`. Olga is the founder.
pub(crate) struct Office {
    pub(crate) place: Place,
    pub(crate) otto: Identity,
    pub(crate) cara: Identity,
    pub(crate) carl: Identity,
}

impl Office {
    /// Of whose officers so many sign a change.
    pub(crate) fn new(needed: u32) -> Self {
        Self::under(needed, Zone::Networked, &Policy::default())
    }

    pub(crate) fn under(needed: u32, zone: Zone, policy: &Policy) -> Self {
        let shared = Path::new("/dev/shm");
        let folder =
            if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
        let site = verbs::site(folder.path());
        let founder = verbs::person(&site, folder.path(), "olga");
        let request = InitRequest {
            officers_needed: needed,
            policy: Some(policy.clone()),
            ..InitRequest::new("v", zone, KeyKind::Classic)
        };
        vault::init(&site, &folder.path().join("v"), &founder, &request).unwrap();
        let place = Place { folder, founder };
        // While there is one officer, that one signs alone.
        let cara = place.join("cara", Role::Clerk, &[Class::Important], true);
        let carl = place.join("carl", Role::Clerk, &[Class::Important], true);
        let otto = place.join("otto", Role::Officer, &[Class::Critical, Class::Important], true);
        Self { place, otto, cara, carl }
    }

    pub(crate) fn olga(&self) -> &Identity {
        &self.place.founder
    }

    /// A sealed document of class `important`.
    pub(crate) fn document(&self) -> String {
        let source = self.place.write("a.txt", b"text");
        self.place.seal(&self.cara, &source, Class::Important)
    }

    /// Somebody asks for the destruction of a document.
    pub(crate) fn ask_to_destroy(&self, me: &Identity, id: &str) -> RequestReport {
        asked(self.place.vault().destroy(me, id, "over", None).unwrap())
    }

    /// Somebody carries a request out.
    pub(crate) fn destroy(&self, me: &Identity, id: &str, request: &RequestReport) -> Result<(), Code> {
        let request = request.request.to_string();
        let done =
            self.place.vault().destroy(me, id, "over", Some(&request)).map_err(|error| error.code())?;
        assert!(matches!(done, Done::Done(_)));
        Ok(())
    }

    pub(crate) fn approve(&self, me: &Identity, request: &RequestReport) -> Result<RequestReport, Code> {
        let approving = Approving { part: Part::Approver, run: false };
        let done = self.place.vault().approve(me, &request.request.to_string(), request.digest, approving);
        done.map_err(|error| error.code())
    }

    /// A file of a request.
    pub(crate) fn file(&self, request: &RequestReport, name: &str) -> PathBuf {
        self.place.path("v/requests").join(request.request.to_string()).join(name)
    }

    /// The place of somebody's approval.
    pub(crate) fn approval(&self, request: &RequestReport, of: &Identity) -> PathBuf {
        self.file(request, &format!("approval-approver-{}.note", of.id()))
    }

    pub(crate) fn status(&self) -> Result<(), Code> {
        self.place.vault().status().map(|_| ()).map_err(|error| error.code())
    }

    /// What `verify` finds, each code once, or why it cannot be made.
    pub(crate) fn findings(&self) -> Vec<Code> {
        let report = match self.place.vault().verify(&NoProgress) {
            Ok(report) => report,
            Err(error) => return vec![error.code()],
        };
        let mut codes: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
        codes.dedup();
        codes
    }

    pub(crate) fn vault_id(&self) -> VaultId {
        self.place.vault().status().unwrap().vault
    }

    /// The version of the newest roster that lies there, and its note.
    pub(crate) fn newest_roster(&self) -> (u64, SignedNote) {
        let version = std::fs::read_dir(self.place.path("v/roster")).unwrap().count() as u64;
        (version, SignedNote::parse(&std::fs::read(self.roster_path(version)).unwrap()).unwrap())
    }

    pub(crate) fn roster_path(&self, version: u64) -> PathBuf {
        self.place.path("v/roster").join(format!("{version:04}.note"))
    }

    pub(crate) fn roster(&self) -> Roster {
        Roster::parse(self.newest_roster().1.text()).unwrap()
    }

    /// The text of a roster that would follow the newest one.
    pub(crate) fn next_roster(&self, change: impl FnOnce(&mut Roster)) -> String {
        let (version, note) = self.newest_roster();
        let mut next = Roster::parse(note.text()).unwrap();
        next.version = version + 1;
        next.previous = Some(note.digest());
        next.vault = Some(self.vault_id());
        change(&mut next);
        next.print().unwrap()
    }

    /// Somebody joins, under a name that others may have too, by the founder's word.
    pub(crate) fn admit(
        &self,
        name: &str,
        role: Role,
        import: bool,
    ) -> (Identity, Done<vault::MemberAddReport>) {
        let folder = self.place.path(&format!("home-{import}-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let identity = verbs::person(&self.place.site(), &folder, name);
        let request = MemberAdd {
            card: folder.join(format!("{name}.id.card")),
            role,
            clearance: vec![Class::Critical, Class::Important],
            titles: true,
            import,
            release: false,
            until: None,
            sponsor: None,
            confirm: &mut |_| Ok(()),
        };
        let done = self.place.vault().member_add(self.olga(), request).unwrap();
        (identity, done)
    }

    pub(crate) fn standing(&self, id: MemberId) -> Result<(), Denial> {
        let (roster, policy) = (self.roster(), Policy::default());
        let now = gapvault::time::Clock::now(&vault::SystemClock).time;
        let rules = Rules { roster: &roster, policy: &policy, machine: Machine::Apart, now };
        standing(rules.roster, id, rules.now).map(|_| ())
    }
}

/// A note, signed by these people, whoever they are.
pub(crate) fn signed(text: &str, by: &[&Identity]) -> SignedNote {
    let names: Vec<String> = by.iter().map(|one| member_key_name(one.id())).collect();
    let keys: Vec<_> = names.iter().map(String::as_str).zip(by.iter().map(|one| one.signing())).collect();
    SignedNote::sign(text, &keys).unwrap()
}

pub(crate) fn asked<T>(done: Done<T>) -> RequestReport {
    match done {
        Done::Asked(request) => *request,
        Done::Done(_) => panic!("nobody was asked"),
    }
}

pub(crate) fn done<T>(done: Done<T>) -> T {
    match done {
        Done::Done(report) => report,
        Done::Asked(request) => panic!("{request:?}"),
    }
}

pub(crate) fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

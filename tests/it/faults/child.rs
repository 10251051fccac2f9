//! What is done on the faulty disk: one verb, through the library, with a line for each thing acknowledged.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::store::disk::Disk as _;
use gapvault::vault::{
    self, Approving, Done, Error, ExceptRequest, Identity, InitRequest, Leaving, MemberAdd, NoProgress,
    OpenRequest, OpenTo, Part, Policy, Progress, SealRequest, Site, Stage, Vault, Window,
};

use super::disk::{FaultDisk, Mode};
use super::judge;
use crate::rewrap::every;
use crate::verbs;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Init,
    Seal,
    // The same where old entries leave the live index.
    Move,
    Open,
    Destroy,
    Rewrap,
    Rekey,
    MemberAdd,
    Enrol,
    Resume,
    LogKey,
    // From here on in an office of three people.
    Leave,
    Retire,
    Ask,
    Approve,
    Relabel,
    Except,
    // From here on between two vaults.
    PeerAdd,
    Create,
    Write,
    NextMedium,
    Resend,
    Import,
    Accept,
    Reject,
    Receipt,
}

impl Verb {
    pub(crate) const ALL: [Self; 11] = [
        Self::Init,
        Self::Seal,
        Self::Move,
        Self::Open,
        Self::Destroy,
        Self::Rewrap,
        Self::Rekey,
        Self::MemberAdd,
        Self::Enrol,
        Self::Resume,
        Self::LogKey,
    ];

    /// Those that take an office of several people.
    pub(crate) const OFFICE: [Self; 6] =
        [Self::Leave, Self::Retire, Self::Ask, Self::Approve, Self::Relabel, Self::Except];

    /// Those that take two vaults.
    pub(crate) const GAP: [Self; 9] = [
        Self::PeerAdd,
        Self::Create,
        Self::Write,
        Self::NextMedium,
        Self::Resend,
        Self::Import,
        Self::Accept,
        Self::Reject,
        Self::Receipt,
    ];

    pub(crate) fn of(name: &str) -> Self {
        let all = Self::ALL.into_iter().chain(Self::OFFICE).chain(Self::GAP);
        all.into_iter().find(|verb| format!("{verb:?}") == name).unwrap()
    }
}

/// Of a log of 255 entries three steps become too old, of which two become one file.
const MOVING: Window = Window { keep: 200, step: 16, fan: 2, largest: 32 };

pub(crate) const SOURCES: [(&str, &[u8]); 3] =
    [("one.txt", b"first text"), ("two.bin", &[0xa5; 3000]), ("three.txt", b"")];

/// The lines of acknowledgement. A file, since a killed process leaves what it wrote there.
#[derive(Clone)]
pub(crate) struct Acks(Arc<File>);

impl Acks {
    pub(crate) fn open(path: &Path) -> Self {
        Self(Arc::new(File::options().append(true).create(true).open(path).unwrap()))
    }

    pub(crate) fn say(&self, line: &str) {
        (&*self.0).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// Counts every step of work on plaintext as a call too.
struct Ticks(FaultDisk);

impl Progress for Ticks {
    fn begin(&self, _: Stage, _: Option<u64>, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {
        // A step cannot fail; but a process can end in it.
        let _ = self.0.mark("step");
    }
    fn end(&self) {}
}

/// Says that plaintext came out, before anything else can happen.
struct Sink(Acks);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.say("out");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where everything of one run lies.
pub(crate) struct Ground(pub(crate) PathBuf);

impl Ground {
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn site(&self) -> Site {
        verbs::site(&self.0)
    }

    /// A host that trusts the vault and may not write yet.
    pub(crate) fn second_site(&self) -> Site {
        verbs::site_with(&self.at("state2"))
    }

    /// A host that never saw the vault.
    pub(crate) fn third_site(&self) -> Site {
        verbs::site_with(&self.at("state3"))
    }

    /// The host on which a verb runs.
    pub(crate) fn site_of(&self, verb: Verb) -> Site {
        match verb {
            verb if Verb::GAP.contains(&verb) => self.side_of(verb).0,
            Verb::Move => Site { window: MOVING, ..self.site() },
            Verb::Enrol => self.second_site(),
            Verb::Resume => self.third_site(),
            _ => self.site(),
        }
    }

    /// The vault in which a verb runs.
    fn folder_of(&self, verb: Verb) -> PathBuf {
        if Verb::GAP.contains(&verb) { self.side_of(verb).1 } else { self.at("v") }
    }

    pub(crate) fn person(&self, name: &str) -> Identity {
        vault::unlock_identity(&self.site(), &self.at(&format!("{name}.id")), &verbs::words()).unwrap()
    }

    /// The ids of the two documents that are there from the beginning.
    pub(crate) fn ids(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.at("ids")).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

pub(crate) fn founding() -> InitRequest {
    InitRequest {
        policy: Some(Policy::for_one_person()),
        ..InitRequest::new("第一庫", Zone::Networked, KeyKind::Classic)
    }
}

pub(crate) fn joining<'a>(
    ground: &Ground,
    confirm: &'a mut dyn FnMut(&vault::CardView) -> Result<(), Error>,
) -> MemberAdd<'a> {
    MemberAdd {
        card: ground.at("guest.id.card"),
        role: Role::Clerk,
        clearance: Class::ALL.to_vec(),
        titles: true,
        import: false,
        release: false,
        until: None,
        sponsor: None,
        confirm,
    }
}

/// A policy under which another person approves of a destruction.
pub(crate) fn office() -> InitRequest {
    let mut policy = Policy::for_one_person();
    policy.critical.destroy_approvals = 1;
    InitRequest { policy: Some(policy), ..founding() }
}

/// Consent that is carried out at once.
pub(crate) const RUN: Approving = Approving { part: Part::Approver, run: true };

/// The guest leaves, and the keys change.
pub(crate) fn leave(ground: &Ground, vault: &Vault, me: &Identity) -> Result<(), Error> {
    let member = ground.person("guest").id().to_string();
    let leaving = Leaving { member, card: None, rekey: false, reason: None, confirm: &mut |_| Ok(()) };
    let Done::Done(report) = vault.member_leave(me, leaving, &NoProgress)? else {
        panic!("nobody was asked")
    };
    // The change is in force; what followed and was stopped is reported and goes on later.
    match report.documents.failed.first() {
        Some(failed) => Err(failed.code.into()),
        None => Ok(()),
    }
}

pub(crate) fn opening(ids: Vec<String>, to: OpenTo<'_>) -> OpenRequest<'_> {
    OpenRequest { all: ids.is_empty(), ids, to, reason: Some("查核".into()), request: None }
}

/// Runs the verb; says `end`, whether the fault struck, and how many calls there were.
pub(crate) fn run(ground: &Ground, verb: Verb, mode: Mode, at: u64) {
    let disk = FaultDisk::new(mode, at, ground.at("attic"));
    let site = Site { disk: Arc::new(disk.clone()), ..ground.site_of(verb) };
    let acks = Acks::open(&ground.at("acks"));
    let me = ground.person("founder");
    let done = work(ground, verb, &site, &me, &disk, &acks);
    let (struck, calls) = (disk.fired(), disk.calls());
    if mode.unseen() && struck {
        disk.heal();
        go_on(ground, verb, &site, &me);
    }
    if let Err(error) = done {
        acks.say(&format!("error {} {error:?}", error.code().as_str()));
    }
    if mode.forgets() {
        disk.lose();
    }
    acks.say(&format!("end {struck} {calls}"));
}

/// The next person to come along, on a disk that works again.
fn go_on(ground: &Ground, verb: Verb, site: &Site, me: &Identity) {
    let folder = ground.folder_of(verb);
    if verb == Verb::Resume {
        judge::gone_on(&Vault::at(site.clone(), &folder).unwrap(), me);
    } else if folder.join("vault.toml").exists() {
        Vault::at(site.clone(), &folder).unwrap().status().unwrap();
    } else {
        vault::init(site, &folder, me, &founding()).unwrap();
    }
}

fn work(
    ground: &Ground,
    verb: Verb,
    site: &Site,
    me: &Identity,
    disk: &FaultDisk,
    acks: &Acks,
) -> Result<(), Error> {
    let folder = ground.folder_of(verb);
    if verb == Verb::Init {
        vault::init(site, &folder, me, &founding())?;
        acks.say("vault");
        return Ok(());
    }
    let vault = Vault::at(site.clone(), &folder)?;
    match verb {
        Verb::Init => {}
        Verb::Seal | Verb::Move => {
            let paths = SOURCES.iter().map(|(name, _)| ground.at(name)).collect();
            let (title, class) = (None, Class::Critical);
            let request = SealRequest { paths, class, title, remove_original: false, dry_run: false };
            for row in vault.seal(me, &request, &NoProgress)?.documents {
                acks.say(&format!("sealed {}", row.id));
            }
        }
        Verb::Open => {
            let ids = ground.ids();
            let ticks = Ticks(disk.clone());
            let to = OpenTo::File(ground.at("out").join("a"));
            vault.open(me, opening(vec![ids[0].clone()], to), &ticks)?;
            acks.say("opened");
            let mut sink = Sink(acks.clone());
            vault.open(me, opening(vec![ids[1].clone()], OpenTo::Stream(&mut sink)), &ticks)?;
            vault.open(me, opening(vec![], OpenTo::Into(ground.at("out").join("all"))), &ticks)?;
            acks.say("opened all");
        }
        Verb::Destroy => {
            vault.destroy(me, &ground.ids()[0], "過期", None)?;
            acks.say("destroyed");
        }
        Verb::Rewrap | Verb::Rekey => {
            let run = if verb == Verb::Rewrap { Vault::rewrap } else { Vault::rekey };
            let report = run(&vault, me, &every(), &NoProgress)?;
            assert!(report.failed.is_empty(), "{:?}", report.failed);
            for row in report.documents {
                acks.say(&format!("changed {} {}", row.id, row.header_sha256));
            }
        }
        Verb::MemberAdd => {
            vault.member_add(me, joining(ground, &mut |_| Ok(())))?;
            acks.say("joined");
        }
        Verb::Enrol => {
            vault.host_enrol(me)?;
            acks.say("enrolled");
        }
        Verb::Resume => {
            vault.host_resume(me, "主機毀損", &mut |_| Ok(()))?;
            acks.say("resumed");
        }
        Verb::LogKey => {
            vault.host_rekey(me)?;
            acks.say("rekeyed");
        }
        verb if Verb::GAP.contains(&verb) => {
            super::gap::work(ground, verb, &vault, acks, &super::gap::bundle_of(ground))?;
        }
        verb => work_in_office(ground, verb, &vault, me, acks)?,
    }
    Ok(())
}

fn work_in_office(
    ground: &Ground,
    verb: Verb,
    vault: &Vault,
    me: &Identity,
    acks: &Acks,
) -> Result<(), Error> {
    match verb {
        Verb::Leave => {
            leave(ground, vault, me)?;
            acks.say("left");
        }
        Verb::Retire => {
            vault.key_retire(me)?;
            acks.say("retired");
        }
        Verb::Ask => {
            let asked = vault.destroy(me, &ground.ids()[0], "過期", None)?;
            assert!(matches!(asked, Done::Asked(_)));
            acks.say("asked");
        }
        Verb::Approve => {
            let request = vault.requests(None)?.requests.remove(0);
            vault.approve(&ground.person("deputy"), &request.request.to_string(), request.digest, RUN)?;
            acks.say("approved");
        }
        Verb::Relabel => {
            vault.relabel(me, &ground.ids()[1], Class::Critical, Some("重要性提高"), None, &NoProgress)?;
            acks.say("relabelled");
        }
        Verb::Except => {
            vault.except(me, &ExceptRequest { hours: 2, reason: "搬遷".into() })?;
            acks.say("excepted");
        }
        _ => panic!("{verb:?}"),
    }
    Ok(())
}

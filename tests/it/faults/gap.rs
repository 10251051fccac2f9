//! Bundles between `v`, which sends, and `w`, which receives. What lies on the medium between them is on the faulty disk
//! as well.

use std::path::PathBuf;
use std::sync::Arc;

use gapvault::label::{Class, KeyKind, Zone};
use gapvault::vault::{
    self, AuditShow, BundleCreate, Code, Error, ImportRequest, InitRequest, ListRequest, NoProgress, OpenTo,
    Policy, Resend, Site, Vault,
};

use super::child::{Acks, Ground, SOURCES, Verb, founding, opening};
use super::disk::{FaultDisk, Mode};
use super::judge::{names, sound};
use super::{Bench, scratch};
use crate::gap::Apart;
use crate::verbs;

/// With so much room, about half of the volumes go onto a medium.
const HALF: u64 = 9000;

impl Ground {
    /// Where somebody works who sends, or receives.
    fn side(&self, receives: bool) -> (Site, PathBuf) {
        let (site, folder) = if receives { (self.second_site(), "w") } else { (self.site(), "v") };
        (Site { surroundings: Arc::new(Apart), ..site }, self.at(folder))
    }

    pub(super) fn side_of(&self, verb: Verb) -> (Site, PathBuf) {
        self.side(matches!(verb, Verb::Import | Verb::Accept | Verb::Reject))
    }

    pub(super) fn vault_of(&self, receives: bool) -> Vault {
        let (site, folder) = self.side(receives);
        Vault::at(site, &folder).unwrap()
    }

    /// The folder of a bundle on the medium.
    fn medium(&self, number: u32) -> PathBuf {
        self.at("medium").join(format!("b{number}"))
    }
}

fn wish(ground: &Ground) -> BundleCreate {
    BundleCreate {
        to: "隔離庫".into(),
        ids: ground.ids(),
        volume: 1500,
        parity: 10,
        expires: None,
        reason: None,
    }
}

/// The one bundle that there is.
fn bundle(vault: &Vault) -> String {
    let list = vault.bundle_list().unwrap();
    let id = list.out.first().map(|row| row.bundle).or(list.incoming.first().map(|row| row.bundle));
    id.unwrap().to_string()
}

/// What is done on the faulty disk.
pub(super) fn work(
    ground: &Ground,
    verb: Verb,
    vault: &Vault,
    acks: &Acks,
    bundle: &str,
) -> Result<(), Error> {
    let me = ground.person("founder");
    match verb {
        Verb::PeerAdd => {
            vault.peer_add(&me, &ground.at("w.card"), &mut |_| Ok(()))?;
            acks.say("admitted");
        }
        Verb::Create => {
            let made = vault.bundle_create(&me, &wish(ground))?;
            acks.say(&format!("created {}", made.bundle));
        }
        Verb::Write | Verb::NextMedium => {
            let medium = if verb == Verb::Write { 1 } else { 2 };
            let written = vault.bundle_write(&me, bundle, &ground.medium(medium), &NoProgress)?;
            assert_eq!((written.number, written.attempt, written.medium), (1, 1, medium));
            assert!(written.complete);
            acks.say("written");
        }
        Verb::Resend => {
            let what = Resend::default();
            let written = vault.bundle_resend(&me, bundle, &ground.medium(2), &what, &NoProgress)?;
            assert_eq!((written.number, written.attempt, written.medium), (1, 2, 1));
            acks.say("sent again");
        }
        Verb::Import => {
            let wish = ImportRequest { paths: vec![ground.medium(1)], code: None, accept: false };
            let came = vault.import(&me, &wish, &NoProgress)?;
            assert_eq!((came.state.as_str(), came.documents.len()), ("quarantine", 2));
            acks.say("imported");
            if came.receipt.is_some() {
                acks.say("answered");
            }
        }
        Verb::Accept => {
            vault.import_accept(&me, bundle, Some(&ground.medium(1)), &NoProgress)?;
            acks.say("accepted");
        }
        Verb::Reject => {
            vault.import_reject(&me, bundle, Some(&ground.medium(1)))?;
            acks.say("rejected");
        }
        Verb::Receipt => {
            let report = vault.receipt_apply(&me, &ground.medium(1))?;
            assert_eq!(report.verdict, "accepted");
            acks.say("applied");
        }
        _ => panic!("{verb:?}"),
    }
    Ok(())
}

/// The id of the bundle that is there before a verb, written down since a bench is prepared once.
pub(super) fn bundle_of(ground: &Ground) -> String {
    std::fs::read_to_string(ground.at("bundle")).unwrap_or_default()
}

impl Bench {
    /// Two vaults and a bundle between them, at every stage of its way.
    pub(super) fn gap() -> Self {
        let folder = scratch();
        let ground = Ground(folder.path().to_owned());
        let me = verbs::person(&ground.site(), &ground.0, "founder");
        vault::init(&ground.side(false).0, &ground.at("v"), &me, &founding()).unwrap();
        let isolated = InitRequest {
            policy: Some(Policy::for_one_person()),
            ..InitRequest::new("隔離庫", Zone::Isolated, KeyKind::Classic)
        };
        vault::init(&ground.side(true).0, &ground.at("w"), &me, &isolated).unwrap();
        let (out, inside) = (ground.vault_of(false), ground.vault_of(true));
        let mut ids = String::new();
        for ((name, bytes), class) in SOURCES.into_iter().take(2).zip([Class::Critical, Class::Important]) {
            std::fs::write(ground.at(name), bytes).unwrap();
            let report = out.seal(&me, &verbs::sealing(&ground.at(name), class), &NoProgress).unwrap();
            ids.push_str(&format!("{}\n", report.documents[0].id));
        }
        std::fs::write(ground.at("ids"), ids).unwrap();
        std::fs::create_dir(ground.at("medium")).unwrap();
        out.peer_card(&ground.at("v.card")).unwrap();
        inside.peer_card(&ground.at("w.card")).unwrap();
        inside.peer_add(&me, &ground.at("v.card"), &mut |_| Ok(())).unwrap();
        let bench = Self { ground, _folder: folder };
        let ground = &bench.ground;
        bench.keep("strangers");
        out.peer_add(&me, &ground.at("w.card"), &mut |_| Ok(())).unwrap();
        bench.keep("paired");
        let id = out.bundle_create(&me, &wish(ground)).unwrap().bundle.to_string();
        std::fs::write(ground.at("bundle"), &id).unwrap();
        bench.keep("created");
        let small = FaultDisk::new(Mode::Broken, u64::MAX, ground.at("attic"));
        small.limit(HALF);
        let (site, folder) = ground.side(false);
        let tight = Vault::at(Site { disk: Arc::new(small), ..site }, &folder).unwrap();
        let written = tight.bundle_write(&me, &id, &ground.medium(1), &NoProgress).unwrap();
        assert!(!written.complete && written.medium == 1, "{} {}", written.volumes, written.missing);
        bench.keep("half");
        bench.put("created");
        assert!(out.bundle_write(&me, &id, &ground.medium(1), &NoProgress).unwrap().complete);
        bench.keep("sent");
        let wish = ImportRequest { paths: vec![ground.medium(1)], code: None, accept: false };
        inside.import(&me, &wish, &NoProgress).unwrap();
        bench.keep("waiting");
        inside.import_accept(&me, &id, Some(&ground.medium(1)), &NoProgress).unwrap();
        bench.keep("answered");
        bench
    }
}

/// The call to be stopped first, and how far it is from one to the next: every mode begins at another call, so that all of
/// them together stop at every third one. Each is stopped in every mode by hand, with `GAPVAULT_FAULT_ONLY`.
pub(super) fn sample(mode: Mode) -> (u64, usize) {
    if std::env::var_os("GAPVAULT_FAULT_ONLY").is_some() {
        return (1, 1);
    }
    let at = Mode::ALL.iter().position(|one| *one == mode).unwrap();
    // There are fewer syncs than calls.
    if mode.counts_syncs_only() { (1 + at as u64 % 2, 5) } else { (1 + 3 * at as u64, 3 * Mode::ALL.len()) }
}

/// The stage from which a verb goes on.
pub(super) fn base(verb: Verb) -> &'static str {
    match verb {
        Verb::PeerAdd => "strangers",
        Verb::Create => "paired",
        Verb::Write => "created",
        Verb::NextMedium => "half",
        Verb::Resend | Verb::Import => "sent",
        Verb::Accept | Verb::Reject => "waiting",
        Verb::Receipt => "answered",
        _ => panic!("{verb:?}"),
    }
}

/// What was said is there; the rest is as it was, and what was stopped can be done.
pub(super) fn judge(ground: &Ground, verb: Verb, said: &[String]) {
    let acked = |line: &str| said.iter().any(|said| said == line);
    for receives in [false, true] {
        let vault = ground.vault_of(receives);
        // Before anybody has finished what was stopped: it waits, and is not called tampering.
        let report = vault.verify(&NoProgress).unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
        let report = vault.audit_verify(&NoProgress).unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
        vault.status().unwrap();
        sound(&vault);
        assert_eq!(names(&vault.folder().join("staging")), Vec::<String>::new());
    }
    let (out, inside) = (ground.vault_of(false), ground.vault_of(true));
    let (sent, came) = (out.bundle_list().unwrap().out, inside.bundle_list().unwrap().incoming);
    let state = sent.first().map(|row| (row.state.as_str(), row.attempt));
    let fate = came.first().map(|row| row.state.as_str());
    match verb {
        Verb::PeerAdd => {
            let known = out.peer_list().unwrap().peers.len();
            assert!(known <= 1 && !(acked("admitted") && known == 0));
        }
        Verb::Create => {
            let made = |id: &str| sent.first().is_some_and(|row| row.bundle.to_string() == id);
            let acked = said.iter().find_map(|line| line.strip_prefix("created "));
            assert!(sent.len() <= 1 && acked.is_none_or(made), "{sent:?}");
        }
        Verb::Write => {
            assert!(["approved", "writing", "out"].contains(&state.unwrap().0), "{state:?}");
            assert!(!acked("written") || state == Some(("out", Some(1))));
        }
        Verb::NextMedium => {
            assert!([Some(("writing", Some(1))), Some(("out", Some(1)))].contains(&state), "{state:?}");
            assert!(!acked("written") || state == Some(("out", Some(1))));
        }
        Verb::Resend => {
            let one = [("out", Some(1)), ("writing", Some(2)), ("out", Some(2))];
            assert!(one.contains(&state.unwrap()), "{state:?}");
            assert!(!acked("sent again") || state == Some(("out", Some(2))));
        }
        Verb::Import => {
            assert!([None, Some("quarantine")].contains(&fate) && came.len() <= 1);
            assert!(!(acked("imported") && fate.is_none()));
            assert!(!acked("answered") || ground.medium(1).join("receipt").exists());
        }
        Verb::Accept => {
            assert!([Some("quarantine"), Some("accepted")].contains(&fate), "{fate:?}");
            assert!(!acked("accepted") || fate == Some("accepted"));
        }
        Verb::Reject => {
            assert!([Some("quarantine"), Some("rejected")].contains(&fate), "{fate:?}");
            assert!(!acked("rejected") || fate == Some("rejected"));
        }
        Verb::Receipt => {
            assert!([("out", Some(1)), ("accepted", Some(1))].contains(&state.unwrap()), "{state:?}");
            assert!(!acked("applied") || state == Some(("accepted", Some(1))));
        }
        _ => panic!("{verb:?}"),
    }
    let documents = inside.list(Some(&ground.person("founder")), &ListRequest::default()).unwrap().documents;
    assert_eq!(documents.len(), if fate == Some("accepted") { 2 } else { 0 }, "all of it or nothing");
    finish(ground, verb);
}

/// The same once more, and all that comes after it: in the end the documents are there, once, and both sides know it.
fn finish(ground: &Ground, verb: Verb) {
    let me = ground.person("founder");
    let (out, inside) = (ground.vault_of(false), ground.vault_of(true));
    if out.peer_list().unwrap().peers.is_empty() {
        out.peer_add(&me, &ground.at("w.card"), &mut |_| Ok(())).unwrap();
    }
    if out.bundle_list().unwrap().out.is_empty() {
        out.bundle_create(&me, &wish(ground)).unwrap();
    }
    let id = bundle(&out);
    let media = write_all(ground, verb, &out, &id);
    let answer = ground.medium(media[0]);
    let paths: Vec<PathBuf> = media.iter().map(|number| ground.medium(*number)).collect();
    let check = vault::BundleVerify { paths: paths.clone(), vault: Some(&inside), card: None };
    let came = inside.bundle_list().unwrap().incoming;
    if came.is_empty() {
        let report = vault::bundle_verify(&ground.side(true).0, &check, &NoProgress);
        assert_eq!(report.unwrap().verdict, "ok");
    }
    let wish = ImportRequest { paths, code: None, accept: false };
    if came.is_empty() {
        inside.import(&me, &wish, &NoProgress).unwrap();
    }
    assert_eq!(inside.import(&me, &wish, &NoProgress).unwrap_err().code(), Code::BundleReplayed);
    let verdict = if verb == Verb::Reject { "rejected" } else { "accepted" };
    if inside.bundle_list().unwrap().incoming[0].state == "quarantine" {
        if verb == Verb::Reject {
            inside.import_reject(&me, &id, None).unwrap();
        } else {
            inside.import_accept(&me, &id, None, &NoProgress).unwrap();
        }
    }
    assert_eq!(inside.bundle_list().unwrap().incoming[0].state, verdict);
    let decided = inside.import_accept(&me, &id, None, &NoProgress).unwrap_err();
    assert_eq!(decided.code(), Code::BundleDecided);
    if out.bundle_list().unwrap().out[0].state != verdict {
        inside.receipt_write(&me, &id, &answer).unwrap();
        assert_eq!(out.receipt_apply(&me, &answer).unwrap().verdict, verdict);
    }
    assert_eq!(out.bundle_list().unwrap().out[0].state, verdict);
    assert_eq!(out.receipt_apply(&me, &answer).unwrap_err().code(), Code::BundleAnswered);
    arrived(ground, &inside, verdict == "accepted");
    let all = if verdict == "accepted" { 2 } else { 0 };
    let logged = [(&out, "document.export"), (&out, "request.done"), (&inside, "document.import")];
    assert_eq!(logged.map(|(vault, event)| count(vault, event)), [2, 1, all], "each document once");
    for vault in [&out, &inside] {
        sound(vault);
        for room in ["outbox", "quarantine", "staging"] {
            assert_eq!(names(&vault.folder().join(room)), Vec::<String>::new(), "{room}");
        }
    }
}

/// How many entries say that this was done.
fn count(vault: &Vault, event: &str) -> usize {
    let entries = vault.audit_show(&AuditShow::default()).unwrap().entries;
    entries.iter().filter(|entry| entry["event"] == event && entry["outcome"] == "ok").count()
}

/// Both documents, once, with their content, or none.
fn arrived(ground: &Ground, inside: &Vault, all: bool) {
    let me = ground.person("founder");
    let to = ground.at("checked");
    if !all {
        assert!(inside.list(Some(&me), &ListRequest::default()).unwrap().documents.is_empty());
        return;
    }
    let report = inside.open(&me, opening(vec![], OpenTo::Into(to)), &NoProgress).unwrap();
    let mut found: Vec<String> = report.documents.iter().map(|row| row.id.to_string()).collect();
    let mut ids = ground.ids();
    found.sort();
    ids.sort();
    assert_eq!(found, ids);
    for row in &report.documents {
        let path = row.path.as_ref().unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (_, bytes) = SOURCES.iter().find(|(source, _)| *source == name).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), *bytes);
    }
}

/// Writes what is still to be written, with the number and the attempt that it has; gives the media that hold it.
fn write_all(ground: &Ground, verb: Verb, out: &Vault, id: &str) -> Vec<u32> {
    let me = ground.person("founder");
    let row = out.bundle_list().unwrap().out.remove(0);
    let medium = if matches!(verb, Verb::NextMedium | Verb::Resend) { 2 } else { 1 };
    let to = ground.medium(medium);
    if verb == Verb::Resend && (row.state.as_str(), row.attempt) == ("out", Some(1)) {
        let written = out.bundle_resend(&me, id, &to, &Resend::default(), &NoProgress).unwrap();
        assert_eq!((written.number, written.attempt, written.complete), (1, 2, true));
    } else if ["approved", "writing"].contains(&row.state.as_str()) {
        let written = out.bundle_write(&me, id, &to, &NoProgress).unwrap();
        let attempt = if verb == Verb::Resend { 2 } else { 1 };
        let number = if verb == Verb::NextMedium { 2 } else { 1 };
        assert_eq!((written.number, written.attempt, written.medium), (1, attempt, number));
        assert!(written.complete);
    }
    if row.state != "accepted" {
        let again = out.bundle_write(&me, id, &ground.medium(3), &NoProgress).unwrap_err();
        assert_eq!(again.code(), Code::BundleWritten);
    }
    if verb == Verb::NextMedium { vec![1, 2] } else { vec![medium] }
}

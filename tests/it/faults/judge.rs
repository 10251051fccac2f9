//! The judgement afterwards, by a process that knows nothing but the disk.

use std::collections::BTreeMap;
use std::path::Path;

use gapvault::label::Class;
use gapvault::vault::{self, AuditShow, Code, Done, Identity, ListRequest, NoProgress, OpenTo, Vault};

use super::child::{Ground, RUN, SOURCES, Verb, founding, joining, leave, opening};

pub(super) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn text_of(name: &str) -> Vec<u8> {
    SOURCES.iter().find(|(source, _)| *source == name).unwrap_or_else(|| panic!("{name}")).1.to_vec()
}

/// Nothing to complain about, and nothing left to do.
pub(super) fn sound(vault: &Vault) {
    let report = vault.verify(&NoProgress).unwrap();
    assert!(report.verdict == "ok" && report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.pending.is_empty(), "{:?}", report.pending);
    let report = vault.audit_verify(&NoProgress).unwrap();
    assert!(report.verdict == "ok" && report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.pending.is_empty() && report.size == report.signed_size, "{report:?}");
}

fn intended(vault: &Vault, id: &str) -> bool {
    let shown = vault.audit_show(&AuditShow { last: None, document: Some(id.to_owned()) }).unwrap();
    shown.entries.iter().any(|entry| {
        entry["event"] == "document.open" && entry["phase"] == "intent" && entry["outcome"] == "ok"
    })
}

/// What `said` acknowledges is there; everything else is whole or absent.
pub(crate) fn judge(ground: &Ground, verb: Verb, said: &[String]) {
    let acked = |line: &str| said.iter().any(|said| said == line);
    let me = ground.person("founder");
    if verb == Verb::Init && !ground.at("v").join("vault.toml").exists() {
        assert!(!acked("vault"));
        vault::init(&ground.site(), &ground.at("v"), &me, &founding()).unwrap();
    }
    let vault = Vault::at(ground.site_of(verb), &ground.at("v")).unwrap();
    if verb == Verb::Resume {
        assert!(!(gone_on(&vault, &me) && acked("resumed")));
    }
    if matches!(verb, Verb::Rewrap | Verb::Rekey) {
        // Before anybody has finished what was stopped: it waits, and is not called tampering.
        let report = vault.verify(&NoProgress).unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
    }
    vault.status().unwrap();
    sound(&vault);
    assert_eq!(names(&ground.at("v").join("staging")), Vec::<String>::new());
    if verb == Verb::Init {
        return;
    }
    of_the_host(ground, verb, &vault, said);
    for line in said.iter().filter_map(|line| line.strip_prefix("changed ")) {
        let (id, digest) = line.split_once(' ').unwrap();
        let shown = vault.show(None, id, false).unwrap().document;
        assert_eq!(shown.header_sha256.to_string(), digest, "{id} was acknowledged");
    }
    if verb == Verb::Open {
        released(ground, &vault, said);
    }

    let mut expected: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (id, (_, bytes)) in ground.ids().into_iter().zip(SOURCES) {
        expected.insert(id, bytes.to_vec());
    }
    let listed = vault.list(Some(&me), &ListRequest::default()).unwrap().documents;
    for row in &listed {
        expected.entry(row.id.to_string()).or_insert_with(|| text_of(row.name.as_ref().unwrap()));
    }
    let here = |id: &str| listed.iter().any(|row| row.id.to_string() == id);
    for line in said.iter().filter_map(|line| line.strip_prefix("sealed ")) {
        assert!(here(line), "{line} was acknowledged");
    }
    let gone = &ground.ids()[0];
    if verb == Verb::Destroy && !here(gone) {
        expected.remove(gone);
        assert_eq!(names(&ground.at("v").join("documents").join(&gone[..2])).len(), 0);
    }
    assert!(!(acked("destroyed") && here(gone)));
    assert_eq!(listed.len(), expected.len());

    if verb == Verb::MemberAdd {
        admitted(ground, &vault, acked("joined"));
    }
    let reader = if verb == Verb::MemberAdd { ground.person("guest") } else { me };
    let report = vault.open(&reader, opening(vec![], OpenTo::Into(ground.at("checked"))), &NoProgress);
    let report = report.unwrap();
    // Two documents of one name cannot both come out into one folder; then the second says so.
    for row in &report.documents {
        let plain = std::fs::read(row.path.as_ref().unwrap()).unwrap();
        assert_eq!(plain, expected[&row.id.to_string()]);
    }
    for row in &report.failed {
        assert_eq!(row.code, Code::Exists, "{}", row.source);
        let to = ground.at("checked").join(&row.source);
        let request = opening(vec![row.source.clone()], OpenTo::File(to.clone()));
        vault.open(&reader, request, &NoProgress).unwrap();
        assert_eq!(std::fs::read(to).unwrap(), expected[&row.source]);
    }
    assert_eq!(report.documents.len() + report.failed.len(), expected.len());
}

/// Goes on with the log where that was not done; whether it was not.
pub(crate) fn gone_on(vault: &Vault, me: &Identity) -> bool {
    match vault.status() {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.code(), Code::UnknownVault, "{error:?}");
            vault.host_resume(me, "主機毀損", &mut |_| Ok(())).unwrap();
            true
        }
    }
}

/// The second host may write or can still be allowed to, and the first one goes on beside it.
fn enrolled(vault: &Vault, ground: &Ground, acked: bool) {
    let me = ground.person("founder");
    match vault.host_enrol(&me) {
        Ok(_) => assert!(!acked),
        Err(error) => assert_eq!(error.code(), Code::Exists, "{error:?}"),
    }
    for site in [ground.site(), ground.second_site()] {
        let vault = Vault::at(site, &ground.at("v")).unwrap();
        let to = ground.at("checked");
        let refused = vault.open(&me, opening(vec!["0".repeat(32)], OpenTo::Into(to)), &NoProgress);
        assert_eq!(refused.unwrap_err().code(), Code::NoDocument);
        sound(&vault);
    }
}

fn of_the_host(ground: &Ground, verb: Verb, vault: &Vault, said: &[String]) {
    let acked = |line: &str| said.iter().any(|said| said == line);
    match verb {
        Verb::Enrol => enrolled(vault, ground, acked("enrolled")),
        Verb::Resume => followed(ground),
        Verb::LogKey => rekeyed(vault, ground, acked("rekeyed")),
        _ => {}
    }
}

/// The log has one key or the next, the host's state has the secret of that one alone, and can go on to another.
fn rekeyed(vault: &Vault, ground: &Ground, acked: bool) {
    let folder = ground.at("state").join("vaults");
    let state = folder.join(&names(&folder)[0]);
    let secrets = || names(&state).into_iter().filter(|name| name.ends_with(".key")).collect::<Vec<_>>();
    let proofs = || names(&ground.at("v").join("log-keys")).len();
    let done = proofs();
    assert!(done == 1 || !acked && done == 0);
    assert_eq!(secrets(), [["log.key", "log-1.1.key"][done]]);
    vault.host_rekey(&ground.person("founder")).unwrap();
    assert_eq!((proofs(), secrets()), (done + 1, vec![format!("log-1.{}.key", done + 1)]));
    sound(vault);
}

/// The host that knew the log before it was gone on with elsewhere says so, and follows when it is told to.
fn followed(ground: &Ground) {
    let vault = Vault::at(ground.site(), &ground.at("v")).unwrap();
    assert_eq!(vault.status().unwrap_err().code(), Code::Resumed);
    assert_eq!(vault.verify(&NoProgress).unwrap_err().code(), Code::Resumed);
    vault.host_trust(&mut |_| Ok(())).unwrap();
    sound(&vault);
    vault.host_enrol(&ground.person("founder")).unwrap();
    sound(&vault);
}

/// The guest is a member as a whole or can still become one.
fn admitted(ground: &Ground, vault: &Vault, acked: bool) {
    let members = vault.member_list().unwrap().members.len();
    assert!(!acked || members == 2);
    if members == 1 {
        vault.member_add(&ground.person("founder"), joining(ground, &mut |_| Ok(()))).unwrap();
    }
}

/// Plaintext that came out is whole, where a name says so, and its intent is in the log.
fn released(ground: &Ground, vault: &Vault, said: &[String]) {
    let ids = ground.ids();
    let out = ground.at("out");
    for name in names(&out) {
        match name.as_str() {
            "a" => {
                assert_eq!(std::fs::read(out.join("a")).unwrap(), SOURCES[0].1);
                assert!(intended(vault, &ids[0]));
            }
            "all" => {}
            other => panic!("{other} is left over"),
        }
    }
    for name in names(&out.join("all")) {
        assert_eq!(std::fs::read(out.join("all").join(&name)).unwrap(), text_of(&name));
        let at = SOURCES.iter().position(|(source, _)| *source == name).unwrap();
        assert!(intended(vault, &ids[at]));
    }
    let said = |line: &str| said.iter().any(|said| said == line);
    assert!(!said("out") || intended(vault, &ids[1]));
    assert!(!said("opened") || out.join("a").exists());
    assert!(!said("opened all") || names(&out.join("all")).len() == 2);
}

/// The same for what is done in an office of three people: the old state or the new one, and never a mix.
pub(crate) fn judge_office(ground: &Ground, verb: Verb, said: &[String]) {
    let acked = |line: &str| said.iter().any(|said| said == line);
    let (me, deputy) = (ground.person("founder"), ground.person("deputy"));
    let vault = Vault::at(ground.site(), &ground.at("v")).unwrap();
    // Before anybody has finished what was stopped: it waits, and is not called tampering.
    let report = vault.verify(&NoProgress).unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
    vault.status().unwrap();
    sound(&vault);
    assert_eq!(names(&ground.at("v").join("staging")), Vec::<String>::new());

    let ids = ground.ids();
    let mut expected: BTreeMap<String, Vec<u8>> =
        ids.iter().cloned().zip(SOURCES.iter().map(|(_, bytes)| bytes.to_vec())).collect();
    match verb {
        Verb::Leave => left(ground, &vault, &me, acked("left")),
        Verb::Retire => retired(ground, &vault, &me, acked("retired")),
        Verb::Ask | Verb::Approve => {
            let asked = vault.requests(None).unwrap().requests;
            let here = ground.at("v/documents").join(&ids[0][..2]).join(format!("{}.age", ids[0])).exists();
            assert!(asked.len() <= 1 && !(acked("asked") && asked.is_empty()), "{asked:?}");
            let done = verb == Verb::Approve && asked.is_empty();
            assert!(!here || !acked("approved"));
            assert!(here || done, "destroyed is what was approved");
            // Entries that nobody signed for use the request up and destroy nothing, and the log says so.
            assert!(!(done && here) || abandoned(&vault, &ids[0]), "approved and used up is destroyed");
            // What was asked can be approved and done; what was not can be asked.
            let request = match asked.into_iter().next() {
                Some(asked) => Some(asked),
                None if here => match vault.destroy(&me, &ids[0], "過期", None).unwrap() {
                    Done::Asked(asked) => Some(*asked),
                    Done::Done(_) => panic!("nobody was asked"),
                },
                None => None,
            };
            if let Some(request) = request {
                let id = request.request.to_string();
                assert_eq!(vault.approve(&deputy, &id, request.digest, RUN).unwrap().state, "done");
            }
            expected.remove(&ids[0]);
        }
        Verb::Relabel => {
            let class = |id: &str| vault.show(None, id, false).unwrap().document.row.class;
            assert!(!acked("relabelled") || class(&ids[1]) == Class::Critical);
            if class(&ids[1]) == Class::Important {
                vault.relabel(&me, &ids[1], Class::Critical, None, None, &NoProgress).unwrap();
            }
            assert_eq!(class(&ids[1]), Class::Critical);
        }
        Verb::Except => {
            let entries = vault.audit_show(&AuditShow::default()).unwrap().entries;
            let logged = entries
                .iter()
                .filter(|entry| entry["event"] == "zone.except" && entry["outcome"] == "ok")
                .count();
            assert_eq!(names(&ground.at("v/exceptions")).len(), logged, "a note without its entry");
            assert!(logged <= 1 && !(acked("excepted") && logged == 0));
        }
        _ => panic!("{verb:?}"),
    }

    for (who, reader) in [("founder", &me), ("deputy", &deputy)] {
        let to = ground.at("checked").join(who);
        std::fs::create_dir_all(&to).unwrap();
        let report = vault.open(reader, opening(vec![], OpenTo::Into(to)), &NoProgress).unwrap();
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        assert_eq!(report.documents.len(), expected.len());
        for row in &report.documents {
            assert_eq!(std::fs::read(row.path.as_ref().unwrap()).unwrap(), expected[&row.id.to_string()]);
        }
        let listed = vault.list(Some(reader), &ListRequest::default()).unwrap().documents;
        assert!(listed.iter().all(|row| row.title.is_some()));
    }
    sound(&vault);
}

/// Whether the log says that a destruction was begun by entries that nobody signed for, and was not done.
fn abandoned(vault: &Vault, id: &str) -> bool {
    let shown = vault.audit_show(&AuditShow { last: None, document: Some(id.to_owned()) }).unwrap();
    let given_up = |entry: &serde_json::Value| {
        entry["outcome"] == "failed" && entry["detail"]["code"] == "intent-not-signed"
    };
    shown.entries.iter().any(given_up)
}

/// The guest is a member with all keys, or none and without access to what the keys open from now on.
fn left(ground: &Ground, vault: &Vault, me: &Identity, acked: bool) {
    let guest = ground.person("guest");
    let members = vault.member_list().unwrap().members;
    let is_member = members.iter().any(|member| member.id == guest.id());
    assert_eq!(members.len(), if is_member { 3 } else { 2 });
    assert!(!(acked && is_member));
    let new = ["critical", "important", "catalogue"]
        .map(|key| names(&ground.at("v/keys").join(key).join("2")).len());
    assert_eq!(new, if is_member { [0; 3] } else { [2; 3] }, "keys for those who stay, all at once");
    if is_member {
        let to = OpenTo::Into(ground.at("checked/guest"));
        std::fs::create_dir_all(ground.at("checked")).unwrap();
        assert_eq!(vault.open(&guest, opening(vec![], to), &NoProgress).unwrap().documents.len(), 3);
        leave(ground, vault, me).unwrap();
    }
    let pending = vault.status().unwrap().pending;
    assert!(!acked || pending.is_empty(), "{pending:?}");
    vault.key_finish(&ground.person("deputy"), false, &NoProgress).unwrap();
    let pending = vault.status().unwrap().pending;
    assert!(pending.is_empty(), "{pending:?}");
    let to = OpenTo::Into(ground.at("out/guest"));
    let opened = vault.open(&guest, opening(vec![], to), &NoProgress);
    assert!(!opened.is_ok_and(|report| !report.documents.is_empty()));
}

/// Old keys are gone or can still be thrown away; nobody waits for one of them.
fn retired(ground: &Ground, vault: &Vault, me: &Identity, acked: bool) {
    let old = || ["critical", "important"].map(|key| names(&ground.at("v/keys").join(key).join("1")).len());
    assert!(!acked || old() == [0; 2]);
    assert!(vault.status().unwrap().pending.is_empty());
    vault.key_retire(me).unwrap();
    assert_eq!(old(), [0; 2]);
    assert!(vault.status().unwrap().pending.is_empty());
}

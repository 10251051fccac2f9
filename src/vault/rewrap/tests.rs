//! Headers that do not fit in their places, which no single class key makes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::super::{
    IdentityNew, InitRequest, NoProgress, OpenRequest, OpenTo, Policy, SealRequest, Secret, Site,
    identity_new, init, unlock_identity,
};
use super::*;
use crate::label::{KeyKind, Zone};

fn vault(folder: &Path) -> (Vault, Identity) {
    let site = Site::system(folder.join("state"), Duration::from_secs(5), Arc::new(|_| ()));
    let (out, passphrase) = (folder.join("id"), SecretString::from("correct horse".to_owned()));
    let kind = KeyKind::Classic;
    let request = IdentityNew {
        name: "Ann".into(),
        out: out.clone(),
        secret: Secret::Passphrase(passphrase.clone()),
        work_factor: 10,
        kind,
        key: None,
    };
    identity_new(&site, &request).unwrap();
    let me = unlock_identity(&site, &out, &passphrase).unwrap();
    let request = InitRequest {
        policy: Some(Policy::for_one_person()),
        ..InitRequest::new("v", Zone::Networked, kind)
    };
    init(&site, &folder.join("v"), &me, &request).unwrap();
    (Vault::at(site, &folder.join("v")).unwrap(), me)
}

#[test]
fn a_header_that_has_grown_comes_before_a_copy_of_the_payload_and_shrinks_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, me) = vault(folder.path());
    std::fs::write(folder.path().join("a"), vec![5; 200_000]).unwrap();
    let (paths, class) = (vec![folder.path().join("a")], Class::Critical);
    let request = SealRequest { paths, class, title: None, remove_original: false, dry_run: false };
    let id = vault.seal(&me, &request, &NoProgress).unwrap().documents[0].id;
    let path = vault.context.layout.document(id);
    let before = std::fs::read(&path).unwrap();

    let all = RewrapRequest { all: true, ..Default::default() };
    let session = Session::begin(&*vault.site.random).unwrap();
    let mut live = vault.live().unwrap();
    let mut picked = vault.pick(&mut live, &session, &me, &all, Way::Rewrap).unwrap();
    let mut keys = vault.class_keys_for(live.roster().roster(), &me, &picked.rows).unwrap();
    let recipients = &mut keys.get_mut(&class).unwrap().new;
    *recipients = vec![recipients[0].clone(); 60];
    let grant = picked.grant.take().unwrap();
    let (disk, layout) = (&vault.context.disk, &vault.context.layout);
    let staging = Staging::begin(disk, layout, session.id(), &grant).unwrap();
    drop(live);
    let run = Run {
        me: &me,
        session: session.id(),
        way: Way::Rewrap,
        keys,
        staging: &staging,
        progress: &NoProgress,
        request: None,
        reason: None,
    };
    vault.carry_out(&run, picked.rows, &mut picked.report).unwrap();
    drop(staging);
    assert!(picked.report.failed.is_empty() && !picked.report.documents[0].in_place);
    let grown = std::fs::read(&path).unwrap();
    let shown = vault.show(None, &id.to_string(), false).unwrap().document;
    let len = usize::try_from(shown.header_len).unwrap();
    assert!(len > 4096 && grown[len..] == before[4096..]);

    let report = vault.rewrap(&me, &all, &NoProgress).unwrap();
    assert!(report.documents[0].in_place);
    let after = std::fs::read(&path).unwrap();
    assert!(after.len() == grown.len() && after[len..] == grown[len..] && after[..len] != grown[..len]);
    assert!(vault.verify(&NoProgress).unwrap().findings.is_empty());
    let to = OpenTo::File(folder.path().join("out"));
    let request = OpenRequest { ids: vec![id.to_string()], all: false, to, reason: None, request: None };
    vault.open(&me, request, &NoProgress).unwrap();
    assert!(std::fs::read(folder.path().join("out")).unwrap() == vec![5; 200_000]);
}

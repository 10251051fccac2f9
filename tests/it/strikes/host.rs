//! The host's state outlives every stop: what was saved is found again, and never half of it.

use std::path::Path;
use std::sync::Arc;

use gapvault::crypto::{Digest, SigningKey};
use gapvault::id::{HostId, VaultId};
use gapvault::store::disk::{Disk, OsDisk};
use gapvault::store::host::{HostState, StateRecord};

use super::child;
use super::disk::{Fault, FaultDisk, Mode};
use super::durable::STOPS;

const VAULT: &str = "/the/vault";

fn record(epoch: u64, roster_version: u64) -> StateRecord {
    StateRecord {
        counter: 0,
        vault: VaultId([7; 32]),
        roster_version,
        roster_digest: Digest([8; 32]),
        epoch,
        generation: 0,
        // Notes of different lengths, so that the file grows and shrinks.
        checkpoint: vec![b'x'; if roster_version.is_multiple_of(2) { 10 } else { 5000 }],
    }
}

fn key(epoch: u64) -> SigningKey {
    SigningKey::from_seed([u8::try_from(epoch).unwrap(); 32])
}

fn key_id(epoch: u64) -> Option<HostId> {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    HostState::create(&disk, folder.path(), Path::new("/"), record(1, 1), Some(&key(epoch)))
        .unwrap()
        .host_id()
}

fn load(folder: &Path) -> Option<HostState> {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    HostState::load(&disk, &folder.join("state"), Path::new(VAULT)).unwrap()
}

#[test]
#[ignore = "a scenario for a process of its own"]
fn a_state_is_begun_and_saved() {
    let Some(given) = child::given() else { return };
    let disk: Arc<dyn Disk> = Arc::new(given.disk.clone());
    let (state, vault) = (given.folder.join("state"), Path::new(VAULT));
    let mut host = HostState::create(&disk, &state, vault, record(1, 1), Some(&key(1))).unwrap();
    given.tell("1");
    for version in 2..=5 {
        host.save(&record(1, version)).unwrap();
        given.tell(&version.to_string());
    }
    host.mark_dirty().unwrap();
    host.clear_dirty().unwrap();
    HostState::create(&disk, &state, vault, record(2, 6), Some(&key(2))).unwrap();
    given.tell("6");
}

#[test]
fn what_was_saved_is_found_again_after_every_stop() {
    let ids = [None, key_id(1), key_id(2)];
    for mode in STOPS {
        let struck = child::at_every_call(
            a_state_is_begun_and_saved,
            mode,
            |_| (),
            |folder, at, end| {
                let told: u64 = end.told.last().map_or(0, |line| line.parse().unwrap());
                let found = load(folder);
                let version = found.as_ref().map_or(0, |host| host.record().roster_version);
                assert!((told..=told + 1).contains(&version), "{mode:?} {at}: told {told}, found {version}");
                if let Some(found) = found {
                    let epoch = usize::try_from(found.record().epoch).unwrap();
                    assert_eq!(found.host_id(), ids[epoch], "{mode:?} {at}: the key of another epoch");
                }
            },
        );
        assert!(struck > 30, "{struck}");
    }
}

#[test]
fn a_refused_save_leaves_the_record_before() {
    for mode in
        [Mode::Full(false), Mode::Full(true), Mode::Broken(false), Mode::Broken(true), Mode::SyncFails]
    {
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let (state, vault) = (folder.path().join("state"), Path::new(VAULT));
            let real: Arc<dyn Disk> = Arc::new(OsDisk);
            HostState::create(&real, &state, vault, record(1, 1), Some(&key(1))).unwrap();
            let fault = FaultDisk::new(Some(Fault { mode, at }));
            let failing: Arc<dyn Disk> = Arc::new(fault.clone());
            let mut host = HostState::load(&failing, &state, vault).unwrap().unwrap();
            let saved = host.save(&record(1, 2)).and_then(|()| host.save(&record(1, 3)));
            let known = host.record().roster_version;
            assert_eq!(saved.is_err(), fault.has_struck(), "{mode:?} {at}");
            let found = load(folder.path()).unwrap().record().roster_version;
            assert!(
                (known..=known + 1).contains(&found),
                "{mode:?} {at}: {known} was saved, {found} is found"
            );
            // Whatever the other slot holds now, the next record replaces it and not the good one.
            let mut again = HostState::load(&real, &state, vault).unwrap().unwrap();
            again.save(&record(1, 9)).unwrap();
            assert_eq!(load(folder.path()).unwrap().record().roster_version, 9);
            if !fault.has_struck() {
                break;
            }
        }
    }
}

#[test]
#[ignore = "a scenario for a process of its own"]
fn a_vault_is_moved() {
    let Some(given) = child::given() else { return };
    let disk: Arc<dyn Disk> = Arc::new(given.disk.clone());
    HostState::move_to(&disk, &given.folder.join("state"), Path::new("/before"), Path::new(VAULT)).unwrap();
    given.tell("moved");
}

#[test]
fn a_moved_vault_is_known_at_one_of_its_two_places() {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    for mode in STOPS {
        let prepare = |folder: &Path| {
            HostState::create(&disk, &folder.join("state"), Path::new("/before"), record(1, 1), None)
                .unwrap();
        };
        child::at_every_call(a_vault_is_moved, mode, prepare, |folder, at, end| {
            let state = folder.join("state");
            let before = HostState::load(&disk, &state, Path::new("/before")).unwrap().is_some();
            let after = load(folder).is_some();
            assert!(before != after, "{mode:?} {at}: before {before}, after {after}");
            assert!(after || end.told.is_empty(), "{mode:?} {at}");
            let known = HostState::paths_of(&disk, &state, VaultId([7; 32])).unwrap();
            let place = if after { VAULT } else { "/before" };
            assert_eq!(known, [Path::new(place)], "{mode:?} {at}");
        });
    }
}

//! A new vault.

use std::path::Path;

use super::report::InitReport;
use super::session::{Session, actor};
use super::{Code, Error, FORMAT, Site, keys};
use crate::access::{Action, Request};
use crate::agefile;
use crate::bundle::{Peer, VaultCard};
use crate::crypto::{Digest, SigningKey};
use crate::id::{Code as Digits, VaultId};
use crate::identity::Identity;
use crate::label::{Class, KeyKind, Role, Zone};
use crate::log::checkpoint::Checkpoint;
use crate::log::entry::{Event, Object, ObjectKind, Outcome};
use crate::log::merkle::empty_root;
use crate::note::{SignedNote, member_key_name, origin};
use crate::policy::{Machine, Policy, decide};
use crate::roster::{Host, InForce, KeyName, Member, Purpose, Roster, found, is_name};
use crate::store::disk::{Disk, write_durably, write_many_durably};
use crate::store::host::{HostState, StateRecord};
use crate::store::index::Index;
use crate::store::layout::Layout;
use crate::store::live::{Context, Live};
use crate::store::lock::VaultLock;
use crate::store::peers::{self, PeerFile};
use crate::time::Timestamp;

/// What the founder decides.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// What people will call the vault.
    pub name: String,
    /// Where it stands.
    pub zone: Zone,
    /// The kind of its keys.
    pub kind: KeyKind,
    /// How many officers sign a change of the roster; while there are fewer, all of them.
    pub officers_needed: u32,
    /// The policy; the built-in one where none is given.
    pub policy: Option<Policy>,
    /// For a drop box, the card of the vault that it is for, which two people have compared. Nobody in a drop box has a secret
    /// key: what is sealed there only that vault opens.
    pub deposit_for: Option<VaultCard>,
}

impl InitRequest {
    /// A vault whose changes one officer signs, under the built-in policy.
    pub fn new(name: &str, zone: Zone, kind: KeyKind) -> Self {
        Self { name: name.to_owned(), zone, kind, officers_needed: 1, policy: None, deposit_for: None }
    }
}

/// A new vault's keys: what the roster names, and the secret halves, of which a drop box has none.
struct NewKeys {
    public: Vec<(KeyName, String)>,
    secret: Vec<(KeyName, agefile::Identity)>,
}

/// Makes a vault in a new or empty folder. The caller becomes its first officer, with every right.
///
/// The folder counts as a vault only when everything else is in place, so a kill leaves none; the next `init`
/// clears what one left.
///
/// # Errors
/// [`Code::VaultExists`], [`Code::Text`], [`Code::KeyKind`] when the founder's key is of another kind, [`Code::DropBox`] for
/// a drop box that is to be isolated, [`Code::NoTransferKey`].
pub fn init(site: &Site, folder: &Path, me: &Identity, request: &InitRequest) -> Result<InitReport, Error> {
    if !is_name(&request.name) {
        return Err(Error::new(Code::Text).with("name", "name"));
    }
    let kind = request.deposit_for.as_ref().map_or(request.kind, |card| card.known().roster().key_kind);
    if me.recipient().kind(&site.plugins, &*site.random)? != kind || kind != request.kind {
        return Err(Code::KeyKind.into());
    }
    if request.deposit_for.is_some() && request.zone != Zone::Networked {
        return Err(Code::DropBox.into());
    }
    let stood = site.disk.exists(folder)?;
    let layout = prepare_folder(&*site.disk, folder)?;
    let context = site.context(layout.root());
    let lock =
        VaultLock::take(&layout.lock(), site.wait, &*site.on_wait).map_err(crate::store::StoreError::from)?;
    let log_key = SigningKey::generate(&*site.random).map_err(|_| Code::NoRandom)?;
    let keys = match &request.deposit_for {
        Some(card) => deposit_keys(card)?,
        None => new_keys(site, request.kind)?,
    };
    let now = site.clock.now().time;
    let roster = first_roster(site, me, request, &keys, &log_key, now);
    let note = sign(&roster, me)?;
    let first = found(note.as_bytes()).map_err(crate::store::StoreError::from)?;
    write_truth(site, &layout, me, (&note, request.policy.as_ref()), &keys)?;
    let admitted = match &request.deposit_for {
        Some(card) => Some(admit(site, &context, me, &first, card)?),
        None => None,
    };
    begin_log(site, &context, &first, &log_key)?;
    if stood {
        // An `init` that was killed can have made folders, here and for the host's state, that are not on the disk.
        site.disk.sync_filesystem(layout.root())?;
        site.disk.sync_filesystem(&site.state)?;
    }
    record(site, &context, lock, me, (&first, admitted))?;
    write_durably(&*site.disk, &layout.format(), FORMAT.as_bytes())?;
    site.disk.remove_file(&layout.incomplete())?;
    let code = Digits::of(&first.vault().0).to_string();
    let people_needed = request.policy.as_ref().unwrap_or(&Policy::default()).most_people();
    Ok(InitReport { vault: first.vault(), code, zone: request.zone, people_needed })
}

/// A folder that is new, empty, or left by an `init` that was killed.
fn prepare_folder(disk: &dyn Disk, folder: &Path) -> Result<Layout, Error> {
    let taken = || Error::new(Code::VaultExists).with("path", folder.display());
    if !disk.exists(folder)? {
        disk.create_dir(folder)?;
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        disk.sync_dir(parent.unwrap_or(Path::new(".")))?;
    }
    let root = folder.canonicalize().map_err(|_| taken())?;
    let layout = Layout::new(&root);
    let names = disk.list_dir(&root).map_err(|_| taken())?;
    if disk.exists(&layout.format())? {
        return Err(taken());
    }
    if disk.exists(&layout.incomplete())? {
        // Only what `init` itself makes is cleared; the marker says that nobody used any of it yet.
        for name in ["roster", "policy", "requests", "keys", "peers", "documents", "log", "sled", "staging"] {
            let path = root.join(name);
            if path.is_dir() {
                std::fs::remove_dir_all(&path).map_err(|error| taken().because(error))?;
            }
        }
        for name in ["lock", "sled.open"] {
            if disk.exists(&root.join(name))? {
                disk.remove_file(&root.join(name))?;
            }
        }
    } else if names.is_empty() {
        disk.create_new(&layout.incomplete())?;
        disk.sync_dir(&root)?;
    } else {
        return Err(taken());
    }
    restrict(&root)?;
    disk.create_new(&layout.lock())?;
    for name in ["roster", "policy", "requests", "keys", "documents", "log", "staging"] {
        disk.create_dir(&root.join(name))?;
    }
    disk.sync_dir(&root)?;
    Ok(layout)
}

/// A folder that was there before can have been open to others.
fn restrict(root: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(root, private)
        .map_err(|error| Error::new(Code::Io).with("path", root.display()).because(error))
}

pub(super) fn new_key(site: &Site, kind: KeyKind) -> Result<agefile::Identity, Error> {
    agefile::Identity::generate(kind, &*site.random).map_err(|_| Code::NoRandom.into())
}

fn new_keys(site: &Site, kind: KeyKind) -> Result<NewKeys, Error> {
    let mut keys = NewKeys { public: Vec::new(), secret: Vec::new() };
    for purpose in Purpose::ALL {
        let (name, key) = (KeyName { purpose, generation: 1 }, new_key(site, kind)?);
        keys.public.push((name, key.to_recipient().to_string()));
        keys.secret.push((name, key));
    }
    Ok(keys)
}

/// In a drop box every class is sealed to the other vault's transfer key, and titles to its catalogue key. Nothing comes in
/// there, so it has no transfer key of its own.
fn deposit_keys(card: &VaultCard) -> Result<NewKeys, Error> {
    let roster = card.known().roster();
    let mut keys = NewKeys { public: Vec::new(), secret: Vec::new() };
    for purpose in Purpose::ALL.into_iter().filter(|purpose| *purpose != Purpose::Transfer) {
        let theirs = if purpose == Purpose::Catalogue { purpose } else { Purpose::Transfer };
        let key = super::bundle::key_of(roster, theirs)?;
        keys.public.push((KeyName { purpose, generation: 1 }, key.to_string()));
    }
    Ok(keys)
}

/// The other vault's card and the note that admits it; gives the note's digest.
fn admit(
    site: &Site,
    context: &Context,
    me: &Identity,
    first: &InForce,
    card: &VaultCard,
) -> Result<(VaultId, Digest), Error> {
    let peer = card.known().vault();
    let note = Peer {
        vault: first.vault(),
        roster: first.digest(),
        peer,
        card: card.digest(),
        out: 1,
        incoming: 1,
        created: site.clock.now().time,
    };
    let note = sign_text(&note.print().ok_or(Code::Internal)?, me)?;
    let files = [
        (peers::place(context, peer, PeerFile::Card(card.digest())), card.print()),
        (peers::place(context, peer, PeerFile::Peer(note.digest())), note.print().into_bytes()),
    ];
    write_many_durably(&*site.disk, &files)?;
    Ok((peer, note.digest()))
}

fn first_roster(
    site: &Site,
    me: &Identity,
    request: &InitRequest,
    keys: &NewKeys,
    log_key: &SigningKey,
    now: Timestamp,
) -> Roster {
    let reads = request.deposit_for.is_none();
    let founder = Member {
        id: me.id(),
        name: me.name().to_owned(),
        key: me.public(),
        recipient: me.recipient().to_string(),
        role: Role::Officer,
        clearance: if reads { Class::ALL.to_vec() } else { Vec::new() },
        titles: reads,
        import: reads,
        release: true,
        sponsor: None,
        until: None,
        joined: now,
    };
    let host = log_key.public();
    Roster {
        vault: None,
        version: 1,
        previous: None,
        created: now,
        name: request.name.clone(),
        zone: request.zone,
        key_kind: request.kind,
        officers_needed: request.officers_needed,
        policy: request.policy.as_ref().map(Policy::digest),
        deposit_for: request.deposit_for.as_ref().map(|card| card.known().vault()),
        keys: keys.public.clone(),
        hosts: vec![Host { id: Host::id_of(&host), key: host, name: site.host_name.clone() }],
        members: vec![founder],
    }
}

/// A roster as a note with this officer's signature.
pub(super) fn sign(roster: &Roster, me: &Identity) -> Result<String, Error> {
    let text = roster.print().map_err(crate::store::StoreError::from)?;
    Ok(sign_text(&text, me)?.print())
}

/// A text as a note with this member's signature.
pub(super) fn sign_text(text: &str, me: &Identity) -> Result<SignedNote, Error> {
    let note = SignedNote::sign(text, &[(&member_key_name(me.id()), me.signing())]);
    note.map_err(|error| Error::new(Code::Internal).because(error))
}

fn write_truth(
    site: &Site,
    layout: &Layout,
    me: &Identity,
    (note, policy): (&str, Option<&Policy>),
    keys: &NewKeys,
) -> Result<(), Error> {
    let own = me.recipient();
    let mut files = vec![(layout.roster(1), note.as_bytes().to_vec())];
    files.extend(policy.map(|policy| (layout.policy(policy.digest()), policy.print().into_bytes())));
    for (name, key) in &keys.secret {
        files.push((layout.key(*name, me.id()), keys::wrap(site, key, &own)?));
    }
    Ok(write_many_durably(&*site.disk, &files)?)
}

/// The empty log's checkpoint in the host's state, and an empty index.
fn begin_log(site: &Site, context: &Context, first: &InForce, log_key: &SigningKey) -> Result<(), Error> {
    let record = state_record(first.vault(), (1, first.digest()), 1, log_key, 0, empty_root())?;
    HostState::create(&site.disk, &context.state, context.layout.root(), record, Some(log_key))?;
    drop(Index::open_or_create(&context.layout.index(), context.past())?);
    Ok(())
}

/// A state that knows a log of this size.
pub(super) fn state_record(
    vault: VaultId,
    roster: (u64, Digest),
    epoch: u64,
    log_key: &SigningKey,
    size: u64,
    root: Digest,
) -> Result<StateRecord, Error> {
    let internal = |error: String| Error::new(Code::Internal).with("detail", error);
    let checkpoint = Checkpoint::new(&origin(&vault, epoch), size, root)
        .map_err(|error| internal(error.to_string()))?
        .sign(log_key, None)
        .map_err(|error| internal(error.to_string()))?;
    Ok(StateRecord {
        counter: 0,
        vault,
        roster_version: roster.0,
        roster_digest: roster.1,
        epoch,
        generation: 0,
        checkpoint: checkpoint.print().into_bytes(),
    })
}

/// The first entries: the vault, its roster, its host.
fn record(
    site: &Site,
    context: &Context,
    lock: VaultLock,
    me: &Identity,
    (first, admitted): (&InForce, Option<(VaultId, Digest)>),
) -> Result<(), Error> {
    let session = Session::begin(&*site.random)?;
    let mut live = Live::open(context, lock)?;
    let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Found))?;
    let mut drafts = Vec::new();
    for (event, object) in [
        (Event::VaultInit, Object::vault(first.vault())),
        (Event::RosterChange, Object::of_kind(ObjectKind::Roster)),
        (Event::HostEnrol, Object::host(live.host_id())),
    ] {
        let mut draft = live.draft(event, Outcome::Ok, session.id());
        draft.actor = actor(me, first.roster());
        draft.object = Some(object);
        draft.detail.version = Some(1);
        draft.detail.note_sha256 = Some(first.digest());
        drafts.push(draft);
    }
    if let Some((peer, note)) = admitted {
        let mut draft = live.draft(Event::PeerChange, Outcome::Ok, session.id());
        draft.actor = actor(me, first.roster());
        draft.object = Some(Object::vault(peer));
        draft.detail.code = "added".parse().ok();
        draft.detail.note_sha256 = Some(note);
        drafts.push(draft);
    }
    let (_recorded, entries) = live.record(&grant, drafts, Some(me.signing()))?;
    Ok(live.follow(&entries, &std::collections::HashMap::new())?)
}

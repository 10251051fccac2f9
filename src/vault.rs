//! The verbs. Each is a straight line through the rooms below: decide, prepare, record, release, index.
//!
//! ```no_run
//! use gapvault::vault::{ListRequest, Site, Vault};
//! use std::{path::Path, sync::Arc, time::Duration};
//!
//! let site = Site::system(Path::new("/var/lib/gapvault").into(), Duration::from_secs(10), Arc::new(|_| ()));
//! let vault = Vault::at(site, Path::new("/srv/vault"))?;
//! for document in vault.list(None, &ListRequest::default())?.documents {
//!     println!("{} {}", document.id, document.class);
//! }
//! # Ok::<(), gapvault::vault::Error>(())
//! ```

mod approve;
mod ask;
mod audit;
mod bundle;
mod catalogue;
mod change;
mod channel;
mod convert;
mod destroy;
mod evidence;
mod except;
mod export;
mod finish;
mod host;
mod identity;
mod init;
mod keys;
mod list;
mod log_key;
mod member;
mod open;
mod parallel;
mod peer;
mod policy;
mod query;
mod rebuild;
mod relabel;
mod release;
mod report;
mod resume;
mod revoke;
mod rewrap;
mod seal;
mod session;
mod show;
mod status;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use approve::Approving;
pub use audit::AuditShow;
pub use bundle::*;

pub use evidence::CosignedReport;
pub use except::ExceptRequest;
pub use export::{ExportReport, ExportedLog};
pub use host::VaultView;
pub use identity::{
    IdentityNew, Opener, Protection, Secret, TokenKey, identity_new, identity_passphrase, identity_show,
    prepare_passphrase, protection_of, read_token, unlock_identity,
};
pub use init::{InitRequest, init};
pub use list::ListRequest;
pub use member::{CardView, MemberAdd};
pub use open::{OpenRequest, OpenTo};
pub use peer::{Reset, VaultCardView, read_vault_card, vault_card_view};
pub use report::*;
pub use resume::ResumeView;
pub use revoke::Leaving;
pub use rewrap::RewrapRequest;
pub use seal::SealRequest;

pub use crate::answer::{NoProgress, Progress, Report, Stage};
pub use crate::audit::{Answer, Question};
pub use crate::evidence::{AuditVerify, CheckpointReport};
pub use crate::fault::{Code, Error};
pub use crate::identity::Identity;
pub use crate::policy::{ClassRules, Part, Policy};
pub use crate::process::{SystemClock, harden_process};
pub use crate::store::index::Window;
pub use crate::store::machine::{Link, LinkKind, Surroundings};
pub use crate::store::os::others_can_read;

use crate::access::Denial;
use crate::crypto::Random;
use crate::label::Zone;
use crate::log::entry::{Event, Outcome};
use crate::plugin::Plugins;
use crate::policy::Machine;
use crate::store::disk::{Disk, OsDisk};
use crate::store::layout::Layout;
use crate::store::live::{Context, Glance, Live, glance};
use crate::store::lock::VaultLock;
use crate::store::machine::ThisMachine;
use crate::store::os;
use crate::time::Clock;
use session::Session;

/// What a vault's `vault.toml` says, and nothing that must be believed.
const FORMAT: &str =
    "# A gapvault vault. Nothing in this file is relied upon but the format's number.\nformat = 1\n";
const FORMAT_LIMIT: u64 = 4096;

/// Everything that is handed in from the top.
#[derive(Clone)]
pub struct Site {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// The host's state folder, outside every vault.
    pub state: PathBuf,
    /// How long to wait for another process.
    pub wait: Duration,
    /// Called once when there is a wait, with what the holder says of itself.
    pub on_wait: Arc<dyn Fn(&str) + Send + Sync>,
    /// What people call this host.
    pub host_name: String,
    /// Keys in other programs.
    pub plugins: Plugins,
    /// What connects this machine to others.
    pub surroundings: Arc<dyn Surroundings>,
    /// How many entries stay in a vault's live index.
    pub window: Window,
    /// After so many entries a host replaces its log key.
    pub key_entries: u64,
}

/// How many entries one log key signs for, where nobody says otherwise: a year or more of a large office.
pub const KEY_ENTRIES: u64 = 262_144;

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Site({})", self.state.display())
    }
}

impl Site {
    /// The operating system's disk, clock and randomness.
    pub fn system(state: PathBuf, wait: Duration, on_wait: Arc<dyn Fn(&str) + Send + Sync>) -> Self {
        Self {
            disk: Arc::new(OsDisk),
            clock: Arc::new(SystemClock),
            random: Arc::new(crate::crypto::SystemRandom::new()),
            state,
            wait,
            on_wait,
            host_name: os::host_name(),
            plugins: Plugins::none(),
            surroundings: Arc::new(ThisMachine),
            window: Window::default(),
            key_entries: KEY_ENTRIES,
        }
    }

    fn context(&self, root: &Path) -> Context {
        Context {
            disk: self.disk.clone(),
            layout: Layout::new(root),
            state: self.state.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            window: self.window,
            key_entries: self.key_entries,
        }
    }
}

/// What became of something that others may have to consent to.
#[derive(Debug, Clone)]
pub enum Done<T> {
    /// It is done.
    Done(T),
    /// Nothing was done yet: this waits for others.
    Asked(Box<RequestReport>),
}

/// The folder itself or the nearest parent that is a vault.
pub fn find_vault(start: &Path) -> Result<PathBuf, Error> {
    let start = start.canonicalize().map_err(|_| Error::new(Code::NoVault).with("path", start.display()))?;
    let found = start.ancestors().find(|folder| Layout::new(folder).format().is_file());
    found.map(Path::to_owned).ok_or_else(|| Error::new(Code::NoVault).with("path", start.display()))
}

/// A vault. Every verb takes the lock for as long as it needs it, and no longer.
#[derive(Debug)]
pub struct Vault {
    site: Site,
    context: Context,
}

impl Vault {
    /// The vault in this folder.
    ///
    /// # Errors
    /// [`Code::NoVault`], [`Code::NewerFormat`], [`Code::VaultPermissions`].
    pub fn at(site: Site, folder: &Path) -> Result<Self, Error> {
        let missing = || Error::new(Code::NoVault).with("path", folder.display());
        let root = folder.canonicalize().map_err(|_| missing())?;
        let context = site.context(&root);
        let format = match site.disk.read(&context.layout.format(), FORMAT_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Err(missing()),
            Err(error) => return Err(crate::store::StoreError::from(error).into()),
        };
        if format != FORMAT.as_bytes() {
            return Err(Error::new(Code::NewerFormat).with("path", folder.display()));
        }
        if os::others_can_write(&root).unwrap_or(true) {
            return Err(Error::new(Code::VaultPermissions).with("path", folder.display()));
        }
        Ok(Self { site, context })
    }

    /// The vault's folder.
    pub fn folder(&self) -> &Path {
        self.context.layout.root()
    }

    fn lock(&self) -> Result<VaultLock, Error> {
        let lock = VaultLock::take(&self.context.layout.lock(), self.site.wait, &*self.site.on_wait);
        Ok(lock.map_err(crate::store::StoreError::from)?)
    }

    /// The roster in force, under the lock, without log and index.
    fn glance(&self) -> Result<Glance, Error> {
        Ok(glance(&self.context, self.lock()?)?)
    }

    /// A denial as an error; where the machine is connected, with what connects it.
    fn told(&self, denial: Denial) -> Error {
        let connected = denial == Denial::Connected;
        let error = Error::from(denial);
        if connected { error.with("detail", self.links()) } else { error }
    }

    /// What connects this machine, for a person.
    fn links(&self) -> String {
        match self.site.surroundings.links() {
            Ok(links) => {
                // Routes go over interfaces: where there is one, they say nothing new.
                let things = links.iter().filter(|link| link.kind != LinkKind::Route);
                let names: Vec<&str> = things.map(|link| link.name.as_str()).collect();
                let routes = || links.iter().map(|link| link.name.as_str()).collect();
                let names = if names.is_empty() { routes() } else { names };
                names.join(", ")
            }
            Err(error) => error.to_string(),
        }
    }

    /// How the machine stands to the world, as far as it matters in this vault.
    fn machine(&self, live: &Live) -> Machine {
        if live.roster().roster().zone != Zone::Isolated {
            return Machine::Apart;
        }
        match self.site.surroundings.links() {
            Ok(links) if links.is_empty() => Machine::Apart,
            // What cannot be told is not taken for granted.
            _ if self.is_excepted(live) => Machine::Excepted,
            _ => Machine::Connected,
        }
    }

    /// The vault, locked and open.
    fn live(&self) -> Result<Live, Error> {
        Ok(Live::open(&self.context, self.lock()?)?)
    }

    /// Unlocks an identity file for this vault. A wrong passphrase, an identity that is locked, a file that others may
    /// read and a person who is no member are refused, and written into the log.
    ///
    /// # Errors
    /// Those of [`unlock_identity`]; [`Code::NotAMember`].
    pub fn unlock<'a>(&self, file: &Path, opener: impl Into<Opener<'a>>) -> Result<Identity, Error> {
        let unlocked = identity::unlock_identity(&self.site, file, opener).and_then(|me| {
            let glance = self.glance()?;
            let known = glance.roster.roster().member(me.id());
            if known.is_some_and(|member| member.key == me.public()) {
                Ok(me)
            } else {
                Err(Error::new(Code::NotAMember).with("name", me.name()).with("id", me.id()))
            }
        });
        match unlocked {
            Ok(me) => Ok(me),
            Err(error) if is_attempt(error.code()) => {
                let session = Session::begin(&*self.site.random)?;
                let mut live = self.live()?;
                let mut draft = live.draft(Event::IdentityUnlock, Outcome::Failed, session.id());
                draft.reason = error.code().as_str().parse().ok();
                live.record_end(vec![draft], None)?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a failed unlocking says something about a person, and not only about a file name.
fn is_attempt(code: Code) -> bool {
    matches!(
        code,
        Code::WrongPassphrase
            | Code::LockedOut
            | Code::WrongToken
            | Code::TokenRefused
            | Code::NotAMember
            | Code::BadIdentity
            | Code::ExcessiveWork
            | Code::IdentityPermissions
    )
}

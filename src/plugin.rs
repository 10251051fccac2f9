//! Keys in other programs: hardware tokens and whatever else speaks the age plugin protocol (`c2sp.org/age-plugin`).
//!
//! A key `age1NAME1…` or `AGE-PLUGIN-NAME-1…` is used by the program `age-plugin-NAME`. That program is started for each
//! use, gets a file key to wrap or stanzas to unwrap, may show messages and ask questions meanwhile, and answers. It is as
//! trustworthy as whoever installed it: it sees file keys. What is held here is that it cannot do harm by being absent, slow,
//! broken or talkative: names that could lead elsewhere are refused, it is looked for in absolute folders only, every line, body
//! and answer has a limit, so has its time, and at the end it is gone with all that it started.
//!
//! [`Plugins`] says where programs are looked for, how long they may take and who answers their questions; with it a
//! [`Recipient`] or an [`Identity`] becomes age's own [`Wrap`](crate::agefile::Wrap) and
//! [`Unwrap`](crate::agefile::Unwrap).

mod client;
mod error;
mod key;
mod name;
mod process;
mod wire;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

pub use error::Error;
pub use key::{BadKey, Identity, Recipient, UsedIdentity, UsedRecipient};
pub use name::{MAX_NAME_LEN, Name};
pub use wire::{MAX_BODY, MAX_COMMANDS, MAX_LINE, MAX_TOTAL};

/// How long a plugin may take for its answers, all together: a person has to find the token and touch it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What a plugin wants from the person. Its texts come from another program: whoever shows them makes them harmless.
pub trait Ask: Send + Sync {
    /// Something to know, such as that the token waits for a touch.
    fn tell(&self, name: &Name, message: &str);
    /// A choice between two answers, or a mere acknowledgement where there is no second one; `None` without an answer.
    fn choose(&self, name: &Name, message: &str, yes: &str, no: Option<&str>) -> Option<bool>;
    /// A line of text; `secret` for a PIN. `None` without an answer.
    fn line(&self, name: &Name, message: &str, secret: bool) -> Option<Zeroizing<Vec<u8>>>;
}

/// Nobody is there: messages are lost, and questions are declined.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Ask for Nobody {
    fn tell(&self, _: &Name, _: &str) {}

    fn choose(&self, _: &Name, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn line(&self, _: &Name, _: &str, _: bool) -> Option<Zeroizing<Vec<u8>>> {
        None
    }
}

/// How plugins are run.
#[derive(Clone)]
pub struct Plugins {
    /// Folders to look in, as in `PATH`; those that are not absolute count for nothing.
    pub path: OsString,
    /// How long a run may wait for the program, without the time in which a person is asked.
    pub patience: Duration,
    /// Who is asked.
    pub ask: Arc<dyn Ask>,
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plugins({:?})", self.path)
    }
}

impl Plugins {
    /// No plugin is found.
    pub fn none() -> Self {
        Self { path: OsString::new(), patience: PATIENCE, ask: Arc::new(Nobody) }
    }
}

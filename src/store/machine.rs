//! What connects this machine to others: interfaces, routes and radios.
//!
//! An isolated vault decrypts only on a machine that stands apart, so what cannot be told counts as a connection, and
//! a look that fails is an error. Only Linux is known; elsewhere every look fails, so an isolated vault refuses.

#[cfg(target_os = "linux")]
mod interfaces;
#[cfg(target_os = "linux")]
mod radios;
#[cfg(target_os = "linux")]
mod routes;

use std::io;
#[cfg(target_os = "linux")]
use std::{fs::File, io::Read as _, path::Path};

use crate::label::labels;

/// Longest file that is read. The kernel's lists are shorter on any machine that could pass for isolated.
#[cfg(target_os = "linux")]
const FILE_LIMIT: u64 = 1024 * 1024;
/// Longest name of a link, in characters: it goes onto the screen.
#[cfg(target_os = "linux")]
const NAME_LIMIT: usize = 100;

labels!(
    /// What kind of connection it is.
    LinkKind {
        /// A network interface that is up, besides loopback.
        Interface = "interface",
        /// A way to other machines in the routing table.
        Route = "route",
        /// A radio that is on: wireless or Bluetooth.
        Radio = "radio",
    }
);

/// Something that connects this machine to others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// What kind.
    pub kind: LinkKind,
    /// As the machine calls it: `eth0`, `default via 10.0.0.1 on eth0`, `phy0`.
    pub name: String,
}

/// Looks at the machine.
pub trait Surroundings: Send + Sync + std::fmt::Debug {
    /// Everything that connects the machine to others, sorted; nothing where it stands apart.
    ///
    /// # Errors
    /// When it cannot be told.
    fn links(&self) -> io::Result<Vec<Link>>;
}

#[cfg(target_os = "linux")]
impl Link {
    fn new(kind: LinkKind, name: &str) -> Self {
        // The kernel lets an administrator put escape sequences of a terminal into an interface's name.
        let plain = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        Self { kind, name: name.chars().map(plain).take(NAME_LIMIT).collect() }
    }
}

/// The machine that the program runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

impl Surroundings for ThisMachine {
    #[cfg(target_os = "linux")]
    fn links(&self) -> io::Result<Vec<Link>> {
        look(Path::new("/proc/self/net"), Path::new("/sys/class"))
    }

    #[cfg(not(target_os = "linux"))]
    fn links(&self) -> io::Result<Vec<Link>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Everything, with the kernel's folders of the process's network and of the classes of devices.
#[cfg(target_os = "linux")]
fn look(net: &Path, class: &Path) -> io::Result<Vec<Link>> {
    let mut links = interfaces::links()?;
    links.extend(routes::links(net)?);
    links.extend(radios::links(class)?);
    links.sort();
    links.dedup();
    Ok(links)
}

/// The text of one of the kernel's files, or nothing where there is no such file. One beyond the limit is an error:
/// what it goes on with cannot be told.
#[cfg(target_os = "linux")]
fn read_text(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    // The size of such a file is 0 until it is read.
    let read = file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).map_or(true, |read| read > FILE_LIMIT) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;

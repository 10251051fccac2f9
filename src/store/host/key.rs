//! The file of a log key in the host's state. Each epoch and each generation has its own, so that record and key change in
//! one write.

use std::path::Path;

use super::super::disk::{Disk, write_durably};
use super::super::os;
use super::HostError;
use crate::crypto::{Secret32, SigningKey};
use crate::encoding::{hex, unhex};
use crate::id::HostId;
use crate::roster::Host;

/// Longest key file: a seed, and the host that it is of.
const KEY_FILE_LIMIT: u64 = 128;

/// The key that signs checkpoints here. The id is kept because every entry names it and it takes a key derivation.
pub(super) struct LogKey {
    pub(super) seed: Secret32,
    pub(super) id: HostId,
}

impl LogKey {
    /// The first key of a host, after which it is named.
    pub(super) fn first(seed: Secret32) -> Self {
        let id = Host::id_of(&SigningKey::from_seed(*seed.expose()).public());
        Self { seed, id }
    }

    /// Reads the file of this generation, if it is there. From the second on it says which host it is of.
    pub(super) fn read(disk: &dyn Disk, path: &Path, generation: u64) -> Result<Option<Self>, HostError> {
        let Some(text) = read_private(disk, path)? else { return Ok(None) };
        let (seed, host) = match generation {
            0 => (text.strip_suffix('\n'), None),
            _ => {
                let (seed, host) = text.split_once("\nhost ").ok_or(HostError::Damaged)?;
                let host = host.strip_suffix('\n').and_then(|host| host.parse().ok());
                (Some(seed), Some(host.ok_or(HostError::Damaged)?))
            }
        };
        let seed = Secret32::new(seed.and_then(unhex).ok_or(HostError::Damaged)?);
        Ok(Some(match host {
            Some(id) => Self { seed, id },
            None => Self::first(seed),
        }))
    }

    /// Writes the file of this generation.
    pub(super) fn write(&self, disk: &dyn Disk, path: &Path, generation: u64) -> Result<(), HostError> {
        let seed = zeroize::Zeroizing::new(hex(self.seed.expose()));
        let host = if generation == 0 { String::new() } else { format!("host {}\n", self.id) };
        let text = zeroize::Zeroizing::new(format!("{}\n{host}", seed.as_str()));
        Ok(write_durably(disk, path, text.as_bytes())?)
    }
}

/// The name of a key's file.
pub(super) fn key_name(epoch: u64, generation: u64) -> String {
    match (epoch, generation) {
        (..=1, 0) => "log.key".to_owned(),
        (epoch, 0) => format!("log-{epoch}.key"),
        (epoch, generation) => format!("log-{epoch}.{generation}.key"),
    }
}

/// Epoch and generation of a key's file, by its name.
pub(super) fn parse_key_name(name: &str) -> Option<(u64, u64)> {
    let middle = name.strip_prefix("log")?.strip_suffix(".key")?;
    let (epoch, generation) = match middle.strip_prefix('-') {
        None => (1, 0),
        Some(rest) => match rest.split_once('.') {
            None => (rest.parse().ok()?, 0),
            Some((epoch, generation)) => (epoch.parse().ok()?, generation.parse().ok()?),
        },
    };
    (key_name(epoch, generation) == name).then_some((epoch, generation))
}

/// Removes a key's file for good: what it held is written over first, as far as the medium does that in place.
pub(super) fn destroy(disk: &dyn Disk, path: &Path) -> Result<(), HostError> {
    let mut file = disk.open_write(path)?;
    let len = usize::try_from(file.size()?.min(KEY_FILE_LIMIT)).unwrap_or_default();
    file.put(&vec![b'0'; len])?;
    file.sync_data()?;
    Ok(disk.remove_file(path)?)
}

/// The text of a file that nobody else may read, if it is there.
pub(super) fn read_private(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Option<zeroize::Zeroizing<String>>, HostError> {
    let bytes = match disk.read(path, KEY_FILE_LIMIT) {
        Ok(bytes) => zeroize::Zeroizing::new(bytes),
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if os::others_can_read(path).unwrap_or(true) {
        return Err(HostError::Permissions(path.to_owned()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| HostError::Damaged)?;
    Ok(Some(zeroize::Zeroizing::new(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_key_has_one_name() {
        for (epoch, generation, name) in
            [(1, 0, "log.key"), (2, 0, "log-2.key"), (1, 1, "log-1.1.key"), (12, 345, "log-12.345.key")]
        {
            assert_eq!(key_name(epoch, generation), name);
            assert_eq!(parse_key_name(name), Some((epoch, generation)));
        }
        for other in [
            "waiting.key",
            "log-1.key",
            "log-01.1.key",
            "log-1.01.key",
            "log-1.0.key",
            "log-.key",
            "log",
            "slot-a",
        ] {
            assert_eq!(parse_key_name(other), None, "{other}");
        }
    }
}

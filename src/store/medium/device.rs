//! Which device a folder lies on, as far as the system tells: for the log and the slip, and nothing that must be right.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Longest text taken from the system.
const TEXT_LIMIT: usize = 100;

/// A device, as it names itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Device {
    /// The model.
    pub model: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
    /// Whether it can be taken out; none where the system does not say.
    pub removable: Option<bool>,
}

/// The device that a folder lies on; empty where it lies on none, as in memory.
pub fn device_of(path: &Path) -> Device {
    let Ok(data) = std::fs::metadata(path) else { return Device::default() };
    let (major, minor) = (rustix::fs::major(data.dev()), rustix::fs::minor(data.dev()));
    read_from(&PathBuf::from(format!("/sys/dev/block/{major}:{minor}")))
}

/// The same from a folder of sysfs. What is a partition there names the whole device above it.
fn read_from(folder: &Path) -> Device {
    let Ok(folder) = folder.canonicalize() else { return Device::default() };
    let whole = if folder.join("partition").exists() { folder.parent().unwrap_or(&folder) } else { &folder };
    let first = |names: &[&str]| names.iter().find_map(|name| text(&whole.join(name)));
    Device {
        model: first(&["device/model", "device/name"]),
        serial: first(&["device/serial", "device/wwid", "serial"]),
        removable: first(&["removable"]).map(|flag| flag == "1"),
    }
}

fn text(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let shown = |c: &char| !c.is_control();
    let text: String =
        String::from_utf8_lossy(&bytes).trim().chars().filter(shown).take(TEXT_LIMIT).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_named_after_its_device() {
        let top = tempfile::tempdir().unwrap();
        let disk = top.path().join("sdb");
        std::fs::create_dir_all(disk.join("device")).unwrap();
        std::fs::create_dir_all(disk.join("sdb1")).unwrap();
        std::fs::write(disk.join("device/model"), "Flash  Disk   \n").unwrap();
        std::fs::write(disk.join("device/serial"), "12\u{1b}34\n").unwrap();
        std::fs::write(disk.join("removable"), "1\n").unwrap();
        std::fs::write(disk.join("sdb1/partition"), "1\n").unwrap();
        let device =
            Device { model: Some("Flash  Disk".into()), serial: Some("1234".into()), removable: Some(true) };
        assert_eq!(read_from(&disk.join("sdb1")), device);
        assert_eq!(read_from(&disk), device);
        assert_eq!(read_from(&top.path().join("none")), Device::default());
        // A memory file system has no device; whatever there is, asking does no harm.
        let _ = device_of(top.path());
    }
}

//! Radios that are on: by their switches, and where one has no switch, by its being there.
//!
//! The switches (`rfkill`) are those of the whole machine, whatever namespace this process is in. A wireless device
//! whose switch says that it is on counts although no interface of it is up: joining a network takes no cable.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use super::{Link, LinkKind, read_text};

/// Types of switches of radios that only receive. Every other type sends, also one that is newer than this program.
const RECEIVERS: [&str; 2] = ["gps", "fm"];

/// The radios that are on; `class` is the folder of the classes of devices, `/sys/class`.
pub(super) fn links(class: &Path) -> io::Result<Vec<Link>> {
    // A class that is missing has no devices. Without the folder above nothing can be told.
    std::fs::metadata(class)?;
    let switches = names(&class.join("rfkill"))?;
    let mut links = Vec::new();
    for switch in &switches {
        let read = |file: &str| read_text(&class.join("rfkill").join(switch).join(file)).ok().flatten();
        if is_on(read("type").as_deref(), read("soft").as_deref(), read("hard").as_deref()) {
            // The switch is called after its radio.
            let radio = read("name").map(|name| name.trim_ascii().to_owned()).filter(|name| !name.is_empty());
            let radio = radio.unwrap_or_else(|| switch.to_string_lossy().into_owned());
            links.push(Link::new(LinkKind::Radio, &radio));
        }
    }
    for (kind, is_radio) in [("ieee80211", any_name as fn(&OsStr) -> bool), ("bluetooth", is_controller)] {
        let folder = class.join(kind);
        for radio in names(&folder)?.into_iter().filter(|name| is_radio(name)) {
            // A radio's own switch lies in its folder, and says above whether it is on.
            let inside = names(&folder.join(&radio)).unwrap_or_default();
            if !inside.iter().any(|name| switches.contains(name)) {
                links.push(Link::new(LinkKind::Radio, &radio.to_string_lossy()));
            }
        }
    }
    Ok(links)
}

/// Wireless devices are `phy0` and so on, until somebody renames them.
fn any_name(_: &OsStr) -> bool {
    true
}

/// Whether it is a Bluetooth controller, `hci0`, and not one of its connections, `hci0:256`.
fn is_controller(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"hci") && !name.contains(&b':')
}

/// Whether a switch leaves a radio on that sends. One that cannot be read does.
fn is_on(kind: Option<&str>, soft: Option<&str>, hard: Option<&str>) -> bool {
    let sends = !kind.is_some_and(|kind| RECEIVERS.contains(&kind.trim_ascii()));
    let blocks = |state: Option<&str>| state.is_some_and(|state| state.trim_ascii() == "1");
    sends && !blocks(soft) && !blocks(hard)
}

/// The names in a folder; none where there is no such folder.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of classes, empty.
    fn classes() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn make(class: &Path, device: &str, files: &[(&str, &str)]) {
        let folder = class.join(device);
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }

    fn switch(class: &Path, name: &str, kind: &str, soft: &str, hard: &str) {
        let files = [("type", kind), ("soft", soft), ("hard", hard), ("name", &format!("{name}-radio\n"))];
        make(class, &format!("rfkill/{name}"), &files);
    }

    fn found(class: &Path) -> Vec<String> {
        let mut links = links(class).unwrap();
        links.sort();
        assert!(links.iter().all(|link| link.kind == LinkKind::Radio));
        links.into_iter().map(|link| link.name).collect()
    }

    #[test]
    fn a_machine_without_radios_has_none_and_one_that_shows_nothing_cannot_be_told() {
        let class = classes();
        assert!(found(class.path()).is_empty());
        assert!(links(&class.path().join("none")).is_err());
    }

    #[test]
    fn a_radio_is_off_by_either_switch() {
        let class = classes();
        switch(class.path(), "rfkill0", "wlan\n", "0\n", "0\n");
        switch(class.path(), "rfkill1", "wlan\n", "1\n", "0\n");
        switch(class.path(), "rfkill2", "wlan\n", "0\n", "1\n");
        switch(class.path(), "rfkill3", "bluetooth\n", "1\n", "1\n");
        assert_eq!(found(class.path()), ["rfkill0-radio"]);
    }

    #[test]
    fn every_type_counts_that_sends() {
        for (kind, sends) in [
            ("wlan", true),
            ("bluetooth", true),
            ("ultrawideband", true),
            ("uwb", true),
            ("wimax", true),
            ("wwan", true),
            ("nfc", true),
            ("something new", true),
            ("gps", false),
            ("fm", false),
        ] {
            assert_eq!(is_on(Some(kind), Some("0\n"), Some("0\n")), sends, "{kind}");
        }
    }

    #[test]
    fn a_switch_that_cannot_be_read_is_on() {
        assert!(is_on(None, None, None));
        assert!(is_on(Some("wlan"), None, Some("0")));
        for odd in ["", "2", "10", "-1", "\u{fffd}", "1 1"] {
            assert!(is_on(Some("wlan"), Some(odd), Some("0")), "{odd}");
        }
        let class = classes();
        make(class.path(), "rfkill/rfkill7", &[]);
        make(class.path(), "rfkill/rfkill8", &[("name", "\n"), ("soft", "1")]);
        make(class.path(), "rfkill/rfkill9", &[("name", " \n")]);
        assert_eq!(found(class.path()), ["rfkill7", "rfkill9"]);
        let long = "1".repeat(usize::try_from(super::super::FILE_LIMIT).unwrap() + 1);
        make(class.path(), "rfkill/rfkill8", &[("soft", &long)]);
        assert_eq!(found(class.path()), ["rfkill7", "rfkill8", "rfkill9"]);
    }

    #[test]
    fn a_radio_without_a_switch_is_on() {
        let class = classes();
        make(class.path(), "ieee80211/phy0", &[]);
        make(class.path(), "ieee80211/renamed", &[]);
        make(class.path(), "bluetooth/hci0", &[]);
        make(class.path(), "bluetooth/hci0:256", &[]);
        assert_eq!(found(class.path()), ["hci0", "phy0", "renamed"]);
    }

    #[test]
    fn a_radio_with_a_switch_is_what_the_switch_says() {
        let class = classes();
        make(class.path(), "ieee80211/phy0/rfkill0", &[]);
        make(class.path(), "bluetooth/hci0/rfkill1", &[]);
        switch(class.path(), "rfkill0", "wlan", "1", "0");
        switch(class.path(), "rfkill1", "bluetooth", "0", "0");
        assert_eq!(found(class.path()), ["rfkill1-radio"]);
        // A switch that is not among the switches says nothing.
        std::fs::remove_dir_all(class.path().join("rfkill")).unwrap();
        assert_eq!(found(class.path()), ["hci0", "phy0"]);
    }
}

//! Network interfaces that are up.
//!
//! The kernel is asked by `getifaddrs` and not read in `/sys/class/net`: that folder shows the network namespace of
//! whoever mounted it, which need not be ours. In a container or behind `unshare` it names interfaces that this
//! process does not have, or misses those that it has.

use std::collections::BTreeSet;
use std::io;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::{Link, LinkKind};

/// The interfaces of this process's network namespace that are up, besides loopback.
pub(super) fn links() -> io::Result<Vec<Link>> {
    let rows = getifaddrs().map_err(io::Error::from)?.map(|row| (row.interface_name, row.flags));
    Ok(up(rows).iter().map(|name| Link::new(LinkKind::Interface, name)).collect())
}

/// The names of those that are up; there is a row for each address of an interface, and one for the interface itself.
///
/// Whether a cable is plugged in (`IFF_RUNNING`) does not matter: that changes without anybody's order.
fn up(rows: impl Iterator<Item = (String, InterfaceFlags)>) -> BTreeSet<String> {
    rows.filter(|(_, flags)| {
        flags.contains(InterfaceFlags::IFF_UP) && !flags.contains(InterfaceFlags::IFF_LOOPBACK)
    })
    // An address can have a label, `eth0:1`; no interface has a colon in its name.
    .map(|(name, _)| name.split(':').next().unwrap_or_default().to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: InterfaceFlags = InterfaceFlags::IFF_UP;
    const RUNNING: InterfaceFlags = InterfaceFlags::IFF_RUNNING;
    const LOOPBACK: InterfaceFlags = InterfaceFlags::IFF_LOOPBACK;

    fn names(rows: &[(&str, InterfaceFlags)]) -> Vec<String> {
        up(rows.iter().map(|(name, flags)| ((*name).to_owned(), *flags))).into_iter().collect()
    }

    #[test]
    fn each_interface_that_is_up_counts_once() {
        let rows = [
            ("lo", UP | RUNNING | LOOPBACK),
            ("wlan0", UP),
            ("eth0", UP | RUNNING),
            ("eth1", InterfaceFlags::IFF_BROADCAST),
            ("eth0", UP | RUNNING),
            ("eth0:1", UP | RUNNING),
        ];
        assert_eq!(names(&rows), ["eth0", "wlan0"]);
        assert!(names(&[]).is_empty());
    }

    #[test]
    fn loopback_is_told_by_its_flag_and_not_by_its_name() {
        assert_eq!(names(&[("lo", UP), ("other", UP | LOOPBACK)]), ["lo"]);
    }

    #[test]
    fn the_kernel_answers() {
        let links = links().unwrap();
        assert!(links.iter().all(|link| link.kind == LinkKind::Interface && !link.name.is_empty()));
    }
}

//! The routing table, as the kernel shows it to this process.
//!
//! Only the main table is in these files. That is enough: every route to another machine goes over an interface that
//! is up, and those are found whatever table leads to them. Routes say where to.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::{Link, LinkKind, read_text};

/// What loopback is called in every network namespace. An interface that took the name is found by its flags.
const LOOPBACK: &str = "lo";
/// What the list of IPv4 has where a route has no interface: what is sent there is thrown away.
const NOWHERE: &str = "*";
/// `RTF_LOCAL` of the list of IPv6: an address of this machine. The list of IPv4 has none of them.
const OWN_ADDRESS: u32 = 0x8000_0000;

/// A row of a routing table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Route<'a> {
    to: IpAddr,
    prefix: u32,
    via: IpAddr,
    over: &'a str,
    own: bool,
}

impl Route<'_> {
    /// Whether it leads to other machines. What the kernel rejects of IPv6 is over loopback, too.
    fn leads_away(&self) -> bool {
        !self.own && self.over != LOOPBACK && !(self.to.is_ipv4() && self.over == NOWHERE)
    }
}

impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == 0 {
            f.write_str("default")?;
        } else {
            write!(f, "{}/{}", self.to, self.prefix)?;
        }
        if !self.via.is_unspecified() {
            write!(f, " via {}", self.via)?;
        }
        write!(f, " on {}", self.over)
    }
}

/// The routes to other machines; `net` is the process's `/proc/self/net`.
pub(super) fn links(net: &Path) -> io::Result<Vec<Link>> {
    // A file that is missing is a protocol that the kernel does not have. Without the folder nothing can be told.
    std::fs::metadata(net)?;
    let mut links = ipv4(&read_text(&net.join("route"))?.unwrap_or_default());
    links.extend(ipv6(&read_text(&net.join("ipv6_route"))?.unwrap_or_default()));
    Ok(links)
}

fn ipv4(text: &str) -> Vec<Link> {
    let is_header = |line: &str| line.split_ascii_whitespace().take(2).eq(["Iface", "Destination"]);
    let lines = text.split('\n').enumerate().filter(|(at, line)| *at > 0 || !is_header(line));
    lines.filter_map(|(_, line)| link(line, ipv4_route)).collect()
}

fn ipv6(text: &str) -> Vec<Link> {
    text.split('\n').filter_map(|line| link(line, ipv6_route)).collect()
}

/// The link that a line stands for. One that cannot be read is one: it may lead anywhere.
fn link(line: &str, parse: fn(&str) -> Option<Route<'_>>) -> Option<Link> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return None;
    }
    match parse(line) {
        Some(route) => route.leads_away().then(|| Link::new(LinkKind::Route, &route.to_string())),
        None => Some(Link::new(LinkKind::Route, &format!("unreadable: {line}"))),
    }
}

fn ipv4_route(line: &str) -> Option<Route<'_>> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let &[over, to, via, flags, ref counts @ .., mask, mtu, window, irtt] = fields.as_slice() else {
        return None;
    };
    let numbers = counts.len() == 3 && counts.iter().chain(&[mtu, window, irtt]).all(|text| is_number(text));
    // The kernel prints four digits or more of the flags.
    let flags_fine = (4..=8).contains(&flags.len()) && hex(flags, flags.len()).is_some();
    let mask = u32::from(ipv4_address(mask)?);
    let whole = mask.leading_ones() + mask.trailing_zeros() == u32::BITS;
    (numbers && flags_fine && whole).then_some(Route {
        to: ipv4_address(to)?.into(),
        prefix: mask.leading_ones(),
        via: ipv4_address(via)?.into(),
        over,
        own: false,
    })
}

fn ipv6_route(line: &str) -> Option<Route<'_>> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let &[to, prefix, from, from_prefix, via, metric, references, uses, flags, over] = fields.as_slice()
    else {
        return None;
    };
    for count in [metric, references, uses] {
        hex(count, 8)?;
    }
    ipv6_address(from)?;
    let prefix = hex(prefix, 2)?;
    let fine = prefix <= u128::BITS && hex(from_prefix, 2)? <= u128::BITS;
    let own = hex(flags, 8)? & OWN_ADDRESS != 0;
    fine.then_some(Route { to: ipv6_address(to)?.into(), prefix, via: ipv6_address(via)?.into(), over, own })
}

/// An address as the bytes of a word of the processor's: on a little-endian machine the last number comes first.
fn ipv4_address(text: &str) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(hex(text, 8)?.to_ne_bytes()))
}

fn ipv6_address(text: &str) -> Option<Ipv6Addr> {
    is_hex(text, 32).then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Ipv6Addr::from)
}

fn hex(text: &str, digits: usize) -> Option<u32> {
    is_hex(text, digits).then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

/// Whether it is digits and nothing else; the standard library would take a sign.
fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (1..=10).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;

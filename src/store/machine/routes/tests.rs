use proptest::prelude::*;

use super::*;

const HEADER: &str =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT   \n";
const LONG: &str = "00000000000000000000000000000000";

fn names(links: Vec<Link>) -> Vec<String> {
    assert!(links.iter().all(|link| link.kind == LinkKind::Route));
    links.into_iter().map(|link| link.name).collect()
}

fn is_unreadable(links: Vec<Link>) -> bool {
    matches!(&names(links)[..], [name] if name.starts_with("unreadable: "))
}

// These are what the kernel printed on a machine that is little-endian.
#[cfg(target_endian = "little")]
#[test]
fn routes_of_ipv4_are_those_that_lead_to_others() {
    let text = format!(
        "{HEADER}\
        eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0      \n\
        eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0        \n\
        v0\t0402010A\t00000000\t0005\t0\t0\t-1\tFFFFFFFF\t1500\t0\t0\n\
        *\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0           \n\
        *\t0000080A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0           \n\
        lo\t0000057F\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0          \n"
    );
    assert_eq!(
        names(ipv4(&text)),
        ["default via 192.0.2.1 on eth0", "192.0.2.0/24 on eth0", "10.1.2.4/32 on v0"]
    );
}

#[test]
fn routes_of_ipv6_are_those_that_lead_to_others() {
    let text = "\
        20010db8000000000000000000000000 20 00000000000000000000000000000000 00 00000000000000000000000000000000 \
        00000400 00000001 00000000 00200200       lo\n\
        fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 \
        00000100 00000001 00000000 00000001       v1\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 \
        00000400 00000002 00000000 00000003     eth0\n\
        fe8000000000000000fc00fffe000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 \
        00000000 00000002 00000000 80200001     eth0\n\
        ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 \
        00000100 00000003 00000000 00000001     eth0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 \
        ffffffff 00000001 00000000 00200200       lo\n";
    assert_eq!(names(ipv6(text)), ["fe80::/64 on v1", "default via fd00::1 on eth0", "ff00::/8 on eth0"]);
}

#[test]
fn nothing_and_a_header_alone_are_no_route() {
    for text in ["", "\n", "  \n\n", HEADER, HEADER.trim_end()] {
        assert!(ipv4(text).is_empty(), "{text:?}");
    }
    assert!(ipv6("\n").is_empty());
}

#[test]
fn a_header_is_one_in_the_first_line_only() {
    assert!(is_unreadable(ipv4(&format!("{HEADER}{HEADER}"))));
}

#[test]
fn a_line_of_ipv4_that_cannot_be_read_counts() {
    const GOOD: &str = "lo 0000000A 00000000 0001 0 0 0 000000FF 0 0 0";
    let good = |at: usize, with: &str| {
        let mut fields: Vec<&str> = GOOD.split(' ').collect();
        fields[at] = with;
        fields.join("\t")
    };
    assert!(ipv4(&good(0, "lo")).is_empty());
    let mask = |bits: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bits));
    let bad = [
        good(1, "0000000"),
        good(1, "+000000A"),
        good(1, "0000000000A"),
        good(1, "0000000G"),
        good(2, "\u{fffd}"),
        good(3, "001"),
        good(3, "000000001"),
        good(4, ""),
        good(5, "+1"),
        good(6, "-"),
        good(6, "99999999999"),
        good(7, &mask([255, 0, 255, 0])),
        good(7, &mask([0, 255, 255, 255])),
        good(8, "1500x"),
        good(10, "0 0"),
        GOOD[..GOOD.len() - 2].to_owned(),
        "lo".to_owned(),
        "\u{fffd}\u{fffd}".to_owned(),
    ];
    for line in bad {
        assert!(is_unreadable(ipv4(&format!("{HEADER}{line}\n"))), "{line}");
    }
    for fine in [good(7, &mask([255, 255, 255, 255])), good(7, &mask([0; 4])), good(3, "80000001")] {
        assert!(ipv4(&fine).is_empty(), "{fine}");
    }
}

#[test]
fn a_line_of_ipv6_that_cannot_be_read_counts() {
    let good = format!("{LONG} 80 {LONG} 00 {LONG} 00000000 00000001 00000000 00200200 lo");
    assert!(ipv6(&good).is_empty());
    let with = |at: usize, with: &str| {
        let mut fields: Vec<&str> = good.split(' ').collect();
        fields[at] = with;
        fields.join(" ")
    };
    let bad = [
        with(0, &LONG[1..]),
        with(0, &format!("+{}", &LONG[1..])),
        with(1, "81"),
        with(1, "8"),
        with(2, "::"),
        with(3, "ff"),
        with(4, &format!("{LONG}0")),
        with(5, "0"),
        with(8, "0x200200"),
        with(9, ""),
        with(9, "lo lo"),
    ];
    for line in bad {
        assert!(is_unreadable(ipv6(&line)), "{line}");
    }
}

#[test]
fn a_bad_line_hides_no_other_and_is_shown_in_short() {
    let good = format!("{LONG} 00 {LONG} 00 {LONG} 00000000 00000001 00000000 00000001 eth0");
    let long = format!("\u{1b}[2J{}", "x".repeat(5000));
    let found = names(ipv6(&format!("{long}\n{good}\n{}", &good[..40])));
    assert_eq!(found[1], "default on eth0");
    assert!(found[0].starts_with("unreadable: \u{fffd}[2Jxxx") && found[0].chars().count() == 100);
    assert!(found[2].starts_with("unreadable: 0000") && found.len() == 3);
}

#[test]
fn a_protocol_may_be_missing_but_not_the_folder() {
    let net = tempfile::tempdir().unwrap();
    assert!(links(net.path()).unwrap().is_empty());
    assert!(links(&net.path().join("none")).is_err());
    std::fs::write(net.path().join("route"), HEADER).unwrap();
    std::fs::write(net.path().join("ipv6_route"), b"\xff\xfe \n").unwrap();
    assert_eq!(names(links(net.path()).unwrap()), ["unreadable: \u{fffd}\u{fffd}"]);
    std::fs::remove_file(net.path().join("ipv6_route")).unwrap();
    std::fs::create_dir(net.path().join("ipv6_route")).unwrap();
    assert!(links(net.path()).is_err());
}

proptest! {
    #[test]
    fn any_line_is_at_most_one_link(text in "([0-9a-fA-F]{8}|lo|\\*|[ \\t\\n]|\\PC){0,60}") {
        let lines = text.split('\n').count();
        prop_assert!(ipv4(&text).len() <= lines && ipv6(&text).len() <= lines);
    }
}

use super::*;

#[test]
fn a_name_is_short_and_sends_nothing_to_a_terminal() {
    assert_eq!(Link::new(LinkKind::Interface, "a\u{1b}\u{9b}\n").name, "a\u{fffd}\u{fffd}\u{fffd}");
    assert_eq!(Link::new(LinkKind::Interface, &"網".repeat(500)).name.chars().count(), NAME_LIMIT);
}

#[test]
fn a_file_is_read_up_to_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert_eq!(read_text(&path).unwrap(), None);
    let mut bytes = vec![b'a'; usize::try_from(FILE_LIMIT).unwrap()];
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read_text(&path).unwrap().unwrap().len(), bytes.len());
    bytes.push(b'a');
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(read_text(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn all_kinds_come_sorted_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let (net, class) = (folder.path().join("net"), folder.path().join("class"));
    std::fs::create_dir(&net).unwrap();
    std::fs::create_dir_all(class.join("ieee80211/phy0")).unwrap();
    std::fs::write(net.join("route"), "b\na\nb\n").unwrap();
    let mut links = look(&net, &class).unwrap();
    // This machine's own interfaces come first.
    links.retain(|link| link.kind != LinkKind::Interface);
    let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
    assert_eq!(names, ["unreadable: a", "unreadable: b", "phy0"]);
}

#[test]
fn this_machine_can_be_looked_at() {
    let links = ThisMachine.links().unwrap();
    assert!(links.is_sorted() && links.iter().all(|link| !link.name.contains("unreadable")), "{links:?}");
}

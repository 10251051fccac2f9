//! What a process that keeps no core dumps can still do.

use std::ffi::OsStr;
use std::io::Write as _;

use gapvault::store::os;

use super::child;

#[test]
#[ignore = "a scenario for a process of its own"]
fn a_hardened_process_publishes() {
    let Some(given) = child::given() else { return };
    gapvault::process::harden_process();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    given.tell(&format!("{:?} {:?}", limit.current, limit.maximum));
    given.tell(&format!("{:?}", rustix::process::dumpable_behavior().unwrap()));
    let folder = os::open_folder(&given.folder).unwrap();
    let mut output = os::PrivateOutput::begin(folder, ".hidden").unwrap();
    output.file().write_all(b"text").unwrap();
    given.tell(&format!("{} names", std::fs::read_dir(&given.folder).unwrap().count()));
    output.publish(OsStr::new("a"), None).unwrap();
}

#[test]
fn no_core_is_dumped_and_files_without_a_name_still_get_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let end = child::run(a_hardened_process_publishes, folder.path(), None);
    assert_eq!(end.told, ["Some(0) Some(0)", "NotDumpable", "0 names"]);
    assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"text");
}

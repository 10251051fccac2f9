//! The steps of `docs/EMERGENCY.md`, run exactly as they stand there with the stock `age`, where it is installed.

use std::io::Write as _;
use std::process::{Command, Stdio};

use gapvault::label::Class;

use crate::verbs::Place;

fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// The commands between the markers of the page, one for each line.
fn commands() -> Vec<String> {
    let page = include_str!("../../docs/EMERGENCY.md");
    let block = page.split("<!-- commands -->").nth(1).unwrap().split("<!-- /commands -->").next().unwrap();
    block.lines().filter(|line| line.starts_with("age ")).map(str::to_owned).collect()
}

#[test]
fn stock_age_opens_a_sealed_document_by_the_page() {
    let commands = commands();
    assert_eq!(commands.len(), 3);
    if !installed("age") || !installed("script") {
        eprintln!("skipped: age or script is not installed");
        return;
    }
    let place = Place::new();
    let source = place.write("a.txt", b"opened in an emergency");
    let id = place.seal(&place.founder, &source, Class::Critical);
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).current_dir(place.folder.path());
        shell.env("IDENTITY", "王小明.id").env("VAULT", "v").env("CLASS", "critical").env("OUT", "out.txt");
        shell.env("MEMBER", place.founder.id().to_string()).env("DOCUMENT", &id);
        shell
    };
    // age asks for a passphrase on a terminal only, so one is made for it.
    let first = format!("script -qec {:?} /dev/null", commands[0].replace('"', ""));
    let mut asked = shell(&first).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    asked.stdin.take().unwrap().write_all(b"correct horse\n").unwrap();
    assert!(asked.wait().unwrap().success());
    for command in &commands[1..] {
        assert!(shell(command).status().unwrap().success(), "{command}");
    }
    assert_eq!(std::fs::read(place.path("out.txt")).unwrap(), b"opened in an emergency");
    // And the page's promise that anyone can check a payload against the log.
    let shown = place.vault().show(None, &id, false).unwrap().document;
    let tail = format!("tail -c +{} v/documents/{}/{id}.age | sha256sum", shown.header_len + 1, &id[..2]);
    let sum = shell(&tail).output().unwrap().stdout;
    assert!(String::from_utf8(sum).unwrap().starts_with(&shown.payload_sha256.to_string()));
}

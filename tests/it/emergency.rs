//! The steps of `docs/EMERGENCY.md`, run exactly as they stand there with the stock `age` and with `rage`, where they are
//! installed; `tests/interop` runs those of npm's `age-encryption`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use gapvault::label::Class;

use crate::gap::pair;
use crate::verbs::Place;

fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

const PAGE: &str = include_str!("../../docs/EMERGENCY.md");

/// What stands between these markers of the page, each time.
fn between(marker: &str) -> impl Iterator<Item = &'static str> {
    PAGE.split(&format!("<!-- {marker} -->"))
        .skip(1)
        .map(move |rest| rest.split(&format!("<!-- /{marker} -->")).next().unwrap())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The commands of the page for this program, one for each line.
fn commands(program: &str) -> Vec<String> {
    let lines = between("commands").flat_map(str::lines);
    lines.filter(|line| line.starts_with(&format!("{program} "))).map(str::to_owned).collect()
}

#[test]
fn stock_age_opens_a_sealed_document_by_the_page() {
    opens_by_the_page("age");
}

#[test]
fn rage_opens_a_sealed_document_by_the_page() {
    opens_by_the_page("rage");
}

#[test]
fn the_script_of_the_page_is_the_one_that_is_tried() {
    let script = include_str!("../interop/open.mjs");
    let shown: Vec<&str> = between("script").collect();
    assert_eq!(shown, [format!("\n\n```js\n{script}```\n\n")]);
    // And what is installed is what it was tried with.
    let package = include_str!("../interop/package.json");
    let version = PAGE.split("npm install age-encryption@").nth(1).unwrap().split('`').next().unwrap();
    assert!(package.contains(&format!("\"age-encryption\": \"{version}\"")), "{version}");
}

fn opens_by_the_page(program: &str) {
    let commands = commands(program);
    assert_eq!(commands.len(), 3);
    if !installed(program) || !installed("script") {
        eprintln!("skipped: {program} or script is not installed");
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
        shell.env("PINENTRY_PROGRAM", "none");
        shell
    };
    ask_on_terminal(&shell, &commands[0]);
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

/// Both programs ask for a passphrase on a terminal only, so one is made for it.
fn ask_on_terminal(shell: &dyn Fn(&str) -> Command, command: &str) {
    let first = format!("script -qec {:?} /dev/null", command.replace('"', ""));
    let mut asked = shell(&first).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    asked.stdin.take().unwrap().write_all(b"correct horse\n").unwrap();
    assert!(asked.wait().unwrap().success());
}

#[test]
fn stock_age_and_tar_take_a_document_out_of_a_bundle_by_the_page() {
    let commands: Vec<&str> =
        between("bundle").flat_map(str::lines).filter(|line| !line.is_empty()).collect();
    let [_, commands @ .., _] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(commands.len(), 6);
    if !installed("age") || !installed("script") || !installed("tar") {
        eprintln!("skipped: age, script or tar is not installed");
        return;
    }
    let (out, inside) = pair();
    let content: Vec<u8> = (0..200_000_u32).map(|at| (at / 3) as u8).collect();
    let other = out.seal("b.txt", b"another one", Class::Important);
    let id = out.seal("a.bin", &content, Class::Critical);
    out.send("隔離庫", &[&other, &id], &inside.path("medium"));

    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).current_dir(inside.folder.path());
        shell.env("IDENTITY", "王小明.id").env("VAULT", "v").env("BUNDLE", "medium").env("OUT", "out.bin");
        shell.env("MEMBER", inside.founder.id().to_string()).env("DOCUMENT", &id);
        shell
    };
    ask_on_terminal(&shell, commands[0]);
    for command in &commands[1..] {
        assert!(shell(command).status().unwrap().success(), "{command}");
    }
    assert_eq!(std::fs::read(inside.path("out.bin")).unwrap(), content);
    // And the page's promise about the list.
    let list = std::fs::read(inside.path("inner.json")).unwrap();
    let digest = gapvault::crypto::Digest::of(&list).to_string();
    let manifest = std::fs::read_to_string(inside.path("medium/manifest")).unwrap();
    assert!(manifest.contains(&format!("\ninner {digest}\n")));
    let padding = std::fs::read(inside.path("padding")).unwrap();
    assert!(padding.iter().all(|byte| *byte == 0));
}

//! Odd paths, and who else may read and write where a vault lies.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Bench;

#[test]
fn every_verb_works_wherever_the_vault_lies() {
    let names: [&[u8]; 7] = [
        b"a b",
        b"it's \"quoted\" `$HOME`",
        b"line\nbreak\ttab",
        "保管庫 中文".as_bytes(),
        "\u{202e}\u{1b}[31m".as_bytes(),
        b"--json",
        b"not utf-8 \xff",
    ];
    for name in names {
        let bench = Bench::within(&OsString::from_vec(name.to_vec()));
        bench.found();
        bench.join("clerk", "clerk", &["--clearance", "important"]);
        bench.write("tree/a.txt", "a");
        let id = bench.seal("tree", "important");
        let calls: [&[&str]; 11] = [
            &["list"],
            &["show", &id, "--history"],
            &["open", &id, "-o", "out"],
            &["open", &id, "--into", "into"],
            &["open", "--all", "--into", "all"],
            &["member", "list"],
            &["status"],
            &["rebuild"],
            &["verify"],
            &["audit", "verify"],
            &["identity", "show", "ann.id"],
        ];
        for call in calls {
            let said = bench.call(call).ok();
            let shown = format!("{}{}", said.out, said.err);
            assert!(!shown.contains(['\t', '\u{1b}', '\u{202e}']), "{said:?}");
            assert!(!shown.lines().any(|line| line.starts_with("break")), "{said:?}");
        }
        let report = bench.call(&["show", &id, "--json"]).ok().json();
        let path = report["document"]["path"].as_str().unwrap();
        assert!(path.starts_with(bench.path("v").to_string_lossy().as_ref()), "{path:?}");
        assert_eq!(std::fs::read(bench.path("into/tree/a.txt")).unwrap(), b"a");
        // Also from within, with nothing but the folder to go by.
        let mut inside = bench.call(&["list", "--json"]).without("GAPVAULT_VAULT");
        inside.command.current_dir(bench.path("v/documents"));
        assert_eq!(inside.ok().json()["documents"][0]["id"], id.as_str());
        bench.call(&["destroy", &id, "--reason", "r", "--yes"]).ok();
        bench.sound();
    }
}

/// Everything below a path that people other than the owner may use in any way.
fn open_to_others(path: &Path, found: &mut Vec<String>) {
    let data = std::fs::symlink_metadata(path).unwrap();
    if data.permissions().mode() & 0o077 != 0 {
        found.push(format!("{} {:o}", path.display(), data.permissions().mode()));
    }
    // sled makes its own files; what counts is that nobody else comes near them.
    let sled = path.file_name().unwrap().to_str().unwrap().starts_with("sled");
    if data.is_dir() && !sled {
        for entry in path.read_dir().unwrap() {
            open_to_others(&entry.unwrap().path(), found);
        }
    }
}

#[test]
fn nothing_is_readable_for_others_however_generous_the_user_is() {
    let bench = Bench::bare();
    let generous = |words: &[&str]| {
        let script = "umask 0; exec \"$0\" \"$@\"";
        let program = env!("CARGO_BIN_EXE_gapvault");
        let mut call = bench.call::<&str>(&[]);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, program]).args(words).current_dir(bench.here()).env_clear();
        shell.envs(call.command.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        shell.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        call.command = shell;
        call.ok()
    };
    generous(&["identity", "new", "--name", "ann", "--out", "ann.id", "--work-factor", "10", "--classic"]);
    generous(&["identity", "new", "--name", "bob", "--out", "bob.id", "--work-factor", "10", "--classic"]);
    generous(&["init", "v", "--name", "v", "--zone", "networked", "--classic"]);
    generous(&["member", "add", "bob.id.card", "--role", "clerk", "--yes"]);
    bench.write("a.txt", "a");
    generous(&["seal", "a.txt", "--class", "important"]);
    generous(&["open", "--all", "--into", "out"]);
    generous(&["rebuild"]);
    let mut found = Vec::new();
    for name in ["ann.id", "v", "state", "out"] {
        open_to_others(&bench.path(name), &mut found);
    }
    assert_eq!(found, Vec::<String>::new());
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_identity_file_that_others_may_read_is_refused_and_the_attempt_is_written_down() {
    let bench = Bench::founded();
    for (bits, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
        mode(&bench.path("ann.id"), bits);
        let before = bench.call(&["audit", "show", "--json"]).without("GAPVAULT_IDENTITY").ok().json();
        let said = bench.call(&["list", "--json"]).run();
        if fine {
            assert_eq!(said.exit, 0, "{bits:o} {said:?}");
            continue;
        }
        assert_eq!(said.error()["code"], "denied.identity-permissions", "{bits:o}");
        let entries = bench.entries();
        assert_eq!(entries.len(), before["entries"].as_array().unwrap().len() + 1, "{bits:o}");
        let last = entries.last().unwrap();
        assert_eq!(last["reason"], "denied.identity-permissions");
        assert_eq!(last["outcome"], "failed");
    }
    bench.sound();
}

#[test]
fn a_vault_or_a_log_key_that_others_may_use_is_refused() {
    let bench = Bench::founded();
    let calls: [&[&str]; 4] = [&["list"], &["status"], &["verify"], &["audit", "show"]];
    for bits in [0o720, 0o702, 0o777] {
        mode(&bench.path("v"), bits);
        for call in calls {
            let error = bench.call(call).machine().run().error();
            assert_eq!(error["code"], "denied.vault-permissions", "{bits:o} {call:?}");
        }
    }
    mode(&bench.path("v"), 0o750);
    bench.call(&["status"]).ok();
    let mut folders = vec![bench.path("state")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let mut refused = 0;
    for file in files {
        let before = std::fs::metadata(&file).unwrap().permissions().mode();
        mode(&file, 0o644);
        let said = bench.call(&["status", "--json"]).run();
        if said.exit != 0 {
            assert_eq!(said.error()["code"], "denied.state-permissions", "{}", file.display());
            refused += 1;
        }
        mode(&file, before & 0o777);
    }
    assert!(refused > 0);
    bench.sound();
}

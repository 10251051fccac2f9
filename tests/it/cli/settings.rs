//! Settings from option, environment and file, and what the machine can see of a running program.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Child;

use super::Bench;

#[test]
fn the_option_wins_over_the_environment_and_that_over_the_file() {
    let bench = Bench::founded();
    bench.call(&["init", "w", "--name", "w", "--zone", "networked", "--classic"]).ok();
    bench.call(&["init", "home/x", "--name", "x", "--zone", "networked", "--classic"]).run();
    std::fs::create_dir_all(bench.path("home/.config/gapvault")).unwrap();
    bench.call(&["init", "home/x", "--name", "x", "--zone", "networked", "--classic"]).ok();
    let config = "vault = '~/x'\nlang = 'zh-TW'\nwait = 0\n";
    let config = bench.write("home/.config/gapvault/config.toml", config);
    let name = |said: super::Said| said.json()["name"].as_str().unwrap().to_owned();
    let call = || bench.call(&["status", "--json"]);
    assert_eq!(name(call().with(&["--vault", "w"]).ok()), "w");
    assert_eq!(name(call().ok()), "v");
    assert_eq!(name(call().without("GAPVAULT_VAULT").ok()), "x");
    let help = |lang: &str| bench.call(&["--help"]).lang(lang).ok().out;
    assert!(help("").contains("用法") && help("en").contains("Usage"));
    std::fs::write(&config, "valut = '/v'\n").unwrap();
    let error = call().run().error();
    assert_eq!((error["code"].as_str(), error["exit"].as_u64()), (Some("usage.config"), Some(2)));
    assert!(error["message"].as_str().unwrap().contains("valut"), "{error}");
}

#[test]
fn a_reader_that_leaves_early_is_no_fault_to_tell_of() {
    let bench = Bench::founded();
    let mut child = bench.call(&["completions", "bash"]).spawn();
    drop(child.stdout.take());
    let said = super::Said::of(&[], child);
    assert_eq!(said.err, "");
}

/// Files of the kernel about a process.
fn about(child: &Child, name: &str) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{}/{name}", child.id())).ok()
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_running_program_dumps_no_core_and_shows_no_secret() {
    let bench = Bench::founded();
    bench.write("a.txt", "the text of the document");
    let held = File::open(bench.path("v/lock")).unwrap();
    held.lock().unwrap();
    let call = bench.call(&["seal", "a.txt", "--class", "important", "--title", "t", "--wait", "30"]);
    let call = call.without("GAPVAULT_PASSPHRASE_FILE").with(&["--passphrase-file", "-"]);
    let mut child = call.input("correct horse").spawn();
    // It says that it waits after it read the passphrase and unlocked the identity.
    let mut line = String::new();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    told.read_line(&mut line).unwrap();
    assert!(line.starts_with("Waiting for another process"), "{line}");
    let limits = String::from_utf8(about(&child, "limits").unwrap()).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
    let arguments = about(&child, "cmdline").unwrap();
    assert!(holds(&arguments, b"seal"));
    // A process that dumps no core shows its environment to the superuser only.
    for seen in [Some(arguments), about(&child, "environ")].into_iter().flatten() {
        for secret in ["correct horse", "AGE-SECRET-KEY", "the text of"] {
            assert!(!holds(&seen, secret.as_bytes()), "{secret}");
        }
    }
    drop(held);
    assert!(child.wait().unwrap().success());
    bench.sound();
}

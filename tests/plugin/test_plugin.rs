//! A plugin of the age protocol (`c2sp.org/age-plugin`) for the tests. The name under which it is started says what it is like:
//! `age-plugin-good`, `age-plugin-hang` and so on.
//!
//! Its keys are 32 secret bytes, the same in recipient and identity; it is a test, not an example to follow.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::io::{self, BufRead as _, Write as _};
use std::process::{Command, exit};

use gapvault::crypto::{AeadKey, Digest};
use gapvault::encoding::{base64_unpadded, unbase64_unpadded};

const STANZA: &str = "gapvault-test";

/// A command: its words, and its body.
type Said = (Vec<String>, Vec<u8>);

fn hear() -> Said {
    let mut lines = io::stdin().lock().lines();
    let first = lines.next().unwrap_or_else(|| exit(0)).unwrap();
    let words = first.strip_prefix("-> ").unwrap().split(' ').map(str::to_owned).collect();
    let mut body = Vec::new();
    loop {
        let line = unbase64_unpadded(&lines.next().unwrap().unwrap()).unwrap();
        body.extend_from_slice(&line);
        if line.len() < 48 {
            return (words, body);
        }
    }
}

fn say(words: &str, body: &[u8]) {
    let encoded = base64_unpadded(body);
    let mut text = format!("-> {words}\n");
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap());
        text.push('\n');
    }
    if encoded.len().is_multiple_of(64) {
        text.push('\n');
    }
    // Whoever has heard enough closes the pipe.
    if io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()).is_err() {
        exit(0);
    }
}

fn ask(words: &str, body: &[u8]) -> Said {
    say(words, body);
    hear()
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn key_of(text: &str) -> AeadKey {
    // Whatever stands behind the last `1`, but for the checksum, is the secret.
    let lower = text.to_lowercase();
    let data = lower.rsplit_once('1').unwrap().1;
    AeadKey::new(&Digest::of(&data.as_bytes()[..data.len() - 6]).0)
}

/// What every temper does before it answers; some never come back.
fn temper(name: &str) {
    match name {
        "hang" => hang(),
        "crash" => exit(1),
        "abort" => std::process::abort(),
        "rubbish" => {
            println!("\x1b[31mI am not a plugin\u{7}");
            hang()
        }
        "endless" => loop {
            if io::stdout().write_all(&[b'x'; 4096]).is_err() {
                exit(0);
            }
        },
        _ => {}
    }
}

/// The same, once all was heard.
fn late_temper(name: &str) {
    match name {
        "stall" => {
            ask("msg", b"one moment");
            hang()
        }
        "flood" => loop {
            say("msg", b"and another thing");
        },
        "says" => {
            ask("error internal", b"the token\n is not\x1b[31m there");
        }
        "debug" => {
            let ours = std::env::vars_os().any(|(key, _)| key.to_string_lossy().starts_with("GAPVAULT_"));
            let told = format!("AGEDEBUG {} GAPVAULT {ours}", std::env::var_os("AGEDEBUG").is_some());
            ask("error internal", told.as_bytes());
        }
        "asks" => {
            let yes = format!("confirm {} {}", base64_unpadded(b"Go"), base64_unpadded(b"Stop"));
            let chosen = ask(&yes, b"Use the token?").0.join(" ");
            let (_, name) = ask("request-public", b"Which slot?");
            let (words, pin) = ask("request-secret", b"PIN:");
            let unknown = ask("sing", b"").0.join(" ");
            if (chosen.as_str(), name.as_slice(), pin.as_slice()) != ("ok yes", b"left", b"1234") {
                ask("error internal", format!("{chosen} {}", words[0]).as_bytes());
                say("done", b"");
                hang()
            }
            assert_eq!(unknown, "unsupported");
        }
        "parent" => {
            #[expect(clippy::zombie_processes, reason = "it outlives us and keeps our pipe open")]
            Command::new("sleep").arg("1000").spawn().unwrap();
        }
        _ => {}
    }
}

fn wrap(name: &str) {
    let (mut keys, mut file_key, mut labels) = (Vec::new(), Vec::new(), false);
    loop {
        let (words, body) = hear();
        match words[0].as_str() {
            "add-recipient" | "add-identity" => keys.push(key_of(&words[1])),
            "extension-labels" => labels = true,
            "wrap-file-key" => file_key = body,
            "done" => break,
            _ => {}
        }
    }
    late_temper(name);
    if name == "nothing" {
        return;
    }
    if labels && name == "postq" {
        ask("labels postquantum", b"");
    }
    for key in keys {
        let mut body = file_key.clone();
        key.seal([0; 12], &[], &mut body);
        let file = if name == "misfiled" { 7 } else { 0 };
        ask(&format!("recipient-stanza {file} {STANZA} {}", base64_unpadded(name.as_bytes())), &body);
    }
    if name == "both" {
        ask("error internal", b"but then again");
    }
}

fn unwrap(name: &str) {
    let (mut keys, mut bodies) = (Vec::new(), Vec::new());
    loop {
        let (words, body) = hear();
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["add-identity", key] => keys.push(key_of(key)),
            ["recipient-stanza", _, STANZA, ..] => bodies.push(body),
            ["done"] => break,
            _ => {}
        }
    }
    late_temper(name);
    let found = bodies.iter().find_map(|body| keys.iter().find_map(|key| key.open([0; 12], &[], body)));
    let Some(mut file_key) = found.map(|key| key.to_vec()) else { return };
    match name {
        "nothing" => return,
        "wrongkey" => file_key[0] ^= 1,
        "shortkey" => file_key.truncate(15),
        _ => {}
    }
    ask(if name == "misfiled" { "file-key 7" } else { "file-key 0" }, &file_key);
}

fn main() {
    let program = std::env::args().next().unwrap();
    let name = program.rsplit_once("age-plugin-").map_or("good", |(_, name)| name).to_owned();
    temper(&name);
    match std::env::args().nth(1).as_deref() {
        Some("--age-plugin=recipient-v1") => wrap(&name),
        Some("--age-plugin=identity-v1") => unwrap(&name),
        _ => exit(2),
    }
    say("done", b"");
}

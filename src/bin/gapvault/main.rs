//! The gapvault command line: read the call, ask what is missing, run the verb, tell the answer.

// Where both programs are built, each has something that only the other needs.
#![cfg_attr(feature = "auditor", allow(dead_code))]

mod command;
mod config;
mod demo;
mod desk;
mod errors;
mod files;
mod help;
mod language;
mod output;
mod passphrase;
mod program;
mod progress;
mod table;
mod terminal;
mod verbs;

use std::process::ExitCode;

use program::Program;

fn main() -> ExitCode {
    program::main(Program { name: "gapvault", grammar: command::build, verbs: verbs::run })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use gapvault::words::{Lang, Words};

    /// Kinds of texts that the code names in full.
    const KINDS: [&str; 7] = ["say-", "ask-", "usage-", "head-", "stage-", "right-", "demo-"];

    fn named(folder: &Path, keys: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, keys);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let code = std::fs::read_to_string(&path).unwrap();
                let literals = code.split('"').skip(1).step_by(2);
                let key = |text: &&str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                let keys_here = literals.filter(key).filter(|text| !text.ends_with('-'));
                let ours = keys_here.filter(|text| KINDS.iter().any(|kind| text.starts_with(kind)));
                keys.extend(ours.map(ToOwned::to_owned));
                for list in code.split("names = [").skip(1).filter_map(|rest| rest.split(']').next()) {
                    let names = list.split('"').skip(1).step_by(2).filter(key);
                    keys.extend(names.map(|name| format!("col-{name}")));
                }
            }
        }
    }

    #[test]
    fn every_text_that_the_code_names_is_in_both_catalogues() {
        let mut keys = BTreeSet::new();
        named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/gapvault"), &mut keys);
        assert!(keys.len() > 60, "{}", keys.len());
        for lang in [Lang::En, Lang::ZhTw] {
            let words = Words::new(lang);
            for key in &keys {
                assert_ne!(words.text(key, &[]), *key);
            }
        }
    }
}

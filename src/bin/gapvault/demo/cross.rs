//! The act in which papers cross the gap, and come back.

use gapvault::vault::Error;
use serde_json::Value;

use super::disk;
use super::play::{Documents, read, rows, text};
use super::player::Player;
use super::samples::{BUDGET, CLERK, MINUTES, OFFICER, RELEASER};

/// The vault at the counter, on the networked side.
const OUTSIDE: [&str; 2] = ["--vault", "outside"];
/// What its people call it, and what people call the other one.
const NAMES: [&str; 2] = ["示範窗口 demo counter", "示範保管庫 demo vault"];

/// Pairs two vaults, sends a paper in and another one out, and brings the receipts back.
pub(super) fn cross(player: &mut Player<'_>, documents: &Documents) -> Result<(), Error> {
    pair(player)?;
    player.scene("demo-scene-send");
    let medium = player.home.join("medium");
    player.shell("mkdir medium");
    std::fs::create_dir(&medium).map_err(|error| disk(&medium, error))?;
    let said = player.act(Some(OFFICER), &at(&["seal", BUDGET, "--class", "important", "--json"]), 0)?;
    let sealed = player.json(&said)?;
    let id = rows(&sealed, "documents").first().map(|row| text(row, "id").to_owned()).unwrap_or_default();
    let said = player.act(Some(OFFICER), &at(&["bundle", "create", &id, "--to", NAMES[1], "--json"]), 0)?;
    let bundle = bundle(player, &player.json(&said)?)?;
    player.act(Some(OFFICER), &at(&["bundle", "write", &bundle, "medium/in"]), 0)?;
    player.scene("demo-scene-import");
    player.act(None, &["bundle", "verify", "medium/in"], 0)?;
    player.act(Some(OFFICER), &["import", "medium/in", "--accept"], 0)?;
    player.scene("demo-scene-receipt");
    player.act(Some(OFFICER), &at(&["receipt", "apply", "medium/in"]), 0)?;
    player.act(None, &at(&["bundle", "list"]), 0)?;
    let list = player.probe(None, &at(&["bundle", "list"]), 0)?;
    let answered = rows(&list, "out").iter().all(|row| text(row, "state") == "accepted");
    player.check(answered, "the receipt in the list")?;
    back(player, documents)
}

fn at<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [OUTSIDE.as_slice(), words].concat()
}

fn bundle(player: &Player<'_>, made: &Value) -> Result<String, Error> {
    let id = text(made, "bundle").to_owned();
    player.check(!id.is_empty(), "a bundle")?;
    Ok(id)
}

fn pair(player: &mut Player<'_>) -> Result<(), Error> {
    player.scene("demo-scene-outside");
    let init = ["init", "outside", "--name", NAMES[0], "--zone", "networked"];
    player.act(Some(OFFICER), &init, 0)?;
    player.scene("demo-scene-pair");
    let said = player.act(None, &["peer", "card", "-o", "vault.card", "--json"], 0)?;
    let code = text(&player.json(&said)?, "code").to_owned();
    player.act(Some(OFFICER), &at(&["peer", "add", "vault.card", "--code", &code]), 0)?;
    let said = player.act(None, &at(&["peer", "card", "-o", "outside.card", "--json"]), 0)?;
    let code = text(&player.json(&said)?, "code").to_owned();
    player.act(Some(OFFICER), &["peer", "add", "outside.card", "--code", &code], 0)?;
    Ok(())
}

/// Out of the isolated vault: one approves, another one releases.
fn back(player: &mut Player<'_>, documents: &Documents) -> Result<(), Error> {
    player.scene("demo-scene-out");
    let create =
        ["bundle", "create", &documents.minutes, "--to", NAMES[0], "--reason", "示範 demo", "--json"];
    let said = player.act(Some(CLERK), &create, 0)?;
    let bundle = bundle(player, &player.json(&said)?)?;
    player.act(Some(CLERK), &["bundle", "write", &bundle, "medium/out"], 4)?;
    player.act(Some(OFFICER), &["--yes", "bundle", "approve", &bundle], 0)?;
    player.act(Some(RELEASER), &["--yes", "bundle", "approve", &bundle, "--as", "releaser"], 0)?;
    player.act(Some(CLERK), &["bundle", "write", &bundle, "medium/out"], 0)?;
    let said = player.act(Some(OFFICER), &at(&["import", "medium/out", "--accept", "--json"]), 0)?;
    let came = player.json(&said)?;
    let id = rows(&came, "documents").first().map(|row| text(row, "id").to_owned()).unwrap_or_default();
    player.act(Some(OFFICER), &["receipt", "apply", "medium/out"], 0)?;
    let open = ["open", &id, "-o", "crossed.txt", "--reason", "示範 demo"];
    player.act(Some(OFFICER), &at(&open), 0)?;
    player.shell(&format!("cmp crossed.txt '{MINUTES}'"));
    let same = read(&player.home.join("crossed.txt"))? == read(&player.home.join(MINUTES))?;
    player.check(same, "the document that crossed equals its original")?;
    player.act(None, &at(&["verify"]), 0)?;
    Ok(())
}

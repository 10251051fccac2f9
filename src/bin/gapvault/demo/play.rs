//! The acts of the demo.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gapvault::vault::Error;
use serde_json::Value;

use super::disk;
use super::player::{Person, Player};
use super::samples::{self, CLERK, CONTRACTOR, MEETING, MEETING_PAPERS, MINUTES, OFFICER, PLAN, RELEASER};
use crate::desk::Desk;

/// The demo's identities open quickly, so that nobody waits; the demo says so.
const WORK: &str = "10";

/// Plays everything.
pub(super) fn play(player: &mut Player<'_>) -> Result<(), Error> {
    samples::write(&player.home)?;
    player.scene("demo-scene-folder");
    player.shell(&format!("cd {}", player.home.display()));
    player.shell("export GAPVAULT_VAULT=vault GAPVAULT_STATE=state");
    people(player)?;
    let documents = seal(player)?;
    look(player)?;
    open(player, &documents)?;
    deny(player, &documents)?;
    flip(player, &documents)?;
    super::cross::cross(player, &documents)?;
    judge(player)?;
    report(player)
}

/// The page that the play ends with.
pub(super) const REPORT: &str = "report.html";

/// What the auditor gets, with the other side's evidence beside it.
fn report(player: &mut Player<'_>) -> Result<(), Error> {
    player.scene("demo-scene-report");
    player.act(None, &["--vault", "outside", "audit", "export", "evidence"], 0)?;
    let peers = player.probe(None, &["peer", "list"], 0)?;
    let other = rows(&peers, "peers").first().map(|peer| text(peer, "vault").to_owned()).unwrap_or_default();
    let call = ["audit", "report", "-o", REPORT, "--other", "evidence", "--other-trust", &other];
    player.act(None, &call, 0)?;
    let call = ["audit", "report", "--other", "evidence", "--other-trust", &other];
    let report = player.probe(None, &call, 0)?;
    let agreed = report
        .pointer("/other/rows")
        .and_then(Value::as_array)
        .is_some_and(|rows| rows.len() == 2 && rows.iter().all(|row| text(row, "state") == "same"));
    player.check(agreed, "both sides of the channel agree in the report")?;
    let page = read(&player.home.join(REPORT))?;
    player.check(page.starts_with(b"<!DOCTYPE html>"), "a page that opens in a browser")
}

/// What a person may try afterwards.
pub(super) fn invitation(desk: &Desk, folder: &str) -> Vec<String> {
    let me = format!("--identity {} --passphrase-file {}", OFFICER.identity, OFFICER.passphrase);
    vec![
        format!("$ cd {folder}"),
        "$ export GAPVAULT_VAULT=vault GAPVAULT_STATE=state".to_owned(),
        format!("$ gapvault {me} list"),
        "$ gapvault audit show --last 10".to_owned(),
        desk.text("demo-remove", &[("path", folder.to_owned())]),
    ]
}

fn people(player: &mut Player<'_>) -> Result<(), Error> {
    player.scene("demo-scene-people");
    let officer = identity(player, OFFICER)?;
    let clerk = identity(player, CLERK)?;
    let contractor = identity(player, CONTRACTOR)?;
    let releaser = identity(player, RELEASER)?;
    player.scene("demo-scene-init");
    let init = ["init", "vault", "--name", "示範保管庫 demo vault", "--zone", "isolated"];
    player.act(Some(OFFICER), &init, 0)?;
    zone(player)?;
    player.scene("demo-scene-members");
    let clerk_rights = ["--role", "clerk", "--clearance", "important", "--titles"];
    member(player, &clerk, &clerk_rights)?;
    let sponsor = text(&officer, "id").to_owned();
    member(player, &contractor, &["--role", "contractor", "--sponsor", &sponsor])?;
    member(player, &releaser, &["--role", "clerk", "--release"])?;
    player.act(None, &["member", "list"], 0)?;
    let list = player.probe(None, &["member", "list"], 0)?;
    player.check(rows(&list, "members").len() == 4, "four members")
}

/// An isolated vault on a machine that is connected, as most are that somebody tries this on.
fn zone(player: &mut Player<'_>) -> Result<(), Error> {
    let status = player.probe(None, &["status"], 0)?;
    let connected = !rows(&status, "links").is_empty();
    if !connected {
        player.scene("demo-scene-apart");
        player.act(Some(OFFICER), &["list"], 0)?;
        return Ok(());
    }
    player.scene("demo-scene-zone");
    player.act(Some(OFFICER), &["list"], 4)?;
    player.scene("demo-scene-except");
    player.act(Some(OFFICER), &["policy", "except", "--hours", "1", "--reason", "示範 demo"], 0)?;
    let status = player.probe(None, &["status"], 0)?;
    let excepted = rows(&status, "warnings").iter().any(|warning| text(warning, "code") == "excepted");
    player.check(excepted, "the exception in force")
}

fn identity(player: &mut Player<'_>, person: Person) -> Result<Value, Error> {
    let call = [
        "identity",
        "new",
        "--name",
        person.name,
        "--out",
        person.identity,
        "--work-factor",
        WORK,
        "--passphrase-file",
        person.passphrase,
        "--json",
    ];
    let said = player.act(None, &call, 0)?;
    let made = player.json(&said)?;
    player.check(!text(&made, "code").is_empty() && !text(&made, "card").is_empty(), "a card with a code")?;
    Ok(made)
}

fn member(player: &mut Player<'_>, identity: &Value, rights: &[&str]) -> Result<(), Error> {
    let (card, code) = (text(identity, "card").to_owned(), text(identity, "code").to_owned());
    let call = [&["member", "add", &card], rights, &["--code", &code]].concat();
    player.act(Some(OFFICER), &call, 0).map(|_| ())
}

/// Ids of the sealed documents.
pub(super) struct Documents {
    plan: String,
    pub(super) minutes: String,
}

fn seal(player: &mut Player<'_>) -> Result<Documents, Error> {
    player.scene("demo-scene-seal");
    let plan = ["seal", PLAN, "--class", "critical", "--title", "網路架構 network plan", "--json"];
    let said = player.act(Some(OFFICER), &plan, 0)?;
    let plan = player.json(&said)?;
    let said = player.act(Some(CLERK), &["seal", MEETING, "--class", "important", "--json"], 0)?;
    let meeting = player.json(&said)?;
    let sealed = rows(&meeting, "documents");
    player
        .check(rows(&plan, "documents").len() == 1 && sealed.len() == MEETING_PAPERS, "every paper sealed")?;
    let minutes = sealed.iter().find(|row| text(row, "source").ends_with("minutes.txt"));
    let id = |row: Option<&Value>| row.map(|row| text(row, "id").to_owned()).unwrap_or_default();
    let documents = Documents { plan: id(rows(&plan, "documents").first()), minutes: id(minutes) };
    player.check(!documents.plan.is_empty() && !documents.minutes.is_empty(), "ids of the documents")?;
    Ok(documents)
}

fn look(player: &mut Player<'_>) -> Result<(), Error> {
    player.scene("demo-scene-list");
    player.act(Some(CLERK), &["list"], 0)?;
    let list = player.probe(Some(CLERK), &["list"], 0)?;
    player.check(rows(&list, "documents").len() == MEETING_PAPERS + 1, "every document listed")
}

fn open(player: &mut Player<'_>, documents: &Documents) -> Result<(), Error> {
    player.scene("demo-scene-open");
    let call = ["open", &documents.minutes, "-o", "opened.txt", "--reason", "示範 demo"];
    player.act(Some(CLERK), &call, 0)?;
    player.shell(&format!("cmp opened.txt '{MINUTES}'"));
    let same = read(&player.home.join("opened.txt"))? == read(&player.home.join(MINUTES))?;
    player.check(same, "the opened document equals its original")?;
    player.scene("demo-scene-history");
    player.act(Some(OFFICER), &["show", &documents.minutes, "--history"], 0)?;
    let shown = player.probe(Some(OFFICER), &["show", &documents.minutes, "--history"], 0)?;
    player.check(happened(&shown, "document.open", "ok"), "the opening in the history")
}

fn deny(player: &mut Player<'_>, documents: &Documents) -> Result<(), Error> {
    player.scene("demo-scene-deny");
    player.act(Some(CONTRACTOR), &["open", &documents.plan, "-o", "stolen.txt"], 4)?;
    player.check(!player.home.join("stolen.txt").exists(), "nothing written by a denied attempt")?;
    let shown = player.probe(Some(OFFICER), &["show", &documents.plan, "--history"], 0)?;
    player.check(happened(&shown, "document.open", "denied"), "the denied attempt in the history")
}

fn flip(player: &mut Player<'_>, documents: &Documents) -> Result<(), Error> {
    player.scene("demo-scene-flip");
    let shown = player.probe(Some(OFFICER), &["show", &documents.plan], 0)?;
    let path = shown.get("document").map(|document| sealed_file(&player.home, text(document, "path")));
    let path = path.unwrap_or_default();
    player.remark(&path.strip_prefix(&player.home).unwrap_or(&path).display().to_string());
    flip_last_bit(&path)?;
    player.act(None, &["verify"], 6)?;
    let verdict = player.probe(None, &["verify"], 6)?;
    player.check(text(&verdict, "verdict") == "tampered", "the verdict on a changed document")?;
    let named =
        rows(&verdict, "findings").iter().any(|finding| finding.to_string().contains(&documents.plan));
    player.check(named, "the changed document named")?;
    player.scene("demo-scene-unflip");
    flip_last_bit(&path)?;
    player.act(None, &["verify"], 0)?;
    let verdict = player.probe(None, &["verify"], 0)?;
    player.check(text(&verdict, "verdict") == "ok", "the verdict on the restored document")
}

fn judge(player: &mut Player<'_>) -> Result<(), Error> {
    player.scene("demo-scene-judge");
    player.act(None, &["audit", "verify"], 0)?;
    let verdict = player.probe(None, &["audit", "verify"], 0)?;
    player.check(text(&verdict, "verdict") == "ok", "the verdict on the log")?;
    player.act(None, &["status"], 0)?;
    let status = player.probe(None, &["status"], 0)?;
    let documents = status.get("documents").and_then(Value::as_u64);
    player.check(documents == u64::try_from(MEETING_PAPERS + 2).ok(), "the number of documents")
}

/// The sealed file, however its path is told.
fn sealed_file(home: &Path, path: &str) -> PathBuf {
    let places = [home.join(path), home.join("vault").join(path)];
    let [first, _] = &places;
    places.iter().find(|place| place.is_file()).unwrap_or(first).clone()
}

fn flip_last_bit(path: &Path) -> Result<(), Error> {
    let failed = |error| disk(path, error);
    let before = fs::metadata(path).map_err(failed)?.permissions();
    let mut bytes = read(path)?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    fs::write(path, &bytes).map_err(failed)?;
    fs::set_permissions(path, before).map_err(failed)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| disk(path, error))
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn rows<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn happened(shown: &Value, event: &str, outcome: &str) -> bool {
    rows(shown, "history").iter().any(|row| text(row, "event") == event && text(row, "outcome") == outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_changes_one_bit_and_a_second_puts_it_right() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d");
        fs::write(&path, b"abc").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        flip_last_bit(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abb");
        flip_last_bit(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
    }

    #[test]
    fn history_is_searched_by_event_and_outcome() {
        let shown = serde_json::json!({"history": [{"event": "document.open", "outcome": "denied"}]});
        assert!(happened(&shown, "document.open", "denied"));
        assert!(!happened(&shown, "document.open", "ok"));
        assert!(!happened(&serde_json::json!({}), "document.open", "ok"));
    }
}

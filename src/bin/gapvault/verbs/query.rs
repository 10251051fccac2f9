//! `audit query`: which entries, in which form.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::ArgMatches;
use gapvault::audit::forms::{Form, FormWriter, Head, Row};
use gapvault::audit::{People, Query, Question};
use gapvault::evidence::Evidence;
use gapvault::fault::{Code, Error};
use gapvault::id::{DocumentId, VaultId};
use gapvault::log::entry::{Entry, Object};
#[cfg(feature = "vault")]
use gapvault::vault::{Identity, Vault};

use super::audit::worst;
use super::{day, evidence, text, word};
use crate::command::TABLE;
use crate::desk::Desk;
use crate::table::Table;
use crate::{files, output};

/// What was found, and how.
struct Found {
    vault: VaultId,
    people: People,
    entries: Vec<(u64, Entry)>,
    source: &'static str,
    verdict: Option<String>,
    exit: u8,
}

pub(super) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let form = form(desk, matches)?;
    let question = question(desk, matches)?;
    // A wrong passphrase is better told before a long search.
    let reader = reader(desk, matches)?;
    let found = if matches.get_flag("full") || matches.get_one::<PathBuf>("evidence").is_some() {
        whole(desk, matches, question)?
    } else {
        indexed(desk, matches, question)?
    };
    let titles = reader.map(|reader| titles(&reader, &found)).transpose()?;
    write(desk, matches, form, &found, titles.as_ref())?;
    tell(desk, &found);
    Ok(found.exit)
}

/// Whoever may see titles, where they were asked for.
#[cfg(feature = "vault")]
type Reader = (Vault, Identity);
/// Titles are read in the vault, and nobody has them elsewhere.
#[cfg(not(feature = "vault"))]
enum Reader {}

#[cfg(feature = "vault")]
fn reader(desk: &Desk, matches: &ArgMatches) -> Result<Option<Reader>, Error> {
    if matches.get_flag("titles") { desk.vault_and_me().map(Some) } else { Ok(None) }
}

#[cfg(not(feature = "vault"))]
#[allow(clippy::unnecessary_wraps)] // As the other one.
fn reader(_desk: &Desk, _matches: &ArgMatches) -> Result<Option<Reader>, Error> {
    Ok(None)
}

#[cfg(feature = "vault")]
fn titles((vault, me): &Reader, found: &Found) -> Result<BTreeMap<DocumentId, String>, Error> {
    vault.audit_titles(me, &documents(found))
}

#[cfg(not(feature = "vault"))]
fn titles(nobody: &Reader, _found: &Found) -> Result<BTreeMap<DocumentId, String>, Error> {
    match *nobody {}
}

/// The form that was asked for; none is a table for people.
fn form(desk: &Desk, matches: &ArgMatches) -> Result<Option<Form>, Error> {
    let wanted = text(matches, "format");
    match (wanted.as_deref(), desk.is_json()) {
        (None, false) | (Some(TABLE), false) => Ok(None),
        (None, true) => Ok(Some(Form::Json)),
        (Some(form), json) => match form.parse() {
            Ok(form) if !json || form == Form::Json => Ok(Some(form)),
            _ => Err(Error::new(Code::Usage).with("detail", "--json --format")),
        },
    }
}

fn question(desk: &Desk, matches: &ArgMatches) -> Result<Question, Error> {
    let day = |name| day(desk, matches, name);
    let (day, first, last) = (day("day")?, day("from")?, day("to")?);
    let query = Query {
        members: None,
        document: None,
        events: words(matches, "event")?,
        outcomes: words(matches, "outcome")?,
        phase: word(matches, "phase")?,
        from: day.or(first).map(|(begin, _)| begin),
        until: day.or(last).map(|(_, end)| end),
        zone: word(matches, "zone")?,
    };
    let members = matches.get_many::<String>("member").into_iter().flatten().cloned().collect();
    Ok(Question { members, document: text(matches, "document"), query })
}

/// Words whose choices the grammar has checked.
fn words<T: FromStr>(matches: &ArgMatches, name: &str) -> Result<Vec<T>, Error> {
    let given = matches.get_many::<String>(name).into_iter().flatten();
    given.map(|text| text.parse().map_err(|_| Error::new(Code::Usage).with("detail", name))).collect()
}

fn indexed(desk: &Desk, matches: &ArgMatches, question: Question) -> Result<Found, Error> {
    let answer = desk.own()?.ask(&question)?;
    match answer.found {
        Some(entries) => Ok(Found {
            vault: answer.vault,
            people: answer.people,
            entries,
            source: "index",
            verdict: None,
            exit: 0,
        }),
        None => whole(desk, matches, question),
    }
}

/// Reads and judges all of the log, of the vault or of evidence.
fn whole(desk: &Desk, matches: &ArgMatches, mut question: Question) -> Result<Found, Error> {
    let (vault, people, source) = match matches.get_one::<PathBuf>("evidence") {
        Some(folder) => {
            let evidence = Evidence::open(folder)?;
            (evidence.known().vault(), People::of(evidence.known().chain()), "evidence")
        }
        None => {
            let (vault, people) = desk.own()?.people()?;
            (vault, people, "log")
        }
    };
    question.name(&people)?;
    let wanted = question.document.as_deref().map(beginning).transpose()?;
    let (mut entries, mut meant) = (Vec::new(), BTreeSet::new());
    let log = evidence::read(desk, matches, &mut |epoch, entry| {
        if let Some(wanted) = wanted {
            let id = entry.object().and_then(Object::document_id);
            let Some(id) = id.filter(|id| id.to_string().starts_with(wanted)) else { return };
            // Two are enough to know that it is not clear which is meant.
            if meant.len() < 2 {
                meant.insert(id);
            }
        }
        if question.query.matches(entry) {
            entries.push((epoch, entry.clone()));
        }
    })?;
    if let Some(wanted) = wanted
        && meant.len() != 1
    {
        let code = if meant.is_empty() { Code::NoDocument } else { Code::AmbiguousId };
        return Err(Error::new(code).with("id", wanted));
    }
    let exit = worst(log.judged.findings.iter().map(|finding| finding.code.exit()));
    Ok(Found { vault, people, entries, source, verdict: Some(log.judged.verdict), exit })
}

/// The beginning of an id, long enough to be meant.
fn beginning(text: &str) -> Result<&str, Error> {
    let hex = text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    let fits = hex && (4..=2 * DocumentId::LEN).contains(&text.len());
    if fits { Ok(text) } else { Err(Error::new(Code::ShortId).with("id", text)) }
}

fn documents(found: &Found) -> Vec<DocumentId> {
    let ids = found.entries.iter().filter_map(|(_, entry)| entry.object()?.document_id());
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

fn write(
    desk: &Desk,
    matches: &ArgMatches,
    form: Option<Form>,
    found: &Found,
    titles: Option<&BTreeMap<DocumentId, String>>,
) -> Result<(), Error> {
    let rows = found.entries.iter().map(|(epoch, entry)| Row {
        vault: found.vault,
        epoch: *epoch,
        entry,
        name: entry.actor().id.and_then(|id| found.people.name(id)),
        title: entry
            .object()
            .and_then(Object::document_id)
            .and_then(|id| titles?.get(&id))
            .map(String::as_str),
    });
    let head = Head {
        vault: found.vault,
        source: found.source,
        verdict: found.verdict.clone(),
        count: found.entries.len() as u64,
    };
    let all = |to: &mut dyn Write| match form {
        Some(form) => {
            let mut to = FormWriter::begin(form, BufWriter::with_capacity(65_536, to), &head)?;
            for row in rows {
                to.row(&row)?;
            }
            to.end().map(|_| ())
        }
        None => {
            let lines = table(desk, rows, titles.is_some());
            lines.iter().try_for_each(|line| writeln!(to, "{line}"))
        }
    };
    match matches.get_one::<PathBuf>("output") {
        Some(path) => {
            files::new_by(path, all)?;
            desk.say("say-evidence-written", &[("path", path.display().to_string())]);
            Ok(())
        }
        None => all(&mut std::io::stdout().lock()).map_err(output::failed),
    }
}

fn table<'a>(desk: &Desk, rows: impl Iterator<Item = Row<'a>>, titles: bool) -> Vec<String> {
    let mut names = vec!["seq", "time", "event", "phase", "outcome", "member", "object"];
    if titles {
        names.push("title");
    }
    let mut table = Table::new(desk.headings(&names));
    for row in rows {
        let entry = row.entry;
        let actor = entry.actor().id.map(|id| id.to_string()).unwrap_or_default();
        let object = entry.object();
        let id = object.and_then(Object::id).unwrap_or_default();
        let mut cells = vec![
            if row.epoch == 1 { entry.seq().to_string() } else { format!("{}/{}", row.epoch, entry.seq()) },
            desk.date(entry.time()),
            desk.value("event", entry.event().as_str()),
            desk.value("phase", entry.phase().as_str()),
            desk.value("outcome", entry.outcome().as_str()),
            row.name.map_or(actor, str::to_owned),
            if id.is_empty() {
                object.map(|object| object.kind().to_string()).unwrap_or_default()
            } else {
                id
            },
        ];
        if titles {
            cells.push(row.title.unwrap_or_default().to_owned());
        }
        table.row(cells);
    }
    let width = if titles { None } else { desk.width() };
    table.lines(width)
}

/// Says on standard error how far the answer can be believed.
fn tell(desk: &Desk, found: &Found) {
    let count = ("count", found.entries.len().to_string());
    match &found.verdict {
        None => desk.say("say-query-index", &[count]),
        Some(verdict) => {
            let facts = [count, ("verdict", desk.value("verdict", verdict))];
            if found.exit == 0 {
                desk.say("say-query-whole", &facts)
            } else {
                desk.warn("say-query-whole", &facts)
            }
        }
    }
}

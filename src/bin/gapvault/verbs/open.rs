//! `open`: documents out of the vault.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ArgMatches;
use gapvault::vault::{Code, Error, OpenReport, OpenRequest, OpenTo};

use super::{requests, text};
use crate::desk::Desk;
use crate::output;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let ids: Vec<String> = matches.get_many::<String>("id").into_iter().flatten().cloned().collect();
    let file = matches.get_one::<PathBuf>("output").cloned();
    let into = matches.get_one::<PathBuf>("into").cloned();
    if into.is_none() && ids.len() != 1 {
        return Err(Error::new(Code::Usage).with("detail", desk.text("usage-one-id", &[])));
    }
    let (vault, me) = desk.vault_and_me()?;
    let mut stream = Watched { to: io::stdout(), broken: None };
    let to = match (file, into) {
        (Some(file), _) => OpenTo::File(file),
        (None, Some(dir)) => OpenTo::Into(dir),
        (None, None) => OpenTo::Stream(&mut stream),
    };
    let aside = matches!(to, OpenTo::Stream(_));
    let request = OpenRequest {
        ids,
        all: matches.get_flag("all"),
        to,
        reason: text(matches, "reason"),
        request: text(matches, "request"),
    };
    let result = vault.open(&me, request, &*desk.progress());
    let flushed = stream.flush();
    if let Some(error) = stream.broken.or(flushed.err()) {
        return Err(output::failed(error));
    }
    let report = result?;
    for row in &report.failed {
        desk.failed(&row.source, row.code);
    }
    if let Some(request) = report.request.as_ref().filter(|_| report.documents.is_empty()) {
        return requests::asked(desk, request);
    }
    if aside {
        desk.answer_aside(&report, |_| {})?;
    } else {
        desk.answer(&report, |desk| opened(desk, &report))?;
        if !report.documents.is_empty() {
            desk.say("say-opened-care", &[]);
        }
    }
    if let Some(request) = &report.request {
        desk.say("say-asked-next", &[("id", request.request.to_string())]);
    }
    let pending = u8::from(report.request.is_some()) * requests::PENDING;
    Ok(report.failed.first().map_or(pending, |row| row.code.exit()))
}

fn opened(desk: &Desk, report: &OpenReport) -> Vec<String> {
    let line = |row: &gapvault::vault::OpenedRow| {
        let path = row.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        desk.text("say-opened", &[("id", row.id.to_string()), ("path", path), ("size", desk.size(row.size))])
    };
    report.documents.iter().map(line).collect()
}

/// Standard output that remembers how it failed, because the library tells only that it did.
struct Watched<W> {
    to: W,
    broken: Option<io::Error>,
}

impl<W: Write> Watched<W> {
    fn watch<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.broken.get_or_insert(error);
            }
            kind.into()
        })
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.to.write(bytes);
        self.watch(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.to.flush();
        self.watch(result)
    }
}

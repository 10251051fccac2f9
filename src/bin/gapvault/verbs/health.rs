//! `status` and `rebuild`.

use gapvault::vault::{Code, Error, StatusReport};
use gapvault::words::screen;

use super::audit::worst;
use crate::desk::Desk;
use crate::errors;

pub(crate) fn status(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.status()?;
    desk.answer(&report, |desk| told(desk, &report))?;
    Ok(worst(report.warnings.iter().filter_map(|warning| serious(&warning.code))))
}

/// The exit code of a warning that says that something is wrong, rather than that somebody should think of something.
fn serious(code: &str) -> Option<u8> {
    let code = Code::ALL.iter().find(|each| each.as_str() == code)?;
    matches!(code.exit(), 6..=10).then(|| code.exit())
}

fn told(desk: &Desk, report: &StatusReport) -> Vec<String> {
    let mut lines = desk.facts(&[
        ("vault", report.name.clone()),
        ("id", report.vault.to_string()),
        ("zone", desk.value("zone", report.zone.as_str())),
        ("documents", report.documents.to_string()),
        ("epoch", report.log.epoch.to_string()),
        ("entries", report.log.size.to_string()),
        ("signed", report.log.signed_size.to_string()),
        ("witnessed", report.log.witnessed_size.to_string()),
    ]);
    for what in &report.pending {
        // Some work takes a person with keys, and is not done by whatever comes next.
        let takes_keys = ["wrap ", "rewrap ", "revoke "].iter().any(|work| what.starts_with(work));
        let key = if takes_keys { "say-waits-for-keys" } else { "say-pending" };
        lines.push(desk.text(key, &[("what", what.clone())]));
    }
    for warning in &report.warnings {
        // A class is told by its word; other details are names and stand for themselves.
        let detail = match warning.code.as_str() {
            "single-reader" => desk.value("class", &warning.detail),
            _ => warning.detail.clone(),
        };
        let message = errors::warning(&desk.words, &warning.code, &detail);
        lines.push(desk.text("say-warning", &[("message", message), ("code", warning.code.clone())]));
    }
    lines
}

pub(crate) fn rebuild(desk: &Desk) -> Result<u8, Error> {
    let (vault, me) = desk.vault_and_perhaps_me()?;
    let report = vault.rebuild(me.as_ref(), &*desk.progress())?;
    desk.answer(&report, |desk| {
        let facts = [
            ("entries", report.entries.to_string()),
            ("documents", report.documents.to_string()),
            ("tiles", report.tiles.to_string()),
        ];
        let mut lines = vec![desk.text("say-rebuilt", &facts)];
        if report.log_keys > 0 {
            lines.push(desk.text("say-rebuilt-log-keys", &[("keys", report.log_keys.to_string())]));
        }
        if let Some(old) = &report.old_index {
            lines.push(desk.text("say-old-index", &[("path", screen::escape(&old.display().to_string()))]));
        }
        lines
    })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_warnings_of_something_wrong_decide_the_exit_code() {
        assert_eq!(serious("tampered.log"), Some(6));
        assert_eq!(serious("damaged.index"), Some(9));
        assert_eq!(serious("unverifiable.log-key"), Some(10));
        assert_eq!(serious("last-officer"), None);
        assert_eq!(serious("denied.host-not-enrolled"), None);
    }
}

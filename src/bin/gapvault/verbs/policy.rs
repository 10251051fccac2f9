//! `policy show`, `policy set`, `policy except`, and policies as officers write them.

use std::path::Path;

use clap::ArgMatches;
use gapvault::label::Class;
use gapvault::vault::{ClassRules, Code, Done, Error, ExceptRequest, Policy, PolicyReport};

use super::{needed, needed_path, requests, text};
use crate::desk::Desk;
use crate::files;

/// The longest policy file that is read, in bytes.
const MAX_POLICY: u64 = 65_536;

/// Reads a policy that somebody wrote as TOML; what it leaves out stays as it is built in.
pub(super) fn read(path: &Path) -> Result<Policy, Error> {
    let bad =
        |detail: String| Error::new(Code::NotAPolicy).with("path", path.display()).with("detail", detail);
    let text = String::from_utf8(files::small(path, MAX_POLICY)?).map_err(|error| bad(error.to_string()))?;
    // The first line says what is wrong; those after it draw the file.
    toml::from_str(&text).map_err(|error| bad(error.message().to_owned()))
}

pub(super) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("set", matches)) => set(desk, matches),
        Some(("except", matches)) => except(desk, matches),
        _ => show(desk),
    }
}

fn show(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.policy_show()?;
    desk.answer(&report, |desk| sentences(desk, &report))?;
    Ok(0)
}

fn set(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let policy = read(&needed_path(matches, "file")?)?;
    let (vault, me) = desk.vault_and_me()?;
    match vault.policy_set(&me, &policy, text(matches, "reason").as_deref())? {
        Done::Asked(request) => requests::asked(desk, &request),
        Done::Done(report) => {
            desk.answer(&report, |desk| sentences(desk, &report))?;
            Ok(0)
        }
    }
}

fn except(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let request = ExceptRequest {
        hours: matches.get_one("hours").copied().unwrap_or(1),
        reason: needed(matches, "reason")?,
    };
    let (vault, me) = desk.vault_and_me()?;
    match vault.except(&me, &request)? {
        Done::Asked(request) => requests::asked(desk, &request),
        Done::Done(report) => {
            desk.answer(&report, |desk| {
                vec![desk.text("say-excepted", &[("date", desk.date(report.until))])]
            })?;
            Ok(0)
        }
    }
}

/// The rules as sentences, class by class.
fn sentences(desk: &Desk, report: &PolicyReport) -> Vec<String> {
    let mut lines = vec![desk.text(
        if report.built_in { "say-policy-built-in" } else { "say-policy-own" },
        &[("digest", report.digest.to_string())],
    )];
    let policy = report.policy();
    for class in Class::ALL {
        lines.push(String::new());
        lines.push(desk.value("class", class.as_str()));
        lines.extend(of_class(desk, policy.of(*class)).into_iter().map(|line| format!("  {line}")));
    }
    lines.push(String::new());
    lines.push(desk.text("say-policy-officers", &[("count", report.officers_needed.to_string())]));
    if !report.approvers.is_empty() {
        let ids: Vec<String> = report.approvers.iter().map(ToString::to_string).collect();
        lines.push(desk.text("say-policy-approvers", &[("members", ids.join(&desk.text("say-comma", &[])))]));
    }
    lines.push(match &report.check {
        Some(check) => desk.text("say-policy-check", &[("command", check.clone())]),
        None => desk.text("say-policy-no-check", &[]),
    });
    if report.people_there < report.people_needed {
        let facts =
            [("needed", report.people_needed.to_string()), ("given", report.people_there.to_string())];
        lines.push(desk.text("say-policy-too-few", &facts));
    }
    lines
}

fn of_class(desk: &Desk, rules: &ClassRules) -> Vec<String> {
    let count = |key: &str, count: u32| desk.text(key, &[("count", desk.text_of_count(count))]);
    let place = format!("policy-open-{}", rules.open_zone);
    let reason = format!("policy-reason-{}", rules.open_reason);
    let mut lines = vec![desk.text(&place, &[]), desk.text(&reason, &[])];
    if rules.open_approvals > 0 {
        lines.push(count("policy-open-approvals", rules.open_approvals));
    }
    lines.push(count("policy-export-in", rules.export_in_approvals));
    lines.push(count("policy-export-out", rules.export_out_approvals));
    if rules.export_out_releaser {
        lines.push(desk.text("policy-releaser", &[]));
    }
    lines.push(desk.text(&format!("policy-accept-{}", rules.accept), &[]));
    lines.push(count("policy-destroy", rules.destroy_approvals));
    lines.push(count("policy-relabel", rules.relabel_down_approvals));
    lines
}

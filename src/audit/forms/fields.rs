//! An entry as a flat list of named values: every field that an entry can have, in one order.

use serde_json::Value;

use super::Row;

/// Columns and where an entry has them; the first ones and those without a place are not the entry's own.
pub(super) const COLUMNS: [(&str, &str); 49] = [
    ("vault", ""),
    ("epoch", ""),
    ("seq", "/seq"),
    ("time", "/time"),
    ("event", "/event"),
    ("category", "/category"),
    ("phase", "/phase"),
    ("ref", "/ref"),
    ("outcome", "/outcome"),
    ("reason", "/reason"),
    ("actor.id", "/actor/id"),
    ("actor.name", ""),
    ("actor.role", "/actor/role"),
    ("actor.key", "/actor/key"),
    ("object.kind", "/object/kind"),
    ("object.id", "/object/id"),
    ("object.title", ""),
    ("object.class", "/object/class"),
    ("object.size", "/object/size"),
    ("object.header_len", "/object/header_len"),
    ("object.header_sha256", "/object/header_sha256"),
    ("object.payload_sha256", "/object/payload_sha256"),
    ("object.commitment", "/object/commitment"),
    ("zone", "/zone"),
    ("host", "/host"),
    ("session", "/session"),
    ("boot", "/boot"),
    ("mono", "/mono"),
    ("detail.attempt", "/detail/attempt"),
    ("detail.bundle", "/detail/bundle"),
    ("detail.code", "/detail/code"),
    ("detail.count", "/detail/count"),
    ("detail.from", "/detail/from"),
    ("detail.to", "/detail/to"),
    ("detail.host_key", "/detail/host_key"),
    ("detail.inner_sha256", "/detail/inner_sha256"),
    ("detail.medium", "/detail/medium"),
    ("detail.note_sha256", "/detail/note_sha256"),
    ("detail.number", "/detail/number"),
    ("detail.origin_id", "/detail/origin_id"),
    ("detail.peer", "/detail/peer"),
    ("detail.root", "/detail/root"),
    ("detail.series", "/detail/series"),
    ("detail.size", "/detail/size"),
    ("detail.sealed", "/detail/sealed"),
    ("detail.session_key", "/detail/session_key"),
    ("detail.tool", "/detail/tool"),
    ("detail.until", "/detail/until"),
    ("detail.version", "/detail/version"),
];

/// The columns that a row has a value for.
pub(super) fn fields(row: &Row<'_>) -> Vec<(&'static str, String)> {
    let entry = row.entry.to_json();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let value = |name: &str, place: &str| match name {
        "vault" => Some(row.vault.to_string()),
        "epoch" => Some(row.epoch.to_string()),
        "actor.name" => row.name.map(str::to_owned),
        "object.title" => row.title.map(str::to_owned),
        _ => at(&entry, place).and_then(text),
    };
    COLUMNS.iter().filter_map(|(name, place)| Some((*name, value(name, place)?))).collect()
}

/// What stands at a JSON pointer (RFC 6901) without escapes.
fn at<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    place.split('/').skip(1).try_fold(value, |value, name| value.get(name))
}

//! Elastic Common Schema. What it has no field for stands under `gapvault`, a name of our own as the schema allows.

use serde_json::{Map, Value, json};

use super::Row;
use super::fields::fields;
use crate::log::entry::Event;

/// The version of the schema.
pub const VERSION: &str = "9.4.0";

pub(super) fn event(row: &Row<'_>) -> Value {
    let entry = row.entry;
    let (category, kind) = sorted(entry.event());
    let outcome = match row.went_well() {
        Some(true) => "success",
        Some(false) => "failure",
        None => "unknown",
    };
    let mut event = json!({
        "kind": "event",
        "category": [category],
        "type": [kind],
        "action": entry.event().as_str(),
        "outcome": outcome,
        "id": row.uid(),
        "sequence": entry.seq(),
        "module": "gapvault",
        "dataset": "gapvault.audit",
        "provider": "gapvault",
        "original": row.stored(),
    });
    let mut own: Map<String, Value> = Map::new();
    for (name, text) in fields(row) {
        let (group, inner) = name.split_once('.').unwrap_or(("entry", name));
        let group = own.entry(group).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(group) = group {
            group.insert(inner.to_owned(), Value::String(text));
        }
    }
    if let (Some(reason), Value::Object(event)) = (entry.reason(), &mut event) {
        event.insert("reason".to_owned(), json!(reason.as_str()));
    }
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("@timestamp", json!(entry.time().to_string()));
    put("ecs", json!({"version": VERSION}));
    put("event", event);
    put("message", json!(format!("{} {}", entry.event(), entry.outcome())));
    put("host", json!({"id": entry.host().to_string()}));
    put("tags", json!(["gapvault"]));
    if let Some(user) = user(row) {
        put("user", user);
    }
    if let Some(file) = file(row) {
        put("file", file);
    }
    put("gapvault", Value::Object(own));
    Value::Object(out)
}

fn user(row: &Row<'_>) -> Option<Value> {
    let actor = row.entry.actor();
    let mut user = Map::new();
    user.insert("id".to_owned(), json!(actor.id?.to_string()));
    user.extend(row.name.map(|name| ("name".to_owned(), json!(name))));
    user.extend(actor.role.map(|role| ("roles".to_owned(), json!([role.as_str()]))));
    Some(Value::Object(user))
}

/// A document, under its title for those who may see it, and its id otherwise.
fn file(row: &Row<'_>) -> Option<Value> {
    let object = row.entry.object()?;
    let id = object.document_id()?.to_string();
    let mut file = Map::new();
    file.insert("name".to_owned(), json!(row.title.unwrap_or(&id)));
    file.insert("type".to_owned(), json!("file"));
    file.extend(object.size.map(|size| ("size".to_owned(), json!(size))));
    Some(Value::Object(file))
}

/// Category and type, of those that the schema allows together.
fn sorted(event: Event) -> (&'static str, &'static str) {
    match event {
        Event::IdentityUnlock => ("authentication", "start"),
        Event::DocumentSeal | Event::DocumentImport => ("file", "creation"),
        Event::DocumentOpen | Event::DocumentExport | Event::TitleRead => ("file", "access"),
        Event::DocumentDestroy => ("file", "deletion"),
        Event::DocumentRelabel | Event::DocumentRewrap | Event::DocumentRekey => ("file", "change"),
        Event::BundleWrite | Event::BundleImport => ("file", "creation"),
        Event::BundleAccept | Event::BundleReceipt => ("file", "change"),
        Event::RosterChange | Event::KeyWrap => ("iam", "admin"),
        Event::RequestMake
        | Event::RequestApprove
        | Event::RequestReject
        | Event::RequestWithdraw
        | Event::RequestDone => ("iam", "info"),
        Event::VaultInit | Event::HostEnrol => ("configuration", "creation"),
        Event::KeyRetire => ("configuration", "deletion"),
        Event::KeyFinish | Event::ZoneExcept | Event::HostResume | Event::HostRekey | Event::PeerChange => {
            ("configuration", "change")
        }
        Event::LogRecover | Event::IndexRebuild | Event::FunctionError => ("configuration", "info"),
    }
}

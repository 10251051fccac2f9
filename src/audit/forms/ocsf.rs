//! Open Cybersecurity Schema Framework: opening an identity is an Authentication, what happens to a document File System
//! Activity, everything else API Activity.

use serde_json::{Map, Value, json};

use super::Row;
use super::fields::fields;
use crate::log::entry::{Event, Object, Outcome};
use crate::note::origin;

/// The version of the schema.
pub const VERSION: &str = "1.8.0";

const FILE_ACTIVITY: u64 = 1001;
const AUTHENTICATION: u64 = 3002;
const API_ACTIVITY: u64 = 6003;
/// Regular file, and SHA-256 would be 3: there is no digest of a content anywhere in a log.
const REGULAR_FILE: u64 = 1;
const LOGON: u64 = 1;
const OTHER: u64 = 99;

/// What stands elsewhere in the event already.
const MAPPED: [&str; 10] =
    ["vault", "seq", "time", "event", "reason", "actor.id", "actor.name", "host", "session", "object.title"];

pub(super) fn event(row: &Row<'_>) -> Value {
    let entry = row.entry;
    let document = entry.object().and_then(Object::document_id);
    let (class, activity) = match (entry.event(), document.and_then(|_| of_file(entry.event()))) {
        (Event::IdentityUnlock, _) => (AUTHENTICATION, LOGON),
        (_, Some(activity)) => (FILE_ACTIVITY, activity),
        (event, None) => (API_ACTIVITY, of_api(event)),
    };
    let mut out = common(row, class, activity);
    let (user, device) = (user(row), json!({"type_id": 0, "uid": entry.host().to_string()}));
    match class {
        AUTHENTICATION => {
            out.insert("user".to_owned(), user.unwrap_or_else(|| json!({"name": "unknown"})));
            out.insert("service".to_owned(), json!({"name": "gapvault", "uid": row.vault.to_string()}));
        }
        _ => {
            let actor = user.map_or_else(|| json!({"app_name": "gapvault"}), |user| json!({"user": user}));
            out.insert("actor".to_owned(), actor);
        }
    }
    if class == FILE_ACTIVITY {
        out.insert("file".to_owned(), file(row));
    }
    if class == API_ACTIVITY {
        let service = json!({"name": "gapvault", "uid": row.vault.to_string()});
        out.insert("api".to_owned(), json!({"operation": entry.event().as_str(), "service": service}));
        out.insert("src_endpoint".to_owned(), json!({"uid": entry.host().to_string()}));
        let resource = |(kind, id): (String, String)| json!([{"type": kind, "uid": id}]);
        out.extend(object(row).map(|object| ("resources".to_owned(), resource(object))));
    }
    out.insert("device".to_owned(), device);
    Value::Object(out)
}

/// What every event has.
fn common(row: &Row<'_>, class: u64, activity: u64) -> Map<String, Value> {
    let entry = row.entry;
    let (status_id, status) = match row.went_well() {
        Some(true) => (1, "Success"),
        Some(false) => (2, "Failure"),
        None => (0, "Unknown"),
    };
    let (severity_id, severity) =
        if entry.outcome() == Outcome::Ok { (1, "Informational") } else { (3, "Medium") };
    let product =
        json!({"name": "gapvault", "vendor_name": "gapvault", "version": env!("CARGO_PKG_VERSION")});
    let unmapped: Map<String, Value> = fields(row)
        .into_iter()
        .filter(|(name, _)| !MAPPED.contains(name))
        .map(|(name, text)| (name.to_owned(), Value::String(text)))
        .collect();
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("category_uid", json!(class / 1000));
    put("class_uid", json!(class));
    put("activity_id", json!(activity));
    if activity == OTHER {
        put("activity_name", json!(entry.event().as_str()));
    }
    put("type_uid", json!(class * 100 + activity));
    put("time", json!(entry.time().unix_ms()));
    put("severity_id", json!(severity_id));
    put("severity", json!(severity));
    put("status_id", json!(status_id));
    put("status", json!(status));
    put("status_detail", json!(entry.outcome().as_str()));
    if let Some(reason) = entry.reason() {
        put("status_code", json!(reason.as_str()));
    }
    put("message", json!(format!("{} {}", entry.event(), entry.outcome())));
    put("raw_data", json!(row.stored()));
    put(
        "metadata",
        json!({
            "version": VERSION,
            // The one that a device belongs to.
            "profiles": ["host"],
            "product": product,
            "uid": row.uid(),
            "sequence": entry.seq(),
            "event_code": entry.event().as_str(),
            "correlation_uid": entry.session().to_string(),
            "log_name": origin(&row.vault, row.epoch),
            "original_time": entry.time().to_string(),
            "tenant_uid": row.vault.to_string(),
        }),
    );
    put("unmapped", Value::Object(unmapped));
    out
}

fn user(row: &Row<'_>) -> Option<Value> {
    let mut user = Map::new();
    user.insert("uid".to_owned(), json!(row.entry.actor().id?.to_string()));
    user.extend(row.name.map(|name| ("name".to_owned(), json!(name))));
    Some(Value::Object(user))
}

/// A document, under its title for those who may see it, and its id otherwise.
fn file(row: &Row<'_>) -> Value {
    let object = row.entry.object();
    let id = object.and_then(Object::document_id).map(|id| id.to_string()).unwrap_or_default();
    let mut file = Map::new();
    file.insert("name".to_owned(), json!(row.title.unwrap_or(&id)));
    file.insert("type_id".to_owned(), json!(REGULAR_FILE));
    file.insert("uid".to_owned(), json!(id));
    file.extend(object.and_then(|object| object.size).map(|size| ("size".to_owned(), json!(size))));
    Value::Object(file)
}

/// Kind and id of what it happened to, where it has an id.
fn object(row: &Row<'_>) -> Option<(String, String)> {
    let object = row.entry.object()?;
    Some((object.kind().to_string(), object.id()?))
}

/// The activity that an event on a document is: 1 create, 2 read, 4 delete, 6 set attributes, 7 set security, 8 get
/// attributes, 10 encrypt.
fn of_file(event: Event) -> Option<u64> {
    Some(match event {
        Event::DocumentSeal | Event::DocumentImport => 1,
        Event::DocumentOpen => 2,
        Event::DocumentDestroy => 4,
        Event::DocumentRelabel => 6,
        Event::DocumentRewrap => 7,
        Event::TitleRead => 8,
        Event::DocumentRekey => 10,
        Event::DocumentExport => OTHER,
        _ => return None,
    })
}

/// The same for everything else: 1 create, 2 read, 3 update, 4 delete.
fn of_api(event: Event) -> u64 {
    match event {
        Event::VaultInit
        | Event::KeyWrap
        | Event::RequestMake
        | Event::HostEnrol
        | Event::DocumentSeal
        | Event::DocumentImport
        | Event::BundleWrite
        | Event::BundleImport => 1,
        Event::DocumentOpen | Event::TitleRead | Event::DocumentExport => 2,
        Event::RosterChange
        | Event::KeyFinish
        | Event::RequestApprove
        | Event::RequestReject
        | Event::RequestWithdraw
        | Event::RequestDone
        | Event::ZoneExcept
        | Event::HostResume
        | Event::HostRekey
        | Event::LogRecover
        | Event::IndexRebuild
        | Event::DocumentRelabel
        | Event::DocumentRewrap
        | Event::DocumentRekey
        | Event::PeerChange
        | Event::BundleAccept
        | Event::BundleReceipt => 3,
        Event::KeyRetire | Event::DocumentDestroy => 4,
        Event::IdentityUnlock | Event::FunctionError => OTHER,
    }
}

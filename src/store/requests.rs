//! What people asked for, each in a folder of its own: the request, its reason, approvals, and what is to be in force.
//!
//! Nothing in these folders is believed because it is there: a request and an approval count by their signatures, and
//! everything else by the digest that the request names. Which requests are over, the log says.

use std::collections::HashMap;
use std::path::PathBuf;

use super::error::StoreError;
use super::live::{Context, Live};
use crate::id::{MemberId, RequestId};
use crate::log::entry::{Event, Outcome};
use crate::policy::Part;
use crate::roster::KeyName;

/// Longest note, reason or key file of a request.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;
/// Longest list of what is to be sent, and longest file of its headers.
const LIST_LIMIT: u64 = 128 * 1024 * 1024;
/// Most files of one request: keys of every member for every purpose, and approvals.
const FILES_LIMIT: usize = 20_000;

/// A file of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFile {
    /// The request itself.
    Request,
    /// Why, for the eyes of those who approve.
    Reason,
    /// The note that is to be in force, signed by this member.
    Proposed(MemberId),
    /// The policy that comes with a new roster.
    Policy,
    /// An approval by this member.
    Approval(Part, MemberId),
    /// The list of what is to be sent.
    Inner,
    /// The headers that the documents are to be sent with, in the order of the list.
    Headers,
    /// A new key that comes with a new roster, wrapped to a member.
    Key(KeyName, MemberId),
}

impl RequestFile {
    fn name(self) -> String {
        match self {
            Self::Request => "request.note".to_owned(),
            Self::Reason => "reason.age".to_owned(),
            Self::Proposed(member) => format!("proposed-{member}.note"),
            Self::Policy => "policy.note".to_owned(),
            Self::Approval(part, member) => format!("approval-{part}-{member}.note"),
            Self::Inner => "inner.json".to_owned(),
            Self::Headers => "headers".to_owned(),
            Self::Key(key, member) => format!("key-{}-{}-{member}.age", key.purpose.as_str(), key.generation),
        }
    }
}

/// Where a file of a request lies.
pub fn place(context: &Context, id: RequestId, file: RequestFile) -> PathBuf {
    context.layout.request(id).join(file.name())
}

/// Whether a name is one that files of requests have.
pub fn is_name(name: &str) -> bool {
    let known = ["request.note", "reason.age", "policy.note", "inner.json", "headers"].contains(&name)
        || ["proposed-", "approval-", "key-"].iter().any(|prefix| name.starts_with(prefix));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    known && name.len() <= 100 && name.bytes().all(plain) && !name.contains("..")
}

/// One file, if it is there.
pub fn read(context: &Context, id: RequestId, file: RequestFile) -> Result<Option<Vec<u8>>, StoreError> {
    let long = matches!(file, RequestFile::Inner | RequestFile::Headers);
    match context.disk.read(&place(context, id, file), if long { LIST_LIMIT } else { FILE_LIMIT }) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() || error.is_wrong_kind() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Every file of one kind, by the beginning of its name, in the order of names.
pub fn read_all(
    context: &Context,
    id: RequestId,
    prefix: &str,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let folder = context.layout.request(id);
    let names = match context.disk.list_dir(&folder) {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut names: Vec<String> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
    names.retain(|name| name.starts_with(prefix) && is_name(name));
    names.sort_unstable();
    names.truncate(FILES_LIMIT);
    let mut files = Vec::new();
    for name in names {
        match context.disk.read(&folder.join(&name), FILE_LIMIT) {
            Ok(bytes) => files.push((name, bytes)),
            // What is no file says nothing, and hinders none of the others.
            Err(error) if error.is_wrong_kind() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(files)
}

/// Every request that lies there.
pub fn list(context: &Context) -> Result<Vec<RequestId>, StoreError> {
    let names = match context.disk.list_dir(&context.layout.requests()) {
        Ok(names) => names,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut ids: Vec<RequestId> =
        names.into_iter().filter_map(|name| name.into_string().ok()?.parse().ok()).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// How a request came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was carried out.
    Done,
    /// Somebody refused.
    Rejected,
    /// Who asked took it back.
    Withdrawn,
}

/// How a request ended, if it did. The log says so, in whichever epoch.
pub fn ended(live: &Live, id: RequestId) -> Result<Option<Ended>, StoreError> {
    Ok(all_ended(live)?.remove(&id))
}

/// Every request that ended, and how.
pub fn all_ended(live: &Live) -> Result<HashMap<RequestId, Ended>, StoreError> {
    let mut all = HashMap::new();
    for (event, ended) in [
        (Event::RequestWithdraw, Ended::Withdrawn),
        (Event::RequestReject, Ended::Rejected),
        (Event::RequestDone, Ended::Done),
    ] {
        for place in live.index().places_of_event(event.as_str())? {
            let entry = live.entry(place)?;
            let id = entry.object().and_then(crate::log::entry::Object::request_id);
            if entry.event() == event && entry.outcome() == Outcome::Ok {
                all.extend(id.map(|id| (id, ended)));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Class;
    use crate::roster::Purpose;

    #[test]
    fn names_of_files_are_names_and_others_are_not() {
        let key = KeyName { purpose: Purpose::Class(Class::Critical), generation: 12 };
        let member = MemberId([0xab; 8]);
        for file in [
            RequestFile::Request,
            RequestFile::Reason,
            RequestFile::Policy,
            RequestFile::Inner,
            RequestFile::Headers,
            RequestFile::Proposed(member),
            RequestFile::Approval(Part::Releaser, member),
            RequestFile::Key(key, member),
        ] {
            assert!(is_name(&file.name()), "{file:?}");
        }
        for bad in ["", "key-..", "key-/etc", "Request.note", "other", "approval-\u{0}", &"key-a".repeat(30)]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }
}

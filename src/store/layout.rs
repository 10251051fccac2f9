//! Where everything lies in a vault's folder. Every path is made here, from ids and numbers of our own; a path
//! that came from outside is never joined.

use std::path::{Path, PathBuf};

use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, MemberId, RequestId, SessionId, VaultId};
use crate::roster::KeyName;

/// The folder of one vault.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The vault in this folder.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The format version; a folder with this file is a vault.
    pub fn format(&self) -> PathBuf {
        self.root.join("vault.toml")
    }

    /// There while `init` is at work.
    pub fn incomplete(&self) -> PathBuf {
        self.root.join("incomplete")
    }

    /// The lock file.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The folder of rosters.
    pub fn rosters(&self) -> PathBuf {
        self.root.join("roster")
    }

    /// One roster.
    pub fn roster(&self, version: u64) -> PathBuf {
        self.rosters().join(format!("{version:04}.note"))
    }

    /// A policy, under its own digest.
    pub fn policy(&self, digest: Digest) -> PathBuf {
        self.policies().join(format!("{digest}.note"))
    }

    /// The folder of policies.
    pub fn policies(&self) -> PathBuf {
        self.root.join("policy")
    }

    /// The folder of all keys.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The folder of all requests.
    pub fn requests(&self) -> PathBuf {
        self.root.join("requests")
    }

    /// The folder of one request.
    pub fn request(&self, id: RequestId) -> PathBuf {
        self.requests().join(id.to_string())
    }

    /// The folder of notes that allow work on a connected machine.
    pub fn exceptions(&self) -> PathBuf {
        self.root.join("exceptions")
    }

    /// Such a note, under its own digest.
    pub fn exception(&self, digest: Digest) -> PathBuf {
        self.exceptions().join(format!("{digest}.note"))
    }

    /// The folder of what is known of another vault.
    pub fn peer(&self, id: VaultId) -> PathBuf {
        self.root.join("peers").join(id.to_string())
    }

    /// The folder of one bundle that went out and is not answered yet.
    pub fn outbox(&self, id: BundleId) -> PathBuf {
        self.root.join("outbox").join(id.to_string())
    }

    /// The folder of all bundles that came in and wait.
    pub fn quarantines(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// The folder of one of them.
    pub fn quarantine(&self, id: BundleId) -> PathBuf {
        self.quarantines().join(id.to_string())
    }

    /// Answers to bundles that went out, under their own digests.
    pub fn receipt(&self, digest: Digest) -> PathBuf {
        self.root.join("receipts").join(format!("{digest}.note"))
    }

    /// The folder of one generation of a key.
    pub fn key_folder(&self, key: KeyName) -> PathBuf {
        self.keys().join(key.purpose.as_str()).join(key.generation.to_string())
    }

    /// A key, wrapped to a member.
    pub fn key(&self, key: KeyName, member: MemberId) -> PathBuf {
        self.key_folder(key).join(format!("{member}.age"))
    }

    /// The folder of all documents.
    pub fn documents(&self) -> PathBuf {
        self.root.join("documents")
    }

    /// The folder that a document lies in.
    pub fn document_folder(&self, id: DocumentId) -> PathBuf {
        let first: String = id.to_string().chars().take(2).collect();
        self.documents().join(first)
    }

    /// A sealed document.
    pub fn document(&self, id: DocumentId) -> PathBuf {
        self.document_folder(id).join(format!("{id}.age"))
    }

    /// The folder of one epoch of the log: the first lies in `log` itself, later ones beneath it.
    pub fn log(&self, epoch: u64) -> PathBuf {
        let log = self.root.join("log");
        if epoch <= 1 { log } else { log.join(epoch.to_string()) }
    }

    /// The note that opened an epoch after the first.
    pub fn resume_note(&self, epoch: u64) -> PathBuf {
        self.log(epoch).join("resume.note")
    }

    /// Where it lies by which log keys changed.
    pub fn log_keys(&self) -> PathBuf {
        self.root.join("log-keys")
    }

    /// The proof that one log key follows another, by its number.
    pub fn log_key(&self, number: u64) -> PathBuf {
        self.log_keys().join(format!("{number:04}.tlog-proof"))
    }

    /// The live index.
    pub fn index(&self) -> PathBuf {
        self.root.join("sled")
    }

    /// The folder of sorted files, with what is too old for the live index.
    pub fn sorted(&self) -> PathBuf {
        self.root.join("sorted")
    }

    /// There while a process has the index open; found at a start, it tells of an unclean stop.
    pub fn index_open(&self) -> PathBuf {
        self.root.join("sled.open")
    }

    /// The copy of the index that is made after an unclean stop, before it is opened.
    pub fn index_before(&self) -> PathBuf {
        self.root.join("sled.before")
    }

    /// Where everything waits that is not recorded yet.
    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// What one session stages.
    pub fn session(&self, session: SessionId) -> PathBuf {
        self.staging().join(session.to_string())
    }

    /// Held by a living session, so that nobody sweeps its folder.
    pub fn session_lock(&self, session: SessionId) -> PathBuf {
        self.session(session).join("lock")
    }

    /// New headers of a living session, until they stand in their places.
    pub fn session_journal(&self, session: SessionId) -> PathBuf {
        self.session(session).join("headers")
    }

    /// The name under which a staged file waits for its place: the place's path with `+` for `/`.
    pub fn staged_name(&self, place: &Path) -> Option<String> {
        let inside = place.strip_prefix(&self.root).ok()?.to_str()?;
        Some(inside.replace('/', "+"))
    }

    /// The place that a staged name stands for, if it is one of ours.
    pub fn place_of(&self, staged: &str) -> Option<PathBuf> {
        let parts: Vec<&str> = staged.split('+').collect();
        let known = match parts.as_slice() {
            ["documents", folder, file] => {
                let id = file.strip_suffix(".age").and_then(|id| id.parse::<DocumentId>().ok());
                id.is_some_and(|id| id.to_string().starts_with(folder) && folder.len() == 2)
            }
            ["roster", file] => {
                let version = file.strip_suffix(".note").and_then(|number| number.parse::<u64>().ok());
                version.is_some_and(|version| format!("{version:04}.note") == *file)
            }
            ["requests", id, file] => id.parse::<RequestId>().is_ok() && super::requests::is_name(file),
            ["peers", id, file] => id.parse::<VaultId>().is_ok() && super::peers::is_name(file),
            ["outbox", id, file] => id.parse::<BundleId>().is_ok() && super::outbox::is_name(file),
            ["quarantine", id, file] => id.parse::<BundleId>().is_ok() && super::quarantine::is_name(file),
            ["policy" | "exceptions" | "receipts", file] => {
                file.strip_suffix(".note").is_some_and(|hex| hex.parse::<Digest>().is_ok())
            }
            ["keys", purpose, generation, file] => {
                let purpose = crate::roster::Purpose::ALL.iter().any(|known| known.as_str() == *purpose);
                let generation =
                    generation.parse::<u32>().is_ok_and(|number| number.to_string() == *generation);
                let member = file.strip_suffix(".age").is_some_and(|id| id.parse::<MemberId>().is_ok());
                purpose && generation && member
            }
            _ => false,
        };
        known.then(|| parts.iter().fold(self.root.clone(), |path, part| path.join(part)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::Class;
    use crate::roster::Purpose;

    #[test]
    fn staged_names_lead_to_their_places_and_no_others_do() {
        let layout = Layout::new(Path::new("/v"));
        let key = KeyName { purpose: Purpose::Class(Class::Critical), generation: 1 };
        for place in
            [layout.document(DocumentId([0xab; 16])), layout.roster(2), layout.key(key, MemberId([1; 8]))]
        {
            let staged = layout.staged_name(&place).unwrap();
            assert_eq!(layout.place_of(&staged), Some(place), "{staged}");
        }
        for bad in [
            "..+..+etc+passwd",
            "documents+..+abababababababababababababababab.age",
            "documents+ac+abababababababababababababababab.age",
            "roster+2.note",
            "roster+..",
            "keys+critical+01+0101010101010101.age",
            "keys+other+1+0101010101010101.age",
            "log+tail",
            "",
            "lock",
        ] {
            assert_eq!(layout.place_of(bad), None, "{bad}");
        }
    }
}

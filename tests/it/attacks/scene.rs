//! A small vault in memory, the attacks' handles on its files, and what the judges say of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gapvault::label::{Class, KeyKind, Zone};
use gapvault::vault::{
    self, Code, Error, Finding, InitRequest, NoProgress, OpenRequest, OpenTo, Policy, Vault,
};

use crate::verbs::{self, Place};

/// What a judge said: the verdict, or the code of its error, and the codes of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) verdict: String,
    pub(crate) codes: Vec<Code>,
    pub(crate) pending: Vec<String>,
}

impl Said {
    fn of(verdict: &str, findings: &[Finding], pending: Vec<String>) -> Self {
        let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        codes.dedup();
        assert_eq!(verdict == "ok", codes.is_empty());
        Self { verdict: verdict.to_owned(), codes, pending }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.verdict == "ok"
    }

    pub(crate) fn has(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }

    fn refused(error: &Error) -> Self {
        assert_ne!(error.code(), Code::Internal, "{error}");
        let word = error.code().as_str().split('.').next().unwrap_or_default();
        Self { verdict: word.to_owned(), codes: vec![error.code()], pending: Vec::new() }
    }
}

/// A vault with one sealed document.
pub(crate) struct Scene {
    pub(crate) place: Place,
    pub(crate) id: String,
}

/// Unknown ids are refused, and each refusal is an entry.
pub(crate) fn refuse(place: &Place, count: u64) {
    let request = OpenRequest {
        ids: vec!["0".repeat(32); usize::try_from(count).unwrap()],
        all: false,
        to: OpenTo::Into(place.path("never")),
        reason: None,
        request: None,
    };
    match place.vault().open(&place.founder, request, &NoProgress) {
        Ok(report) => assert_eq!(report.failed.len() as u64, count),
        Err(error) => assert_eq!((error.code(), count), (Code::NoDocument, 1)),
    }
}

/// In memory where possible: whether a sync reaches a medium is not what is tried here.
pub(crate) fn place() -> Place {
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
    let site = verbs::site(folder.path());
    let founder = verbs::person(&site, folder.path(), "founder");
    let request = InitRequest {
        policy: Some(Policy::for_one_person()),
        ..InitRequest::new("v", Zone::Networked, KeyKind::Classic)
    };
    vault::init(&site, &folder.path().join("v"), &founder, &request).unwrap();
    Place { folder, founder }
}

impl Scene {
    /// A log of `entries` entries, of which the last ones have a checkpoint each.
    pub(crate) fn new(entries: u64) -> Self {
        let place = place();
        let source = place.write("a.txt", b"text");
        let id = place.seal(&place.founder, &source, Class::Critical);
        let scene = Self { place, id };
        while scene.size() < entries {
            refuse(&scene.place, 1);
        }
        assert_eq!(scene.size(), entries);
        assert_eq!((scene.audit().verdict, scene.verify().verdict), ("ok".to_owned(), "ok".to_owned()));
        scene
    }

    pub(crate) fn vault(&self) -> Vault {
        self.place.vault()
    }

    /// Opening the vault: the code of the refusal, or `None`.
    pub(crate) fn refusal(&self) -> Option<Code> {
        let vault = Vault::at(self.place.site(), &self.place.path("v"));
        vault.and_then(|vault| vault.status()).err().map(|error| error.code())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.place.path("v").join(name)
    }

    pub(crate) fn size(&self) -> u64 {
        self.vault().audit_verify(&NoProgress).unwrap().size
    }

    /// Every regular file of a part of the vault, by its path in it.
    pub(crate) fn files(&self, parts: &[&str]) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        for part in parts {
            collect(&self.at(""), &self.at(part), &mut found);
        }
        found
    }

    /// The judgement of the log alone.
    pub(crate) fn audit(&self) -> Said {
        let vault = Vault::at(self.place.site(), &self.place.path("v"));
        match vault.and_then(|vault| vault.audit_verify(&NoProgress)) {
            Ok(report) => Said::of(&report.verdict, &report.findings, report.pending),
            Err(error) => Said::refused(&error),
        }
    }

    /// The judgement of everything.
    pub(crate) fn verify(&self) -> Said {
        let vault = Vault::at(self.place.site(), &self.place.path("v"));
        match vault.and_then(|vault| vault.verify(&NoProgress)) {
            Ok(report) => Said::of(&report.verdict, &report.findings, report.pending),
            Err(error) => Said::refused(&error),
        }
    }
}

/// A folder and everything in it, times aside.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Puts a copy in the place of a folder.
pub(crate) fn put(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    copy(from, to);
}

fn collect(root: &Path, path: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    if path.is_file() {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        found.insert(name, std::fs::read(path).unwrap());
        return;
    }
    for entry in std::fs::read_dir(path).unwrap() {
        collect(root, &entry.unwrap().path(), found);
    }
}

//! Scenarios in processes of their own, since what a kill leaves can only be looked at from outside.
//!
//! A scenario is an ignored test that begins with `let Some(given) = child::given() else { return };`. Run by
//! hand it does nothing; [`run`] starts it in a new process with a folder and a fault. A fault that ends the
//! process and was not met comes when the scenario has ended.

use super::disk::{Fault, FaultDisk, Mode};
use super::undo::Lost;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "GAPVAULT_TEST_FOLDER";
const FAULT: &str = "GAPVAULT_TEST_FAULT";
const TOLD: &str = "GAPVAULT_TEST_TOLD";
/// What a scenario tells when it has come to its end.
const END: &str = "(end)";

/// More calls than any scenario has; one that reaches it goes round in circles.
const CALLS_LIMIT: u64 = 5_000;

/// What a scenario is given.
pub(crate) struct Given {
    /// Where it works.
    pub(crate) folder: PathBuf,
    /// The disk that will fail.
    pub(crate) disk: FaultDisk,
    told: PathBuf,
    fault: Option<Fault>,
}

impl Drop for Given {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.tell(END);
        if self.fault.is_some_and(|fault| matches!(fault.mode, Mode::Die | Mode::Tear | Mode::PowerLoss(_))) {
            self.disk.stop();
        }
    }
}

impl Given {
    /// Tells the test something that holds from here on, whatever happens next; past the disk that will fail.
    pub(crate) fn tell(&self, line: &str) {
        let mut file = File::options().create(true).append(true).open(&self.told).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// What this process was given, if it is a scenario's.
pub(crate) fn given() -> Option<Given> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    let told = PathBuf::from(std::env::var_os(TOLD)?);
    let fault = std::env::var(FAULT).ok().map(|text| read_fault(&text).expect("a fault that we wrote"));
    Some(Given { folder, disk: FaultDisk::new(fault), told, fault })
}

/// How a scenario ended, and what it told.
#[derive(Debug)]
pub(crate) struct End {
    /// It came to its end before the fault did.
    pub(crate) finished: bool,
    /// The lines it told.
    pub(crate) told: Vec<String>,
}

/// Runs a scenario, an ignored test, in a process of its own.
///
/// Panics if it fails by itself: with another end than a kill by the fault or success.
pub(crate) fn run<F: Fn()>(_scenario: F, folder: &Path, fault: Option<Fault>) -> End {
    let name = std::any::type_name::<F>();
    let name = name.split_once("::").map_or(name, |(_, inside)| inside);
    let told = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads", "1"]);
    command.env(FOLDER, folder).env(TOLD, told.path()).env_remove(FAULT);
    if let Some(fault) = fault {
        command.env(FAULT, write_fault(fault));
    }
    let output = command.output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let killed = output.status.signal() == Some(9);
    let ran = output.status.success() && out.contains("1 passed");
    assert!(
        killed || ran,
        "{name} {fault:?}: {}\n{out}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let mut told: Vec<String> = fs::read_to_string(told.path()).unwrap().lines().map(str::to_owned).collect();
    let finished = told.pop_if(|last| last == END).is_some();
    End { finished, told }
}

/// Runs a scenario again and again, with the fault at each call in turn, until it comes to its end; `check` looks
/// at what is left each time. Returns how many calls were struck.
///
/// For faults that kill.
pub(crate) fn at_every_call<F: Fn() + Copy>(
    scenario: F,
    mode: Mode,
    prepare: impl Fn(&Path),
    check: impl Fn(&Path, u64, &End),
) -> u64 {
    for at in 1..CALLS_LIMIT {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let end = run(scenario, folder.path(), Some(Fault { mode, at }));
        check(folder.path(), at, &end);
        if end.finished {
            return at - 1;
        }
    }
    panic!("the scenario has no end");
}

const MODES: [(&str, Mode); 9] = [
    ("die", Mode::Die),
    ("tear", Mode::Tear),
    ("lose", Mode::PowerLoss(Lost::All)),
    ("lose-contents", Mode::PowerLoss(Lost::Contents)),
    ("lose-names", Mode::PowerLoss(Lost::Names)),
    ("full-once", Mode::Full(false)),
    ("full", Mode::Full(true)),
    ("broken-once", Mode::Broken(false)),
    ("broken", Mode::Broken(true)),
];

fn write_fault(fault: Fault) -> String {
    let name = MODES.iter().find(|(_, mode)| *mode == fault.mode).map_or("sync", |(name, _)| name);
    format!("{name}@{}", fault.at)
}

fn read_fault(text: &str) -> Option<Fault> {
    let (name, at) = text.split_once('@')?;
    let mode = MODES.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode);
    let mode = mode.or((name == "sync").then_some(Mode::SyncFails))?;
    Some(Fault { mode, at: at.parse().ok()? })
}

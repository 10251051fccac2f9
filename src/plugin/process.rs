//! The program of a plugin: found, started, listened to for so long, and ended with all that it started.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use age_core::format::Stanza;
use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use super::wire::{Broken, Parser, print};
use super::{Error, Name, Plugins};

/// Pieces of the program's output that may wait.
const WAITING: usize = 4;
/// How long a program may take to end by itself once all is said.
const GRACE: Duration = Duration::from_secs(1);

/// The program in the first of the folders that has it.
fn find(path: &OsStr, name: &Name) -> Result<PathBuf, Error> {
    let program = name.program();
    for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
        let file = folder.join(&program);
        let Ok(data) = std::fs::metadata(&file) else { continue };
        if !data.is_file() || data.permissions().mode() & 0o111 == 0 {
            continue;
        }
        for path in [&file, &folder] {
            if others_may_write(path) {
                return Err(Error::Unsafe { path: path.clone() });
            }
        }
        return Ok(file);
    }
    Err(Error::NotFound(name.clone()))
}

/// Whether everybody may change what is there. A sticky folder is one in which nobody changes what is another's.
fn others_may_write(path: &Path) -> bool {
    let open = |data: std::fs::Metadata| data.mode() & 0o002 != 0 && data.mode() & 0o1000 == 0;
    std::fs::metadata(path).is_ok_and(open)
}

/// A conversation with a program that runs.
pub(super) struct Conversation<'a> {
    plugins: &'a Plugins,
    name: &'a Name,
    child: Child,
    // Taken away when all is said, which closes the program's input.
    to: Option<Sender<Zeroizing<Vec<u8>>>>,
    from: Receiver<Zeroizing<Vec<u8>>>,
    parser: Parser,
    patience: Duration,
}

impl<'a> Conversation<'a> {
    /// Starts the program with one of the protocol's state machines.
    pub(super) fn begin(plugins: &'a Plugins, name: &'a Name, machine: &str) -> Result<Self, Error> {
        let program = find(&plugins.path, name)?;
        let failed = |source| Error::Start { name: name.clone(), source };
        let mut command = Command::new(&program);
        command.arg(format!("--age-plugin={machine}")).current_dir("/");
        // With AGEDEBUG file keys would be printed; our own settings are none of its business.
        command.env_remove("AGEDEBUG");
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("GAPVAULT_"))
        {
            command.env_remove(key);
        }
        // What it writes to its standard error could hold secrets, and could steer the terminal.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // So that what it starts can be ended with it.
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        // Reading and writing on threads of their own: neither can then keep us waiting for longer than we want. They
        // end with the program, at the latest when whatever kept its pipes open is gone.
        let (to, wanted) = channel::<Zeroizing<Vec<u8>>>();
        std::thread::spawn(move || {
            // One who does not read gets nothing more.
            while wanted.recv().is_ok_and(|bytes| input.write_all(&bytes).is_ok()) {}
        });
        let (got, from) = sync_channel(WAITING);
        std::thread::spawn(move || {
            let mut buffer = Zeroizing::new(vec![0; 4096]);
            while let Ok(len @ 1..) = output.read(&mut buffer) {
                let piece = Zeroizing::new(buffer.get(..len).unwrap_or_default().to_vec());
                if got.send(piece).is_err() {
                    break;
                }
            }
        });
        let (to, parser, patience) = (Some(to), Parser::default(), plugins.patience);
        Ok(Self { plugins, name, child, to, from, parser, patience })
    }

    /// Whose it is.
    pub(super) fn name(&self) -> &Name {
        self.name
    }

    /// Who is asked, with what they are asked not counted as the program's time.
    pub(super) fn plugins(&self) -> &'a Plugins {
        self.plugins
    }

    /// Says something.
    pub(super) fn say(&self, command: &str, args: &[&str], body: &[u8]) {
        if let Some(to) = &self.to {
            // A program that is gone is found out when its answer is waited for.
            let _ = to.send(print(command, args, body));
        }
    }

    /// Waits for what the program says next.
    pub(super) fn hear(&mut self) -> Result<Stanza, Error> {
        loop {
            if let Some(stanza) = self.parser.next().map_err(|what| self.broken(what))? {
                return Ok(stanza);
            }
            let begun = Instant::now();
            let piece = self.from.recv_timeout(self.patience).map_err(|reason| match reason {
                RecvTimeoutError::Timeout => Error::TimedOut(self.name.clone()),
                RecvTimeoutError::Disconnected => Error::Ended(self.name.clone()),
            })?;
            self.patience = self.patience.saturating_sub(begun.elapsed());
            self.parser.push(&piece).map_err(|what| self.broken(what))?;
        }
    }

    /// That the program broke the protocol.
    pub(super) fn broken(&self, what: Broken) -> Error {
        Error::Protocol { name: self.name.clone(), what }
    }

    /// All is said: the program may end by itself.
    pub(super) fn end(mut self) {
        self.to = None;
        let begun = Instant::now();
        while let Some(left) = GRACE.checked_sub(begun.elapsed()) {
            if self.from.recv_timeout(left).is_err() {
                break;
            }
        }
    }
}

impl Drop for Conversation<'_> {
    fn drop(&mut self) {
        self.to = None;
        // The program leads its group, and is not waited for before, so the number is still its own.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(format!("age-plugin-{name}"));
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn programs_are_looked_for_in_absolute_folders_and_must_be_theirs_who_may_write() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name: Name = "x".parse().unwrap();
        let path = std::env::join_paths([Path::new(""), Path::new("."), one.path(), two.path()]).unwrap();
        assert!(matches!(find(&path, &name), Err(Error::NotFound(_))));
        let second = program(two.path(), "x", 0o755);
        assert_eq!(find(&path, &name).unwrap(), second);
        // One that cannot be run, or is a folder, is passed over.
        let first = program(one.path(), "x", 0o644);
        assert_eq!(find(&path, &name).unwrap(), second);
        std::fs::set_permissions(&first, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find(&path, &name).unwrap(), first);
        std::fs::set_permissions(&first, std::fs::Permissions::from_mode(0o757)).unwrap();
        assert!(matches!(find(&path, &name), Err(Error::Unsafe { path }) if path == first));
        std::fs::set_permissions(&first, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(one.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(find(&path, &name), Err(Error::Unsafe { path }) if path == one.path()));
        std::fs::remove_file(&first).unwrap();
        std::fs::create_dir(&first).unwrap();
        assert_eq!(find(&path, &name).unwrap(), second);
    }
}

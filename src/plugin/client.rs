//! The two conversations of the protocol: to wrap a file key, and to unwrap one.

use std::collections::HashSet;

use age_core::format::{FileKey, Stanza};
use secrecy::ExposeSecret as _;
use zeroize::Zeroize as _;

use super::error::one_line;
use super::process::Conversation;
use super::{Error, Name, Plugins};
use crate::encoding::unbase64_unpadded;

/// The one file that is talked about.
const FILE: &str = "0";

/// To what a file key is wrapped.
pub(super) enum Key<'a> {
    Recipient(&'a str),
    Identity(&'a str),
}

/// What wrapping gave.
pub(super) struct Wrapped {
    pub(super) stanzas: Vec<Stanza>,
    /// Stanzas stand in one header only with others of the same labels.
    pub(super) labels: HashSet<String>,
}

/// Has a file key wrapped.
pub(super) fn wrap(
    plugins: &Plugins,
    name: &Name,
    key: &Key<'_>,
    file_key: &FileKey,
) -> Result<Wrapped, Error> {
    let mut talk = Conversation::begin(plugins, name, "recipient-v1")?;
    match key {
        Key::Recipient(text) => talk.say("add-recipient", &[text], &[]),
        Key::Identity(text) => talk.say("add-identity", &[text], &[]),
    }
    talk.say("extension-labels", &[], &[]);
    talk.say("wrap-file-key", &[], file_key.expose_secret());
    talk.say("done", &[], &[]);
    let (mut stanzas, mut labels, mut said) = (Vec::new(), None, None);
    loop {
        let mut command = talk.hear()?;
        match command.tag.as_str() {
            "done" => break,
            "recipient-stanza" => {
                stanzas.push(stanza_of(command).ok_or_else(|| talk.broken("a stanza for no file"))?);
                talk.say("ok", &[], &[]);
            }
            "labels" => {
                let count = command.args.len();
                let set: HashSet<String> = std::mem::take(&mut command.args).into_iter().collect();
                if set.len() != count || labels.replace(set).is_some() {
                    return Err(talk.broken("labels twice"));
                }
                talk.say("ok", &[], &[]);
            }
            _ => answer(&talk, &command, &mut said),
        }
    }
    let name = talk.name().clone();
    talk.end();
    match (stanzas.is_empty(), said) {
        (_, Some(message)) => Err(Error::Said { name, message }),
        (false, None) => Ok(Wrapped { stanzas, labels: labels.unwrap_or_default() }),
        (true, None) => Err(Error::Protocol { name, what: "neither a stanza nor an error" }),
    }
}

/// Has a file key unwrapped; `None` when none of the stanzas is for this identity.
pub(super) fn unwrap(
    plugins: &Plugins,
    name: &Name,
    identity: &str,
    stanzas: &[Stanza],
) -> Result<Option<FileKey>, Error> {
    let mut talk = Conversation::begin(plugins, name, "identity-v1")?;
    talk.say("add-identity", &[identity], &[]);
    for stanza in stanzas {
        let words = stanza.args.iter().map(String::as_str);
        let args: Vec<&str> = [FILE, &stanza.tag].into_iter().chain(words).collect();
        talk.say("recipient-stanza", &args, &stanza.body);
    }
    talk.say("done", &[], &[]);
    let (mut file_key, mut said) = (None, None);
    loop {
        let mut command = talk.hear()?;
        match command.tag.as_str() {
            "done" => break,
            "file-key" => {
                let first = command.args == [FILE] && file_key.is_none();
                let key = file_key_of(&command.body).filter(|_| first);
                command.body.zeroize();
                file_key = Some(key.ok_or_else(|| talk.broken("a file key that is none"))?);
                talk.say("ok", &[], &[]);
            }
            _ => answer(&talk, &command, &mut said),
        }
    }
    let name = talk.name().clone();
    talk.end();
    match (file_key, said) {
        // One of several tokens may have been missing; the key is here.
        (Some(key), _) => Ok(Some(key)),
        (None, Some(message)) => Err(Error::Said { name, message }),
        (None, None) => Ok(None),
    }
}

fn file_key_of(body: &[u8]) -> Option<FileKey> {
    let key = FileKey::try_init_with_mut(|key| {
        if body.len() != key.len() {
            return Err(());
        }
        key.copy_from_slice(body);
        Ok(())
    });
    key.ok()
}

/// The stanza in a `recipient-stanza FILE TYPE ARGUMENT…`.
fn stanza_of(mut command: Stanza) -> Option<Stanza> {
    if command.args.len() < 2 || command.args.remove(0) != FILE {
        return None;
    }
    let tag = command.args.remove(0);
    Some(Stanza { tag, ..command })
}

/// What both conversations have in common: errors, messages and questions. What is not known is told so.
fn answer(talk: &Conversation<'_>, command: &Stanza, said: &mut Option<String>) {
    let ask = &talk.plugins().ask;
    let message = one_line(&command.body);
    match command.tag.as_str() {
        "error" => {
            said.get_or_insert(message);
            talk.say("ok", &[], &[]);
        }
        "msg" => {
            ask.tell(talk.name(), &message);
            talk.say("ok", &[], &[]);
        }
        "confirm" => {
            let words: Option<Vec<String>> =
                command.args.iter().map(|arg| Some(one_line(&unbase64_unpadded(arg)?))).collect();
            let choice = words.and_then(|words| match words.as_slice() {
                [yes] => ask.choose(talk.name(), &message, yes, None),
                [yes, no] => ask.choose(talk.name(), &message, yes, Some(no)),
                _ => None,
            });
            match choice {
                Some(choice) => talk.say("ok", &[if choice { "yes" } else { "no" }], &[]),
                None => talk.say("fail", &[], &[]),
            }
        }
        "request-public" | "request-secret" => {
            let secret = command.tag == "request-secret";
            match ask.line(talk.name(), &message, secret) {
                Some(line) => talk.say("ok", &[], &line),
                None => talk.say("fail", &[], &[]),
            }
        }
        _ => talk.say("unsupported", &[], &[]),
    }
}

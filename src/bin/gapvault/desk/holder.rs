//! The person who holds a token, for the program that it belongs to.

use gapvault::plugin::{Ask, Name};
use gapvault::words::{Lang, Words, screen};
use zeroize::Zeroizing;

use super::asking::is_yes;
use crate::output;
use crate::terminal::Terminal;

/// Speaks on the controlling terminal; where there is none, every question is declined.
pub(super) struct Holder {
    pub(super) lang: Lang,
    pub(super) silent: bool,
}

impl Holder {
    /// A text of ours around the program's own, which could steer a terminal.
    fn text(&self, key: &str, name: &Name, facts: &[(&str, &str)]) -> String {
        let mut all = vec![("name", name.program())];
        all.extend(facts.iter().map(|(key, value)| (*key, screen::escape(value))));
        Words::new(self.lang).text(key, &all)
    }

    fn ask(&self, question: &str, echo: bool) -> Option<Zeroizing<Vec<u8>>> {
        Terminal::open().ok()?.ask(question, echo).ok()
    }
}

impl Ask for Holder {
    fn tell(&self, name: &Name, message: &str) {
        if !self.silent {
            output::note(&self.text("say-plugin", name, &[("message", message)]));
        }
    }

    fn choose(&self, name: &Name, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let Some(no) = no else {
            let question = self.text("ask-plugin-go-on", name, &[("message", message), ("yes", yes)]);
            return self.ask(&question, true).map(|_| true);
        };
        let facts = [("message", message), ("yes", yes), ("no", no)];
        let answer = self.ask(&self.text("ask-plugin-choice", name, &facts), true)?;
        Some(is_yes(&String::from_utf8_lossy(&answer).trim().to_lowercase()))
    }

    fn line(&self, name: &Name, message: &str, secret: bool) -> Option<Zeroizing<Vec<u8>>> {
        self.ask(&self.text("ask-plugin-line", name, &[("message", message)]), !secret)
    }
}

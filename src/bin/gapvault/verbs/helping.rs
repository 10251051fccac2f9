//! `help`: what newcomers need.

use clap::{ArgMatches, Command};
use gapvault::fault::{Code, Error};
use gapvault::words::Words;

use crate::desk::Desk;
use crate::{help as texts, output};

/// Shows a help screen of this grammar.
pub(crate) fn help(desk: &Desk, matches: &ArgMatches, grammar: fn(&Words) -> Command) -> Result<u8, Error> {
    let topic: Vec<&String> = matches.get_many::<String>("topic").into_iter().flatten().collect();
    if topic.first().is_some_and(|word| *word == "options") {
        output::lines(&texts::globals(&desk.words, grammar(&desk.words).get_name()))?;
        return Ok(0);
    }
    let mut root = grammar(&desk.words);
    root.build();
    let mut at = &mut root;
    for word in topic {
        let Some(inner) = at.find_subcommand_mut(word) else {
            let detail = desk.text("usage-unknown-verb", &[("name", word.clone())]);
            return Err(Error::new(Code::Usage).with("detail", detail));
        };
        at = inner;
    }
    output::lines(&[at.render_help().to_string().trim_end().to_owned()])?;
    Ok(0)
}

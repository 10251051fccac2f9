//! Progress bars, and the silence that replaces them where nobody looks.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use gapvault::answer::{NoProgress, Progress, Stage};
use gapvault::words::Words;
use indicatif::{ProgressBar, ProgressStyle};

/// The stages in the order of their texts.
const STAGES: [(Stage, &str); 17] = [
    (Stage::Reading, "stage-reading"),
    (Stage::Sealing, "stage-sealing"),
    (Stage::ReadingBack, "stage-reading-back"),
    (Stage::Opening, "stage-opening"),
    (Stage::Rewrapping, "stage-rewrapping"),
    (Stage::Rekeying, "stage-rekeying"),
    (Stage::Verifying, "stage-verifying"),
    (Stage::Replaying, "stage-replaying"),
    (Stage::Indexing, "stage-indexing"),
    (Stage::Bundling, "stage-bundling"),
    (Stage::Coding, "stage-coding"),
    (Stage::Writing, "stage-writing"),
    (Stage::Comparing, "stage-comparing"),
    (Stage::Copying, "stage-copying"),
    (Stage::Mending, "stage-mending"),
    (Stage::Unpacking, "stage-unpacking"),
    (Stage::Scanning, "stage-scanning"),
];

/// A bar if somebody watches standard error and wants one.
pub(crate) fn choose(words: &Words, wanted: bool) -> Box<dyn Progress> {
    if wanted && std::io::stderr().is_terminal() {
        let texts = STAGES.map(|(_, key)| words.text(key, &[]));
        Box::new(Bar { texts, left: words.text("stage-left", &[]), now: Mutex::new(None) })
    } else {
        Box::new(NoProgress)
    }
}

struct Bar {
    texts: [String; STAGES.len()],
    left: String,
    now: Mutex<Option<Now>>,
}

struct Now {
    bar: ProgressBar,
    counts_bytes: bool,
}

impl Bar {
    fn text(&self, stage: Stage) -> String {
        let mut texts = STAGES.iter().zip(&self.texts);
        texts.find(|((each, _), _)| *each == stage).map(|(_, text)| text.clone()).unwrap_or_default()
    }

    fn style(&self, known: bool, counts_bytes: bool) -> ProgressStyle {
        let count = if counts_bytes { "{bytes}" } else { "{human_pos}" };
        let total = if counts_bytes { "{total_bytes}" } else { "{human_len}" };
        let rate = if counts_bytes { "{binary_bytes_per_sec}" } else { "{per_sec}" };
        let template = if known {
            format!("{{msg}} [{{bar:30}}] {count}/{total}  {rate}  {} {{eta}}", self.left)
        } else {
            format!("{{msg}} {count}  {rate}")
        };
        ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ")
    }
}

impl Progress for Bar {
    fn begin(&self, stage: Stage, bytes: Option<u64>, items: Option<u64>) {
        let counts_bytes = bytes.is_some() || items.is_none();
        let total = bytes.or(items);
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        bar.set_style(self.style(total.is_some(), counts_bytes));
        bar.set_message(self.text(stage));
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Some(Now { bar, counts_bytes });
    }

    fn advance(&self, bytes: u64, items: u64) {
        if let Some(now) = self.now.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            now.bar.inc(if now.counts_bytes { bytes } else { items });
        }
    }

    fn end(&self) {
        if let Some(now) = self.now.lock().unwrap_or_else(PoisonError::into_inner).take() {
            now.bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gapvault::words::Lang;

    #[test]
    fn every_style_is_a_valid_template() {
        let words = Words::new(Lang::ZhTw);
        let texts = STAGES.map(|(_, key)| words.text(key, &[]));
        let bar = Bar { texts, left: words.text("stage-left", &[]), now: Mutex::new(None) };
        for (stage, key) in STAGES {
            assert_ne!(bar.text(stage), key);
            for (bytes, items) in [(None, None), (Some(5), None), (None, Some(5)), (Some(5), Some(1))] {
                bar.begin(stage, bytes, items);
                bar.advance(2, 1);
                let counts_bytes = bytes.is_some() || items.is_none();
                let position = bar.now.lock().unwrap().as_ref().unwrap().bar.position();
                assert_eq!(position, if counts_bytes { 2 } else { 1 });
                bar.end();
            }
        }
    }
}

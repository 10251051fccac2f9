//! Sessions at the terminal, word for word, in both languages.
//!
//! A line with `$` is typed; what follows is standard output, lines with `!` standard error, and a line with `=` an
//! exit code other than 0. Ids, digests, codes and dates stand under names; runs of spaces are one gap.

use unicode_width::UnicodeWidthStr as _;

use super::{ALONE, Bench};

const ODD: &str = "報\u{202e}告\u{1b}[31m.txt";

fn furnished() -> Bench {
    let bench = Bench::bare();
    bench.write("plan.txt", "network plan");
    bench.write("alone.toml", ALONE);
    bench.write("tree/會議紀錄 minutes.txt", "minutes");
    bench.write("tree/附件/a.txt", "a");
    std::os::unix::fs::symlink("/etc/passwd", bench.path("tree/link")).unwrap();
    bench.write(&format!("odd/{ODD}"), "odd");
    bench.write("big.bin", vec![7; 10_240]);
    bench
}

/// Words of a line as a shell takes them, with single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.last_mut().unwrap().push_str(part);
            continue;
        }
        for (number, piece) in part.split(' ').enumerate() {
            if number > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(piece);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Names for what differs from run to run.
#[derive(Default)]
struct Names {
    ids: Vec<String>,
}

impl Names {
    fn name(&mut self, id: &str) -> String {
        let known = self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        });
        format!("<id{}>", known + 1)
    }

    /// A typed line with the real ids.
    fn real(&self, line: &str) -> String {
        let ids = self.ids.iter().enumerate();
        ids.fold(line.to_owned(), |line, (at, id)| line.replace(&format!("<id{}>", at + 1), id))
    }

    fn plain(&mut self, line: &str, bench: &Bench) -> String {
        let line = line.replace(bench.here().to_str().unwrap(), "<here>");
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let mut out = String::new();
        let mut rest = line.as_str();
        while let Some(first) = rest.chars().next() {
            let run = rest.find(|c| !hex(c)).unwrap_or(rest.len());
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != ' ').unwrap_or(rest.len());
            if run == 32 || run == 16 {
                out.push_str(&self.name(&rest[..run]));
                rest = &rest[run..];
            } else if run == 2 && out.ends_with("/documents/") {
                out.push_str("<xx>");
                rest = &rest[run..];
            } else if run == 64 {
                out.push_str("<digest>");
                rest = &rest[run..];
            } else if run == 5 && rest[..digits].trim_end().len() == 29 {
                out.push_str("<code>");
                rest = &rest[29..];
            } else if let Some((date, length)) = date(rest) {
                out.push_str(date);
                rest = &rest[length..];
            } else {
                let step = run.max(first.len_utf8());
                out.push_str(&rest[..step]);
                rest = &rest[step..];
            }
        }
        gaps(&keys(&out))
    }
}

/// A date at the beginning of a text, and its length; with the year of the Republic only where it is right.
fn date(text: &str) -> Option<(&'static str, usize)> {
    let day = text.get(..10)?;
    let part = |range: std::ops::Range<usize>| day.get(range).and_then(|part| part.parse::<u32>().ok());
    let (year, month, dom) = (part(0..4)?, part(5..7)?, part(8..10)?);
    if day.as_bytes()[4] != b'-' || day.as_bytes()[7] != b'-' {
        return None;
    }
    let republic = format!("（民國{}年{month}月{dom}日）", year - 1911);
    let (name, start) = match text[10..].strip_prefix(&republic) {
        Some(_) => ("<date 民國>", 10 + republic.len()),
        None if text[10..].starts_with(' ') => ("<date>", 11),
        None => return None,
    };
    let clock = text.get(start..start + 5)?;
    (clock.as_bytes()[2] == b':').then_some((name, start + 5))
}

/// Public keys and the root of the log.
fn keys(line: &str) -> String {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let name = |word: &str| match word {
        _ if word.starts_with("age1") => "<recipient>".to_owned(),
        _ if word.contains('+') && word.starts_with("gapvault/") => "<verifier key>".to_owned(),
        _ if word.len() == 44 && word.strip_suffix('=').is_some_and(|body| body.chars().all(base64)) => {
            "<root>".to_owned()
        }
        _ => word.to_owned(),
    };
    line.split(' ').map(name).collect::<Vec<_>>().join(" ")
}

fn gaps(line: &str) -> String {
    let mut out = line.to_owned();
    while out.contains("   ") {
        out = out.replace("   ", "  ");
    }
    out
}

/// Plays the typed lines of a transcript; gives the transcript as it really is.
fn play(script: &str, lang: &str) -> String {
    let bench = furnished();
    let mut names = Names::default();
    let mut played = String::new();
    for typed in script.lines().filter_map(|line| line.strip_prefix("$ gapvault ")) {
        let said = bench.call(&words(&names.real(typed))).lang(lang).run();
        played.push_str(&format!("$ gapvault {typed}\n"));
        for line in said.out.lines() {
            played.push_str(&format!("{}\n", names.plain(line, &bench)));
        }
        for line in said.err.lines() {
            played.push_str(&format!("! {}\n", names.plain(line, &bench)));
        }
        if said.exit != 0 {
            played.push_str(&format!("= {}\n", said.exit));
        }
        played.push('\n');
    }
    bench.sound();
    played
}

fn compare(script: &str, what: &str, lang: &str) {
    let played = play(script, lang);
    if played == script {
        return;
    }
    let real = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{what}.{lang}.txt"));
    std::fs::write(&real, &played).unwrap();
    let differ = |(one, other): &(&str, &str)| one != other;
    let first = played.lines().zip(script.lines()).find(differ);
    panic!("{lang}: {first:?}\nthe whole as it really is: {}", real.display());
}

const EN: &str = include_str!("transcript.en.txt");
const ZH_TW: &str = include_str!("transcript.zh-TW.txt");
const GAP_EN: &str = include_str!("gap.en.txt");
const GAP_ZH_TW: &str = include_str!("gap.zh-TW.txt");

#[test]
fn a_working_day_in_english() {
    compare(EN, "transcript", "en");
}

#[test]
fn a_working_day_in_chinese() {
    compare(ZH_TW, "transcript", "zh-TW");
    assert_eq!(typed(EN), typed(ZH_TW));
}

/// What was typed in a transcript.
fn typed(script: &str) -> Vec<&str> {
    script.lines().filter(|line| line.starts_with('$')).collect()
}

#[test]
fn a_way_across_the_gap_in_english() {
    compare(GAP_EN, "gap", "en");
}

#[test]
fn a_way_across_the_gap_in_chinese() {
    compare(GAP_ZH_TW, "gap", "zh-TW");
    assert_eq!(typed(GAP_EN), typed(GAP_ZH_TW));
}

#[test]
fn columns_are_straight_beneath_chinese_headings_and_names() {
    let bench = furnished();
    bench.found();
    for (path, title) in [("plan.txt", "計畫書"), ("big.bin", "b"), ("odd", "")] {
        let title: &[&str] = if title.is_empty() { &[] } else { &["--title", title] };
        bench.call(&[&["seal", path, "--class", "critical"], title].concat()).ok();
    }
    for lang in ["en", "zh-TW"] {
        let said = bench.call(&["list"]).lang(lang).ok();
        let lines: Vec<&str> = said.out.lines().collect();
        assert_eq!(lines.len(), 4, "{}", said.out);
        let column = |line: &str, word: &str| {
            line.find(word).map(|at| line[..at].width()).unwrap_or_else(|| panic!("no {word}: {line}"))
        };
        let size = ["SIZE", "大小"].into_iter().find(|word| lines[0].contains(word)).unwrap();
        let title = ["TITLE", "標題"].into_iter().find(|word| lines[0].contains(word)).unwrap();
        for (line, bytes) in lines[1..].iter().zip(["12 B", "10.0 KiB", "3 B"]) {
            assert_eq!(column(line, bytes), column(lines[0], size), "{}", said.out);
        }
        assert_eq!(column(lines[1], "計畫書"), column(lines[0], title), "{}", said.out);
        assert!(lines[3].contains("報\\u{202e}告\\u{1b}[31m.txt"), "{}", said.out);
    }
    let report = bench.call(&["list", "--json"]).ok().json();
    assert_eq!(report["documents"][2]["name"], ODD);
}

use gapvault::encoding::base64_unpadded;

type Named = Vec<(&'static str, Vec<u8>)>;

const VERSION: &str = "age-encryption.org/v1\n";
const MAC: &str = "--- AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\n";

fn file(stanzas: &str) -> Vec<u8> {
    format!("{VERSION}{stanzas}{MAC}").into_bytes()
}

fn x25519() -> String {
    format!("-> X25519 {}\n{}\n", base64_unpadded(&[9; 32]), base64_unpadded(&[8; 32]))
}

fn hybrid() -> String {
    format!("-> mlkem768x25519 {}\n{}\n", base64_unpadded(&[9; 1120]), base64_unpadded(&[8; 32]))
}

fn scrypt(factor: &str) -> String {
    format!("-> scrypt {} {factor}\n{}\n", base64_unpadded(&[9; 16]), base64_unpadded(&[8; 32]))
}

pub(super) fn headers() -> Named {
    let (full, x25519) = ("A".repeat(64), x25519());
    let named = [
        ("small", "-> a\n\n".to_owned()),
        ("args", "-> a b !~ cd\nAAAA\n".to_owned()),
        ("x25519", x25519.clone()),
        ("x25519-two", format!("{x25519}{x25519}-> g-grease !\nAA\n")),
        ("x25519-short-share", "-> X25519 AAAA\nAAAA\n".to_owned()),
        ("x25519-two-args", x25519.replace("X25519 ", "X25519 x ")),
        ("hybrid", hybrid()),
        ("hybrid-and-x25519", format!("{}{x25519}", hybrid())),
        ("scrypt", scrypt("10")),
        ("scrypt-30", scrypt("30")),
        ("scrypt-leading-zero", scrypt("010")),
        ("scrypt-not-alone", format!("{}{x25519}", scrypt("10"))),
        ("full-line", format!("-> a\n{full}\n\n")),
        ("two-lines", format!("-> a\n{full}\n{full}\nAA\n-> b\n\n")),
        ("old-empty", "-> a\n".to_owned()),
        ("old-full", format!("-> a\n{full}\n-> b\n{full}\n")),
        ("old-and-new", format!("-> a\n-> b\n\n-> c\n{full}\nAA\n")),
        ("line-too-long", format!("-> a\n{full}A\n\n")),
        ("padded", "-> a\nAA==\n".to_owned()),
        ("trailing-bits", "-> a\nAB\n".to_owned()),
        ("empty-arg", "-> a  b\n\n".to_owned()),
        ("crlf", "-> a\r\n\n".to_owned()),
        ("none", String::new()),
        ("most", "-> a\n\n".repeat(1024)),
        ("one-too-many", "-> a\n\n".repeat(1025)),
    ];
    let mut seeds: Named = named.into_iter().map(|(name, stanzas)| (name, file(&stanzas))).collect();
    seeds.push(("payload", [file(&x25519), vec![0xff; 300]].concat()));
    seeds.push(("cut", file(&x25519)[..90].to_vec()));
    seeds.push(("version-2", b"age-encryption.org/v2\n-> a\n\n".to_vec()));
    seeds.push(("mac-padded", format!("{VERSION}-> a\n\n{}=\n", MAC.trim_end()).into_bytes()));
    seeds
}

/// In the form that the target cuts: tag, number of words, words, body.
struct Form(Vec<u8>);

impl Form {
    fn new(tag: u8, words: &[&str]) -> Self {
        let mut out = vec![tag, 0];
        // A tag of its own is the first word.
        let own = usize::from(tag & 7 > 4);
        out[1] = (words.len() - own) as u8;
        for word in words {
            out.extend_from_slice(&(word.len() as u16).to_be_bytes());
            out.extend_from_slice(word.as_bytes());
        }
        Self(out)
    }

    fn body(mut self, body: &[u8]) -> Vec<u8> {
        self.0.extend_from_slice(&(body.len() as u16).to_be_bytes());
        self.0.extend_from_slice(body);
        self.0
    }
}

pub(super) fn stanzas() -> Named {
    let (share, salt) = (base64_unpadded(&[9; 32]), base64_unpadded(&[9; 16]));
    let enc = base64_unpadded(&[9; 1120]);
    let own = |body: &[u8]| Form::new(5, &["tag", "arg"]).body(body);
    vec![
        ("x25519", Form::new(0, &[&share]).body(&[1; 32])),
        ("x25519-long-body", Form::new(0, &[&share]).body(&[1; 33])),
        ("x25519-no-share", Form::new(0, &[]).body(&[1; 32])),
        ("scrypt", Form::new(1, &[&salt, "18"]).body(&[1; 32])),
        ("scrypt-leading-zero", Form::new(1, &[&salt, "018"]).body(&[1; 32])),
        ("hybrid", Form::new(2, &[&enc]).body(&[1; 32])),
        ("meta", Form::new(3, &[]).body(&[1; 200])),
        ("pad", Form::new(4, &["000"]).body(&[])),
        ("own-empty", own(&[])),
        ("own-line", own(&[2; 48])),
        ("own-two-lines", own(&[2; 96])),
        ("own-odd", own(&[2; 49])),
        ("raw", Form::new(0xf5, &["tag", "two words"]).body(&[3; 10])),
        ("raw-empty", Form::new(0xf5, &["", ""]).body(&[])),
        ("three", [own(&[1; 5]), own(&[2; 48]), Form::new(0, &[&share]).body(&[1; 32])].concat()),
        ("scrypt-not-alone", [own(&[1; 5]), Form::new(1, &[&salt, "18"]).body(&[1; 32])].concat()),
    ]
}

pub(super) fn streams() -> Named {
    // Kind, chunks, some bytes, more or less of them, nonce; then edits: kind, chunk, offset, two numbers.
    let sound = |chunks: u8, few: u8, sign: u8| vec![1, chunks, few, sign, 4];
    let edited = |chunks: u8, edit: &[u8]| [sound(chunks, 100, 1), edit.to_vec()].concat();
    vec![
        ("raw", vec![0; 100]),
        ("raw-short", vec![0; 10]),
        ("empty", sound(0, 0, 0)),
        ("small", sound(0, 50, 1)),
        ("chunk", sound(1, 0, 0)),
        ("chunk-less", sound(1, 1, 2)),
        ("chunk-more", sound(1, 1, 1)),
        ("group", sound(8, 0, 0)),
        ("group-more", sound(8, 1, 1)),
        ("two-groups", sound(16, 0, 0)),
        ("most", sound(17, 255, 1)),
        ("flipped", edited(2, &[0, 1, 0, 40, 3, 0])),
        ("flipped-back", edited(0, &[0, 0, 0, 40, 3, 0, 0, 0, 0, 40, 3, 0])),
        ("cut-at-border", edited(9, &[1, 8, 0, 0, 0, 0])),
        ("cut-before-border", edited(9, &[1, 8, 0, 33, 0, 0])),
        ("inserted", edited(1, &[2, 1, 0, 2, 0, 7])),
        ("removed", edited(1, &[3, 0, 0, 2, 5, 0])),
        ("doubled", edited(3, &[4, 0, 0, 0, 1, 2])),
        ("swapped", edited(10, &[5, 0, 0, 0, 0, 9])),
        ("appended", edited(1, &[6, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3])),
        ("appended-to-full", [sound(2, 0, 0), vec![6, 0, 0, 0, 0, 0, 0, 1, 9]].concat()),
    ]
}

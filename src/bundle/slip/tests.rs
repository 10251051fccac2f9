use super::*;
use unicode_width::UnicodeWidthStr as _;

fn slip() -> Slip {
    Slip {
        bundle: BundleId([0x3f; 16]),
        number: 42,
        attempt: 1,
        medium: 2,
        volumes: "v0001–v0010, p0001".into(),
        volumes_total: 12,
        bytes: 4_294_967_295,
        sender: VaultId([0xa1; 32]),
        sender_name: "某機關公文保管庫".into(),
        receiver: VaultId([0xb2; 32]),
        receiver_name: "隔離區保管庫".into(),
        created: "2026-11-26T22:01:59.999Z".parse().unwrap(),
        not_after: "2026-12-10T22:01:00.000Z".parse().unwrap(),
        prepared_by: "王小明".into(),
        approved_by: vec!["李美玲".into(), "Chen Ta-wei".into()],
        device: Some(Device {
            model: Some("Ultra Fit".into()),
            serial: Some("4C530001".into()),
            removable: Some(true),
        }),
        code: Code::of(&[0x5a; 32]),
    }
}

/// As much as a sheet can hold, from somebody who means harm.
fn hostile() -> Slip {
    let name = "</td><script>'x'</script>\"&\u{1b}[31m\u{202e}".repeat(30);
    let label = "\r\n核准人 Approved by: me\t\u{200b}\u{0}王".repeat(30);
    Slip {
        number: u64::MAX,
        attempt: u32::MAX,
        medium: u32::MAX,
        volumes: "v0001–v9999, ".repeat(30),
        volumes_total: u32::MAX,
        bytes: u64::MAX,
        sender_name: name.clone(),
        receiver_name: "王".repeat(1000),
        prepared_by: label.clone(),
        approved_by: vec![label.clone(); 40],
        device: Some(Device {
            model: Some(label),
            serial: Some(format!("{{$serial}}{name}")),
            removable: Some(false),
        }),
        ..slip()
    }
}

fn checkpoint() -> CheckpointPaper {
    CheckpointPaper {
        note: note(700),
        origin: "gapvault/3f3f3f3f3f3f3f3f/1".into(),
        size: 1042,
        root: "/piN/jkgFK7GBY0LDSbOeMRSuwZBBhLsAWRr7ba+/m4=".into(),
        keys: vec![
            "gapvault/3f3f3f3f3f3f3f3f/1+5d73afd7+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU".into(),
        ],
        created: "2026-11-26T22:01:59.999Z".parse().unwrap(),
    }
}

fn receipt() -> ReceiptPaper {
    ReceiptPaper {
        receipt_note: note(1500),
        bundle: BundleId([0x3f; 16]),
        number: 42,
        attempt: 1,
        verdict: ReceiptVerdict::Accepted,
        receiver_name: "隔離區保管庫".into(),
        sender_name: "某機關公文保管庫".into(),
        created: "2026-11-27T01:30:00.000Z".parse().unwrap(),
        signed_by: "林匯入".into(),
        damaged: Vec::new(),
    }
}

fn hostile_receipt() -> ReceiptPaper {
    ReceiptPaper {
        receipt_note: note(2953),
        verdict: ReceiptVerdict::Refused,
        number: u64::MAX,
        attempt: u32::MAX,
        receiver_name: hostile().sender_name,
        sender_name: hostile().receiver_name,
        signed_by: hostile().prepared_by,
        damaged: hostile().approved_by,
        ..receipt()
    }
}

/// Something like a signed note of so many bytes, which does not repeat.
fn note(len: usize) -> String {
    let mut text = "gapvault-receipt/v1\n隔離區 — accepted\n".to_owned();
    let mut number = 1_u32;
    while text.len() < len {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push(char::from_digit(number >> 28, 16).unwrap());
    }
    text
}

fn pages() -> Vec<String> {
    let receipts = [receipt(), hostile_receipt()];
    let mut pages = vec![slip().html(), hostile().html()];
    pages.extend(receipts.iter().map(|receipt| receipt.html().unwrap()));
    pages.push(checkpoint().html().unwrap());
    pages
}

#[test]
fn the_text_slip_reads_as_it_always_did() {
    assert_eq!(slip().text(), GOLDEN);
}

#[test]
fn a_page_fetches_nothing_and_runs_nothing() {
    for page in pages() {
        assert!(page.contains(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
             'unsafe-inline'; img-src data:\">"
        ));
        for bad in [
            "<script", "http:", "https:", "//", "src=", "href=", "url(", "@import", "<link", "<iframe",
            "onload",
        ] {
            assert!(!page.contains(bad), "{bad}");
        }
    }
}

#[test]
fn hostile_names_are_shown_and_not_done() {
    for page in pages().into_iter().chain([hostile().text()]) {
        for bad in ['\u{1b}', '\r', '\t', '\u{202e}', '\u{200b}', '\u{0}'] {
            assert!(!page.contains(bad), "{bad:?}");
        }
    }
    let html = hostile().html();
    assert!(
        html.contains(
            "&#60;/td&#62;&#60;script&#62;&#39;x&#39;&#60;/script&#62;&#34;&#38;\\u{1b}[31m\\u{202e}"
        )
    );
    // As many cells as on an honest slip.
    assert_eq!(html.matches("</td>").count(), slip().html().matches("</td>").count());
    assert!(html.contains("{$serial}"), "a fact that looks like a placeholder stays as it is");
    // A label begins a line in the first column; a value never does.
    let text = hostile().text();
    assert_eq!(text.lines().filter(|line| line.starts_with("核准人")).count(), 1);
    assert!(text.contains("\\u{1b}[31m"));
}

#[test]
fn no_line_of_the_text_is_wider_than_72_columns() {
    for text in [slip().text(), hostile().text(), Slip { device: None, approved_by: vec![], ..slip() }.text()]
    {
        for line in text.lines() {
            assert!(line.width_cjk() <= 72, "{} {line}", line.width_cjk());
            assert_eq!(line, line.trim_end());
        }
    }
}

#[test]
fn the_sheet_stays_one_whatever_is_written_on_it() {
    assert!(hostile().text().lines().count() < 110);
    assert!(hostile().html().len() < 60_000);
    assert!(hostile().text().contains("另有 34 筆"));
    assert!(hostile().text().contains("and 34 more"));
    assert!(hostile_receipt().html().unwrap().contains("and 32 more"));
}

#[test]
fn everything_stands_in_both_languages() {
    let words = Catalogues::new();
    let catalogue = include_str!("../../words/en.ftl");
    let keys = catalogue.lines().filter_map(|line| line.split_once(" =")).map(|(key, _)| key);
    let mut pages = pages().concat() + &Slip { device: None, approved_by: vec![], ..slip() }.html();
    for word in ["accepted", "quarantine", "rejected", "damaged", "refused"] {
        let verdict: ReceiptVerdict = word.parse().unwrap();
        assert_eq!(verdict.as_str(), word);
        pages += &ReceiptPaper { verdict, ..receipt() }.html().unwrap();
    }
    let mut seen = 0;
    for key in keys.filter(|key| key.starts_with("paper-")) {
        let both = words.with(key, &[("count", "34".into())]);
        assert!(pages.contains(&both.zh), "{key}");
        assert!(pages.contains(&both.en), "{key}");
        seen += 1;
    }
    assert!(seen > 50);
    assert_eq!("lost".parse::<ReceiptVerdict>(), Err(BadVerdict));
}

#[test]
fn a_slip_names_what_is_compared_and_who_was_there() {
    let html = slip().html();
    for wanted in [
        "<html lang=\"zh-Hant-TW\">",
        "<div><h1>移轉單<span lang=\"en\">Transfer slip</span></h1>",
        "<th scope=\"row\" role=\"rowheader\">通道序號<span lang=\"en\">Channel number</span></th>",
        "2026-11-26 22:01 UTC",
        "2026-12-10 22:01 UTC",
        "a1a1a1a1a1a1a1a1<",
        "b2b2b2b2b2b2b2b2<",
        "3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f",
        "4,294,967,295 B (3.9 GiB)",
        "v0001–v0010, p0001",
        "王小明",
        "李美玲",
        "Chen Ta-wei",
        "4C530001",
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
    for group in slip().code.to_string().split(' ') {
        assert!(html.contains(&format!("<span>{group}</span>")));
    }
}

#[test]
fn the_slips_qr_code_says_which_medium_and_code() {
    let scanned = slip().scanned();
    let code = slip().code.to_string().replace(' ', "");
    assert_eq!(scanned, format!("gapvault-slip/v1 3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f 42 1 2 {code}"));
    assert!(slip().html().contains(&qr_svg(scanned.as_bytes()).unwrap()));
    assert_eq!(hostile().scanned().len(), 118);
}

#[test]
fn a_receipt_that_fits_no_qr_code_is_none() {
    let receipt = ReceiptPaper { receipt_note: "n".repeat(2953), ..receipt() };
    assert!(receipt.html().is_some());
    assert!(ReceiptPaper { receipt_note: "n".repeat(2954), ..receipt }.html().is_none());
}

#[test]
fn thousands_are_parted() {
    assert_eq!(bytes(0), "0 B");
    assert_eq!(bytes(999), "999 B");
    assert_eq!(bytes(1000), "1,000 B");
    assert_eq!(bytes(1_048_576), "1,048,576 B (1.0 MiB)");
}

/// Writes the pages to a folder, to be looked at: `GAPVAULT_PAPER=DIR cargo test --lib slip -- --ignored`.
#[test]
#[ignore = "writes files for the eye"]
fn write_pages() {
    let dir = std::path::PathBuf::from(std::env::var_os("GAPVAULT_PAPER").unwrap());
    for (name, page) in ["slip", "slip-full", "receipt", "receipt-full", "checkpoint"].iter().zip(pages()) {
        std::fs::write(dir.join(format!("{name}.html")), page).unwrap();
    }
    std::fs::write(dir.join("slip.txt"), slip().text()).unwrap();
    std::fs::write(dir.join("slip-full.txt"), hostile().text()).unwrap();
    std::fs::write(dir.join("note-1500"), note(1500)).unwrap();
    std::fs::write(dir.join("note-2953"), note(2953)).unwrap();
}

const GOLDEN: &str = "\
移轉單
Transfer slip
========================================================================

核對碼 Code

    23988  69426  33203  47417  21690

通道序號 Channel number       42
第幾次寫出 Attempt            1
移轉包代號 Bundle             3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f
發送端保管庫 Sending vault    某機關公文保管庫
                              a1a1a1a1a1a1a1a1
接收端保管庫 Receiving vault  隔離區保管庫
                              b2b2b2b2b2b2b2b2
製作時間 Made                 2026-11-26 22:01 UTC
有效期限 Valid until          2026-12-10 22:01 UTC
第幾件媒體 Medium             2
大小 Size                     4,294,967,295 B (3.9 GiB)
本媒體分卷 Volumes here       v0001–v0010, p0001
分卷總數 Volumes in all       12
媒體裝置 Device               Ultra Fit, S/N 4C530001
                              可卸除 removable
製作人 Prepared by            王小明
核准人 Approved by            李美玲
                              Chen Ta-wei

注意事項 What to do
1. 匯入前，請將上列核對碼與 gapvault bundle verify 或 gapvault import 畫
   面所示核對碼逐字比對；25 位數字完全相同，始得匯入。
   Before importing, compare the code above with the code that gapvault
   bundle verify or gapvault import shows on the screen. Import only if
   all 25 digits are the same.
2. 如有不符，請勿匯入；保留媒體及本單，並通報資通安全長。
   If they differ, do not import. Keep the medium and this slip, and
   tell the security officer.
3. 媒體如有遺失，請立即通報資通安全長。
   If the medium is lost, tell the security officer at once.

簽署 Signatures

交付人 Handed over by
簽名 Signature ____________________  日期時間 Date and time ____________

傳遞人員 Courier
簽名 Signature ____________________  日期時間 Date and time ____________

監交人 Supervised by
簽名 Signature ____________________  日期時間 Date and time ____________

簽收人（匯入人員） Received by (import operator)
簽名 Signature ____________________  日期時間 Date and time ____________

本單不載任何文件之標題、等級及內容。
This slip names no title, class or content of any document.
";

//! The paper that goes with a medium across the gap, and the receipt that comes back.
//!
//! Paper is for people: it says which medium this is, what to compare and who had it in hand. It names no title, class
//! or content, and nothing on it is evidence but the signed receipt in its QR code.

mod checkpoint;
mod columns;
mod qr;
mod receipt;
mod sheet;
#[cfg(test)]
mod tests;

pub use checkpoint::CheckpointPaper;
pub use qr::qr_svg;
pub use receipt::{BadVerdict, ReceiptPaper, ReceiptVerdict};

use sheet::{Catalogues, Fact, Kind, Line, Sheet, utc};

use crate::id::{BundleId, Code, VaultId};
use crate::time::Timestamp;
use crate::words::screen;

/// Names are cut to this many columns, so that the sheet stays one.
const NAME: usize = 64;
/// Names of people, likewise.
const PERSON: usize = 36;
/// What names a device, likewise.
const SHORT: usize = 40;
/// The list of volumes, likewise.
const VOLUMES: usize = 96;
/// The first so many who approved are named.
const APPROVALS: usize = 6;
/// Hex digits of a vault id that are printed.
const VAULT_DIGITS: usize = 16;
/// Printed width of the slip's QR code, in millimetres.
const QR_MM: usize = 34;

const KIND: Kind = Kind {
    title: "paper-slip-title",
    scan: "paper-slip-scan",
    steps: &["paper-slip-compare", "paper-slip-differs", "paper-slip-lost"],
    signatures: &["paper-sign-handed", "paper-sign-courier", "paper-sign-supervising", "paper-sign-received"],
    silent: "paper-slip-silent",
};

/// What is known of the medium as a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The maker's name for it.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Whether the system calls it removable.
    pub removable: Option<bool>,
}

/// What is printed on the slip of one medium. Names are shown harmless; those of vaults are cut to 64 columns, those
/// of people to 36.
#[derive(Debug, Clone)]
pub struct Slip {
    /// The bundle.
    pub bundle: BundleId,
    /// Its number in the channel.
    pub number: u64,
    /// Which writing of the bundle this is.
    pub attempt: u32,
    /// Which medium of this attempt.
    pub medium: u32,
    /// The volumes and parity that lie on this medium, as `v0001–v0010, p0001`; cut to 96 columns.
    pub volumes: String,
    /// Volumes of the whole bundle.
    pub volumes_total: u32,
    /// Bytes on this medium.
    pub bytes: u64,
    /// The sending vault.
    pub sender: VaultId,
    /// Its name.
    pub sender_name: String,
    /// The receiving vault.
    pub receiver: VaultId,
    /// Its name.
    pub receiver_name: String,
    /// When the bundle was made.
    pub created: Timestamp,
    /// When it is no longer to be imported.
    pub not_after: Timestamp,
    /// Who prepared it.
    pub prepared_by: String,
    /// Who approved it; the first six are named.
    pub approved_by: Vec<String>,
    /// The medium as a device, where known.
    pub device: Option<Device>,
    /// The manifest's code.
    pub code: Code,
}

impl Slip {
    /// One HTML file in both languages for one sheet of A4: no script, and nothing is fetched.
    pub fn html(&self) -> String {
        self.sheet().html()
    }

    /// Plain text in both languages, at most 72 columns wide, without the QR code.
    pub fn text(&self) -> String {
        self.sheet().text()
    }

    /// What the QR code says: `gapvault-slip/v1 BUNDLE NUMBER ATTEMPT MEDIUM CODE`.
    fn scanned(&self) -> String {
        let code = self.code.to_string().replace(' ', "");
        let Self { bundle, number, attempt, medium, .. } = self;
        format!("gapvault-slip/v1 {bundle} {number} {attempt} {medium} {code}")
    }

    fn sheet(&self) -> Sheet {
        let words = Catalogues::new();
        Sheet {
            code: self.code.to_string().split(' ').map(str::to_owned).collect(),
            // At most 118 bytes, which always fit.
            qr: qr_svg(self.scanned().as_bytes()).unwrap_or_default(),
            qr_mm: QR_MM,
            ..KIND.sheet(&words, self.rows(&words))
        }
    }

    fn rows(&self, words: &Catalogues) -> Vec<Vec<Fact>> {
        vec![
            vec![
                words.plain("paper-number", self.number.to_string()),
                words.plain("paper-attempt", self.attempt.to_string()),
            ],
            vec![words.fact("paper-bundle", vec![Line::Id(self.bundle.to_string())])],
            vec![
                words.fact("paper-sender", vault(&self.sender_name, &self.sender)),
                words.fact("paper-receiver", vault(&self.receiver_name, &self.receiver)),
            ],
            vec![
                words.plain("paper-created", utc(self.created)),
                words.plain("paper-not-after", utc(self.not_after)),
            ],
            vec![
                words.plain("paper-medium", self.medium.to_string()),
                words.plain("paper-bytes", bytes(self.bytes)),
            ],
            vec![
                words.fact("paper-volumes", vec![Line::free(&self.volumes, VOLUMES)]),
                words.plain("paper-volumes-total", self.volumes_total.to_string()),
            ],
            vec![
                words.fact("paper-device", device(words, self.device.as_ref())),
                words.fact("paper-prepared-by", vec![Line::free(&self.prepared_by, PERSON)]),
            ],
            vec![words.fact("paper-approved-by", words.people(&self.approved_by, APPROVALS))],
        ]
    }
}

fn vault(name: &str, id: &VaultId) -> Vec<Line> {
    vec![Line::free(name, NAME), Line::Id(id.to_string().chars().take(VAULT_DIGITS).collect())]
}

fn device(words: &Catalogues, device: Option<&Device>) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(device) = device {
        let model = device.model.iter().map(|model| columns::cut(model, SHORT));
        let serial = device.serial.iter().map(|serial| format!("S/N {}", columns::cut(serial, SHORT)));
        let name = model.chain(serial).collect::<Vec<_>>().join(", ");
        lines.extend((!name.is_empty()).then_some(Line::Plain(name)));
        let removable = |yes| if yes { "paper-device-removable" } else { "paper-device-fixed" };
        lines.extend(device.removable.map(|yes| words.one_line(removable(yes))));
    }
    if lines.is_empty() { vec![words.one_line("paper-unknown")] } else { lines }
}

/// Bytes with their thousands parted, and in a unit that people use.
fn bytes(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if bytes < 1024 { format!("{out} B") } else { format!("{out} B ({})", screen::size(bytes)) }
}

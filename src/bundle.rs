//! What crosses the gap: a signed manifest, volumes with parity, an inner archive, a paper slip. Pure, or over `Read` and
//! `Write`.

mod archive;
mod card;
mod inner;
mod judge;
mod known;
mod manifest;
mod parity;
mod peer;
mod ranges;
mod receipt;
#[cfg(test)]
mod scene;
mod slip;
mod volume;
mod witness;

pub use archive::{Announced, ArchiveError, ArchiveSource, NextDocument, Unpack, Unpacker};
pub use card::{BadCard, CARD_KIND, CARD_LIMIT, CardNotes, VaultCard};
pub use inner::{ARCHIVE_LIMIT, DOCUMENT_LIMIT, INNER_LIMIT, INNER_SCHEMA, Inner, InnerDocument, padme};
pub use judge::{Check, Evidence, Judged, Ledger, Outcome, Receiver, Refusal, judge, sender_rules};
pub use known::{BadChain, Known};
pub use manifest::{
    Attempt, BUNDLE_KIND, Core, FILE_LEN_LIMIT, FileLine, Link, MANIFEST_NAME, Manifest, NUMBER_LIMIT,
    SLIP_NAMES, claimed, is_file_name,
};
pub use parity::{
    Bad, MAX_MEMORY, MAX_THREADS, MendError, MendSink, ParitySink, Progress, ReadSlice, check, encode,
    is_mendable, mend,
};
pub use peer::{PEER_KIND, Peer};
pub use ranges::{BadRanges, Ranges};
pub use receipt::{
    DAMAGED_LIMIT, RECEIPT_KIND, RECEIPT_LIMIT, RECEIPT_LOG_KEY_PREFIX, RECEIPT_NAME, RECEIPT_POLICY_NAME,
    RECEIPT_RESUME_PREFIX, RECEIPT_ROSTER_PREFIX, Receipt, Verdict, Witnessed, is_answer,
};
pub use slip::{
    BadVerdict, CheckpointPaper, Device as SlipDevice, ReceiptPaper, ReceiptVerdict, Slip, qr_svg,
};
pub use volume::{
    BLOCK_LEN, BadSlice, COLUMN_LEN, FEWEST_VOLUMES, HEAD_LEN, Head, MAX_SHARDS_LEN, MAX_VOLUMES, Plan,
    PlanError, Shards, SliceName,
};
pub use witness::{Found, WITNESS_LIMIT, WitnessRequest};

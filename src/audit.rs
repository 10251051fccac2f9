//! What an auditor asks of a log: is it what was signed, who did what, and what of that is odd. Pure: entries, checkpoints
//! and keys in, judgements out.
//!
//! - [`Judge`]: does the log say what its signers signed? [`Reading`] feeds it from the log's files, ahead on all processors.
//! - [`Quorum`]: whose signatures are enough?
//! - [`findings`]: what somebody should look at, by named rules.
//! - [`Query`], [`sample`]: which entries somebody wants to see; [`forms`]: as other programs read them.
//! - [`tally`]: what the entries say, counted; [`report`]: all of it together; [`page`]: the same as a page for people.

mod ahead;
pub mod findings;
pub mod forms;
mod judge;
mod notes;
pub mod page;
mod people;
mod query;
mod question;
mod quorum;
mod reading;
pub mod report;
pub mod sample;
mod standing;
pub mod tally;

pub use judge::{Examined, Judge, Judgement, Known, Problem};
pub use notes::{Notes, ReadAt};
pub use people::{NotFound, People};
pub use query::Query;
pub use question::{Answer, Question};
pub use quorum::{BadPolicy, POLICY_LIMIT, Quorum};
pub use reading::{LogFiles, Reading, Told};
pub use standing::Standing;

//! What somebody does who can write in the vault's folder, in the host's state, or in both.
//!
//! After each attack the judges speak: an error with its code, or findings. What they let pass is listed where it is
//! let pass, with the reason.

mod bytes;
mod copies;
mod documents;
mod index;
pub(crate) mod records;
pub(crate) mod scene;

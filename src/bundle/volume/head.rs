use std::str::FromStr;

use super::{HEAD_LEN, MAX_VOLUMES, Plan, SliceName};
use crate::id::BundleId;

const KIND: &str = "gapvault.volume/v1";

/// What stands before the body in a slice's file: one line of 128 bytes, so that a person with `tail -c +129` has the
/// body.
///
/// ```text
/// gapvault.volume/v1 <bundle> <attempt> <slice> <volumes> <parity> <length of this slice's body>
/// ```
///
/// It ends in spaces and a newline. Nobody signs it, and it needs no digest: the signed manifest says what it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The bundle that it belongs to.
    pub bundle: BundleId,
    /// Which sending of the bundle, from 1.
    pub attempt: u32,
    /// Which slice it is.
    pub slice: SliceName,
    /// How many volumes there are.
    pub volumes: u32,
    /// How many slices of parity there are.
    pub parity: u32,
    /// Length of the body in this file.
    pub body_len: u64,
}

impl Head {
    /// Length of a head.
    pub const LEN: usize = HEAD_LEN as usize;

    /// The head of a slice, counted from 0; `None` when the plan has no such slice.
    pub fn of(plan: &Plan, bundle: BundleId, attempt: u32, slice: u32) -> Option<Self> {
        Some(Self {
            bundle,
            attempt,
            slice: plan.slice(slice)?,
            volumes: plan.volumes(),
            parity: plan.parity(),
            body_len: plan.body_len_of(slice),
        })
    }

    /// The line.
    pub fn print(&self) -> [u8; Self::LEN] {
        let Self { bundle, attempt, slice, volumes, parity, body_len } = self;
        let line = format!("{KIND} {bundle} {attempt} {slice} {volumes} {parity} {body_len}");
        let mut out = [b' '; Self::LEN];
        // The longest numbers make a line of 111 bytes.
        out.iter_mut().zip(line.bytes()).for_each(|(to, from)| *to = from);
        if let Some(last) = out.last_mut() {
            *last = b'\n';
        }
        out
    }

    /// Reads a line that prints as it was; `None` for any other, and for numbers that no bundle has.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.get(..Self::LEN)?).ok()?;
        let mut parts = text.trim_end().split(' ');
        let kind = parts.next()?;
        let head = Self {
            bundle: read(&mut parts)?,
            attempt: read(&mut parts)?,
            slice: read(&mut parts)?,
            volumes: read(&mut parts)?,
            parity: read(&mut parts)?,
            body_len: read(&mut parts)?,
        };
        let counted = |count: u32| (1..=MAX_VOLUMES).contains(&count);
        let most = if head.slice.is_parity() { head.parity } else { head.volumes };
        let sound = counted(head.volumes) && counted(head.parity) && head.slice.number() <= most;
        (kind == KIND && sound && head.body_len > 0 && head.print() == bytes).then_some(head)
    }
}

fn read<'a, T: FromStr>(parts: &mut impl Iterator<Item = &'a str>) -> Option<T> {
    parts.next()?.parse().ok()
}

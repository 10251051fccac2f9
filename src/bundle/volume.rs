//! How one body is cut into volumes and parity, what stands at the head of each slice, and the digests of its blocks.

mod head;
mod shards;
mod slice;

pub use head::Head;
pub use shards::Shards;
pub use slice::{BadSlice, SliceName};

/// Length of what stands before the body in every slice's file.
pub const HEAD_LEN: u64 = 128;
/// Length of a block, of which each has a digest. The last one of a slice may be shorter.
pub const BLOCK_LEN: u64 = 1 << 20;
/// Slices have a length that is a multiple of this: the code works on columns of so many bytes.
pub const COLUMN_LEN: u64 = 64;
/// As many volumes as there are at least, unless the body is shorter than so many columns. One volume of parity is then
/// a tenth of the body at most.
pub const FEWEST_VOLUMES: u32 = 10;
/// Most volumes, and most slices of parity: their names have four digits.
pub const MAX_VOLUMES: u32 = 9999;
/// Longest file of digests.
pub const MAX_SHARDS_LEN: u64 = 64 << 20;
/// Bytes of one digest in that file.
const DIGEST_LEN: u64 = 32;

/// Why a body cannot be cut in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing to cut.
    #[error("there is nothing to cut into volumes")]
    Empty,
    /// A volume has its head and at least one column.
    #[error("a volume of {most} bytes is too small, {least} is the least")]
    VolumeTooSmall {
        /// What a volume should have at most.
        most: u64,
        /// What it must be allowed to have.
        least: u64,
    },
    /// Parity is between 0 and 100 per cent.
    #[error("{0} per cent of parity is more than 100")]
    Percent(u32),
    /// More volumes than can be named.
    #[error("{needed} volumes would be needed, {most} is the most")]
    TooManyVolumes {
        /// How many it would take.
        needed: u64,
        /// [`MAX_VOLUMES`].
        most: u32,
    },
    /// More blocks than their digests have room for.
    #[error("volumes and parity would have {blocks} blocks, {most} is the most")]
    TooManyBlocks {
        /// How many there would be.
        blocks: u64,
        /// How many fit into [`MAX_SHARDS_LEN`].
        most: u64,
    },
}

/// How a body is cut: `volumes` slices of it, all of `slice_len` bytes but the last one, which may be shorter, and
/// `parity` slices of `slice_len` bytes. Slices are counted from 0, volumes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    body_len: u64,
    slice_len: u64,
    volumes: u32,
    parity: u32,
    /// [`BLOCK_LEN`], except in tests.
    block_len: u64,
}

impl Plan {
    /// Cuts a body into volumes of one length, whose files have at most `most` bytes, and `percent` of them parity, rounded
    /// up: never less than one.
    ///
    /// # Errors
    /// Every [`PlanError`].
    pub fn new(body_len: u64, most: u64, percent: u32) -> Result<Self, PlanError> {
        if body_len == 0 {
            return Err(PlanError::Empty);
        }
        if percent > 100 {
            return Err(PlanError::Percent(percent));
        }
        let room = most.saturating_sub(HEAD_LEN) / COLUMN_LEN * COLUMN_LEN;
        if room == 0 {
            return Err(PlanError::VolumeTooSmall { most, least: HEAD_LEN + COLUMN_LEN });
        }
        let slice_len = cut(body_len, room);
        let needed = body_len.div_ceil(slice_len);
        let too_many = PlanError::TooManyVolumes { needed, most: MAX_VOLUMES };
        let volumes = u32::try_from(needed).ok().filter(|count| *count <= MAX_VOLUMES).ok_or(too_many)?;
        let parity = (volumes * percent).div_ceil(100).max(1);
        let plan = Self { body_len, slice_len, volumes, parity, block_len: BLOCK_LEN };
        let (blocks, most) = (plan.total_blocks(), MAX_SHARDS_LEN / DIGEST_LEN);
        if blocks > most { Err(PlanError::TooManyBlocks { blocks, most }) } else { Ok(plan) }
    }

    /// The plan with these numbers, as they came from outside; `None` unless they fit together and keep the limits.
    pub fn from_parts(body_len: u64, slice_len: u64, volumes: u32, parity: u32) -> Option<Self> {
        let whole = slice_len > 0 && slice_len.is_multiple_of(COLUMN_LEN) && body_len > 0;
        let counts = (1..=MAX_VOLUMES).contains(&volumes) && (1..=MAX_VOLUMES).contains(&parity);
        if !whole || !counts || body_len.div_ceil(slice_len) != u64::from(volumes) {
            return None;
        }
        let plan = Self { body_len, slice_len, volumes, parity, block_len: BLOCK_LEN };
        (plan.total_blocks() <= MAX_SHARDS_LEN / DIGEST_LEN).then_some(plan)
    }

    /// The same with shorter blocks; a power of two from 64 on.
    #[cfg(test)]
    pub(super) fn with_blocks_of(self, block_len: u64) -> Self {
        Self { block_len, ..self }
    }

    /// Length of the body, without heads.
    pub fn body_len(&self) -> u64 {
        self.body_len
    }

    /// Length of a slice's body; only the last volume may have less.
    pub fn slice_len(&self) -> u64 {
        self.slice_len
    }

    /// How many volumes the body has.
    pub fn volumes(&self) -> u32 {
        self.volumes
    }

    /// How many slices of parity there are.
    pub fn parity(&self) -> u32 {
        self.parity
    }

    /// Length of a block.
    pub fn block_len(&self) -> u64 {
        self.block_len
    }

    /// Volumes and parity together.
    pub fn slices(&self) -> u32 {
        self.volumes + self.parity
    }

    /// The name of a slice; `None` from [`Plan::slices`] on.
    pub fn slice(&self, index: u32) -> Option<SliceName> {
        match index.checked_sub(self.volumes) {
            None => SliceName::volume(index + 1),
            Some(index) if index < self.parity => SliceName::parity(index + 1),
            Some(_) => None,
        }
    }

    /// Which slice has this name; `None` if none has.
    pub fn index_of(&self, name: SliceName) -> Option<u32> {
        let (before, count) = if name.is_parity() { (self.volumes, self.parity) } else { (0, self.volumes) };
        name.number().checked_sub(1).filter(|index| *index < count).map(|index| before + index)
    }

    /// Length of a slice's body; 0 when there is no such slice.
    pub fn body_len_of(&self, slice: u32) -> u64 {
        if slice.checked_add(1) == Some(self.volumes) {
            // Not more than `slice_len` and not 0, since the volumes are just enough for the body.
            return self.body_len - u64::from(slice) * self.slice_len;
        }
        if slice < self.slices() { self.slice_len } else { 0 }
    }

    /// Length of a slice's file, head included; 0 when there is no such slice.
    pub fn file_len(&self, slice: u32) -> u64 {
        if slice < self.slices() { HEAD_LEN + self.body_len_of(slice) } else { 0 }
    }

    /// Length of all files of slices.
    pub fn total_file_bytes(&self) -> u64 {
        self.body_len + u64::from(self.parity) * self.slice_len + u64::from(self.slices()) * HEAD_LEN
    }

    /// How many blocks a slice has; only the last volume may have fewer.
    pub fn blocks_per_slice(&self) -> u64 {
        self.slice_len.div_ceil(self.block_len)
    }

    /// How many blocks this slice has; 0 when there is no such slice.
    pub fn blocks_of(&self, slice: u32) -> u64 {
        self.body_len_of(slice).div_ceil(self.block_len)
    }

    /// Length of a block of a slice; 0 when there is no such block.
    pub fn block_len_of(&self, slice: u32, block: u64) -> u64 {
        let before = block.saturating_mul(self.block_len);
        self.body_len_of(slice).saturating_sub(before).min(self.block_len)
    }

    /// Where the slice's blocks begin in the list of all blocks.
    pub fn first_block(&self, slice: u32) -> u64 {
        // All slices have the same number of blocks, except for the one before the parity.
        let fewer = if slice < self.volumes { 0 } else { self.missing_blocks() };
        u64::from(slice.min(self.slices())) * self.blocks_per_slice() - fewer
    }

    /// How many blocks there are.
    pub fn total_blocks(&self) -> u64 {
        self.first_block(self.slices())
    }

    /// Slice and block at this place of the list of all blocks.
    pub(super) fn place_of(&self, at: u64) -> Option<(u32, u64)> {
        if at >= self.total_blocks() {
            return None;
        }
        let parity = self.first_block(self.volumes);
        let counted = if at < parity { at } else { at + self.missing_blocks() };
        let slice = u32::try_from(counted / self.blocks_per_slice()).ok()?;
        Some((slice, counted % self.blocks_per_slice()))
    }

    /// Where a block stands in the list of all blocks; `None` when there is no such block.
    pub(super) fn place(&self, slice: u32, block: u64) -> Option<u64> {
        (block < self.blocks_of(slice)).then(|| self.first_block(slice) + block)
    }

    /// How many blocks less than others the last volume has.
    fn missing_blocks(&self) -> u64 {
        self.blocks_per_slice() - self.blocks_of(self.volumes - 1)
    }
}

/// How long slices of at most `room` bytes should be: volumes of one length, and of no more length than it takes, so that
/// parity is small.
fn cut(body_len: u64, room: u64) -> u64 {
    let volumes = body_len.div_ceil(room).max(u64::from(FEWEST_VOLUMES));
    let even = body_len.div_ceil(volumes).div_ceil(COLUMN_LEN) * COLUMN_LEN;
    if body_len.div_ceil(even) >= u64::from(FEWEST_VOLUMES) {
        return even;
    }
    // A short body: rounding up has cost a volume, and rounding down gives at most a few more.
    let down = body_len / u64::from(FEWEST_VOLUMES) / COLUMN_LEN * COLUMN_LEN;
    down.max(COLUMN_LEN)
}

#[cfg(test)]
mod tests;

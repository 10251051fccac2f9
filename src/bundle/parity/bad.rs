use crate::bundle::Plan;

/// Which blocks are damaged or missing: nothing but slice and block of each, both counted from 0, of one plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    plan: Plan,
    /// One for each block, in the order of the digests.
    bad: Vec<bool>,
    count: u64,
}

impl Bad {
    /// No block at all.
    pub fn none(plan: &Plan) -> Self {
        // A plan has no more blocks than its limit, so that this is 2 MiB at most.
        let blocks = usize::try_from(plan.total_blocks()).unwrap_or(0);
        Self { plan: *plan, bad: vec![false; blocks], count: 0 }
    }

    /// The plan of the blocks.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Adds a block. A block that does not exist is not added.
    pub fn add(&mut self, slice: u32, block: u64) {
        let at = self.plan.place(slice, block).and_then(|at| usize::try_from(at).ok());
        if let Some(slot) = at.and_then(|at| self.bad.get_mut(at)) {
            self.count += u64::from(!*slot);
            *slot = true;
        }
    }

    /// Adds every block of a slice.
    pub fn add_slice(&mut self, slice: u32) {
        (0..self.plan.blocks_of(slice)).for_each(|block| self.add(slice, block));
    }

    /// Whether the block is one of them.
    pub fn contains(&self, slice: u32, block: u64) -> bool {
        let at = self.plan.place(slice, block).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.bad.get(at)).is_some_and(|bad| *bad)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many a slice has.
    pub fn count_of(&self, slice: u32) -> u64 {
        (0..self.plan.blocks_of(slice)).map(|block| u64::from(self.contains(slice, block))).sum()
    }

    /// All of them as slice and block, slice by slice.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        let found = self.bad.iter().zip(0..).filter(|(bad, _)| **bad);
        found.filter_map(|(_, at)| self.plan.place_of(at))
    }

    /// The volumes that lack this block, and how many blocks of parity are good in its place.
    pub(super) fn stripe(&self, block: u64) -> (Vec<u32>, u32) {
        let volumes = 0..self.plan.volumes();
        let parity = self.plan.volumes()..self.plan.slices();
        let lost = volumes.filter(|slice| self.contains(*slice, block)).collect();
        let good = parity.map(|slice| u32::from(!self.contains(slice, block))).sum();
        (lost, good)
    }
}

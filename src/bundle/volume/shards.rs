use super::Plan;
use crate::crypto::Digest;

/// The digest of every block of volumes and parity, slice by slice, in the order of [`Plan`]. As a file: 32 bytes each,
/// and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shards {
    plan: Plan,
    digests: Vec<Digest>,
}

impl Shards {
    /// The digests of all blocks; `None` unless there are as many as the plan has.
    pub(in crate::bundle) fn new(plan: &Plan, digests: Vec<Digest>) -> Option<Self> {
        (digests.len() as u64 == plan.total_blocks()).then_some(Self { plan: *plan, digests })
    }

    /// Reads the file; `None` unless it has the length that the plan asks for.
    pub fn parse(bytes: &[u8], plan: &Plan) -> Option<Self> {
        let (digests, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || digests.len() as u64 != plan.total_blocks() {
            return None;
        }
        Self::new(plan, digests.iter().copied().map(Digest).collect())
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.digests.iter().flat_map(|digest| *digest.as_bytes()).collect()
    }

    /// The digest of the file.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// The plan that they belong to.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The digest of a block, slices and blocks counted from 0; `None` when there is no such block.
    pub fn get(&self, slice: u32, block: u64) -> Option<&Digest> {
        let at = self.plan.place(slice, block)?;
        self.digests.get(usize::try_from(at).ok()?)
    }
}

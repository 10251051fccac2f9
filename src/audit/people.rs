//! Who is meant by a name, and who is behind an id: everybody who ever stood in a roster.

use std::collections::BTreeMap;

use crate::id::MemberId;
use crate::roster::InForce;

/// Shortest beginning of an id.
const SHORTEST: usize = 4;

/// Nobody, or more than one, is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// Nobody ever had that name or id.
    #[error("no such member")]
    Nobody,
    /// The beginning of an id that several members have.
    #[error("several members have such an id")]
    Ambiguous,
}

/// Members by id, with the newest name that a roster has for them.
#[derive(Debug, Clone, Default)]
pub struct People {
    names: BTreeMap<MemberId, String>,
    /// Names that somebody had before.
    former: Vec<(String, MemberId)>,
}

impl People {
    /// Everybody in a chain of rosters, the oldest first.
    pub fn of(chain: &[InForce]) -> Self {
        let members = chain.iter().flat_map(|roster| &roster.roster().members);
        Self::named(members.map(|member| (member.id, member.name.clone())))
    }

    /// Members and names in the order in which they came up.
    fn named(members: impl IntoIterator<Item = (MemberId, String)>) -> Self {
        let mut people = Self::default();
        for (id, name) in members {
            if let Some(old) = people.names.insert(id, name.clone()).filter(|old| *old != name) {
                people.former.push((old, id));
            }
        }
        people
    }

    /// The name of a member.
    pub fn name(&self, id: MemberId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// Everybody who has or had this name: one person under an old and a new identity has it twice. Where nobody has it, the
    /// one whose id begins with it.
    ///
    /// # Errors
    /// [`NotFound`].
    pub fn find(&self, text: &str) -> Result<Vec<MemberId>, NotFound> {
        let now = self.names.iter().filter(|(_, name)| *name == text).map(|(id, _)| *id);
        let former = self.former.iter().filter(|(name, _)| name == text).map(|(_, id)| *id);
        let mut named: Vec<MemberId> = now.chain(former).collect();
        named.sort_unstable();
        named.dedup();
        if !named.is_empty() {
            return Ok(named);
        }
        let begins = |id: &&MemberId| text.len() >= SHORTEST && id.to_string().starts_with(text);
        match self.names.keys().filter(begins).collect::<Vec<_>>().as_slice() {
            [] => Err(NotFound::Nobody),
            [id] => Ok(vec![**id]),
            _ => Err(NotFound::Ambiguous),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_everybody_who_had_it_and_an_id_only_one() {
        let id = |first: u8| MemberId([first, first, 3, 4, 5, 6, 7, 8]);
        let named = |list: &[(MemberId, &str)]| {
            People::named(list.iter().map(|(id, name)| (*id, (*name).to_owned())))
        };
        let twin = MemberId([1, 1, 9, 9, 9, 9, 9, 9]);
        let people = named(&[
            (id(1), "Wang"),
            (id(2), "Lin"),
            (id(1), "Wang"),
            (id(3), "Wang"),
            (id(2), "Lin-Chen"),
            (twin, "0202"),
        ]);
        assert_eq!(people.find("Wang"), Ok(vec![id(1), id(3)]));
        assert_eq!(people.find("Lin"), Ok(vec![id(2)]));
        assert_eq!(people.name(id(2)), Some("Lin-Chen"));
        assert_eq!(people.find("0101"), Err(NotFound::Ambiguous));
        assert_eq!(people.find("010103"), Ok(vec![id(1)]));
        // A name goes before the beginning of an id.
        assert_eq!(people.find("0202"), Ok(vec![twin]));
        assert_eq!(people.find("020203"), Ok(vec![id(2)]));
        for nobody in ["", "010", "Wan", "wang", "0404"] {
            assert_eq!(people.find(nobody), Err(NotFound::Nobody), "{nobody}");
        }
    }
}

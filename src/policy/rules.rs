//! What officers ask for, class by class, and its text.

use serde::{Deserialize, Serialize};

use crate::crypto::Digest;
use crate::id::MemberId;
use crate::label::{Class, labels};
use crate::note::{Fields, FieldsReader, is_value};

/// The first line of a policy's text.
pub const POLICY_KIND: &str = "gapvault.policy/v1";
/// The most approvals that can be asked for.
const MOST_APPROVALS: u32 = 16;
/// The most approvers that can be named.
const MOST_APPROVERS: usize = 256;
/// Longest command that looks at imports, in bytes.
const CHECK_LIMIT: usize = 1000;
const NONE: &str = "none";

labels!(
    /// Whether something has to be said.
    Need {
        /// As people like.
        Optional = "optional",
        /// Always.
        Required = "required",
    }
);

labels!(
    /// Where something may be done.
    Place {
        /// In every vault.
        Any = "any",
        /// In an isolated vault.
        Isolated = "isolated",
    }
);

labels!(
    /// Who lets in what was imported.
    Acceptance {
        /// Whoever imported it.
        Importer = "importer",
        /// Somebody else than the importer.
        AnotherPerson = "another-person",
    }
);

/// The text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a policy: {0}")]
pub struct BadPolicy(pub String);

/// What is asked for with documents of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClassRules {
    /// Approvals for opening.
    pub open_approvals: u32,
    /// A reason for opening.
    pub open_reason: Need,
    /// Where it may be opened.
    pub open_zone: Place,
    /// Approvals for sending it from a networked vault to an isolated one.
    pub export_in_approvals: u32,
    /// Approvals for every other way out.
    pub export_out_approvals: u32,
    /// Whether somebody with the right to release has to consent to that as well.
    pub export_out_releaser: bool,
    /// Who lets it in.
    pub accept: Acceptance,
    /// Approvals for destroying.
    pub destroy_approvals: u32,
    /// Approvals for putting it into a lower class.
    pub relabel_down_approvals: u32,
}

/// What is asked for besides roles, clearances and rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// For `critical`.
    pub critical: ClassRules,
    /// For `important`.
    pub important: ClassRules,
    /// Who approves besides officers, sorted, none twice.
    pub approvers: Vec<MemberId>,
    /// The command that looks at what is imported: it reads a document from its standard input.
    pub check: Option<String>,
}

impl Default for Policy {
    /// What suits a small office.
    fn default() -> Self {
        let important = ClassRules {
            open_approvals: 0,
            open_reason: Need::Optional,
            open_zone: Place::Any,
            export_in_approvals: 0,
            export_out_approvals: 1,
            export_out_releaser: true,
            accept: Acceptance::Importer,
            destroy_approvals: 1,
            relabel_down_approvals: 1,
        };
        let critical = ClassRules {
            open_reason: Need::Required,
            open_zone: Place::Isolated,
            export_in_approvals: 1,
            export_out_approvals: 2,
            accept: Acceptance::AnotherPerson,
            destroy_approvals: 2,
            relabel_down_approvals: 2,
            ..important.clone()
        };
        Self { critical, important, approvers: Vec::new(), check: None }
    }
}

/// A policy as officers write it: what is left out stays as it is in the built-in one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    approvers: Vec<MemberId>,
    check: Option<String>,
    critical: WrittenRules,
    important: WrittenRules,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct WrittenRules {
    open_approvals: Option<u32>,
    open_reason: Option<Need>,
    open_zone: Option<Place>,
    export_in_approvals: Option<u32>,
    export_out_approvals: Option<u32>,
    export_out_releaser: Option<bool>,
    accept: Option<Acceptance>,
    destroy_approvals: Option<u32>,
    relabel_down_approvals: Option<u32>,
}

impl WrittenRules {
    fn over(self, base: ClassRules) -> ClassRules {
        ClassRules {
            open_approvals: self.open_approvals.unwrap_or(base.open_approvals),
            open_reason: self.open_reason.unwrap_or(base.open_reason),
            open_zone: self.open_zone.unwrap_or(base.open_zone),
            export_in_approvals: self.export_in_approvals.unwrap_or(base.export_in_approvals),
            export_out_approvals: self.export_out_approvals.unwrap_or(base.export_out_approvals),
            export_out_releaser: self.export_out_releaser.unwrap_or(base.export_out_releaser),
            accept: self.accept.unwrap_or(base.accept),
            destroy_approvals: self.destroy_approvals.unwrap_or(base.destroy_approvals),
            relabel_down_approvals: self.relabel_down_approvals.unwrap_or(base.relabel_down_approvals),
        }
    }
}

/// A policy as officers write it, in any format that serde reads.
impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(from)?;
        let base = Self::default();
        let mut approvers = written.approvers;
        approvers.sort_unstable();
        approvers.dedup();
        let policy = Self {
            critical: written.critical.over(base.critical),
            important: written.important.over(base.important),
            approvers,
            check: written.check,
        };
        policy.validate().map_err(serde::de::Error::custom)?;
        Ok(policy)
    }
}

impl Policy {
    /// For an office of one person: nobody else has to consent to anything, and nothing is bound to a zone or a reason.
    pub fn for_one_person() -> Self {
        let rules = ClassRules {
            open_approvals: 0,
            open_reason: Need::Optional,
            open_zone: Place::Any,
            export_in_approvals: 0,
            export_out_approvals: 0,
            export_out_releaser: false,
            accept: Acceptance::Importer,
            destroy_approvals: 0,
            relabel_down_approvals: 0,
        };
        Self { critical: rules.clone(), important: rules, approvers: Vec::new(), check: None }
    }

    /// What is asked for with a class.
    pub fn of(&self, class: Class) -> &ClassRules {
        match class {
            Class::Critical => &self.critical,
            Class::Important => &self.important,
        }
    }

    /// The most people besides the requester that anything takes.
    pub fn most_people(&self) -> u32 {
        let most = |rules: &ClassRules| {
            let out = rules.export_out_approvals + u32::from(rules.export_out_releaser);
            [
                rules.open_approvals,
                rules.export_in_approvals,
                rules.destroy_approvals,
                rules.relabel_down_approvals,
            ]
            .into_iter()
            .fold(out, u32::max)
        };
        most(&self.critical).max(most(&self.important))
    }

    fn validate(&self) -> Result<(), BadPolicy> {
        if self.most_people() > MOST_APPROVALS {
            return Err(BadPolicy(format!("more than {MOST_APPROVALS} approvals")));
        }
        if self.approvers.len() > MOST_APPROVERS {
            return Err(BadPolicy(format!("more than {MOST_APPROVERS} approvers")));
        }
        if self.check.as_ref().is_some_and(|check| check.len() > CHECK_LIMIT || !is_value(check)) {
            return Err(BadPolicy("check is not one short line".to_owned()));
        }
        if self.approvers.windows(2).any(|pair| matches!(pair, [one, next] if one >= next)) {
            return Err(BadPolicy("approvers are not in order".to_owned()));
        }
        Ok(())
    }

    /// The text whose digest a roster names.
    pub fn print(&self) -> String {
        let mut out = Fields::new(POLICY_KIND);
        let approvers: Vec<String> = self.approvers.iter().map(ToString::to_string).collect();
        out.put("approvers", if approvers.is_empty() { NONE.to_owned() } else { approvers.join(",") });
        out.put_some("check", self.check.as_ref());
        for class in Class::ALL {
            print_rules(*class, self.of(*class), &mut out);
        }
        // Words and numbers of our own break no rule of a note.
        out.finish().unwrap_or_default()
    }

    /// Reads what [`print`](Self::print) wrote, and nothing else.
    ///
    /// # Errors
    /// [`BadPolicy`].
    pub fn parse(text: &str) -> Result<Self, BadPolicy> {
        let policy = read(text).ok_or_else(|| BadPolicy("malformed".to_owned()))?;
        policy.validate()?;
        if policy.print() == text { Ok(policy) } else { Err(BadPolicy("another spelling".to_owned())) }
    }

    /// The digest of its text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.print().as_bytes())
    }
}

fn print_rules(class: Class, rules: &ClassRules, out: &mut Fields) {
    let key = |name: &str| format!("{class}.{name}");
    out.put(&key("open-approvals"), rules.open_approvals);
    out.put(&key("open-reason"), rules.open_reason);
    out.put(&key("open-zone"), rules.open_zone);
    out.put(&key("export-in-approvals"), rules.export_in_approvals);
    out.put(&key("export-out-approvals"), rules.export_out_approvals);
    out.put(&key("export-out-releaser"), rules.export_out_releaser);
    out.put(&key("accept"), rules.accept);
    out.put(&key("destroy-approvals"), rules.destroy_approvals);
    out.put(&key("relabel-down-approvals"), rules.relabel_down_approvals);
}

fn read(text: &str) -> Option<Policy> {
    let mut fields = FieldsReader::new(text, POLICY_KIND).ok()?;
    let approvers = match fields.take("approvers").ok()? {
        NONE => Vec::new(),
        ids => ids.split(',').map(|id| id.parse().ok()).collect::<Option<_>>()?,
    };
    let check = fields.take_some("check").map(str::to_owned);
    let critical = read_rules(Class::Critical, &mut fields)?;
    let important = read_rules(Class::Important, &mut fields)?;
    fields.finish().ok()?;
    Some(Policy { critical, important, approvers, check })
}

fn read_rules(class: Class, fields: &mut FieldsReader<'_>) -> Option<ClassRules> {
    let key = |name: &str| format!("{class}.{name}");
    Some(ClassRules {
        open_approvals: fields.take_as(&key("open-approvals")).ok()?,
        open_reason: fields.take_as(&key("open-reason")).ok()?,
        open_zone: fields.take_as(&key("open-zone")).ok()?,
        export_in_approvals: fields.take_as(&key("export-in-approvals")).ok()?,
        export_out_approvals: fields.take_as(&key("export-out-approvals")).ok()?,
        export_out_releaser: fields.take_as(&key("export-out-releaser")).ok()?,
        accept: fields.take_as(&key("accept")).ok()?,
        destroy_approvals: fields.take_as(&key("destroy-approvals")).ok()?,
        relabel_down_approvals: fields.take_as(&key("relabel-down-approvals")).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_as_it_prints_and_in_no_other_way() {
        let policy = Policy { approvers: vec![MemberId([1; 8]), MemberId([2; 8])], ..Policy::default() };
        for policy in [policy.clone(), Policy::default()] {
            assert_eq!(Policy::parse(&policy.print()).unwrap(), policy);
        }
        let text = policy.print();
        for (from, to) in [
            ("destroy-approvals 2", "destroy-approvals 02"),
            ("destroy-approvals 2", "destroy-approvals 17"),
            ("0101010101010101,0202020202020202", "0202020202020202,0101010101010101"),
            ("0101010101010101,0202020202020202", "0101010101010101,0101010101010101"),
            ("open-zone isolated", "open-zone here"),
            ("export-out-releaser true", "export-out-releaser yes"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(Policy::parse(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
        let lines: Vec<&str> = text.lines().collect();
        for at in 0..lines.len() {
            let mut dropped = lines.clone();
            dropped.remove(at);
            assert!(Policy::parse(&(dropped.join("\n") + "\n")).is_err(), "{}", lines[at]);
        }
    }

    #[test]
    fn what_officers_leave_out_stays_as_it_is_built_in() {
        let written = serde_json::json!({"critical": {"destroy-approvals": 3}});
        let policy: Policy = serde_json::from_value(written).unwrap();
        assert_eq!(policy.critical.destroy_approvals, 3);
        let base = Policy::default();
        assert_eq!(policy.important, base.important);
        assert_eq!(policy.critical, ClassRules { destroy_approvals: 3, ..base.critical });
        for wrong in [
            serde_json::json!({"critical": {"destroy": 3}}),
            serde_json::json!({"secret": {}}),
            serde_json::json!({"critical": {"destroy-approvals": 17}}),
            serde_json::json!({"critical": {"destroy-approvals": -1}}),
            serde_json::json!({"critical": {"open-zone": "nowhere"}}),
        ] {
            assert!(serde_json::from_value::<Policy>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_most_people_are_those_of_the_hardest_act() {
        assert_eq!(Policy::default().most_people(), 3);
    }
}

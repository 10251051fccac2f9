//! Questions to the log: what an index answers is what all of the log says, titles are looked at on record, and samples are
//! the same for everybody who draws them.

use gapvault::audit::Query;
use gapvault::audit::sample::{Seed, draw};
use gapvault::evidence::proofs::{Which, check_proof};
use gapvault::evidence::sample::{Sample, Wish, sample};
use gapvault::evidence::{Evidence, Trust, read_checkpoint};
use gapvault::id::DocumentId;
use gapvault::label::{Class, Zone};
use gapvault::log::entry::{Entry, Event, Outcome, Phase};
use gapvault::vault::{AuditShow, Code, Error, NoProgress, Question};

use crate::evidence::Exported;

/// Entries of the log, read one by one.
fn entries(exported: &Exported) -> Vec<Entry> {
    let all = exported.office.place.vault().audit_show(&AuditShow::default()).unwrap().entries;
    all.iter().map(|entry| Entry::parse(&serde_json::to_vec(entry).unwrap()).unwrap()).collect()
}

/// What the index answers; `None` where it has no answer.
fn asked(exported: &Exported, question: &Question) -> Option<Vec<Entry>> {
    let found = exported.office.place.vault().audit_query(question).unwrap().found;
    found.map(|found| {
        assert!(found.iter().all(|(epoch, _)| *epoch == 1));
        found.into_iter().map(|(_, entry)| entry).collect()
    })
}

/// An office in which things happened that were allowed, denied and failed; and two documents.
fn busy() -> (Exported, [String; 2]) {
    let exported = Exported::new();
    let office = &exported.office;
    let documents = [office.document(), office.document()];
    let secret = office.place.write("secret.txt", b"secret");
    let critical = office.place.seal(&office.otto, &secret, Class::Critical);
    for at in 0..3 {
        // Has no clearance.
        let denied = office.place.open(&office.carl, &critical, &office.place.path(&format!("denied{at}")));
        assert_eq!(denied.unwrap_err().code().exit(), 4);
        office.place.open(&office.carl, &documents[0], &office.place.path(&format!("out{at}"))).unwrap();
    }
    // Damaged, so that it fails.
    let path = office.place.document_path(&documents[1]);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(office.place.open(&office.cara, &documents[1], &office.place.path("bad")).is_err());
    (exported, documents)
}

#[test]
fn an_index_answers_as_all_of_the_log_does() {
    let (exported, documents) = busy();
    let all = entries(&exported);
    let (first, last) = (all[0].time(), all.last().unwrap().time());
    let after = |ms: i64| gapvault::time::Timestamp::from_unix_ms(last.unix_ms() + ms);
    let people = [None, Some("carl"), Some("nobody")];
    let times = [(None, None), (Some(first), Some(after(1))), (None, Some(first))];
    let outcomes = [vec![], vec![Outcome::Denied], vec![Outcome::Failed, Outcome::Denied], vec![Outcome::Ok]];
    let events = [vec![], vec![Event::DocumentSeal, Event::DocumentOpen]];
    let (mut answered, mut found) = (0, 0);
    for person in people {
        for document in [None, Some(&documents[0])] {
            for (from, until) in times {
                for outcomes in &outcomes {
                    for events in &events {
                        for (phase, zone) in [
                            (None, None),
                            (Some(Phase::Intent), Some(Zone::Networked)),
                            (None, Some(Zone::Isolated)),
                        ] {
                            let query = Query {
                                members: None,
                                document: document.map(|id| id.parse().unwrap()),
                                events: events.clone(),
                                outcomes: outcomes.clone(),
                                phase,
                                from,
                                until,
                                zone,
                            };
                            let mut question = Question { query, ..Question::default() };
                            question.query.members = match person {
                                Some("nobody") => Some(vec![]),
                                Some(_) => Some(vec![exported.office.carl.id()]),
                                None => None,
                            };
                            let wanted: Vec<Entry> =
                                all.iter().filter(|entry| question.query.matches(entry)).cloned().collect();
                            let Some(got) = asked(&exported, &question) else { continue };
                            assert_eq!(got, wanted, "{question:?}");
                            answered += 1;
                            found += usize::from(!got.is_empty());
                        }
                    }
                }
            }
        }
    }
    assert!(answered > 150 && found > 15, "{answered} {found}");
}

#[test]
fn where_no_index_helps_it_says_so() {
    let (exported, _) = busy();
    let ask = |query| asked(&exported, &Question { query, ..Question::default() });
    assert_eq!(ask(Query::default()), None);
    assert_eq!(
        ask(Query { zone: Some(Zone::Networked), phase: Some(Phase::Done), ..Query::default() }),
        None
    );
    assert_eq!(ask(Query { outcomes: vec![Outcome::Ok, Outcome::Denied], ..Query::default() }), None);
    let denied = ask(Query { outcomes: vec![Outcome::Denied], ..Query::default() }).unwrap();
    assert_eq!(denied.len(), 3);
    let failed = ask(Query { outcomes: vec![Outcome::Failed], ..Query::default() }).unwrap();
    assert!(!failed.is_empty());
}

#[test]
fn people_and_documents_are_found_by_names_and_beginnings() {
    let (exported, documents) = busy();
    let code = |question: &Question| -> Option<Code> {
        exported.office.place.vault().audit_query(question).err().map(|error| error.code())
    };
    let by = |text: &str| Question { members: vec![text.to_owned()], ..Question::default() };
    let about = |text: &str| Question { document: Some(text.to_owned()), ..Question::default() };
    let carl = exported.office.carl.id();
    let named = asked(&exported, &by("carl")).unwrap();
    assert!(named.len() >= 9 && named.iter().all(|entry| entry.actor().id == Some(carl)));
    assert_eq!(asked(&exported, &by(&carl.to_string()[..8])).unwrap(), named);
    assert_eq!(
        asked(&exported, &about(&documents[0][..12])).unwrap(),
        asked(&exported, &about(&documents[0])).unwrap()
    );
    assert_eq!(code(&by("mallory")), Some(Code::NoMember));
    assert_eq!(code(&about("0000000000000000")), Some(Code::NoDocument));
    for short in ["", "abc", "xyzt", "ABCD"] {
        assert_eq!(code(&about(short)), Some(Code::ShortId), "{short}");
    }
}

#[test]
fn titles_are_looked_at_on_record_and_by_those_who_may() {
    let (exported, documents) = busy();
    let office = &exported.office;
    let ids: Vec<DocumentId> = documents.iter().map(|id| id.parse().unwrap()).collect();
    let before = entries(&exported).len();
    let titles = office.place.vault().audit_titles(&office.cara, &ids).unwrap();
    assert_eq!(titles.into_iter().collect::<Vec<_>>(), {
        let mut wanted: Vec<_> = ids.iter().map(|id| (*id, "a.txt".to_owned())).collect();
        wanted.sort();
        wanted
    });
    let new = entries(&exported).split_off(before);
    let seen: Vec<_> = new.iter().map(|entry| (entry.event(), entry.phase(), entry.detail().count)).collect();
    assert_eq!(seen, [(Event::TitleRead, Phase::Intent, None), (Event::TitleRead, Phase::Done, Some(2))]);
    // One document: the entry says which.
    office.place.vault().audit_titles(&office.cara, &ids[..1]).unwrap();
    let entry = entries(&exported)[before + 2].clone();
    assert_eq!(entry.object().and_then(gapvault::log::entry::Object::document_id), Some(ids[0]));
    // The auditor has no title right: refused, and that too is on record.
    let refused: Result<_, Error> = office.place.vault().audit_titles(&exported.ada, &ids);
    assert_eq!(refused.unwrap_err().code(), Code::NoTitleRight);
    let last = entries(&exported).pop().unwrap();
    assert_eq!((last.event(), last.outcome()), (Event::TitleRead, Outcome::Denied));
}

fn seed(text: &str) -> Seed {
    text.parse().unwrap()
}

fn places(sample: &Sample) -> Vec<u64> {
    sample.entries.iter().map(|drawn| drawn.index).collect()
}

#[test]
fn a_sample_is_the_same_for_everybody_and_every_proof_holds() {
    let (exported, _) = busy();
    let vault = exported.office.place.vault();
    let folder = exported.export("handed-over");
    let note = vault.audit_checkpoint().unwrap().note.into_bytes();
    let seed = seed("dice: 3 1 4 1 5");
    let wish = Wish { checkpoint: Some(&note), seed: &seed, count: 7 };
    let newest_log = || vault.audit_log(Which::Newest).unwrap();
    let own = sample(&newest_log(), &wish).unwrap();
    let (checkpoint, _) = read_checkpoint(&note, &exported.log_keys()).unwrap();
    assert_eq!(places(&own), draw(&checkpoint, &seed, 7));
    let all = entries(&exported);
    for drawn in &own.entries {
        let report = check_proof(drawn.proof.as_bytes(), None, &exported.log_keys(), None).unwrap();
        let at = usize::try_from(drawn.index).unwrap();
        assert_eq!((report.index, report.size), (drawn.index, checkpoint.size()));
        assert_eq!(serde_json::to_vec(&drawn.entry).unwrap(), all[at].to_bytes());
    }
    // What is added later changes nothing, here or in later evidence.
    for _ in 0..3 {
        exported.grow();
    }
    assert_eq!(places(&sample(&newest_log(), &wish).unwrap()), places(&own));
    let later = exported.export("later");
    for folder in [folder, later] {
        let evidence = Evidence::open(&folder).unwrap();
        let trust = Trust { vault: Some(exported.vault), policy: None };
        let keys = trust.log_keys(evidence.known(), &evidence.origin(1));
        let theirs = sample(&evidence.log(1, keys), &wish).unwrap();
        assert_eq!((places(&theirs), &theirs.root), (places(&own), &own.root));
    }
    // Without the checkpoint that was handed over it is another draw.
    let newest = sample(&newest_log(), &Wish { checkpoint: None, ..wish.clone() }).unwrap();
    assert!(newest.size > own.size && places(&newest) != places(&own));
    // All there are, if more are asked for.
    let mut every = places(&sample(&newest_log(), &Wish { count: 5000, ..wish }).unwrap());
    every.sort_unstable();
    assert_eq!(every, (0..checkpoint.size()).collect::<Vec<_>>());
}

#[test]
fn a_sample_of_a_log_that_did_not_grow_from_the_checkpoint_is_refused() {
    let exported = Exported::new();
    let seed = seed("s");
    exported.grow();
    let newer = exported.office.place.vault().audit_checkpoint().unwrap().note.into_bytes();
    let evidence = Evidence::open(&exported.folder).unwrap();
    let log = evidence.log(1, exported.log_keys());
    let code = |note: &[u8]| {
        let wish = Wish { checkpoint: Some(note), seed: &seed, count: 3 };
        sample(&log, &wish).err().map(|error| error.code())
    };
    assert_eq!(code(&newer), Some(Code::TruncatedLog));
    assert_eq!(code(b"junk"), Some(Code::NotACheckpoint));
    let other = Exported::new();
    let theirs = other.office.place.vault().audit_checkpoint().unwrap().note.into_bytes();
    assert_eq!(code(&theirs), Some(Code::UnverifiableLog));
    assert!(exported.office.place.vault().audit_verify(&NoProgress).is_ok());
}

use gapvault::evidence::AuditVerify;
use gapvault::label::Class;
use gapvault::vault::{ListRequest, NoProgress, OpenRequest, OpenTo};

use super::{pair, wish};

#[test]
fn documents_cross_the_gap_and_the_answer_comes_back() {
    let (out, inside) = pair();
    let content: Vec<u8> = (0..300_000_u32).map(|at| at as u8).collect();
    let one = out.seal("計畫.txt", b"secret text", Class::Critical);
    let two = out.seal("large", &content, Class::Important);
    let medium = out.path("medium");
    let made = out.create("隔離庫", &[&one, &two]).unwrap();
    assert_eq!((made.approvals_needed, made.documents), (0, 2));
    let written = out.write(&made.bundle.to_string()[..6], &medium).unwrap();
    assert!(written.complete);
    assert_eq!((written.number, written.attempt, written.medium), (1, 1, 1));

    let came = inside.import(&medium).unwrap();
    assert_eq!((came.state.as_str(), came.documents.len(), came.repaired_shards), ("accepted", 2, 0));
    assert_eq!(came.code.as_deref(), Some(written.code.as_str()));
    let list = inside.vault().list(Some(&inside.founder), &ListRequest::default()).unwrap();
    let titles: Vec<_> = list.documents.iter().filter_map(|row| row.title.clone()).collect();
    assert!(titles.contains(&"計畫.txt".to_owned()), "{titles:?}");
    for (id, content) in [(&one, &b"secret text"[..]), (&two, &content)] {
        let to = inside.path(&format!("{id}.out"));
        let request = OpenRequest {
            ids: vec![id.clone()],
            all: false,
            to: OpenTo::File(to.clone()),
            reason: None,
            request: None,
        };
        inside.vault().open(&inside.founder, request, &NoProgress).unwrap();
        assert_eq!(std::fs::read(to).unwrap(), content);
    }

    let answer = out.vault().receipt_apply(&out.founder, &medium).unwrap();
    assert_eq!((answer.verdict.as_str(), answer.number), ("accepted", 1));
    assert!(answer.witnessed_size.is_some());
    // What the other vault signed is told alike by everything that counts it.
    let judged = out.vault().audit_verify_by(&AuditVerify::default(), &NoProgress).unwrap();
    assert_eq!(Some(judged.witnessed_size), answer.witnessed_size);
    assert_eq!(judged.witnessed_size, out.vault().status().unwrap().log.witnessed_size);
    let listed = out.vault().bundle_list().unwrap();
    assert_eq!((listed.out[0].state.as_str(), listed.out[0].number), ("accepted", Some(1)));
    assert!(!out.path("v").join("outbox").join(made.bundle.to_string()).exists());
    out.sound();
    inside.sound();

    // And the other way, with an id that is taken there.
    let back = inside.path("back");
    let made = inside.vault().bundle_create(&inside.founder, &wish("連網庫", &[&one])).unwrap();
    inside.write(&made.bundle.to_string(), &back).unwrap();
    let came = out.import(&back).unwrap();
    assert_ne!(came.documents[0].id.to_string(), one);
    inside.vault().receipt_apply(&inside.founder, &back).unwrap();
    out.sound();
    inside.sound();
}

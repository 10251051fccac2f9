//! The tables of `docs/ROLES.md` are what the library decides, found by trying.

use gapvault::access::{Action, Consent, Denial, Request};
use gapvault::crypto::PublicKey;
use gapvault::id::MemberId;
use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::policy::{Machine, Policy, Rules, consents_needed, decide};
use gapvault::roster::{Member, Roster};
use gapvault::time::Timestamp;
use gapvault::words::{Lang, Words};

const PAGE: &str = include_str!("../../docs/ROLES.md");
const ME: MemberId = MemberId([1; 8]);
const ASKER: MemberId = MemberId([2; 8]);
const SPONSOR: MemberId = MemberId([3; 8]);

/// What somebody can hold besides a role. `Other` is the clearance for the other class, which never helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holding {
    Clearance,
    Other,
    Titles,
    Import,
    Release,
    Named,
}

const HOLDINGS: [Holding; 6] =
    [Holding::Clearance, Holding::Other, Holding::Titles, Holding::Import, Holding::Release, Holding::Named];

/// What a row of the first table tries.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Do(fn(Class) -> Action),
    /// Consent to what another member asks for, in the part of somebody who releases or approves.
    Consent {
        releases: bool,
    },
}

/// The rows: what they are called in both languages, and everything that they stand for.
const DEEDS: [(&str, &str, &[Deed]); 17] = [
    ("seal documents", "封存文件", &[Deed::Do(Action::Seal)]),
    ("open documents", "啟封文件", &[Deed::Do(Action::Open)]),
    ("see titles and names", "查看標題及名稱", &[Deed::Do(|_| Action::SeeTitles)]),
    ("destroy documents", "銷毀文件", &[Deed::Do(Action::Destroy)]),
    ("put documents into another class", "變更文件等級", &[Deed::Do(same_class), Deed::Do(other_class)]),
    ("give documents new headers or file keys", "更新文件標頭或檔案金鑰", &[Deed::Do(Action::Rewrap)]),
    ("export documents", "匯出文件", &[Deed::Do(export_in), Deed::Do(export_out)]),
    ("import a bundle into quarantine", "將移轉包匯入隔離檢疫", &[Deed::Do(|_| Action::Import)]),
    ("let imported documents in", "接受匯入的文件", &[Deed::Do(accept_own), Deed::Do(accept_other)]),
    (
        "ask for consent; hand a key one holds to members who lack it",
        "提出申請；將所持金鑰交付尚未取得的成員",
        &[Deed::Do(|_| Action::Consent)],
    ),
    ("approve a request about documents", "核准文件相關申請", &[Deed::Consent { releases: false }]),
    ("release what leaves", "放行匯出", &[Deed::Consent { releases: true }]),
    (
        "make a vault; sign changes of members, keys and rules",
        "建立保管庫；簽署成員、金鑰及規定之異動",
        &[Deed::Do(|_| Action::Found), Deed::Do(|_| Action::ChangeRoster)],
    ),
    ("allow work while connected", "核准連線作業例外", &[Deed::Do(|_| Action::Except)]),
    ("admit another vault", "准許與其他保管庫往來", &[Deed::Do(|_| Action::Pair)]),
    (
        "let a host write; replace its log key",
        "准許電腦寫入；更換其紀錄金鑰",
        &[Deed::Do(|_| Action::EnrolHost)],
    ),
    ("go on after a restore", "還原後繼續作業", &[Deed::Do(|_| Action::Resume)]),
];

/// An action that is new does not compile here, so that nobody forgets its row.
fn has_a_row(action: Action) -> bool {
    match action {
        Action::Seal(_) | Action::Open(_) | Action::SeeTitles | Action::Destroy(_) => true,
        Action::Relabel { .. } | Action::Rewrap(_) | Action::Export(..) | Action::Accept(..) => true,
        Action::Consent | Action::Found | Action::ChangeRoster | Action::Except => true,
        Action::EnrolHost | Action::Resume | Action::Import | Action::Pair => true,
    }
}

fn same_class(class: Class) -> Action {
    Action::Relabel { from: class, to: class }
}

fn other_class(class: Class) -> Action {
    Action::Relabel { from: class, to: other(class) }
}

fn export_in(class: Class) -> Action {
    Action::Export(class, Zone::Isolated)
}

fn export_out(class: Class) -> Action {
    Action::Export(class, Zone::Networked)
}

fn accept_own(class: Class) -> Action {
    Action::Accept(class, ME)
}

fn accept_other(class: Class) -> Action {
    Action::Accept(class, ASKER)
}

fn other(class: Class) -> Class {
    if class == Class::Critical { Class::Important } else { Class::Critical }
}

fn person(id: MemberId, role: Role) -> Member {
    Member {
        id,
        name: id.to_string(),
        key: PublicKey([id.0[0]; 32]),
        recipient: "age1x".to_owned(),
        role,
        clearance: Vec::new(),
        titles: false,
        import: false,
        release: false,
        sponsor: (role == Role::Contractor).then_some(SPONSOR),
        until: None,
        joined: now(),
    }
}

fn roster(zone: Zone, me: Member) -> Roster {
    let asker = Member { clearance: Class::ALL.to_vec(), ..person(ASKER, Role::Clerk) };
    Roster {
        vault: None,
        version: 1,
        previous: None,
        created: now(),
        name: "n".to_owned(),
        zone,
        key_kind: KeyKind::Classic,
        officers_needed: 1,
        policy: None,
        deposit_for: None,
        keys: Vec::new(),
        hosts: Vec::new(),
        members: vec![me, asker, person(SPONSOR, Role::Officer)],
    }
}

fn now() -> Timestamp {
    "2026-11-26T08:00:00.000Z".parse().unwrap()
}

fn member(role: Role, class: Class, held: &[Holding]) -> Member {
    let has = |holding| held.contains(&holding);
    let clearance = Class::ALL.iter().copied();
    let cleared = |of: &Class| has(if *of == class { Holding::Clearance } else { Holding::Other });
    Member {
        clearance: clearance.filter(cleared).collect(),
        titles: has(Holding::Titles),
        import: has(Holding::Import),
        release: has(Holding::Release),
        ..person(ME, role)
    }
}

/// Whether this member may, where the policy asks for nothing besides. Consent is tried with an act of somebody else that
/// lacks it alone.
fn may(role: Role, class: Class, held: &[Holding], deed: Deed, machine: Machine) -> bool {
    let zone = if machine == Machine::Apart { Zone::Networked } else { Zone::Isolated };
    let roster = roster(zone, member(role, class, held));
    let mut policy = Policy::for_one_person();
    if held.contains(&Holding::Named) {
        policy.approvers = vec![ME];
    }
    let said = |policy: &Policy, request: Request<'_>| {
        decide(&Rules { roster: &roster, policy, machine, now: now() }, request).map(|_| ())
    };
    let Deed::Consent { releases } = deed else {
        let Deed::Do(action) = deed else { unreachable!() };
        return has_a_row(action(class)) && said(&policy, Request::new(ME, action(class))).is_ok();
    };
    for rules in [&mut policy.critical, &mut policy.important] {
        rules.export_out_releaser = releases;
        rules.export_out_approvals = u32::from(!releases);
    }
    let without = Request::new(ASKER, export_out(class));
    assert!(matches!(said(&policy, without), Err(Denial::Consents { .. } | Denial::Connected)));
    let consents = [Consent { member: ME, releases }];
    said(&policy, Request { consents: &consents, ..without }).is_ok()
}

/// Every way to hold something and not something else.
fn ways() -> impl Iterator<Item = Vec<Holding>> {
    (0_u32..1 << HOLDINGS.len()).map(|bits| {
        let held = HOLDINGS.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        held.map(|(_, holding)| *holding).collect()
    })
}

/// No, yes, or what exactly has to be held.
fn cell(role: Role, deeds: &[Deed], lang: Lang) -> &'static str {
    let fits = |rule: &dyn Fn(&[Holding]) -> bool| {
        deeds.iter().all(|deed| {
            Class::ALL.iter().all(|class| {
                ways().all(|held| may(role, *class, &held, *deed, Machine::Apart) == rule(&held))
            })
        })
    };
    let words = |en, zh| if lang == Lang::En { en } else { zh };
    if fits(&|_| false) {
        return words("no", "否");
    }
    if fits(&|_| true) {
        return words("yes", "得");
    }
    let only = HOLDINGS.into_iter().find(|one| fits(&|held| held.contains(one)));
    match only.unwrap_or_else(|| panic!("{role}: {deeds:?} cannot be told in a word")) {
        Holding::Clearance => words("with clearance", "須具該等級權限"),
        Holding::Titles => words("with the right `titles`", "須具 `titles`（標題）權限"),
        Holding::Import => words("with the right `import`", "須具 `import`（匯入）權限"),
        Holding::Release => words("with the right `release`", "須具 `release`（放行）權限"),
        Holding::Named => words("when the policy names them", "須經政策指定"),
        Holding::Other => panic!("a clearance for another class"),
    }
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    format!("| {} |\n", cells.into_iter().collect::<Vec<_>>().join(" | "))
}

fn heading(first: &str, rest: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = std::iter::once(first.to_owned()).chain(rest).collect();
    let dashes = cells.iter().map(|_| "---".to_owned());
    row(cells.clone()) + &row(dashes)
}

fn who_may(lang: Lang) -> String {
    let words = Words::new(lang);
    let english = lang == Lang::En;
    let roles = Role::ALL.iter().map(|role| words.text(&format!("role-{role}"), &[]));
    let mut out = heading(if english { "to" } else { "行為" }, roles);
    let mut connected = Vec::new();
    for (en, zh, deeds) in DEEDS {
        let name = if english { en } else { zh };
        let cells = Role::ALL.iter().map(|role| cell(*role, deeds, lang).to_owned());
        out += &row(std::iter::once(name.to_owned()).chain(cells));
        // By somebody who may do everything: what is refused then, is refused because of the machine.
        let refused = |deed: &&Deed| {
            matches!(deed, Deed::Do(_))
                && !may(Role::Officer, Class::Critical, &HOLDINGS, **deed, Machine::Connected)
        };
        let count = deeds.iter().filter(refused).count();
        assert!(count == 0 || count == deeds.len(), "{name}: partly");
        assert!(deeds.iter().all(|deed| may(
            Role::Officer,
            Class::Critical,
            &HOLDINGS,
            *deed,
            Machine::Excepted
        )));
        if count > 0 {
            connected.push(name);
        }
    }
    let (before, between) = if english {
        ("In an isolated vault, on a machine that is connected, nobody may without an exception:", "; ")
    } else {
        ("於隔離區保管庫，電腦已連線且未經核准例外時，任何人均不得：", "；")
    };
    let end = if english { "." } else { "。" };
    let gap = if english { " " } else { "" };
    format!("{out}\n{before}{gap}{}{end}\n", connected.join(between))
}

fn consents((approvals, releaser): (u32, bool), lang: Lang) -> String {
    if lang == Lang::En {
        let people = match approvals {
            0 => "nobody else".to_owned(),
            1 => "1 approves".to_owned(),
            many => format!("{many} approve"),
        };
        return people + if releaser { ", another one releases" } else { "" };
    }
    let people =
        if approvals == 0 { "無須他人核准".to_owned() } else { format!("{approvals} 人核准") };
    people + if releaser { "，另由一人放行" } else { "" }
}

/// What one class asks for, by asking for it.
fn tried(class: Class, action: Action, zone: Zone, reason: bool) -> Result<(), Denial> {
    let roster = roster(zone, member(Role::Officer, class, &HOLDINGS));
    let (policy, machine) = (Policy::default(), Machine::Apart);
    let request = Request { reason, ..Request::new(ME, action) };
    decide(&Rules { roster: &roster, policy: &policy, machine, now: now() }, request).map(|_| ())
}

/// A row of the second table: its name, and a cell for each class.
type Formality = (String, Vec<String>);

fn say(lang: Lang, en: &str, zh: &str) -> String {
    if lang == Lang::En { en.to_owned() } else { zh.to_owned() }
}

fn classes(of: &dyn Fn(Class) -> String) -> Vec<String> {
    Class::ALL.iter().map(|class| of(*class)).collect()
}

fn asked(zone: Zone, action: Action) -> (u32, bool) {
    consents_needed(&Policy::default(), zone, action)
}

fn for_opening(lang: Lang) -> Vec<Formality> {
    let (say, isolated) = (|en, zh| say(lang, en, zh), Zone::Isolated);
    vec![
        (
            say("open: consent", "啟封：他人同意"),
            classes(&|class| consents(asked(isolated, Action::Open(class)), lang)),
        ),
        (
            say("open: reason", "啟封：事由"),
            classes(&|class| match tried(class, Action::Open(class), isolated, false) {
                Ok(()) => say("optional", "得免填"),
                Err(denial) => {
                    assert_eq!(denial, Denial::Reason);
                    assert!(tried(class, Action::Open(class), isolated, true).is_ok());
                    say("required", "必填")
                }
            }),
        ),
        (
            say("open: where", "啟封：區域"),
            classes(&|class| match tried(class, Action::Open(class), Zone::Networked, true) {
                Ok(()) => say("in every vault", "不限區域"),
                Err(denial) => {
                    assert_eq!(denial, Denial::Zone);
                    say("in an isolated vault", "僅限隔離區")
                }
            }),
        ),
    ]
}

fn for_the_rest(lang: Lang) -> Vec<Formality> {
    let (say, isolated) = (|en, zh| say(lang, en, zh), Zone::Isolated);
    vec![
        (
            say("export from a networked vault to an isolated one", "自連網區匯出至隔離區"),
            classes(&|class| consents(asked(Zone::Networked, export_in(class)), lang)),
        ),
        (
            say("export anywhere else", "匯出至其他處所"),
            classes(&|class| {
                let ways = [
                    (Zone::Networked, export_out(class)),
                    (isolated, export_in(class)),
                    (isolated, export_out(class)),
                ];
                let [first, rest @ ..] = ways.map(|(zone, action)| asked(zone, action));
                assert!(rest.iter().all(|way| *way == first));
                consents(first, lang)
            }),
        ),
        (
            say("let an import in", "接受匯入"),
            classes(&|class| match tried(class, accept_own(class), isolated, false) {
                Ok(()) => say("the importer", "匯入者"),
                Err(denial) => {
                    assert_eq!(denial, Denial::SamePerson);
                    assert!(tried(class, accept_other(class), isolated, false).is_ok());
                    say("another person than the importer", "匯入者以外的人員")
                }
            }),
        ),
        (say("destroy", "銷毀"), classes(&|class| consents(asked(isolated, Action::Destroy(class)), lang))),
        (
            say("put into a lower class", "調降等級"),
            classes(&|class| match Class::ALL.iter().find(|to| **to > class) {
                None => say("there is none", "無更低等級"),
                Some(to) => consents(asked(isolated, Action::Relabel { from: class, to: *to }), lang),
            }),
        ),
        (
            say("put into a higher class", "調升等級"),
            classes(&|class| match Class::ALL.iter().find(|to| **to < class) {
                None => say("there is none", "無更高等級"),
                Some(to) => consents(asked(isolated, Action::Relabel { from: class, to: *to }), lang),
            }),
        ),
    ]
}

fn formalities(lang: Lang) -> String {
    let words = Words::new(lang);
    let names = Class::ALL.iter().map(|class| words.text(&format!("class-{class}"), &[]));
    let head = heading(&say(lang, "to", "行為"), names);
    let rows = [for_opening(lang), for_the_rest(lang)].concat();
    rows.into_iter().fold(head, |out, (name, cells)| out + &row(std::iter::once(name).chain(cells)))
}

/// What stands between these markers of the page, for each language.
fn between(marker: &str) -> Vec<&'static str> {
    let (begin, end) = (format!("<!-- {marker} -->"), format!("<!-- /{marker} -->"));
    PAGE.split(&begin).skip(1).map(|rest| rest.split(&end).next().unwrap()).collect()
}

fn compare(marker: &str, table: fn(Lang) -> String) {
    let right: Vec<String> = [Lang::En, Lang::ZhTw].map(|lang| format!("\n\n{}\n", table(lang))).to_vec();
    if between(marker) == right {
        return;
    }
    let real = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("roles.{marker}.md"));
    std::fs::write(&real, right.concat()).unwrap();
    panic!("the page says otherwise; as it really is, both languages: {}", real.display());
}

#[test]
fn the_page_says_who_may_do_what() {
    compare("matrix", who_may);
}

#[test]
fn the_page_says_what_the_built_in_policy_asks_for() {
    compare("policy", formalities);
}

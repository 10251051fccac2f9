//! When, of which class and by whom, as pictures with their numbers.

use std::collections::BTreeMap;

use super::chart::{self, Bar};
use super::scribe::{Scribe, count, number, text};
use super::{Block, Picture, Section};
use crate::audit::tally::{ByCategory, Deed, EventRow, PersonRow};
use crate::log::entry::Category;
use crate::words::local::Day;

/// Most bars of a picture over time.
const BARS: i64 = 62;
/// Most people in a picture.
const PEOPLE: usize = 12;

pub(super) fn section(scribe: &Scribe<'_>) -> Section {
    let account = &scribe.report.account;
    let facts = [("entries", number(account.entries)), ("offset", account.offset.clone())];
    let mut blocks = vec![Block::Text(scribe.tell("report-activity-intro", &facts))];
    if account.outside > 0 {
        blocks.push(Block::Text(scribe.tell("report-outside", &[("count", number(account.outside))])));
    }
    if account.entries > 0 {
        let pictures = vec![days(scribe), week(scribe), classes(scribe), people(scribe)];
        blocks.push(Block::Pictures(pictures));
        blocks.push(events(scribe));
    }
    if account.more_days + account.more_people > 0 {
        let more = [("count", number(account.more_days + account.more_people))];
        blocks.push(Block::Warning(scribe.tell("report-more-activity", &more)));
    }
    Section { id: "activity", title: scribe.say("report-activity"), page: false, blocks }
}

fn halves(by_category: &ByCategory) -> (u64, u64) {
    let failed = |category: Category| {
        matches!(
            category,
            Category::AuthenticationFailure | Category::AccessFailure | Category::FunctionError
        )
    };
    by_category.iter().fold(
        (0, 0),
        |(ok, no), (category, count)| {
            if failed(*category) { (ok, no + count) } else { (ok + count, no) }
        },
    )
}

fn legend(scribe: &Scribe<'_>) -> Vec<(&'static str, String)> {
    vec![("ok", scribe.say("report-legend-ok")), ("no", scribe.say("report-legend-no"))]
}

/// Days without anything between the first and the last stand as such; many days become months, many months years.
fn buckets(scribe: &Scribe<'_>) -> (&'static str, Vec<Bar>) {
    let days = &scribe.report.account.days;
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return ("day", Vec::new()) };
    let months = |day: Day| i64::from(day.year()) * 12 + i64::from(day.month()) - 1;
    let (unit, place): (_, fn(Day) -> i64) = if last.day.days_since(first.day) < BARS {
        ("day", Day::number)
    } else if months(last.day) - months(first.day) < BARS {
        ("month", |day| i64::from(day.year()) * 12 + i64::from(day.month()) - 1)
    } else {
        ("year", |day| i64::from(day.year()))
    };
    let mut sums: BTreeMap<i64, (u64, u64, Day)> = BTreeMap::new();
    for row in days {
        let (ok, no) = halves(&row.by_category);
        let sum = sums.entry(place(row.day)).or_insert((0, 0, row.day));
        (sum.0, sum.1) = (sum.0 + ok, sum.1 + no);
    }
    if unit == "day" {
        let mut day = Some(first.day);
        while let Some(at) = day.filter(|day| *day <= last.day) {
            sums.entry(place(at)).or_insert((0, 0, at));
            day = at.next();
        }
    }
    let skip = sums.len().saturating_sub(usize::try_from(BARS).unwrap_or(0));
    let label = |day: Day| {
        let text = day.to_string();
        match unit {
            "day" => text,
            "month" => text.chars().take(7).collect(),
            _ => text.chars().take(4).collect(),
        }
    };
    let bar = |(ok, no, day): (u64, u64, Day)| Bar { label: label(day), ok, no };
    (unit, sums.into_values().skip(skip).map(bar).collect())
}

fn days(scribe: &Scribe<'_>) -> Picture {
    let (unit, bars) = buckets(scribe);
    let caption = scribe.say(&format!("report-by-{unit}"));
    let most = bars.iter().max_by_key(|bar| bar.all());
    let says = most.map(|bar| {
        let facts = [("label", bar.label.clone()), ("count", number(bar.all()))];
        scribe.tell("report-picture-most", &facts)
    });
    let svg = chart::standing("p-days", &caption, &says.unwrap_or_default(), &bars);
    let row = |bar: &Bar| vec![text(bar.label.clone()), count(bar.all()), count(bar.no)];
    let numbers =
        scribe.table("days", &["when", "#entries", "#refused-failed"], bars.iter().map(row).collect());
    picture(scribe, caption, svg, legend(scribe), Some(numbers))
}

fn picture(
    scribe: &Scribe<'_>,
    caption: String,
    svg: String,
    legend: Vec<(&'static str, String)>,
    numbers: Option<super::Table>,
) -> Picture {
    Picture { caption, svg, legend, numbers_label: scribe.say("report-numbers"), numbers }
}

fn week(scribe: &Scribe<'_>) -> Picture {
    let caption = scribe.say("report-by-hour");
    let hours = &scribe.report.account.week;
    let names = ["1", "2", "3", "4", "5", "6", "7"].map(|day| scribe.say(&format!("report-weekday-{day}")));
    let places = hours
        .iter()
        .zip(&names)
        .flat_map(|(hours, name)| hours.iter().zip(0..).map(move |(n, hour)| (n, name, hour)));
    let most = places.max_by_key(|(count, ..)| **count);
    let says = most.map(|(most, day, hour): (&u64, &String, u32)| {
        let facts = [("label", format!("{day} {hour:02}:00")), ("count", number(*most))];
        scribe.tell("report-picture-most", &facts)
    });
    let svg = chart::week("p-week", &caption, &says.unwrap_or_default(), &names, hours);
    let row = |hour: usize| {
        let of_day = |day: &[u64; 24]| count(day.get(hour).copied().unwrap_or(0));
        [text(format!("{hour:02}:00"))].into_iter().chain(hours.iter().map(of_day)).collect()
    };
    let columns = ["hour", "#mon", "#tue", "#wed", "#thu", "#fri", "#sat", "#sun"];
    let mut numbers = scribe.table("week", &columns, (0..24).map(row).collect());
    numbers.grid = true;
    let legend = vec![
        ("h0", scribe.say("report-legend-none")),
        ("h1", scribe.say("report-legend-few")),
        ("h4", scribe.say("report-legend-many")),
    ];
    picture(scribe, caption, svg, legend, Some(numbers))
}

fn classes(scribe: &Scribe<'_>) -> Picture {
    let caption = scribe.say("report-by-class");
    let mut bars = Vec::new();
    let mut rows = Vec::new();
    for row in &scribe.report.account.classes {
        let class = row
            .class
            .map_or_else(|| scribe.say("report-class-unnamed"), |class| scribe.word("class", class.as_str()));
        for (deed, times) in &row.deeds {
            let deed_name = scribe.say(&format!("report-deed-{deed}"));
            let (ok, no) = if *deed == Deed::Refused { (0, *times) } else { (*times, 0) };
            bars.push(Bar { label: format!("{class} · {deed_name}"), ok, no });
            rows.push(vec![text(class.clone()), text(deed_name), count(*times)]);
        }
    }
    let says = scribe.tell("report-picture-rows", &[("count", bars.len().to_string())]);
    let svg = chart::lying("p-class", &caption, &says, &bars);
    let numbers = scribe.table("classes", &["class", "deed", "#times"], rows);
    picture(scribe, caption, svg, Vec::new(), Some(numbers))
}

fn people(scribe: &Scribe<'_>) -> Picture {
    let caption = scribe.say("report-by-member");
    let people = &scribe.report.account.people;
    let bar = |row: &PersonRow| {
        let (ok, no) = halves(&row.person.by_category);
        Bar { label: scribe.name(row.member), ok, no }
    };
    let mut bars: Vec<Bar> = people.iter().take(PEOPLE).map(bar).collect();
    let rest =
        people.iter().skip(PEOPLE).map(bar).reduce(|a, b| Bar { ok: a.ok + b.ok, no: a.no + b.no, ..a });
    bars.extend(rest.map(|bar| Bar {
        label: scribe.tell("report-others", &[("count", (people.len() - PEOPLE).to_string())]),
        ..bar
    }));
    let says = scribe.tell("report-picture-rows", &[("count", bars.len().to_string())]);
    let svg = chart::lying("p-member", &caption, &says, &bars);
    let row = |row: &PersonRow| {
        let (ok, no) = halves(&row.person.by_category);
        vec![scribe.person(row.member), count(ok + no), count(no), scribe.when(row.person.last)]
    };
    let columns = ["member", "#entries", "#refused-failed", "last"];
    let mut numbers = scribe.table("people", &columns, people.iter().take(200).map(row).collect());
    numbers.more = scribe.more(200, people.len());
    picture(scribe, caption, svg, legend(scribe), Some(numbers))
}

/// Every event and outcome that there was.
fn events(scribe: &Scribe<'_>) -> Block {
    let row = |row: &EventRow| {
        let category = Category::of(row.event, row.outcome);
        vec![
            text(scribe.word("event", row.event.as_str())),
            text(scribe.word("outcome", row.outcome.as_str())),
            text(scribe.say(&format!("report-kind-{category}"))),
            count(row.count),
        ]
    };
    let rows = scribe.report.account.events.iter().map(row).collect();
    Block::Table(scribe.table("events", &["event", "outcome", "kind", "#entries"], rows))
}

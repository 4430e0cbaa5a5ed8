//! A sample log. Some of its texts try to break out of their fields. All people in it are fictitious.

use activity_privacy::activity::{Activity, ActivityBuilder};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::prelude::*;

use crate::terminal::Result;

const ACTIONS: [&str; 6] =
    ["FileAccessed", "FileModified", "FileDeleted", "UserLoggedIn", "Add member to group.", "TeamsSessionStarted"];

/// Texts that end a line, a field or an escape in some format, or look as if they did.
const DIFFICULT: [&str; 24] = [
    "line\nfeed",
    "carriage\r\nreturn",
    "tab\tulator",
    "pipe|pipe",
    "equals=sign suser=eve",
    "back\\slash\\n",
    "trailing\\",
    "quote\"quote'",
    "[bracket] ]",
    "caret^usrName=eve",
    "comma,semicolon;",
    "nul\0escape\u{1b}[2J",
    "next\u{85}line",
    "line\u{2028}separator\u{2029}",
    "mark\u{feff}",
    "right\u{202e}to left",
    "lone \\ud800 surrogate",
    "escape \\u{a} \\u{5c}u{a}",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "-2+3",
    "'apostrophe",
    "café Straße 日本 \u{1d11e}",
    "CEF:0|a|b|c|d|e|0|f=g",
];

pub(crate) fn officer() -> Result<UserId> {
    Ok(UserId::new("officer")?)
}

/// Returns a filter with the sample in memory. Its officer may view private activities, of which there are some.
pub(crate) fn filter() -> Result<PrivacyFilter> {
    let council = GroupId::new("g-council")?;
    let person = |id: &str, name: &str| -> Result<User> {
        Ok(User::new(UserId::new(id)?).with_alias(Alias::new(format!("{name}@contoso.example"))?))
    };
    let directory = MemoryDirectory::new();
    let people = DirectoryBuilder::new()
        .user(person("officer", "officer")?)
        .user(person("u-1", "adele")?)
        .user(person("u-2", "bashir")?)
        .user(person("u-3", "jürgen")?)
        .group(council.clone(), "Works council")
        .member(&council, &UserId::new("u-3")?);
    // A fixed clock, so that every run writes the same bytes.
    let now = "2026-03-03T08:00:00.000250Z".parse()?;
    directory.install(people.build(DirectoryRevision(7), now)?)?;
    let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new())
        .clock(move || now)
        .initialize(Administrators::new(officer()?, UserId::new("deputy")?)?)?;
    filter.update_policy(&officer()?, PolicyChange::MakePrivate(council.into()))?;
    filter.update_policy(&UserId::new("deputy")?, PolicyChange::Grant(Alias::new("officer@contoso.example")?))?;

    let mut activities = Vec::new();
    for number in 0..300 {
        activities.push(ordinary(number)?.build()?);
    }
    for (number, text) in (300..).zip(DIFFICULT) {
        let mut difficult = ordinary(number)?;
        for other in DIFFICULT.iter().skip(number % 3).step_by(7) {
            difficult = difficult.object(*other);
        }
        activities.push(difficult.object(text).details(text).build()?);
        activities.push(named(number, text)?.build()?);
    }
    filter.ingest(&activities)?;
    Ok(filter)
}

fn ordinary(number: usize) -> Result<ActivityBuilder> {
    let actor = match number % 8 {
        0 => Actor::application("Backup".parse()?).with_identity(UserId::new("9f6c1a52-7d1e-4b0a-8f43-2b1c7d9e0a11")?),
        1 => Actor::system("NT AUTHORITY\\SYSTEM".parse()?),
        2 | 3 => user("u-3", "jürgen@contoso.example")?,
        4 | 5 => user("u-2", "CONTOSO\\bashir")?.with_identity(Alias::new("bashir@contoso.example")?),
        _ => user("u-1", "adele@contoso.example")?,
    };
    let app = App::new(["SharePoint", "Exchange"].get(number % 2).unwrap_or(&"Box").parse()?);
    let app = if number.is_multiple_of(3) { app } else { app.in_suite("Microsoft 365".parse()?) };
    let action = ACTIONS.get(number % ACTIONS.len()).unwrap_or(&"FileAccessed").parse()?;
    let at = format!("2026-03-01T{:02}:{:02}:{:02}.{:06}Z", number / 60 % 24, number % 60, number % 60, number * 1_001);
    let mut begun = Activity::builder(format!("a-{number:04}").parse()?, actor, app, action, at.parse()?);
    if number.is_multiple_of(5) {
        begun = begun.on_behalf_of(user("u-1", "adele@contoso.example")?);
    }
    if !number.is_multiple_of(4) {
        begun = begun.object(format!("https://contoso.example/plans/plan-{number}.docx")).object("plan, final");
    }
    Ok(begun.details(format!("{{\"ClientIP\":\"203.0.113.{}\",\"Number\":{number}}}", number % 250)))
}

/// Returns an activity whose names contain a text, as far as a name may.
fn named(number: usize, text: &str) -> Result<ActivityBuilder> {
    let name: String = text.chars().filter(|c| !c.is_control()).collect();
    let actor = user("u-2", &format!("{name} x"))?;
    let app = App::new(format!("App {name}").parse()?).in_suite(format!("Suite {name}").parse()?);
    let id = format!("n-{number} {name}").parse()?;
    Ok(Activity::builder(id, actor, app, name.parse()?, "2026-03-02T10:00:00Z".parse()?))
}

fn user(id: &str, name: &str) -> Result<Actor> {
    Ok(Actor::user(Alias::new(name)?).with_identity(UserId::new(id)?))
}

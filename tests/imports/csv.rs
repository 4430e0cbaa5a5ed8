//! Users, groups and memberships in CSV tables.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read};

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryRevision, DirectorySnapshot, Resolution, User, UserStatus,
};
use activity_privacy::identity::{GroupId, UserId};
use activity_privacy::import::csv::{MAX_ROW_BYTES, Tables};
use activity_privacy::import::{EntryRejectReason, Import, Place, RejectedEntry};
use proptest::prelude::*;

mod shape;
mod spelling;

const USERS: &str = "Object ID,Display name,userPrincipalName,Mail,Proxy addresses,Account enabled,groups\n\
                     u-1,\"Vance, Adele\",adele@contoso.example,a.vance@contoso.example,\
                     SMTP:adele@contoso.example; smtp:av@contoso.example,True,g-1\n\
                     u-2,Bruno,bruno@contoso.example,,,false,\n";
const GROUPS: &str = "groupId,displayName,parents\ng-1,Works council,\ng-2,\"Board \"\"of\ndirectors\"\"\",g-1\n";
const MEMBERS: &str = "group,member,type\ng-2,u-2,user\ng-2,d-1,device\ng-2,u-2,User\n";

fn read(tables: &[&str]) -> Import<DirectoryBuilder> {
    let mut read = Tables::new();
    for table in tables {
        read.read(table.as_bytes());
    }
    read.finish()
}

fn whole(tables: &[&str]) -> DirectorySnapshot {
    built(read(tables).into_complete().unwrap())
}

fn built(builder: DirectoryBuilder) -> DirectorySnapshot {
    builder.build(DirectoryRevision(1), Default::default()).unwrap()
}

fn members(snapshot: &DirectorySnapshot, group: &str) -> BTreeSet<String> {
    let members = snapshot.all_members(&GroupId::new(group).unwrap());
    members.into_iter().map(|user| user.as_str().to_owned()).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn user(snapshot: &DirectorySnapshot, id: &str) -> User {
    match snapshot.resolve(&UserId::new(id).unwrap().into()) {
        Resolution::Known(user) => user.clone(),
        _ => panic!("no user {id}"),
    }
}

fn names(snapshot: &DirectorySnapshot, id: &str) -> Vec<String> {
    user(snapshot, id).aliases().iter().map(|alias| alias.as_str().to_owned()).collect()
}

/// Returns the message of the only rejection.
fn rejection(import: &Import<DirectoryBuilder>) -> String {
    let [rejected] = import.rejected() else { panic!("{:?}", import.rejected()) };
    rejected.to_string()
}

#[test]
fn d6_tables_in_any_order_make_one_directory() {
    let mut tables = [USERS, GROUPS, MEMBERS];
    for turn in 0..6 {
        tables.rotate_left(1);
        if turn == 3 {
            tables.swap(0, 1);
        }
        let import = read(&tables);
        assert_eq!((import.read(), import.ignored(), import.rejected().len()), (7, 1, 0));
        let snapshot = built(import.into_complete().unwrap());
        assert_eq!(members(&snapshot, "g-1"), set(&["u-1", "u-2"]));
        assert_eq!(members(&snapshot, "g-2"), set(&["u-2"]));
        assert_eq!(snapshot.group_name(&GroupId::new("g-2").unwrap()), Some("Board \"of\ndirectors\""));
    }
}

#[test]
fn d8_every_name_of_row_is_alias_upn_first() {
    let snapshot = whole(&[USERS, GROUPS]);
    assert_eq!(names(&snapshot, "u-1"), ["adele@contoso.example", "a.vance@contoso.example", "av@contoso.example"]);
    assert_eq!(user(&snapshot, "u-1").status(), UserStatus::Active);
    assert_eq!(user(&snapshot, "u-2").status(), UserStatus::Disabled);
    let table = "mail;x,account,home domain,email,id,upn,status\n,,,,,,\n";
    assert!(rejection(&read(&[table])).contains("column 1 is unknown"), "most columns are parted by `,`");
    let table = "mail,account,home domain,email,id,upn,status\na@x.example,a;b,Contoso.Example,b@x.example,u,c@x.example,deleted\n";
    let snapshot = whole(&[table]);
    assert_eq!(names(&snapshot, "u"), ["c@x.example", "a@x.example", "b@x.example", "a", "b"]);
    let u = user(&snapshot, "u");
    assert_eq!(u.stated_home_domain().unwrap().as_str(), "contoso.example");
    assert_eq!(u.status(), UserStatus::Deleted);
}

#[test]
fn b1_formula_of_a_spreadsheet_is_text() {
    let snapshot = whole(&["id,account\n=1+1,@a;-b;+c\n"]);
    assert_eq!(names(&snapshot, "=1+1"), ["@a", "-b", "+c"]);
}

#[test]
fn b1_byte_order_marks_and_line_ends_are_ignored() {
    let expected = names(&whole(&[USERS, GROUPS]), "u-1");
    let crlf = USERS.replace('\n', "\r\n");
    let marked = format!("\u{feff}{USERS}");
    let spaced = format!("\n\r\n{}", USERS.replace('\n', "\n\n"));
    let quoted = "\u{feff}\"Object ID\",\"upn\",\"mail\",\"alias\",\"groups\"\n\"u-1\",\"adele@contoso.example\",\
                  \"a.vance@contoso.example\",\"av@contoso.example\",\"g-1\"\n";
    for users in [&crlf, &marked, &spaced, quoted] {
        assert_eq!(names(&whole(&[users, GROUPS]), "u-1"), expected, "{users}");
        for chunk in [1, 2, 3, 7] {
            let mut tables = Tables::new();
            tables.read(BufReader::with_capacity(chunk, users.as_bytes())).read(GROUPS.as_bytes());
            assert_eq!(names(&built(tables.finish().into_complete().unwrap()), "u-1"), expected, "{users}");
        }
    }
}

/// `csv-core` takes a first buffer of only a byte order mark for the end of the input.
#[test]
fn b1_chunk_of_only_byte_order_mark_ends_nothing() {
    for marks in ["", "\u{feff}", "\u{feff}\u{feff}", "\u{feff}\u{feff}\u{feff}"] {
        let table = format!("{marks}id,upn\nu,a@x.example\n");
        for chunk in [1, 2, 3, 6, 64] {
            let mut tables = Tables::new();
            tables.read(BufReader::with_capacity(chunk, table.as_bytes()));
            assert_eq!(names(&built(tables.finish().into_complete().unwrap()), "u"), ["a@x.example"], "{chunk}");
        }
    }
    let quoted = whole(&["\u{feff}\"user, id\",upn\nu,a@x.example\n"]);
    assert_eq!(names(&quoted, "u"), ["a@x.example"], "a quote behind the mark opens a field");
}

#[test]
fn b4_unknown_column_is_named_unless_like_a_value() {
    for (column, says) in [
        ("Favourite colour", "column 3 `Favourite colour` is unknown"),
        (&"x".repeat(500), &format!("column 3 `{}` is unknown", "x".repeat(64))),
        ("a\u{7}b", "column 3 is unknown"),
        ("kanarienvogel@x.example", "column 3 is unknown"),
        ("7", "column 3 is unknown"),
    ] {
        let import = read(&[&format!("id,upn,{column}\nu,a@x.example,b\n")]);
        assert!(rejection(&import).starts_with(&format!("line 1: {says}")), "{}", rejection(&import));
    }
}

#[test]
fn d11_unknown_column_rejects_table_unless_ignored() {
    let table = "id,upn,kanarienvogel@x.example\nu,a@x.example,b@x.example\n";
    let import = read(&[table]);
    assert_eq!((import.read(), import.rejected().len()), (1, 1));
    let says = "line 1: column 3 is unknown, expected a column of users, groups or memberships, or one \
                named to `Tables::ignoring`";
    assert_eq!(rejection(&import), says);
    let mut tables = Tables::new().ignoring("Kanarienvogel @ X.example");
    tables.read(table.as_bytes());
    assert_eq!(names(&built(tables.finish().into_complete().unwrap()), "u"), ["a@x.example"]);
}

#[test]
fn b1_header_of_no_table_is_rejected() {
    for (header, says) in [
        (
            "upn,mail",
            "field `id` is missing or empty, expected the immutable id of a user, or `group id`, or `group` and `member`",
        ),
        (
            "id,display name",
            "field `user id` is missing or empty, expected `user id` or `group id`, because users and groups both have `id` and a name",
        ),
        ("member,type", "field `group` is missing or empty, expected the id of the group"),
        ("group name,name", "field `group id` is missing or empty, expected the immutable id of a group"),
        ("id,object id,upn", "field `id` occurs more than once; keep only one"),
        ("group,group id,member", "field `group id` occurs more than once; keep only one"),
        ("id,\"upn", "unexpected end of input, expected the closing quote of a field"),
    ] {
        let import = read(&[&format!("{header}\n")]);
        assert_eq!(rejection(&import), format!("line 1: {says}"), "{header}");
        assert_eq!(import.read(), 1);
    }
    assert_eq!(
        rejection(&read(&["id,upn"])),
        "line 1: unexpected end of input, expected a line feed at the end of the header"
    );
    for nothing in ["", "\n\r\n", "id,upn\n"] {
        assert_eq!((read(&[nothing]).read(), read(&[nothing]).rejected().len()), (0, 0));
    }
}

#[test]
fn b1_invalid_row_is_rejected_and_others_read() {
    let long = format!("{},a@x.example,,", "u".repeat(300));
    let wide = format!("u,{},,", "a".repeat(MAX_ROW_BYTES));
    for (row, says) in [
        ("u,a@x.example,", "3 fields, expected 4"),
        ("u,a@x.example,,,", "5 fields, expected 4"),
        (",a@x.example,,", "field `id` is missing or empty, expected the immutable id of a user"),
        ("u,a@x.example,perhaps,", "field `status` is invalid, expected `active`, `disabled` or `deleted`"),
        (
            "u,a@x.example,,a b.example",
            "field `home domain` is invalid, expected the domain name of the user's organization",
        ),
        ("u,\"a@x.example, b@x.example\",,", "field `upn` is invalid, expected addresses separated by `;` only"),
        ("u,a@x.example b@x.example,,", "field `upn` is invalid, expected addresses separated by `;` only"),
        ("u,a\u{7}b,,", "field `upn`: alias contains a control character at byte 1; remove it"),
        (&long, "field `id`: user id is 300 bytes long, expected at most 256"),
        (&wide, "too long, expected at most 1048576 bytes"),
    ] {
        let table = format!("id,upn,status,home domain\nv,\"v;\nw\",,\n{row}\nz,z@x.example,,\n");
        let import = read(&[&table]);
        assert_eq!(rejection(&import), format!("line 4: {says}"), "{row}");
        assert_eq!(import.read(), 3);
        assert_eq!(names(&built(import.into_partial()), "z"), ["z@x.example"], "the other rows are read");
    }
    let mut tables = Tables::new();
    tables.read(&b"id,upn\n\xff,a\nb,\xffb\nc,c\n"[..]);
    let import = tables.finish();
    let places: Vec<Place> = import.rejected().iter().map(|rejected| rejected.place).collect();
    assert_eq!(places, [Place::Line(2), Place::Line(3)]);
    assert_eq!(import.rejected()[1].reason, EntryRejectReason::NotUtf8 { at: 2 });
}

#[test]
fn b1_text_in_unclosed_quote_is_no_row() {
    let table = format!("id,upn\nu,\"{}\nv,v@x.example\n", "a\n".repeat(MAX_ROW_BYTES));
    let import = read(&[&table]);
    assert_eq!(rejection(&import), "line 2: unexpected end of input, expected the closing quote of a field");
    assert!(members(&built(import.into_partial()), "v").is_empty());
    let table = format!("id,upn\nu,\"{}\nv,v@x.example\n\",\nw,w\n", "a\n".repeat(MAX_ROW_BYTES));
    let import = read(&[&table]);
    assert_eq!(rejection(&import), "line 2: too long, expected at most 1048576 bytes");
    assert_eq!(names(&built(import.into_partial()), "w"), ["w"]);
}

#[test]
fn d11_unknown_member_or_group_is_rejected() {
    let all_members = |rows: &str| format!("group,member,type\n{rows}");
    for (rows, says) in [
        ("g-1,u-9,\n", Some("members that the input does not contain: 1; add them")),
        ("g-1,g-9,group\n", Some("members that the input does not contain: 1; add them")),
        ("g-9,u-1,\n", Some("member of groups that the input does not contain: 1; add them")),
        ("g-1,u-1,robot\n", Some("field `type` is invalid")),
        ("g-1,,\n", Some("field `member` is missing")),
        (",u-1,\n", Some("field `group id` is missing")),
        ("g-1,u-9,user\n", Some("members that the input does not contain: 1; add them")),
        ("g-1,g-2,\n", None),
        ("g-1,u-2,#microsoft.graph.user\n", None),
        ("g-1,s-1,#microsoft.graph.servicePrincipal\n", None),
    ] {
        let import = read(&[USERS, GROUPS, &all_members(rows)]);
        match says {
            Some(says) => {
                assert!(
                    rejection(&import).starts_with(&format!("line 2 of input 3: {says}")),
                    "{}",
                    rejection(&import)
                );
            }
            None => assert!(import.rejected().is_empty(), "{rows}"),
        }
        let (read, rejected) = (import.read(), import.rejected().len() as u64);
        assert_eq!((read, rejected), (5, u64::from(says.is_some())));
    }
    let import = read(&["id,upn,groups\nu,a@x.example,g-8;g-9\n"]);
    assert_eq!(import.rejected()[0].reason, EntryRejectReason::UnknownGroup { count: 2 });
    let import = read(&["group id,parents\ng,g-8\n"]);
    assert_eq!(import.rejected()[0].reason, EntryRejectReason::UnknownGroup { count: 1 });
}

#[test]
fn d11_id_of_user_and_group_needs_type() {
    let (users, groups) = ("id,upn\nx,x@x.example\n", "group id,name\nx,X\ng,G\n");
    let import = read(&[users, groups, "group,member\ng,x\n"]);
    let says = "line 2 of input 3: field `type` is invalid, expected `user` or `group`, because a user and a group have the id";
    assert_eq!(rejection(&import), says);
    assert_eq!(members(&built(import.into_partial()), "g"), set(&["x"]), "both are members");
    assert_eq!(members(&whole(&[users, groups, "group,member,type\ng,x,user\n"]), "g"), set(&["x"]));
    assert_eq!(members(&whole(&[users, groups, "group,member,type\ng,x,group\n"]), "g"), set(&[]));
}

#[test]
fn b1_second_record_of_same_id_is_rejected() {
    let import = read(&["id,upn\nu,a@x.example\nu,b@x.example\n", "group id\ng\ng\n"]);
    let places: Vec<Place> = import.rejected().iter().map(|rejected| rejected.place).collect();
    assert_eq!(places, [Place::LineOf { input: 1, line: 3 }, Place::LineOf { input: 2, line: 3 }]);
    assert!(import.rejected().iter().all(|rejected| rejected.reason == EntryRejectReason::RepeatedRecord));
}

#[test]
fn b1_empty_rows_are_ignored_and_counted() {
    let import = read(&["id,upn\n,\nu,a@x.example\n , \n"]);
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (3, 2, 0));
}

#[test]
fn b1_row_truncated_before_last_field_is_rejected() {
    for at in 1..USERS.len() {
        let import = read(&[&USERS[..at], GROUPS]);
        // Behind its last comma, a row has all its fields.
        let row = USERS[..at].rsplit('\n').next().unwrap();
        let in_last_field = row.replace("\"Vance, Adele\"", "").matches(',').count() == 6;
        assert!(row.is_empty() || in_last_field || !import.rejected().is_empty(), "cut at {at}");
    }
}

#[test]
fn b4_last_row_without_line_feed_is_read() {
    let snapshot = whole(&["id,upn\nu-1,a@x.example\nu-2,\"b@x.example\""]);
    assert_eq!(names(&snapshot, "u-2"), ["b@x.example"]);
    for cut in ["id,upn,mail\nu-1,a@x.example", "id,upn\nu-1", "id,upn\nu-1,\"a@x.example"] {
        assert!(rejection(&read(&[cut])).starts_with("line 2: unexpected end of input, expected "), "{cut}");
    }
    assert!(rejection(&read(&["id,upn\nu-1,a,b"])).contains("3 fields, expected 2"));
}

#[test]
fn b1_failing_input_is_one_rejection() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    for text in ["", "id,upn\n", "id,upn\nu,a"] {
        let mut tables = Tables::new();
        tables.read(BufReader::new(text.as_bytes().chain(Failing)));
        let import = tables.finish();
        assert_eq!(import.rejected().len(), 1, "{text}");
        assert_eq!(import.rejected()[0].reason, EntryRejectReason::Io { kind: io::ErrorKind::ConnectionReset });
    }
}

#[test]
fn b2_rejection_quotes_nothing_of_the_row() {
    let table = "id,upn,status\nkanarienvogel,kanarienvogel@x, kanarienvogel\n\"kanarien\nvogel\",,\n,kanarienvogel,\n\
                 kanarienvogel\nkanarienvogel,\"kanarienvogel";
    let import = read(&[table, "group,member\nkanarienvogel,kanarienvogel\n"]);
    assert_eq!(import.rejected().len(), 6);
    let told = format!("{:?} {:?}", import.rejected(), Tables::new().ignoring("kanarienvogel"));
    let told = format!("{told} {}", import.into_complete().unwrap_err());
    assert!(!told.contains("kanarien") && !told.contains("vogel"), "{told}");
}

proptest! {
    #[test]
    fn d11_order_of_rows_is_ignored(
        users in Just(vec!["u-1,a@x.example", "u-2,b@x.example", "u-3,c@x.example"]).prop_shuffle(),
        members_in in Just(vec!["g-1,u-1", "g-2,u-2", "g-1,g-2", "g-2,g-1", "g-3,u-3"]).prop_shuffle(),
        first in 0_usize..3,
    ) {
        let users = format!("id,upn\n{}\n", users.join("\n"));
        let memberships = format!("group,member\n{}\n", members_in.join("\n"));
        let mut tables = [users.as_str(), "group id\ng-1\ng-2\ng-3\n", memberships.as_str()];
        tables.rotate_left(first);
        let snapshot = whole(&tables);
        prop_assert_eq!(members(&snapshot, "g-1"), set(&["u-1", "u-2"]));
        prop_assert_eq!(members(&snapshot, "g-2"), set(&["u-1", "u-2"]));
        prop_assert_eq!(members(&snapshot, "g-3"), set(&["u-3"]));
        prop_assert_eq!(names(&snapshot, "u-2"), ["b@x.example"]);
    }

    #[test]
    fn b1_every_row_is_read_ignored_or_rejected(
        rows in prop::collection::vec(prop::sample::select(vec![
            ("u,a@x.example,g", true), (",,", false), ("u,a", false), (",a,g", false), ("u,\"a\nb\",g", false),
        ]), 0..12),
    ) {
        let mut taken = 0;
        let lines: Vec<String> = rows.iter().enumerate().map(|(at, (row, good))| {
            taken += u64::from(*good);
            row.replace('u', &format!("u-{at}"))
        }).collect();
        let table = format!("id,upn,groups\n{}\n", lines.join("\n"));
        let import = read(&[&table, "group id\ng\n"]);
        prop_assert_eq!(import.read(), rows.len() as u64 + 1);
        prop_assert_eq!(import.read(), taken + 1 + import.ignored() + import.rejected().len() as u64);
    }

    #[test]
    fn b3_any_bytes_are_read_to_their_end(
        header in prop::sample::select(vec!["", "id,upn\n", "group,member,type\n", "group id,name,parents\n"]),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\n\r,\";ug-1@".to_vec())], 0..200),
        chunk in 1_usize..9,
    ) {
        let bytes = [header.as_bytes(), &bytes].concat();
        let (mut one, mut other) = (Tables::new(), Tables::new());
        one.read(bytes.as_slice());
        other.read(BufReader::with_capacity(chunk, bytes.as_slice()));
        let (one, other) = (one.finish(), other.finish());
        prop_assert_eq!((one.read(), one.ignored(), one.rejected()), (other.read(), other.ignored(), other.rejected()));
        prop_assert!(one.ignored() + one.rejected().len() as u64 <= one.read());
        prop_assert!(one.into_partial().build(DirectoryRevision(1), Default::default()).is_ok());
    }
}

#[test]
fn d11_typed_member_without_a_record_is_rejected() {
    let groups = "group id,name\ng-1,Council\n";
    let members = "group,member,type\ng-1,adele@contoso.example,user\n";
    let users = "id,upn\nu-1,adele@contoso.example\n";
    for tables in [[users, groups, members], [members, users, groups]] {
        let import = read(&tables);
        assert!(matches!(
            import.rejected(),
            [RejectedEntry { reason: EntryRejectReason::UnknownMember { count: 1 }, .. }]
        ));
    }
    assert_eq!(
        self::members(&whole(&[groups, members]), "g-1"),
        set(&["adele@contoso.example"]),
        "ids are all there is"
    );
    let mut tables = Tables::new().ignoring_members(["Adele@contoso.example", "\u{feff}adele@contoso.example"]);
    for table in [users, groups, members] {
        tables.read(table.as_bytes());
    }
    let import = tables.finish();
    assert_eq!((import.ignored(), import.rejected().len()), (1, 0));
}

#[test]
fn d8_invisible_marks_around_ids_are_ignored() {
    let users = "id,upn,groups\n\u{200b}u-1,a@contoso.example,'g-1; \u{200e}g-2\n'u-2,b@contoso.example,\n";
    let groups = "group id,name,parents\n\u{feff}g-1,Council,\n'g-2,Board,\u{2060}g-1\n";
    let members = "group,member,type\n\u{200b}g-1,'u-2,user\n";
    let snapshot = whole(&[users, groups, members]);
    assert_eq!(self::members(&snapshot, "g-1"), set(&["u-1", "u-2"]));
    assert_eq!(self::members(&snapshot, "g-2"), set(&["u-1"]));
}

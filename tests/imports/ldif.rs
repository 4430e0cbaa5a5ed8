//! LDIF: entries and change records.

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryRevision, DirectorySnapshot, Resolution, User, UserStatus,
};
use activity_privacy::identity::{Alias, GroupId, Identity, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};

use activity_privacy::import::ldif::{self, DirectoryTree, MAX_VALUE_BYTES};
use activity_privacy::import::{EntryRejectReason, Import, Place};
use proptest::prelude::*;

/// One record of each kind in a company's directory.
pub(crate) const ENTRIES: [&str; 10] = [
    "dn: dc=contoso,dc=example\nobjectClass: domain\ndc: contoso",
    "dn: ou=people,dc=contoso,dc=example\nobjectClass: organizationalUnit\nou: people",
    "dn: uid=adele,ou=people,dc=contoso,dc=example\nobjectClass: top\nobjectClass: inetOrgPerson\nentryUUID: \
     7D1C8E52-0a43-103e-8f2b-000000000001\nuid: adele\ncn: Adele Vance\ncn;lang-de: Adele Vanz\nmail: \
     adele@contoso.example\nmail: a.vance@contoso.example",
    "dn: cn=Vance\\, Bruno,ou=people,dc=contoso,dc=example\nobjectclass: user\nobjectGUID:: \
     AAECAwQFBgcICQoLDA0ODw==\nsAMAccountName: bruno\nuserPrincipalName: bruno@contoso.example\nproxyAddresses: \
     SMTP:bruno@contoso.example\nproxyAddresses: smtp:b.vance@contoso.example\nproxyAddresses: \
     X500:/o=contoso/cn=bruno\nuserAccountControl: 514",
    "dn:: Y249THXEjWnEhyxvdT1wZW9wbGUsZGM9Y29udG9zbyxkYz1leGFtcGxl\nobjectClass: person\ncn:: THXEjWnEhw==\nuid: \
     lucic\nnsAccountLock: TRUE",
    "dn: cn=PC-1,ou=machines,dc=contoso,dc=example\nobjectClass: top\nobjectClass: user\nobjectClass: computer\n\
     sAMAccountName: PC-1$",
    "dn: cn=council,dc=contoso,dc=example\nobjectClass: groupOfNames\nentryUUID: \
     7d1c8e52-0a43-103e-8f2b-000000000101\ncn: council\ndisplayName: Works council\nmember: UID=Adele , \
     OU=People,DC=contoso, DC=example\nmember: cn=board,dc=contoso,dc=example",
    "dn: cn=board,dc=contoso,dc=example\nobjectClass: groupOfUniqueNames\nentryUUID: \
     7d1c8e52-0a43-103e-8f2b-000000000102\ncn: Board\nuniqueMember: cn=Vance\\2C \
     Bruno,ou=people,dc=contoso,dc=example#'0101'B\nmember: cn=PC-1,ou=machines,dc=contoso,dc=example",
    "dn: cn=unix,dc=contoso,dc=example\nobjectClass: posixGroup\ncn: unix\ngidNumber: 100\nmemberUid: lucic",
    "dn: uid=dora,ou=people,dc=contoso,dc=example\nobjectClass: posixAccount\nuid: dora\ngidNumber: 100\nmemberOf: \
     cn=board,dc=contoso,dc=example",
];
pub(crate) const ADELE: &str = "7d1c8e52-0a43-103e-8f2b-000000000001";
pub(crate) const BRUNO: &str = "03020100-0504-0706-0809-0a0b0c0d0e0f";
pub(crate) const LUCIC: &str = "cn=luc\u{30c}ic\u{301},ou=people,dc=contoso,dc=example";
pub(crate) const DORA: &str = "uid=dora,ou=people,dc=contoso,dc=example";
pub(crate) const COUNCIL: &str = "7d1c8e52-0a43-103e-8f2b-000000000101";
pub(crate) const BOARD: &str = "7d1c8e52-0a43-103e-8f2b-000000000102";
pub(crate) const UNIX: &str = "cn=unix,dc=contoso,dc=example";

pub(crate) fn document(entries: &[&str]) -> String {
    format!("version: 1\n\n{}\n", entries.join("\n\n"))
}

pub(crate) fn built(builder: DirectoryBuilder) -> DirectorySnapshot {
    builder.build(DirectoryRevision(1), Default::default()).unwrap()
}

fn whole(document: impl AsRef<[u8]>) -> DirectorySnapshot {
    built(ldif::read(document.as_ref()).into_complete().unwrap())
}

pub(crate) fn members(snapshot: &DirectorySnapshot, group: &str) -> BTreeSet<String> {
    let members = snapshot.all_members(&GroupId::new(group).unwrap());
    members.into_iter().map(|user| user.as_str().to_owned()).collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

pub(crate) fn known(snapshot: &DirectorySnapshot, identity: impl Into<Identity>) -> Option<User> {
    match snapshot.resolve(&identity.into()) {
        Resolution::Known(user) => Some(user.clone()),
        _ => None,
    }
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn named(snapshot: &DirectorySnapshot, name: &str) -> Option<String> {
    known(snapshot, Alias::new(name).unwrap()).map(|user| user.id().as_str().to_owned())
}

/// Returns the content of a snapshot in a comparable form.
fn said(snapshot: &DirectorySnapshot) -> BTreeMap<String, Vec<String>> {
    let groups: Vec<GroupId> = snapshot.groups().map(|(id, _)| id.clone()).collect();
    let mut said = BTreeMap::new();
    for group in &groups {
        let members = members(snapshot, group.as_str());
        for id in &members {
            let user = known(snapshot, user(id)).unwrap();
            let mut names = vec![format!("{:?}", user.status())];
            names.extend(user.aliases().iter().map(|alias| alias.as_str().to_owned()));
            said.insert(format!("user {id}"), names);
        }
        let name = snapshot.group_name(group).unwrap().to_owned();
        said.insert(format!("group {}", group.as_str()), members.into_iter().chain([name]).collect());
    }
    said
}

/// Returns the only rejection of an import, as text and as a value.
pub(crate) fn rejection<T>(import: &Import<T>) -> (String, EntryRejectReason) {
    let [rejected] = import.rejected() else { panic!("{:?}", import.rejected()) };
    (rejected.to_string(), rejected.reason.clone())
}

#[test]
fn d6_entries_define_users_groups_and_memberships() {
    let import = ldif::read(document(&ENTRIES).as_bytes());
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (10, 3, 0));
    let snapshot = built(import.into_complete().unwrap());
    assert_eq!(members(&snapshot, COUNCIL), set(&[ADELE, BRUNO, DORA]));
    assert_eq!(members(&snapshot, BOARD), set(&[BRUNO, DORA]));
    assert_eq!(members(&snapshot, UNIX), set(&[DORA, LUCIC]), "by name, and by primary group");
    assert_eq!(snapshot.groups().count(), 3);
    assert_eq!(snapshot.group_name(&GroupId::new(COUNCIL).unwrap()), Some("Works council"));
    assert_eq!(snapshot.group_name(&GroupId::new(BOARD).unwrap()), Some("Board"));
}

#[test]
fn d8_user_has_every_name_and_upn_first() {
    let snapshot = whole(document(&ENTRIES));
    let names = |id| {
        let user = known(&snapshot, user(id)).unwrap();
        user.aliases().iter().map(|alias| alias.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(BRUNO), ["bruno@contoso.example", "b.vance@contoso.example", "bruno"]);
    assert_eq!(names(ADELE), ["a.vance@contoso.example", "adele@contoso.example", "adele"]);
    assert_eq!(names(DORA), ["dora"]);
    assert_eq!(named(&snapshot, "PC-1$"), None, "a machine is nobody");
}

#[test]
fn d11_disabled_user_stays_member() {
    let snapshot = whole(document(&ENTRIES));
    let status = |id| known(&snapshot, user(id)).unwrap().status();
    assert_eq!(status(ADELE), UserStatus::Active);
    assert_eq!(status(BRUNO), UserStatus::Disabled);
    assert_eq!(status(LUCIC), UserStatus::Disabled);
}

#[test]
fn b1_folds_comments_and_line_ends_are_insignificant() {
    let plain = document(&ENTRIES);
    let expected = said(&whole(&plain));
    let crlf = plain.replace('\n', "\r\n");
    let marked = format!("\u{feff}{plain}");
    let commented = plain.replace("objectC", "# a comment\n  that goes on: here\nobjectC");
    let mut folded = String::new();
    for line in plain.lines() {
        // No character is split here; the arbitrary bytes below cover that.
        let letters: Vec<char> = line.chars().collect();
        let pieces: Vec<String> = letters.chunks(7).map(|piece| piece.iter().collect()).collect();
        folded.push_str(&pieces.join("\n "));
        folded.push('\n');
    }
    let shouted = plain.replace("member:", "MEMBER:").replace("objectClass", "OBJECTCLASS").replace("uid:", "UserID:");
    let numbered = plain.replace("\nmember:", "\n2.5.4.31:").replace("inetOrgPerson", "2.16.840.1.113730.3.2.2");
    let close = plain.replace(": ", ":");
    for other in [crlf, marked, commented, folded, shouted, numbered, close] {
        assert_eq!(said(&whole(&other)), expected, "{other}");
    }
    let between =
        "dn: cn=Lu\u{10d}\nobjectClass: person\nuid: l\n\ndn: cn=g\nobjectClass: group\nmember: cn=Lu\u{10d}\n";
    let at = between.rfind('\u{10d}').unwrap() + 1;
    let (head, tail) = between.as_bytes().split_at(at);
    assert_eq!(members(&whole([head, b"\n ", tail].concat()), "cn=g").len(), 1, "a fold within a letter");
}

#[test]
fn d8_primary_group_of_active_directory_has_members() {
    // S-1-5-21-1-2-3 followed by 513 and 1105.
    let document = "dn: cn=Domain Users\nobjectClass: group\nobjectSid:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAQIAAA==\n\n\
                    dn: cn=a\nobjectClass: user\nsAMAccountName: a\nprimaryGroupID: 513\nobjectSid:: \
                    AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAUQQAAA==\n";
    assert_eq!(members(&whole(document), "cn=domain users"), set(&["cn=a"]));
}

#[test]
fn d11_missing_member_is_rejected_or_by_choice_user() {
    let entries = [ENTRIES[6], "dn: cn=board,dc=contoso,dc=example\nobjectClass: group\nmember: cn=x\nmember: cn=y"];
    let import = ldif::read(document(&entries).as_bytes());
    let rejected: Vec<_> = import.rejected().to_vec();
    assert_eq!((import.read(), rejected.len()), (2, 2), "one for each group");
    assert_eq!(rejected[0].place, Place::Line(8));
    assert_eq!(rejected[0].reason, EntryRejectReason::UnknownMember { count: 1 });
    assert_eq!(rejected[1].place, Place::Line(13));
    assert_eq!(rejected[1].reason, EntryRejectReason::UnknownMember { count: 2 });
    let snapshot = built(import.into_partial());
    assert_eq!(members(&snapshot, COUNCIL), set(&["uid=adele,ou=people,dc=contoso,dc=example", "cn=x", "cn=y"]));
}

#[test]
fn d11_missing_group_in_member_of_is_rejected() {
    let import = ldif::read(document(&[ENTRIES[9]]).as_bytes());
    assert_eq!(rejection(&import).1, EntryRejectReason::UnknownGroup { count: 1 });
    assert_eq!(known(&built(import.into_partial()), user(DORA)).unwrap().aliases().len(), 1);
}

#[test]
fn d11_other_entry_as_member_is_rejected() {
    let entries = ["dn: ou=a\nobjectClass: organizationalUnit", "dn: cn=g\nobjectClass: group\nmember: ou=a"];
    assert_eq!(rejection(&ldif::read(document(&entries).as_bytes())).1, EntryRejectReason::OtherMember { count: 1 });
}

#[test]
fn b1_line_of_rejection_is_of_reported_reason() {
    let text = document(&["dn: cn=g\nobjectClass: group\nmemberOf: cn=x\nmember: cn=y\nmember: cn=z"]);
    let expected = "line 6: members that the input does not contain: 2; add them, or pass those that are not people to \
                    `ignoring_members`";
    assert_eq!(rejection(&ldif::read(text.as_bytes())).0, expected);
}

#[test]
fn d11_partial_or_computed_members_are_rejected() {
    let group =
        |member: &str| format!("dn: cn=g\nobjectClass: group\n{member}: cn=a\n\ndn: cn=a\nobjectClass: person\n");
    for (member, complete) in [
        ("member;range=0-*", true),
        ("member;lang-de", true),
        ("member;range=0-1499", false),
        ("member;x-a;RANGE=1500-*", false),
    ] {
        let import = ldif::read(group(member).as_bytes());
        assert_eq!(import.rejected().is_empty(), complete, "{member}");
    }
    let computed = ldif::read(&b"dn: cn=g\nobjectClass: groupOfURLs\nmemberURL: ldap:///dc=x??sub?(uid=*)\n"[..]);
    assert_eq!(rejection(&computed).1, EntryRejectReason::ComputedMembers { field: "memberURL" });
}

#[test]
fn d11_failed_search_is_rejected() {
    let result = |said: &str| {
        format!("dn: cn=a\nobjectClass: person\n\n# search result\nsearch: 2\nresult: {said}\n\n# numEntries: 1\n")
    };
    let import = ldif::read(result("0 Success").as_bytes());
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (2, 1, 0));
    let import = ldif::read(result("4 Size limit exceeded").as_bytes());
    assert_eq!(
        rejection(&import).0,
        "line 6: the search failed or was cut short (`result` is not 0); export again without a size or time limit"
    );
}

#[test]
fn b1_error_names_line_and_other_records_are_read() {
    let long = format!("dn: cn=a\nobjectClass: person\nmail: {}", "a".repeat(MAX_VALUE_BYTES));
    let long_unique_id = format!("dn: cn=a\nobjectClass: person\nnsUniqueId: {}", "a".repeat(600));
    let long_alias = format!("dn: cn=a\nobjectClass: person\nmail: {}@x.example", "a".repeat(600));
    let cases: &[(&str, &str)] = &[
        (
            "objectClass: person\ndn: cn=a",
            "line 3: field `dn` is missing or empty, expected `dn` as the first line of an entry",
        ),
        ("dn: cn=a\ncn: a", "line 3: field `objectClass` is missing or empty, expected the classes of the entry"),
        ("dn: cn=a\nobjectClass: person\ndn: cn=b", "line 5: field `dn` occurs more than once; keep only one"),
        (
            "dn: a\nobjectClass: person",
            "line 3: field `dn` is invalid, expected a distinguished name (RFC 4514) of at most 128 parts",
        ),
        (
            "dn: cn=a\nobjectClass: person\nmail a@b.example",
            "line 5: cannot be parsed, expected `attribute: value`, `attribute:: base64` or a comment",
        ),
        (
            "dn: cn=a\nobjectClass: person\nmem ber: cn=b",
            "line 5: cannot be parsed, expected `attribute: value`, `attribute:: base64` or a comment",
        ),
        (
            "dn: cn=a\nobjectClass: person\nmail:: a",
            "line 5: field `mail` is invalid, expected base64 (RFC 4648, section 4)",
        ),
        ("dn: cn=a\nobjectClass: person\nmail:: /w==", "line 5: invalid UTF-8 at byte 0; export the input as UTF-8"),
        (
            "dn: cn=a\nobjectClass: person\nmail:< file:///etc/passwd",
            "line 5: field `mail` is invalid, expected the value itself, not a URL to fetch it from",
        ),
        (
            "dn: cn=a\nobjectClass: person\nentryUUID: 7",
            "line 5: field `entryUUID` is invalid, expected a UUID (RFC 9562)",
        ),
        (
            "dn: cn=a\nobjectClass: person\nobjectGUID:: AAEC",
            "line 5: field `objectGUID` is invalid, expected a UUID (RFC 9562)",
        ),
        (
            "dn: cn=a\nobjectClass: person\nentryUUID: 7d1c8e52-0a43-103e-8f2b-000000000001\nentryUUID: \
             7d1c8e52-0a43-103e-8f2b-000000000002",
            "line 6: field `entryUUID` occurs more than once; keep only one",
        ),
        (
            "dn: cn=a\nobjectClass: group\nmember: b",
            "line 5: field `member` is invalid, expected a distinguished name (RFC 4514) of at most 128 parts",
        ),
        (
            "dn: cn=a\nobjectClass: group\nobjectClass: person",
            "line 3: field `objectClass` is invalid, expected either a user class or a group class",
        ),
        (
            "dn: cn=a\nobjectClass: person\nmember: cn=b",
            "line 3: field `objectClass` is invalid, expected a group class, because the entry lists members",
        ),
        (
            "dn: cn=a\nobjectClass: acmeRobot\nmail: a@x.example",
            "line 3: field `objectClass` is invalid, expected the class of a user, group, device or place, because the \
             entry has a name or address",
        ),
        (
            "dn: ou=a\nobjectClass: organizationalUnit\nmember: cn=b",
            "line 3: field `objectClass` is invalid, expected a group class, because the entry lists members",
        ),
        (
            "dn: cn=a\nobjectClass: referral\nref: ldap://b.example/",
            "line 3: refers to another server; add the entries of that server, and pass the DN of the referral to \
             `ignoring_members`",
        ),
        ("dn: cn=a\nchangetype: delete", "line 4: unsupported change; pass change records to `DirectoryTree::change`"),
        (
            "dn: cn=a\nobjectClass: person\nprimaryGroupID: 4294967296",
            "line 5: field `primaryGroupID` is invalid, expected an integer from 0 to 4294967295",
        ),
        (
            "dn: cn=a\nobjectClass: person\ngidNumber: seven",
            "line 5: field `gidNumber` is invalid, expected a 64-bit integer",
        ),
        (&long_unique_id, "line 3: field `nsUniqueId`: user id is 600 bytes long, expected at most 256"),
        (&long, "line 5: too long, expected at most 65536 bytes"),
        (&long_alias, "line 3: field `mail`: alias is 610 bytes long, expected at most 512"),
        (
            " folded: from nowhere",
            "line 3: cannot be parsed, expected `attribute: value`, `attribute:: base64` or a comment",
        ),
    ];
    for (record, says) in cases {
        let last = "dn: cn=z\nobjectClass: person\nuid: z";
        let import = ldif::read(document(&[record, last]).as_bytes());
        assert_eq!(import.read(), 2);
        assert_eq!(rejection(&import).0, *says);
        assert!(named(&built(import.into_partial()), "z").is_some(), "the rest goes on: {record}");
    }
}

#[test]
fn b1_second_entry_of_same_name_is_rejected() {
    let other_dn = ENTRIES[2].replace("uid=adele,", "uid=copy,");
    let other_id = ENTRIES[2].replace("000000000001", "000000000009").replace("uid=adele,ou", "UID=Adele, OU");
    for second in [ENTRIES[2], &other_dn, &other_id] {
        let import = ldif::read(document(&[ENTRIES[2], second]).as_bytes());
        assert_eq!(rejection(&import).1, EntryRejectReason::RepeatedRecord, "{second}");
    }
}

#[test]
fn b1_other_version_is_rejected() {
    let import = ldif::read(&b"version: 2\n\ndn: cn=a\nobjectClass: person\n"[..]);
    assert_eq!(rejection(&import).0, "line 1: field `version` is invalid, expected `1`");
    let files = [document(&ENTRIES[..5]), document(&ENTRIES[5..])].join("\n");
    assert_eq!(said(&whole(&files)), said(&whole(document(&ENTRIES))), "two files, one behind the other");
    let added = document(&ENTRIES).replace("\nobjectC", "\nchangetype: add\nobjectC");
    assert_eq!(said(&whole(&added)), said(&whole(document(&ENTRIES))), "as ldifde writes it");
    let import = ldif::read(&b"version:1\ndn: cn=a\nobjectClass: person\n"[..]);
    assert_eq!((import.read(), import.rejected().len()), (1, 0), "no blank line needs to follow");
    for text in ["", "\n\n", "version: 1\n", "# nothing\n", "\u{feff}"] {
        let import = ldif::read(text.as_bytes());
        assert_eq!((import.read(), import.rejected().len()), (0, 0), "{text:?}");
    }
}

#[test]
fn b1_skipped_attributes_may_have_any_length() {
    let photo = "A".repeat(3 * MAX_VALUE_BYTES);
    let entry = format!("dn: cn=a\nobjectClass: person\njpegPhoto:: {photo}\naudio:< file:///nowhere\nnote:: \nuid: a");
    assert!(named(&whole(document(&[&entry])), "a").is_some());
}

#[test]
fn b1_io_error_is_reported() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let text = "dn: cn=a\nobjectClass: person\nuid: a\n\ndn: cn=b\nobjectClass: person\n";
    let import = ldif::read(BufReader::new(text.as_bytes().chain(Failing)));
    assert_eq!(import.read(), 2);
    assert_eq!(rejection(&import).1, EntryRejectReason::Io { kind: io::ErrorKind::ConnectionReset });
    let import = ldif::read(BufReader::new(Failing));
    assert_eq!((import.read(), import.rejected().len()), (1, 1));
}

#[test]
fn b1_truncated_line_is_rejected() {
    let document = document(&ENTRIES);
    for at in 1..document.len() {
        let import = ldif::read(&document.as_bytes()[..at]);
        let between = document.as_bytes()[at - 1] == b'\n';
        assert!(between || !import.rejected().is_empty(), "cut at {at} of {document}");
    }
}

#[test]
fn b2_rejections_do_not_quote_input() {
    let record = "dn: uid=kanarienvogel\nobjectClass: kanarienvogel\nmail: kanarienvogel\nmember: kanarienvogel\n\
                  kanarien vogel: 7\n\ndn: cn=kanarienvogel\nobjectClass: group\nmember: cn=kanarienvogel2\n\n\
                  dn: cn=kanarienvogel3\nchangetype: kanarienvogel\nkanarienvogel: 8\n";
    let import = ldif::read(record.as_bytes());
    assert_eq!(import.rejected().len(), 3);
    let rejected = import.rejected().to_vec();
    let told = format!("{rejected:?} {:?}", import.into_complete().unwrap_err());
    let (tree, _) = DirectoryTree::read(record.as_bytes()).into_partial();
    let told = format!("{told} {tree:?} {:?}", tree.clone().change(record.as_bytes()).rejected());
    assert!(!told.contains("kanarienvogel"), "{told}");
}

#[test]
fn b3_large_group_is_read_in_bounded_memory() {
    struct Members(u32);
    impl Read for Members {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let text = match self.0 {
                0 => "dn: cn=a\nobjectClass: person\n\ndn: cn=g\nobjectClass: group\n",
                1..=100_000 => "member: cn=A\n",
                _ => "",
            };
            self.0 += 1;
            into[..text.len()].copy_from_slice(text.as_bytes());
            Ok(text.len())
        }
    }
    let import = ldif::read(BufReader::with_capacity(256, Members(0)));
    assert_eq!(members(&built(import.into_complete().unwrap()), "cn=g").len(), 1);
}

proptest! {
    #[test]
    fn d11_order_of_entries_is_insignificant(entries in Just(ENTRIES.to_vec()).prop_shuffle()) {
        prop_assert_eq!(said(&whole(document(&entries))), said(&whole(document(&ENTRIES))));
    }

    #[test]
    fn b1_every_record_is_accounted_for(
        chosen in prop::collection::vec((0..ENTRIES.len(), any::<bool>()), 0..20),
    ) {
        // Some records are damaged, and some occur twice.
        let damaged = |entry: &str| entry.replacen('\n', "\nno line of LDIF\n", 1);
        let records: Vec<String> =
            chosen.iter().map(|(at, good)| if *good { ENTRIES[*at].to_owned() } else { damaged(ENTRIES[*at]) }).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let import = ldif::read(document(&records).as_bytes());

        let mut first = BTreeMap::new();
        for (at, good) in &chosen {
            first.entry(*at).or_insert(*good);
        }
        let (there, good) = (|at| first.contains_key(&at), |at| first.get(&at) == Some(&true));
        let taken = [
            good(2),
            good(3),
            good(4),
            good(6) && there(2) && there(7),
            good(7) && there(3) && there(5),
            good(8) && good(4),
            good(9) && there(7) && good(8),
        ];
        let taken = taken.iter().filter(|taken| **taken).count() as u64;
        let ignored = [0, 1, 5].into_iter().filter(|at| good(*at)).count() as u64;
        prop_assert_eq!((import.read(), import.ignored()), (records.len() as u64, ignored));
        prop_assert_eq!(import.read(), taken + ignored + import.rejected().len() as u64);
        let lines: Vec<u64> = import.rejected().iter().map(|rejected| match rejected.place {
            Place::Line(line) => line,
            _ => 0,
        }).collect();
        prop_assert!(lines.is_sorted() && lines.iter().all(|line| *line >= 1));
    }

    #[test]
    fn b3_arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), chunk in 1_usize..9) {
        let import = ldif::read(BufReader::with_capacity(chunk, bytes.as_slice()));
        prop_assert!(import.ignored() + import.rejected().len() as u64 <= import.read());
        let _ = DirectoryTree::read(bytes.as_slice()).into_partial().0.change(bytes.as_slice());
    }

    #[test]
    fn b3_damaged_document_never_panics(
        damaged in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..4), 1..6),
        chunk in 1_usize..40,
    ) {
        let mut bytes = document(&ENTRIES).into_bytes();
        for (at, byte, removed) in damaged {
            let at = at.index(bytes.len());
            bytes.splice(at..(at + removed).min(bytes.len()), [byte]);
        }
        let one = ldif::read(bytes.as_slice());
        let other = ldif::read(BufReader::with_capacity(chunk, bytes.as_slice()));
        prop_assert_eq!((one.read(), one.ignored(), one.rejected()), (other.read(), other.ignored(), other.rejected()));
        prop_assert!(one.into_partial().build(DirectoryRevision(1), Default::default()).is_ok());
    }
}

#[test]
fn d11_member_uid_resolves_in_any_order() {
    let person = |place: &str| format!("dn: uid=adele,ou={place}\nobjectClass: posixAccount\nuid: adele\ncn: {place}");
    let entries =
        [person("a"), "dn: cn=unix\nobjectClass: posixGroup\ncn: unix\nmemberUid: adele".to_owned(), person("b")];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 1, 0]] {
        let text = order.map(|at| format!("{}\n\n", entries[at])).concat();
        let directory = ldif::read(text.as_bytes()).into_complete().unwrap();
        let directory = directory.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(directory.all_members(&GroupId::new("cn=unix").unwrap()).len(), 2, "{order:?}");
    }
}

#[test]
fn b3_too_many_names_are_rejected() {
    let names: String = (0..1_001).map(|n| format!("mail: a{n}@contoso.example\n")).collect();
    let text = format!("dn: uid=adele\nobjectClass: person\n{names}\n");
    let import = ldif::read(text.as_bytes());
    assert_eq!(
        import.rejected().first().map(|rejected| &rejected.reason),
        Some(&EntryRejectReason::TooManyNames { max: 1_000 })
    );
}

#[test]
fn d8_names_are_parsed_as_in_other_sources() {
    for (line, names) in [
        ("mail: Adele <adele@contoso.com>", &["adele@contoso.com"][..]),
        ("mail: mailto:adele@contoso.com", &["adele@contoso.com"]),
        ("mail: adele@contoso.com;av@contoso.com", &["adele@contoso.com", "av@contoso.com"]),
        ("proxyAddresses: SMTP:adele@contoso.com;av@contoso.com", &["adele@contoso.com", "av@contoso.com"]),
        ("proxyAddresses: mailto:adele@contoso.com", &["adele@contoso.com"]),
        ("proxyAddresses: SIP:adele@contoso.com", &["adele@contoso.com"]),
        ("proxyAddresses: X500:/o=contoso/cn=adele", &[]),
        ("sAMAccountName: CONTOSO\\adele", &["CONTOSO\\adele", "adele"]),
        ("krbPrincipalName: adele@CONTOSO.COM", &["adele@CONTOSO.COM"]),
    ] {
        let base = "dn: cn=a\nobjectClass: user\nentryUUID: 7d1c8e52-0a43-103e-8f2b-000000000001";
        let read = whole(document(&[&format!("{base}\n{line}")]));
        let of = |snapshot: &DirectorySnapshot| {
            let user = known(snapshot, user(ADELE)).unwrap();
            user.aliases().iter().map(|alias| alias.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of(&read), names, "{line}");
        let (tree, builder) = DirectoryTree::read(document(&[base]).as_bytes()).into_complete().unwrap();
        let attribute = line.split(':').next().unwrap();
        let change = format!("dn: cn=a\nchangetype: modify\nadd: {attribute}\n{line}\n-\n");
        let (_, delta) = tree.change(change.as_bytes()).into_complete().unwrap();
        let changed = built(builder).apply(&delta, DirectoryRevision(2), Default::default()).unwrap();
        assert_eq!(of(&changed), names, "{line}");
    }
}

#[test]
fn d8_damaged_names_are_rejected() {
    for line in [
        "mail: adele@contoso.com, av@contoso.com",
        "mail: ad?le@contoso.com",
        "mail: adele@contoso.com av@contoso.com",
        "mailAlternateAddress: System.String[]",
        "proxyAddresses: smtp:ad?le@contoso.com",
        "proxyAddresses: X500:/o=contoso/cn=a, adele@contoso.com",
        "userPrincipalName: NULL",
        "uid: ad?le",
    ] {
        let base = "dn: cn=a\nobjectClass: user";
        let import = ldif::read(document(&[&format!("{base}\n{line}")]).as_bytes());
        assert!(matches!(rejection(&import).1, EntryRejectReason::InvalidField { .. }), "{line}");
        let (tree, _) = DirectoryTree::read(document(&[base]).as_bytes()).into_complete().unwrap();
        let attribute = line.split(':').next().unwrap();
        let change = format!("dn: cn=a\nchangetype: modify\nadd: {attribute}\n{line}\n-\n");
        let import = tree.change(change.as_bytes());
        assert!(matches!(rejection(&import).1, EntryRejectReason::InvalidField { .. }), "{line}");
    }
}

#[test]
fn b3_names_in_one_value_are_counted() {
    let many = |from: usize, to: usize| (from..to).map(|n| format!("u{n}@x;")).collect::<String>();
    let entry = |values: usize| format!("dn: cn=a\nobjectClass: user\nmail: {}", many(0, values));
    let refused = ldif::read(document(&[&entry(1001)]).as_bytes());
    assert_eq!(rejection(&refused).1, EntryRejectReason::TooManyNames { max: 1000 });
    let (tree, _) = DirectoryTree::read(document(&[&entry(1000)]).as_bytes()).into_complete().unwrap();
    let change = format!("dn: cn=a\nchangetype: modify\nadd: mail\nmail: {}\n-\n", many(1000, 1002));
    assert_eq!(rejection(&tree.change(change.as_bytes())).1, EntryRejectReason::TooManyNames { max: 1000 });
}

#[test]
fn b4_other_encodings_and_formats_are_reported_once() {
    let text = document(&["dn: cn=a\nobjectClass: person\nuid: a"]);
    let utf16: Vec<u8> = "\u{feff}".chars().chain(text.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    for (input, expected) in
        [(&utf16[..], "UTF-16"), (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"), (b"PK\x03\x04abc\n\n\n", "ZIP")]
    {
        // A buffer shorter than the signatures.
        let import = ldif::read(BufReader::with_capacity(3, input));
        let [rejected] = import.rejected() else { panic!("{:?}", import.rejected()) };
        assert_eq!((import.read(), rejected.place), (1, Place::Whole));
        assert!(rejected.to_string().contains(expected), "{rejected}");
        let (tree, _) = DirectoryTree::read(text.as_bytes()).into_complete().unwrap();
        assert_eq!(tree.change(input).rejected(), import.rejected());
    }
}

#[test]
fn b3_deep_name_is_rejected() {
    let deep = vec!["ou=x"; 129].join(",");
    let entry = format!("dn: {deep}\nobjectClass: person");
    let import = ldif::read(document(&[&entry]).as_bytes());
    assert!(matches!(rejection(&import).1, EntryRejectReason::InvalidField { field: "dn", .. }));
}

#[test]
fn d11_deleted_group_is_omitted() {
    let person = "dn: cn=a\nobjectClass: person\nuid: a";
    let id = "entryUUID: 7d1c8e52-0a43-103e-8f2b-000000000101";
    let read = |entries: &[&str]| ldif::read(document(entries).as_bytes());
    let before =
        built(read(&[person, &format!("dn: cn=g\nobjectClass: group\n{id}\nmember: cn=a")]).into_complete().unwrap());
    let group = GroupId::new("7d1c8e52-0a43-103e-8f2b-000000000101").unwrap();
    for deleted in [
        format!("dn: cn=g\\0ADEL:1,cn=Deleted Objects\nobjectClass: group\n{id}\nisDeleted: TRUE"),
        format!("dn: cn=g\\0ADEL:1,cn=Deleted Objects\nobjectClass: group\n{id}\nisDeleted: true\nmember: cn=x"),
        format!("dn: cn=g\nobjectClass: organizationalRole\n{id}\nisDeleted: TRUE"),
        format!("dn: nsuniqueid=1,cn=g\nobjectClass: groupOfNames\nobjectClass: nsTombstone\n{id}\ncn: g"),
    ] {
        let import = read(&[person, &deleted]);
        assert_eq!((import.read(), import.ignored()), (2, 1), "{deleted}");
        let after = import.into_complete().unwrap().build(DirectoryRevision(2), Default::default()).unwrap();
        assert_eq!(after.group_name(&group), None, "{deleted}");
        let after = after.carry_over_from(&before);
        assert!(after.removed_group(&group).is_some(), "{deleted}");
    }
    let import = read(&[person, &format!("dn: cn=g\nobjectClass: group\n{id}\nisDeleted: FALSE")]);
    assert!(built(import.into_complete().unwrap()).group_name(&group).is_some());
}

//! LDIF: memberships that are stated by other means than a distinguished name, and members that are not people.

use activity_privacy::directory::{DirectoryBuilder, DirectoryChange, DirectoryRevision};
use activity_privacy::identity::{Alias, GroupId};
use activity_privacy::import::ldif::{self, DirectoryTree, InvalidDn, LdifReader};
use activity_privacy::import::{Import, Place, RejectReason};

use super::ldif::*;

const SID: &str = "S-1-5-21-1-2-3-1105";
const GROUP_SID: &str = "S-1-5-21-1-2-3-513";

/// A SID in the forms that exporters write: text in either case, bytes, and base64 of the text.
fn sids(sid: &str) -> [String; 5] {
    let parts: Vec<u32> = sid.split('-').skip(3).map(|part| part.parse().unwrap()).collect();
    let head = [1, parts.len() as u8, 0, 0, 0, 0, 0, 5];
    let bytes: Vec<u8> = head.into_iter().chain(parts.iter().flat_map(|part| part.to_le_bytes())).collect();
    [
        format!("objectSid: {sid}"),
        format!("OBJECTSID: {}", sid.to_lowercase()),
        format!("objectSid:: {}", base64(&bytes)),
        format!("objectSid;binary:: {}", base64(&bytes)),
        format!("objectSid:: {}", base64(sid.as_bytes())),
    ]
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|chunk| {
        let sum = (0..3).fold(0, |sum, at| (sum << 8) | usize::from(chunk.get(at).copied().unwrap_or(0)));
        let digit = |at: usize| if at <= chunk.len() { digits[(sum >> (18 - 6 * at)) & 63] as char } else { '=' };
        (0..4).map(digit).collect::<String>()
    });
    groups.collect()
}

fn group_of(sid: &str) -> String {
    format!("dn: cn=users\nobjectClass: group\ncn: users\n{sid}")
}

fn user_of(lines: &str) -> String {
    format!("dn: cn=a\nobjectClass: user\nsAMAccountName: a\n{lines}")
}

fn read(entries: &[&str]) -> Import<DirectoryBuilder> {
    ldif::read(document(entries).as_bytes())
}

fn reader(non_people: &[&str]) -> LdifReader {
    LdifReader::new().with_non_people(non_people.iter().copied()).unwrap()
}

#[test]
fn d11_primary_group_resolves_by_sid_in_any_form() {
    for group in sids(GROUP_SID) {
        for user in sids(SID) {
            let (group, user) = (group_of(&group), user_of(&format!("{user}\nprimaryGroupID: 513")));
            for entries in [[&*group, &*user], [&*user, &*group]] {
                let snapshot = built(read(&entries).into_complete().unwrap());
                assert_eq!(members(&snapshot, "cn=users").len(), 1, "{entries:?}");
            }
        }
    }
}

#[test]
fn d11_primary_groups_of_two_domains_are_distinct() {
    let other = group_of("objectSid: S-1-5-21-9-9-9-513").replace("cn=users", "cn=others");
    let user = user_of(&format!("objectSid: {SID}\nprimaryGroupID: 513"));
    let group = group_of(&format!("objectSid: {GROUP_SID}"));
    let snapshot = built(read(&[&other, &group, &user]).into_complete().unwrap());
    assert_eq!((members(&snapshot, "cn=users").len(), members(&snapshot, "cn=others").len()), (1, 0));
    let foreign = user.replace("S-1-5-21-1-2-3", "S-1-5-21-9-9-9").replace("cn=a", "cn=b");
    let snapshot = built(read(&[&other, &group, &foreign]).into_complete().unwrap());
    assert_eq!((members(&snapshot, "cn=users").len(), members(&snapshot, "cn=others").len()), (0, 1));
    let import = read(&[&other, &user]);
    assert_eq!(rejection(&import).1, RejectReason::UnknownPrimaryGroup { field: "primaryGroupID" });
}

#[test]
fn d11_samba_sid_attributes_are_read() {
    let group = format!("dn: cn=users\nobjectClass: posixGroup\nobjectClass: sambaGroupMapping\nsambaSID: {GROUP_SID}");
    let user = format!("dn: uid=a\nobjectClass: sambaSamAccount\nsambaSID: {SID}\nsambaPrimaryGroupSID: {GROUP_SID}");
    assert_eq!(members(&built(read(&[&user, &group]).into_complete().unwrap()), "cn=users").len(), 1);
    assert_eq!(rejection(&read(&[&user])).1, RejectReason::UnknownPrimaryGroup { field: "sambaPrimaryGroupSID" });
    let listing = format!("{group}\nsambaSIDList: {SID}");
    assert!(matches!(rejection(&read(&[&listing])).1, RejectReason::InvalidField { field: "sambaSIDList", .. }));
}

#[test]
fn d11_unresolved_primary_group_is_rejected() {
    let group = group_of(&format!("objectSid: {GROUP_SID}\ngidNumber: 7"));
    let no_sid = RejectReason::MissingField {
        field: "objectSid",
        expected: "the SID of the user beside `primaryGroupID`, or neither of them",
    };
    let unknown = |field| RejectReason::UnknownPrimaryGroup { field };
    for (lines, reason) in [
        ("primaryGroupID: 513".to_owned(), no_sid.clone()),
        ("objectSid: S-1-5\nprimaryGroupID: 513".to_owned(), no_sid),
        (format!("objectSid: {SID}\nprimaryGroupID: 1120"), unknown("primaryGroupID")),
        ("gidNumber: 8".to_owned(), unknown("gidNumber")),
    ] {
        let user = user_of(&lines);
        let import = read(&[&group, &user]);
        assert_eq!(rejection(&import).1, reason, "{lines}");
        assert!(named(&built(import.into_partial()), "a").is_some(), "known all the same");
        let (tree, _) = DirectoryTree::read(document(&[&group]).as_bytes()).into_complete().unwrap();
        let added = format!("{}\n", user.replace("\nobjectClass", "\nchangetype: add\nobjectClass"));
        assert_eq!(rejection(&tree.change(added.as_bytes())).1, reason, "{lines}");
    }
    let padded = user_of("gidNumber:  07 ");
    assert_eq!(
        members(&built(read(&[&padded, &group]).into_complete().unwrap()), "cn=users").len(),
        1,
        "a number is compared"
    );
    let machine = user_of("objectClass: computer\nprimaryGroupID: 515");
    assert!(read(&[&machine]).rejected().is_empty());
}

#[test]
fn d8_sid_is_a_name_of_the_user() {
    for line in sids(SID) {
        let snapshot = built(read(&[&user_of(&line)]).into_complete().unwrap());
        assert!(known(&snapshot, Alias::account("sid", SID).unwrap()).is_some(), "{line}");
        assert_eq!(named(&snapshot, SID), None, "it is no name");
    }
}

#[test]
fn b1_single_valued_attribute_must_not_differ() {
    for (lines, field) in [
        (format!("objectSid: {SID}\nobjectSid: {GROUP_SID}"), "objectSid"),
        ("gidNumber: 1\ngidNumber: 2".to_owned(), "gidNumber"),
        ("primaryGroupID: 1\nprimaryGroupID: 2".to_owned(), "primaryGroupID"),
    ] {
        assert_eq!(rejection(&read(&[&user_of(&lines)])).1, RejectReason::RepeatedField { field });
    }
    let [_, _, bytes, _, text] = sids(SID);
    assert!(read(&[&user_of(&format!("{bytes}\n{text}"))]).rejected().is_empty(), "the same twice");
    for line in ["objectSid: S-1-5-x", "objectSid:: AQUA", "gidNumber: seven", "primaryGroupID: -1"] {
        let reason = rejection(&read(&[&user_of(line)])).1;
        assert!(matches!(reason, RejectReason::InvalidField { .. }), "{line}: {reason}");
    }
}

#[test]
fn d11_occupants_of_a_role_are_its_members() {
    let role = "dn: cn=council\nobjectClass: organizationalRole\nroleOccupant: CN=a";
    let wide = "dn: cn=wide\nobjectClass: groupOfNames\nmember: cn=council";
    let (tree, builder) =
        DirectoryTree::read(document(&[wide, role, &user_of("")]).as_bytes()).into_complete().unwrap();
    assert_eq!(members(&built(builder), "cn=wide").len(), 1);
    let change = "dn: cn=council\nchangetype: modify\ndelete: roleOccupant\nroleOccupant: cn=a\n-\n";
    let (_, delta) = tree.change(change.as_bytes()).into_complete().unwrap();
    assert_eq!(delta.changes(), [DirectoryChange::RemoveMember(GroupId::new("cn=council").unwrap(), user("cn=a"))]);
    assert_eq!(rejection(&read(&[role])).1, RejectReason::UnknownMember { count: 1 });
    let admin = "dn: cn=admin\nobjectClass: simpleSecurityObject\nobjectClass: organizationalRole\nuid: admin";
    assert!(named(&built(read(&[admin]).into_complete().unwrap()), "admin").is_some(), "an administrator is a user");
}

#[test]
fn d11_non_group_with_members_is_rejected() {
    for (class, attribute) in [
        ("person", "member"),
        ("computer", "member"),
        ("device", "uniqueMember"),
        ("simpleSecurityObject\nobjectClass: organizationalRole", "roleOccupant"),
    ] {
        let class = if class == "computer" { "user\nobjectClass: computer" } else { class };
        let entry = format!("dn: cn=odd\nobjectClass: {class}\n{attribute}: cn=a");
        let reason = rejection(&read(&[&entry, &user_of("")])).1;
        assert!(matches!(reason, RejectReason::InvalidField { field: "objectClass", .. }), "{class}: {reason}");
    }
}

#[test]
fn d11_search_reference_is_ignored_only_without_people() {
    let count = |reader: LdifReader, url: &str| {
        let import = reader.read(document(&[&user_of(""), &format!("# search reference\nref: {url}")]).as_bytes());
        assert_eq!(import.read(), 2);
        (import.ignored(), import.rejected().iter().filter(|it| it.reason == RejectReason::Referral).count())
    };
    for (url, ignored) in [
        ("ldap://ForestDnsZones.contoso.example/DC=ForestDnsZones,DC=contoso,DC=example", true),
        ("ldap://x/dc=domaindnszones,DC=contoso,DC=example??sub", true),
        ("LDAPS://x:636/CN=Configuration,DC=contoso,DC=example", true),
        ("ldap://x/CN=Schema,CN=Configuration,DC=contoso,DC=example", true),
        ("ldap://x/CN%3DConfiguration%2cDC=contoso", true),
        ("ldap://x/DC=child,DC=contoso,DC=example", false),
        ("ldap://x/CN=Users,CN=Configuration,OU=contoso", false),
        ("ldap://x/OU=ForestDnsZones,DC=contoso", false),
        ("ldap://x/CN=Configuration", false),
        ("ldap://x/", false),
        ("ldap://x", false),
        ("http://x/CN=Configuration,DC=contoso", false),
        ("ldap://x/CN=Config%zzuration,DC=contoso", false),
        ("", false),
    ] {
        assert_eq!(count(LdifReader::new(), url), if ignored { (1, 0) } else { (0, 1) }, "{url}");
    }
    let child = "ldap://x/OU=people,DC=child,DC=contoso,DC=example";
    assert_eq!(count(reader(&["dc=CHILD, dc=contoso, dc=example"]), child), (1, 0));
    let two = "ldap://x/CN=Configuration,DC=contoso\nref: ldap://y/DC=child,DC=contoso";
    assert_eq!(count(LdifReader::new(), two), (0, 1), "each of them counts");
    assert!(matches!(
        rejection(&read(&["ref: ldap://x/CN=Configuration,DC=contoso\ncn: a"])).1,
        RejectReason::MissingField { field: "dn", .. }
    ));
}

const FOREIGN: &str = "dn: CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=contoso\nobjectClass: foreignSecurityPrincipal\n\
                       cn: S-1-5-11\nobjectSid: S-1-5-11";

#[test]
fn d11_declared_non_people_are_ignored() {
    let group =
        |members: &str| format!("dn: cn=g\nobjectClass: group\nobjectClass: posixGroup\nmember: cn=a\n{members}");
    let foreign = "CN=ForeignSecurityPrincipals,DC=contoso";
    for (line, non_people) in [
        ("member: CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=contoso", foreign),
        ("member: CN=S-1-5-17,cn=foreignsecurityprincipals, dc=Contoso", foreign),
        ("member: CN=ForeignSecurityPrincipals,DC=contoso", foreign),
        ("member:", ""),
        ("uniqueMember:: ", ""),
        ("member: uid=NULL", "uid=null"),
        ("member: cn=nobody,ou=x", "CN=Nobody,OU=x"),
        ("memberUid: root", "uid=Root"),
        ("memberUid:", ""),
    ] {
        let text = document(&[&user_of(""), FOREIGN, &group(line)]);
        let import = ldif::read(text.as_bytes());
        assert_eq!(rejection(&import).1, RejectReason::UnknownMember { count: 1 }, "{line}");
        let import = reader(&["dc=other", non_people]).read(text.as_bytes());
        assert_eq!((import.read(), import.ignored()), (4, 2), "{line}");
        assert_eq!(members(&built(import.into_complete().unwrap()), "cn=g").len(), 1, "{line}");
    }
    // Any other missing member is still rejected.
    for (line, non_people) in [
        ("member: CN=x,DC=contoso", foreign),
        ("member: CN=xForeignSecurityPrincipals,DC=contoso", foreign),
        ("member: cn=x", ""),
        ("memberUid: root", "uid=root,dc=contoso"),
        ("memberUid: root", ""),
    ] {
        let text = document(&[&user_of(""), &group(line)]);
        let import = reader(&[non_people]).read(text.as_bytes());
        assert_eq!(rejection(&import).1, RejectReason::UnknownMember { count: 1 }, "{line}");
    }
}

#[test]
fn d11_users_below_declared_non_people_are_read() {
    let group = "dn: cn=g\nobjectClass: group\nmember: uid=b,ou=x\nmember: uid=c,ou=x";
    let text = document(&[group, "dn: uid=b,ou=x\nobjectClass: person\nuid: b"]);
    let (tree, builder) = reader(&["ou=x"]).read_tree(text.as_bytes()).into_complete().unwrap();
    assert_eq!(members(&built(builder), "cn=g").len(), 1);
    let change = "dn: uid=c,ou=x\nchangetype: add\nobjectClass: person\nuid: c\n\ndn: cn=g\nchangetype: modify\nadd: \
                  member\nmember: uid=d,ou=x\n-\n";
    let import = tree.change(change.as_bytes());
    assert_eq!((import.read(), import.ignored()), (3, 1));
    let (_, delta) = import.into_complete().unwrap();
    let g = GroupId::new("cn=g").unwrap();
    assert!(delta.changes().contains(&DirectoryChange::Member(g.clone(), user("uid=c,ou=x"))), "{:?}", delta.changes());
    assert!(!delta.changes().contains(&DirectoryChange::Member(g, user("uid=d,ou=x"))));
    let text = document(&[group, "dn: uid=b,ou=x\nobjectClass: person\nentryUUID: 7"]);
    let import = reader(&["ou=x"]).read(text.as_bytes());
    assert!(
        matches!(rejection(&import).1, RejectReason::InvalidField { field: "entryUUID", .. }),
        "who cannot be read"
    );
}

#[test]
fn d11_foreign_principal_with_member_of_is_rejected() {
    let says = format!("{FOREIGN}\nmemberOf: cn=g");
    let group = "dn: cn=g\nobjectClass: group";
    assert_eq!(rejection(&read(&[&says, group])).1, RejectReason::UnknownMember { count: 1 });
    assert_eq!(rejection(&read(&[&says])).1, RejectReason::UnknownGroup { count: 1 });
    for entries in [&[says.as_str(), group][..], &[says.as_str()]] {
        let import = reader(&["dc=contoso"]).read(document(entries).as_bytes());
        assert!(import.rejected().is_empty(), "{:?}", import.rejected());
    }
    let (tree, _) = DirectoryTree::read(document(&[FOREIGN, group]).as_bytes()).into_complete().unwrap();
    let added =
        format!("{}\n", says.replace("S-1-5-11,", "S-1-5-4,").replace("\nobjectC", "\nchangetype: add\nobjectC"));
    assert_eq!(rejection(&tree.clone().change(added.as_bytes())).1, RejectReason::UnknownMember { count: 1 });
    let modified = "dn: CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=contoso\nchangetype: modify\nadd: memberOf\n\
                    memberOf: cn=g\n-\n";
    assert!(matches!(rejection(&tree.change(modified.as_bytes())).1, RejectReason::UnsupportedChange { .. }));
}

#[test]
fn d11_unresolved_membership_in_change_is_rejected() {
    let entries = ["dn: cn=g\nobjectClass: group\nobjectClass: posixGroup", "dn: cn=a\nobjectClass: person\nuid: a"];
    let (tree, _) = DirectoryTree::read(document(&entries).as_bytes()).into_complete().unwrap();
    let unknown_member = RejectReason::UnknownMember { count: 1 };
    for (dn, attribute, value, reason) in [
        ("cn=g", "member", "cn=x", unknown_member.clone()),
        ("cn=g", "uniqueMember", "", unknown_member.clone()),
        ("cn=g", "roleOccupant", "cn=x", unknown_member.clone()),
        ("cn=g", "memberUid", "x", unknown_member),
        ("cn=a", "memberOf", "cn=x", RejectReason::UnknownGroup { count: 1 }),
        ("cn=a", "groupMembership", "cn=x", RejectReason::UnknownGroup { count: 1 }),
    ] {
        for op in ["add", "replace"] {
            let change = format!("dn: {dn}\nchangetype: modify\n{op}: {attribute}\n{attribute}: {value}\n-\n");
            assert_eq!(rejection(&tree.clone().change(change.as_bytes())).1, reason, "{change}");
        }
    }
}

#[test]
fn b1_invalid_non_people_name_is_error() {
    let error = LdifReader::new().with_non_people(["cn=a", "kanarienvogel"]).err().unwrap();
    assert_eq!(error, InvalidDn { at: 2 });
    assert!(!format!("{error} {error:?}").contains("kanarienvogel"));
}

#[test]
fn b4_other_encodings_and_formats_are_reported_once() {
    let text = document(&[&user_of("")]);
    let utf16: Vec<u8> = "\u{feff}".chars().chain(text.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    for (input, says) in [(&utf16[..], "UTF-16"), (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"), (b"PK\x03\x04abc\n\n\n", "ZIP")]
    {
        let import = ldif::read(std::io::BufReader::with_capacity(3, input));
        let [rejected] = import.rejected() else { panic!("{:?}", import.rejected()) };
        assert_eq!((import.read(), rejected.place), (1, Place::Whole));
        assert!(rejected.to_string().contains(says), "{rejected}");
        let (tree, _) = DirectoryTree::read(text.as_bytes()).into_complete().unwrap();
        assert_eq!(tree.change(input).rejected(), import.rejected());
    }
}

#[test]
fn b3_widely_shared_number_or_name_is_rejected() {
    let many = |line: &str, class: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("dn: cn={class}{n}\nobjectClass: {class}\n{line}")).collect()
    };
    let read_all = |entries: &[String]| read(&entries.iter().map(String::as_str).collect::<Vec<_>>());
    let listing = "dn: cn=g\nobjectClass: posixGroup\nmemberUid: a".to_owned();
    for (count, whole) in [(16, true), (17, false)] {
        let people = many("uid: a", "person", count);
        for entries in [[vec![listing.clone()], people.clone()].concat(), [people, vec![listing.clone()]].concat()] {
            let import = read_all(&entries);
            let reason = RejectReason::TooManyHolders { field: "memberUid", max: 16 };
            assert_eq!(
                import.rejected().iter().map(|it| it.reason.clone()).collect::<Vec<_>>().as_slice(),
                if whole { vec![] } else { vec![reason] }
            );
        }
        let groups = [many("gidNumber: 1", "posixGroup", count), many("gidNumber: 1", "person", 1)].concat();
        let import = read_all(&groups);
        assert_eq!(import.rejected().is_empty(), whole, "{:?}", import.rejected());
    }
    let deep = vec!["ou=x"; 129].join(",");
    let entry = format!("dn: {deep}\nobjectClass: person");
    assert!(matches!(rejection(&read(&[&entry])).1, RejectReason::InvalidField { field: "dn", .. }));
}

#[test]
fn d11_deleted_group_is_omitted() {
    let person = "dn: cn=a\nobjectClass: person\nuid: a";
    let id = "entryUUID: 7d1c8e52-0a43-103e-8f2b-000000000101";
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

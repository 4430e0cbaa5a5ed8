//! LDIF: memberships stated other than by distinguished name, and members that are not people.

use activity_privacy::directory::{DirectoryBuilder, DirectoryChange};
use activity_privacy::identity::{Alias, GroupId};
use activity_privacy::import::ldif::{self, DirectoryTree, InvalidDn, LdifReader};
use activity_privacy::import::{EntryRejectReason, Import};

use super::ldif::{built, document, known, members, named, rejection, user};

const SID: &str = "S-1-5-21-1-2-3-1105";
const GROUP_SID: &str = "S-1-5-21-1-2-3-513";

/// Returns the lines of a SID in the forms that exporters write: text in either case, bytes, and base64 of the text.
fn sid_lines(sid: &str) -> [String; 5] {
    let parts: Vec<u32> = sid.split('-').skip(3).map(|part| part.parse().unwrap()).collect();
    // Revision 1, the number of parts, and the authority 5 in 48 bits, big-endian.
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

fn group_with(line: &str) -> String {
    format!("dn: cn=users\nobjectClass: group\ncn: users\n{line}")
}

fn user_with(lines: &str) -> String {
    format!("dn: cn=a\nobjectClass: user\nsAMAccountName: a\n{lines}")
}

/// Returns the change record that adds an entry.
fn added(entry: &str) -> String {
    format!("{}\n", entry.replacen("\nobjectClass", "\nchangetype: add\nobjectClass", 1))
}

fn read(entries: &[&str]) -> Import<DirectoryBuilder> {
    ldif::read(document(entries).as_bytes())
}

fn reader(non_people: &[&str]) -> LdifReader {
    LdifReader::new().ignoring_members(non_people.iter().copied()).unwrap()
}

#[test]
fn d11_primary_group_resolves_by_sid_in_any_form() {
    for group in sid_lines(GROUP_SID) {
        for user in sid_lines(SID) {
            let (group, user) = (group_with(&group), user_with(&format!("{user}\nprimaryGroupID: 513")));
            for entries in [[&*group, &*user], [&*user, &*group]] {
                let snapshot = built(read(&entries).into_complete().unwrap());
                assert_eq!(members(&snapshot, "cn=users").len(), 1, "{entries:?}");
            }
        }
    }
}

#[test]
fn d11_primary_groups_of_two_domains_are_distinct() {
    let other = group_with("objectSid: S-1-5-21-9-9-9-513").replace("cn=users", "cn=others");
    let user = user_with(&format!("objectSid: {SID}\nprimaryGroupID: 513"));
    let group = group_with(&format!("objectSid: {GROUP_SID}"));
    let snapshot = built(read(&[&other, &group, &user]).into_complete().unwrap());
    assert_eq!((members(&snapshot, "cn=users").len(), members(&snapshot, "cn=others").len()), (1, 0));
    let foreign = user.replace("S-1-5-21-1-2-3", "S-1-5-21-9-9-9").replace("cn=a", "cn=b");
    let snapshot = built(read(&[&other, &group, &foreign]).into_complete().unwrap());
    assert_eq!((members(&snapshot, "cn=users").len(), members(&snapshot, "cn=others").len()), (0, 1));
    let import = read(&[&other, &user]);
    assert_eq!(rejection(&import).1, EntryRejectReason::UnknownPrimaryGroup { field: "primaryGroupID" });
}

#[test]
fn d11_samba_sid_attributes_are_read() {
    let group = format!("dn: cn=users\nobjectClass: posixGroup\nobjectClass: sambaGroupMapping\nsambaSID: {GROUP_SID}");
    let user = format!("dn: uid=a\nobjectClass: sambaSamAccount\nsambaSID: {SID}\nsambaPrimaryGroupSID: {GROUP_SID}");
    assert_eq!(members(&built(read(&[&user, &group]).into_complete().unwrap()), "cn=users").len(), 1);
    assert_eq!(rejection(&read(&[&user])).1, EntryRejectReason::UnknownPrimaryGroup { field: "sambaPrimaryGroupSID" });
    let listing = format!("{group}\nsambaSIDList: {SID}");
    assert_eq!(rejection(&read(&[&listing])).1, EntryRejectReason::ComputedMembers { field: "sambaSIDList" });
}

#[test]
fn d11_unresolved_primary_group_is_rejected() {
    let group = group_with(&format!("objectSid: {GROUP_SID}\ngidNumber: 7"));
    let no_sid = EntryRejectReason::MissingField {
        field: "objectSid",
        expected: "the user's SID, which `primaryGroupID` needs; export both attributes or neither",
    };
    let unknown = |field| EntryRejectReason::UnknownPrimaryGroup { field };
    for (lines, reason) in [
        ("primaryGroupID: 513".to_owned(), no_sid.clone()),
        ("objectSid: S-1-5\nprimaryGroupID: 513".to_owned(), no_sid),
        (format!("objectSid: {SID}\nprimaryGroupID: 1120"), unknown("primaryGroupID")),
        ("gidNumber: 8".to_owned(), unknown("gidNumber")),
    ] {
        let user = user_with(&lines);
        let import = read(&[&group, &user]);
        assert_eq!(rejection(&import).1, reason, "{lines}");
        assert!(named(&built(import.into_partial()), "a").is_some(), "the user itself is still imported");
        let (tree, _) = DirectoryTree::read(document(&[&group]).as_bytes()).into_complete().unwrap();
        let added = added(&user);
        assert_eq!(rejection(&tree.change(added.as_bytes())).1, reason, "{lines}");
    }
    let padded = user_with("gidNumber:  07 ");
    assert_eq!(
        members(&built(read(&[&padded, &group]).into_complete().unwrap()), "cn=users").len(),
        1,
        "gidNumber is compared as a number, not as text"
    );
    let machine = user_with("objectClass: computer\nprimaryGroupID: 515");
    assert!(read(&[&machine]).rejected().is_empty());
}

#[test]
fn d8_sid_is_an_account_of_the_user() {
    for line in sid_lines(SID) {
        let snapshot = built(read(&[&user_with(&line)]).into_complete().unwrap());
        assert!(known(&snapshot, Alias::account("sid", SID).unwrap()).is_some(), "{line}");
        assert_eq!(named(&snapshot, SID), None, "the SID must not match a name without the kind `sid`");
    }
}

#[test]
fn b1_different_values_of_single_valued_attribute_are_rejected() {
    for (lines, field) in [
        (format!("objectSid: {SID}\nobjectSid: {GROUP_SID}"), "objectSid"),
        ("gidNumber: 1\ngidNumber: 2".to_owned(), "gidNumber"),
        ("primaryGroupID: 1\nprimaryGroupID: 2".to_owned(), "primaryGroupID"),
    ] {
        assert_eq!(rejection(&read(&[&user_with(&lines)])).1, EntryRejectReason::DifferentValues { field });
    }
    let [_, _, bytes, _, text] = sid_lines(SID);
    assert!(read(&[&user_with(&format!("{bytes}\n{text}"))]).rejected().is_empty(), "the same value twice is accepted");
    for line in ["objectSid: S-1-5-x", "objectSid:: AQUA", "gidNumber: seven", "primaryGroupID: -1"] {
        let reason = rejection(&read(&[&user_with(line)])).1;
        assert!(matches!(reason, EntryRejectReason::InvalidField { .. }), "{line}: {reason}");
    }
}

#[test]
fn d11_occupants_of_a_role_are_its_members() {
    let role = "dn: cn=council\nobjectClass: organizationalRole\nroleOccupant: CN=a";
    let wide = "dn: cn=wide\nobjectClass: groupOfNames\nmember: cn=council";
    let (tree, builder) =
        DirectoryTree::read(document(&[wide, role, &user_with("")]).as_bytes()).into_complete().unwrap();
    assert_eq!(members(&built(builder), "cn=wide").len(), 1);
    let change = "dn: cn=council\nchangetype: modify\ndelete: roleOccupant\nroleOccupant: cn=a\n-\n";
    let (_, delta) = tree.change(change.as_bytes()).into_complete().unwrap();
    assert_eq!(delta.changes(), [DirectoryChange::RemoveMember(GroupId::new("cn=council").unwrap(), user("cn=a"))]);
    assert_eq!(rejection(&read(&[role])).1, EntryRejectReason::UnknownMember { count: 1 });
    let admin = "dn: cn=admin\nobjectClass: simpleSecurityObject\nobjectClass: organizationalRole\nuid: admin";
    assert!(named(&built(read(&[admin]).into_complete().unwrap()), "admin").is_some(), "an administrator is a user");
}

#[test]
fn d11_non_group_with_members_is_rejected() {
    for (class, attribute) in [
        ("person", "member"),
        ("user\nobjectClass: computer", "member"),
        ("device", "uniqueMember"),
        ("simpleSecurityObject\nobjectClass: organizationalRole", "roleOccupant"),
    ] {
        let entry = format!("dn: cn=odd\nobjectClass: {class}\n{attribute}: cn=a");
        let reason = rejection(&read(&[&entry, &user_with("")])).1;
        assert!(matches!(reason, EntryRejectReason::InvalidField { field: "objectClass", .. }), "{class}: {reason}");
    }
}

#[test]
fn d11_search_reference_is_ignored_only_without_people() {
    let ignored_and_rejected = |reader: LdifReader, url: &str| {
        let import = reader.read(document(&[&user_with(""), &format!("# search reference\nref: {url}")]).as_bytes());
        assert_eq!(import.read(), 2);
        (import.ignored(), import.rejected().iter().filter(|it| it.reason == EntryRejectReason::Referral).count())
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
        assert_eq!(ignored_and_rejected(LdifReader::new(), url), if ignored { (1, 0) } else { (0, 1) }, "{url}");
    }
    let child = "ldap://x/OU=people,DC=child,DC=contoso,DC=example";
    assert_eq!(ignored_and_rejected(reader(&["dc=CHILD, dc=contoso, dc=example"]), child), (1, 0));
    let two = "ldap://x/CN=Configuration,DC=contoso\nref: ldap://y/DC=child,DC=contoso";
    assert_eq!(ignored_and_rejected(LdifReader::new(), two), (0, 1), "one reference that may lead to people is enough");
    assert!(matches!(
        rejection(&read(&["ref: ldap://x/CN=Configuration,DC=contoso\ncn: a"])).1,
        EntryRejectReason::MissingField { field: "dn", .. }
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
        let text = document(&[&user_with(""), FOREIGN, &group(line)]);
        let import = ldif::read(text.as_bytes());
        let is_in_input = line.contains("S-1-5-11,");
        let unknown = EntryRejectReason::UnknownMember { count: 1 };
        let expected = if is_in_input { EntryRejectReason::OtherMember { count: 1 } } else { unknown };
        assert_eq!(rejection(&import).1, expected, "{line}");
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
        let text = document(&[&user_with(""), &group(line)]);
        let import = reader(&[non_people]).read(text.as_bytes());
        assert_eq!(rejection(&import).1, EntryRejectReason::UnknownMember { count: 1 }, "{line}");
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
        matches!(rejection(&import).1, EntryRejectReason::InvalidField { field: "entryUUID", .. }),
        "an unreadable user below a declared name is still rejected"
    );
}

#[test]
fn d11_foreign_principal_with_member_of_is_rejected() {
    let principal = format!("{FOREIGN}\nmemberOf: cn=g");
    let group = "dn: cn=g\nobjectClass: group";
    assert_eq!(rejection(&read(&[&principal, group])).1, EntryRejectReason::OtherMember { count: 1 });
    assert_eq!(rejection(&read(&[&principal])).1, EntryRejectReason::UnknownGroup { count: 1 });
    for entries in [&[principal.as_str(), group][..], &[principal.as_str()]] {
        let import = reader(&["dc=contoso"]).read(document(entries).as_bytes());
        assert!(import.rejected().is_empty(), "{:?}", import.rejected());
    }
    let (tree, _) = DirectoryTree::read(document(&[FOREIGN, group]).as_bytes()).into_complete().unwrap();
    let added = added(&principal.replace("S-1-5-11,", "S-1-5-4,"));
    assert_eq!(rejection(&tree.clone().change(added.as_bytes())).1, EntryRejectReason::OtherMember { count: 1 });
    let modified = "dn: CN=S-1-5-11,CN=ForeignSecurityPrincipals,DC=contoso\nchangetype: modify\nadd: memberOf\n\
                    memberOf: cn=g\n-\n";
    assert!(matches!(rejection(&tree.change(modified.as_bytes())).1, EntryRejectReason::UnsupportedChange { .. }));
}

#[test]
fn d11_unresolved_membership_in_change_is_rejected() {
    let entries = ["dn: cn=g\nobjectClass: group\nobjectClass: posixGroup", "dn: cn=a\nobjectClass: person\nuid: a"];
    let (tree, _) = DirectoryTree::read(document(&entries).as_bytes()).into_complete().unwrap();
    let unknown_member = EntryRejectReason::UnknownMember { count: 1 };
    for (dn, attribute, value, reason) in [
        ("cn=g", "member", "cn=x", unknown_member.clone()),
        ("cn=g", "uniqueMember", "", unknown_member.clone()),
        ("cn=g", "roleOccupant", "cn=x", unknown_member.clone()),
        ("cn=g", "memberUid", "x", unknown_member),
        ("cn=a", "memberOf", "cn=x", EntryRejectReason::UnknownGroup { count: 1 }),
        ("cn=a", "groupMembership", "cn=x", EntryRejectReason::UnknownGroup { count: 1 }),
    ] {
        for op in ["add", "replace"] {
            let change = format!("dn: {dn}\nchangetype: modify\n{op}: {attribute}\n{attribute}: {value}\n-\n");
            assert_eq!(rejection(&tree.clone().change(change.as_bytes())).1, reason, "{change}");
        }
    }
}

#[test]
fn b1_invalid_non_people_name_is_error() {
    let error = LdifReader::new().ignoring_members(["cn=a", "canary"]).err().unwrap();
    assert_eq!(error, InvalidDn { at: 2 });
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn b3_widely_shared_number_or_name_is_rejected() {
    let many = |line: &str, class: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("dn: cn={class}{n}\nobjectClass: {class}\n{line}")).collect()
    };
    let read_all = |entries: &[String]| read(&entries.iter().map(String::as_str).collect::<Vec<_>>());
    let listing = "dn: cn=g\nobjectClass: posixGroup\nmemberUid: a".to_owned();
    for (count, is_within_limit) in [(16, true), (17, false)] {
        let people = many("uid: a", "person", count);
        for entries in [[vec![listing.clone()], people.clone()].concat(), [people, vec![listing.clone()]].concat()] {
            let import = read_all(&entries);
            let reason = EntryRejectReason::AmbiguousReference { field: "memberUid", max: 16 };
            let expected = if is_within_limit { vec![] } else { vec![reason] };
            let reasons: Vec<_> = import.rejected().iter().map(|rejected| rejected.reason.clone()).collect();
            assert_eq!(reasons, expected);
        }
        let groups = [many("gidNumber: 1", "posixGroup", count), many("gidNumber: 1", "person", 1)].concat();
        let import = read_all(&groups);
        assert_eq!(import.rejected().is_empty(), is_within_limit, "{:?}", import.rejected());
    }
}

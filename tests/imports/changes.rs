//! LDIF: change records.

use activity_privacy::directory::{DirectoryChange, DirectoryRevision, UserStatus};
use activity_privacy::identity::{Alias, GroupId};
use activity_privacy::import::EntryRejectReason;
use activity_privacy::import::ldif::DirectoryTree;

use super::ldif::*;

fn tree(entries: &[&str]) -> DirectoryTree {
    DirectoryTree::read(document(entries).as_bytes()).into_complete().unwrap().0
}

fn changed(tree: DirectoryTree, records: &str) -> (DirectoryTree, Vec<DirectoryChange>) {
    let (tree, delta) = tree.change(records.as_bytes()).into_complete().unwrap();
    (tree, delta.changes().to_vec())
}

fn group(id: &str) -> GroupId {
    GroupId::new(id).unwrap()
}

#[test]
fn d11_member_changes_are_reported_in_order() {
    let records = "dn: CN=Council,dc=contoso,dc=example\nchangetype: modify\nadd: member\nmember: \
                   uid=dora,ou=people,dc=contoso,dc=example\n-\ndelete: member\nmember: \
                   cn=board,dc=contoso,dc=example\n-\nreplace: description\ndescription: x\n-\n\n\
                   dn: cn=board,dc=contoso,dc=example\nchangetype: modify\nreplace: uniqueMember\nuniqueMember: \
                   uid=adele,ou=people,dc=contoso,dc=example\n-\n";
    let (_, changes) = changed(tree(&ENTRIES), records);
    let (council, board) = (group(COUNCIL), group(BOARD));
    assert_eq!(
        changes,
        [
            DirectoryChange::Member(council.clone(), user(DORA)),
            DirectoryChange::RemoveNesting(council, board.clone()),
            DirectoryChange::RemoveMember(board.clone(), user(BRUNO)),
            DirectoryChange::Member(board, user(ADELE)),
        ]
    );
}

#[test]
fn d11_replace_keeps_members_that_stay() {
    let records = "dn: cn=council,dc=contoso,dc=example\nchangetype: modify\nreplace: member\nmember: \
                   uid=adele,ou=people,dc=contoso,dc=example\n-\n";
    let (_, changes) = changed(tree(&ENTRIES), records);
    assert!(!changes.contains(&DirectoryChange::RemoveMember(group(COUNCIL), user(ADELE))));
    assert!(changes.contains(&DirectoryChange::RemoveNesting(group(COUNCIL), group(BOARD))));
}

#[test]
fn d11_member_uid_and_member_of_changes_apply() {
    let records = "dn: cn=unix,dc=contoso,dc=example\nchangetype: modify\ndelete: memberUid\nmemberUid: lucic\n-\n\
                   add: memberUid\nmemberUid: adele\n-\n\ndn: uid=dora,ou=people,dc=contoso,dc=example\nchangetype: \
                   modify\nreplace: memberOf\nmemberOf: cn=council,dc=contoso,dc=example\n-\n";
    let (_, changes) = changed(tree(&ENTRIES), records);
    let told: Vec<_> = changes.iter().filter(|change| !matches!(change, DirectoryChange::User(_))).cloned().collect();
    assert_eq!(
        told,
        [
            DirectoryChange::RemoveMember(group(UNIX), user(LUCIC)),
            DirectoryChange::Member(group(UNIX), user(ADELE)),
            DirectoryChange::RemoveMember(group(BOARD), user(DORA)),
            DirectoryChange::Member(group(COUNCIL), user(DORA)),
        ]
    );
    // A user cannot be removed from their primary group.
    let (_, changes) =
        changed(tree(&ENTRIES), "dn: cn=unix,dc=contoso,dc=example\nchangetype: modify\ndelete: memberUid\n-\n");
    assert_eq!(changes, [DirectoryChange::RemoveMember(group(UNIX), user(LUCIC))]);
}

#[test]
fn d8_name_changes_affect_one_attribute() {
    let records = "dn: uid=adele,ou=people,dc=contoso,dc=example\nchangetype: modify\ndelete: mail\nmail: \
                   ADELE@contoso.example\n-\nadd: userPrincipalName\nuserPrincipalName: av@contoso.example\n-\nadd: \
                   pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n-\n";
    let (_, changes) = changed(tree(&ENTRIES), records);
    let [DirectoryChange::User(adele)] = changes.as_slice() else { panic!("{changes:?}") };
    let names: Vec<&str> = adele.aliases().iter().map(Alias::as_str).collect();
    assert_eq!(names, ["av@contoso.example", "a.vance@contoso.example", "adele"]);
    assert_eq!((adele.id().as_str(), adele.status()), (ADELE, UserStatus::Disabled));
    // The user keeps an address that another attribute also contains.
    let records =
        "dn: cn=Vance\\, Bruno,ou=people,dc=contoso,dc=example\nchangetype: modify\ndelete: proxyAddresses\n-\n";
    let (_, changes) = changed(tree(&ENTRIES), records);
    let [DirectoryChange::User(bruno)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(bruno.aliases()[0].as_str(), "bruno@contoso.example");
}

#[test]
fn d11_deleted_user_stays_member_until_group_changes() {
    let (tree, changes) =
        changed(tree(&ENTRIES), "dn: uid=adele,ou=people,dc=contoso,dc=example\nchangetype: delete\n");
    assert_eq!(changes, [DirectoryChange::RemoveUser(user(ADELE))]);
    // Another user takes the name, and the group now lists that user.
    let other = ENTRIES[2].replace("\nobjectClass: top", "\nchangetype: add\nobjectClass: top");
    let (tree, changes) = changed(tree, &format!("{}\n", other.replace("000000000001", "000000000002")));
    let second = ADELE.replace("000000000001", "000000000002");
    assert!(changes.contains(&DirectoryChange::Member(group(COUNCIL), user(&second))), "{changes:?}");
    let records = "dn: cn=council,dc=contoso,dc=example\nchangetype: modify\ndelete: member\nmember: \
                   uid=adele,ou=people,dc=contoso,dc=example\n-\n";
    let (_, changes) = changed(tree, records);
    assert_eq!(
        changes,
        [
            DirectoryChange::RemoveMember(group(COUNCIL), user(ADELE)),
            DirectoryChange::RemoveMember(group(COUNCIL), user(&second)),
        ]
    );
}

#[test]
fn d11_added_entries_apply_in_any_order() {
    let records = "dn: cn=new,dc=contoso,dc=example\nchangetype: add\nobjectClass: groupOfNames\nmember: cn=late\nmember: \
                   cn=council,dc=contoso,dc=example\n\ndn: cn=late\nchangetype: add\nobjectClass: person\nuid: late\n\n\
                   dn: ou=new\nchangetype: add\nobjectClass: organizationalUnit\n\n\
                   dn: cn=board,dc=contoso,dc=example\nchangetype: delete\n";
    let import = tree(&ENTRIES).change(records.as_bytes());
    assert_eq!((import.read(), import.ignored()), (4, 1));
    let (_, delta) = import.into_complete().unwrap();
    let new = group("cn=new,dc=contoso,dc=example");
    let changes = delta.changes();
    let [DirectoryChange::Group(id, name), nested, DirectoryChange::User(late), member, gone] = changes else {
        panic!("{changes:?}")
    };
    assert_eq!((id, &**name), (&new, "new"));
    assert_eq!(*nested, DirectoryChange::Nested(new.clone(), group(COUNCIL)));
    assert_eq!(*member, DirectoryChange::Member(new, late.id().clone()));
    assert_eq!(*gone, DirectoryChange::RemoveGroup(group(BOARD)));
}

#[test]
fn d8_moved_entry_keeps_identity() {
    let below = "dn: ou=people,dc=contoso,dc=example\nobjectClass: organizationalUnit";
    let entries = [below, ENTRIES[2], ENTRIES[6], ENTRIES[7], ENTRIES[3], ENTRIES[5]];
    let records = "dn: uid=adele,ou=people,dc=contoso,dc=example\nchangetype: modrdn\nnewrdn: uid=vance\ndeleteoldrdn: 1\n\n\
                   dn: ou=people,dc=contoso,dc=example\nchangetype: moddn\nnewrdn: ou=staff\ndeleteoldrdn: 1\n\
                   newsuperior: o=contoso\n\ndn: cn=council,dc=contoso,dc=example\nchangetype: modify\ndelete: \
                   member\nmember: uid=vance,ou=staff,o=contoso\n-\n";
    let (_, changes) = changed(tree(&entries), records);
    let [DirectoryChange::User(adele), last] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(adele.id().as_str(), ADELE);
    assert!(adele.aliases().iter().any(|alias| alias.as_str() == "vance"));
    assert!(!adele.aliases().iter().any(|alias| alias.as_str() == "adele"));
    assert_eq!(*last, DirectoryChange::RemoveMember(group(COUNCIL), user(ADELE)));
}

#[test]
fn b1_unsupported_change_is_rejected_and_changes_nothing() {
    let adele = "dn: uid=adele,ou=people,dc=contoso,dc=example";
    let council = "dn: cn=council,dc=contoso,dc=example";
    let cases = [
        (format!("{adele}\nobjectClass: person"), "line 2: cannot be parsed, expected `dn`, then `changetype`"),
        (adele.to_owned(), "line 1: field `changetype` is missing or empty, expected the type of the change"),
        (
            format!("{adele}\nchangetype: destroy"),
            "line 2: field `changetype` is invalid, expected `add`, `delete`, `modify`, `modrdn` or `moddn`",
        ),
        (
            format!("{adele}\ncontrol: 1.2.840.113556.1.4.805 true\nchangetype: delete"),
            "line 2: unsupported change; remove the `control`",
        ),
        (
            "dn: cn=x\nchangetype: delete".to_owned(),
            "line 1: changes an entry that no earlier record added; import the full directory first",
        ),
        (
            format!("{council}\nchangetype: modify\nadd: member\nmember: uid=dora,ou=people,dc=contoso,dc=example"),
            "line 1: unexpected end of input, expected `-` after the last value of a modification",
        ),
        (
            format!("{council}\nchangetype: modify\nadd: member\nmail: a@x.example\n-"),
            "line 4: cannot be parsed, expected values of the modified attribute, then `-`",
        ),
        (
            format!("{adele}\nchangetype: modify\nincrement: uidNumber\nuidNumber: 1\n-"),
            "line 3: unsupported change; use `add`, `delete` or `replace`",
        ),
        (
            format!("{adele}\nchangetype: modify\nreplace: objectClass\nobjectClass: group\n-"),
            "line 1: unsupported change; read all entries again after it",
        ),
        (
            format!("{adele}\nchangetype: modify\nreplace: gidNumber\ngidNumber: 7\n-"),
            "line 1: unsupported change; read all entries again after it",
        ),
        (
            format!(
                "{adele}\nchangetype: modify\nreplace: mail\nmail: c@x.example\n-\nreplace: entryUUID\nentryUUID: 7\n-"
            ),
            "line 1: unsupported change; read all entries again after it",
        ),
        (
            "dn: uid=dora,ou=people,dc=contoso,dc=example\nchangetype: modrdn\nnewrdn: uid=d\ndeleteoldrdn: 1"
                .to_owned(),
            "line 1: unsupported change; export immutable ids of all moved entries",
        ),
        (
            format!("{adele}\nchangetype: modrdn\nnewrdn: uid=dora\ndeleteoldrdn: 1"),
            "line 1: unsupported change; use a name that no entry had before",
        ),
        (
            format!("{adele}\nchangetype: modrdn\nnewrdn: uid=d"),
            "line 1: field `deleteoldrdn` is missing or empty, expected `newrdn` and `deleteoldrdn` in every move",
        ),
        (
            ENTRIES[2].replace("\nobjectClass: top", "\nchangetype: add\nobjectClass: top"),
            "line 1: another record has the same name or id; keep only one of them",
        ),
    ];
    for (record, says) in cases {
        let import = tree(&ENTRIES).change(format!("{record}\n").as_bytes());
        assert_eq!(rejection(&import).0, says, "{record}");
        assert!(import.into_partial().1.is_empty(), "{record}");
    }
    let unknown = format!("{council}\nchangetype: modify\nadd: member\nmember: cn=x\n-\n");
    let import = tree(&ENTRIES).change(unknown.as_bytes());
    assert_eq!(rejection(&import).1, EntryRejectReason::UnknownMember { count: 1 });
    let (_, delta) = import.into_partial();
    assert_eq!(delta.changes(), [DirectoryChange::Member(group(COUNCIL), user("cn=x"))]);
}

#[test]
fn d11_changes_of_other_entries_are_ignored() {
    let records = "dn: cn=PC-1,ou=machines,dc=contoso,dc=example\nchangetype: modify\nreplace: memberOf\nmemberOf: cn=x\n-\n\
                   replace: primaryGroupID\nprimaryGroupID: 515\n-\n\ndn: ou=people,dc=contoso,dc=example\nchangetype: \
                   modify\nadd: description\ndescription: x\n-\n\ndn: ou=people,dc=contoso,dc=example\nchangetype: delete\n\n\
                   dn: uid=adele,ou=people,dc=contoso,dc=example\nchangetype: modify\nreplace: title\ntitle: x\n-\n";
    let import = tree(&ENTRIES).change(records.as_bytes());
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (4, 4, 0));
    assert!(import.into_complete().unwrap().1.is_empty());
}

#[test]
fn d11_membership_stays_while_another_attribute_lists_it() {
    let both = "dn: cn=both\nobjectClass: groupOfNames\nobjectClass: posixGroup\nmember: \
                uid=adele,ou=people,dc=contoso,dc=example\nmemberUid: adele";
    let step = |attribute: &str, value: &str| {
        format!("dn: cn=both\nchangetype: modify\ndelete: {attribute}\n{attribute}: {value}\n-\n")
    };
    let (tree, changes) = changed(tree(&[both, ENTRIES[2]]), &step("memberUid", "adele"));
    assert!(changes.is_empty(), "{changes:?}");
    let (_, changes) = changed(tree, &step("member", "uid=adele,ou=people,dc=contoso,dc=example"));
    assert_eq!(changes, [DirectoryChange::RemoveMember(group("cn=both"), user(ADELE))]);
}

#[test]
fn d11_removal_by_group_also_ends_member_of() {
    let entries = ["dn: cn=g\nobjectClass: group\nmember: cn=a", "dn: cn=a\nobjectClass: person\nmemberOf: cn=g"];
    let own = "dn: cn=a\nchangetype: modify\ndelete: memberOf\nmemberOf: cn=g\n-\n";
    assert!(changed(tree(&entries), own).1.is_empty(), "the group lists them still");
    let said = "dn: cn=g\nchangetype: modify\ndelete: member\nmember: cn=a\n-\n";
    assert_eq!(changed(tree(&entries), said).1, [DirectoryChange::RemoveMember(group("cn=g"), user("cn=a"))]);
}

#[test]
fn d11_removed_account_name_lists_nobody() {
    let unix = "dn: cn=unix\nobjectClass: posixGroup";
    let step = |op: &str, values: &str| format!("dn: cn=unix\nchangetype: modify\n{op}: memberUid\n{values}-\n\n");
    let adele = "memberUid: adele\n";
    for (steps, is_member) in [
        (vec![("add", adele), ("delete", adele)], false),
        (vec![("add", adele), ("delete", "")], false),
        (vec![("add", adele), ("replace", "")], false),
        (vec![("delete", adele), ("add", adele)], true),
        (vec![("add", adele), ("replace", "memberUid: adele\n")], true),
    ] {
        let before = DirectoryTree::read(document(&[unix, ENTRIES[2]]).as_bytes()).into_complete().unwrap();
        let records: String = steps.iter().map(|(op, values)| step(op, values)).collect();
        let (_, delta) = before.0.change(records.as_bytes()).into_complete().unwrap();
        let after = built(before.1).apply(&delta, DirectoryRevision(2), Default::default()).unwrap();
        assert_eq!(members(&after, "cn=unix").len(), usize::from(is_member), "{records}");
    }
}

#[test]
fn b3_repeatedly_changed_record_is_reported_once() {
    let dn = "dn: uid=adele,ou=people,dc=contoso,dc=example\nchangetype:";
    let mail = |n: u32| format!("{dn} modify\nadd: mail\nmail: {n}@x.example\n-\n\n");
    let group = |n: u32| format!("dn: cn=board,dc=contoso,dc=example\nchangetype: modify\nadd: cn\ncn: A{n}\n-\n\n");
    let records: String = (0..50).map(|n| mail(n) + &group(n)).collect();
    let (tree, changes) = changed(tree(&ENTRIES), &records);
    let [DirectoryChange::User(adele), DirectoryChange::Group(_, name)] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!((adele.aliases().len(), &**name), (53, "A0"));
    // A deleted user is remembered by the names at that time.
    let (_, changes) = changed(tree, &format!("{}{dn} delete\n", mail(99)));
    let [DirectoryChange::User(adele), DirectoryChange::RemoveUser(id)] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!((adele.aliases().len(), id), (54, &user(ADELE)));
}

#[test]
fn b3_repeated_deletion_of_name_is_rejected() {
    let entries = ["dn: cn=a\nobjectClass: person", "dn: cn=g\nobjectClass: group\nmember: cn=a"];
    let again = "dn: cn=a\nchangetype: delete\n\ndn: cn=a\nchangetype: add\nobjectClass: person\n\n";
    let (tree, _) = DirectoryTree::read(document(&entries).as_bytes()).into_complete().unwrap();
    let (tree, changes) = changed(tree, &again.repeat(16));
    assert_eq!(changes.iter().filter(|change| matches!(change, DirectoryChange::RemoveUser(_))).count(), 16);
    let import = tree.change("dn: cn=a\nchangetype: delete\n".as_bytes());
    assert!(matches!(rejection(&import).1, EntryRejectReason::UnsupportedChange { .. }));
}

#[test]
fn b1_change_with_too_many_names_changes_nothing() {
    let names: String = (0..999).map(|n| format!("mail: {n}@x.example\n")).collect();
    let record = format!(
        "dn: uid=adele,ou=people,dc=contoso,dc=example\nchangetype: modify\ndelete: uid\n-\nadd: mail\n{names}-\n"
    );
    let import = tree(&ENTRIES).change(record.as_bytes());
    assert_eq!(rejection(&import).1, EntryRejectReason::TooManyNames { max: 1_000 });
    let (tree, delta) = import.into_partial();
    assert!(delta.is_empty());
    let listed = "dn: cn=unix,dc=contoso,dc=example\nchangetype: modify\nadd: memberUid\nmemberUid: adele\n-\n";
    assert_eq!(changed(tree, listed).1, [DirectoryChange::Member(group(UNIX), user(ADELE))], "the uid is still theirs");
    let more = "dn: uid=adele,ou=people,dc=contoso,dc=example\nchangetype: modify\nadd: mail\nmail: c@x.example\n-\n";
    let (_, changes) = changed(self::tree(&ENTRIES).change(record.as_bytes()).into_partial().0, more);
    let [DirectoryChange::User(adele)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(adele.aliases().len(), 4, "the names are those of before, and one more");
    let invalid = record.replace("mail: 7@x.example", &format!("mail: {}@x.example", "a".repeat(600)));
    assert!(matches!(rejection(&self::tree(&ENTRIES).change(invalid.as_bytes())).1, EntryRejectReason::Text { .. }));
}

#[test]
fn d8_subtree_moves_with_its_entry() {
    let ou = |name: &str| format!("dn: {name}\nobjectClass: organizationalUnit");
    let (a, b) = (ou("ou=a,dc=x"), ou("ou=b,dc=x"));
    let person = "dn: uid=p,ou=deep,ou=a,dc=x\nobjectClass: person\nentryUUID: 7d1c8e52-0a43-103e-8f2b-000000000001";
    let nameless = "dn: uid=q,ou=b,dc=x\nobjectClass: person";
    let entries = [&*a, &b, person, nameless, "dn: cn=g\nobjectClass: group\nmember: uid=p,ou=deep,ou=a,dc=x"];
    let import = DirectoryTree::read(document(&entries).as_bytes());
    let tree = import.into_complete().unwrap().0;
    let step = |dn: &str, rdn: &str, above: &str| {
        format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 0\nnewsuperior: {above}\n\n")
    };
    let gone = |dn: &str| format!("dn: cn=g\nchangetype: modify\ndelete: member\nmember: {dn}\n-\n\n");
    let moves =
        step("ou=a,dc=x", "ou=c", "ou=b,dc=x") + &step("ou=c,ou=b,dc=x", "ou=d", "") + &gone("uid=p,ou=deep,ou=d");
    let (_, changes) = changed(tree.clone(), &moves);
    assert_eq!(changes, [DirectoryChange::RemoveMember(group("cn=g"), user(ADELE))]);
    let (_, changes) = changed(tree.clone(), &(moves.clone() + &gone("uid=p,ou=deep,ou=a,dc=x")));
    assert_eq!(changes.len(), 1, "the old name is unused");
    let named = "export immutable ids of all moved entries";
    let taken = "use a name that no entry had before";
    for (records, advice) in [
        (step("ou=b,dc=x", "ou=c", ""), named),
        (step("ou=a,dc=x", "ou=b", "dc=x"), taken),
        (step("ou=a,dc=x", "ou=e", "ou=deep,ou=a,dc=x"), taken),
        (step("ou=a,dc=x", "ou=e", &vec!["ou=y"; 126].join(",")), taken),
    ] {
        let import = tree.clone().change(records.as_bytes());
        assert_eq!(rejection(&import).1, EntryRejectReason::UnsupportedChange { advice }, "{records}");
        assert_eq!(changed(import.into_partial().0, &gone("uid=p,ou=deep,ou=a,dc=x")).1.len(), 1, "not moved");
    }
}

#[test]
fn d11_group_marked_deleted_by_change_is_removed() {
    let records = "dn: cn=council,dc=contoso,dc=example\nchangetype: modify\nadd: isDeleted\nisDeleted: TRUE\n-\n\
                   delete: member\n-\n";
    let (_, changes) = changed(tree(&ENTRIES), records);
    assert_eq!(changes, [DirectoryChange::RemoveGroup(group(COUNCIL))]);
    let (_, changes) = changed(tree(&ENTRIES), &records.replace("TRUE", "FALSE").replace("delete: member\n-\n", ""));
    assert_eq!(changes, []);
    let entry = "dn: cn=g\nobjectClass: group\nisDeleted: TRUE";
    let restored = "dn: cn=g\nchangetype: modify\ndelete: isDeleted\n-\n";
    let reason = rejection(&tree(&[entry]).change(restored.as_bytes())).1;
    assert!(matches!(reason, EntryRejectReason::UnsupportedChange { .. }), "{reason:?}");
    let class =
        "dn: cn=council,dc=contoso,dc=example\nchangetype: modify\nadd: objectClass\nobjectClass: nsTombstone\n-\n";
    let reason = rejection(&tree(&ENTRIES).change(class.as_bytes())).1;
    assert!(matches!(reason, EntryRejectReason::UnsupportedChange { .. }), "{reason:?}");
}

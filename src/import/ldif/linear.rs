//! B3: reading takes time linear in the input. The steps of each loop are counted at two sizes.

use super::DirectoryTree;
use crate::steps::assert_linear;

/// Returns this many records.
fn records(size: usize, record: impl Fn(usize) -> String) -> String {
    (0..size).map(record).collect()
}

fn person(n: usize, lines: &str) -> String {
    format!(
        "dn: uid=u{n},ou=p\nobjectClass: person\nentryUUID: {n:08x}-0000-4000-8000-000000000000\nuid: u{n}\n{lines}\n"
    )
}

fn group(n: usize, lines: &str) -> String {
    format!("dn: cn=g{n}\nobjectClass: posixGroup\nentryUUID: {n:08x}-0000-4000-9000-000000000000\n{lines}\n")
}

fn modify(dn: &str, op: &str, attribute: &str, values: &[String]) -> String {
    let values: String = values.iter().map(|value| format!("{attribute}: {value}\n")).collect();
    format!("dn: {dn}\nchangetype: modify\n{op}: {attribute}\n{values}-\n\n")
}

fn added(entry: &str) -> String {
    entry.replacen("\nobjectClass", "\nchangetype: add\nobjectClass", 1)
}

fn moved(dn: &str, rdn: &str, above: &str) -> String {
    format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\n{above}\n")
}

/// Counts the steps of reading entries.
fn reads(what: &str, entries: impl Fn(usize) -> String) {
    assert_linear(what, 300, entries, |text| drop(DirectoryTree::read(text.as_bytes())));
}

/// Counts the steps of reading changes, without those of reading the entries.
fn changes(what: &str, entries: impl Fn(usize) -> String, changes: impl Fn(usize) -> String) {
    let prepare = |size| (DirectoryTree::read(entries(size).as_bytes()).into_partial().0, changes(size));
    assert_linear(what, 300, prepare, |(tree, text)| drop(tree.change(text.as_bytes())));
}

#[test]
fn b3_entries_are_read_in_linear_time() {
    reads("people", |size| records(size, |n| person(n, "")));
    reads("skipped lines", |size| person(0, &"note: x\n".repeat(size)));
    reads("folded lines", |size| person(0, &format!("mail: a\n{}", " a\n".repeat(size))));
    reads("addresses of one user", |size| person(0, &records(size, |n| format!("mail: {n}\n"))));
    reads("addresses of another kind", |size| person(0, &records(size, |n| format!("proxyAddresses: X500:{n}\n"))));
    reads("names of one group", |size| group(0, &records(size, |n| format!("cn: {n}\n"))));
    reads("classes", |size| person(0, &records(size, |n| format!("objectClass: {n}\n"))));
    reads("parts of a name", |size| format!("dn: cn=a{}\nobjectClass: group\n\n", "+uid=b".repeat(size)));
    reads("levels of a name", |size| records(size, |n| group(n, &format!("member: cn=a{}\n", ",ou=b".repeat(120)))));
    reads("rejections", |size| records(size, |_| "cn: a\n\n".to_owned()));
}

#[test]
fn b3_memberships_are_read_in_linear_time() {
    let members = |size: usize| records(size, |n| format!("member: uid=u{n},ou=p\n"));
    reads("members of one group", |size| group(0, &members(size)) + &records(size, |n| person(n, "")));
    reads("missing members", |size| group(0, &members(size)));
    reads("one member repeated", |size| person(0, "") + &group(0, &"member: uid=u0,ou=p\n".repeat(size)));
    reads("groups of one member", |size| person(0, "") + &records(size, |n| group(n, "member: uid=u0,ou=p\n")));
    reads("groups in one member_of", |size| {
        person(0, &records(size, |n| format!("memberOf: cn=g{n}\n"))) + &records(size, |n| group(n, ""))
    });
    reads("a shared uid", |size| {
        records(size, |n| person(n, "uid: a\n")) + &records(size, |n| group(n, "memberUid: a\n"))
    });
    reads("a shared uid before it is known", |size| {
        records(size, |n| group(n, "memberUid: a\n")) + &records(size, |n| person(n, "uid: a\n"))
    });
    reads("a shared number", |size| {
        records(size, |n| person(n, "gidNumber: 1\n")) + &records(size, |n| group(n, "gidNumber: 1\n"))
    });
    reads("a shared SID", |size| {
        let sid = |n: usize| format!("objectSid: S-1-5-21-{}\n", n + 1000);
        records(size, |n| person(n, &format!("{}primaryGroupID: 1000\n", sid(n))))
            + &records(size, |n| group(n, &sid(0)))
    });
    reads("references", |size| records(size, |n| format!("ref: ldap://x/cn={n}\n\n")));
}

#[test]
fn b3_changes_of_members_are_read_in_linear_time() {
    let people = |size: usize| records(size, |n| person(n, ""));
    let members = |size: usize| records(size, |n| format!("member: uid=u{n},ou=p\n"));
    let full = move |size: usize| people(size) + &group(0, &members(size));
    let each = |size: usize, op: &'static str| {
        records(size, move |n| modify("cn=g0", op, "member", &[format!("uid=u{n},ou=p")]))
    };
    let own = |size: usize, op: &'static str| {
        records(size, move |n| modify(&format!("uid=u{n},ou=p"), op, "memberOf", &["cn=g0".to_owned()]))
    };
    changes("added members", full, |size| each(size, "add"));
    changes("removed members", full, |size| each(size, "delete"));
    changes("replaced members", full, |size| each(size, "replace"));
    changes("groups added to member_of", move |size| people(size) + &group(0, ""), |size| own(size, "add"));
    let named = |size: usize| records(size, |n| person(n, "memberOf: cn=g0\n")) + &group(0, "");
    changes("groups named again", named, |size| own(size, "add"));
    changes("groups removed from member_of", named, |size| own(size, "delete"));
    changes("groups replaced in member_of", named, |size| own(size, "replace"));
    changes(
        "other members are replaced",
        |size| records(size, |n| person(n, "")) + &group(0, &records(size, |n| format!("memberUid: u{n}\n"))),
        |size| modify("cn=g0", "replace", "member", &[]).repeat(size),
    );
    changes(
        "a member of many groups clears member_of",
        |size| person(0, "") + &records(size, |n| group(n, "member: uid=u0,ou=p\n")),
        |size| modify("uid=u0,ou=p", "replace", "memberOf", &[]).repeat(size),
    );
    changes(
        "a shared uid added and removed",
        |size| records(size, |n| person(n, "uid: a\n")) + &group(0, ""),
        |size| {
            let step = |op| modify("cn=g0", op, "memberUid", &["a".to_owned()]);
            (step("add") + &step("delete")).repeat(size)
        },
    );
}

#[test]
fn b3_changes_of_names_are_read_in_linear_time() {
    let people = |size: usize| records(size, |n| person(n, ""));
    changes("moves", people, |size| records(size, |n| moved(&format!("uid=u{n},ou=p"), &format!("uid=v{n}"), "")));
    changes(
        "moves of all",
        |size| "dn: ou=p\nobjectClass: organizationalUnit\n\n".to_owned() + &records(size, |n| person(n, "")),
        |size| (moved("ou=p", "ou=q", "") + &moved("ou=q", "ou=p", "")).repeat(size),
    );
    changes(
        "moves of one below the other",
        |size| records(size, |n| format!("dn: ou={n}\nobjectClass: organizationalUnit\n\n")),
        |size| {
            records(size, |n| moved(&format!("ou={n}"), &format!("ou={n}"), &format!("newsuperior: ou={}\n", n + 1)))
        },
    );
    // A user may have at most 1,000 names.
    let named = |_: usize| person(0, &records(990, |n| format!("mail: {n}@x\n")));
    let mail = |op: &'static str, value: usize| modify("uid=u0,ou=p", op, "mail", &[format!("{value}@x")]);
    changes("addresses added and removed", named, |size| (mail("add", 995) + &mail("delete", 995)).repeat(size));
    changes(
        "removed addresses",
        |size| person(0, &records(size.min(990), |n| format!("mail: {n}@x\n"))),
        |size| records(size, |n| mail("delete", n)),
    );
    for (attribute, entry) in [("mail", person(0, "")), ("cn", group(0, ""))] {
        let dn = if attribute == "cn" { "cn=g0" } else { "uid=u0,ou=p" };
        assert_linear(
            "too many values in reverse order",
            3000,
            |size| {
                let values: Vec<_> = (0..size).rev().map(|n| format!("u{n:06}@x")).collect();
                (DirectoryTree::read(entry.as_bytes()).into_partial().0, modify(dn, "add", attribute, &values))
            },
            |(tree, text)| drop(tree.change(text.as_bytes())),
        );
    }
    changes("too many addresses", named, |size| {
        let many: Vec<_> = (0..11).map(|n| format!("y{n}@x")).collect();
        modify("uid=u0,ou=p", "add", "mail", &many).repeat(size)
    });
}

#[test]
fn b3_repeated_deletions_are_read_in_linear_time() {
    let again = |entry: String, dn: &str, size: usize| {
        (format!("dn: {dn}\nchangetype: delete\n\n") + &added(&entry)).repeat(size)
    };
    changes(
        "a member",
        |size| person(0, "") + &records(size, |n| group(n, "member: uid=u0,ou=p\n")),
        |size| again(person(0, ""), "uid=u0,ou=p", size),
    );
    changes(
        "a nested group",
        |size| records(size, |n| group(n, "member: cn=g0\n")),
        |size| again(group(0, ""), "cn=g0", size),
    );
    changes(
        "a primary group",
        |size| records(size, |n| person(n, "gidNumber: 1\n")) + &group(0, "gidNumber: 1\n"),
        |size| {
            records(size, |n| format!("dn: cn=g{n}\nchangetype: delete\n\n") + &added(&group(n + 1, "gidNumber: 1\n")))
        },
    );
    changes(
        "all members",
        |size| records(size, |n| person(n, "")) + &group(0, &records(size, |n| format!("member: uid=u{n},ou=p\n"))),
        |size| records(size, |n| format!("dn: uid=u{n},ou=p\nchangetype: delete\n\n")),
    );
}

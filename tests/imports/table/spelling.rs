//! Cells that contain one name, several, none, or a damaged one.

use super::*;

/// Returns the names in a cell of proxy addresses, or the error.
fn read_cell(column: &str, cell: &str) -> Result<Vec<String>, String> {
    let cell = cell.replace('"', "\"\"");
    let import = read(&[&format!("id,{column}\nu-1,\"{cell}\"\n")]);
    match import.rejected() {
        [] => Ok(names(&built(import.into_complete().unwrap()), "u-1")),
        [rejected] => Err(rejected.to_string()),
        more => panic!("{more:?}"),
    }
}

#[test]
fn d11_address_lists_are_split_at_every_separator() {
    let three = ["a@x.example", "b@x.example", "c+d@x.example"];
    for cell in [
        "a@x.example;b@x.example;c+d@x.example",
        "SMTP:a@x.example; smtp:b@x.example;sip:c+d@x.example;",
        "SMTP:a@x.example|smtp:b@x.example|c+d@x.example",
        "a@x.example / b@x.example / c+d@x.example",
        "[\"a@x.example\", \"smtp:b@x.example\", \"c+d@x.example\"]",
        "['a@x.example', 'b@x.example', 'c+d@x.example']",
        "{a@x.example, SMTP:b@x.example, c+d@x.example}",
        "{a@x.example,\"b@x.example\",c+d@x.example}",
        "mailto:a@x.example;MailTo: b@x.example;im:c+d@x.example",
        "Adele Vance <a@x.example>; <b@x.example>; 'c+d@x.example'",
        "\u{feff}a@x.example\u{200b};\u{202a}b@x.example\u{202c};\u{a0}c+d@x.example",
        "a@x.example;X500:/o=Contoso/cn=a+b;b@x.example;EUM:12;phone-context=x;SPO:SPO_1@SPO_2;c+d@x.example",
        "i:0#.f|membership|a@x.example;b@x.example;c+d@x.example;a@x.example",
    ] {
        assert_eq!(read_cell("proxy addresses", cell).as_deref(), Ok(&three.map(str::to_owned)[..]), "{cell}");
    }
    let plus = "SMTP:a@x.example+smtp:b@x.example+X500:/o=Contoso/cn=c+sip:c@x.example";
    assert_eq!(read_cell("mail", plus).unwrap(), ["a@x.example", "b@x.example", "c@x.example"]);
}

#[test]
fn d11_cells_without_value_contain_no_name() {
    for cell in [
        "",
        "-",
        "--",
        "N/A",
        "n/a",
        "#N/A",
        "NULL",
        "null",
        "None",
        "<null>",
        "(null)",
        "[]",
        "{}",
        "\\N",
        "undefined",
    ] {
        assert_eq!(read_cell("mail", cell), Ok(vec![]), "{cell}");
    }
    // An account could have such a name.
    for cell in ["NULL", "none", "nil", "Undefined"] {
        assert!(read_cell("account", cell).unwrap_err().contains("expected a name, or an empty field"), "{cell}");
    }
    assert_eq!(read_cell("account", "-"), Ok(vec![]));
}

#[test]
fn d11_invalid_names_are_rejected() {
    for cell in [
        "System.String[]",
        "System.Object[]",
        "System.Collections.Generic.List`1[System.String]",
        "System.Collections.Hashtable",
        "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection",
        "Microsoft.Exchange.Data.ProxyAddressCollection",
        "Deserialized.Microsoft.Exchange.Data.ProxyAddressCollection",
        "java.util.ArrayList@1b2c",
        "[Ljava.lang.String;@1b2c",
        "[object Object]",
        "<generator object at 0x7f>",
        "@{Address=a@x.example}",
        "{SMTP:a@x.example, smtp:b@x.example...}",
        "a@x.example;b@x.exam…",
        "adele.van...",
        "adele.van…",
        "j?rgen@contoso.example",
        "j\u{fffd}rgen@contoso.example",
        "jÃ¼rgen@contoso.example",
        "=?utf-8?B?YQ==?= <a@x.example>?",
        "a&#64;x.example",
        "a@x.example&semi;b@x.example",
        "a%40x.example",
        "a@x.example b@x.example",
        "a@x.example,b@x.example",
        "a@x.example\nb@x.example",
        "a@x.example+b",
        "a@x.example&b@x.example",
        "a@b@x.example",
        "a@x.example:443",
        "a@",
        "a@x..example",
        "<a@x.example",
        "<unknown thing>",
        "a@x.example <b@x.example>",
        "*@x.example",
        "[{\"address\":\"a@x.example\"}]",
        "[[[[[[\"a@x.example\"]]]]]]",
        "X500:/o=Contoso/cn=a/smtp:a@x.example",
        "#REF!",
        "#NAME?",
        "TRUE",
        "4.91512E+11",
    ] {
        for column in ["proxy addresses", "mail", "upn", "account"] {
            let says = read_cell(column, cell);
            assert!(says.as_ref().is_err_and(|says| says.contains("expected")), "{column} {cell:?}: {says:?}");
        }
    }
    assert!(read_cell("mail", "http://x.example/a").is_err());
    // Deep nesting is rejected.
    let deep = "[".repeat(100_000);
    assert!(read_cell("mail", &deep).is_err());
}

#[test]
fn d11_names_with_unusual_characters_are_accepted() {
    for (column, cell, expected) in [
        ("upn", "a_x.example#EXT#@contoso.example", vec!["a_x.example#EXT#@contoso.example"]),
        ("mail", "o'brien+news/x=y@x.example", vec!["o'brien+news/x=y@x.example"]),
        ("mail", "\"a b\"@x.example", vec![]),
        ("account", "Adele Vance", vec!["Adele Vance"]),
        ("account", "7", vec!["7"]),
        ("account", "CONTOSO\\adele", vec!["CONTOSO\\adele", "adele"]),
        ("account", "system.admin", vec!["system.admin"]),
        ("account", "=1+1;'-x;+c;@d", vec!["=1+1", "-x", "+c", "@d"]),
        ("mail", "jürgen@bücher.example", vec!["jürgen@bücher.example"]),
        ("mail", "Ângela.Ã@x.example", vec!["Ângela.Ã@x.example"]),
    ] {
        match read_cell(column, cell) {
            Ok(names) => assert_eq!(names, expected, "{cell}"),
            Err(says) => assert!(expected.is_empty(), "{cell}: {says}"),
        }
    }
}

#[test]
fn d11_placeholder_ids_are_rejected() {
    for id in ["NULL", "N/A", "-", "System.String[]", "u\u{fffd}"] {
        assert_eq!(read(&[&format!("id,upn\n{id},a@x.example\n")]).rejected().len(), 1, "{id}");
        let members = format!("group,member,type\ng-1,{id},user\n");
        assert_eq!(read(&["group id\ng-1\n", &members]).rejected().len(), 1, "{id}");
    }
    let snapshot = whole(&["id,upn,groups\nu-1,a@x.example,NULL\nu-2,b@x.example,g-1\n", "group id,parents\ng-1,-\n"]);
    assert_eq!(members(&snapshot, "g-1"), set(&["u-2"]), "a mark for no value is no group");
}

#[test]
fn b1_addresses_after_another_kind_are_rejected() {
    for cell in [
        "X500:/o=Org/cn=a, adele@x.example",
        "X500:/o=Org/cn=a,smtp:adele@x.example",
        "fax:1, SMTP :b@x.example",
        "fax:12 b@x.example",
        "fax:12\tSMTP :b@x.example",
        "EUM:12;phone-context=dial.x.example, b@x.example",
        "phone-context=adele@x.example",
        "EUM:12;phone-context=adele@x.example",
        "smtp:a@x.example;phone-context=adele@x.example",
        "{fax:1;phone-context=adele@x.example}",
    ] {
        assert!(read_cell("alias", cell).is_err(), "{cell}");
    }
    for cell in [
        "X500:/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=a",
        "X500:/o=First Organization/cn=Recipients/cn=b@x.example",
        "EUM:12;phone-context=dial.x.example",
        "{EUM:12;phone-context=dial.x.example}",
        "eum:b@x.example;Phone-Context=dial.x.example",
    ] {
        assert_eq!(read_cell("alias", cell), Ok(Vec::new()), "{cell}");
    }
}

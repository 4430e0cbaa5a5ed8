//! The activity of a record, and the rejection of an invalid one.

use activity_privacy::activity::Activity;
use activity_privacy::sources::m365::{DateOrder, Format, Reader};
use activity_privacy::sources::{MAX_RECORD_BYTES, RejectReason, Rejected};
use serde_json::json;

use crate::{FORMATS, document, ids, joined, one, quoted, read, record, rejections};

#[test]
fn b1_malformed_line_is_rejected_and_others_read() {
    let line = |id: &str| record(json!({ "Id": id })).to_string();
    let good = line("a");
    let input = format!(
        "\u{feff}\n{good}\n\n{{\"Id\": \r\n[]\n \t\n{}\r\n{{}} {{}}\n{}",
        line("b"),
        record(json!({ "Id": "c", "CreationTime": null })),
    );
    let items = read(&input);
    assert_eq!(ids(&items), ["a", "b"]);
    assert_eq!(
        rejections(&items),
        [
            "line 4: JSON ends too early at line 1, column 6 of the record, expected one JSON object",
            "line 5: record is not an object, expected one JSON object per record",
            "line 8: JSON syntax error at line 1, column 4 of the record, expected one JSON object",
            "line 9: field `CreationTime` is missing, expected a time such as `2026-03-01T09:30:00`, in UTC",
        ]
    );
}

#[test]
fn b1_malformed_element_is_rejected_alone() {
    let element = |id: &str| record(json!({ "Id": id, "ObjectId": "a ] } , \" \\ [ {" })).to_string();
    let input = format!(
        "\n [\n{},\n{{\"Id\": oops, \"x\": [1, {{}}]}},\n{{\"Id\": ]}},\n7\n,\n{}\n,]\n",
        element("a"),
        element("b")
    );
    let items = read(input);
    assert_eq!(ids(&items), ["a", "b"]);
    let lines: Vec<u64> = items.iter().filter_map(|item| item.as_ref().err()).map(|r| r.line()).collect();
    assert_eq!(lines, [4, 5, 6, 9]);
}

#[test]
fn b1_truncated_or_continued_array_is_rejected() {
    let element = record(json!({})).to_string();
    let cut = read(format!("[{element},\n{}", &element[..40]));
    assert_eq!((cut.len(), cut[1].as_ref().unwrap_err().reason()), (2, &RejectReason::Truncated));
    assert_eq!(cut[1].as_ref().unwrap_err().line(), 2);

    let after = format!("[{element}]\n {element}\n{element}");
    let one_array: Vec<_> = Reader::with_format(after.as_bytes(), Format::JsonArray).collect();
    assert_eq!((one_array.len(), one_array[1].as_ref().unwrap_err().reason()), (2, &RejectReason::AfterEnd));
    assert_eq!(one_array[1].as_ref().unwrap_err().line(), 2);
    assert_eq!(ids(&read(after)), ["r1", "r1", "r1"]);

    assert!(read("[ \n ]\n").is_empty());
    assert!(read("").is_empty() && read("\u{feff} \n").is_empty(), "an empty input contains no records");
    assert_eq!(read("[").len(), 1);
}

#[test]
fn b1_line_number_counts_quoted_line_breaks() {
    let input = b"TimeGenerated,OfficeId,Operation,UserId,Parameters\r\n\
        2026-03-01T09:30:00Z,a,\"New, rule\",adele@contoso.com,\"[\n  {\"\"Name\"\": 1}\n]\"\r\n\
        2026-03-01T09:30:00Z,short\r\n\
        \r\n\
        2026-03-01T09:30:00Z,\xff,Op,adele@contoso.com,\r\n\
        2026-03-01T09:30:00Z,b,Op,adele@contoso.com,\n";
    let items = read(input);
    assert_eq!(ids(&items), ["a", "b"]);
    assert_eq!(
        rejections(&items),
        ["line 5: 2 CSV fields, expected 5", "line 7: record is not UTF-8 at byte 21, expected UTF-8"]
    );
}

#[test]
fn b1_unclosed_quote_is_one_rejection() {
    let input =
        "TimeGenerated,OfficeId,Operation,UserId\n2026-03-01T09:30:00Z,a,Op,adele@contoso.com\n\"open,\n\n1,2,3,4\n";
    let items = read(input);
    assert_eq!(ids(&items), ["a"]);
    assert_eq!(rejections(&items), ["line 3: input ends inside a quoted CSV field, expected its closing quote"]);
}

#[test]
fn b1_every_record_gives_an_item() {
    for format in FORMATS {
        let names: Vec<String> = (0..50).map(|n| format!("r{n}")).collect();
        let text = joined(format, &document(format, &names));
        for reader in [Reader::new(text.as_bytes()), Reader::with_format(text.as_bytes(), format)] {
            let items: Vec<_> = reader.collect();
            assert_eq!(ids(&items), names, "{format:?}");
        }
    }
}

#[test]
fn b1_oversized_record_is_rejected_and_others_read() {
    let text = "x".repeat(MAX_RECORD_BYTES);
    for format in FORMATS {
        let mut records = document(format, &["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        records[1] = records[1].replacen("adele@contoso.com", &text, 1);
        if format == Format::OfficeActivityCsv {
            // Text inside the quotes of an oversized row is never read as a row.
            records[1] = format!("{},{}", records[1], quoted(&format!("{text}\n{}\n", records[0])));
        }
        let items = read(joined(format, &records));
        assert_eq!(ids(&items), ["a", "c"], "{format:?}");
        let refused = items[1].as_ref().unwrap_err().reason();
        assert_eq!(refused, &RejectReason::TooLong { max: MAX_RECORD_BYTES }, "{format:?}");
    }
}

#[test]
fn b1_record_at_limit_is_read_and_longer_rejected() {
    let long = |bytes: usize| {
        let short = record(json!({ "Extra": "" })).to_string();
        short.replacen("\"Extra\":\"", &format!("\"Extra\":\"{}", "x".repeat(bytes - short.len())), 1)
    };
    let whole = long(MAX_RECORD_BYTES);
    assert_eq!(whole.len(), MAX_RECORD_BYTES);
    for (format, longest) in [(Format::JsonLines, whole.clone()), (Format::JsonArray, format!("[{whole}]"))] {
        let items: Vec<_> = Reader::with_format(longest.as_bytes(), format).collect();
        assert_eq!(items[0].as_ref().unwrap().details().map(str::len), Some(MAX_RECORD_BYTES));
    }
    let longer = long(MAX_RECORD_BYTES + 1);
    let expected = RejectReason::TooLong { max: MAX_RECORD_BYTES };
    assert_eq!(read(&longer)[0].as_ref().unwrap_err().reason(), &expected);
    assert_eq!(read(format!("[{longer}]"))[0].as_ref().unwrap_err().reason(), &expected);
}

#[test]
fn b1_unknown_format_is_one_rejection() {
    for input in ["a,b\n1,2\n3,4\n", "hello", "Operation,Operation\n1,2\n", "\"open"] {
        assert_eq!(read(input).len(), 1, "{input}");
    }
    assert_eq!(read(b"\xff\xfeO\0p\0\n\0").len(), 1, "UTF-16");
    for (input, format) in [
        ("{}\n{}", Format::JsonArray),
        ("", Format::JsonArray),
        ("Operation\n1", Format::AuditLogCsv),
        ("AuditData\n{}", Format::OfficeActivityCsv),
    ] {
        let items: Vec<_> = Reader::with_format(input.as_bytes(), format).collect();
        let [Err(refused)] = &items[..] else { panic!("{} items", items.len()) };
        assert!(matches!(refused.reason(), RejectReason::OtherFormat { .. }));
        assert_eq!(refused.reason().to_string(), format!("wrong format, expected {format}"));
    }
}

#[test]
fn b4_reader_states_format_that_it_detects() {
    let record = record(json!({})).to_string();
    for (input, format) in [
        (format!("{record}\n{record}\n"), Some(Format::JsonLines)),
        (format!("[{record}]"), Some(Format::JsonDocuments)),
        (format!("{{\"value\": [{record}]}}"), Some(Format::JsonDocuments)),
        (format!("AuditData\n{}\n", quoted(&record)), Some(Format::AuditLogCsv)),
        ("TimeGenerated,Operation\n2026-03-01T09:30:00Z,Op\n".to_owned(), Some(Format::OfficeActivityCsv)),
        ("a,b\n".to_owned(), None),
        (String::new(), None),
    ] {
        let mut reader = Reader::new(input.as_bytes());
        assert_eq!(reader.format(), None, "nothing was read");
        reader.next();
        assert_eq!(reader.format(), format, "{input}");
        reader.by_ref().for_each(drop);
        assert_eq!(reader.format(), format, "{input}");
    }
    let mut array = Reader::with_format(b"[]".as_slice(), Format::JsonArray);
    array.next();
    assert_eq!(array.format(), Some(Format::JsonArray));
}

#[test]
fn b1_failing_input_is_one_rejection_and_the_end() {
    struct Failing(usize);
    impl std::io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let good = format!("{}\n", record(json!({})));
            self.0 += 1;
            match self.0 {
                1 => Err(std::io::ErrorKind::Interrupted.into()),
                2 => std::io::Read::read(&mut good.as_bytes(), buffer),
                _ => Err(std::io::Error::other("canary")),
            }
        }
    }
    let items: Vec<_> = Reader::new(std::io::BufReader::new(Failing(0))).collect();
    assert_eq!(ids(&items), ["r1"]);
    assert_eq!(rejections(&items), ["line 2: cannot read the input (other error); read it again from a complete copy"]);
}

#[test]
fn b1_invalid_text_is_rejected_with_its_field() {
    let long = "x".repeat(600);
    for (field, value) in
        [("UserId", &*long), ("UserId", "a\u{7}b"), ("Id", &long), ("Workload", &long), ("Operation", &long)]
    {
        let items = read(record(json!({ field: value })).to_string());
        let refused = rejections(&items);
        assert!(refused.len() == 1 && refused[0].contains(&format!("field `{field}`")), "{refused:?}");
    }
    // A key that is not a valid name is skipped, and the record is read.
    assert!(read(record(json!({ "UserKey": long })).to_string())[0].is_ok());
}

#[test]
fn b1_unexpected_value_types_lose_no_record() {
    for value in [json!(7), json!(true), json!([1]), json!({ "a": 1 })] {
        for field in [
            "UserKey",
            "ObjectId",
            "Members",
            "Target",
            "UserSharedWith",
            "MailboxGuid",
            "MailboxOwnerSid",
            "LogonUserSid",
            "TokenObjectId",
            "Workload",
            "TargetUserOrGroupName",
            "AppAccessContext",
            "RecordType",
            "UserType",
        ] {
            let fields = record(json!({ "ObjectId": null, field: value }));
            assert!(read(fields.to_string())[0].is_ok(), "{field} {value}");
        }
        let who = record(json!({ "UserId": value }));
        assert_eq!(read(who.to_string())[0].is_ok(), value.is_number(), "{value} does not name the actor");
    }
    let key = one(&record(json!({ "UserId": "", "UserKey": 1_153_977_025_279_851_686_u64 })));
    assert_eq!(key.actor().label(), "1153977025279851686");
}

#[test]
fn b1_repeated_field_is_rejected() {
    let twice =
        r#"{"Id":"a","CreationTime":"2026-03-01T09:30:00","Operation":"Op","UserId":"adele@contoso.com","UserId":"x"}"#;
    assert_eq!(read(twice)[0].as_ref().unwrap_err().reason(), &RejectReason::RepeatedField);
}

#[test]
fn b1_repeated_field_at_any_depth_is_rejected() {
    let sound = record(json!({})).to_string();
    for field in [
        r#""SharePointMetaData":{"From":"lee@contoso.com","From":"x"}"#,
        r#""SharePointMetaData":{"From":"lee@contoso.com","Fr\u006fm":"x"}"#,
        r#""SharePointMetaData":"{\"From\":\"lee@contoso.com\",\"From\":\"x\"}""#,
        r#""Actor":"[{\"ID\":\"lee@contoso.com\",\"ID\":\"x\",\"Type\":5}]""#,
        r#""Members":[{"UPN":"a"},{"UPN":"b","UPN":"b"}]"#,
        r#""X":[[null,true,1,-1,1.5,{"a":{"b":[],"c":"","b":{}}}]]"#,
    ] {
        let twice = sound.replacen('{', &format!("{{{field},"), 1);
        assert_eq!(read(&twice)[0].as_ref().unwrap_err().reason(), &RejectReason::RepeatedField, "{field}");
    }
    let once = sound.replacen('{', r#"{"X":[{"a":[null,true,1,-1,1.5,"",{"a":1}]},{"a":{"a":2}}],"#, 1);
    assert_eq!(ids(&read(once)), ["r1"], "the same name in another object is another field");
}

#[test]
fn b1_table_with_repeated_column_is_rejected() {
    for header in ["UserId,UserId [UTC]", "UserId [UTC],UserId [UTC]", "UserId , UserId  [UTC]"] {
        let table =
            format!("TimeGenerated,OfficeId,Operation,{header}\n2026-03-01T09:30:00Z,a,Op,adele@contoso.com,x\n");
        let items = read(&table);
        let reason = items[0].as_ref().unwrap_err().reason();
        assert!(items.len() == 1 && matches!(reason, RejectReason::UnknownFormat { .. }), "{header}");
    }
}

#[test]
fn b1_blank_line_between_rows_is_no_row() {
    let input =
        "TimeGenerated,OfficeId,Operation\n  \n2026-03-01T09:30:00Z,a,Op\n \t \r\n\n2026-03-01T09:30:00Z,b,Op\n   ";
    let items = read(input);
    assert_eq!((ids(&items), rejections(&items)), (vec!["a", "b"], vec![]));
    let export = format!("AuditData\n   \n{}\n", quoted(&record(json!({})).to_string()));
    assert_eq!(ids(&read(export)), ["r1"]);
}

/// A quote behind white space or a byte order mark opens no field, neither for rows nor for fields.
#[test]
fn b1_quote_inside_a_field_is_text() {
    let table = |rows: &str| read(format!("Operation,TimeGenerated,UserId\n{rows}\n"));
    for before in [" ", "\t", "\u{feff}", "x"] {
        let items = table(&format!("{before}\"Set, twice\",2026-03-01T09:30:00,adele@contoso.com"));
        assert_eq!(rejections(&items), ["line 2: 4 CSV fields, expected 3"], "{before:?}");
        let items = table(&format!("{before}\"Set\n{before}\"Set\",2026-03-01T09:30:00,adele@contoso.com"));
        assert_eq!(rejections(&items), ["line 2: 1 CSV fields, expected 3"], "{before:?}");
        assert_eq!(items[1].as_ref().unwrap().action().as_str(), format!("{before}\"Set\"").trim());
    }
    let items = table("Set,2026-03-01T09:30:00,adele@contoso.com \nSet,2026-03-01T09:30:00,\"a, b\" ");
    assert_eq!(items[0].as_ref().unwrap().actor().label(), "adele@contoso.com");
    assert_eq!(items[1].as_ref().unwrap().actor().label(), "a, b");
}

#[test]
fn b1_any_amount_of_white_space_is_skipped() {
    let blank = " ".repeat(MAX_RECORD_BYTES + 1);
    for format in FORMATS {
        let names = ["a".to_owned(), "b".to_owned()];
        let records = document(format, &names);
        let gap = if format == Format::JsonArray { format!(",\n{blank}\n") } else { format!("\n{blank}\n") };
        let empty = [records.join(&gap)];
        let items: Vec<_> = Reader::with_format(joined(format, &empty).as_bytes(), format).collect();
        assert_eq!(ids(&items), names, "{format:?}");
        assert_eq!(items.len(), 2, "{format:?}");
    }
    assert!(read(format!("[{blank}]{blank}")).is_empty());
    assert!(read(format!("{blank}\n")).is_empty());
}

#[test]
fn d4_record_without_id_gets_one_from_content() {
    let id = |text: &str| read(text)[0].as_ref().unwrap().id().clone();
    let plain = r#"{"CreationTime":"2026-03-01T09:30:00","Operation":"Op","X":{"a":1,"b":[{"c":2,"d":3}]}}"#;
    let shuffled =
        r#"{ "X": {"b": [ {"d":3, "c":2} ], "a":1}, "Operation": "Op", "CreationTime":"2026-03-01T09:30:00" }"#;
    let other = plain.replace("\"d\":3", "\"d\":4");
    assert_eq!(id(plain), id(shuffled), "neither order nor white space matter");
    assert_ne!(id(plain), id(&other));
    // Pinned: with other ids, records that are delivered again would be stored again.
    assert_eq!(id(plain).as_str(), "7cd81e6a-9548-5941-9926-ffb5848abd83");

    let row = "TimeGenerated,Operation,UserId\n2026-03-01T09:30:00Z,Op,adele@contoso.com\n";
    let moved = "UserId,Empty,Operation,TimeGenerated [UTC]\nadele@contoso.com,,Op,2026-03-01T09:30:00Z\n";
    assert_eq!(id(row), id(moved));
    let nil = record(json!({ "Id": "00000000-0000-0000-0000-000000000000" }));
    assert_ne!(one(&nil).id().as_str(), "00000000-0000-0000-0000-000000000000");
}

#[test]
fn d4_layout_of_record_does_not_change_activity() {
    let compact = record(json!({ "ObjectId": " \\\" { a  b ] \u{e9}", "Members": [{ "UPN": "b c" }] }));
    let pretty = serde_json::to_string_pretty(&compact).unwrap();
    let [from_array] = &read(format!("[\n{pretty}\n]"))[..] else { panic!("one record") };
    assert!(from_array.as_ref().unwrap().is_same_content(&one(&compact)));
    assert_eq!(from_array.as_ref().unwrap().details(), Some(&*pretty), "details are kept as they came");
    assert_eq!(one(&compact).details(), Some(&*compact.to_string()), "texts are unchanged");
}

#[test]
fn d4_row_has_the_id_of_its_record() {
    let header = "Identity,Id,SourceRecordId,OfficeId,Operation,TimeGenerated\n";
    for (row, id) in [("n,i,s,o", "o"), ("n,i,s,", "s"), ("n,i,,", "i")] {
        assert_eq!(ids(&read(format!("{header}{row},Op,2026-03-01T09:30:00Z\n"))), [id]);
    }
}

#[test]
fn d3_times_are_read_in_utc() {
    for (text, expected) in [
        ("2026-03-01T09:30:00", "2026-03-01T09:30:00Z"),
        ("2026-03-01T09:30:00.1234567", "2026-03-01T09:30:00.123456Z"),
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00Z"),
        ("2026-03-01T09:30:00+02:00", "2026-03-01T07:30:00Z"),
        ("4/26/2026, 7:17:10.250 PM", "2026-04-26T19:17:10.250Z"),
        ("12/1/2026, 12:00:00.000 AM", "2026-12-01T00:00:00Z"),
        ("26/4/2026, 7:17:10 PM", "2026-04-26T19:17:10Z"),
        ("26/04/2026 19:17:10", "2026-04-26T19:17:10Z"),
        ("04/26/2026 19:17", "2026-04-26T19:17:00Z"),
        ("5/5/2026 19:17:10", "2026-05-05T19:17:10Z"),
        ("1.3.2026 09:30:00", "2026-03-01T09:30:00Z"),
        ("2026/03/01 09:30:00", "2026-03-01T09:30:00Z"),
        // The first and the last year that common parsers of times support.
        ("0000-01-01T00:00:00", "0000-01-01T00:00:00Z"),
        ("9999-12-31T23:59:60+00:01", "9999-12-31T23:59:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ] {
        let activity = one(&record(json!({ "CreationTime": text })));
        assert_eq!(activity.occurred_at(), expected.parse::<chrono::DateTime<chrono::Utc>>().unwrap(), "{text}");
    }
    for text in ["yesterday", "2026-13-01T00:00:00", "26/13/2026, 7:17:10 PM", "+12026-03-01T09:30:00", "1234567890"]
        .into_iter()
        .chain([
            "0000-01-01T00:59:59+01:00",
            "9999-12-31T23:00:00-01:00",
            "-0001-12-31T23:59:59",
            "+262142-01-01T00:00:00",
        ])
    {
        let items = read(record(json!({ "CreationTime": text })).to_string());
        assert_eq!(items[0].as_ref().unwrap_err().line(), 1, "{text}");
    }
    for column in ["TimeGenerated", "TimeGenerated [UTC]", "Start_Time [UTC]", "CreationDate"] {
        let items = read(format!("{column},OfficeId,Operation\n2026-03-01T09:30:00,a,Op\n"));
        assert_eq!(ids(&items), ["a"], "{column}");
    }
}

#[test]
fn s1_app_is_the_workload_in_its_suite() {
    for (workload, record_type, app) in [
        (json!("OneDrive"), json!(6), "OneDrive"),
        (json!(null), json!(25), "MicrosoftTeams"),
        (json!(""), json!("ExchangeAdmin"), "Exchange"),
        (json!(null), json!("15"), "AzureActiveDirectory"),
        (json!(null), json!(9999), "Microsoft 365"),
        (json!(null), json!(null), "Microsoft 365"),
    ] {
        let activity = one(&record(json!({ "Workload": workload, "RecordType": record_type })));
        assert_eq!(activity.app().name().as_str(), app);
        assert_eq!(activity.app().suite().unwrap().as_str(), "Microsoft 365");
    }
}

#[test]
fn d6_objects_and_details_are_read() {
    let source = record(json!({
        "ObjectId": "team", "TargetUserOrGroupName": "lee@contoso.com", "UserSharedWith": "lee@contoso.com",
        "Members": [{ "DisplayName": "Megan", "UPN": "megan@contoso.com" }, { "DisplayName": "Nobody" }],
        "Target": [{ "ID": "pradeep@contoso.com", "Type": 5 }, { "ID": "Pradeep", "Type": 1 }],
    }));
    let activity = one(&source);
    let objects: Vec<&str> = activity.objects().collect();
    assert_eq!(objects, ["team", "lee@contoso.com", "megan@contoso.com", "pradeep@contoso.com"]);
    assert_eq!(activity.details(), Some(&*source.to_string()), "as it came");

    let export = format!("AuditData\n{}\n", quoted(&source.to_string()));
    assert_eq!(read(export)[0].as_ref().unwrap(), &activity);

    let row = "OfficeId,Operation,Empty,TimeGenerated [UTC],OfficeObjectId,Members\n\
               a,Op,,2026-03-01T09:30:00Z,file,\"[{\"\"UPN\"\":\"\"megan@contoso.com\"\"}]\"\n";
    let items = read(row);
    let activity = items[0].as_ref().unwrap();
    assert_eq!(activity.objects().collect::<Vec<_>>(), ["file", "megan@contoso.com"]);
    assert_eq!(
        activity.details().unwrap(),
        r#"{"Members":"[{\"UPN\":\"megan@contoso.com\"}]","OfficeId":"a","OfficeObjectId":"file","Operation":"Op","TimeGenerated":"2026-03-01T09:30:00Z"}"#
    );
}

#[test]
fn d6_each_person_in_a_field_is_an_object() {
    let objects = |fields| one(&record(fields)).objects().map(str::to_owned).collect::<Vec<_>>();
    for field in ["TargetUserOrGroupName", "UserSharedWith", "DestMailboxOwnerUPN"] {
        for (text, people) in [
            ("i:0#.f|membership|lee@contoso.com", &["lee@contoso.com"][..]),
            ("i:0#.w|contoso\\lee", &["contoso\\lee"]),
            ("urn:spo:guest#megan@fabrikam.example", &["megan@fabrikam.example"]),
            ("lee@contoso.com;megan@contoso.com", &["lee@contoso.com", "megan@contoso.com"]),
            ("lee@contoso.com, i:0#.f|membership|megan@contoso.com", &["lee@contoso.com", "megan@contoso.com"]),
            ("Lee <lee@contoso.com>", &["lee@contoso.com"]),
            ("Site Members", &[]),
            ("i:0h.f|membership|1003200012345678@live.com", &[]),
        ] {
            let found = objects(json!({ "ObjectId": "file", field: text }));
            assert_eq!(found[..2], ["file", text], "the whole text is an object");
            assert!(people.iter().all(|person| found.iter().any(|object| object == person)), "{text}");
            assert!(found.iter().all(|object| object != "1003200012345678@live.com"));
        }
    }
    let members = json!({ "ObjectId": null, "Members": [{ "UPN": "i:0#.f|membership|lee@contoso.com" }] });
    assert_eq!(objects(members), ["i:0#.f|membership|lee@contoso.com", "lee@contoso.com"]);
    let many: Vec<String> = (0..100).map(|n| format!("u{n}@contoso.com")).collect();
    assert_eq!(objects(json!({ "ObjectId": null, "UserSharedWith": many.join(";") })).len(), 101, "none is lost");
}

#[test]
fn b4_ambiguous_date_is_rejected_unless_order_is_known() {
    let table = |dates: &[&str]| {
        let rows = dates.iter().enumerate().map(|(at, date)| format!("\"{date} 09:30:00\",r{at},Op,bob@contoso.com\n"));
        format!("TimeGenerated,OfficeId,Operation,UserId\n{}", rows.collect::<String>())
    };
    let days = |items: &[Result<Activity, Rejected>]| {
        items.iter().flatten().map(|it| it.occurred_at().format("%m-%d").to_string()).collect::<Vec<_>>()
    };
    let unclear = table(&["03/04/2026", "05/05/2026", "06/07/2026"]);
    let items = read(&unclear);
    assert_eq!(days(&items), ["05-05"]);
    assert_eq!(
        rejections(&items),
        [
            "line 2: field `TimeGenerated` has an ambiguous order of day and month; state the order with `with_date_order`",
            "line 4: field `TimeGenerated` has an ambiguous order of day and month, as on line 2; state the order with \
             `with_date_order`",
        ]
    );
    for (order, expected) in
        [(DateOrder::DayFirst, ["04-03", "05-05", "07-06"]), (DateOrder::MonthFirst, ["03-04", "05-05", "06-07"])]
    {
        let items: Vec<_> = Reader::new(unclear.as_bytes()).with_date_order(order).collect();
        assert_eq!(days(&items), expected, "{order:?}");
    }
    // A row that is read ahead shows the order, unless another one contradicts it.
    assert_eq!(days(&read(table(&["03/04/2026", "31/07/2026"]))), ["04-03", "07-31"]);
    assert_eq!(days(&read(table(&["03/04/2026", "07/31/2026"]))), ["03-04", "07-31"]);
    assert_eq!(days(&read(table(&["03/04/2026", "31/07/2026", "07/31/2026"]))), ["07-31", "07-31"]);
    // The rows that are read ahead do not depend on how the input arrives.
    for dates in [&["2026-04-03", "03/04/2026", "31/07/2026"][..], &["03/04/2026", "2026-04-03", "31/07/2026"]] {
        let table = table(dates);
        let whole = days(&read(&table));
        for capacity in [1, 7, 40, 64] {
            let chunked = std::io::BufReader::with_capacity(capacity, table.as_bytes());
            assert_eq!(days(&Reader::new(chunked).collect::<Vec<_>>()), whole, "{dates:?} by {capacity}");
        }
    }
    let crlf = table(&["03/04/2026", "31/07/2026"]).replace('\n', "\r\n");
    assert_eq!(days(&read(crlf)), ["04-03", "07-31"], "the line feed behind the header is no row");
    let far = vec!["03/04/2026"; 2_000].into_iter().chain(["31/07/2026"]).collect::<Vec<_>>();
    let items = read(table(&far));
    assert_eq!(
        (items.len(), days(&items)),
        (2_001, vec!["07-31".to_owned()]),
        "lookahead is bounded, and every row gives an item"
    );
    // The format of the Azure portal in American English.
    let portal = "TimeGenerated [UTC],OfficeId,Operation\n\"3/4/2026, 9:30:00.000 AM\",a,Op\n";
    assert_eq!(days(&read(portal)), ["03-04"]);
    let elsewhere = format!("{portal}\"31/4/2026, 9:30:00.000 AM\",b,Op\n\"30/4/2026, 9:30:00.000 AM\",c,Op\n");
    assert_eq!(days(&read(elsewhere)), ["04-03", "04-30"], "the order of the rows comes first");
}

#[test]
fn b4_input_that_is_not_text_is_rejected_once() {
    let text = record(json!({})).to_string();
    let utf16 =
        |mark: &str| format!("{mark}{text}\n{text}\n").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for (input, expected) in [
        (utf16("\u{feff}"), "line 1: the input is UTF-16 text (little endian); "),
        (utf16(""), "line 1: the input is UTF-16 text (little endian); "),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "line 1: the input is gzip-compressed data; "),
    ] {
        for items in [read(&input), Reader::with_format(&input[..], Format::JsonLines).collect()] {
            let said = rejections(&items);
            assert!(said.len() == 1 && said[0].starts_with(expected), "{said:?}");
        }
    }
}

#[test]
fn b4_json_is_read_in_every_layout() {
    let one = |id: &str| record(json!({ "Id": id, "Members": [{ "UPN": "{[,\"]}" }] }));
    let (a, b) = (one("a"), one("b"));
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap();
    let page = json!({ "@odata.context": "https://x/{y}", "@odata.count": 2, "value": [a, b], "@odata.nextLink": "u" });
    for input in [
        format!("{a}\n{b}"),
        format!("{}\n{}\n", pretty(&a), pretty(&b)),
        format!("{a}{b}"),
        format!("{a} {b}\n"),
        format!("[{a}]\n[{b}]"),
        format!("\u{feff}{a}\n\u{feff}{b}\n"),
        format!("\u{feff}[{a}]\u{feff}[{b}]"),
        page.to_string(),
        pretty(&page),
        format!("{{\"value\":[{a}]}}\n{{ \"value\" : [ {b} ] }}"),
        json!({ "records": [a, b] }).to_string(),
        json!([{ "AuditData": a.to_string(), "UserIds": "x" }, { "AuditData": b }]).to_string(),
        format!("{}\n{}", json!({ "auditData": a, "id": "outer" }), json!({ "AuditData": b.to_string() })),
    ] {
        let items = read(&input);
        assert_eq!(rejections(&items), [""; 0], "{input}");
        assert_eq!(ids(&items), ["a", "b"], "{input}");
        assert!(items[0].as_ref().unwrap().is_same_content(&crate::one(&a)), "{input}");
    }
    assert!(read("{\"value\": []}").is_empty() && read("[]\n[]").is_empty());
    assert_eq!(read(format!("{}x\n{a}", pretty(&a))).len(), 3, "text that is not JSON is rejected by line");
    let cut = pretty(&b);
    let items = read(format!("{}\n{}", pretty(&a), &cut[..cut.len() - 9]));
    assert_eq!(ids(&items), ["a"]);
    assert!(rejections(&items)[0].contains("JSON ends too early"));
    let cut = read(format!("{{\"value\": [{a}, {{\"Id\""));
    assert_eq!((ids(&cut), cut.len()), (vec!["a"], 2));
}

#[test]
fn b4_lines_before_the_header_are_skipped() {
    let audit = record(json!({})).to_string();
    let row = |sign: char| format!("1{sign}{}{sign}", quoted(&audit));
    for (input, expected) in [
        (format!("sep=;\r\nRecordId;AuditData;x\r\n{}\r\n", row(';')), 1),
        (format!("SEP=,\nRecordId,AuditData,x\n{}", row(',')), 1),
        (format!("RecordId;AuditData;x\n{}\n", row(';')), 1),
        (format!("RecordId\tAuditData\tx\n{}\n", row('\t')), 1),
        (format!("#TYPE Selected.System.PSCustomObject\r\n\"RecordId\",\"AuditData\",\"x\"\r\n{}\r\n", row(',')), 1),
        (format!("recordid,auditdata,x\n{}\n", row(',')), 1),
        (format!("RecordId,AuditData,x\n{}\n", row(',').replace("\"\"", "\"\"\"\"")), 1),
    ] {
        let items = read(&input);
        assert_eq!(rejections(&items), [""; 0], "{input}");
        assert_eq!(items.len(), expected);
        assert!(items[0].as_ref().unwrap() == &one(&record(json!({}))));
    }
}

#[test]
fn d4_key_order_escapes_and_white_space_are_ignored() {
    let plain = r#"{"CreationTime":"2026-03-01T09:30:00","Id":"A0000000-0000-4000-8000-00000000000f","Operation":"Op","UserId":"bob@contoso.com","X":{"b":1,"a":[1.0,"é"]}}"#;
    let other = r#"{ "X": {"a": [1, "\u00e9"], "b": 1e0}, "UserId": "bob\u0040contoso.com", "Operation":"Op", "Id": "a0000000-0000-4000-8000-00000000000F", "CreationTime": "2026-03-01T09:30:00" }"#;
    let activity = |text: &str| read(text)[0].as_ref().unwrap().clone();
    let (first, second) = (activity(plain), activity(other));
    assert_eq!(first.id(), second.id(), "a GUID is the same in capitals");
    assert!(first.objects().eq(second.objects()) && first.actor() == second.actor());
    assert!(first == second);
    for different in ["\"b\":2", "\"b\":1.0000000000000000001", "\"b\":\"1\""] {
        assert!(first != activity(&plain.replace("\"b\":1", different)), "{different}");
    }
}

#[test]
fn d4_notation_of_number_does_not_change_object() {
    let names = |number: &str| {
        let text = format!(
            r#"{{"CreationTime":"2026-03-01T09:30:00","Id":"a","Operation":"Op","UserId":"bob@contoso.com","X":[{number}]}}"#
        );
        let activity = read(&text)[0].as_ref().unwrap().clone();
        activity.objects().map(str::to_owned).collect::<Vec<_>>()
    };
    let passport = names("1003200096972055");
    assert_eq!(passport, ["1003200096972055"]);
    assert_eq!(names("1003200096972055.0"), passport);
    assert_eq!(names("1.003200096972055e15"), passport);
    // The digits of an inexact number depend on the program that wrote it.
    assert!(names("-92233720368592233720368372036859223372036854775808").is_empty());
    assert!(names("0.1003200096972055").is_empty());
}

#[test]
fn b1_row_of_office_activity_is_read_as_json() {
    let csv = "TimeGenerated,OfficeId,Operation,OfficeWorkload,UserType,UserId,MailboxOwnerUPN\n\
               2026-03-01T09:30:00Z,o1,Send,Exchange,Regular,bob@contoso.com,lee@contoso.com\n";
    let json = r#"{"TimeGenerated":"2026-03-01T09:30:00Z","OfficeId":"o1","Operation":"Send","OfficeWorkload":"Exchange","UserType":"Regular","UserId":"bob@contoso.com","MailboxOwnerUPN":"lee@contoso.com"}"#;
    assert!(read(json)[0].as_ref().unwrap().is_same_content(read(csv)[0].as_ref().unwrap()));
    assert_eq!(one(&serde_json::from_str(json).unwrap()).on_behalf_of().len(), 1);
}

#[test]
fn b1_record_with_list_of_that_name_is_no_page() {
    let record = record(json!({ "Id": "b" }));
    for list in [json!([]), json!([1, 2]), json!([{ "Id": "c" }])] {
        for name in ["value", "records"] {
            let rest = record.to_string();
            let with_list = format!("{{\"{name}\":{list},{}", &rest[1..]);
            assert_eq!(ids(&read(&with_list)), ["b"], "{with_list}");
        }
    }
    for page in [
        json!({ "count": 1, "nextLink": "https://x/{y}", "value": [record], "odata.context": "z" }),
        json!({ "StatusCode": 200, "Headers": { "x": [1] }, "records": [record], "Operation": "list" }),
    ] {
        assert_eq!(ids(&read(page.to_string())), ["b"], "{page}");
    }
    // The members of the record are behind what is inspected of an object.
    let long = json!({ "value": [{ "Id": "x".repeat(5_000) }], "x": record });
    let far = long.to_string().replace("\"x\":{", "").replace("}}", "}");
    assert_eq!(ids(&read(&far)), ["b"], "a line");
    let items = read(format!("[]{far}"));
    assert!(items.len() == 2 && items.iter().all(Result::is_err), "{}", items.len());
}

#[test]
fn d4_case_of_names_and_ids_is_ignored() {
    let guid = "a0000000-0000-4000-8000-00000000000f";
    for name in ["Id", "id", "ID"] {
        let with = |id: &str| {
            let mut record = record(json!({ "Id": null, "A": { "Id": guid.to_uppercase() } }));
            record[name] = id.into();
            read(record.to_string()).remove(0).unwrap()
        };
        assert!(with(guid) == with(&guid.to_uppercase()), "{name}");
        assert!(with(guid).details().unwrap().contains(&guid.to_uppercase()), "other ids are unchanged");
    }
    let (a, b) = (record(json!({ "Id": "a" })), record(json!({ "Id": "b" })));
    for both in [format!("{{\"AuditData\":{a},\"auditdata\":{b}}}"), format!("{{\"auditdata\":{b},\"AuditData\":{a}}}")]
    {
        assert_eq!(ids(&read(both)), ["a"], "the exact name comes first");
    }
}

//! The layout of a table: encodings, lines before the header, delimiters, unnamed columns.

use super::*;

#[test]
fn b4_input_that_is_not_text_is_rejected_once() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let table = "id,upn\r\nu-1,a@x.example\r\n".repeat(50);
    for (bytes, says) in [
        (utf16(&format!("\u{feff}{table}")), "UTF-16 text (little endian)"),
        (utf16(&table), "UTF-16 text (little endian)"),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "gzip-compressed data"),
        (b"PK\x03\x04\x14\0\0\0\nid,upn\n".to_vec(), "a ZIP archive or an Excel workbook"),
        (b"<!DOCTYPE html>\n<html>\n".to_vec(), "an HTML page"),
    ] {
        let mut tables = Tables::new();
        tables.read(&bytes[..]);
        let import = tables.finish();
        assert!(rejection(&import).starts_with(&format!("line 1: {says}")), "{}", rejection(&import));
        assert_eq!(import.read(), 1);
    }
}

#[test]
fn b4_lines_before_the_header_are_skipped() {
    for before in [
        "sep=,\n",
        "\"sep=,\"\r\n",
        "#TYPE Selected.Contoso.User\r\n",
        "\"#TYPE Contoso.User\"\n",
        "version:v1.0\n",
        "version:v1.0,,\n",
        "\n\n#TYPE X\n\nSEP=,\n",
    ] {
        for mark in ["", "\u{feff}"] {
            for chunk in [1, 3, 16, 17, 100] {
                let table = format!("{mark}{before}id,upn\nu-1,a@x.example\nu-2\n");
                let mut tables = Tables::new();
                tables.read(BufReader::with_capacity(chunk, table.as_bytes()));
                let import = tables.finish();
                let line = before.matches('\n').count() + 3;
                assert_eq!(rejection(&import), format!("line {line}: 1 fields, expected 2"), "{before:?}");
                assert_eq!(names(&built(import.into_partial()), "u-1"), ["a@x.example"]);
            }
        }
    }
    // If carriage returns end the lines, the first line contains the header.
    let table = "#TYPE X\rid,upn\ru-1,a@x.example\r";
    assert_eq!(read(&[table]).rejected().len(), 1, "no line is skipped silently");
}

#[test]
fn b4_delimiter_of_header_separates_fields() {
    for (delimiter, before) in
        [(";", ""), ("\t", ""), ("|", ""), ("^", "sep=^\n"), (";", "sep=;\r\n"), ("\t", "sep=\t\n")]
    {
        let row = |fields: &[&str]| fields.join(delimiter) + "\n";
        let users = before.to_owned()
            + &row(&["id", "upn", "proxy addresses"])
            + &row(&["u-1", "a@x.example", "\"SMTP:b@x.example;smtp:c@x.example\""]);
        assert_eq!(names(&whole(&[&users]), "u-1"), ["a@x.example", "b@x.example", "c@x.example"], "{users}");
    }
    let import = read(&["id;upn;Favourite colour\nu-1;a@x.example;red\n"]);
    assert!(rejection(&import).contains("column 3 `Favourite colour`"), "{}", rejection(&import));
}

#[test]
fn b4_value_in_unnamed_column_is_rejected() {
    let snapshot = whole(&["id,upn,,\nu-1,a@x.example,,\n"]);
    assert_eq!(names(&snapshot, "u-1"), ["a@x.example"]);
    assert_eq!(names(&whole(&["id,,upn\nu-1,,a@x.example\n"]), "u-1"), ["a@x.example"]);
    let import = read(&["id,upn,\nu-1,a@x.example,b@x.example\n"]);
    assert!(rejection(&import).starts_with("line 2: field `unnamed column` is invalid"), "{}", rejection(&import));
}

#[test]
fn b4_headers_of_entra_are_read() {
    let table = "version:v1.0\nName [displayName] Required,User name [userPrincipalName] Required,Object ID [id]\n\
                 Adele,adele@contoso.example,u-1\n";
    assert_eq!(names(&whole(&[table]), "u-1"), ["adele@contoso.example"]);
    let table = "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,accountEnabled,\
                 usageLocation,streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,mobilePhone,\
                 alternateEmailAddress,ageGroup,consentProvidedForMinor,legalAgeGroupClassification,companyName,\
                 creationType,directorySynced,invitationState,identityIssuer,createdDateTime\n\
                 adele@contoso.example,Adele,Vance,av@contoso.example,Adele,u-1,Member,,,True,NL,,,,,,,,,\
                 adele@private.example,,,,,,,,,\n";
    assert_eq!(
        names(&whole(&[table]), "u-1"),
        ["adele@contoso.example", "av@contoso.example", "adele@private.example"]
    );
    let members =
        "id,userPrincipalName,displayName,objectType,isGroup\nu-1,a@x.example,A,user,False\ng-2,,G,group,True\n";
    assert!(rejection(&read(&[members])).contains("column 4 `objectType`"), "a group is never read as a user");
}

#[test]
fn d11_members_that_are_no_people_are_ignored() {
    let members = "group,member,type\ng-1,u-1,\ng-1,d-1,robot\ng-1,d-2,\n";
    let mut tables = Tables::new().ignoring_members(["d-1", "d-2", "u-7"]);
    tables
        .read(USERS.as_bytes())
        .read(GROUPS.as_bytes())
        .read(members.as_bytes())
        .read("id,upn\nu-7,a?@x.example\n".as_bytes());
    let import = tables.finish();
    assert_eq!((import.ignored(), import.rejected().len()), (2, 1), "an invalid record is rejected");
    assert!(rejection(&import).starts_with("line 2 of input 4: field `upn`"));
    let snapshot = built(import.into_partial());
    assert!(all_members(&snapshot).contains("u-1"));
    fn all_members(snapshot: &DirectorySnapshot) -> BTreeSet<String> {
        super::members(snapshot, "g-1")
    }
}

#[test]
fn b4_column_name_in_brackets_counts_if_known() {
    let users = "Id [Required],First Name [Required],Email Address [Required],Status [READ ONLY],Sign-in [upn]\n\
                 u-1,Adele,a@x.example,Suspended,b@x.example\n";
    let mut tables = Tables::new().ignoring("First name");
    tables.read(users.as_bytes());
    let snapshot = built(tables.finish().into_complete().unwrap());
    assert_eq!(names(&snapshot, "u-1"), ["b@x.example", "a@x.example"]);
    assert_eq!(user(&snapshot, "u-1").status(), UserStatus::Disabled);
    let refused = rejection(&read(&["id,First Name [Required]\nu-1,Adele\n"]));
    assert!(refused.contains("First Name [Required]"), "{refused}");
}

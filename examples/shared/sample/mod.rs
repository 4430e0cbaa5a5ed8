//! Generated sample data: the records of one organisation in several sources. The data is identical in every run, and
//! all people in it are fictitious.

#![allow(dead_code, reason = "some examples use a part of it")]

pub(crate) mod aws_cloudtrail;
pub(crate) mod google_workspace;
pub(crate) mod m365;
pub(crate) mod okta;

pub(crate) const PEOPLE: &[&str] = &[
    "adele",
    "bashir",
    "chidi",
    "dorothea",
    "emre",
    "fatima",
    "goran",
    "hanneke",
    "ilse",
    "jürgen",
    "kwame",
    "lucía",
    "mehmet",
    "nadia",
    "oluwaseun",
    "priya",
    "quentin",
    "rosa",
    "søren",
    "tamara",
    "ulrich",
    "valentina",
    "wanjiru",
    "xavier",
    "yuki",
    "zofia",
];

/// The people who have an account of their own in AWS, beside their sign-in.
pub(crate) const AWS_ACCOUNTS: std::ops::Range<usize> = 2..8;

/// Returns the UPN and e-mail address of a person.
pub(crate) fn address(number: usize) -> String {
    format!("{}@contoso.example", person(number))
}

pub(crate) fn person(number: usize) -> &'static str {
    pick(PEOPLE, number as u64)
}

/// Returns the immutable id of a person in the directory.
pub(crate) fn object_id(number: usize) -> String {
    format!("5d0c9b1e-0000-4000-8000-{number:012x}")
}

/// Returns the users of the organisation as a CSV table.
pub(crate) fn users() -> String {
    let user = |number| format!("{},{}\n", object_id(number), address(number));
    std::iter::once("id,userPrincipalName\n".to_owned()).chain((0..PEOPLE.len()).map(user)).collect()
}

/// Returns the time of a record on a day of March 2026: one every 24 seconds.
fn time(day: usize, number: usize) -> String {
    let second = number * 24;
    let (day, hour, minute, second) = (day + second / 86_400, second / 3_600 % 24, second / 60 % 60, second % 60);
    format!("2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

fn network(dice: u64) -> String {
    format!("198.51.100.{}", dice % 254 + 1)
}

/// Appends a record without the line breaks and indentation of its template.
fn append(text: &mut String, record: &str) {
    record.lines().for_each(|line| text.push_str(line.trim_start()));
}

fn pick<T: Copy>(from: &[T], dice: u64) -> T {
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length, and no list here is empty")]
    from[dice as usize % from.len()]
}

/// SplitMix64 (Steele, Lea and Flood, 2014): scatters a number over 64 bits.
fn scatter(number: usize) -> u64 {
    let mut bits = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

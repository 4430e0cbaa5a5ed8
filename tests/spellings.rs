//! D7 and D8: which spellings are one account, by a table that was written by hand from the Unicode and IDNA rules.
#![cfg(feature = "proptest")]

use activity_privacy::strategies::spellings;

#[test]
fn d8_names_of_one_line_match_and_of_two_lines_never() {
    let lines = spellings();
    // A name that the crate would not take leaves the table shorter.
    assert_eq!(lines.iter().map(Vec::len).sum::<usize>(), 57);
    for (at, line) in lines.iter().enumerate() {
        for (of, other) in lines.iter().enumerate() {
            for name in line {
                for other in other {
                    assert_eq!(name.matches(other), at == of, "`{}` and `{}`", name.as_str(), other.as_str());
                }
            }
        }
    }
}

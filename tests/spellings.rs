//! D7 and D8: which spellings identify one account, by a table written by hand from the Unicode and IDNA rules.
#![cfg(feature = "proptest")]

use activity_privacy::strategies::spellings;

#[test]
fn d8_only_names_of_one_line_match() {
    let lines = spellings();
    // If the crate rejected a name, the table would be shorter.
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

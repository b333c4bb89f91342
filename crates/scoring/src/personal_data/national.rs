//! Numbers by which countries know their people.

use super::{
    check_digits::{mod_11_10, weighted_sum},
    digits,
};

/// US social security number: areas 000, 666 and from 900 on, group 00 and serial 0000 are never
/// given out.
pub(super) fn is_ssn(candidate: &str) -> bool {
    let separator = candidate.chars().filter(|c| !c.is_ascii_digit()).collect::<Vec<_>>();
    let number: u32 = digits(candidate).fold(0, |number, digit| number * 10 + digit);
    let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
    separator.first() == separator.last()
        && area != 0
        && area != 666
        && area < 900
        && group != 0
        && serial != 0
}

/// UK national insurance number: some letters and prefixes are never given out.
pub(super) fn is_nino(candidate: &str) -> bool {
    let prefix = candidate[..2].to_ascii_uppercase();
    let never = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"];
    !prefix.contains(['D', 'F', 'I', 'Q', 'U', 'V'])
        && !prefix.ends_with('O')
        && !never.contains(&prefix.as_str())
}

/// Spanish DNI, and NIE, whose first letter stands for a digit: the last letter checks, mod 23.
pub(super) fn is_dni(candidate: &str) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let upper = candidate.to_ascii_uppercase();
    let first = upper.chars().next().and_then(|c| "XYZ".find(c)).unwrap_or(0);
    let number = digits(&upper).fold(first, |number, digit| number * 10 + digit as usize);
    upper.as_bytes().last() == Some(&LETTERS[number % 23])
}

/// French NIR: key = 97 - number mod 97; Corsica's 2A and 2B count as 19 and 18.
pub(super) fn is_nir(candidate: &str) -> bool {
    let plain: String = candidate.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_uppercase().replace("2A", "19").replace("2B", "18");
    let Some((number, key)) = plain.split_at_checked(13) else { return false };
    let parsed = number.parse::<u64>().ok().zip(key.parse::<u64>().ok());
    parsed.is_some_and(|(number, key)| key == 97 - number % 97)
}

/// German tax id: among its first ten digits just one stands there more than once, at most three
/// times; the eleventh checks by ISO 7064.
pub(super) fn is_tax_id(candidate: &str) -> bool {
    let mut counts = [0; 10];
    digits(candidate).take(10).for_each(|digit| counts[digit as usize] += 1);
    let repeated: Vec<_> = counts.iter().filter(|count| **count > 1).collect();
    matches!(repeated.as_slice(), [2 | 3]) && mod_11_10(candidate)
}

/// Italian codice fiscale: the last letter checks; characters at odd places count by a table.
pub(super) fn is_codice_fiscale(candidate: &str) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    // A digit counts as the letter at its place in the alphabet.
    let values: Vec<u32> = candidate
        .chars()
        .filter_map(|c| c.to_digit(10).or_else(|| c.to_digit(36).map(|letter| letter - 10)))
        .collect();
    let Some((check, values)) = values.split_last() else { return false };
    let value = |(i, value): (usize, &u32)| if i % 2 == 0 { ODD[*value as usize] } else { *value };
    values.iter().enumerate().map(value).sum::<u32>() % 26 == *check
}

/// Polish PESEL: six digits of a date of birth (the century in the month), and a weighted sum.
pub(super) fn is_pesel(candidate: &str) -> bool {
    let digits: Vec<u32> = digits(candidate).collect();
    let pair = |i: usize| digits[i] * 10 + digits[i + 1];
    let (month, day) = (pair(2) % 20, pair(4));
    (1..=12).contains(&month)
        && (1..=days_in(month)).contains(&day)
        && (weighted_sum(&digits[..10], &[1, 3, 7, 9]) + digits[10]).is_multiple_of(10)
}

/// The most days that a month has.
fn days_in(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Brazilian CPF: two check digits, mod 11; a number of one digit is none.
pub(super) fn is_cpf(candidate: &str) -> bool {
    let digits: Vec<u32> = digits(candidate).collect();
    let check = |n: usize| {
        let sum: u32 =
            (2..).zip(digits[..n].iter().rev()).map(|(weight, digit)| weight * digit).sum();
        sum * 10 % 11 % 10 == digits[n]
    };
    digits.iter().any(|digit| *digit != digits[0]) && check(9) && check(10)
}

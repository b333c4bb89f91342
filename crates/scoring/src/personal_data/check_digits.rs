//! Check digits that several kinds of numbers share, and card numbers.

use super::digits;

/// Whether the last digit is the check digit by Luhn's algorithm (ISO/IEC 7812-1).
pub(super) fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| match (i % 2, digit * 2) {
            (0, _) => *digit,
            (_, double @ 10..) => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether a candidate begins with a card number: 13 to 19 digits of an issuer of payment cards (2
/// to 6 in front), which end where a group of digits ends. What follows may be an expiry date.
pub(super) fn begins_with_card(candidate: &str) -> bool {
    let mut seen = Vec::new();
    let mut chars = candidate.chars().peekable();
    while let Some(c) = chars.next() {
        seen.extend(c.to_digit(10));
        let group_ends = c.is_ascii_digit() && !chars.peek().is_some_and(char::is_ascii_digit);
        if group_ends && seen.len() >= 13 && (2..=6).contains(&seen[0]) && luhn(&seen) {
            return true;
        }
    }
    false
}

/// Whether the last digit checks by ISO 7064, MOD 11,10.
pub(super) fn mod_11_10(text: &str) -> bool {
    let check = digits(text).fold(5, |check, digit| {
        let product = if check == 0 { 10 } else { check } * 2 % 11;
        (product + digit) % 10
    });
    check == 1
}

/// The sum of products with weights, which repeat.
pub(super) fn weighted_sum(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights.iter().cycle()).map(|(digit, weight)| digit * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_of_published_test_numbers() {
        for (number, expected) in [
            ("4111 1111 1111 1111", true),
            ("4012888888881881", true),
            ("5555-5555-5555-4444", true),
            ("378282246310005", true),
            ("30569309025904", true),
            ("6011111111111117", true),
            ("3530111333300000", true),
            ("4222222222222", true),
            ("4111 1111 1111 1111 123", true),
            ("4111 1111 1111 1112", false),
            ("1234 5678 9012 3452", false),
            ("79927398713", false),
        ] {
            assert_eq!(begins_with_card(number), expected, "{number}");
        }
        assert!(luhn(&digits("79927398713").collect::<Vec<_>>()));
    }
}

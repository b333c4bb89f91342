//! Addresses in networks: phone numbers and IP addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::digits;

/// With a country code; North American; national with a leading zero, in groups or in one piece.
pub(super) const PHONE: &str = concat!(
    r"(?:\+|00)[1-9][0-9]{0,3}(?:[ ./-]{0,2}\(?[0-9]{1,9}\)?){1,6}",
    r"|(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}",
    r"|\(?0[0-9]{1,5}\)?(?:[ /-]{1,3}[0-9]{2,8}){1,4}",
    r"|0[1-9][0-9]{8,9}",
);

/// 8 to 15 digits (ITU-T E.164), and no date.
pub(super) fn is_phone(candidate: &str) -> bool {
    let n_digits = digits(candidate).count();
    let least = if candidate.starts_with('+') { 8 } else { 9 };
    (least..=17).contains(&n_digits) && !begins_with_date(candidate)
}

/// `01-02-2024`, `01/02/2024`, in brackets too.
fn begins_with_date(text: &str) -> bool {
    let mut groups = text.trim_start_matches('(').split(['-', '/', ' ']).map(str::len);
    groups.next() == Some(2) && groups.next() == Some(2) && groups.next() == Some(4)
}

/// An address that may be somebody's: neither loopback nor unspecified. One of version 6 must hold
/// a digit and not end in a colon, since `a::b` is a path in some programming languages.
pub(super) fn is_address(candidate: &str) -> bool {
    if let Ok(address) = candidate.parse::<Ipv4Addr>() {
        return !address.is_loopback() && !address.is_unspecified();
    }
    candidate.contains(|c: char| c.is_ascii_digit())
        && candidate
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

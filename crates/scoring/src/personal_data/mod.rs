//! Personal data that have a form of their own: what they look like, and how they are told from
//! other numbers of that look.
//!
//! A pattern finds candidates; what stands alone (no letter or digit touches it) and passes its
//! check is found. A candidate that fails may begin too early, so the search goes on one character
//! further.

mod check_digits;
mod iban;
mod national;
mod phone_and_ip;

use std::{ops::Range, sync::LazyLock};

use evalmark_core::logs::RedactionKind;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Candidates that are checked before the search is given up: a text of nothing but digits and blanks
/// holds very many.
const MAX_CANDIDATES: usize = 20_000;

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    Email,
    Phone,
    Card,
    Iban,
    Ip,
    UsSsn,
    UkNino,
    EsDni,
    FrNir,
    DeTaxId,
    ItCodiceFiscale,
    PlPesel,
    BrCpf,
}

/// The kinds of personal data with a recognisable form that a text holds, by the names that the metric `pii` has
/// for them. What has no such form, such as a name, is not found.
pub fn personal_data_in(text: &str) -> Vec<&'static str> {
    let found = Sort::ALL.into_iter().filter(|kind| kind.is_in(text) == Some(true));
    found.map(Sort::name).collect()
}

/// Where a text holds personal data of a kind that is redacted; nothing of the kinds that are none. A text with
/// too many candidates to check is taken from the last of them on.
pub fn personal_data_ranges(kind: &RedactionKind, text: &str) -> Vec<Range<usize>> {
    match kind {
        RedactionKind::Email => Sort::Email.ranges(text),
        RedactionKind::Phone => Sort::Phone.ranges(text),
        RedactionKind::Card => Sort::Card.ranges(text),
        RedactionKind::Ip => Sort::Ip.ranges(text),
        RedactionKind::Key | RedactionKind::Pattern(_) => Vec::new(),
    }
}

impl Sort {
    pub(crate) const ALL: [Self; 13] = [
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::Iban,
        Self::Ip,
        Self::UsSsn,
        Self::UkNino,
        Self::EsDni,
        Self::FrNir,
        Self::DeTaxId,
        Self::ItCodiceFiscale,
        Self::PlPesel,
        Self::BrCpf,
    ];

    /// What candidates look like. Every pattern matches a bounded number of characters.
    fn pattern(self) -> &'static str {
        match self {
            Self::Email => {
                r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~\x{80}-\x{10FFFF}-]{1,64}@(?:[A-Za-z0-9\x{80}-\x{10FFFF}-]{1,63}\.){1,8}\p{L}{2,24}"
            }
            Self::Phone => phone_and_ip::PHONE,
            Self::Card => r"[0-9](?:[ -]?[0-9]){12,18}",
            Self::Iban => r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}",
            Self::Ip => {
                r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,38}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3})?"
            }
            Self::UsSsn => r"[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}",
            Self::UkNino => r"(?i-u)[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]",
            Self::EsDni => r"(?i-u)(?:[XYZ]-?[0-9]{7}|[0-9]{8})-?[A-Z]",
            Self::FrNir => {
                r"(?i-u)[1-8] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"
            }
            Self::DeTaxId => r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
            Self::ItCodiceFiscale => {
                r"(?i-u)[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPR-T][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]"
            }
            Self::PlPesel => r"[0-9]{11}",
            Self::BrCpf => r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}",
        }
    }

    /// Whether a candidate is one.
    fn holds(self, candidate: &str) -> bool {
        match self {
            Self::Email => true,
            Self::Phone => phone_and_ip::is_phone(candidate),
            Self::Card => check_digits::begins_with_card(candidate),
            Self::Iban => iban::begins_with_iban(candidate),
            Self::Ip => phone_and_ip::is_address(candidate),
            Self::UsSsn => national::is_ssn(candidate),
            Self::UkNino => national::is_nino(candidate),
            Self::EsDni => national::is_dni(candidate),
            Self::FrNir => national::is_nir(candidate),
            Self::DeTaxId => national::is_tax_id(candidate),
            Self::ItCodiceFiscale => national::is_codice_fiscale(candidate),
            Self::PlPesel => national::is_pesel(candidate),
            Self::BrCpf => national::is_cpf(candidate),
        }
    }

    /// What it is called when it is found.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Email => "an e-mail address",
            Self::Phone => "a phone number",
            Self::Card => "a card number",
            Self::Iban => "an IBAN",
            Self::Ip => "an IP address",
            Self::UsSsn => "a US social security number",
            Self::UkNino => "a UK national insurance number",
            Self::EsDni => "a Spanish DNI or NIE",
            Self::FrNir => "a French NIR",
            Self::DeTaxId => "a German tax id",
            Self::ItCodiceFiscale => "an Italian codice fiscale",
            Self::PlPesel => "a Polish PESEL",
            Self::BrCpf => "a Brazilian CPF",
        }
    }

    /// Whether there is one in a text; `None` where it has too many candidates to check.
    pub(crate) fn is_in(self, text: &str) -> Option<bool> {
        let candidates = self.candidates();
        let mut from = 0;
        for _ in 0..MAX_CANDIDATES {
            let Some(found) = candidates.find_at(text, from) else { return Some(false) };
            if stands_alone(text, found.range()) && self.holds(found.as_str()) {
                return Some(true);
            }
            from = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
        }
        None
    }

    /// Every one in a text.
    fn ranges(self, text: &str) -> Vec<Range<usize>> {
        let (candidates, mut ranges, mut from) = (self.candidates(), Vec::new(), 0);
        for _ in 0..MAX_CANDIDATES {
            let Some(found) = candidates.find_at(text, from) else { return ranges };
            from = if stands_alone(text, found.range()) && self.holds(found.as_str()) {
                ranges.push(found.range());
                found.end()
            } else {
                found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8)
            };
        }
        ranges.push(from..text.len());
        ranges
    }

    fn candidates(self) -> &'static Regex {
        static ALL: LazyLock<[Regex; 13]> = LazyLock::new(|| {
            Sort::ALL.map(|sort| Regex::new(sort.pattern()).expect("a valid pattern"))
        });
        &ALL[self as usize]
    }
}

/// Whether no word or number goes on at either end: the last groups of `2024-01-02` are no number of
/// their own.
fn stands_alone(text: &str, place: Range<usize>) -> bool {
    let touches = |c: char| c.is_alphanumeric() || c == '_';
    let (before, after) = (&text[..place.start], &text[place.end..]);
    let continues = before
        .strip_suffix(['.', '-', '/'])
        .is_some_and(|head| head.ends_with(|c: char| c.is_ascii_digit()));
    let goes_on =
        after.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !before.ends_with(touches) && !after.starts_with(touches) && !continues && !goes_on
}

/// The digits of a text.
fn digits(text: &str) -> impl Iterator<Item = u32> {
    text.chars().filter_map(|c| c.to_digit(10))
}

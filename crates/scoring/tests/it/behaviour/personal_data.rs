//! Personal data: what is found, and what only looks like it.

use serde_json::json;

use crate::support::{check, complaint, score};

/// Whether exactly this kind is found, alone and among words; what is found is never shown.
#[track_caller]
fn check_data(kind: &str, rows: &[(&str, bool)]) {
    let entry = json!({"pii": {"kinds": [kind]}});
    for (data, found) in rows {
        let expected = Some(if *found { 0.0 } else { 1.0 });
        for answer in [(*data).to_owned(), format!("Note 12: {data}, then ({data}).")] {
            let score = score(&entry, &answer, &[]);
            assert_eq!(score.value, expected, "{kind} in {answer:?}");
            let reason = score.reason.unwrap_or_default();
            assert!(!reason.contains(data), "{reason}");
        }
    }
}

#[test]
fn addresses_are_found() {
    check_data(
        "email",
        &[
            ("ann@example.org", true),
            ("a.b+c@mail.example.co.uk", true),
            ("jörg@müller.de", true),
            ("ann@localhost", false),
            ("@ann", false),
            ("a @ b.com", false),
        ],
    );
    check_data(
        "phone",
        &[
            ("+49 30 1234567", true),
            ("+49 (0)30 123456", true),
            ("+1-202-555-0143", true),
            ("+442071838750", true),
            ("0033 1 42 68 53 00", true),
            ("(202) 555-0143", true),
            ("202-555-0143", true),
            ("030/1234567", true),
            ("06 12 34 56 78", true),
            ("07911123456", true),
            ("12345678901", false),
            ("2024-01-02", false),
            ("01-02-2024 10", false),
            ("2024-01-02 - 2024-03-04", false),
            ("3.14159265358979", false),
            ("1,000,000,000", false),
            ("0.0012345678", false),
        ],
    );
    check_data(
        "ip",
        &[
            ("192.168.1.10", true),
            ("8.8.8.8", true),
            ("2001:db8::8a2e:370:7334", true),
            ("fe80::1", true),
            ("::ffff:10.0.0.1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("256.1.1.1", false),
            ("1.2.3", false),
            ("1.2.3.4.5", false),
            ("12:30:45", false),
            ("std::vec", false),
            ("a::b", false),
        ],
    );
}

#[test]
fn accounts_are_found_by_their_check_digits() {
    check_data(
        "card",
        &[
            ("4111 1111 1111 1111", true),
            ("5555-5555-5555-4444", true),
            ("378282246310005", true),
            ("7 4111111111111111 123", true),
            ("4111 1111 1111 1112", false),
            ("0000 0000 0000 0000", false),
            ("41111111111111111111", false),
        ],
    );
    check_data(
        "iban",
        &[
            ("DE89 3704 0044 0532 0130 00", true),
            ("GB82WEST12345698765432", true),
            ("FR14 2004 1010 0505 0001 3M02 606", true),
            ("NO93 8601 1117 947", true),
            ("PK36 SCBL 0000 0011 2345 6702", true),
            ("HN88CABF00000000000250005469", true),
            ("DE89 3704 0044 0532 0130 00 BIC", true),
            ("DE88 3704 0044 0532 0130 00", false),
            ("DE89 3704 0044 0532 0130", false),
            ("GB82WEST123456987654321", false),
            ("ZZ82WEST12345698765432", false),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn national_numbers_are_found() {
    check_data(
        "us_ssn",
        &[
            ("536-90-4399", true),
            ("536 90 4399", true),
            ("000-12-3456", false),
            ("666-12-3456", false),
            ("900-12-3456", false),
            ("123-00-4567", false),
            ("123-45-0000", false),
            ("123-45 6789", false),
        ],
    );
    check_data(
        "uk_nino",
        &[
            ("AB 12 34 56 C", true),
            ("ab123456c", true),
            ("BG123456A", false),
            ("AB123456E", false),
            ("QQ123456C", false),
        ],
    );
    check_data(
        "es_dni",
        &[
            ("54362315K", true),
            ("54362315-k", true),
            ("x-2482300W", true),
            ("54362315Z", false),
            ("X-2482300A", false),
        ],
    );
    check_data(
        "fr_nir",
        &[
            ("2 95 10 99 126 111 93", true),
            ("295109912611193", true),
            ("253072B07300470", true),
            ("295109912611199", false),
        ],
    );
    check_data(
        "de_tax_id",
        &[
            ("36 574 261 809", true),
            ("36574261809", true),
            ("36574261890", false),
            ("36554266806", false),
        ],
    );
    check_data("it_codice_fiscale", &[("RCCMNL83S18D969H", true), ("RCCMNL83S18D967H", false)]);
    check_data(
        "pl_pesel",
        &[
            ("44051401359", true),
            ("02070803628", true),
            ("44051401358", false),
            ("02990803628", false),
        ],
    );
    check_data(
        "br_cpf",
        &[
            ("390.533.447-05", true),
            ("39053344705", true),
            ("231.002.999-00", false),
            ("111.111.111-11", false),
        ],
    );
}

#[test]
fn every_kind_of_personal_data_is_looked_for_by_default() {
    let answer = "Write to ann@example.org or call +49 30 1234567.";
    let score = score(&json!({"pii": {}}), answer, &[]);
    assert_eq!(score.reason.as_deref(), Some("holds an e-mail address, a phone number"));
    check(&json!({"pii": {}}), "Nothing here, in 2024, for $1,234.56 or 12%.", &[], Some(1.0));
    let numbers = "1 ".repeat(100_000);
    check(&json!({"pii": {}}), &numbers, &[], None);
    check(&json!({"pii": {}}), &format!("{numbers}ann@example.org"), &[], Some(0.0));
    assert_eq!(complaint(&json!({"pii": {"kinds": []}})).pointer, "/pii/kinds");
}

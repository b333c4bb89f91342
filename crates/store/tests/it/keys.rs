//! Keys as `openssl` and `ssh-keygen` write them (`tests/keys`, which sign nothing but tests), and what is wrong with
//! others. Ids are those of securesystemslib 1.6.0, fingerprints those of OpenSSH 9.2.

use std::{fs, path::PathBuf};

use evalmark_store::signing::{AllowedSigners, KeyAlgorithm, PublicKey, SigningKey};

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
}

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::parse(&fs::read(path(name)).unwrap()).unwrap()
}

/// Ada has the SSH key, Grace the one on P-256, and Joan the PEM key.
pub(crate) fn signers() -> AllowedSigners {
    let line = |name: &str, file: &str| {
        format!("{name}@example.com {}\n", key(file).public_key().to_open_ssh())
    };
    let text =
        line("ada", "ssh-ed25519") + &line("grace", "p256.pem") + &line("joan", "ed25519.pem");
    AllowedSigners::parse(&text).unwrap()
}

#[test]
fn private_and_public_files_are_the_same_key() {
    let check = |private: &str, public: &str, algorithm, key_id: &str, fingerprint: &str| {
        let key = key(private);
        let public = PublicKey::read(&path(public)).unwrap();
        assert_eq!(key.public_key(), &public, "{private}");
        assert_eq!(public.algorithm(), algorithm);
        assert_eq!(public.key_id(), key_id, "{private}");
        if !fingerprint.is_empty() {
            assert_eq!(public.fingerprint(), fingerprint);
        }
        assert_eq!(PublicKey::parse(&public.to_pem()).unwrap(), public);
        assert_eq!(PublicKey::parse(&public.to_open_ssh()).unwrap(), public);
        let signature = key.sign(b"what is signed").unwrap();
        assert!(public.verify(b"what is signed", &signature));
        assert!(!public.verify(b"what is Signed", &signature));
        assert!(!public.verify(b"what is signed", &signature[1..]));
        assert!(!public.verify(b"what is signed", b""));
    };
    let (ed25519, p256) = (KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP256);
    check(
        "ed25519.pem",
        "ed25519.pub.pem",
        ed25519,
        "c2328cb7c59f0dee5b1b21d73201fddba79b8a7695f26bc471ef3c664a2562fe",
        "",
    );
    check(
        "p256.pem",
        "p256.pub.pem",
        p256,
        "89c6b1c966a9155d2598d9d5b6db062896fb24b25f5771fb3fc21ffc30f5ec63",
        "",
    );
    check(
        "ssh-ed25519",
        "ssh-ed25519.pub",
        ed25519,
        "4d9e35aa43b0941c66dea30690d777d43171bafd3c686277ce6e6568de0efa50",
        "SHA256:zyRnpN1vlfw3mrxCJ+DeqT6Sd0xRsjQzq2vC/WTy9B0",
    );
    check(
        "ssh-ecdsa",
        "ssh-ecdsa.pub",
        p256,
        "463652469e2dff5fe19b1b62e94aa9de55fa67cb095150756abc4a9c981478df",
        "SHA256:+CTuKxxejfPgt1EzN9m7J3mzoCZULhs3F6T3V30MAzo",
    );
    assert_eq!(key("p256-sec1.pem").public_key().algorithm(), p256);
}

#[test]
fn files_that_cannot_sign_say_why() {
    let check = |name: &str, expected: &str| {
        let error = SigningKey::read(&path(name)).unwrap_err();
        let told = format!("{}", error.problem);
        assert!(told.contains(expected), "{name}: {told}");
        assert!(!format!("{error:?} {error}").contains("secret"));
        error
    };
    let encrypted = check("ssh-encrypted", "it is encrypted");
    assert!(encrypted.hint().unwrap().contains("ssh-keygen -p"));
    check("ed25519-encrypted.pem", "it is encrypted");
    check("p256-sec1-encrypted.pem", "it is encrypted");
    check("ssh-ed25519.pub", "it is a public key");
    check("ed25519.pub.pem", "it is a public key");
    check("ssh-p384", "of the kind ecdsa-sha2-nistp384");
    check("p384.pem", "of the kind another algorithm or curve");
    check("missing", "it cannot be read");
    check(".", "it holds no key");
}

#[test]
fn texts_that_are_no_public_key_say_why() {
    let check = |text: &str, expected: &str| {
        let told = PublicKey::parse(text).unwrap_err().to_string();
        assert!(told.contains(expected), "{text}: {told}");
    };
    let good = fs::read_to_string(path("ssh-ed25519.pub")).unwrap();
    let blob = good.split(' ').nth(1).unwrap();
    check("", "it holds no key");
    check("\u{1b}[31m hostile", "it holds no key");
    check("ssh-ed25519", "it holds no key");
    check("ssh-ed25519 !!!", "no valid base64");
    check("ssh-ed25519 AAAA", "it ends too early");
    check("ssh-ed25519 /////w==", "it ends too early");
    check(&format!("ecdsa-sha2-nistp256 {blob}"), "its kind is not the one");
    check(&fs::read_to_string(path("ssh-rsa.pub")).unwrap(), "of the kind ssh-rsa");
    check(&fs::read_to_string(path("ssh-p384.pub")).unwrap(), "of the kind ecdsa-sha2-nistp384");
    check("sk-ssh-ed25519@openssh.com AAAA", "of the kind sk-ssh-ed25519@openssh.com");
    check(&fs::read_to_string(path("ed25519.pem")).unwrap(), "it is a private key");
    check("-----BEGIN PUBLIC KEY-----\nAAAA\n", "it");
    check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "it holds no key");
    check(&"x".repeat(70_000), "longer than 64 KiB");
}

/// Whatever byte is changed, a key file never panics, and what is read still signs consistently.
#[test]
fn damaged_key_files_are_refused_or_whole() {
    for name in ["ed25519.pem", "p256.pem", "p256-sec1.pem", "ssh-ed25519", "ssh-ecdsa"] {
        let whole = fs::read(path(name)).unwrap();
        for at in 0..whole.len() {
            let mut text = whole.clone();
            text[at] ^= 1;
            if let Ok(key) = SigningKey::parse(&text) {
                let signature = key.sign(b"m").unwrap();
                assert!(key.public_key().verify(b"m", &signature), "{name} at {at}");
            }
            let _ = SigningKey::parse(&whole[..at]);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("key");
    fs::copy(path("ed25519.pem"), &copy).unwrap();
    for (mode, is_told) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).unwrap();
        let key = SigningKey::read(&copy).unwrap();
        assert_eq!(key.exposure().is_some(), is_told, "{mode:o}: {:?}", key.exposure());
    }
}

#[test]
fn signers_are_read_as_git_has_them() {
    let [ada, grace] =
        ["ssh-ed25519.pub", "ssh-ecdsa.pub"].map(|name| fs::read_to_string(path(name)).unwrap());
    let text = format!(
        "# who may sign\n\nada@example.com,ada {ada}\
         grace@example.com namespaces=\"git,evalmark\",valid-after=\"20260101Z\",valid-before=\"202612312359Z\" {grace}\
         \"joan@example.com\" VALID-BEFORE=20250101000000Z {ada}\r\n"
    );
    let signers = AllowedSigners::parse(&text).unwrap();
    let lines: Vec<_> = signers.iter().collect();
    assert_eq!(lines.iter().map(|l| l.line).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(lines[0].principals, ["ada@example.com", "ada"]);
    assert_eq!(lines[1].namespaces, ["git", "evalmark"]);
    assert_eq!(lines[1].valid_before.unwrap().to_string(), "2026-12-31T23:59:00Z");
    assert_eq!(
        signers.names().into_iter().collect::<Vec<_>>(),
        ["ada@example.com", "grace@example.com", "joan@example.com"]
    );
    let id = lines[0].key.key_id();
    assert_eq!(signers.by_key_id(id).unwrap().line, 3);
    assert_eq!(signers.with_key_id(id).count(), 2);
}

#[test]
fn wrong_lines_of_signers_are_all_told() {
    let key = fs::read_to_string(path("ssh-ed25519.pub")).unwrap();
    let key = key.trim();
    let check = |line: &str, expected: &str| {
        let mistakes = AllowedSigners::parse(&line.replace("KEY", key)).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{line}");
        assert!(mistakes[0].text.contains(expected), "{line}: {}", mistakes[0].text);
    };
    check("ada", "a line is `NAME");
    check("KEY", "a line is `NAME");
    check("ada ssh-ed25519", "a line is `NAME");
    check("ada ssh-ed25519 AAAA", "the key is damaged: it ends too early");
    check("ada ssh-rsa AAAA", "the key is refused: it is of the kind ssh-rsa");
    check("*@example.com KEY", "`*@example.com` is a pattern");
    check("ada,,grace KEY", "a name is empty");
    check("ada cert-authority KEY", "certificates are not supported");
    check("ada namespaces=\"git\",cert-authority KEY", "certificates are not supported");
    check("ada namespace=\"git\" KEY", "the option `namespace=\"git\"` is not known");
    check("ada valid-after=\"2026\" KEY", "`2026` is not a time");
    check("ada valid-after=\"20261301Z\" KEY", "`20261301Z` is not a time");
    check("ada valid-after=\"2026Ж131Z\" KEY", "is not a time");
    check("ada valid-after=20260101Z,valid-before=20260101Z KEY", "the key is never valid");
    check("ada namespaces=\"git KEY", "is not closed");
    let all = AllowedSigners::parse(&format!("ada\n\nbob {key}\n*x {key}\n")).unwrap_err();
    assert_eq!(all.iter().map(|mistake| mistake.line).collect::<Vec<_>>(), [1, 4]);
}

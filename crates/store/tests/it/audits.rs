//! The audit log: what it holds, how its branches are joined, and every damage found by its line.

use std::{fs, process::Command};

use evalmark_store::{
    attestation::{Envelope, SignatureRule},
    audit::{
        Anchor, AuditAction, AuditError, AuditFilter, AuditFinding, AuditFork, AuditLog,
        AuditReport, AuditSubject, CiIdentity, NewAuditEntry, Who,
    },
};
use tempfile::TempDir;

use AuditFinding::{Altered, Misnumbered, Moved, NoEntry, Removed, Repeated, Replaced};

use crate::keys::{key, signers};

pub(crate) fn entry(n: usize, action: AuditAction) -> NewAuditEntry {
    NewAuditEntry {
        time: jiff::Timestamp::from_second(1_790_000_000 + i64::try_from(n).unwrap()).unwrap(),
        who: Who::default().signed_by("ada@example.com"),
        action,
        subject: AuditSubject {
            suite: Some(format!("suite {n} \u{1b}[31m \"quoted\"\nü")),
            prompts: vec!["reply".to_owned()],
            ..AuditSubject::default()
        },
        evidence: [("verdict".to_owned(), "pass".to_owned())].into(),
    }
}

pub(crate) fn log(entries: usize) -> (TempDir, AuditLog) {
    let root = tempfile::tempdir().unwrap();
    let log = AuditLog::start(root.path()).unwrap();
    for n in 1..=entries {
        log.append(&entry(n, AuditAction::Run)).unwrap();
    }
    (root, log)
}

fn lines(log: &AuditLog) -> Vec<String> {
    fs::read_to_string(log.path()).unwrap().lines().map(str::to_owned).collect()
}

fn write(log: &AuditLog, lines: &[String]) {
    fs::write(log.path(), lines.join("\n") + if lines.is_empty() { "" } else { "\n" }).unwrap();
}

pub(crate) fn verify(log: &AuditLog) -> AuditReport {
    log.verify(&[]).unwrap()
}

#[test]
fn a_log_that_was_left_alone_is_intact() {
    let (_root, log) = log(5);
    let report = verify(&log);
    assert_eq!(report, AuditReport { entries: 5, ends: vec![5], ..AuditReport::default() });
    assert!(report.is_intact() && report.is_joined());
    assert_eq!(log.head().unwrap().entries, 5);
    let text = fs::read_to_string(log.path()).unwrap();
    assert!(!text.contains('\u{1b}'));
    let keys: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let keys: Vec<_> = keys.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["seq", "time", "who", "action", "subject", "evidence", "previous", "hash"]);
}

#[test]
fn an_empty_log_is_intact_and_none_is_switched_off() {
    let (root, log) = log(0);
    assert_eq!(verify(&log), AuditReport::default());
    assert_eq!(log.head().unwrap(), Anchor { entries: 0, heads: Vec::new() });
    assert_eq!(AuditLog::find(root.path()), Some(log.clone()));
    // Outside git, a folder above is somebody else's.
    let inner = root.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    assert_eq!(AuditLog::find(&inner), None);
    fs::create_dir(root.path().join(".git")).unwrap();
    assert_eq!(AuditLog::find(&inner), Some(log.clone()));
    // A repository within another has a log of its own, or none.
    fs::write(root.path().join("a/.git"), "gitdir: elsewhere").unwrap();
    assert_eq!(AuditLog::find(&inner), None);
    // Switched on twice, it is the same.
    log.append(&entry(1, AuditAction::Gate)).unwrap();
    AuditLog::start(root.path()).unwrap();
    assert_eq!(verify(&log).entries, 1);
    let attributes = fs::read_to_string(root.path().join("releases/.gitattributes")).unwrap();
    assert_eq!(attributes, "audit.jsonl merge=union -text\n");
}

/// Does something to the lines of a log of eight, and looks at what is found.
fn check_damage(
    what: &str,
    expected: &[AuditFinding],
    told: &str,
    damage: impl Fn(&mut Vec<String>),
) {
    let (_root, log) = log(8);
    let mut text = lines(&log);
    damage(&mut text);
    write(&log, &text);
    let report = verify(&log);
    assert_eq!(report.findings, expected, "{what}");
    assert!(!report.is_intact(), "{what}");
    assert!(report.findings[0].to_string().contains(told), "{what}: {}", report.findings[0]);
}

#[test]
fn altered_lines_are_found() {
    let altered = |line| [Altered { line }];
    check_damage("a word", &altered(5), "line 5 was altered", |l| {
        l[4] = l[4].replace("pass", "fail");
    });
    check_damage("a space", &altered(5), "line 5", |l| l[4].push(' '));
    check_damage("the last line", &altered(8), "line 8", |l| l[7] = l[7].replace("pass", "fail"));
    check_damage("a carriage return", &altered(6), "line 6", |l| l[5].push('\r'));
    let both = [Altered { line: 5 }, Replaced { line: 5, follower: 6 }];
    check_damage("the hash", &both, "line 5", |l| l[4] = swapped_hash(&l[4]));
    let replaced = [Replaced { line: 6, follower: 7 }];
    check_damage(
        "with a right hash",
        &replaced,
        "line 6 was replaced: line 7 follows another",
        |l| {
            l[5] = resealed(&l[5], "\"pass\"", "\"fail\"");
        },
    );
    let misnumbered = [Misnumbered { line: 8, seq: 9 }];
    check_damage("its number", &misnumbered, "line 8 says that it is entry 9", |l| {
        l[7] = resealed(&l[7], "\"seq\":8", "\"seq\":9");
    });
}

#[test]
fn removed_and_moved_lines_are_found() {
    let removed = |line, entries| [Removed { line, entries: Some(entries) }];
    let between = "1 entry was removed between line 4 and line 5";
    check_damage("one", &removed(5, 1), between, |l| drop(l.remove(4)));
    let between = "3 entries were removed between line 2 and line 3";
    check_damage("three", &removed(3, 3), between, |l| drop(l.drain(2..5)));
    check_damage("the first", &removed(1, 1), "1 entry was removed before line 1", |l| {
        drop(l.remove(0));
    });
    let moved = |line, follows| [Moved { line, follows }];
    let told = "line 4 was moved: it follows line 5";
    check_damage("two are swapped", &moved(4, 5), told, |l| l.swap(3, 4));
    check_damage("the first goes last", &moved(1, 8), "line 1 was moved", |l| l.rotate_left(1));
}

#[test]
fn inserted_lines_are_found() {
    let told = "line 6 was inserted: it is line 3";
    check_damage("one of the log", &[Repeated { line: 6, first: 3 }], told, |l| {
        l.insert(5, l[2].clone());
    });
    let none = [NoEntry { line: 6 }];
    check_damage("an empty line", &none, "line 6 is not an entry", |l| l.insert(5, String::new()));
    let instead = [NoEntry { line: 6 }, Removed { line: 7, entries: None }];
    check_damage("another kind", &instead, "line 6", |l| l[5] = "{}".to_owned());
    check_damage("a very long line", &instead, "line 6", |l| l[5] = "x".repeat(600_000));
}

/// A line with another text, and the hash that belongs to it: what somebody does who knows how.
fn resealed(line: &str, from: &str, to: &str) -> String {
    let (body, _) = line.rsplit_once(",\"hash\"").unwrap();
    let body = body.replacen(from, to, 1);
    let hash =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{body}}}").as_bytes());
    let hash = hash.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("{body},\"hash\":\"{hash}\"}}")
}

/// One digit of the hash is another one.
fn swapped_hash(line: &str) -> String {
    let at = line.len() - 10;
    let digit = if &line[at..=at] == "0" { "1" } else { "0" };
    format!("{}{digit}{}", &line[..at], &line[at + 1..])
}

#[test]
fn every_changed_bit_of_a_line_is_found() {
    let (_root, log) = log(3);
    let whole = fs::read(log.path()).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
    let second = first + 1 + whole[first + 1..].iter().position(|byte| *byte == b'\n').unwrap();
    for at in first + 1..second {
        for bit in 0..8 {
            let mut text = whole.clone();
            text[at] ^= 1 << bit;
            fs::write(log.path(), &text).unwrap();
            assert!(!verify(&log).is_intact(), "byte {at}, bit {bit}");
        }
    }
}

/// An inserted line whose hash is right looks like a branch: its line is told, and it is an end that nothing joins.
#[test]
fn an_inserted_line_with_a_right_hash_is_an_end_of_its_own() {
    let (_root, log) = log(8);
    let mut text = lines(&log);
    text.insert(5, resealed(&text[5], "\"pass\"", "\"forged\""));
    write(&log, &text);
    let report = verify(&log);
    assert_eq!(report.forks, [AuditFork { line: 7, beside: 6, follows: Some(5) }]);
    assert_eq!(report.ends, [6, 9]);
    assert!(report.is_intact() && !report.is_joined());
}

#[test]
fn an_anchor_holds_the_end() {
    let (_root, log) = log(8);
    let anchors = [("the checkpoint".to_owned(), log.head().unwrap())];
    log.append(&entry(9, AuditAction::Gate)).unwrap();
    let whole = lines(&log);
    assert_eq!(log.verify(&anchors).unwrap().anchors, 1);
    let check = |text: &[String], left: u64| {
        write(&log, text);
        let report = log.verify(&anchors).unwrap();
        let found =
            report.findings.iter().find(|finding| matches!(finding, AuditFinding::CutOff { .. }));
        let told = found.unwrap_or_else(|| panic!("{report:?}")).to_string();
        assert_eq!(
            told,
            format!(
                "the log was cut off behind line {left}: the checkpoint holds an end of 8 entries that is not there"
            )
        );
    };
    check(&whole[..7], 7);
    check(&[], 0);
    // Cut off and written on.
    write(&log, &whole[..6]);
    for n in 0..4 {
        log.append(&entry(n, AuditAction::Promote)).unwrap();
    }
    assert!(verify(&log).is_intact());
    check(&lines(&log), 10);
    write(&log, &whole[..8]);
    assert!(log.verify(&anchors).unwrap().is_intact());
}

#[test]
fn a_checkpoint_is_signed_and_read_back() {
    let (_root, log) = log(3);
    let time = jiff::Timestamp::from_second(1_790_000_100).unwrap();
    let mut envelope = Envelope::new(&log.checkpoint(time).unwrap());
    envelope.sign(&key("ssh-ed25519")).unwrap();
    let envelope = Envelope::parse(envelope.to_json().as_bytes()).unwrap();
    let rule = SignatureRule { threshold: 1, at: time };
    let verified = envelope.verify::<evalmark_store::audit::Checkpoint>(&signers(), &rule).unwrap();
    assert_eq!(verified.statement.predicate.log, log.head().unwrap());
}

/// Two clones write, git puts their lines behind each other, and the next entry joins them.
#[test]
fn branches_of_the_log_are_joined_by_the_next_entry() {
    let (_root, ours) = log(3);
    let theirs = tempfile::tempdir().unwrap();
    let theirs = AuditLog::start(theirs.path()).map(|log| (theirs, log)).unwrap();
    write(&theirs.1, &lines(&ours));
    for n in 4..6 {
        ours.append(&entry(n, AuditAction::Gate)).unwrap();
    }
    for n in 14..17 {
        theirs.1.append(&entry(n, AuditAction::Promote)).unwrap();
    }
    let merged: Vec<_> = lines(&ours).into_iter().chain(lines(&theirs.1).split_off(3)).collect();
    write(&ours, &merged);
    let report = verify(&ours);
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.forks, [AuditFork { line: 6, beside: 4, follows: Some(3) }]);
    assert_eq!(report.ends, [5, 8]);
    let anchors = [("both ends".to_owned(), ours.head().unwrap())];
    assert_eq!(anchors[0].1.heads.len(), 2);
    let joined = ours.append(&entry(20, AuditAction::Rollback)).unwrap().entry;
    assert_eq!((joined.seq, joined.previous.len()), (9, 2));
    let last = ours.append(&entry(21, AuditAction::Run)).unwrap().entry;
    assert_eq!((last.seq, last.previous), (10, vec![joined.hash]));
    let report = ours.verify(&anchors).unwrap();
    assert!(report.is_intact() && report.is_joined(), "{report:?}");
    assert_eq!((report.entries, report.anchors), (10, 1));
    // A line of one of the branches is missed as any other.
    let mut text = lines(&ours);
    text.remove(6);
    write(&ours, &text);
    let found = verify(&ours).findings;
    assert_eq!(found, [AuditFinding::Removed { line: 7, entries: Some(1) }]);
}

/// git itself merges two branches that both wrote.
#[test]
fn git_merges_two_branches_of_the_log() {
    let (root, log) = log(2);
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .current_dir(root.path())
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
            .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    let commit = |message: &str| {
        git(&["add", "-A"]);
        git(&["commit", "-qm", message]);
    };
    git(&["init", "-q"]);
    commit("begin");
    git(&["checkout", "-qb", "other"]);
    log.append(&entry(3, AuditAction::Promote)).unwrap();
    commit("theirs");
    git(&["checkout", "-q", "main"]);
    log.append(&entry(4, AuditAction::Gate)).unwrap();
    commit("ours");
    git(&["merge", "-q", "--no-edit", "other"]);
    let report = verify(&log);
    assert!(report.is_intact(), "{report:?}");
    assert_eq!((report.entries, report.ends.len(), report.forks.len()), (4, 2, 1));
    log.append(&entry(5, AuditAction::Run)).unwrap();
    assert!(verify(&log).is_joined());
}

#[test]
fn a_torn_last_line_is_told_and_taken_out() {
    let (_root, log) = log(3);
    let whole = fs::read(log.path()).unwrap();
    let before = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for len in before + 1..whole.len() {
        fs::write(log.path(), &whole[..len]).unwrap();
        let report = verify(&log);
        let is_whole = len == whole.len() - 1;
        let torn: &[AuditFinding] = if is_whole { &[] } else { &[AuditFinding::Torn { line: 3 }] };
        assert_eq!(report.findings, torn, "{len}");
        assert!(report.is_intact());
        let appended = log.append(&entry(4, AuditAction::Gate)).unwrap();
        assert_eq!(appended.recovered.is_none(), is_whole, "{len}");
        let expected = if is_whole { 4 } else { 3 };
        let report = verify(&log);
        assert_eq!((report.entries, report.findings), (expected, Vec::new()), "{len}");
    }
}

#[test]
fn nothing_follows_a_damaged_end() {
    let (root, log) = log(3);
    let mut text = lines(&log);
    text[2] = text[2].replace("pass", "fail");
    write(&log, &text);
    let refused = log.append(&entry(4, AuditAction::Run)).unwrap_err();
    assert!(matches!(refused, AuditError::Damaged { line: 3, .. }), "{refused}");
    assert!(matches!(log.check_writable(), Err(AuditError::Damaged { .. })));
    fs::write(log.path(), "x".repeat(2_000_000)).unwrap();
    assert!(matches!(
        log.append(&entry(4, AuditAction::Run)),
        Err(AuditError::Damaged { line: 1, .. })
    ));
    assert_eq!(fs::metadata(log.path()).unwrap().len(), 2_000_000);
    fs::remove_file(log.path()).unwrap();
    fs::create_dir(log.path()).unwrap();
    assert!(matches!(log.append(&entry(4, AuditAction::Run)), Err(AuditError::NoFile(_))));
    drop(root);
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let (root, log) = log(1);
    let elsewhere = root.path().join("elsewhere");
    fs::rename(log.path(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, log.path()).unwrap();
    assert!(matches!(log.append(&entry(4, AuditAction::Run)), Err(AuditError::NoFile(_))));
    assert!(matches!(log.verify(&[]), Err(AuditError::NoFile(_))));
}

#[test]
fn filters_show_what_all_of_them_allow() {
    let (_root, log) = log(2);
    log.append(&entry(3, AuditAction::Promote)).unwrap();
    let mut other = entry(4, AuditAction::Promote);
    other.subject.prompts = vec!["greet".to_owned()];
    other.subject.environment = Some("staging".to_owned());
    log.append(&other).unwrap();
    let check = |filter: &AuditFilter, expected: &[u64]| {
        let (shown, report) = log.entries(filter).unwrap();
        assert_eq!(shown.iter().map(|(line, _)| *line).collect::<Vec<_>>(), expected, "{filter:?}");
        assert_eq!(report.entries, 4);
    };
    let all = AuditFilter::default();
    check(&all, &[1, 2, 3, 4]);
    check(&AuditFilter { actions: vec![AuditAction::Promote], ..all.clone() }, &[3, 4]);
    check(&AuditFilter { prompt: Some("reply".to_owned()), ..all.clone() }, &[1, 2, 3]);
    check(&AuditFilter { environment: Some("staging".to_owned()), ..all.clone() }, &[4]);
    check(&AuditFilter { since: Some(other.time), ..all.clone() }, &[4]);
    let both =
        AuditFilter { actions: vec![AuditAction::Run], prompt: Some("greet".to_owned()), ..all };
    check(&both, &[]);
}

#[test]
fn ci_systems_say_who_they_are() {
    let check = |variables: &[(&str, &str)],
                 expected: Option<(&str, Option<&str>, Option<&str>)>| {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let found = CiIdentity::of(&variable);
        let found =
            found.as_ref().map(|ci| (ci.system.as_str(), ci.actor.as_deref(), ci.url.as_deref()));
        assert_eq!(found, expected, "{variables:?}");
    };
    check(&[], None);
    check(&[("CI", "false")], None);
    check(&[("CI", "true")], Some(("other", None, None)));
    check(
        &[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "ada"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "org/repo"),
            ("GITHUB_RUN_ID", "7"),
        ],
        Some(("github", Some("ada"), Some("https://github.com/org/repo/actions/runs/7"))),
    );
    check(&[("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "7")], Some(("github", None, None)));
    check(
        &[
            ("GITLAB_CI", "true"),
            ("GITLAB_USER_LOGIN", "grace"),
            ("CI_JOB_URL", "https://gitlab.example/1"),
        ],
        Some(("gitlab", Some("grace"), Some("https://gitlab.example/1"))),
    );
}

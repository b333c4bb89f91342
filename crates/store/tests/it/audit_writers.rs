//! Several processes that write the audit log, and some that are killed while they do.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use evalmark_store::{
    audit::{AuditAction, AuditLog, AuditReport},
    durable,
};

use crate::audits::{entry, log, verify};

/// What a process does that another test starts: writes entries, and says so after each.
#[test]
fn as_another_process() {
    let Ok(root) = std::env::var("EVALMARK_TEST_AUDIT") else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    durable::abort_at(number("EVALMARK_TEST_AUDIT_ABORT").unwrap_or_default());
    let log = AuditLog::find(Path::new(&root)).unwrap();
    for n in 0..usize::try_from(number("EVALMARK_TEST_AUDIT_ENTRIES").unwrap()).unwrap() {
        log.append(&entry(n, AuditAction::Gate)).unwrap();
        writeln!(std::io::stdout(), "written").unwrap();
    }
}

fn another_process(root: &Path, entries: usize, abort_at: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "audit_writers::as_another_process", "--nocapture"]);
    command
        .env("EVALMARK_TEST_AUDIT", root)
        .env("EVALMARK_TEST_AUDIT_ENTRIES", entries.to_string());
    command.env("EVALMARK_TEST_AUDIT_ABORT", abort_at.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[test]
fn two_processes_write_a_thousand_entries_each() {
    let (root, log) = log(0);
    let mut both: Vec<_> =
        (0..2).map(|_| another_process(root.path(), 1_000, 0).spawn().unwrap()).collect();
    for process in &mut both {
        let written = BufReader::new(process.stdout.take().unwrap()).lines();
        let written = written.filter(|line| line.as_ref().unwrap().ends_with("written")).count();
        assert!(written >= 999, "{written}");
        assert!(process.wait().unwrap().success());
    }
    let report = verify(&log);
    assert_eq!(report, AuditReport { entries: 2_000, ends: vec![2_000], ..AuditReport::default() });
}

/// Killed at fifty places, in the middle of lines among them: what was said to be written is there, and no half line
/// is ever read as a whole one.
#[test]
fn a_killed_writer_leaves_no_half_entry() {
    let (root, log) = log(0);
    let (mut said, mut torn, mut killed) = (0, 0, 0);
    for seed in 0..50_u64 {
        let abort_at = 1 + (seed * 7 + seed / 3) % 19;
        let output = another_process(root.path(), 12, abort_at).output().unwrap();
        killed += u32::from(!output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        said += text.matches("written").count() as u64;
        let report = verify(&log);
        assert!(report.is_intact(), "{seed}: {report:?}");
        torn += report.findings.len();
        assert!(report.entries >= said, "{seed}: {} of {said}", report.entries);
        said = report.entries;
    }
    assert!(torn > 10 && killed == 50, "{torn} torn, {killed} killed");
    let recovered = [0, 1].map(|n| log.append(&entry(n, AuditAction::Run)).unwrap().recovered);
    assert_eq!(recovered[1], None);
    let report = verify(&log);
    assert_eq!((report.findings, report.ends), (Vec::new(), vec![report.entries]));
}

//! After a run or a gate: what its receivers are to be told goes into the outbox, and a process of its own delivers it. A receiver
//! that is down or slow never fails or slows a command for longer than [`PATIENCE`].

use std::{
    ffi::OsString,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use evalmark_runner::{EndedSuite, Host, Notice, QueuedMessages, queue_messages};
use evalmark_store::outbox::{Outbox, OutboxState};

use crate::{environment::run_link, print::Printer};

/// How long a command waits for its receivers to be told.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the process goes on that delivers.
const SENDER_GOES_ON: &str = "10m";

/// Tells the receivers of runs that ended. Nothing about it changes how the command ends.
pub(crate) fn tell_receivers(ended: &[EndedSuite], host: &Host<'_>, printer: Printer) {
    let queued = queue_messages(ended, run_link().as_deref(), host);
    deliver_queued(&queued, host, printer);
}

/// Has messages delivered, and tells what became of them within a moment.
pub(crate) fn deliver_queued(queued: &QueuedMessages, host: &Host<'_>, printer: Printer) {
    for warning in &queued.warnings {
        printer.warning(warning);
    }
    let began = Instant::now();
    let waiting = queued.folders.iter().filter(|out| Outbox::below(out).is_waiting());
    let mut senders: Vec<_> = waiting.filter_map(|out| start_sender(out, host, printer)).collect();
    while began.elapsed() < PATIENCE && !senders.is_empty() {
        // Whatever a sender is at work on may be another run's message.
        senders.retain_mut(|sender| matches!(sender.try_wait(), Ok(None)));
        if senders.is_empty() || all_sent(queued) {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    tell_sent(queued, host, printer);
}

fn all_sent(queued: &QueuedMessages) -> bool {
    let is_sent =
        |id: &str| queued.folders.iter().any(|out| Outbox::below(out).has(OutboxState::Sent, id));
    queued.messages.iter().all(|(id, _)| is_sent(id))
}

fn tell_sent(queued: &QueuedMessages, host: &Host<'_>, printer: Printer) {
    let outboxes: Vec<_> = queued.folders.iter().map(|out| (out, Outbox::below(out))).collect();
    let is_sent =
        |id: &String| outboxes.iter().any(|(_, outbox)| outbox.has(OutboxState::Sent, id));
    let (sent, waiting): (Vec<_>, Vec<_>) = queued.messages.iter().partition(|(id, _)| is_sent(id));
    let names = |messages: &[&(String, String)]| {
        let names: Vec<_> = messages.iter().map(|(_, name)| format!("`{name}`")).collect();
        names.join(", ")
    };
    if !sent.is_empty() {
        host.notices.tell(&Notice::SuiteNote(&format!("told {}", names(&sent))));
    }
    if waiting.is_empty() {
        return;
    }
    let entries = outboxes
        .iter()
        .filter_map(|(out, outbox)| Some((out, outbox.entries(OutboxState::Pending).ok()?.0)));
    for (out, entries) in entries {
        for entry in entries.iter().filter(|one| waiting.iter().any(|(id, _)| *id == one.id)) {
            let why = entry.last_error.as_deref().unwrap_or("no answer yet");
            printer.warning(&format!(
                "`{}` is not told yet ({why}); it waits in the outbox, and goes out with the next run or `evalmark outbox send \
                 --out {}`",
                entry.receiver.name,
                out.display()
            ));
        }
    }
}

/// Starts the process that delivers, which outlives this one: no terminal's signal reaches it.
fn start_sender(out: &Path, host: &Host<'_>, printer: Printer) -> Option<Child> {
    let program = std::env::current_exe().ok()?;
    let mut arguments: Vec<OsString> =
        ["outbox", "send", "--wait", SENDER_GOES_ON, "--later", "--out"].map(Into::into).into();
    arguments.push(out.into());
    for grant in &host.permissions.keys {
        arguments.extend(["--allow-key".into(), grant.to_string().into()]);
    }
    for place in &host.permissions.plain_http {
        arguments.extend(["--allow-plain-http".into(), place.to_string().into()]);
    }
    let mut command = Command::new(program);
    command.args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    match command.spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            printer.warning(&format!("what is in the outbox cannot be sent now: {error}"));
            None
        }
    }
}

//! `evalmark outbox`: what receivers are still to be told, and sending it.

use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_core::number_format::counted;
use evalmark_integrations::receivers::{DeliveryEvent, SendOptions, send_all};
use evalmark_runner::{Host, RunError, redacted_keys::hide};
use evalmark_store::outbox::{Outbox, OutboxEntry, OutboxError, OutboxState};
use evalmark_terminal::outbox;
use serde_json::{Value, json};

use crate::{
    args::{Format, OutArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct OutboxArgs {
    #[command(subcommand)]
    pub(crate) command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// List the messages that wait, and why
    List(ListArgs),
    /// Send what waits; exit code 4 where something is left
    Send(SendArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    out: OutArgs,
    /// Messages that were sent or given up, too
    #[arg(long)]
    all: bool,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    out: OutArgs,
    /// How long to go on where a receiver cannot be told at once, such as `10m`
    #[arg(long, value_name = "TIME", value_parser = span, default_value = "0s")]
    wait: Duration,
    /// Keep to the waits that earlier attempts ended with, as the sender does that a run starts
    #[arg(long, hide = true)]
    later: bool,
}

/// A span of time such as `90s`, `10m` or `2h`.
fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and `s`, `m` or `h`, such as `10m`".to_owned();
    let (number, seconds) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let longest = Duration::from_hours(24);
    let span = Duration::from_secs(number.saturating_mul(seconds));
    if span > longest { Err("at most 24h".to_owned()) } else { Ok(span) }
}

pub(crate) fn outbox(args: &OutboxArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match &args.command {
        OutboxCommand::List(args) => list(args, printer),
        OutboxCommand::Send(args) => send(args, printer, host),
    }
}

fn told(error: OutboxError) -> RunError {
    let hint = error.hint();
    hint.into_iter().fold(RunError::new(error), RunError::with_hint)
}

fn list(args: &ListArgs, printer: Printer) -> Result<Exit> {
    let outbox_folder = Outbox::below(&args.out.out);
    let states = if args.all {
        vec![OutboxState::Pending, OutboxState::Sent, OutboxState::GivenUp]
    } else {
        vec![OutboxState::Pending]
    };
    let mut listed = Vec::new();
    for state in states {
        let (entries, unreadable) = outbox_folder.entries(state).map_err(told)?;
        listed.extend(entries.into_iter().map(|entry| (state, entry)));
        for one in unreadable {
            printer.warning(&format!("{} is not a message: {}", one.path.display(), one.why));
        }
    }
    match args.format {
        Format::Json => printer.json(&format!("{:#}", document(&listed))),
        Format::Text if listed.is_empty() => {
            printer.remark(&format!("nothing waits in {}", outbox_folder.folder().display()));
        }
        Format::Text => printer.result(&outbox::render(&listed, printer.screen())),
    }
    Ok(Exit::Done)
}

fn document(listed: &[(OutboxState, OutboxEntry)]) -> Value {
    let messages: Vec<_> = listed.iter().map(|(state, entry)| entry.listed(*state)).collect();
    json!({ "messages": messages })
}

fn send(args: &SendArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let outbox_folder = Outbox::below(&args.out.out);
    if !outbox_folder.is_waiting() {
        printer.remark(&format!("nothing waits in {}", outbox_folder.folder().display()));
        return Ok(Exit::Done);
    }
    let hear = |event: &DeliveryEvent<'_>| match event {
        DeliveryEvent::Sent(entry) => {
            printer.remark(&format!("told `{}`", entry.receiver.name));
        }
        DeliveryEvent::Failed(entry) => printer.warning(&format!(
            "`{}` is not told yet: {}",
            entry.receiver.name,
            entry.last_error.as_deref().unwrap_or_default()
        )),
        DeliveryEvent::GivenUp(entry) => printer.warning(&format!(
            "`{}` is given up after {}: {}",
            entry.receiver.name,
            counted(u64::from(entry.attempts), "attempt"),
            entry.last_error.as_deref().unwrap_or_default()
        )),
    };
    let options = SendOptions {
        secrets: host,
        lock_wait: args.wait.max(Duration::from_secs(10)),
        wait: args.wait,
        keeps_waits: args.later,
        redact: hide,
        hear: &hear,
    };
    let outcome = send_all(&outbox_folder, &options).map_err(told)?;
    if outcome.n_waiting == 0 {
        return Ok(Exit::Done);
    }
    let left = counted(outcome.n_waiting, "message");
    printer.warning(&format!("{left} left: `evalmark outbox list` says why"));
    Ok(Exit::Incomplete)
}

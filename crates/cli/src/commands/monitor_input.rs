//! What `evalmark monitor` reads: files, standard input, and what applications send, as the command line or the suite names
//! them.

use std::{
    io::stdin,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use evalmark_core::{
    files::FileAccess,
    logs::{LogInput, LogInputError},
};
use evalmark_integrations::logs::{
    ElasticsearchLogs, ElasticsearchOptions, LogFiles, LogFilesOptions, LogStream, OTLP_PORTS,
    ObjectLogsOptions, OtlpOptions, OtlpReceiver, elasticsearch_server, is_elasticsearch,
    is_object_store, object_logs, object_store_server,
};
use evalmark_runner::{Host, Monitor, MonitorError, NamedServerKeys, RunError};

use super::monitor::MonitorArgs;
use crate::{environment::now, print::Printer};

/// The source that takes in spans.
const OTLP: &str = "otlp";

/// Opens what lines are read from.
pub(super) fn open(
    args: &MonitorArgs,
    monitor: &Monitor,
    (printer, host): (Printer, &Host<'_>),
) -> Result<Box<dyn LogInput>> {
    let of_suite = args.from.is_empty();
    let places = if of_suite { monitor.places() } else { &args.from };
    let is_alone = |place: &Path| {
        let is_input = place == Path::new("-") || otlp_address(place).is_some();
        is_input || is_search(place) || is_in_store(place)
    };
    if let Some(alone) = places.iter().find(|place| is_alone(place)) {
        if let [_, other, ..] = places {
            let other = if other == alone { &places[0] } else { other };
            bail!("`{}` is read alone, and not beside `{}`", alone.display(), other.display());
        }
        return match otlp_address(alone) {
            None if is_search(alone) => documents(alone, of_suite, args.follow, (monitor, host)),
            None if is_in_store(alone) => objects(alone, of_suite, args.follow, (monitor, host)),
            Some(address) => receiver(address, args, monitor, printer),
            None => Ok(Box::new(LogStream::new(stdin()))),
        };
    }
    if args.allow_remote {
        bail!("`--allow-remote` is for `--from otlp://ADDRESS:PORT`");
    }
    monitor.needs_fields()?;
    if places.is_empty() {
        return Err(RunError::from(MonitorError::NoPlace).into());
    }
    files(places, of_suite, args.follow, monitor)
}

fn files(
    places: &[PathBuf],
    of_suite: bool,
    follow: bool,
    monitor: &Monitor,
) -> Result<Box<dyn LogInput>> {
    let access = if of_suite { monitor.access() } else { FileAccess::unlimited() };
    let positions = monitor.positions();
    let files = LogFiles::open(LogFilesOptions {
        places,
        access,
        positions,
        follow,
        now: now().as_second(),
    });
    Ok(Box::new(files.map_err(unreadable)?))
}

/// Documents of a server, which gets a key where the command line names it, or the user gives leave.
fn documents(
    place: &Path,
    of_suite: bool,
    follow: bool,
    (monitor, host): (&Monitor, &Host<'_>),
) -> Result<Box<dyn LogInput>> {
    monitor.needs_fields()?;
    let place = place.to_string_lossy();
    let server = elasticsearch_server(&place).filter(|_| !of_suite);
    let keys = NamedServerKeys { host, server: server.as_deref() };
    let documents = ElasticsearchLogs::open(ElasticsearchOptions {
        place: &place,
        keys: &keys,
        positions: monitor.positions(),
        follow,
        now: || now().as_millisecond(),
    });
    Ok(Box::new(documents.map_err(unreadable)?))
}

/// Objects of a store, which gets a key where the command line names it, or the user gives leave.
fn objects(
    place: &Path,
    of_suite: bool,
    follow: bool,
    (monitor, host): (&Monitor, &Host<'_>),
) -> Result<Box<dyn LogInput>> {
    monitor.needs_fields()?;
    let place = place.to_string_lossy();
    let server = object_store_server(&place).filter(|_| !of_suite);
    let keys = NamedServerKeys { host, server: server.as_deref() };
    let access = if of_suite { monitor.access() } else { FileAccess::unlimited() };
    let objects = object_logs(ObjectLogsOptions {
        place: &place,
        folder: if of_suite { monitor.suite_folder() } else { Path::new("") },
        access: &access,
        cache_dir: host.cache_dir,
        keys: &keys,
        positions: monitor.positions(),
        follow,
        now: || now().as_second(),
    });
    Ok(objects.map_err(unreadable)?)
}

fn is_in_store(place: &Path) -> bool {
    place.to_str().is_some_and(is_object_store)
}

fn is_search(place: &Path) -> bool {
    place.to_str().is_some_and(is_elasticsearch)
}

fn receiver(
    address: &str,
    args: &MonitorArgs,
    monitor: &Monitor,
    printer: Printer,
) -> Result<Box<dyn LogInput>> {
    let addresses = addresses(address)?;
    let remote = addresses.iter().find(|address| !address.ip().is_loopback());
    if let Some(remote) = remote.filter(|_| !args.allow_remote) {
        bail!(
            "other machines can send to {remote}, and nobody has to say who he is; use 127.0.0.1, or add \
             `--allow-remote`"
        );
    }
    let options = OtlpOptions { addresses, with_attributes: monitor.names_fields() };
    let receiver = OtlpReceiver::listen(&options).map_err(unreadable)?;
    for address in receiver.addresses() {
        printer.remark(&format!("OTLP is taken at http://{address}, over HTTP and gRPC"));
    }
    Ok(Box::new(receiver))
}

fn unreadable(error: LogInputError) -> RunError {
    MonitorError::from(error).into()
}

/// What stands behind `otlp`; `None` where a place is another.
fn otlp_address(place: &Path) -> Option<&str> {
    let rest = place.to_str()?.strip_prefix(OTLP)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix("://") }
}

fn addresses(address: &str) -> Result<Vec<SocketAddr>> {
    if address.is_empty() {
        return Ok(OTLP_PORTS.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).into());
    }
    let local = address.replace("localhost", "127.0.0.1");
    match local.trim_end_matches('/').parse() {
        Ok(address) => Ok(vec![address]),
        Err(_) => bail!("`{address}` names no address with a port, such as 127.0.0.1:4318"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let check = |place: &str, expected: Option<Option<&str>>| {
            let found = otlp_address(Path::new(place)).map(|address| {
                let found = addresses(address).ok();
                found.map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            });
            let expected = expected.map(|addresses| addresses.map(str::to_owned));
            assert_eq!(found, expected, "{place}");
        };
        check("otlp", Some(Some("127.0.0.1:4317 127.0.0.1:4318")));
        check("otlp://127.0.0.1:0", Some(Some("127.0.0.1:0")));
        check("otlp://localhost:4318/", Some(Some("127.0.0.1:4318")));
        check("otlp://[::1]:4318", Some(Some("[::1]:4318")));
        check("otlp://0.0.0.0:1", Some(Some("0.0.0.0:1")));
        check("otlp://4318", Some(None));
        check("otlp://example.org", Some(None));
        check("otlp.jsonl", None);
        check("logs/otlp", None);
    }
}

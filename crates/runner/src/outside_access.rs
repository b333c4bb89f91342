//! What suites reach for: hosts, variables, files and programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use evalmark_core::{
    model::{ModelServer, Provider},
    receiver::{ReceiverSpec, SecretGoes},
};
use evalmark_scoring::Metric;
use serde_json::{Value, json};
use url::Url;

use crate::{
    load::LoadedSuite,
    permissions::{KeyName, destination},
};

/// Version of the report.
const FORMAT_VERSION: u32 = 1;

/// What suites reach for: hosts, variables, files and programs, sorted, and the same on every
/// machine.
pub fn reach(loaded: &[&LoadedSuite]) -> Value {
    json!({
        "format_version": FORMAT_VERSION,
        "suites": loaded.iter().map(|loaded| of_suite(loaded)).collect::<Vec<_>>(),
    })
}

fn of_suite(loaded: &LoadedSuite) -> Value {
    let suite = &loaded.suite;
    let root = suite.access.root().unwrap_or(Path::new(""));
    let shown = |path: &Path| below(path, root);
    let mut hosts = BTreeSet::new();
    let mut variables: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for model in &suite.models {
        for variable in model.provider.program().iter().flat_map(|program| &program.variables) {
            variables.entry(variable).or_default();
        }
        let Provider::Server(ModelServer { base_url, .. }) = &model.provider else { continue };
        let Ok(address) = Url::parse(base_url) else { continue };
        let origin = address.origin().ascii_serialization();
        hosts.insert(origin.clone());
        for key in destination(model).map(|(keys, _)| keys).unwrap_or_default() {
            if let KeyName::Variable(variable) = key {
                variables.entry(variable).or_default().insert(origin.clone());
            }
        }
    }
    if let Some(snapshot) = &suite.dataset.snapshot {
        hosts.extend(snapshot.server.clone());
        for variable in &snapshot.variables {
            variables.entry(variable).or_default().extend(snapshot.server.clone());
        }
    }
    for receiver in &suite.receivers {
        hosts.extend(named_servers(receiver));
        for secret in &receiver.secrets {
            let known = variables.entry(&secret.variable).or_default();
            if let SecretGoes::ToServer(server) = &secret.goes_to {
                known.insert(server.origin().ascii_serialization());
            }
        }
    }
    let real = std::fs::canonicalize(&suite.path).unwrap_or_else(|_| suite.path.clone());
    let files: BTreeSet<_> = suite.access.files_read().iter().map(|path| shown(path)).collect();
    let of_metrics = loaded.metrics.iter().filter_map(Metric::program);
    let of_keys = suite.models.iter().filter_map(|model| match &model.provider {
        Provider::Server(server) => Some(&server.key.command()?.words),
        Provider::Program(program) => Some(&program.words),
        Provider::RecordedColumn(_) | Provider::RecordedFile(_) => None,
    });
    let programs: BTreeSet<_> = of_metrics.map(|program| &program.command).chain(of_keys).collect();
    let variable = |(name, hosts)| json!({ "name": name, "hosts": hosts });
    json!({
        "suite": shown(&real),
        "hosts": hosts,
        "variables": variables.into_iter().map(variable).collect::<Vec<_>>(),
        "files": files,
        "programs": programs,
    })
}

/// The servers that a receiver's parameters name: `url`, `api_url`. Where a variable holds the address, it is not read.
fn named_servers(receiver: &ReceiverSpec) -> impl Iterator<Item = String> {
    let params = receiver.params.as_object().into_iter().flatten();
    let addresses = params.filter(|(key, _)| key.ends_with("url"));
    let parsed = addresses.filter_map(|(_, value)| Url::parse(value.as_str()?).ok());
    parsed.map(|address| address.origin().ascii_serialization())
}

/// A path from the root on, with `/` on every system; one that lies elsewhere as it is.
fn below(path: &Path, root: &Path) -> String {
    let Ok(below) = path.strip_prefix(root) else { return path.display().to_string() };
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

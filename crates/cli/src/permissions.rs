//! What suites may do beyond the defaults. The user says so, on the command line, in the environment
//! or in a file of their own; a suite never can.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    str::FromStr,
};

use anyhow::{Context, Result, anyhow};
use evalmark_core::model::Provider;
use evalmark_runner::{Permissions, permissions::destination};
use evalmark_scoring::Metric;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::{args::PermissionArgs, load::LoadedSuite};

/// Version of what `check --permissions` prints.
const FORMAT_VERSION: u32 = 1;

/// The user's own configuration, `evalmark/config.yaml` in their folder of configurations.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    allow_keys: Vec<String>,
    allow_plain_http: Vec<String>,
}

/// Reads what the user allows.
pub(crate) fn grant(args: &PermissionArgs) -> Result<Permissions> {
    let config = config()?;
    let roots = args.root.iter().map(|root| {
        let real = std::fs::canonicalize(root).ok().filter(|root| root.is_dir());
        real.ok_or_else(|| anyhow!("`--root {}` is not a folder", root.display()))
    });
    let keys = args.allow_key.iter().cloned().chain(listed("EVALMARK_ALLOW_KEY"));
    let places = args.allow_plain_http.iter().cloned().chain(listed("EVALMARK_ALLOW_PLAIN_HTTP"));
    Ok(Permissions {
        roots: roots.collect::<Result<_>>()?,
        keys: parsed("--allow-key", keys.chain(config.allow_keys))?,
        plain_http: parsed("--allow-plain-http", places.chain(config.allow_plain_http))?,
    })
}

/// The words of a variable, with commas or blanks between.
fn listed(variable: &str) -> Vec<String> {
    let text = std::env::var(variable).unwrap_or_default();
    let words = text.split(|c: char| c == ',' || c.is_whitespace());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn parsed<T: FromStr<Err = String>>(
    option: &str,
    texts: impl Iterator<Item = String>,
) -> Result<Vec<T>> {
    texts.map(|text| text.parse().map_err(|why| anyhow!("`{option}`: {why}"))).collect()
}

fn config() -> Result<Config> {
    use etcetera::BaseStrategy;
    let Ok(strategy) = etcetera::choose_base_strategy() else { return Ok(Config::default()) };
    let path = strategy.config_dir().join("evalmark").join("config.yaml");
    if !path.is_file() {
        return Ok(Config::default());
    }
    let wrong = || format!("the configuration {} cannot be used", path.display());
    let text = std::fs::read_to_string(&path).with_context(wrong)?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Config::default());
    }
    let value = evalmark_core::suite::yaml(&text)
        .map_err(|mistake| anyhow!("line {}: {}", mistake.position.line, mistake.message))
        .with_context(wrong)?;
    serde_json::from_value(value).with_context(wrong)
}

/// What suites reach for: hosts, variables, files and programs, sorted, and the same on every
/// machine.
pub(crate) fn report(loaded: &[&LoadedSuite]) -> Value {
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
        let Provider::Server { base_url, .. } = &model.provider else { continue };
        let Ok(address) = Url::parse(base_url) else { continue };
        let origin = address.origin().ascii_serialization();
        hosts.insert(origin.clone());
        if let Some((variable, _)) = destination(model) {
            variables.entry(variable).or_default().insert(origin);
        }
    }
    let real = std::fs::canonicalize(&suite.path).unwrap_or_else(|_| suite.path.clone());
    let files: BTreeSet<_> = suite.access.files_read().iter().map(|path| shown(path)).collect();
    let programs: BTreeSet<_> =
        loaded.metrics.iter().filter_map(Metric::program).map(|program| &program.command).collect();
    let variable = |(name, hosts)| json!({ "name": name, "hosts": hosts });
    json!({
        "suite": shown(&real),
        "hosts": hosts,
        "variables": variables.into_iter().map(variable).collect::<Vec<_>>(),
        "files": files,
        "programs": programs,
    })
}

/// A path from the root on, with `/` on every system; one that lies elsewhere as it is.
fn below(path: &Path, root: &Path) -> String {
    let Ok(below) = path.strip_prefix(root) else { return path.display().to_string() };
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

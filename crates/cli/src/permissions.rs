//! What suites may do beyond the defaults. The user says so, on the command line, in the environment
//! or in a file of their own; a suite never can.

use std::{env::VarError, str::FromStr};

use anyhow::{Context, Result, anyhow};
use evalmark_runner::Permissions;
use serde::{Deserialize, Serialize};

use crate::args::PermissionArgs;

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
    let keys = args.allow_key.iter().cloned().chain(listed("EVALMARK_ALLOW_KEY")?);
    let places = listed("EVALMARK_ALLOW_PLAIN_HTTP")?;
    let places = args.allow_plain_http.iter().cloned().chain(places);
    Ok(Permissions {
        roots: roots.collect::<Result<_>>()?,
        keys: parsed("--allow-key", keys.chain(config.allow_keys))?,
        plain_http: parsed("--allow-plain-http", places.chain(config.allow_plain_http))?,
    })
}

/// The words of a variable, with commas or blanks between.
fn listed(variable: &str) -> Result<Vec<String>> {
    let text = match std::env::var(variable) {
        Err(VarError::NotPresent) => return Ok(Vec::new()),
        text => text.with_context(|| format!("the variable {variable} cannot be read"))?,
    };
    let words = text.split(|c: char| c == ',' || c.is_whitespace());
    Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
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

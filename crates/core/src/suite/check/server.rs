//! Checking the server of a model: its address, what goes into that, and whose key it takes.

use std::time::Duration;

use super::Checker;
use crate::{
    model::{ModelProgram, ModelServer, Provider},
    model_key::{KeyCommand, ModelKey},
    provider::{CheckedOptions, ProgramOptions, ProviderKind, Setting, SettingKey, SettingPlace},
    suite::raw::{RawModel, RawNames},
};

impl Checker<'_> {
    /// The server of the model at `at`; `None` after a mistake.
    pub(super) fn server(
        &mut self,
        at: &str,
        kind: &ProviderKind,
        raw: &RawModel,
    ) -> Option<Provider> {
        let key = self.key(at, kind, raw)?;
        let settings = self.settings(at, kind, raw);
        let (options, checked) = self.options(at, kind, raw)?;
        let CheckedOptions { base_url: said, program, tells_cost } = checked;
        if let Some(program) = program {
            return self.program(at, kind, raw, program);
        }
        if raw.base_url.is_some() && said.is_some() {
            let message = "the address stands under `base_url` and in the model's form, too";
            self.complain(&format!("{at}/base_url"), message);
            return None;
        }
        if let Some(base_url) = said {
            let open = ModelServer::open(kind.name, base_url);
            let server = ModelServer { key, options, tells_cost, ..open };
            return Some(Provider::Server(server));
        }
        let Some(base_url) = raw.base_url.as_deref().or(kind.base_url) else {
            let message = format!("`provider: {}` needs a `base_url`", kind.name);
            let hint = format!("{}; its address is your own", kind.summary);
            self.complain_with_hint(at, message, hint);
            return None;
        };
        let base_url = filled(base_url, raw.base_url.is_none(), &settings?);
        match base_url_problem(&base_url, kind.paths) {
            None => Some(Provider::Server(ModelServer {
                kind: kind.name,
                base_url: with_query(base_url.trim_end_matches('/'), kind.settings, raw),
                key,
                region: raw.region.clone(),
                api_version: raw.api_version.clone(),
                options,
                tells_cost,
            })),
            Some(problem) => {
                self.complain(&format!("{at}/base_url"), format!("`base_url` {problem}"));
                None
            }
        }
    }

    /// The program that answers for the model at `at`; `None` after a mistake.
    fn program(
        &mut self,
        at: &str,
        kind: &ProviderKind,
        raw: &RawModel,
        program: ProgramOptions,
    ) -> Option<Provider> {
        let of_servers = [
            ("base_url", raw.base_url.is_some()),
            ("api_key_env", raw.api_key_env.is_some()),
            ("api_key_command", raw.api_key_command.is_some()),
            ("ca_file", raw.ca_file.is_some()),
        ];
        let strays: Vec<_> = of_servers.into_iter().filter(|(_, is_there)| *is_there).collect();
        for (key, _) in &strays {
            let message = format!("`{key}` does not go with `provider: {}`", kind.name);
            let hint = "name the environment variables that the program sees under `env`";
            self.complain_with_hint(&format!("{at}/{key}"), message, hint.to_owned());
        }
        let ProgramOptions { words, variables } = program;
        let folder = self.folder.clone();
        strays.is_empty().then_some(Provider::Program(ModelProgram {
            kind: kind.name,
            words,
            folder,
            variables,
        }))
    }

    /// Where the model's key comes from; `None` after a mistake.
    fn key(&mut self, at: &str, kind: &ProviderKind, raw: &RawModel) -> Option<ModelKey> {
        let default = kind.key_variables.first().copied();
        let names = raw.api_key_env.clone().map(RawNames::into_vec);
        if names.iter().flatten().any(|name| !is_variable_name(name)) {
            let message = "`api_key_env` holds the NAME of an environment variable, not a key";
            let name = default.unwrap_or("MY_API_KEY");
            let hint = format!(
                "export the key as {name} and write `api_key_env: {name}`; if this was a real \
                 key, revoke it"
            );
            self.complain_with_hint(&format!("{at}/api_key_env"), message.to_owned(), hint);
            return None;
        }
        let lifetime = self.key_lifetime(at, raw);
        let is_own = raw.base_url.is_none() || kind.base_url.is_none();
        let default = default.filter(|_| is_own).map(|name| vec![name.to_owned()]);
        match (names, &raw.api_key_command) {
            (Some(_), Some(_)) => {
                let message = "`api_key_command` and `api_key_env` exclude each other";
                self.complain(&format!("{at}/api_key_command"), message.to_owned());
                None
            }
            (None, Some(words)) if words.first().is_none_or(String::is_empty) => {
                let message = "`api_key_command` must begin with a program";
                self.complain(&format!("{at}/api_key_command"), message.to_owned());
                None
            }
            (None, Some(words)) => {
                let command = KeyCommand { words: words.clone(), lifetime: lifetime? };
                Some(ModelKey::Command(command))
            }
            (Some(names), None) => self.key_variables(at, names),
            (None, None) => Some(default.map_or(ModelKey::None, ModelKey::Variables)),
        }
    }

    fn key_variables(&mut self, at: &str, names: Vec<String>) -> Option<ModelKey> {
        let is_twice = (1..names.len()).any(|i| names[..i].contains(&names[i]));
        if names.is_empty() || is_twice {
            let what = if is_twice { "names a variable twice" } else { "names no variable" };
            self.complain(&format!("{at}/api_key_env"), format!("`api_key_env` {what}"));
            return None;
        }
        Some(ModelKey::Variables(names))
    }

    /// How long a key is used, where the model says so; `None` after a mistake.
    #[expect(clippy::option_option, reason = "absent and wrong are different things")]
    fn key_lifetime(&mut self, at: &str, raw: &RawModel) -> Option<Option<Duration>> {
        let place = format!("{at}/api_key_lifetime");
        if raw.api_key_lifetime.is_some() && raw.api_key_command.is_none() {
            let message = "`api_key_lifetime` needs an `api_key_command`, which runs again then";
            self.complain(&place, message.to_owned());
            return None;
        }
        self.span(&place, raw.api_key_lifetime.as_deref())
    }

    /// The settings that the model has; `None` after a mistake.
    fn settings(
        &mut self,
        at: &str,
        kind: &ProviderKind,
        raw: &RawModel,
    ) -> Option<Vec<(SettingKey, String)>> {
        let n_mistakes = self.mistakes.len();
        let mut settings = Vec::new();
        for key in SettingKey::ALL {
            let known = kind.settings.iter().find(|setting| setting.key == key);
            let (name, value) = (key.as_str(), raw.setting(key));
            match (known, value) {
                (Some(_), Some(value)) if !is_plain(value) => {
                    let message = format!("`{name}` consists of letters, digits, `-`, `_` and `.`");
                    self.complain(&format!("{at}/{name}"), message);
                }
                (Some(_), Some(value)) => settings.push((key, value.to_owned())),
                // An address of one's own holds it already.
                (Some(setting), None)
                    if setting.is_required
                        && (raw.base_url.is_none() || setting.place != SettingPlace::Address) =>
                {
                    let article = if name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
                    let message = format!("`provider: {}` needs {article} `{name}`", kind.name);
                    let hint = format!("write one like `{name}: {}`", key.example());
                    self.complain_with_hint(at, message, hint);
                }
                (None, Some(_)) => {
                    let message = format!("`provider: {}` has no `{name}`", kind.name);
                    self.complain(&format!("{at}/{name}"), message);
                }
                (_, None) => {}
            }
        }
        (self.mistakes.len() == n_mistakes).then_some(settings)
    }
}

/// The provider's own address with its settings in their places; a suite's address as it is.
fn filled(base_url: &str, is_own: bool, settings: &[(SettingKey, String)]) -> String {
    let mut filled = base_url.to_owned();
    for (key, value) in settings.iter().filter(|_| is_own) {
        filled = filled.replace(&format!("{{{}}}", key.as_str()), value);
    }
    filled
}

/// The address with the settings that belong to its query.
fn with_query(base_url: &str, settings: &[Setting], raw: &RawModel) -> String {
    let query = |setting: &Setting| match setting.place {
        SettingPlace::Query(name) => Some(format!("{name}={}", raw.setting(setting.key)?)),
        SettingPlace::Address | SettingPlace::Header(_) => None,
    };
    let queries = settings.iter().filter_map(query);
    let query = queries.collect::<Vec<_>>().join("&");
    if query.is_empty() { base_url.to_owned() } else { format!("{base_url}?{query}") }
}

/// Whether a setting can stand in an address without changing it otherwise.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Whether `name` can be an environment variable, and does not look like a key itself.
fn is_variable_name(name: &str) -> bool {
    let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let looks_like_a_key = name.len() >= 16
        && name.contains(|c: char| c.is_ascii_digit())
        && (!name.contains('_') || name.contains(|c: char| c.is_ascii_lowercase()));
    let starts_well = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
    starts_well && name.chars().all(word) && !looks_like_a_key
}

/// What is wrong with a base URL, before which `paths` come. It is not repeated: it may hold a
/// password.
fn base_url_problem(text: &str, paths: &[&str]) -> Option<String> {
    let Ok(url) = url::Url::parse(text) else {
        return Some("is not a URL; write one like `http://127.0.0.1:8080/v1`".to_owned());
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Some("must begin with http:// or https:// and name a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("contains a user name or password; use `api_key_env`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some("must not have a query or fragment".to_owned());
    }
    let path = url.path().trim_end_matches('/');
    let end = paths.iter().find(|end| path.ends_with(**end))?;
    Some(format!("ends before `{end}`"))
}

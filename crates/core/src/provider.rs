//! Providers as the reader of suites needs to know them. Whoever asks models hands the catalog over,
//! so that no provider is named here.

use serde_json::{Map, Value};

use crate::{
    feature::Feature,
    model_quirk::{self, LogprobsForm, ModelQuirk},
    price::Price,
    prices::{self, PriceList},
};

/// The parameter whose own parameters are sent as they are.
pub const EXTRA: &str = "extra";

/// What a batch API usually takes off.
const USUAL_BATCH_DISCOUNT: f64 = 0.5;

/// A provider that a suite can name: a server of a vendor, and the protocol that it speaks.
#[derive(Clone, Copy, Debug)]
pub struct ProviderKind {
    /// The word that a suite writes under `provider`.
    pub name: &'static str,
    /// The protocol that its servers speak.
    pub protocol: &'static str,
    /// Who it is, in a few words.
    pub summary: &'static str,
    /// Where its servers are; `None` where only the suite can say. `{region}` and the like stand for
    /// the [`Setting`] of that name.
    pub base_url: Option<&'static str>,
    /// What a base URL must not end in, because it comes behind it: `/chat/completions`.
    pub paths: &'static [&'static str],
    /// Variables that hold its keys, the default one first; none where it wants no key.
    pub key_variables: &'static [&'static str],
    /// Hosts that its keys may go to, with those below them.
    pub key_hosts: &'static [&'static str],
    /// JSON Schema of the parameters that its servers know.
    pub params: fn() -> Value,
    /// Parameters that evalmark sets itself, and why a suite may not.
    pub reserved: &'static [(&'static str, &'static str)],
    /// Parameters that limit the tokens of an answer.
    pub output_limits: &'static [&'static str],
    /// Tokens of an answer, at most, where the suite does not say; `None`: no limit.
    pub default_output_limit: Option<u64>,
    /// Whether a parameter that it does not know is a mistake, since none is sent as it stands.
    pub knows_all_params: bool,
    /// Whether it gives embeddings.
    pub embeds: bool,
    /// What its protocol can do that others may lack.
    pub features: &'static [Feature],
    /// What of that it lacks itself.
    pub lacks: &'static [Feature],
    /// What its models take otherwise.
    pub quirks: &'static [ModelQuirk],
    /// Keys of a model that are its own.
    pub settings: &'static [Setting],
    /// Where a model's name goes.
    pub model_place: ModelPlace,
    /// Whether credentials are looked for where a model names the variable, and requests are signed with them.
    pub finds_credentials: bool,
    /// Where a suite could say under `extra` what a prompt says, by the prompt's key; a dot leads into a mapping.
    pub said_by_prompts: &'static [(&'static str, &'static str)],
    /// How its models are asked, where only the suite can say.
    pub options: Option<OptionsKind>,
    /// Its own list of prices, as YAML.
    pub prices: Option<&'static str>,
    /// A cheap model of its price list to begin with; `None` where no list is known.
    pub first_model: Option<&'static str>,
    /// What a suite writes to ask it, as far as that is not said above.
    pub example_model: ExampleModel,
}

/// Where a model's name goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelPlace {
    /// Into the body, where it may be anything.
    Body,
    /// Into the address, where a part `..` would lead elsewhere.
    Address,
}

/// What stands in the entry of a model for someone to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExampleModel {
    /// A model that it serves; `None`: [`ProviderKind::first_model`].
    pub model: Option<&'static str>,
    /// An address, where only the suite can say.
    pub base_url: Option<&'static str>,
    /// A region, where one has to be named.
    pub region: Option<&'static str>,
    /// Lines of YAML that no other provider has, without indentation.
    pub more: &'static str,
}

impl ExampleModel {
    /// Nothing but what the provider says itself.
    pub const NONE: Self = Self { model: None, base_url: None, region: None, more: "" };

    /// This model.
    pub const fn named(model: &'static str) -> Self {
        Self { model: Some(model), ..Self::NONE }
    }
}

/// A key of a model under which the suite says how it is asked.
#[derive(Clone, Copy, Debug)]
pub struct OptionsKind {
    /// The key.
    pub key: &'static str,
    /// JSON Schema of what stands there.
    pub schema: fn() -> Value,
    /// Checks what stands there.
    pub check: fn(&ModelOptions<'_>) -> Result<CheckedOptions, Vec<OptionProblem>>,
}

/// What a model says of how it is asked, and what it depends on.
#[derive(Clone, Copy, Debug)]
pub struct ModelOptions<'a> {
    /// What stands under the key.
    pub options: &'a Value,
    /// The model's name at the provider.
    pub model: &'a str,
    /// Its parameters.
    pub params: &'a Map<String, Value>,
    /// Whether it has a key.
    pub has_key: bool,
    /// Whether its answers are to come piece by piece.
    pub is_streamed: bool,
}

/// What follows from how a model is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedOptions {
    /// Where it is asked, where that is said there; it decides where the model's key goes.
    pub base_url: Option<String>,
    /// Whether its answers say what they cost.
    pub tells_cost: bool,
    /// The program to start, for a provider that is not a server.
    pub program: Option<ProgramOptions>,
}

/// A program that answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramOptions {
    /// Its name and its arguments.
    pub words: Vec<String>,
    /// Environment variables that it sees besides those of every program.
    pub variables: Vec<String>,
}

/// What is wrong with how a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionProblem {
    /// JSON pointer from what stands under the key.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl OptionProblem {
    /// One without advice.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// A key of a model that says more of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key: one of those that every model may have.
    pub key: SettingKey,
    /// Whether a model must have it.
    pub is_required: bool,
    /// Where it goes.
    pub place: SettingPlace,
}

/// Where a setting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingPlace {
    /// Into the provider's own address, in the place of its name in braces.
    Address,
    /// Into the address's query, as this parameter.
    Query(&'static str),
    /// Into this header of every request.
    Header(&'static str),
}

/// Keys that only some providers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKey {
    /// Where in the world the server stands.
    Region,
    /// Whose account is used.
    Project,
    /// Which version of the protocol is spoken.
    ApiVersion,
}

impl SettingKey {
    /// Every key.
    pub const ALL: [Self; 3] = [Self::Region, Self::Project, Self::ApiVersion];

    /// A value for someone to begin with.
    pub fn example(self) -> &'static str {
        match self {
            Self::Region => "us-east-1",
            Self::Project => "my-project",
            Self::ApiVersion => "2024-10-21",
        }
    }

    /// As a suite writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Project => "project",
            Self::ApiVersion => "api_version",
        }
    }
}

impl ProviderKind {
    /// Whether it can do this.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature) && !self.lacks.contains(&feature)
    }

    /// A model of it for someone to begin with; where nobody knows one, a word that stands for it.
    pub fn an_example(&self) -> &'static str {
        self.example_model.model.or(self.first_model).unwrap_or("MODEL")
    }

    /// The quirks of its models at an address: other servers may have others of the same name.
    fn quirks_at(&self, base_url: Option<&str>) -> &'static [ModelQuirk] {
        let is_own = self.base_url.is_none() || base_url.is_none() || base_url == self.base_url;
        if is_own { self.quirks } else { &[] }
    }

    /// The parameters as a model at an address takes them; `None`: as they are.
    pub fn params_as_taken(
        &self,
        base_url: Option<&str>,
        model: &str,
        params: &Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        model_quirk::as_taken(self.quirks_at(base_url), model, params)
    }

    /// How a model at an address is asked for logprobs, where that is known to differ from the protocol.
    pub fn logprobs_form(&self, base_url: Option<&str>, model: &str) -> Option<LogprobsForm> {
        model_quirk::logprobs_form(self.quirks_at(base_url), model)
    }

    /// The parameters among these that a model at an address refuses.
    pub fn refused_params(
        &self,
        base_url: Option<&str>,
        model: &str,
        params: &Map<String, Value>,
    ) -> Vec<&'static str> {
        model_quirk::refused(self.quirks_at(base_url), model, params).collect()
    }

    /// The list price of a model at an address; `None` where nobody knows. Only the provider's own
    /// address has list prices: what another server asks for a model of the same name is unknown.
    pub fn price(&self, base_url: &str, model: &str) -> Option<Price> {
        prices::price(self.prices?, self.base_url, base_url, model)
    }

    /// The share that its batch API takes off; 0 where it is not known to have one.
    pub fn batch_discount(&self) -> f64 {
        let list = self.prices.and_then(|list| PriceList::parse(list).ok());
        let usual = if self.has(Feature::Batches) { USUAL_BATCH_DISCOUNT } else { 0.0 };
        list.map_or(usual, |list| list.batch_discount)
    }

    /// Tokens of an answer, at most, under these parameters.
    pub fn max_output_tokens(&self, params: &Map<String, Value>) -> Option<u64> {
        self.output_limit(params).or(self.default_output_limit)
    }

    /// The same, as far as the parameters say.
    pub fn output_limit(&self, params: &Map<String, Value>) -> Option<u64> {
        self.output_limits.iter().find_map(|name| params.get(*name)?.as_u64())
    }
}

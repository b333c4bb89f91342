//! Vendors: a row each for those whose servers speak OpenAI's protocol, and what others share.

use evalmark_core::{
    feature::Feature,
    key_hosts::KeyOwner,
    model_quirk::{LogprobsForm, ModelQuirk, QuirkyModels},
    provider::ExampleModel,
};

use super::protocol::Vendor;

/// What most vendors have in common: `Authorization: Bearer KEY`, and no list of prices.
const COMPATIBLE: Vendor = Vendor {
    name: "",
    summary: "",
    base_url: None,
    key_variables: &[],
    key_hosts: &[],
    key_header: None,
    takes_tokens: false,
    has_batches: false,
    lacks: &[],
    quirks: &[],
    prices: None,
    first_model: None,
    example_model: ExampleModel::NONE,
};

/// OpenAI's models. Of those that think: <https://platform.openai.com/docs/guides/reasoning> and Azure's page of the same
/// title. Later ones than these take a temperature where they are asked not to think.
const OWN_MODELS: &[ModelQuirk] = &[
    // https://platform.openai.com/docs/api-reference/chat/create
    ModelQuirk {
        logprobs: Some(LogprobsForm::Switch { most: 20 }),
        ..ModelQuirk::none(QuirkyModels::All)
    },
    ModelQuirk {
        renamed: &[("max_tokens", "max_completion_tokens")],
        ..ModelQuirk::none(QuirkyModels::Families(&["o1", "o3", "o4", "gpt-5"]))
    },
    THINK_AT_ONE_TEMPERATURE,
    ModelQuirk {
        refused: &["stop"],
        ..ModelQuirk::none(QuirkyModels::Versions(&["o3", "o4-mini"]))
    },
];

/// The same in the Responses API, which has one name for the limit.
pub(super) const THINK_AT_ONE_TEMPERATURE: ModelQuirk = ModelQuirk {
    refused: &["temperature"],
    ..ModelQuirk::none(QuirkyModels::Versions(&[
        "o1",
        "o1-mini",
        "o1-preview",
        "o1-pro",
        "o3",
        "o3-mini",
        "o3-pro",
        "o4-mini",
        "gpt-5",
        "gpt-5-mini",
        "gpt-5-nano",
    ]))
};

/// OpenAI.
pub(super) const OPENAI_ITSELF: Vendor = Vendor {
    name: "openai",
    summary: "OpenAI, and any server that speaks its protocol",
    base_url: Some("https://api.openai.com/v1"),
    key_variables: &["OPENAI_API_KEY"],
    key_hosts: &["api.openai.com"],
    has_batches: true,
    quirks: OWN_MODELS,
    prices: Some(include_str!("prices/openai.yaml")),
    first_model: Some("gpt-4o-mini"),
    ..COMPATIBLE
};

/// Azure, whose addresses are their users' own.
pub(super) const AZURE: Vendor = Vendor {
    name: "azure",
    summary: "Azure OpenAI, at `https://RESOURCE.openai.azure.com/openai/v1`",
    key_variables: &["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"],
    key_hosts: &["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"],
    key_header: Some("api-key"),
    takes_tokens: true,
    quirks: OWN_MODELS,
    example_model: ExampleModel {
        base_url: Some("https://RESOURCE.openai.azure.com/openai/v1"),
        ..ExampleModel::named("gpt-4o-mini")
    },
    ..COMPATIBLE
};

/// Cohere, which has a protocol of its own, and at another address OpenAI's.
pub(super) const COHERE: Vendor = Vendor {
    name: "cohere",
    summary: "Cohere's own API, version 2, and any server that speaks it",
    base_url: Some("https://api.cohere.com"),
    key_variables: &["COHERE_API_KEY", "CO_API_KEY"],
    key_hosts: &["api.cohere.com", "api.cohere.ai"],
    prices: Some(include_str!("prices/cohere.yaml")),
    first_model: Some("command-r7b-12-2024"),
    ..COMPATIBLE
};

/// Every vendor, the protocol's own first.
pub(super) const OPENAI: &[Vendor] = &[
    OPENAI_ITSELF,
    AZURE,
    Vendor {
        name: "cerebras",
        summary: "Cerebras",
        base_url: Some("https://api.cerebras.ai/v1"),
        key_variables: &["CEREBRAS_API_KEY"],
        key_hosts: &["api.cerebras.ai"],
        example_model: ExampleModel::named("gpt-oss-120b"),
        ..COMPATIBLE
    },
    Vendor {
        name: "dashscope",
        summary: "Alibaba Cloud Model Studio",
        base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        key_variables: &["DASHSCOPE_API_KEY"],
        key_hosts: &["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"],
        example_model: ExampleModel::named("qwen-plus"),
        ..COMPATIBLE
    },
    Vendor {
        name: "deepinfra",
        summary: "DeepInfra",
        base_url: Some("https://api.deepinfra.com/v1/openai"),
        key_variables: &["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
        key_hosts: &["api.deepinfra.com"],
        // https://deepinfra.com/docs/advanced/log_probs
        lacks: &[Feature::Logprobs, Feature::TopLogprobs],
        example_model: ExampleModel::named("meta-llama/Meta-Llama-3.1-8B-Instruct"),
        ..COMPATIBLE
    },
    Vendor {
        name: "deepseek",
        summary: "DeepSeek",
        base_url: Some("https://api.deepseek.com/v1"),
        key_variables: &["DEEPSEEK_API_KEY"],
        key_hosts: &["api.deepseek.com"],
        // Its `response_format` is `text` or `json_object`: https://api-docs.deepseek.com/api/create-chat-completion
        lacks: &[Feature::JsonSchema],
        example_model: ExampleModel::named("deepseek-chat"),
        ..COMPATIBLE
    },
    Vendor {
        name: "fireworks",
        summary: "Fireworks AI",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        key_variables: &["FIREWORKS_API_KEY"],
        key_hosts: &["api.fireworks.ai"],
        example_model: ExampleModel::named("accounts/fireworks/models/gpt-oss-120b"),
        ..COMPATIBLE
    },
    Vendor {
        name: "github",
        summary: "GitHub Models",
        base_url: Some("https://models.github.ai/inference"),
        key_variables: &["GITHUB_TOKEN"],
        key_hosts: &["models.github.ai"],
        example_model: ExampleModel::named("openai/gpt-4o-mini"),
        ..COMPATIBLE
    },
    Vendor {
        name: "groq",
        summary: "Groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        key_variables: &["GROQ_API_KEY"],
        key_hosts: &["api.groq.com"],
        has_batches: true,
        // https://console.groq.com/docs/openai
        lacks: &[Feature::Logprobs, Feature::TopLogprobs],
        quirks: &[ModelQuirk { refused: &["logit_bias"], ..ModelQuirk::none(QuirkyModels::All) }],
        example_model: ExampleModel::named("llama-3.1-8b-instant"),
        ..COMPATIBLE
    },
    Vendor {
        name: "huggingface",
        summary: "Hugging Face's router of inference providers",
        base_url: Some("https://router.huggingface.co/v1"),
        key_variables: &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
        key_hosts: &["router.huggingface.co"],
        example_model: ExampleModel::named("openai/gpt-oss-120b"),
        ..COMPATIBLE
    },
    Vendor {
        name: "huggingface-endpoints",
        // Whoever has an endpoint there sees its tokens: the key of one goes to no other by itself.
        summary: "Inference endpoints of your own at Hugging Face; a protected one wants `api_key_env: HF_TOKEN`, and `--allow-key HF_TOKEN@HOST`",
        example_model: ExampleModel {
            base_url: Some("https://ID.REGION.aws.endpoints.huggingface.cloud/v1"),
            ..ExampleModel::named("tgi")
        },
        ..COMPATIBLE
    },
    Vendor {
        name: "mistral",
        summary: "Mistral AI",
        base_url: Some("https://api.mistral.ai/v1"),
        key_variables: &["MISTRAL_API_KEY"],
        key_hosts: &["api.mistral.ai"],
        example_model: ExampleModel::named("mistral-small-latest"),
        ..COMPATIBLE
    },
    Vendor {
        name: "moonshot",
        summary: "Moonshot AI",
        base_url: Some("https://api.moonshot.ai/v1"),
        key_variables: &["MOONSHOT_API_KEY"],
        key_hosts: &["api.moonshot.ai", "api.moonshot.cn"],
        example_model: ExampleModel::named("kimi-k2-0905-preview"),
        ..COMPATIBLE
    },
    Vendor {
        name: "nebius",
        summary: "Nebius Token Factory",
        base_url: Some("https://api.tokenfactory.nebius.com/v1"),
        key_variables: &["NEBIUS_API_KEY"],
        key_hosts: &["api.studio.nebius.com", "api.tokenfactory.nebius.com"],
        example_model: ExampleModel::named("meta-llama/Meta-Llama-3.1-8B-Instruct"),
        ..COMPATIBLE
    },
    Vendor {
        name: "novita",
        summary: "Novita AI",
        base_url: Some("https://api.novita.ai/openai/v1"),
        key_variables: &["NOVITA_API_KEY"],
        key_hosts: &["api.novita.ai"],
        example_model: ExampleModel::named("meta-llama/llama-3.1-8b-instruct"),
        ..COMPATIBLE
    },
    Vendor {
        name: "nvidia",
        summary: "NVIDIA's API catalogue",
        base_url: Some("https://integrate.api.nvidia.com/v1"),
        key_variables: &["NVIDIA_API_KEY"],
        key_hosts: &["integrate.api.nvidia.com"],
        example_model: ExampleModel::named("meta/llama-3.1-8b-instruct"),
        ..COMPATIBLE
    },
    Vendor {
        name: "openrouter",
        summary: "OpenRouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        key_variables: &["OPENROUTER_API_KEY"],
        key_hosts: &["openrouter.ai"],
        example_model: ExampleModel::named("openai/gpt-4o-mini"),
        ..COMPATIBLE
    },
    Vendor {
        name: "perplexity",
        summary: "Perplexity",
        base_url: Some("https://api.perplexity.ai"),
        key_variables: &["PERPLEXITY_API_KEY"],
        key_hosts: &["api.perplexity.ai"],
        example_model: ExampleModel::named("sonar"),
        ..COMPATIBLE
    },
    Vendor {
        name: "sambanova",
        summary: "SambaNova",
        base_url: Some("https://api.sambanova.ai/v1"),
        key_variables: &["SAMBANOVA_API_KEY"],
        key_hosts: &["api.sambanova.ai"],
        example_model: ExampleModel::named("Meta-Llama-3.3-70B-Instruct"),
        ..COMPATIBLE
    },
    Vendor {
        name: "together",
        summary: "Together AI",
        base_url: Some("https://api.together.xyz/v1"),
        key_variables: &["TOGETHER_API_KEY"],
        key_hosts: &["api.together.xyz", "api.together.ai"],
        // https://docs.together.ai/reference/chat-completions-1
        quirks: &[ModelQuirk {
            logprobs: Some(LogprobsForm::Number { most: 20 }),
            ..ModelQuirk::none(QuirkyModels::All)
        }],
        example_model: ExampleModel::named("meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ..COMPATIBLE
    },
    Vendor {
        name: "xai",
        summary: "xAI",
        base_url: Some("https://api.x.ai/v1"),
        key_variables: &["XAI_API_KEY"],
        key_hosts: &["api.x.ai"],
        example_model: ExampleModel::named("grok-3-mini"),
        ..COMPATIBLE
    },
    Vendor {
        name: "zai",
        summary: "Z.ai",
        base_url: Some("https://api.z.ai/api/paas/v4"),
        key_variables: &["ZAI_API_KEY"],
        key_hosts: &["api.z.ai"],
        example_model: ExampleModel::named("glm-4.5-air"),
        ..COMPATIBLE
    },
    Vendor {
        name: "litellm",
        summary: "LiteLLM's proxy on this machine; `api_key_env: LITELLM_API_KEY` where it wants a key",
        base_url: Some("http://127.0.0.1:4000/v1"),
        example_model: ExampleModel::named("gpt-4o-mini"),
        ..COMPATIBLE
    },
    Vendor {
        name: "llamacpp",
        summary: "llama.cpp's server on this machine",
        base_url: Some("http://127.0.0.1:8080/v1"),
        example_model: ExampleModel::named("local"),
        ..COMPATIBLE
    },
    Vendor {
        name: "lmstudio",
        summary: "LM Studio on this machine",
        base_url: Some("http://127.0.0.1:1234/v1"),
        example_model: ExampleModel::named("qwen2.5-7b-instruct"),
        ..COMPATIBLE
    },
    Vendor {
        name: "ollama",
        summary: "Ollama on this machine",
        base_url: Some("http://127.0.0.1:11434/v1"),
        example_model: ExampleModel::named("llama3.2"),
        ..COMPATIBLE
    },
    Vendor {
        name: "tgi",
        summary: "Hugging Face's Text Generation Inference on this machine",
        base_url: Some("http://127.0.0.1:3000/v1"),
        lacks: &[Feature::Audio, Feature::Files],
        example_model: ExampleModel::named("tgi"),
        ..COMPATIBLE
    },
    Vendor {
        name: "transformers",
        summary: "Hugging Face's `transformers serve` on this machine",
        base_url: Some("http://127.0.0.1:8000/v1"),
        // What it knows and leaves out of account, and what it does not know.
        lacks: &[
            Feature::Files,
            Feature::ToolChoice,
            Feature::NamedTool,
            Feature::JsonSchema,
            Feature::Logprobs,
            Feature::TopLogprobs,
        ],
        quirks: &[ModelQuirk {
            refused: &["response_format", "tool_choice", "presence_penalty", "reasoning_effort"],
            ..ModelQuirk::none(QuirkyModels::All)
        }],
        example_model: ExampleModel::named("Qwen/Qwen2.5-0.5B-Instruct"),
        ..COMPATIBLE
    },
    Vendor {
        name: "vllm",
        summary: "vLLM on this machine",
        base_url: Some("http://127.0.0.1:8000/v1"),
        example_model: ExampleModel::named("Qwen/Qwen2.5-7B-Instruct"),
        ..COMPATIBLE
    },
];

/// Keys of providers that no suite can name yet, and the hosts that they belong to.
pub(super) const OTHER_KEYS: &[KeyOwner] =
    &[KeyOwner { variable: "VOYAGE_API_KEY", hosts: &["api.voyageai.com"] }];

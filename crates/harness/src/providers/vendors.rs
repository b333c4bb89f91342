//! Vendors whose servers speak OpenAI's protocol: a row each.

use evalmark_core::key_hosts::KeyOwner;

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
    prices: None,
    first_model: None,
};

/// OpenAI.
pub(super) const OPENAI_ITSELF: Vendor = Vendor {
    name: "openai",
    summary: "OpenAI, and any server that speaks its protocol",
    base_url: Some("https://api.openai.com/v1"),
    key_variables: &["OPENAI_API_KEY"],
    key_hosts: &["api.openai.com"],
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
        ..COMPATIBLE
    },
    Vendor {
        name: "cohere",
        summary: "Cohere",
        base_url: Some("https://api.cohere.ai/compatibility/v1"),
        key_variables: &["COHERE_API_KEY", "CO_API_KEY"],
        key_hosts: &["api.cohere.com", "api.cohere.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "dashscope",
        summary: "Alibaba Cloud Model Studio",
        base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        key_variables: &["DASHSCOPE_API_KEY"],
        key_hosts: &["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"],
        ..COMPATIBLE
    },
    Vendor {
        name: "deepinfra",
        summary: "DeepInfra",
        base_url: Some("https://api.deepinfra.com/v1/openai"),
        key_variables: &["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
        key_hosts: &["api.deepinfra.com"],
        ..COMPATIBLE
    },
    Vendor {
        name: "deepseek",
        summary: "DeepSeek",
        base_url: Some("https://api.deepseek.com/v1"),
        key_variables: &["DEEPSEEK_API_KEY"],
        key_hosts: &["api.deepseek.com"],
        ..COMPATIBLE
    },
    Vendor {
        name: "fireworks",
        summary: "Fireworks AI",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        key_variables: &["FIREWORKS_API_KEY"],
        key_hosts: &["api.fireworks.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "github",
        summary: "GitHub Models",
        base_url: Some("https://models.github.ai/inference"),
        key_variables: &["GITHUB_TOKEN"],
        key_hosts: &["models.github.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "groq",
        summary: "Groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        key_variables: &["GROQ_API_KEY"],
        key_hosts: &["api.groq.com"],
        ..COMPATIBLE
    },
    Vendor {
        name: "huggingface",
        summary: "Hugging Face's router of inference providers",
        base_url: Some("https://router.huggingface.co/v1"),
        key_variables: &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
        key_hosts: &["router.huggingface.co"],
        ..COMPATIBLE
    },
    Vendor {
        name: "mistral",
        summary: "Mistral AI",
        base_url: Some("https://api.mistral.ai/v1"),
        key_variables: &["MISTRAL_API_KEY"],
        key_hosts: &["api.mistral.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "moonshot",
        summary: "Moonshot AI",
        base_url: Some("https://api.moonshot.ai/v1"),
        key_variables: &["MOONSHOT_API_KEY"],
        key_hosts: &["api.moonshot.ai", "api.moonshot.cn"],
        ..COMPATIBLE
    },
    Vendor {
        name: "nebius",
        summary: "Nebius Token Factory",
        base_url: Some("https://api.tokenfactory.nebius.com/v1"),
        key_variables: &["NEBIUS_API_KEY"],
        key_hosts: &["api.studio.nebius.com", "api.tokenfactory.nebius.com"],
        ..COMPATIBLE
    },
    Vendor {
        name: "novita",
        summary: "Novita AI",
        base_url: Some("https://api.novita.ai/openai/v1"),
        key_variables: &["NOVITA_API_KEY"],
        key_hosts: &["api.novita.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "nvidia",
        summary: "NVIDIA's API catalogue",
        base_url: Some("https://integrate.api.nvidia.com/v1"),
        key_variables: &["NVIDIA_API_KEY"],
        key_hosts: &["integrate.api.nvidia.com"],
        ..COMPATIBLE
    },
    Vendor {
        name: "openrouter",
        summary: "OpenRouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        key_variables: &["OPENROUTER_API_KEY"],
        key_hosts: &["openrouter.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "perplexity",
        summary: "Perplexity",
        base_url: Some("https://api.perplexity.ai"),
        key_variables: &["PERPLEXITY_API_KEY"],
        key_hosts: &["api.perplexity.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "sambanova",
        summary: "SambaNova",
        base_url: Some("https://api.sambanova.ai/v1"),
        key_variables: &["SAMBANOVA_API_KEY"],
        key_hosts: &["api.sambanova.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "together",
        summary: "Together AI",
        base_url: Some("https://api.together.xyz/v1"),
        key_variables: &["TOGETHER_API_KEY"],
        key_hosts: &["api.together.xyz", "api.together.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "xai",
        summary: "xAI",
        base_url: Some("https://api.x.ai/v1"),
        key_variables: &["XAI_API_KEY"],
        key_hosts: &["api.x.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "zai",
        summary: "Z.ai",
        base_url: Some("https://api.z.ai/api/paas/v4"),
        key_variables: &["ZAI_API_KEY"],
        key_hosts: &["api.z.ai"],
        ..COMPATIBLE
    },
    Vendor {
        name: "llamacpp",
        summary: "llama.cpp's server on this machine",
        base_url: Some("http://127.0.0.1:8080/v1"),
        ..COMPATIBLE
    },
    Vendor {
        name: "lmstudio",
        summary: "LM Studio on this machine",
        base_url: Some("http://127.0.0.1:1234/v1"),
        ..COMPATIBLE
    },
    Vendor {
        name: "ollama",
        summary: "Ollama on this machine",
        base_url: Some("http://127.0.0.1:11434/v1"),
        ..COMPATIBLE
    },
    Vendor {
        name: "vllm",
        summary: "vLLM on this machine",
        base_url: Some("http://127.0.0.1:8000/v1"),
        ..COMPATIBLE
    },
];

/// Keys of providers that no suite can name yet, and the hosts that they belong to.
pub(super) const OTHER_KEYS: &[KeyOwner] =
    &[KeyOwner { variable: "VOYAGE_API_KEY", hosts: &["api.voyageai.com"] }];

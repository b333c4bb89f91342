"""One prompt through each official SDK; runs in the SDKs' own environment: `sdk_calls.py NAME ADDRESS`."""

import sys

SYSTEM, PROMPT = "Be brief.", "What is the capital of France?"
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def openai_client(at: str):
    from openai import OpenAI

    return OpenAI(base_url=f"{at}/v1", api_key="canary")


def openai(at: str) -> None:
    function = {"name": "look_up", "description": "Looks up.", "parameters": PARAMETERS}
    openai_client(at).chat.completions.create(
        model="m", messages=MESSAGES, temperature=0, max_tokens=8, seed=7, stop=["END"],
        tools=[{"type": "function", "function": function}], tool_choice="required",
    )  # fmt: skip


def openai_embeddings(at: str) -> None:
    openai_client(at).embeddings.create(model="m", input=["Paris"], encoding_format="float")


def responses(at: str) -> None:
    tool = {"type": "function", "name": "look_up", "description": "Looks up.", "parameters": PARAMETERS, "strict": False}
    openai_client(at).responses.create(
        model="m", instructions=SYSTEM, input=[{"role": "user", "content": PROMPT}], temperature=0, max_output_tokens=8,
        store=False, tools=[tool], tool_choice="required",
    )  # fmt: skip


def completions(at: str) -> None:
    openai_client(at).completions.create(model="m", prompt=PROMPT, temperature=0, max_tokens=8)


def anthropic(at: str) -> None:
    from anthropic import Anthropic

    Anthropic(base_url=at, api_key="canary").messages.create(
        model="m", system=SYSTEM, messages=[{"role": "user", "content": PROMPT}], max_tokens=8,
        stop_sequences=["END"], tools=[{"name": "look_up", "description": "Looks up.", "input_schema": PARAMETERS}],
        tool_choice={"type": "any"},
    )  # fmt: skip


def cohere(at: str) -> None:
    from cohere import ClientV2

    function = {"name": "look_up", "description": "Looks up.", "parameters": PARAMETERS}
    ClientV2(api_key="canary", base_url=at).chat(
        model="m", messages=MESSAGES, temperature=0, max_tokens=8, seed=7, stop_sequences=["END"],
        tools=[{"type": "function", "function": function}], tool_choice="REQUIRED",
    )  # fmt: skip


def cohere_embed(at: str) -> None:
    from cohere import ClientV2

    ClientV2(api_key="canary", base_url=at).embed(
        model="m", texts=["Paris"], input_type="search_document", embedding_types=["float"]
    )


def gemini(at: str) -> None:
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="canary", http_options=types.HttpOptions(base_url=at))
    function = types.FunctionDeclaration(name="look_up", description="Looks up.", parameters_json_schema=PARAMETERS)
    calling = types.FunctionCallingConfig(mode="ANY")
    config = types.GenerateContentConfig(
        system_instruction=SYSTEM, temperature=0, max_output_tokens=8, seed=7, stop_sequences=["END"],
        tools=[types.Tool(function_declarations=[function])],
        tool_config=types.ToolConfig(function_calling_config=calling),
    )  # fmt: skip
    client.models.generate_content(model="m", contents=PROMPT, config=config)


def bedrock(at: str) -> None:
    import boto3

    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "canary", "region_name": "us-east-1"}
    tool = {"name": "look_up", "description": "Looks up.", "inputSchema": {"json": PARAMETERS}}
    boto3.client("bedrock-runtime", endpoint_url=at, **keys).converse(
        modelId="m", system=[{"text": SYSTEM}], messages=[{"role": "user", "content": [{"text": PROMPT}]}],
        inferenceConfig={"temperature": 0, "maxTokens": 8, "stopSequences": ["END"]},
        toolConfig={"tools": [{"toolSpec": tool}], "toolChoice": {"any": {}}},
    )  # fmt: skip


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])

// An application that asks a model and is traced by the SDK of OpenTelemetry for JavaScript: `app.cjs INSTRUMENTATION`.
//
// `OPENAI_BASE_URL` says where the model is, `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_PROTOCOL` where spans
// go, and how.
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { trace } = require("@opentelemetry/api");

const INSTRUMENTATIONS = {
  opentelemetry: "@opentelemetry/instrumentation-openai",
  openllmetry: "@traceloop/instrumentation-openai",
  openinference: "@arizeai/openinference-instrumentation-openai",
};
const TOOLS = [{ type: "function", function: { name: "refund", parameters: { type: "object", properties: {} } } }];

async function main(instrumentation) {
  const { OpenAIInstrumentation } = require(INSTRUMENTATIONS[instrumentation]);
  const sdk = new NodeSDK({ instrumentations: [new OpenAIInstrumentation()] });
  sdk.start();
  // Only what is loaded after the start is traced.
  const { OpenAI } = require("openai");
  await ask(new OpenAI({ apiKey: "unused", maxRetries: 0 }));
  await sdk.shutdown();
}

// Four requests: answered, streamed, a call of a tool, and one that the model refuses.
async function ask(client) {
  const chat = (text, more) =>
    client.chat.completions.create({
      model: "small",
      messages: [
        { role: "system", content: "You answer customers." },
        { role: "user", content: text },
      ],
      ...more,
    });
  await trace.getTracer("app").startActiveSpan("handle tickets", async (span) => {
    await chat("Where is parcel 1?");
    for await (const _ of await chat("Where is parcel 2?", { stream: true, stream_options: { include_usage: true } }));
    await chat("Refund parcel 3.", { tools: TOOLS });
    await chat("Fail for parcel 4.").catch(() => {});
    await new Promise((done) => setTimeout(done, 500));
    span.end();
  });
}

main(process.argv[2]);

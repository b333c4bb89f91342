// Runs to look at, made by the program with recorded answers: no key, and no network.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, "../../../..");

const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const program = process.env.EVALMARK ?? join(target, "debug/evalmark");

/** Where all runs of this process lie; in a folder that is named, those that are there stay. */
export const folder = process.env.EVALMARK_TEST_RUNS ?? mkdtempSync(join(tmpdir(), "evalmark-page-"));
if (process.env.EVALMARK_TEST_RUNS) mkdirSync(folder, { recursive: true });
else process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Runs the program, and fails where it ends with another code. */
export function evalmark(args, codes = [0, 1, 3]) {
  if (!existsSync(program)) throw new Error(`${program} is missing: cargo build -p evalmark`);
  const ran = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  if (!codes.includes(ran.status)) {
    throw new Error(`evalmark ${args.join(" ")} ended with ${ran.status}: ${ran.stderr}`);
  }
  return ran;
}

/** The quickstart's page. */
export function quickstart() {
  const page = join(folder, "quick/quickstart/r/report.html");
  const suite = join(root, "suites/quickstart.yaml");
  if (!existsSync(page)) evalmark(["run", suite, "--out", "quick", "--run-id", "r"]);
  return page;
}

const LABELS = ["money", "delivery", "login"];
const QUESTIONS = [
  "My card was charged twice for the same order",
  "Where is the parcel that should have come on Monday?",
  "The page says that my password is wrong",
  "Kann ich die Rechnung noch einmal bekommen?",
  "I get no mail when I ask for a new password",
  "The courier left it with somebody I do not know",
];

/** An item of a dataset of messages, with an answer that is right or wrong. */
export function message(n, isRight, said) {
  const right = LABELS[n % 3];
  const wrong = LABELS[(n + 1) % 3];
  return {
    id: `M-${String(n).padStart(5, "0")}`,
    text: `${QUESTIONS[n % QUESTIONS.length]} (order ${1000 + n})`,
    label: right,
    channel: n % 2 ? "mail" : "chat",
    answer: said ?? (isRight ? right : wrong),
  };
}

/** A suite over such a dataset. */
function suite(name, template, second) {
  const more = second ? `  - { name: second, template: '${second}' }\n` : "";
  return `name: ${name}
dataset: { path: data.jsonl, id: id, target: label, slices: [channel] }
prompts:
  - name: topic
    template: |
      ${template}
      Message: {{ text }}
      Topic:
${more}models:
  - { name: small, provider: recorded, recorded: { column: answer }, price: { input: 0.15, output: 0.6 } }
metrics:
  - name: right
    exact: { normalize: [trim, casefold] }
  - name: like
    fuzzy: { algorithm: jaro_winkler }
  - name: topic
    label: { labels: [money, delivery, login] }
gate:
  metrics: { right: { margin: 0.03 }, like: { margin: 0.03 } }
`;
}

/** A dataset's lines; `edit` writes what JSON has no value for. */
function lines(items, edit = (line) => line) {
  return items.map((item) => edit(JSON.stringify(item))).join("\n");
}

/** A run of these items, compared with one of others under another prompt; answers with its page. */
export function compared(name, before, after, options = {}) {
  const place = join(folder, name);
  const page = join(place, "out", name, "after/report.html");
  if (existsSync(page)) return page;
  mkdirSync(place, { recursive: true });
  const run = (id, template, items, more) => {
    writeFileSync(join(place, "suite.yaml"), suite(name, template, options.second));
    writeFileSync(join(place, "data.jsonl"), lines(items, options.edit));
    evalmark(["run", `${name}/suite.yaml`, "--out", `${name}/out`, "--run-id", id, ...more], [0, 1, 3, 4]);
    return join(place, "out", name, id);
  };
  const old = "Which topic does this message have: money, delivery or login? Answer with one word.";
  const baseline = run("before", old, before, []);
  const edited = "Name the topic of the message (money, delivery, login). One word, no explanation.";
  run("after", edited, after, ["--baseline", baseline]);
  return page;
}

/** Runs that got worse, that cannot tell, and that got better. */
export function three() {
  const items = (n, right) => Array.from({ length: n }, (_, at) => message(at, right(at)));
  return {
    regressed: compared(
      "regressed",
      items(300, (n) => n % 6 !== 0),
      items(300, (n) => n % 6 !== 0 && n % 7 !== 0),
    ),
    inconclusive: compared(
      "inconclusive",
      items(60, (n) => n % 5 !== 0),
      items(60, (n) => (n % 5 !== 0 && n % 16 !== 1) || n % 20 === 0),
    ),
    improved: compared(
      "improved",
      items(300, (n) => n % 3 !== 0),
      items(300, (n) => n % 12 !== 0 && n % 50 !== 1),
    ),
  };
}

/** Twelve prompts and eight metrics, with long names, and names from right to left and of ideographs. */
export function many() {
  const names = [
    "short", "a prompt with a name that is very long and does not fit into any column at all",
    "מקרא", "موجه", "日本語のプロンプト", "p6", "p7", "p8", "p9", "p10", "p11", "p12",
  ];
  const place = join(folder, "many");
  const page = join(place, "out/many/after/report.html");
  if (existsSync(page)) return page;
  mkdirSync(place, { recursive: true });
  const thresholds = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9];
  const text = `name: many
dataset: { path: data.jsonl, id: id, target: label, slices: [channel] }
prompts:
${names.map((name) => `  - { name: '${name}', template: '${name}: {{ text }}' }`).join("\n")}
models:
  - { name: small, provider: recorded, recorded: { column: answer } }
metrics:
  - name: right
    exact: { normalize: [trim, casefold] }
  - name: length
    length: { unit: characters }
${thresholds.map((at) => `  - { name: 'like at least ${at}', threshold: ${at}, fuzzy: { algorithm: jaro_winkler } }`).join("\n")}
`;
  writeFileSync(join(place, "suite.yaml"), text);
  for (const [id, step, more] of [["before", 5, []], ["after", 4, ["--baseline", "many/out/many/before"]]]) {
    const items = Array.from({ length: 60 }, (_, n) => message(n, n % step !== 0));
    writeFileSync(join(place, "data.jsonl"), lines(items));
    evalmark(["run", "many/suite.yaml", "--out", "many/out", "--run-id", id, ...more], [0, 1, 3, 4]);
  }
  return page;
}

/** Makes the runs, for looking at them. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify({ quickstart: quickstart(), ...three(), many: many() }, null, 2));
}

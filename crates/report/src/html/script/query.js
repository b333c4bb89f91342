// @ts-check
// What is searched, filtered and sorted by, and the samples that are found; kept in the address, so
// that it can be sent to others.

/**
 * @typedef {object} Query
 * @property {string} q
 * @property {string} filter
 * @property {string} prompt
 * @property {string} model
 * @property {string} metric
 * @property {string[]} slices A value's number, or nothing.
 * @property {string} sort A column's name; a `-` before it sorts down.
 * @property {number} page From 0.
 */

/** @returns {Query} */
function emptyQuery() {
  const slices = data.slices.map(() => "");
  return { q: "", filter: "", prompt: "", model: "", metric: "", slices, sort: "", page: 0 };
}

/**
 * The query and the sample that a fragment of an address names.
 * @param {string} fragment
 * @returns {{ query: Query, sample: number | null } | null}
 */
function readFragment(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const known = ["sample", "q", "filter", "in-prompt", "in-model", "metric", "sort", "page"];
  const names = [...given.keys()];
  if (!names.some((name) => known.includes(name) || name.startsWith("slice-"))) return null;
  const query = emptyQuery();
  query.q = given.get("q") ?? "";
  query.filter = given.get("filter") ?? "";
  query.prompt = numberOf(prompts, given.get("in-prompt"));
  query.model = numberOf(models, given.get("in-model"));
  query.metric = numberOf(data.metrics.map((metric) => metric.name), given.get("metric"));
  query.slices = data.slices.map((_, at) => {
    const value = given.get(`slice-${at}`);
    return value === null ? "" : String(data.texts.indexOf(value));
  });
  query.sort = given.get("sort") ?? "";
  query.page = Math.max(0, Number.parseInt(given.get("page") ?? "1", 10) - 1) || 0;
  return { query, sample: sampleOf(given) };
}

/**
 * @param {string[]} names
 * @param {string | null} name
 * @returns {string}
 */
function numberOf(names, name) {
  const at = name === null ? -1 : names.indexOf(name);
  return at < 0 ? "" : String(at);
}

/**
 * The sample of an item; the first one where the address names no prompt, model or epoch.
 * @param {URLSearchParams} given
 * @returns {number | null}
 */
function sampleOf(given) {
  const item = given.get("sample");
  if (item === null) return null;
  const [prompt, model, epoch] = ["prompt", "model", "epoch"].map((name) => given.get(name));
  for (let sample = 0; sample < count; sample += 1) {
    const frame = frameOf(sample);
    if (
      words(data.samples.item[sample]) === item &&
      (prompt === null || frame.prompt === prompt) &&
      (model === null || frame.model === model) &&
      (epoch === null || String(data.samples.epoch[sample]) === epoch)
    ) {
      return sample;
    }
  }
  return null;
}

/**
 * The fragment that `readFragment` reads.
 * @param {Query} query
 * @param {number | null} sample
 * @returns {string}
 */
function writeFragment(query, sample) {
  const given = new URLSearchParams();
  if (sample !== null) {
    const frame = frameOf(sample);
    given.set("sample", words(data.samples.item[sample]));
    given.set("prompt", frame.prompt);
    given.set("model", frame.model);
    given.set("epoch", String(data.samples.epoch[sample]));
  }
  if (query.q) given.set("q", query.q);
  if (query.filter) given.set("filter", query.filter);
  if (query.prompt) given.set("in-prompt", prompts[Number(query.prompt)]);
  if (query.model) given.set("in-model", models[Number(query.model)]);
  if (query.metric) given.set("metric", data.metrics[Number(query.metric)].name);
  query.slices.forEach((value, at) => {
    if (value) given.set(`slice-${at}`, words(Number(value)));
  });
  if (query.sort) given.set("sort", query.sort);
  if (query.page > 0) given.set("page", String(query.page + 1));
  return given.toString();
}

/**
 * The samples that a query finds, in its order.
 * @param {Query} query
 * @returns {number[]}
 */
function find(query) {
  const found = [];
  const wanted = query.q.toLowerCase();
  for (let sample = 0; sample < count; sample += 1) {
    if (fits(sample, query) && (wanted === "" || searched(sample).includes(wanted))) {
      found.push(sample);
    }
  }
  return sorted(found, query.sort);
}

/**
 * @param {number} sample
 * @param {Query} query
 * @returns {boolean}
 */
function fits(sample, query) {
  const { change, fails, answer, slices } = data.samples;
  const frame = frameOf(sample);
  if (query.filter === "broke" && change[sample] !== 1) return false;
  if (query.filter === "works" && change[sample] !== 2) return false;
  if (query.filter === "fails" && !fails[sample]) return false;
  if (query.filter === "passes" && fails[sample]) return false;
  if (query.filter === "missing" && answer[sample] >= 0) return false;
  if (query.prompt && frame.prompt !== prompts[Number(query.prompt)]) return false;
  if (query.model && frame.model !== models[Number(query.model)]) return false;
  if (query.metric && data.scores[Number(query.metric)].passed[sample] !== 0) return false;
  return query.slices.every((value, at) => !value || slices[sample][at] === Number(value));
}

/** @type {(string | undefined)[]} Each sample's texts in small letters, made when first searched. */
const searchedTexts = [];

/**
 * @param {number} sample
 * @returns {string}
 */
function searched(sample) {
  const known = searchedTexts[sample];
  if (known !== undefined) return known;
  const { item, asked, answer, error, targets } = data.samples;
  const reasons = data.scores.flatMap((scores) => [scores.reason[sample], scores.judgeSays[sample]]);
  const numbers = [item[sample], asked[sample], answer[sample], error[sample]];
  const all = [...numbers, ...targets[sample], ...reasons].map(words).join("\n").toLowerCase();
  searchedTexts[sample] = all;
  return all;
}

/**
 * @param {number[]} found
 * @param {string} sort
 * @returns {number[]}
 */
function sorted(found, sort) {
  const down = sort.startsWith("-");
  const key = sortKey(down ? sort.slice(1) : sort);
  if (!key) return found;
  const keyed = found.map((sample) => ({ sample, key: key(sample) }));
  keyed.sort((a, b) => {
    // What is missing stands last, whichever way.
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    const order =
      typeof a.key === "string" || typeof b.key === "string"
        ? String(a.key).localeCompare(String(b.key), undefined, { numeric: true })
        : a.key - b.key;
    return (down ? -order : order) || a.sample - b.sample;
  });
  return keyed.map(({ sample }) => sample);
}

/**
 * @param {string} column
 * @returns {((sample: number) => string | number | null) | null}
 */
function sortKey(column) {
  const { samples, scores } = data;
  if (column === "item") return (sample) => words(samples.item[sample]);
  if (column === "prompt") return (sample) => frameOf(sample).prompt;
  if (column === "model") return (sample) => frameOf(sample).model;
  if (column === "question") return (sample) => words(samples.asked[sample]);
  if (column === "answer") return (sample) => text(samples.answer[sample]);
  if (column === "target") return (sample) => text(samples.targets[sample][0] ?? -1);
  if (column === "latency") return (sample) => samples.latency[sample];
  if (column === "cost") return (sample) => samples.cost[sample];
  const metric = data.metrics.findIndex((known) => `score.${known.name}` === column);
  return metric < 0 ? null : (sample) => scores[metric].value[sample];
}

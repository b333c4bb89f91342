// @ts-check
// The samples as they stand in the page, and what is looked up in them.

/**
 * Texts are numbers of `texts`; -1 is no text. `embed.rs` writes the same.
 * @typedef {{ prompt: string, model: string, before: string, after: string }} Frame
 * @typedef {{ name: string, lower: boolean }} Metric
 * @typedef {object} Columns One entry per sample in each.
 * @property {number[]} item
 * @property {number[]} frame
 * @property {number[]} epoch
 * @property {number[]} outcome
 * @property {number[]} change 1 broke, 2 works, 0 neither.
 * @property {number[]} fails
 * @property {number[]} asked
 * @property {number[]} answer
 * @property {number[]} baselineAnswer
 * @property {number[][]} targets
 * @property {number[][]} slices
 * @property {number[]} error
 * @property {number[]} finish
 * @property {(number | null)[]} latency
 * @property {number[]} latencyText
 * @property {number[]} firstTokenText
 * @property {number[]} rateText
 * @property {(number | null)[]} cost
 * @property {number[]} costText
 * @property {(number | null)[]} inputTokens
 * @property {(number | null)[]} outputTokens
 *
 * @typedef {object} Scores One metric's, one entry per sample in each.
 * @property {(number | null)[]} value
 * @property {number[]} text
 * @property {number[]} passed 1 passes, 0 fails, -1 neither.
 * @property {number[]} reason
 * @property {number[]} baseline
 * @property {number[]} judge
 * @property {number[]} judgeSays
 *
 * @typedef {object} Data
 * @property {number} total
 * @property {boolean} hasBaseline
 * @property {boolean} hasBaselineAnswers
 * @property {string} lacks
 * @property {Frame[]} frames
 * @property {Metric[]} metrics
 * @property {string[]} slices
 * @property {string[]} texts
 * @property {Columns} samples
 * @property {Scores[]} scores
 */

/** @type {{ columns: Omit<Data, "texts">, texts: string[] }} */
const embedded = JSON.parse(byId("data").textContent ?? "");

/** @type {Data} */
const data = { ...embedded.columns, texts: embedded.texts };

/** How many samples the page holds. */
const count = data.samples.item.length;

/** Distinct names of prompts and models, in the run's order. */
const prompts = [...new Set(data.frames.map((frame) => frame.prompt))];
const models = [...new Set(data.frames.map((frame) => frame.model))];

/**
 * A text by its number; `null` where there is none.
 * @param {number} number
 * @returns {string | null}
 */
function text(number) {
  return number < 0 ? null : data.texts[number];
}

/**
 * A text that is there.
 * @param {number} number
 * @returns {string}
 */
function words(number) {
  return text(number) ?? "";
}

/**
 * What all samples of this sample's prompt and model have in common.
 * @param {number} sample
 * @returns {Frame}
 */
function frameOf(sample) {
  return data.frames[data.samples.frame[sample]];
}

/**
 * What a sample's item is called, with its epoch where there are several.
 * @param {number} sample
 * @returns {string}
 */
function nameOf(sample) {
  const epoch = data.samples.epoch[sample];
  return words(data.samples.item[sample]) + (epoch > 0 ? ` (epoch ${epoch})` : "");
}

/**
 * The same item and epoch under every prompt and model.
 * @param {number} sample
 * @returns {number[]}
 */
function siblings(sample) {
  const { item, epoch } = data.samples;
  const found = [];
  for (let other = 0; other < count; other += 1) {
    if (item[other] === item[sample] && epoch[other] === epoch[sample]) found.push(other);
  }
  return found;
}

/**
 * The element with this id.
 * @param {string} id
 * @returns {HTMLElement}
 */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/**
 * A count with its thousands apart, as every count of the page.
 * @param {number} n
 * @returns {string}
 */
function grouped(n) {
  return n.toLocaleString("en-US");
}

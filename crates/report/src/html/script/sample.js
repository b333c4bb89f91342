// @ts-check
// One sample: what was asked, answered, wanted and scored, and the same item under every prompt.

/**
 * What the answer is compared with.
 * @typedef {"none" | "target" | "baseline"} Against
 */

/** @type {Against} */
let against = "none";

/**
 * Opens a sample.
 * @param {number} sample
 */
function openSample(sample) {
  view.sample = sample;
  const dialog = dialogElement();
  showSample();
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  showOwnText(dialog);
}

/**
 * Brings the item's own text into sight, which long instructions may stand before.
 * @param {HTMLElement} dialog
 */
function showOwnText(dialog) {
  const mark = dialog.querySelector("mark");
  const box = mark?.closest("pre");
  if (mark && box) box.scrollTop = mark.offsetTop - box.offsetTop - 60;
}

/** @returns {HTMLDialogElement} */
function dialogElement() {
  const dialog = byId("sample");
  if (!(dialog instanceof HTMLDialogElement)) throw new Error("no dialog");
  return dialog;
}

/** Shows the sample that is open. */
function showSample() {
  const sample = view.sample;
  if (sample === null) return;
  const dialog = dialogElement();
  const focused = document.activeElement?.getAttribute("data-key");
  const parts = [
    sampleHead(sample),
    element("div", { class: "texts" }, askedPart(sample), answerPart(sample)),
    scoresPart(sample),
    factsPart(sample),
    sidePart(sample),
  ];
  dialog.replaceChildren(...present(parts));
  const again = focused && dialog.querySelector(`[data-key="${CSS.escape(focused)}"]`);
  if (again instanceof HTMLElement) again.focus();
}

/**
 * @param {number} sample
 * @returns {HTMLElement}
 */
function sampleHead(sample) {
  const place = view.found.indexOf(sample);
  const step = (/** @type {number} */ by) => () => {
    const next = view.found[place + by];
    if (next !== undefined) location.hash = writeFragment(view.query, next);
  };
  const stepper = (/** @type {string} */ label, /** @type {string} */ key, /** @type {number} */ by) => {
    /** @type {Record<string, string>} */
    const attributes = { "data-key": key };
    if (place < 0 || view.found[place + by] === undefined) attributes["disabled"] = "";
    return button(label, step(by), attributes);
  };
  const frame = frameOf(sample);
  return element(
    "header",
    {},
    element(
      "h3",
      { id: "sample-title" },
      bdi(nameOf(sample)),
      " ",
      element("span", { class: "soft" }, bdi(frame.prompt), " · ", bdi(frame.model)),
      changeChip(sample),
    ),
    element(
      "div",
      { class: "steps" },
      stepper("← Previous", "previous", -1),
      stepper("Next →", "next", 1),
      button("Close", closeSample, { "data-key": "close" }),
    ),
  );
}

function closeSample() {
  dialogElement().close();
}

/**
 * @param {number} sample
 * @returns {HTMLElement}
 */
function askedPart(sample) {
  const frame = frameOf(sample);
  const own = words(data.samples.asked[sample]);
  const around = (/** @type {string} */ text) => element("span", { class: "around" }, text);
  const whole =
    frame.before === "" && frame.after === ""
      ? [own]
      : [around(frame.before), element("mark", {}, own), around(frame.after)];
  return block("Prompt", ...whole);
}

/**
 * @param {number} sample
 * @returns {HTMLElement}
 */
function answerPart(sample) {
  const { answer, baselineAnswer, targets, error, outcome, finish } = data.samples;
  const said = text(answer[sample]);
  const before = text(baselineAnswer[sample]);
  const wanted = targets[sample].map(words);
  /** @type {Record<Against, string | null>} */
  const other = { none: null, target: wanted[0] ?? null, baseline: before };
  const compared = said !== null ? other[against] : null;
  const shown = said === null ? [] : compared === null ? [said] : marked(diff(compared, said));
  const ended = words(outcome[sample]);
  const failure = text(error[sample]);
  const why = text(finish[sample]);
  const title = why !== null && why !== "stop" ? `Answer (ended: ${why})` : "Answer";
  return element(
    "div",
    { class: "answer" },
    said !== null && againstChoice(wanted.length > 0, before !== null),
    ended !== "answered" && element("p", {}, element("span", { class: `chip ${ended}` }, ended)),
    failure !== null && block("Error", failure),
    said !== null && block(compared === null ? title : `${title}, word by word`, ...shown),
    ...wanted.map((target) => block("Target", target)),
    before !== null && block("Baseline's answer", before),
    before === null &&
      data.lacks !== "" &&
      element("p", { class: "soft" }, `The baseline's answer is not shown: ${data.lacks}.`),
  );
}

/**
 * @param {boolean} hasTarget
 * @param {boolean} hasBaseline
 * @returns {HTMLElement}
 */
function againstChoice(hasTarget, hasBaseline) {
  const choice = (/** @type {Against} */ value, /** @type {string} */ label) => {
    const act = () => {
      against = value;
      showSample();
    };
    const pressed = String(against === value);
    return button(label, act, { "aria-pressed": pressed, "data-key": `against-${value}` });
  };
  return element(
    "div",
    { class: "choice", role: "group", "aria-label": "compare the answer" },
    choice("none", "Answer"),
    hasTarget && choice("target", "Against the target"),
    hasBaseline && choice("baseline", "Against the baseline"),
  );
}

/**
 * @param {number} sample
 * @returns {Child}
 */
function scoresPart(sample) {
  const rows = data.metrics.map((metric, number) => {
    const scores = data.scores[number];
    const judge = text(scores.judge[sample]);
    const says = text(scores.judgeSays[sample]);
    const reason = text(scores.reason[sample]);
    const said = says !== null && `${judge}: ${says}`;
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, bdi(metric.name)),
      element("td", { class: "num" }, scoreCell(scores, sample)),
      data.hasBaseline && element("td", { class: "num" }, text(scores.baseline[sample]) ?? "–"),
      element(
        "td",
        { class: "message" },
        reason !== null && element("div", { dir: "auto" }, reason),
        said && element("div", { class: "soft", dir: "auto" }, said),
      ),
    );
  });
  const head = ["metric", "score", ...(data.hasBaseline ? ["baseline"] : []), "reason"];
  const heads = head.map((title, at) => {
    const isNumber = at > 0 && at < head.length - 1;
    return element("th", isNumber ? { scope: "col", class: "num" } : { scope: "col" }, title);
  });
  return element(
    "table",
    { class: "scores" },
    element("caption", { class: "hidden" }, "Scores of this sample"),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  );
}

/**
 * @param {number} sample
 * @returns {HTMLElement}
 */
function factsPart(sample) {
  const { latencyText, firstTokenText, rateText, costText } = data.samples;
  const { inputTokens, outputTokens, slices } = data.samples;
  /** @type {[string, string | null][]} */
  const facts = [
    ["latency", text(latencyText[sample])],
    ["first token", text(firstTokenText[sample])],
    ["tokens a second", text(rateText[sample])],
    ["cost", text(costText[sample])],
    ["tokens in", inputTokens[sample]?.toString() ?? null],
    ["tokens out", outputTokens[sample]?.toString() ?? null],
    ...data.slices.map((name, at) => /** @type {[string, string | null]} */ ([
      name,
      text(slices[sample][at]),
    ])),
  ];
  const known = facts.filter(([, value]) => value !== null);
  const lines = known.map(([name, value]) =>
    element("div", {}, element("dt", {}, bdi(name)), element("dd", {}, bdi(value ?? ""))),
  );
  return element("dl", { class: "figures" }, ...lines);
}

/**
 * The same item under every prompt and model, side by side.
 * @param {number} sample
 * @returns {Child}
 */
function sidePart(sample) {
  const all = siblings(sample);
  if (all.length < 2) return null;
  const cards = all.map((other) => {
    const frame = frameOf(other);
    const scores = data.metrics.map((metric, number) =>
      element("li", {}, bdi(metric.name), " ", scoreCell(data.scores[number], other)),
    );
    const said = text(data.samples.answer[other]) ?? text(data.samples.error[other]) ?? "no answer";
    const link = { href: `#${writeFragment(view.query, other)}` };
    return element(
      "article",
      other === sample ? { class: "card", "aria-current": "true" } : { class: "card" },
      element("h4", {}, element("a", link, bdi(frame.prompt), " · ", bdi(frame.model))),
      element("pre", { dir: "auto", tabindex: "0" }, said),
      element("ul", {}, ...scores),
    );
  });
  return element(
    "section",
    { "aria-labelledby": "side-title" },
    element("h3", { id: "side-title" }, "The same item under every prompt"),
    element("div", { class: "side" }, ...cards),
  );
}

// @ts-check
// The table of samples: a page of what is found at a time.

/** Rows of a page. */
const ROWS = 50;

/**
 * @typedef {object} View What the page shows now.
 * @property {Query} query
 * @property {number[]} found
 * @property {number | null} sample The one that is open.
 */

/** @type {View} */
const view = { query: emptyQuery(), found: [], sample: null };

/**
 * @typedef {{ name: string, title: string, cell: (sample: number) => Child | Child[], number?: boolean }} Column
 */

/** @returns {Column[]} */
function columns() {
  const { samples, scores } = data;
  /** @type {Column[]} */
  const shown = [{ name: "item", title: "item", cell: itemCell }];
  if (prompts.length > 1) {
    shown.push({ name: "prompt", title: "prompt", cell: (at) => bdi(frameOf(at).prompt) });
  }
  if (models.length > 1) {
    shown.push({ name: "model", title: "model", cell: (at) => bdi(frameOf(at).model) });
  }
  shown.push(
    { name: "question", title: "question", cell: (at) => clamp(words(samples.asked[at])) },
    { name: "answer", title: "answer", cell: answerCell },
    {
      name: "target",
      title: "target",
      cell: (at) => samples.targets[at].slice(0, 3).map((target) => clamp(words(target))),
    },
  );
  data.metrics.forEach((metric, number) => {
    const cell = (/** @type {number} */ at) => scoreCell(scores[number], at);
    shown.push({ name: `score.${metric.name}`, title: metric.name, cell, number: true });
  });
  if (samples.latencyText.some((number) => number >= 0)) {
    const cell = (/** @type {number} */ at) => text(samples.latencyText[at]);
    shown.push({ name: "latency", title: "latency", cell, number: true });
  }
  if (samples.costText.some((number) => number >= 0)) {
    const cell = (/** @type {number} */ at) => text(samples.costText[at]);
    shown.push({ name: "cost", title: "cost", cell, number: true });
  }
  return shown;
}

/**
 * @param {number} sample
 * @returns {Child[]}
 */
function itemCell(sample) {
  const link = element("a", { href: `#${writeFragment(view.query, sample)}` }, bdi(nameOf(sample)));
  return [link, changeChip(sample)];
}

/**
 * What changed since the baseline, in a word.
 * @param {number} sample
 * @returns {Child}
 */
function changeChip(sample) {
  const change = data.samples.change[sample];
  if (change === 1) return element("span", { class: "chip broke" }, "broke");
  return change === 2 && element("span", { class: "chip works" }, "works");
}

/**
 * @param {number} sample
 * @returns {Child[]}
 */
function answerCell(sample) {
  const { answer, error, outcome } = data.samples;
  const ended = words(outcome[sample]);
  const chip = ended !== "answered" && element("span", { class: `chip ${ended}` }, ended);
  const said = text(answer[sample]) ?? text(error[sample]);
  return [chip, said !== null && clamp(said)];
}

/**
 * @param {Scores} scores
 * @param {number} sample
 * @returns {Child}
 */
function scoreCell(scores, sample) {
  const passed = scores.passed[sample];
  const kind = passed === 1 ? "good" : passed === 0 ? "bad" : "plain";
  const mark = passed === 1 ? "✓ " : passed === 0 ? "✗ " : "";
  const said = passed === 1 ? "passes" : "fails";
  return element(
    "span",
    { class: `score ${kind}` },
    mark !== "" && element("span", { role: "img", "aria-label": said }, mark),
    text(scores.text[sample]) ?? "–",
  );
}

/**
 * The beginning of a text; the whole of it may be a megabyte.
 * @param {string} given
 * @returns {HTMLElement}
 */
function clamp(given) {
  const start = given.length > 300 ? `${given.slice(0, 300)}…` : given;
  return element("div", { class: "clamp", dir: "auto" }, start.trim());
}

/** Shows the page of the query that is asked for now. */
function showTable() {
  const { found, query } = view;
  const pages = Math.max(1, Math.ceil(found.length / ROWS));
  query.page = Math.min(query.page, pages - 1);
  const start = query.page * ROWS;
  const rows = found.slice(start, start + ROWS);
  const shown = columns();
  const body = rows.map((sample) => {
    const cells = shown.map((column) => {
      const content = column.cell(sample);
      const children = Array.isArray(content) ? content : [content];
      return element("td", column.number ? { class: "num" } : {}, ...children);
    });
    const row = element("tr", { "data-sample": String(sample) }, ...cells);
    if (sample === view.sample) row.classList.add("open");
    return row;
  });
  const head = element("tr", {}, ...shown.map(headCell));
  const table = element(
    "table",
    { class: "samples" },
    element("caption", { class: "hidden" }, "Samples"),
    element("thead", {}, head),
    element("tbody", {}, ...body),
  );
  byId("table").replaceChildren(table);
  const [first, last] = [start + 1, start + rows.length].map(grouped);
  const range = rows.length > 0 ? `, showing ${first} to ${last}` : "";
  byId("found").textContent = `${grouped(found.length)} of ${grouped(count)} samples${range}`;
  showPages(pages);
}

/**
 * @param {Column} column
 * @returns {HTMLElement}
 */
function headCell(column) {
  const { sort } = view.query;
  const down = sort === `-${column.name}`;
  const up = sort === column.name;
  const next = up ? `-${column.name}` : down ? "" : column.name;
  const arrow = up ? " ↑" : down ? " ↓" : "";
  const state = up ? "ascending" : down ? "descending" : "none";
  const label = `${column.title}${arrow}`;
  const act = () => {
    change({ sort: next, page: 0 });
    const again = byId("table").querySelector(`[data-column="${CSS.escape(column.name)}"]`);
    if (again instanceof HTMLElement) again.focus();
  };
  const sorter = button(label, act, { class: "sort", "data-column": column.name });
  const attributes = { scope: "col", "aria-sort": state };
  return element("th", column.number ? { ...attributes, class: "num" } : attributes, sorter);
}

/** @param {number} pages */
function showPages(pages) {
  const { page } = view.query;
  const nav = byId("pages");
  if (pages === 1) {
    nav.replaceChildren();
    return;
  }
  const to = (/** @type {number} */ next) => () => change({ page: next });
  const previous = button("← Previous", to(page - 1), page === 0 ? { disabled: "" } : {});
  const next = button("Next →", to(page + 1), page === pages - 1 ? { disabled: "" } : {});
  const said = element("span", { class: "soft" }, `page ${grouped(page + 1)} of ${grouped(pages)}`);
  nav.replaceChildren(previous, said, next);
}

/**
 * Changes the query, and shows and keeps what it finds.
 * @param {Partial<Query>} changes
 */
function change(changes) {
  Object.assign(view.query, changes);
  view.found = find(view.query);
  showTable();
  history.replaceState(null, "", `#${writeFragment(view.query, null)}`);
}

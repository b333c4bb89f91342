// @ts-check
// Begins: reads the address, fills the table, listens.

/** @returns {HTMLFormElement} */
function form() {
  const found = byId("query");
  if (!(found instanceof HTMLFormElement)) throw new Error("no form");
  return found;
}

/**
 * A field of the form.
 * @param {string} name
 * @returns {HTMLInputElement | HTMLSelectElement | null}
 */
function field(name) {
  const found = form().elements.namedItem(name);
  return found instanceof HTMLInputElement || found instanceof HTMLSelectElement ? found : null;
}

/** What the form says. */
function readForm() {
  const of = (/** @type {string} */ name) => field(name)?.value ?? "";
  change({
    q: of("q"),
    filter: of("filter"),
    prompt: of("prompt"),
    model: of("model"),
    metric: of("metric"),
    slices: data.slices.map((_, at) => of(`slice-${at}`)),
    page: 0,
  });
}

/** Shows the query in the form. */
function fillForm() {
  const { query } = view;
  const fill = (/** @type {string} */ name, /** @type {string} */ value) => {
    const found = field(name);
    if (found) found.value = value;
  };
  fill("q", query.q);
  fill("filter", query.filter);
  fill("prompt", query.prompt);
  fill("model", query.model);
  fill("metric", query.metric);
  query.slices.forEach((value, at) => fill(`slice-${at}`, value));
}

/** Values of the slice columns, most frequent last in no order but the alphabet's. */
function fillSlices() {
  data.slices.forEach((_, at) => {
    const values = new Set(data.samples.slices.map((slices) => slices[at]).filter((v) => v >= 0));
    const names = [...values].map((value) => ({ value, name: words(value) }));
    names.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    const options = names.map(({ value, name }) => element("option", { value: String(value) }, name));
    field(`slice-${at}`)?.append(...options);
  });
}

/** Follows the address: a query, a sample, or a part of the page. */
function follow() {
  const asked = readFragment(location.hash);
  if (asked === null) {
    openDetails();
    return;
  }
  view.query = asked.query;
  view.found = find(view.query);
  view.sample = asked.sample;
  if (asked.sample !== null) {
    const place = view.found.indexOf(asked.sample);
    if (place >= 0) view.query.page = Math.floor(place / ROWS);
  }
  fillForm();
  showTable();
  if (asked.sample === null) byId("samples").scrollIntoView();
  else openSample(asked.sample);
}

/** Opens the part that the address names, where it is folded. */
function openDetails() {
  const named = document.getElementById(location.hash.slice(1));
  if (!(named instanceof HTMLDetailsElement)) return;
  for (let at = /** @type {Element | null} */ (named); at; at = at.parentElement) {
    if (at instanceof HTMLDetailsElement) at.open = true;
  }
  named.scrollIntoView();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !typing && !dialogElement().open) {
    event.preventDefault();
    field("q")?.focus();
  }
  if (!dialogElement().open || typing) return;
  const steps = { j: "next", k: "previous" };
  const key = event.key === "j" || event.key === "k" ? steps[event.key] : null;
  const step = key && dialogElement().querySelector(`[data-key="${key}"]`);
  if (step instanceof HTMLElement) step.click();
}

function start() {
  startTheme();
  fillSlices();
  view.found = find(view.query);
  showTable();
  let waiting = 0;
  form().addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(readForm, 120);
  });
  form().addEventListener("submit", (event) => event.preventDefault());
  form().addEventListener("reset", () => setTimeout(readForm));
  byId("table").addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.target.closest("a, button")) return;
    const row = event.target.closest("[data-sample]");
    const isSelecting = getSelection()?.toString() !== "";
    if (row && !isSelecting) {
      location.hash = writeFragment(view.query, Number(row.getAttribute("data-sample")));
    }
  });
  const dialog = dialogElement();
  dialog.addEventListener("close", () => {
    // The address may lead to another sample already.
    const isStill = readFragment(location.hash)?.sample === view.sample;
    if (isStill) history.replaceState(null, "", `#${writeFragment(view.query, null)}`);
    view.sample = null;
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) closeSample();
  });
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", follow);
  if (location.hash.length > 1) follow();
}

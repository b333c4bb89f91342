// Asks the built book's own search index for every word of the reference: `mdbook build docs`, then
// `node docs/search.mjs`. Each word must lead to the page that tells of it, among the results that are shown.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";

const here = dirname(fileURLToPath(import.meta.url));
const book = process.argv[2] ?? join(here, "../target/book");

/** The index, loaded as the book's pages load it. */
function load() {
  const file = (start) => join(book, readdirSync(book).find((name) => name.startsWith(start) && name.endsWith(".js")));
  const context = createContext({ window: { search: {} } });
  runInContext(readFileSync(file("elasticlunr"), "utf8"), context);
  runInContext(readFileSync(file("searchindex"), "utf8"), context);
  const { search } = context.window;
  const { elasticlunr } = context;
  return { search, elasticlunr, index: elasticlunr.Index.load(search.index) };
}

/** The code in the first cells of a page's tables, and its headings that name a command or a format. */
function words(page) {
  const source = page === "metrics" ? join(here, "../crates/scoring/METRICS.md") : join(here, `src/reference/${page}.md`);
  const found = new Set();
  for (const line of readFileSync(source, "utf8").split("\n")) {
    const cell = line.match(/^\| (?:`-\w`, |\[)?`(.+?)`/)?.[1] ?? line.match(/^## (evalmark .+)/)?.[1] ?? line.match(/^###? (-*[a-z][a-z-]*)$/)?.[1];
    // `--out <DIR>` is looked for as `--out`; an argument as `<SUITE>` is none of the words that people type.
    const word = cell?.replace(/ ?[<[=].*/, "");
    if (word && !/^(score|slice)\.$/.test(word)) found.add(word);
  }
  return found;
}

const { search, elasticlunr, index } = load();
const missing = [];
let asked = 0;
for (const page of ["commands", "options", "suite", "metrics", "providers", "files", "environment", "gate-formats"]) {
  for (const word of words(page)) {
    // Words such as `not` are in no index.
    if (elasticlunr.tokenizer(word).every((token) => elasticlunr.stopWordFilter(token) === undefined)) continue;
    asked += 1;
    const shown = index.search(word, search.search_options).slice(0, search.results_options.limit_results);
    const urls = shown.map(({ ref }) => search.doc_urls[ref]);
    // An option is found by its name, or at its command.
    const pages = page === "commands" && word.startsWith("--") ? [page, "options"] : [page];
    if (!urls.some((url) => pages.some((one) => url.startsWith(`reference/${one}.html`)))) missing.push(`${page}: ${word} (${urls.length} results)`);
  }
}
if (asked < 300) throw new Error(`only ${asked} words`);
if (missing.length) throw new Error(`not found:\n${missing.join("\n")}`);
console.log(`${asked} words of the reference lead to its pages`);

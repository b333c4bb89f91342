// axe-core finds no serious violation, light and dark, with a sample open and without.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { launch, open, until } from "./browser.mjs";
import { many, quickstart, three } from "./runs.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;
let pages;

before(async () => {
  browser = await launch();
  pages = { quickstart: quickstart(), ...three(), many: many() };
});
after(() => browser?.close());

/** What axe calls serious or worse, and where. */
async function violations(page) {
  // The page's policy refuses other scripts: this one comes through the debugger.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  return serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`);
}

for (const scheme of ["light", "dark"]) {
  for (const name of ["quickstart", "regressed", "inconclusive", "improved", "many"]) {
    test(`${name}, ${scheme}`, async () => {
      const { page } = await open(browser, pages[name], { scheme });
      // What is folded is looked at, too.
      await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
      assert.deepEqual(await violations(page), []);
      await page.evaluate(() => document.querySelector(".samples tbody a").click());
      await until(page, () => document.getElementById("sample").open);
      assert.deepEqual(await violations(page), []);
      await page.close();
    });
  }
}

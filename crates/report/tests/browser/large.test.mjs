// Ten thousand samples, and more.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { choose, found, launch, open, texts } from "./browser.mjs";
import { compared, message } from "./runs.mjs";

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const answer = (n) => `${["money", "delivery", "login"][n % 3]}, because ${"the message says so and nothing else would fit it; ".repeat(4)}${n}`;
const items = (n, shift) => Array.from({ length: n }, (_, at) => message(at, true, answer(at + shift)));

test("10,000 samples are below 5 MB and can be used within 2 s", async () => {
  const file = compared("large", items(5_000, 0), items(5_000, 1), { second: "Topic of {{ text }}?" });
  assert.ok(readFileSync(file).length < 5_000_000, `${readFileSync(file).length} bytes`);
  const start = performance.now();
  const { page, seen } = await open(browser, file);
  assert.equal(await found(page), 10_000);
  await page.evaluate(() => document.querySelector(".samples tbody a").click());
  await page.waitForFunction(() => document.getElementById("sample").open);
  const took = performance.now() - start;
  assert.ok(took < 2_000, `it took ${Math.round(took)} ms`);
  await page.evaluate(() => document.getElementById("sample").close());
  // A search over all texts, the first of which has to make them small.
  const before = performance.now();
  await choose(page, "q", "because the message");
  assert.equal(await found(page), 10_000);
  await choose(page, "q", "order 1234)");
  assert.equal(await found(page), 2);
  assert.ok(performance.now() - before < 4_000, "typing included");
  assert.deepEqual(seen.errors, []);
  console.log(`10,000 samples: ${readFileSync(file).length} bytes, used after ${Math.round(took)} ms`);
  await page.close();
});

test("of more samples the page holds a part, and says which", async () => {
  const file = compared("larger", items(11_000, 0), items(11_000, 3));
  assert.ok(readFileSync(file).length < 5_000_000, `${readFileSync(file).length} bytes`);
  const { page, seen } = await open(browser, file);
  assert.match(
    (await texts(page, "#samples-title"))[0],
    /the page holds 10,000 of 11,000: those that flipped, those that fail, and a seeded sample of the rest/,
  );
  assert.equal(await found(page), 10_000);
  assert.deepEqual(seen.errors, []);
  await page.close();
});

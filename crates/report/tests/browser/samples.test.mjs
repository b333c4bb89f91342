// The table of samples: search, filters, order, one sample, diffs, side by side, addresses, keys.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { choose, found, launch, open, texts, until } from "./browser.mjs";
import { compared, message, quickstart } from "./runs.mjs";

let browser;
let quick;
let pair;

before(async () => {
  browser = await launch();
  quick = quickstart();
  const items = (said) => Array.from({ length: 30 }, (_, n) => message(n, n % 4 !== 0, said(n)));
  const before = items((n) => (n === 7 ? "it is a matter of money, I think" : undefined));
  const now = items((n) => (n === 7 ? "it is a matter of delivery, I think" : undefined));
  pair = compared("pair", before, now, { second: "What is the topic of this? {{ text }}" });
});
after(() => browser?.close());

test("search finds words in questions, answers and targets", async () => {
  const { page } = await open(browser, quick);
  assert.equal(await found(page), 480);
  await choose(page, "q", "gift card");
  const questions = await texts(page, ".samples tbody tr td:nth-child(3)");
  assert.ok(questions.length > 0 && questions.length < 20, `${questions.length}`);
  assert.ok(questions.every((text) => text.toLowerCase().includes("gift card")), questions.join("\n"));
  await page.click("#query button[type=reset]");
  await until(page, () => document.getElementById("found").textContent.startsWith("480 of"));
  await page.close();
});

test("filters agree with the counts of the first screen", async () => {
  const { page } = await open(browser, quick);
  const [broke] = await texts(page, ".flips .count");
  await choose(page, "filter", "broke");
  assert.equal(await found(page), Number(broke));
  assert.ok((await texts(page, ".samples tbody .chip.broke")).length > 0);
  await choose(page, "prompt", "0");
  const prompts = new Set(await texts(page, ".samples tbody tr td:nth-child(2)"));
  assert.deepEqual([...prompts], ["few-shot"]);
  const both = await found(page);
  await choose(page, "prompt", "1");
  assert.equal(both + (await found(page)), Number(broke));
  await choose(page, "slice-0", await page.$eval('[name="slice-0"] option:nth-child(2)', (one) => one.value));
  assert.ok((await found(page)) < Number(broke));
  await page.close();
});

test("columns sort up, down, and not at all", async () => {
  const { page } = await open(browser, quick);
  const latency = async () =>
    (await texts(page, ".samples tbody tr td:last-child")).map((text) => {
      const [number, unit] = text.split(" ");
      return Number(number) * { ms: 1, s: 1000, min: 60_000 }[unit];
    });
  const sort = async () => {
    await page.click('[data-column="latency"]');
    return latency();
  };
  const unsorted = await latency();
  const up = await sort();
  assert.deepEqual(up, [...up].sort((a, b) => a - b));
  assert.equal(await page.$eval("#table th:last-child", (one) => one.getAttribute("aria-sort")), "ascending");
  const down = await sort();
  assert.deepEqual(down, [...down].sort((a, b) => b - a));
  assert.ok(down[0] > up[0]);
  assert.deepEqual(await sort(), unsorted);
  await page.close();
});

test("an answer is compared with its target and with the baseline's answer, word by word", async () => {
  const { page } = await open(browser, pair, { hash: "#sample=M-00007&prompt=topic" });
  await until(page, () => document.getElementById("sample").open);
  assert.ok((await texts(page, "#sample-title"))[0].startsWith("M-00007"));
  const press = (label) =>
    page.evaluate((label) => {
      const buttons = [...document.querySelectorAll("#sample .choice button")];
      buttons.find((one) => one.textContent === label).click();
    }, label);
  await press("Against the baseline");
  assert.deepEqual(await texts(page, "#sample .answer del"), ["money"]);
  assert.deepEqual(await texts(page, "#sample .answer ins"), ["delivery"]);
  await press("Against the target");
  const kept = await texts(page, "#sample .answer ins");
  assert.ok(kept.join("").includes("it is a matter of"), kept.join("|"));
  await press("Answer");
  assert.equal((await page.$$("#sample ins, #sample del")).length, 0);
  await page.close();
});

test("prompts stand side by side on one item, and lead to each other", async () => {
  const { page } = await open(browser, pair, { hash: "#sample=M-00003&prompt=topic" });
  await until(page, () => document.getElementById("sample").open);
  const cards = await texts(page, "#sample .card h4");
  assert.deepEqual(cards, ["topic · small", "second · small"]);
  assert.equal((await texts(page, '#sample .card[aria-current="true"] h4'))[0], "topic · small");
  await page.click("#sample .card:nth-child(2) a");
  await until(page, () => document.getElementById("sample-title").textContent.includes("second"));
  // The item's own text is marked within the whole prompt.
  assert.ok((await texts(page, "#sample mark"))[0].includes("(order 1003)"));
  await page.close();
});

test("an address leads to a filter, and to a sample", async () => {
  const first = await open(browser, quick);
  await choose(first.page, "filter", "works");
  await choose(first.page, "q", "password");
  const hash = await first.page.evaluate(() => location.hash);
  const there = await found(first.page);
  await first.page.close();
  const { page } = await open(browser, quick, { hash });
  assert.equal(await found(page), there);
  assert.equal(await page.$eval('[name="filter"]', (one) => one.value), "works");
  await page.click(".samples tbody tr:nth-child(2) td:nth-child(3)");
  await until(page, () => document.getElementById("sample").open);
  const name = (await texts(page, "#sample-title bdi"))[0];
  const address = await page.evaluate(() => location.hash);
  await page.close();
  const again = await open(browser, quick, { hash: address });
  await until(again.page, () => document.getElementById("sample").open);
  assert.equal((await texts(again.page, "#sample-title bdi"))[0], name);
  await again.page.close();
  // An address that names nothing here breaks nothing.
  for (const wrong of ["#sample=nobody", "#filter=none&sort=nothing&page=-3", "#%E0%A4%A", "#page=99"]) {
    const { page, seen } = await open(browser, quick, { hash: wrong });
    assert.deepEqual(seen.errors, [], wrong);
    assert.ok((await page.$$(".samples tbody tr")).length > 0, wrong);
    await page.close();
  }
});

test("everything can be done with the keyboard alone", async () => {
  const { page, seen } = await open(browser, quick);
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "q");
  await page.keyboard.type("password");
  await until(page, () => location.hash.includes("password"));
  // From the search on, tabs lead through filters and headings to the first sample.
  const reached = async (selector) => {
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((sought) => document.activeElement.matches(sought), selector)) return;
    }
    assert.fail(`no tab leads to ${selector}`);
  };
  await reached('[data-column="item"]');
  await page.keyboard.press("Enter");
  assert.equal(await page.$eval("#table th", (one) => one.getAttribute("aria-sort")), "ascending");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.column), "item", "focus stays");
  await reached(".samples tbody a");
  await page.keyboard.press("Enter");
  await until(page, () => document.getElementById("sample").open);
  const first = (await texts(page, "#sample-title"))[0];
  await page.keyboard.press("j");
  await until(page, (then) => document.getElementById("sample-title").textContent.trim() !== then, first);
  await page.keyboard.press("k");
  await until(page, (then) => document.getElementById("sample-title").textContent.trim() === then, first);
  await reached('[data-key="against-target"]');
  await page.keyboard.press("Space");
  assert.equal(await page.$eval('[data-key="against-target"]', (one) => one.ariaPressed), "true");
  await page.keyboard.press("Escape");
  await until(page, () => !document.getElementById("sample").open);
  assert.deepEqual(seen.errors, []);
  await page.close();
});

test("dark and light follow the system, and the switch overrides it", async () => {
  const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const switched = async (scheme) => {
    const { page, seen } = await open(browser, quick, { scheme });
    const before = await ground(page);
    await page.click("#theme");
    const after = await ground(page);
    await page.evaluate(() => localStorage.removeItem("evalmark-theme"));
    assert.deepEqual(seen.errors, []);
    await page.close();
    return [before, after];
  };
  const [white, black] = await switched("light");
  assert.notEqual(white, black);
  assert.deepEqual(await switched("dark"), [black, white]);
  const kept = await open(browser, quick, { storage: "dark" });
  assert.equal(await ground(kept.page), black);
  await kept.page.close();
});

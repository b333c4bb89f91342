// What a reader sees first, in the shipped example and in runs that got worse, that cannot tell, and
// that got better.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { launch, open, texts } from "./browser.mjs";
import { many, quickstart, three } from "./runs.mjs";

let browser;
let pages;

before(async () => {
  browser = await launch();
  pages = { quickstart: quickstart(), ...three(), many: many() };
});
after(() => browser?.close());

test("the quickstart's page says nothing on the console and asks for nothing", async () => {
  const { page, seen, address } = await open(browser, pages.quickstart);
  assert.deepEqual(seen, { console: [], errors: [], requests: [address], dialogs: [], refused: [] });
  assert.equal((await texts(page, ".samples tbody tr")).length, 50);
  await page.close();
});

/** The part of the page that is in sight without scrolling. */
function inSight(page, selector) {
  return page.$eval(selector, (one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return top >= 0 && Math.min(bottom, top + 60) <= innerHeight;
  });
}

const expected = {
  regressed: {
    title: /^regressed The new prompt is worse than before in both comparisons\.$/,
    amount: /^Worst: right fell from 83\.3 % to 71\.7 % \(-11\.7 points\) for topic\.$/,
    sure: /lies within \[-15\.2, -8\.7\] points: each end holds with 95 % confidence, from 300 paired items\. The drop is more than chance \(p < 0\.001\)/,
    flips: ["Newly broke 35", "Newly works 0"],
  },
  inconclusive: {
    title: /^inconclusive It cannot be told whether the new prompt is worse than before\.$/,
    amount: /^Worst: right fell from 80\.0 % to 78\.3 % \(-1\.7 points\) for topic\.$/,
    sure: /That is too wide for the margin \(3 points\): about 800 items would show a drop of that size\.$/,
    flips: ["Newly broke 4", "Newly works 3"],
  },
  improved: {
    title: /^improved The new prompt is better than before in both comparisons\.$/,
    amount: /^Smallest gain: like rose from .* for topic\.$/,
    sure: /A drop of the margin \(3 points\) or more is ruled out \(p < 0\.001\)\.$/,
    flips: ["Newly broke 4", "Newly works 73"],
  },
};

for (const [name, says] of Object.entries(expected)) {
  test(`the first screen of a run that ${name} answers`, async () => {
    const { page, seen } = await open(browser, pages[name]);
    assert.match((await texts(page, "#verdict"))[0].replace(/\s+/g, " "), says.title);
    assert.match((await texts(page, ".amount"))[0], says.amount);
    assert.match((await texts(page, ".certainty"))[0].replace(/\s+/g, " "), says.sure);
    const titles = (await texts(page, ".flips h2")).map((title) =>
      title.replace(/\s+/g, " ").replace(" all in the table", ""),
    );
    assert.deepEqual(titles, says.flips);
    for (const part of [".certainty", ".forest tbody tr", ".changes .diff", ".flips h2", ".flip"]) {
      assert.ok(await inSight(page, part), `${part} is below the fold`);
    }
    // What broke: the question, what was and is answered, and what is right.
    const first = (await texts(page, ".flip"))[0].replace(/\s+/g, " ");
    assert.match(first, /^M-\d+ topic right [01] → [01].*\(order 1\d+\)/);
    const [was, now, right] = (await texts(page, ".flip:first-child .answers dd"));
    assert.deepEqual(await texts(page, ".flips:has(.flip) .flip:first-child .answers dt").then((all) => all.slice(0, 3)), ["was", "now", "right"]);
    assert.notEqual(was, now);
    assert.ok(["money", "delivery", "login"].includes(right), right);
    // What changed in the prompt, word by word.
    assert.ok((await texts(page, ".changes .diff del")).join(" ").includes("Which"));
    assert.ok((await texts(page, ".changes .diff ins")).join(" ").includes("Name the"));
    assert.deepEqual(seen.errors, []);
    await page.close();
  });
}

test("worse comparisons stand before better ones, on one scale", async () => {
  const { page } = await open(browser, pages.quickstart);
  const points = await texts(page, ".forest tbody b");
  const numbers = points.map((text) => Number.parseFloat(text));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  assert.equal((await page.$$(".forest-axis")).length, 1);
  const widths = await page.$$eval(".forest-row, .forest-axis", (all) => all.map((one) => one.getBoundingClientRect().width));
  assert.equal(new Set(widths).size, 1, `${widths}`);
  const zeros = await page.$$eval(".forest-row .zero", (lines) => lines.map((line) => line.getAttribute("x1")));
  assert.equal(new Set(zeros).size, 1, "the line of no change is one line");
  await page.close();
});

test("numbers are those of the verdict's own file", async () => {
  for (const name of ["quickstart", "regressed", "inconclusive", "improved"]) {
    const { page } = await open(browser, pages[name]);
    const verdict = JSON.parse(readFileSync(pages[name].replace("report.html", "verdict.json"), "utf8"));
    const signed = (value) => `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)}`;
    const written = verdict.comparisons.map(
      ({ estimate, lower, upper }) => `${signed(estimate)} points[${signed(lower)}, ${signed(upper)}]`,
    );
    assert.deepEqual((await texts(page, ".forest tbody td:nth-child(4)")).sort(), written.sort());
    await page.close();
  }
});

test("nothing is wider than the window, whatever its width, and with names of all kinds", async () => {
  const uncompared = pages.regressed.replace("after/report.html", "before/report.html");
  for (const file of [pages.quickstart, pages.many, pages.regressed, uncompared]) {
    const { page, seen } = await open(browser, file);
    for (const width of [1280, 820, 390]) {
      await page.setViewport({ width, height: 800 });
      const [own, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(own <= window, `${file} is ${own} wide in a window of ${window}`);
    }
    assert.deepEqual(seen.errors, []);
    await page.close();
  }
});

test("a page without a baseline has scores first, and no column that is empty", async () => {
  const { page } = await open(browser, pages.regressed.replace("after/report.html", "before/report.html"));
  assert.match((await texts(page, "#verdict"))[0], /compared with nothing/);
  assert.match((await texts(page, ".amount"))[0], /^Why: the gate names no baseline and no minimum/);
  assert.ok(await inSight(page, "#scores tbody tr"));
  const columns = await page.$$eval("#scores tbody tr", (rows) =>
    [...rows[0].cells].map((_, at) => rows.map((row) => row.cells[at].textContent.trim())),
  );
  for (const column of columns) assert.ok(column.some((text) => text !== "–"), JSON.stringify(columns));
  await page.close();
});

test("on a telephone a comparison's change stands beside its name", async () => {
  const { page } = await open(browser, pages.many);
  await page.setViewport({ width: 390, height: 800 });
  const outside = await page.$$eval(".forest tbody tr:not(.axis-row) > *", (all) =>
    all.filter((one) => one.getBoundingClientRect().right > innerWidth).length,
  );
  assert.equal(outside, 0);
  // Pictures stand above each other, as wide as their axis.
  const widths = await page.$$eval(".forest-row, .forest-axis", (all) =>
    all.map((one) => { const { left, width } = one.getBoundingClientRect(); return `${left} ${width}`; }),
  );
  assert.equal(new Set(widths).size, 1, [...new Set(widths)].join(", "));
  await page.close();
});

test("an address opens a comparison that is folded away", async () => {
  const { page } = await open(browser, pages.many, { hash: "#comparison-40" });
  assert.ok(await page.$eval("#comparison-40", (one) => one.open && one.parentElement.open));
  assert.ok(await inSight(page, "#comparison-40 summary"));
  await page.close();
});

test("on paper everything is on white, and nothing is cut by a scroll bar", async () => {
  const { page } = await open(browser, pages.regressed, { scheme: "dark" });
  await page.emulateMediaType("print");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  const cut = await page.$$eval(".scroll, .wide, pre", (all) =>
    all.filter((one) => one.offsetParent && one.scrollHeight > one.clientHeight + 2).length,
  );
  assert.equal(cut, 0);
  assert.equal(await page.$eval("#query", (one) => getComputedStyle(one).display), "none");
  await page.close();
});

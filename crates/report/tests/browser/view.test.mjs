// `evalmark view` in the same browser: no console error, no request to anywhere else, no serious violation
// of axe-core, light and dark; forms and links work without the script.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch } from "./browser.mjs";
import { folder, program, three } from "./runs.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;
let viewer;
let origin;
let token;

before(async () => {
  three();
  viewer = spawn(program, ["view", join(folder, "regressed/out"), "--no-open"], { stdio: ["ignore", "pipe", "ignore"] });
  const address = await new Promise((tell) => viewer.stdout.once("data", (line) => tell(String(line).trim())));
  ({ origin } = new URL(address));
  token = new URL(address).searchParams.get("token");
  browser = await launch();
});
after(async () => {
  await browser?.close();
  viewer?.kill("SIGINT");
});

async function visit(path, scheme = "light", script = true) {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(script);
  const seen = { console: [], errors: [], requests: [] };
  page.on("console", (message) => seen.console.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("request", (request) => seen.requests.push(request.url()));
  await page.setViewport({ width: 1280, height: 800 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  const sign = path.includes("?") ? "&" : "?";
  await page.goto(`${origin}${path}${sign}token=${token}`);
  return { page, seen };
}

const PATHS = [
  "/",
  "/suite/regressed",
  "/run/regressed/after",
  "/run/regressed/after/samples",
  "/run/regressed/after/samples?q=parcel&outcome=answered",
  "/run/regressed/after/sample/3",
  "/compare?baseline=regressed/before&candidate=regressed/after",
  "/run/regressed/after/samples?sort=score.like&order=down&metric=none",
  "/run/regressed/none",
];

for (const scheme of ["light", "dark"]) {
  for (const path of PATHS) {
    test(`${path}, ${scheme}`, async () => {
      const { page, seen } = await visit(path, scheme);
      await page.waitForFunction(() => !document.querySelector("main[data-live]"), { timeout: 30000 });
      assert.ok(!page.url().includes(token));
      await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
      await page.evaluate(axe);
      const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
      assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 160)}`), []);
      assert.deepEqual(seen.errors, []);
      assert.deepEqual(seen.console.filter((text) => !text.includes("404")), []);
      assert.deepEqual(seen.requests.filter((address) => !address.startsWith(origin)), []);
      await page.close();
    });
  }
}

test("without its script, forms and links lead everywhere", async () => {
  const { page } = await visit("/", "light", false);
  const [baseline, candidate] = ["before", "after"].map((run) => `regressed/${run}`);
  await page.click(`input[name=baseline][value="${baseline}"]`);
  await page.click(`input[name=candidate][value="${candidate}"]`);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  assert.match(page.url(), /\/compare\?.*baseline=/);
  await page.goto(`${origin}/run/regressed/after/samples`);
  await page.type("input[name=q]", "PARCEL");
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  assert.match(page.url(), /q=PARCEL/);
  const rows = await page.$$("table.samples tbody tr");
  assert.equal(rows.length, 50);
  await Promise.all([page.waitForNavigation(), page.click("tbody a")]);
  assert.match(page.url(), /\/sample\/\d+$/);
  await page.close();
});

test("a comparison shows what changed, and leads to the samples that broke and why", async () => {
  const { page } = await visit("/compare?baseline=regressed/before&candidate=regressed/after");
  await page.waitForFunction(() => !document.querySelector("main[data-live]"), { timeout: 30000 });
  const texts = (selector) => page.$$eval(selector, (all) => all.map((one) => one.textContent));
  assert.ok((await texts("pre.diff del")).join(" ").includes("Which"));
  assert.ok((await texts("pre.diff ins")).join(" ").includes("Name the"));
  const [item] = await texts(".flips .bad a");
  await Promise.all([page.waitForNavigation(), page.click(".flips .bad a")]);
  assert.deepEqual(await texts("table.samples tbody th a"), [item]);
  await Promise.all([page.waitForNavigation(), page.click("table.samples tbody th a")]);
  assert.match((await texts("main"))[0], /Why it scored so\s+topic\s+said "/);
  await page.close();
});

test("a heading puts the samples in order, then the other way around, then back", async () => {
  const { page } = await visit("/run/regressed/after/samples", "light", false);
  const heading = 'thead th.number a[href*="score.like"]';
  const first = () => page.$eval("tbody tr", (row) => row.textContent);
  const state = () => page.$$eval("thead th[aria-sort]", (all) => all.map((one) => one.ariaSort));
  const before = await first();
  for (const expected of [["ascending"], ["descending"], []]) {
    const [link] = await page.$$eval("thead th.number a", (all) => all.filter((one) => one.textContent === "like").map((one) => one.href));
    await page.goto(link);
    assert.deepEqual(await state(), expected);
  }
  assert.equal(await first(), before);
  assert.equal((await page.$$(heading)).length, 1);
  await page.close();
});

test("nothing is wider than a telephone", async () => {
  for (const path of PATHS) {
    const { page } = await visit(path);
    await page.waitForFunction(() => !document.querySelector("main[data-live]"), { timeout: 30000 });
    await page.setViewport({ width: 390, height: 800 });
    const [own, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(own <= window, `${path} is ${own} wide in a window of ${window}`);
    await page.close();
  }
});

test("a run's own page works within the viewer, and sees nothing of it", async () => {
  const { page, seen } = await visit("/run/regressed/after/report.html");
  const reach = await page.evaluate(() => {
    try {
      return document.cookie;
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(reach, "SecurityError");
  assert.equal(await page.evaluate(() => window.origin), "null");
  assert.ok((await page.$$(".samples tbody tr")).length > 0);
  assert.deepEqual(seen.errors, []);
  await page.close();
});

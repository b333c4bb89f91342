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

// Answers that try to act: nothing runs, nothing is fetched, nothing breaks.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { launch, open, texts, until } from "./browser.mjs";
import { compared, message } from "./runs.mjs";

const HOSTILE = [
  "<script>window.hacked = 1; alert(1)</script>",
  "</script><script>window.hacked = 2</script>",
  "<!--<script>",
  "]]></script><img src=x onerror=\"window.hacked=3\">",
  "<svg onload=window.hacked=4><a href=\"javascript:window.hacked=5\">x</a>",
  "javascript:window.hacked=6",
  "\" onmouseover=\"window.hacked=7\" x=\"",
  "' autofocus onfocus='window.hacked=8",
  "\u001b[31mred\u001b[0m\u0007\u0000\r",
  "abc\u202edcba\u2066 \u200b\u2028",
  "{{ 7 * 7 }} {% raw %} ${window.hacked=9} `",
  "<iframe srcdoc=\"<script>parent.hacked=10</script>\"></iframe><link rel=stylesheet href=//example.org/x>",
  "<style>* { display: none }</style><base href=//example.org/><meta http-equiv=refresh content=0>",
  "\ufeffעברית العربية 日本語 👩‍🚀",
  "a".repeat(1_000_000),
  `${"word ".repeat(200_000)}`,
];

let browser;
let file;

before(async () => {
  browser = await launch();
  const items = HOSTILE.map((answer, n) => ({
    ...message(n, true),
    id: `${n} ${answer.slice(0, 80)}`,
    text: `${answer.slice(0, 2000)} ${n}`,
    channel: answer.slice(0, 60),
    answer,
  }));
  const before = items.map((item, n) => ({ ...item, answer: HOSTILE[(n + 1) % HOSTILE.length] }));
  // JSON may hold half of a surrogate pair; the program has to make a text of it.
  const lone = { ...message(99, true), id: "lone", answer: "LONE" };
  file = compared("hostile", [...before, lone], [...items, lone], {
    edit: (line) => line.replace('"answer":"LONE"', '"answer":"x\\ud800y\\udc00z"'),
  });
});
after(() => browser?.close());

test("hostile answers execute nothing, fetch nothing and break nothing", async () => {
  for (const scheme of ["light", "dark"]) {
    const { page, seen, address } = await open(browser, file, { scheme });
    const n = HOSTILE.length + 1;
    assert.equal((await texts(page, ".samples tbody tr")).length, n);
    for (let row = 1; row <= n; row += 1) {
      await page.evaluate((row) => {
        document.querySelector(`.samples tbody tr:nth-child(${row}) a`).click();
      }, row);
      await until(page, () => document.getElementById("sample").open);
      for (const key of ["against-target", "against-baseline", "against-none"]) {
        await page.evaluate((key) => {
          document.querySelector(`#sample [data-key="${key}"]`)?.click();
        }, key);
      }
      await page.evaluate(() => document.getElementById("sample").close());
      await until(page, () => !document.getElementById("sample").open);
    }
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    const made = "main script, main iframe, main img, main svg svg, main style, main base, main meta, main [onload]";
    assert.equal((await page.$$(made)).length, 0, "no text became markup");
    assert.equal(await page.$$eval("a", (all) => all.filter((a) => !a.getAttribute("href").startsWith("#")).length), 0);
    assert.deepEqual(
      { ...seen, requests: [...new Set(seen.requests.map((url) => url.split("#")[0]))] },
      { console: [], errors: [], requests: [address], dialogs: [], refused: [] },
    );
    await page.close();
  }
});

test("what acts on the text around it is shown as what it is", async () => {
  const { page } = await open(browser, file);
  const all = await page.evaluate(() => document.body.innerText + document.getElementById("data").textContent);
  for (const acting of ["\u001b", "\u202e", "\u2066", "\u0000", "\u200b"]) {
    assert.ok(!all.includes(acting), acting.codePointAt(0).toString(16));
  }
  for (const shown of ["⟨U+001B⟩[31m", "⟨U+202E⟩"]) assert.ok(all.includes(shown), shown);
  assert.ok(readFileSync(file).length < 5_000_000);
  await page.close();
});

test("the policy refuses what is not the page's own", async () => {
  const { page, seen } = await open(browser, file);
  await page.evaluate(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "window.hacked = 11";
      document.body.append(script);
    } catch {
      // Trusted types refuse the text.
    }
    try {
      document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hacked = 12'>");
    } catch {
      // Trusted types refuse the markup.
    }
    const image = document.createElement("img");
    image.src = "https://example.org/x.png";
    document.body.append(image);
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.body.append(style);
  });
  await new Promise((done) => setTimeout(done, 300));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).display), "none");
  assert.ok(seen.refused.length >= 2, "the browser says what it refused");
  await page.close();
});

// A page in Debian's chromium: whatever it says on its console, asks for or throws is kept.

import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

import puppeteer from "puppeteer-core";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = places.find((place) => place && existsSync(place));

/** Starts the browser. */
export function launch() {
  if (!executablePath) throw new Error("no chromium: apt-get install chromium, or name it in CHROMIUM");
  // The tests may run as root in a container, where chromium has no sandbox of its own.
  return puppeteer.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** Opens a file at the size of a small laptop's screen. */
export async function open(browser, file, { hash = "", scheme = "light", storage = null } = {}) {
  const page = await browser.newPage();
  const seen = { console: [], errors: [], requests: [], dialogs: [], refused: [] };
  page.on("console", (message) => {
    const text = message.text();
    if (text.includes("Content Security Policy")) seen.refused.push(text);
    else seen.console.push(`${message.type()}: ${text}`);
  });
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("dialog", async (dialog) => {
    seen.dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  await page.setViewport({ width: 1280, height: 800 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  if (storage) await page.evaluateOnNewDocument((kept) => localStorage.setItem("evalmark-theme", kept), storage);
  const address = pathToFileURL(file).href + hash;
  await page.goto(address);
  return { page, seen, address };
}

/** The texts of all elements that a selector finds. */
export function texts(page, selector) {
  return page.$$eval(selector, (found) => found.map((one) => one.textContent.trim()));
}

/** Waits until what `look` finds in the page is so. */
export async function until(page, look, ...given) {
  await page.waitForFunction(look, { timeout: 5000, polling: 50 }, ...given);
}

/** How many samples the table says that it found. */
export async function found(page) {
  const said = await page.$eval("#found", (one) => one.textContent);
  return Number(said.split(" of ")[0].replaceAll(",", ""));
}

/** Chooses something in a field of the form, and waits until the table shows what it finds. */
export async function choose(page, name, value) {
  const field = `#query [name="${name}"]`;
  if ((await page.$eval(field, (one) => one.tagName)) === "SELECT") {
    const before = await page.evaluate(() => location.hash);
    await page.select(field, value);
    await until(page, (then) => location.hash !== then, before);
    return;
  }
  await page.click(field, { count: 3 });
  await page.keyboard.press("Backspace");
  await page.type(field, value);
  // Slow typing is searched for letter by letter: only the address of the whole text is the end.
  const isWhole = (key, typed) => new URLSearchParams(location.hash.slice(1)).get(key) === typed;
  await until(page, isWhole, name, value);
}

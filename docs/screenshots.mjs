// Pictures of the real quickstart for the book: `node docs/screenshots.mjs`, after `cargo build -p evalmark` and
// `npm ci --ignore-scripts` in crates/report/tests/browser. Needs chromium; writes docs/src/screenshots.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch, open, until } from "../crates/report/tests/browser/browser.mjs";
import { evalmark, folder, program, root } from "../crates/report/tests/browser/runs.mjs";

const to = join(dirname(fileURLToPath(import.meta.url)), "src/screenshots");
mkdirSync(to, { recursive: true });

const suite = (name) => join(root, `suites/${name}.yaml`);
evalmark(["run", suite("quickstart-earlier"), "--run-id", "before", "--quiet"]);
const ran = evalmark(["run", suite("quickstart"), "--run-id", "after", "--color", "always"]);
writeFileSync(join(to, "terminal.svg"), terminal(ran.stdout.split("\n").slice(0, 26), "evalmark run suites/quickstart.yaml"));

const browser = await launch();
try {
  const report = join(folder, "reports/quickstart/after/report.html");
  await shoot(await pageOf(report, ""), "report", 776);
  const sample = await pageOf(report, "#sample=T-045");
  await until(sample, () => location.hash.includes("T-045") && document.querySelector("#samples"));
  await sample.evaluate(() => document.querySelector("#detail, #samples")?.scrollIntoView());
  await shoot(sample, "sample", 780);
  const viewer = spawn(program, ["view", join(folder, "reports"), "--no-open"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const address = await new Promise((tell) => viewer.stdout.once("data", (line) => tell(String(line).trim())));
    const { origin, searchParams } = new URL(address);
    const page = await browser.newPage();
    const visit = (path) => page.goto(`${origin}${path}${path.includes("?") ? "&" : "?"}token=${searchParams.get("token")}`);
    await visit("/run/quickstart/after/samples?q=card");
    await shoot(page, "view-samples", 560);
    await visit("/compare?baseline=quickstart/before&candidate=quickstart/after");
    await until(page, () => document.querySelectorAll("table").length > 0);
    await shoot(page, "view-compare", 780);
  } finally {
    viewer.kill("SIGINT");
  }
} finally {
  await browser.close();
}

async function pageOf(file, hash) {
  const { page } = await open(browser, file, { hash });
  await page.setViewport({ width: 1200, height: 780 });
  return page;
}

async function shoot(page, name, height) {
  await page.setViewport({ width: 1200, height });
  await page.screenshot({ path: join(to, `${name}.webp`), type: "webp", quality: 70 });
}

/** Lines of a terminal as a picture: what the program printed, in its colours. */
function terminal(lines, command) {
  const colours = { 1: "#e06c75", 2: "#7fd18b", 3: "#e5c07b", 4: "#61afef", 5: "#c678dd", 6: "#56b6c2" };
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const spans = (line) => {
    let style = {};
    return line.split(/(\x1b\[[0-9;]*m)/).map((part) => {
      if (!part.startsWith("\x1b[")) {
        const { fill, weight, opacity } = style;
        const attributes = `${fill ? ` fill="${fill}"` : ""}${weight ? ' font-weight="bold"' : ""}${opacity ? ' opacity="0.6"' : ""}`;
        return part && (attributes ? `<tspan${attributes}>${escaped(part)}</tspan>` : escaped(part));
      }
      for (const code of part.slice(2, -1).split(";").map(Number)) {
        if (code === 0) style = {};
        else if (code === 1) style = { ...style, weight: true };
        else if (code === 2) style = { ...style, opacity: true };
        else if (code >= 31 && code <= 36) style = { ...style, fill: colours[code - 30] };
      }
      return "";
    }).join("");
  };
  const rows = [`\x1b[32m$\x1b[0m ${command}`, ...lines].map((line) => spans(line.trimEnd()));
  const height = 36 + rows.length * 19;
  const texts = rows.map((row, n) => `<text x="18" y="${32 + n * 19}" xml:space="preserve">${row}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="${height}" viewBox="0 0 900 ${height}" role="img">
<rect width="100%" height="100%" rx="8" fill="#1b1f24"/>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#d7dce2">
${texts.join("\n")}
</g>
</svg>
`;
}

// Looks at pages as people will, and fails where one of them would have trouble.
//
//     node look.js FOLDER PAGE…
const fs = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const VIEWS = [
  { name: "telephone", width: 360, height: 740, scheme: "light" },
  { name: "telephone-dark", width: 360, height: 740, scheme: "dark" },
  { name: "desk", width: 1280, height: 900, scheme: "light" },
  { name: "desk-dark", width: 1280, height: 900, scheme: "dark" },
];
const problems = [];

function wrong(where, what) {
  problems.push(`${where}: ${what}`);
}

// What sticks out of the screen without a box of its own to scroll in.
function overflow() {
  const wide = document.documentElement.clientWidth;
  const found = [];
  if (document.documentElement.scrollWidth > wide) found.push(`page ${document.documentElement.scrollWidth} > ${wide}`);
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest(".scroll, svg, details:not([open])")) continue;
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.right > wide + 1) found.push(`${element.tagName}.${element.className} ${Math.round(box.right)}`);
  }
  return found;
}

// The smallest letters of a picture, as they are drawn.
function letters() {
  const sizes = [...document.querySelectorAll("svg text")].map((text) => text.getBoundingClientRect().height);
  return sizes.length ? Math.min(...sizes) : 99;
}

async function judge(page, where) {
  for (const found of await page.evaluate(overflow)) wrong(where, `sticks out: ${found}`);
  const small = await page.evaluate(letters);
  if (small < 9) wrong(where, `letters of ${small.toFixed(1)} px in a picture`);
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of result.violations) {
    const text = `axe ${violation.impact}: ${violation.id} (${violation.nodes.length}) ${violation.nodes[0].html.slice(0, 200)}`;
    if (["serious", "critical"].includes(violation.impact)) wrong(where, text);
    else console.log(`${where}: ${text}`);
  }
  for (const found of await page.evaluate(overflow)) wrong(where, `sticks out with its tables open: ${found}`);
}

async function look(browser, folder, file) {
  const url = `file://${path.join(folder, file)}`;
  const base = file.replace(/\.html$/, "");
  for (const view of VIEWS) {
    const where = `${file} ${view.name}`;
    const context = await browser.newContext({
      viewport: { width: view.width, height: view.height },
      colorScheme: view.scheme,
      deviceScaleFactor: view.width < 500 ? 2 : 1,
    });
    const page = await context.newPage();
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong(where, message.text()));
    page.on("pageerror", (error) => wrong(where, String(error)));
    page.on("request", (request) => request.url() !== url && wrong(where, `fetches ${request.url()}`));
    await page.goto(url);
    // The page's own policy held up to here; axe is put in from outside.
    await page.screenshot({ path: path.join(folder, `${base}-${view.name}.png`), fullPage: true });
    await judge(page, where);
    await context.close();
  }
  const page = await browser.newPage();
  await page.goto(url);
  const pdf = path.join(folder, `${base}.pdf`);
  await page.pdf({ path: pdf, preferCSSPageSize: true, printBackground: true });
  const box = /\/MediaBox\s*\[\s*0 0 (\d+)\.?\d* (\d+)/.exec(fs.readFileSync(pdf, "latin1"));
  const a4 = box && Math.abs(box[1] - 595) <= 1 && Math.abs(box[2] - 842) <= 1;
  if (!a4) wrong(pdf, `not A4: ${box && box[0]}`);
  await page.close();
}

(async () => {
  const [folder, ...files] = process.argv.slice(2);
  const options = { executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] };
  const browser = await chromium.launch(options);
  for (const file of files) await look(browser, folder, file);
  await browser.close();
  problems.forEach((problem) => console.error(problem));
  if (problems.length) process.exit(1);
  console.log(`${files.length} pages in ${VIEWS.length} views and on A4: nothing fetched, nothing sticks out, no serious finding`);
})();

// Makes sure that the tests of pages find a Chromium and those of completion zsh and fish: `npm test` runs this first.
import { install, version } from "./debian-package.mjs";

const BROWSERS = [
  process.env.WHETSTONE_CHROMIUM,
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
];
const browser = BROWSERS.find((name) => name && version(name));
const missing = [...(browser ? [] : ["chromium"]), ...["zsh", "fish"].filter((shell) => !version(shell))];

if (missing.length > 0) {
  const reason = install(...missing);
  // Where the suite guards changes the tests that need them fail then, elsewhere they are skipped.
  if (reason) console.warn(`no ${missing.join(", no ")}, and ${reason}`);
}
for (const name of [browser ?? "chromium", "zsh", "fish"]) {
  const found = version(name);
  if (found) console.log(`${name}: ${found}`);
}

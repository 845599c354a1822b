import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { onTestFinished } from "vitest";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Where Chromium is: what WHETSTONE_CHROMIUM says, or else the first on PATH. `npm test` installs it where it can. */
export const chromiumPath: string | undefined =
  process.env.WHETSTONE_CHROMIUM ||
  (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));

/** Starts a headless Chromium that asks nothing of the network by itself. It does not outlive the test. */
export async function openBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("there is no Chromium: install it, or name it in WHETSTONE_CHROMIUM");
  const browser = await chromium.launch({ executablePath: chromiumPath, args: [...ARGUMENTS] });
  onTestFinished(() => browser.close());
  return browser;
}

// Without a sandbox, for root may not have one; the pages are our own.
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

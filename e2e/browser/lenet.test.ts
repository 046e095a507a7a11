import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, preview, type PreviewServer } from 'vite';
import { findChromium, launchChromium } from './chromium.js';
import { trainLeNet } from './page/train.js';

const executable = findChromium();
const required = process.env.FAKKEL_REQUIRE_BROWSER === '1';
// The name carries the reason into every report.
const title = executable
  ? 'in headless Chromium'
  : 'in headless Chromium (none found: install it, or set CHROMIUM to its path)';

describe.skipIf(!executable && !required)(title, () => {
  let outDir: string;
  let server: PreviewServer;
  let browser: Browser;

  beforeAll(async () => {
    if (!executable) throw new Error('no Chromium found, and FAKKEL_REQUIRE_BROWSER is set');
    outDir = await mkdtemp(path.join(os.tmpdir(), 'fakkel-browser-'));
    const root = path.join(import.meta.dirname, 'page');
    const shared = { root, configFile: false, logLevel: 'warn' } as const;
    await build({ ...shared, build: { outDir, emptyOutDir: true, target: 'es2022' } });
    server = await preview({
      ...shared,
      build: { outDir },
      // A page may forbid eval and new Function; Fakkel needs neither.
      preview: { host: '127.0.0.1', port: 0, headers: { 'Content-Security-Policy': "script-src 'self'" } },
    });
    browser = await launchChromium(executable);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (outDir) await rm(outDir, { recursive: true, force: true });
  });

  test('LeNet-5 trains for 20 steps on the reference backend, with the losses that Node gets', async () => {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
    await page.goto(server.resolvedUrls!.local[0]);
    await page.waitForFunction('window.outcome', undefined, { timeout: 120_000 });
    const outcome: unknown = await page.evaluate('window.outcome');

    expect(problems).toEqual([]);
    expect(outcome).toEqual({ losses: expect.any(Array) as number[] });
    const { losses } = outcome as { losses: number[] };
    expect(losses).toHaveLength(20);
    expect(losses[19]).toBeLessThan(losses[0] / 2);
    const inNode = await trainLeNet(20);
    for (const [step, loss] of losses.entries()) expect(loss).toBeCloseTo(inNode[step], 4);
  });
});

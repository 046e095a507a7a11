import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, preview, type PreviewServer } from 'vite';
import { findChromium, launchChromium } from './chromium.js';
import type { Page } from './page/main.js';
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
  /** The same page, which may share memory with its workers. */
  let isolated: PreviewServer;
  let browser: Browser;

  beforeAll(async () => {
    if (!executable) throw new Error('no Chromium found, and FAKKEL_REQUIRE_BROWSER is set');
    outDir = await mkdtemp(path.join(os.tmpdir(), 'fakkel-browser-'));
    const root = path.join(import.meta.dirname, 'page');
    // Workers that load on demand are modules: what @fakkel/data's README says of Vite.
    const shared = { root, configFile: false, logLevel: 'warn', worker: { format: 'es' } } as const;
    await build({ ...shared, build: { outDir, emptyOutDir: true, target: 'es2022' } });
    // A page may forbid eval and new Function; Fakkel needs neither.
    const policy = { 'Content-Security-Policy': "script-src 'self'" };
    const serve = (headers: Record<string, string>) =>
      preview({ ...shared, build: { outDir }, preview: { host: '127.0.0.1', port: 0, headers } });
    server = await serve(policy);
    isolated = await serve({
      ...policy,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    browser = await launchChromium(executable);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await isolated?.close();
    if (outDir) await rm(outDir, { recursive: true, force: true });
  });

  /** Runs `use` on the page, and fails on any uncaught error or message on the console. */
  async function onPage<T>(use: (page: Page) => T | Promise<T>, on = server): Promise<T> {
    const tab = await browser.newPage();
    try {
      const problems: string[] = [];
      tab.on('pageerror', (error) => problems.push(error.message));
      tab.on('console', (message) => problems.push(`console.${message.type()}: ${message.text()}`));
      await tab.goto(on.resolvedUrls!.local[0]);
      await tab.waitForFunction('window.page');
      const result = (await tab.evaluate(`(${use.toString()})(window.page)`)) as T;
      expect(problems).toEqual([]);
      return result;
    } finally {
      await tab.close();
    }
  }

  test('LeNet-5 trains for 20 steps on the reference backend, with the losses that Node gets', async () => {
    const { losses, ticks } = await onPage((page) => page.trainLeNet(20));
    expect(losses).toHaveLength(20);
    const mean = (some: number[]) => some.reduce((sum, loss) => sum + loss, 0) / some.length;
    expect(mean(losses.slice(-5))).toBeLessThan(0.6 * mean(losses.slice(0, 5)));
    // The loader lets timers in between batches.
    expect(ticks).toBeGreaterThanOrEqual(3);

    const inNode = await trainLeNet(20);
    const differences = losses.map((loss, step) => Math.abs(loss - inNode.losses[step]) / inNode.losses[step]);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-6);
  });

  test('a state dict goes through safetensors', async () => {
    const { bytes, equal, metadata } = await onPage((page) => page.saveAndLoad());
    expect(bytes).toBeGreaterThan(61_706 * 4);
    expect({ equal, metadata }).toEqual({ equal: true, metadata: { epoch: '3' } });
  });

  test("device('cpu') is reference; an engine asked for by name says to import it and pass the object", async () => {
    const { cpuIsReference, onnxruntime, webgpu } = await onPage((page) => page.findDevices());
    expect(cpuIsReference).toBe(true);
    const refusal = (name: string) =>
      `backend '${name}' can't be found by its name here: run \`npm install @fakkel/backend-${name}\`, then import it and ` +
      `pass the object: import backend from '@fakkel/backend-${name}'; await device(backend)`;
    expect(onnxruntime).toBe(refusal('onnxruntime'));
    expect(webgpu).toBe(
      `device('webgpu'): no installed engine serves it.\n${refusal('webgpu')}\n${refusal('onnxruntime')}`,
    );
  });

  test('workers give the batches that the page gives itself, in shared memory and without', async () => {
    const alone = await onPage((page) => page.loadInWorkers(0));
    expect(alone.sums).toHaveLength(8);
    expect(await onPage((page) => page.loadInWorkers(2))).toEqual({ sums: alone.sums, sharesMemory: false });
    expect(await onPage((page) => page.loadInWorkers(2), isolated)).toEqual({ sums: alone.sums, sharesMemory: true });
    expect(await onPage((page) => page.workersWithoutFactory())).toContain('Pass webWorker: () => new Worker(');
  });

  test('the page needs no eval: it forbids it', async () => {
    const tab = await browser.newPage();
    await tab.goto(server.resolvedUrls!.local[0]);
    await tab.waitForFunction('window.page');
    // From the page's own event loop: what the test itself evaluates is exempt.
    const refused = await tab.evaluate(
      `new Promise((resolve) => addEventListener('securitypolicyviolation', (e) => resolve(e.blockedURI)) ?? setTimeout('0'))`,
    );
    expect(refused).toBe('eval');
    await tab.close();
  });
});

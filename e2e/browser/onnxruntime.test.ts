import path from 'node:path';
import { device } from '@fakkel/core';
import type { Browser, Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer } from 'vite';
import { findChromium, launchChromium } from './chromium.js';
import type { Page } from './onnxruntime/main.js';
import { trainLeNet, type TrainOptions } from './onnxruntime/train.js';
import { knownGaps, tolerance } from './onnxruntime/webgpu-limits.js';
import { Site } from './site.js';

const executable = findChromium();
const required = process.env.FAKKEL_REQUIRE_BROWSER === '1';
const title = executable
  ? 'ONNX Runtime in headless Chromium'
  : 'ONNX Runtime in headless Chromium (none found: install it, or set CHROMIUM to its path)';

/** What a strict page has to allow: WebAssembly, but no eval. */
const POLICY = { 'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'" };
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const ortFiles = path.join(import.meta.dirname, '../../node_modules/onnxruntime-web/dist');
const example = path.join(import.meta.dirname, '../../examples/browser');

describe.skipIf(!executable && !required)(title, () => {
  let site: Site;
  let url: string;
  let browser: Browser;

  beforeAll(async () => {
    if (!executable) throw new Error('no Chromium found, and FAKKEL_REQUIRE_BROWSER is set');
    site = await Site.build({ root: path.join(import.meta.dirname, 'onnxruntime'), configFile: false });
    url = await site.serve(POLICY);
    browser = await launchChromium(executable);
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  /** A tab that fails the test on any uncaught error or message on the console. */
  async function inTab<T>(use: (tab: Tab) => Promise<T>): Promise<T> {
    const tab = await browser.newPage();
    try {
      const problems: string[] = [];
      tab.on('pageerror', (error) => problems.push(error.message));
      tab.on('console', (message) => {
        if (message.type() !== 'debug') problems.push(`console.${message.type()}: ${message.text()}`);
      });
      const result = await use(tab);
      expect(problems).toEqual([]);
      return result;
    } finally {
      await tab.close();
    }
  }

  /** Calls `use` in the page. */
  async function call<A, T>(
    tab: Tab,
    at: string,
    use: (page: Page, argument: A) => Promise<T>,
    argument: A,
  ): Promise<T> {
    await tab.goto(at);
    await tab.waitForFunction('window.ort');
    return await tab.evaluate(`(${use.toString()})(window.ort, ${JSON.stringify(argument)})`);
  }

  /** The largest relative difference from the losses of the reference backend in Node. */
  async function difference(losses: readonly number[], options: TrainOptions): Promise<number> {
    expect(losses).toHaveLength(options.steps);
    const expected = await trainLeNet(await device('reference'), options);
    return Math.max(...losses.map((loss, step) => Math.abs(loss - expected[step]) / expected[step]));
  }

  test("LeNet-5 trains for 20 steps on WebAssembly, with the reference backend's losses", async () => {
    const options = { steps: 20, batchSize: 32 };
    const losses = await inTab((tab) => call(tab, url, (page, some) => page.train('wasm', some), options));
    expect(await difference(losses, options)).toBeLessThanOrEqual(1e-4);
  });

  test('with threads, where the page is cross-origin isolated', async () => {
    const isolated = await site.serve({ ...POLICY, ...ISOLATED });
    const options = { steps: 20, batchSize: 32 };
    await inTab(async (tab) => {
      const losses = await call(tab, isolated, (page, some) => page.train('wasm', some), options);
      expect(tab.workers().length).toBeGreaterThan(0);
      expect(await difference(losses, options)).toBeLessThanOrEqual(1e-4);
    });
  });

  test("LeNet-5 trains for 20 steps on WebGPU, with the reference backend's losses", async () => {
    // The GPU is software: a tiny batch.
    const options = { steps: 20, batchSize: 4 };
    const losses = await inTab((tab) => call(tab, url, (page, some) => page.train('webgpu', some), options));
    expect(await difference(losses, options)).toBeLessThanOrEqual(1e-4);
  });

  test('the conformance kit passes on WebAssembly, without gaps', async () => {
    const { ran, failures } = await inTab((tab) => call(tab, url, (page) => page.conformance('wasm', {}), undefined));
    expect(failures).toEqual([]);
    expect(ran).toBeGreaterThan(3000);
  });

  test('the conformance kit passes on WebGPU, but for gaps with their reasons', { timeout: 600_000 }, async () => {
    // Without the repetitions of every case: on SwiftShader each kernel takes a fraction of a second to compile.
    const options = { without: 'donated|decomposed', knownGaps, tolerance };
    const { ran, failures } = await inTab((tab) =>
      call(tab, url, (page, some) => page.conformance('webgpu', some), options),
    );
    expect(failures).toEqual([]);
    expect(ran).toBeGreaterThan(1500);
  });

  /** What `device` says on a page that `prepare` has changed. */
  async function refusal(variant: string, prepare: (tab: Tab) => Promise<unknown>): Promise<string> {
    const tab = await browser.newPage();
    try {
      await prepare(tab);
      return await call(tab, url, (page, some) => page.refusal(some), variant);
    } finally {
      await tab.close();
    }
  }

  test('without WebGPU, without an adapter, without the WASM files: what is missing, and what to do', async () => {
    expect(await refusal('webgpu', (tab) => tab.addInitScript('delete Navigator.prototype.gpu'))).toMatchInlineSnapshot(
      `"BackendUnavailableError: onnxruntime:webgpu: there is no WebGPU here: it takes a current browser, and a page from https or localhost. Use device(onnxruntime, { variant: 'wasm' }) instead."`,
    );
    expect(
      await refusal('webgpu', (tab) => tab.addInitScript('navigator.gpu.requestAdapter = async () => null')),
    ).toMatchInlineSnapshot(
      `"BackendUnavailableError: onnxruntime:webgpu: this browser finds no GPU that it would use (chrome://gpu says why). Use device(onnxruntime, { variant: 'wasm' }) instead."`,
    );
    expect(
      await refusal('wasm', (tab) => tab.route('**/*.wasm', (route) => route.fulfill({ status: 404 }))),
    ).toMatchInlineSnapshot(
      `"BackendUnavailableError: onnxruntime:wasm: the WebAssembly files of onnxruntime-web do not load (no available backend found. ERR: [wasm] RuntimeError: Aborted(both async and sync fetching of the wasm failed). Build with -sASSERTIONS for more info.). With Vite, its configuration needs optimizeDeps: { exclude: ['onnxruntime-web'] }; elsewhere copy node_modules/onnxruntime-web/dist/ort-wasm-* to where the page is served and say where: createOnnxruntime({ wasmPaths: '/ort/' }). Then reload the page."`,
    );
    expect(await refusal('cuda', async () => undefined)).toMatchInlineSnapshot(
      `"BackendUnavailableError: onnxruntime has no variant 'cuda' in browsers: expected 'wasm' or 'webgpu'"`,
    );
  });

  test('wasmPaths says where the WASM files are', async () => {
    await inTab(async (tab) => {
      const asked: string[] = [];
      await tab.route('**/elsewhere/*', (route) => {
        const name = path.basename(new URL(route.request().url()).pathname);
        asked.push(name);
        return route.fulfill({ path: path.join(ortFiles, name) });
      });
      expect(await call(tab, url, (page, folder) => page.startFrom(folder), '/elsewhere/')).toBe('onnxruntime:wasm');
      expect(asked.sort()).toEqual(['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']);
    });
  });

  test('what the bundler makes holds nothing of onnxruntime-node', async () => {
    const { readdir, readFile } = await import('node:fs/promises');
    const assets = path.join(site.folder, 'assets');
    const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(scripts.map((name) => readFile(path.join(assets, name), 'utf8')));
    expect(texts.filter((text) => text.includes('onnxruntime-node'))).toEqual([]);
  });

  describe('examples/browser', () => {
    const trainsAt = (at: string): Promise<void> =>
      inTab(async (tab) => {
        await tab.goto(`${at}?epochs=2`);
        await tab.waitForFunction(() => /^Done|Error/.test(document.getElementById('status')!.textContent), undefined, {
          timeout: 120_000,
        });
        expect(await tab.textContent('#status')).toBe('Done on onnxruntime:wasm');
        expect(await tab.textContent('#step')).toBe('88');
        expect(parseFloat((await tab.textContent('#accuracy'))!)).toBeGreaterThan(80);
      });

    test('runs in a Vite build', async () => {
      const built = await Site.build({ root: example });
      try {
        await trainsAt(await built.serve(POLICY));
      } finally {
        await built.close();
      }
    });

    test("runs on Vite's development server", async () => {
      const server = await createServer({
        root: example,
        logLevel: 'warn',
        cacheDir: path.join(site.folder, '.vite'),
        // Not port 0: the page's connection to the server takes it as it is. Vite looks for a free one from here.
        server: { host: '127.0.0.1', port: 5873, watch: null },
      });
      try {
        await server.listen();
        await trainsAt(server.resolvedUrls!.local[0]);
      } finally {
        await server.close();
      }
    });
  });
});

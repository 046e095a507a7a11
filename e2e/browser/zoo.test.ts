/** The model zoo in a page: checkpoints, weights, downloads, ONNX, figures. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { ones, manualSeed, saveSafetensors } from '@fakkel/core';
import { save } from '@fakkel/checkpoint';
import { cifarResnet20, lenet5 } from '@fakkel/models';
import type { Browser, BrowserContext, Page as Tab } from 'playwright-core';
import { createLogger } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findChromium, launchChromium } from './chromium.js';
import { Site } from './site.js';
import type { Page } from './zoo/main.js';
import { serveFiles, type Serving } from './zoo/server.js';
import { classify, contents, saveAndLoad, throughOnnx } from './zoo/zoo.js';

const executable = findChromium();
const required = process.env.FAKKEL_REQUIRE_BROWSER === '1';
const title = executable
  ? 'the zoo in headless Chromium'
  : 'the zoo in headless Chromium (none found: install it, or set CHROMIUM to its path)';

const goldens = path.join(import.meta.dirname, '../../packages/checkpoint/test/goldens');

describe.skipIf(!executable && !required)(title, () => {
  const files = new Map<string, Serving>();
  const warnings: string[] = [];
  let site: Site;
  let url: string;
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serveFiles>>;
  let resnet: Uint8Array;

  beforeAll(async () => {
    if (!executable) throw new Error('no Chromium found, and FAKKEL_REQUIRE_BROWSER is set');
    const customLogger = createLogger('warn');
    customLogger.warn = customLogger.warnOnce = (message) => void warnings.push(message);
    site = await Site.build({ root: path.join(import.meta.dirname, 'zoo'), configFile: false, customLogger });
    url = await site.serve({ 'Content-Security-Policy': "script-src 'self'" });
    browser = await launchChromium(executable);
    manualSeed(0);
    resnet = await save(cifarResnet20());
    server = await serveFiles(files);
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await server?.close();
  });

  beforeEach(() => void server.requests());

  /** A tab that fails the test on any uncaught error or message on the console. */
  async function inTab<T>(use: (tab: Tab) => Promise<T>, context?: BrowserContext): Promise<T> {
    const tab = await (context ?? browser).newPage();
    try {
      const problems: string[] = [];
      tab.on('pageerror', (error) => problems.push(error.message));
      tab.on('console', (message) => problems.push(`console.${message.type()}: ${message.text()}`));
      // Not all browsers have it: Fakkel does without.
      await tab.addInitScript('delete ReadableStream.prototype[Symbol.asyncIterator]');
      await tab.goto(url);
      await tab.waitForFunction('window.zoo');
      const result = await use(tab);
      expect(problems).toEqual([]);
      return result;
    } finally {
      await tab.close();
    }
  }

  /** Calls `use` in the page. */
  const call = <A, T>(tab: Tab, use: (zoo: Page, argument: A) => T | Promise<T>, argument: A): Promise<T> =>
    tab.evaluate(`(${use.toString()})(window.zoo, ${JSON.stringify(argument)})`);

  /** Chooses files as a user does. */
  const choose = (tab: Tab, chosen: readonly { name: string; bytes: Uint8Array }[]): Promise<void> =>
    tab.setInputFiles(
      'input',
      chosen.map(({ name, bytes }) => ({ name, mimeType: '', buffer: Buffer.from(bytes) })),
    );

  test('PyTorch files that a user chooses, and their bytes, hold what they hold in Node', async () => {
    const names = (await readdir(goldens)).filter((name) => name.endsWith('.pth'));
    const chosen = await Promise.all(
      names.map(async (name) => ({ name, bytes: new Uint8Array(await readFile(path.join(goldens, name))) })),
    );
    chosen.push({ name: 'lenet.safetensors', bytes: new Uint8Array(await saveSafetensors(lenet5(), { epoch: '3' })) });
    const found = await inTab(async (tab) => {
      await choose(tab, chosen);
      return call(
        tab,
        (zoo) =>
          Promise.all(
            zoo.chosen().map(async (file) => [await zoo.contents(file), await zoo.contents(await file.arrayBuffer())]),
          ),
        null,
      );
    });
    expect(found).toHaveLength(names.length + 1);
    for (const [i, { name, bytes }] of chosen.entries()) {
      const there = await contents(new File([bytes], name));
      expect(found[i], name).toEqual([there, await contents(bytes)]);
      // Those that are refused are, and no others.
      expect(/^\w*Error: /.test(there), there).toBe(name.startsWith('refused'));
    }
  });

  test('addresses are read by ranges, also where the server hides how large a file is', async () => {
    const large = await save({ weight: ones([1200, 1000]), epoch: 3 });
    const expected = await contents(large);
    for (const ranges of ['told', 'untold', 'none'] as const)
      files.set(`/${ranges}/large.pth`, { body: large, ranges });
    await inTab(async (tab) => {
      const asked: string[][] = [];
      for (const ranges of ['told', 'untold', 'none']) {
        const same = await call(tab, async (zoo, [at, text]) => (await zoo.contents(at)) === text, [
          `${server.base}/${ranges}/large.pth`,
          expected,
        ]);
        expect(same, ranges).toBe(true);
        asked.push(server.requests().map((request) => request.replace(/^GET \S+/, '').trim()));
      }
      const block = 4 * 2 ** 20;
      // The tensor is larger than a block: it is asked for by itself.
      expect(asked).toEqual([
        [`bytes=0-${block - 1}`, `bytes=${block}-${large.length - 1}`, expect.stringMatching(/^bytes=/)],
        [`bytes=0-${block - 1}`, ''],
        [`bytes=0-${block - 1}`],
      ]);
      // Relative to the page.
      await tab.route('**/weights/large.pth', (route) => route.fulfill({ body: Buffer.from(large) }));
      expect(await call(tab, async (zoo, text) => (await zoo.contents('weights/large.pth')) === text, expected)).toBe(
        true,
      );
    });
  });

  test('save gives the bytes that it gives in Node, which load again', async () => {
    const inPage = await inTab((tab) => call(tab, (zoo) => zoo.saveAndLoad(), null));
    expect(inPage).toEqual(await saveAndLoad());
    expect(inPage.contents).toContain('["epoch","number 3"]');
  });

  test("models with the weights of an address, once it is in the cache without network, and of a file: Node's logits", async () => {
    files.set('/cifar_resnet20.pth', { body: resnet, ranges: 'untold' });
    const address = `${server.base}/cifar_resnet20.pth`;
    const total = resnet.length;
    const { logits } = await classify('cifarResnet20', resnet);
    const weights = 4 * (await weightsOf(cifarResnet20()));
    const context = await browser.newContext();
    const load = (zoo: Page, at: string) => zoo.classify('cifarResnet20', at);
    const end = { file: 'cifar_resnet20.pth' };
    await inTab(async (tab) => {
      const first = await call(tab, load, address);
      expect(first.logits).toEqual(logits);
      expect(first.ends[0]).toEqual({ ...end, phase: 'download', loaded: total, total });
      expect(first.ends[1]).toEqual({ ...end, phase: 'load', loaded: expect.any(Number), total: first.ends[1].loaded });
      expect(first.ends[1].loaded).toBeGreaterThan(weights);
      expect(server.requests()).toEqual(['GET /cifar_resnet20.pth']);
    }, context);
    await inTab(async (tab) => {
      await context.setOffline(true);
      const second = await call(tab, load, address);
      expect([second.logits, second.phases]).toEqual([logits, ['load']]);
      expect(server.requests()).toEqual([]);
    }, context);
    await context.close();

    const lenet = await saveSafetensors(lenet5());
    const chosen = await inTab(async (tab) => {
      await choose(tab, [{ name: 'lenet.safetensors', bytes: lenet }]);
      return call(tab, (zoo) => zoo.classify('lenet5', zoo.chosen()[0]), null);
    });
    expect(chosen.logits).toEqual((await classify('lenet5', lenet)).logits);
    expect(chosen.ends).toEqual([{ phase: 'load', file: 'lenet.safetensors', loaded: 4 * 61_706, total: 4 * 61_706 }]);
  });

  test('a wrong checksum is an error, and nothing is kept', async () => {
    files.set('/net.bin', { body: new Uint8Array(1000), ranges: 'told' });
    await inTab(async (tab) => {
      const size = (sha256: string) =>
        call(tab, (zoo, [at, digits]) => zoo.sizeOf(at, { checksum: { sha256: digits } }), [
          `${server.base}/net.bin`,
          sha256,
        ]);
      expect(await size('00000000')).toMatch(
        /^DownloadError: net\.bin: can't be downloaded from http\S+: expected SHA-256 beginning with 00000000, the downloaded file has [a-f0-9]{64}\./,
      );
      expect(await size('541b3e9d')).toBe(1000);
      expect(server.requests()).toHaveLength(2);
      // Published weights have theirs in the file's name.
      await tab.route('https://download.pytorch.org/**', (route) =>
        route.fulfill({ body: 'not they', headers: { 'Access-Control-Allow-Origin': '*' } }),
      );
      expect(await call(tab, (zoo) => zoo.published('resnet18'), null)).toMatch(
        /^DownloadError: resnet18-f37072fd\.pth: .* expected SHA-256 beginning with f37072fd/,
      );
    });
  });

  test('a network exported to ONNX has the bytes that it has in Node, and imported computes the same', async () => {
    const inPage = await inTab((tab) => call(tab, (zoo) => zoo.throughOnnx(), null));
    expect(inPage).toEqual(await throughOnnx());
    expect(Math.max(...inPage.after.map((y, i) => Math.abs(y - inPage.before[i])))).toBeLessThan(1e-5);
  });

  test('figures are drawn: ECharts comes in when one is asked for, PNG is made by the page', async () => {
    await inTab(async (tab) => {
      const asked: string[] = [];
      tab.on('request', (request) => asked.push(request.url()));
      const { svg, figure, picture } = await call(tab, (zoo) => zoo.draw(), null);
      expect(asked.some((at) => at.endsWith('.js'))).toBe(true);
      expect(svg).toMatch(/^<svg width="860" height="560"/);
      for (const name of ['alexnet', 'googlenet', 'resnet18']) expect(svg).toContain(`>${name}</text>`);
      const sizes = ([p, n, g, ...size]: number[]) => [
        String.fromCharCode(p, n, g),
        ...[0, 4].map((at) => size.slice(at, at + 4).reduce((value, byte) => value * 256 + byte)),
      ];
      expect(sizes(figure)).toEqual(['PNG', 2 * 860, 2 * 560]);
      expect(sizes(picture)[0]).toBe('PNG');
    });
  });

  test('the bundle has nothing of Node, of sharp, or, until it is needed, of ECharts', async () => {
    expect(warnings).toEqual([]);
    const assets = path.join(site.folder, 'assets');
    const scripts = await Promise.all(
      (await readdir(assets)).map(async (name) => ({ name, text: await readFile(path.join(assets, name), 'utf8') })),
    );
    expect(scripts.filter(({ text }) => /libvips|__vite-browser-external/.test(text))).toEqual([]);
    const entry = scripts.find(({ name }) => name.startsWith('index-'))!.text;
    expect(entry.length).toBeLessThan(1_000_000);
    expect(entry).not.toContain('zrender');
    expect(scripts.some(({ text }) => text.includes('zrender'))).toBe(true);
  });
});

/** Elements of all parameters. */
async function weightsOf(net: { parameters(): readonly { numel(): number }[] }): Promise<number> {
  return net.parameters().reduce((sum, p) => sum + p.numel(), 0);
}

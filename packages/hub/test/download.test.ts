import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { cacheFolder, download, DownloadError, fetchFile, hashOfName, type DownloadProgress } from '@fakkel/hub';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { serve, type Request, type Serving } from './server.js';

const BODY = new Uint8Array(randomBytes(300_000));
const OTHER = new Uint8Array(randomBytes(300_000));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

let folder: string;
let close: (() => Promise<unknown>) | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fakkel-hub-'));
});
afterEach(async () => {
  await close?.();
  close = undefined;
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A server of one file, `/net.bin`. */
async function serving(file: Serving) {
  const server = await serve({ '/net.bin': file });
  ({ close } = server);
  return { ...server, url: `${server.base}/net.bin` };
}

/** SHA-256 of the file: comparing arrays of 300,000 elements takes a second. */
const contents = async (name = 'net.bin') => sha256(await readFile(path.join(folder, name)));
const ranges = (requests: Request[]) => requests.map(({ range }) => range);
const messageOf = (promise: Promise<unknown>, ...hide: [string, string][]) =>
  promise.then(
    () => 'no error',
    (error: Error) => {
      expect(error).toBeInstanceOf(DownloadError);
      return hide.reduce((text, [from, to]) => text.replaceAll(from, to), error.message.replaceAll(folder, 'FOLDER'));
    },
  );

describe('a file', () => {
  test('is downloaded once, with progress, and nothing is left beside it', async () => {
    const { url, requests } = await serving({ body: BODY });
    const progress: DownloadProgress[] = [];
    const file = await download(url, { folder, onProgress: (p) => progress.push(p) });
    expect(file).toMatchObject({ name: 'net.bin', path: path.join(folder, 'net.bin'), blob: undefined });
    expect(await contents()).toBe(sha256(BODY));
    expect(progress[0]).toEqual({ file: 'net.bin', loaded: 0, total: BODY.length });
    expect(progress.at(-1)).toEqual({ file: 'net.bin', loaded: BODY.length, total: BODY.length });
    expect(await readdir(folder)).toEqual(['net.bin']);
    expect(sha256(await (await download(url, { folder })).bytes())).toBe(sha256(BODY));
    expect(requests.length).toBe(1);
  });

  test('lies in a folder named as its address, by default: files of one name don’t meet', async () => {
    vi.stubEnv('FAKKEL_HOME', folder);
    const server = await serve({ '/a/net.bin': { body: BODY }, '/b/net.bin': { body: OTHER } });
    ({ close } = server);
    const host = new URL(server.base).host.replace(':', '_');
    const paths = [];
    for (const tail of ['/a/net.bin', '/b/net.bin', '/a/net.bin?v=2', '/a/net.bin?v=3']) {
      paths.push((await download(server.base + tail)).path!.slice(folder.length + 1));
    }
    expect(paths[0]).toBe(`downloads/${host}/a/net.bin`);
    expect(paths[1]).toBe(`downloads/${host}/b/net.bin`);
    expect(paths[2]).toMatch(/\/a\/query-[0-9a-f]{8}\/net\.bin$/);
    expect(new Set(paths).size).toBe(4);
    expect(await contents(paths[1])).toBe(sha256(OTHER));
    const elsewhere = await download(`${server.base}/a/net.bin`, { root: `${folder}/weights` });
    expect(elsewhere.path).toBe(`${folder}/weights/${host}/a/net.bin`);
  });

  test('may be empty, redirected, encoded, or of unknown length', async () => {
    const server = await serve({
      '/empty': { body: new Uint8Array() },
      '/moved': { body: BODY, before: [{ status: 302, headers: { location: '/real' } }] },
      '/real': { body: BODY },
      '/packed': { body: gzipSync(BODY), headers: { 'content-encoding': 'gzip' } },
    });
    ({ close } = server);
    await download(`${server.base}/empty`, { folder });
    expect(await contents('empty')).toBe(sha256(new Uint8Array()));
    await download(`${server.base}/moved`, { folder });
    expect(await contents('moved')).toBe(sha256(BODY));
    const progress: DownloadProgress[] = [];
    await download(`${server.base}/packed`, { folder, onProgress: (p) => progress.push(p) });
    expect(await contents('packed')).toBe(sha256(BODY));
    expect(progress.at(-1)).toEqual({ file: 'packed', loaded: BODY.length, total: undefined });
  });

  test('is never in memory as a whole', { timeout: 60_000 }, async () => {
    const body = new Uint8Array(192 * 2 ** 20);
    const { url } = await serving({ body });
    const before = process.memoryUsage().arrayBuffers;
    let peak = 0;
    await download(url, {
      folder,
      checksum: { sha256: sha256(body) },
      onProgress: () => (peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)),
    });
    expect(peak).toBeLessThan(body.length / 2); // pieces that wait for the collector, and the server's, in one process
  });
});

describe('a connection that breaks', () => {
  test('is made again, for the rest', async () => {
    const { url, requests, onProgress } = await serving({ body: BODY, cuts: [100_000, 50_000] });
    await download(url, { folder, onProgress, checksum: { sha256: sha256(BODY) } });
    expect(await contents()).toBe(sha256(BODY));
    expect(ranges(requests)).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
    expect(requests[1].ifRange).toBe('"1"');
  });

  test('gives up after as many attempts without progress as were asked for', async () => {
    const { url, requests, onProgress } = await serving({ body: BODY, cuts: [1000, 0, 0, 0, 0] });
    await expect(download(url, { folder, onProgress, retries: 1 })).rejects.toThrow(
      /net\.bin: can't be downloaded from /,
    );
    expect(requests.length).toBe(2);
    expect((await readdir(folder)).sort()).toEqual(['net.bin.part', 'net.bin.part.json']);
    await download(url, { folder, onProgress, retries: 4 });
    expect(ranges(requests)[2]).toBe('bytes=1000-');
    expect(await contents()).toBe(sha256(BODY));
  });

  test('where the server gives no parts: it begins anew', async () => {
    const { url, requests, onProgress } = await serving({ body: BODY, cuts: [100_000], ranges: false });
    const loaded: number[] = [];
    const record = (progress: DownloadProgress) => (onProgress(progress), loaded.push(progress.loaded));
    await download(url, { folder, onProgress: record });
    expect(requests.length).toBe(2);
    expect(await contents()).toBe(sha256(BODY));
    expect(loaded.indexOf(0, 1)).toBeGreaterThan(0);
  });

  test('where the file has changed meanwhile: it begins anew, also where the server ignores the condition', async () => {
    for (const conditions of [true, false]) {
      const file: Serving = { body: BODY, cuts: [100_000], conditions };
      const { url, requests, onProgress } = await serving(file);
      const change = (progress: DownloadProgress) => {
        onProgress(progress);
        Object.assign(file, { body: OTHER, etag: '"2"' });
      };
      await download(url, { folder, onProgress: change });
      expect(await contents()).toBe(sha256(OTHER));
      expect(requests.length).toBe(conditions ? 2 : 3);
      await rm(path.join(folder, 'net.bin'));
      await close?.();
    }
  });

  test('weak tags promise nothing: the date is the condition, and without one nothing is kept', async () => {
    const lastModified = 'Mon, 23 Nov 2026 20:00:00 GMT';
    const { url, requests, onProgress } = await serving({ body: BODY, etag: 'W/"1"', lastModified, cuts: [1000] });
    await download(url, { folder, onProgress });
    expect(requests[1]).toMatchObject({ range: 'bytes=1000-', ifRange: lastModified });
    await close?.();
    const bare = await serving({ body: BODY, etag: null, cuts: [1000, 0] });
    const bareFolder = path.join(folder, 'bare');
    const stopped = download(bare.url, { folder: bareFolder, retries: 0, onProgress: bare.onProgress });
    await expect(stopped).rejects.toThrow('other side closed');
    expect(await readdir(path.join(folder, 'bare'))).toEqual([]);
  });

  test('servers that lie about lengths and places', async () => {
    const file: Serving = { body: BODY.subarray(0, 1000), headers: { 'content-length': '2000' } };
    const { url, onProgress } = await serving(file);
    file.cuts = [1000, 1000, 1000];
    await expect(download(url, { folder, onProgress, retries: 1 })).rejects.toThrow("can't be downloaded");
    expect(await readdir(folder)).not.toContain('net.bin');
    await close?.();
    const odd = await serving({
      body: BODY,
      cuts: [1000],
      headers: { 'content-range': `bytes 500-${BODY.length - 1}/${BODY.length}` },
    });
    const { onProgress: report } = odd;
    await download(odd.url, { folder: path.join(folder, 'odd'), retries: 0, onProgress: report }).catch(
      () => undefined,
    );
    expect(await readdir(path.join(folder, 'odd'))).not.toContain('net.bin');
  });
});

describe('a download that was stopped', () => {
  test('by killing the process goes on where it was, and its lock is taken over', { timeout: 30_000 }, async () => {
    const body = new Uint8Array(randomBytes(3_000_000));
    const file: Serving = { body };
    const { url, requests } = await serving(file);
    const script = fileURLToPath(new URL('fetch-forever.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=@fakkel/source', '--import', 'tsx', script, url, folder]);
    // The server holds back the end.
    Object.assign(file, { headers: { 'content-length': String(body.length) }, cuts: [undefined] });
    file.body = body.subarray(0, 2_000_000);
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (data: Buffer) => String(data).includes('2000000') && resolve());
    });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('exit', resolve));
    expect((await readdir(folder)).sort()).toEqual(['net.bin.lock', 'net.bin.part', 'net.bin.part.json']);
    Object.assign(file, { body, headers: undefined, cuts: undefined });
    await download(url, { folder });
    expect(await contents()).toBe(sha256(body));
    expect(requests.at(-1)).toEqual({ url: '/net.bin', range: 'bytes=2000000-', ifRange: '"1"' });
    expect(await readdir(folder)).toEqual(['net.bin']);
  });

  test('by its signal rejects with the signal’s reason, and goes on later', async () => {
    const file: Serving = { body: BODY, cuts: [1000, 0, 0, 0] };
    const { url, requests, onProgress } = await serving(file);
    const reason = new Error('enough');
    const controller = new AbortController();
    const stop = ({ loaded }: DownloadProgress) => loaded === 1000 && controller.abort(reason);
    await expect(download(url, { folder, signal: controller.signal, onProgress: stop })).rejects.toBe(reason);
    file.cuts = [];
    await download(url, { folder, onProgress });
    expect(ranges(requests).at(-1)).toBe('bytes=1000-');
    expect(await contents()).toBe(sha256(BODY));
    await expect(download(url, { folder: `${folder}/2`, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('when all had come but the name: nothing is fetched again', async () => {
    const { url, requests } = await serving({ body: BODY });
    await writeFile(path.join(folder, 'net.bin.part'), BODY);
    const version = { etag: '"1"', total: BODY.length };
    await writeFile(path.join(folder, 'net.bin.part.json'), JSON.stringify({ url, version }));
    await download(url, { folder, checksum: { sha256: sha256(BODY) } });
    expect(ranges(requests)).toEqual([`bytes=${BODY.length}-`]);
    expect(await contents()).toBe(sha256(BODY));
  });

  test('with bytes that are not those: the checksum finds out, and it begins anew', async () => {
    const { url, requests } = await serving({ body: BODY });
    await writeFile(path.join(folder, 'net.bin.part'), OTHER.subarray(0, 1000));
    const note = JSON.stringify({ url, version: { etag: '"1"', total: BODY.length } });
    await writeFile(path.join(folder, 'net.bin.part.json'), note);
    await download(url, { folder, checksum: { sha256: sha256(BODY) } });
    expect(ranges(requests)).toEqual(['bytes=1000-', undefined]);
    expect(await contents()).toBe(sha256(BODY));
  });

  test('of another address is not gone on with', async () => {
    const { url, requests } = await serving({ body: BODY });
    await writeFile(path.join(folder, 'net.bin.part'), OTHER.subarray(0, 1000));
    const note = JSON.stringify({ url: `${url}x`, version: { etag: '"1"', total: BODY.length } });
    await writeFile(path.join(folder, 'net.bin.part.json'), note);
    await download(url, { folder });
    expect(ranges(requests)).toEqual([undefined]);
    expect(await contents()).toBe(sha256(BODY));
  });
});

describe('several at once', () => {
  test('download it once', async () => {
    const { url, requests, onProgress } = await serving({ body: BODY, cuts: [1000] });
    const files = await Promise.all(Array.from({ length: 5 }, () => download(url, { folder, onProgress })));
    expect(new Set(files.map((file) => file.path)).size).toBe(1);
    expect(await contents()).toBe(sha256(BODY));
    expect(requests.length).toBe(2); // one of them, and the rest of it
    expect(await readdir(folder)).toEqual(['net.bin']);
  });

  test('take a lock over whose holder is dead, or has shown no life for a minute, and wait for others', async () => {
    const { url } = await serving({ body: BODY });
    const lock = path.join(folder, 'net.bin.lock');
    await writeFile(lock, `2000000000 ${hostname()} dead`); // beyond Linux's largest process id
    await Promise.all([download(url, { folder }), download(url, { folder })]);
    await rm(path.join(folder, 'net.bin'));

    await writeFile(lock, `1 another-machine old`);
    await utimes(lock, new Date(), new Date(Date.now() - 61_000));
    await download(url, { folder });
    await rm(path.join(folder, 'net.bin'));

    await writeFile(lock, `1 another-machine alive`);
    const signal = AbortSignal.timeout(300);
    await expect(download(url, { folder, signal })).rejects.toThrow('timeout');
    expect(await readdir(folder)).toEqual(['net.bin.lock']);
  });
});

describe('answers of servers', () => {
  test('that may pass are waited for, others not', async () => {
    const { url, requests } = await serving({
      body: BODY,
      before: [{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }],
    });
    await download(url, { folder });
    expect(requests.length).toBe(3);
    for (const [before, message] of [
      [{ status: 404 }, 'the server answered 404'],
      [{ status: 403 }, 'the server answered 403'],
      [{ status: 429, headers: { 'retry-after': '3600' } }, 'the server answered 429, and asks to try again in 3600 s'],
    ] as const) {
      await close?.();
      const server = await serving({ body: BODY, before: [before] });
      await expect(download(server.url, { folder: `${folder}/no` })).rejects.toMatchObject({ reason: message });
      expect(server.requests.length).toBe(1);
    }
    expect(await readdir(`${folder}/no`)).toEqual([]);
  });

  test('headers are passed on', async () => {
    const { url } = await serving({ body: BODY });
    const fetched = vi.spyOn(globalThis, 'fetch');
    await download(url, { folder, headers: { authorization: 'Bearer x' } });
    expect(fetched.mock.calls[0][1]?.headers).toMatchObject({ authorization: 'Bearer x' });
    fetched.mockRestore();
  });
});

describe('checksums', () => {
  test('are SHA-256, its first digits, or MD5', async () => {
    const { url } = await serving({ body: BODY });
    const sha = sha256(BODY);
    for (const checksum of [{ sha256: sha }, { sha256: sha.slice(0, 8).toUpperCase() }, { md5: md5(BODY) }]) {
      await download(url, { folder, checksum });
      await rm(path.join(folder, 'net.bin'));
    }
    expect(hashOfName('resnet18-f37072fd.pth')).toBe('f37072fd');
    expect(hashOfName('resnet18.pth')).toBeUndefined();
    expect(hashOfName('net-abc.pth')).toBeUndefined();
  });

  test('that are wrong: both are named, and nothing stays', async () => {
    const { url, base } = await serving({ body: BODY });
    const hide: [string, string][] = [[base, 'http://HOST'], [sha256(BODY), 'SHA256'], [md5(BODY), 'MD5']]; // prettier-ignore
    const wrong = (checksum: object) => messageOf(download(url, { folder, checksum }), ...hide);
    expect(await wrong({ sha256: 'f37072fd' })).toMatchInlineSnapshot(`
      "net.bin: can't be downloaded from http://HOST/net.bin: expected SHA-256 beginning with f37072fd, the downloaded file has SHA256.
      What came is removed. Try again; if it stays so, the address has another file."
    `);
    expect(await wrong({ md5: '0'.repeat(32) })).toMatchInlineSnapshot(`
      "net.bin: can't be downloaded from http://HOST/net.bin: expected MD5 00000000000000000000000000000000, the downloaded file has MD5.
      What came is removed. Try again; if it stays so, the address has another file."
    `);
    expect(await readdir(folder)).toEqual([]);
  });

  test('of a file that the user has put there', async () => {
    const { url, base, requests } = await serving({ body: BODY });
    await writeFile(path.join(folder, 'net.bin'), BODY);
    await download(url, { folder, checksum: { sha256: sha256(BODY).slice(0, 8) } });
    await writeFile(path.join(folder, 'net.bin'), OTHER);
    const hide: [string, string][] = [[base, 'http://HOST'], [sha256(OTHER), 'SHA256']]; // prettier-ignore
    expect(await messageOf(download(url, { folder, checksum: { sha256: 'f37072fd' } }), ...hide))
      .toMatchInlineSnapshot(`
      "FOLDER/net.bin: expected SHA-256 beginning with f37072fd, the file has SHA256: it is damaged, or another file.
      Delete it, and it is downloaded anew from http://HOST/net.bin, or put the published file there."
    `);
    expect(await contents()).toBe(sha256(OTHER));
    expect(requests.length).toBe(0);
  });
});

describe('errors say what to do', () => {
  test('offline', async () => {
    const { url, base } = await serving({ body: BODY });
    await close?.();
    const start = performance.now();
    expect(await messageOf(download(url, { folder }), [base.slice(7), 'HOST'])).toMatchInlineSnapshot(`
      "net.bin: can't be downloaded from http://HOST/net.bin: fetch failed (connect ECONNREFUSED HOST).
      Get it by other means and put it into FOLDER as net.bin: it is used from there."
    `);
    expect(performance.now() - start).toBeLessThan(1000); // three would take 1.75 s: no attempts that help nobody
  });

  test('no room, no folder', async () => {
    const { url, base } = await serving({ body: BODY, headers: { 'content-length': String(2 ** 50) } });
    expect((await messageOf(download(url, { folder }), [base, 'http://HOST'])).replace(/has \d+ MB/, 'has … MB'))
      .toMatchInlineSnapshot(`
      "net.bin: can't be downloaded from http://HOST/net.bin: FOLDER has … MB left, and 1125899907 MB are to be written.
      Make room, or choose another folder: $FAKKEL_HOME is where downloads go."
    `);
    await writeFile(path.join(folder, 'file'), '');
    expect(await messageOf(download(url, { folder: `${folder}/file` }), [base, 'http://HOST'])).toMatchInlineSnapshot(`
      "net.bin: can't be downloaded from http://HOST/net.bin: FOLDER/file can't be written: a part of the path is a file, not a folder.
      Choose another folder: $FAKKEL_HOME is where downloads go."
    `);
  });

  test('a folder that can’t be written', async () => {
    const { url } = await serving({ body: BODY });
    await mkdir(path.join(folder, 'net.bin.part')); // EISDIR: what has no words of its own is told as the system does
    expect(await messageOf(download(url, { folder }))).toContain(
      "FOLDER/net.bin can't be written: EISDIR: illegal operation on a directory",
    );
  });

  test('arguments', async () => {
    const message = (promise: Promise<unknown>) => promise.catch((error: Error) => `${error.name}: ${error.message}`);
    expect(
      await Promise.all(
        [
          download('resnet18.pth'),
          download('https://example.org/'),
          download('https://example.org/a%2Fb'),
          download('https://example.org/a', { name: '..' }),
          download('https://example.org/a', { checksum: { sha256: 'abc' } }),
          download('https://example.org/a', { checksum: { md5: 'abc' } }),
          download('https://example.org/a', { retries: -1 }),
          download('https://example.org/a', { sha256: 'f37072fd' } as object),
          download('https://example.org/a', 'folder' as any),
          fetchFile('https://example.org/a', { folder: '.' } as object),
        ].map(message),
      ),
    ).toMatchInlineSnapshot(`
      [
        "FakkelError: download: expected an address that begins with http:// or https://, got resnet18.pth",
        "FakkelError: download: https://example.org/ does not end in the name of a file. Pass { name: 'resnet18.pth' }.",
        "FakkelError: download: https://example.org/a%2Fb does not end in the name of a file. Pass { name: 'resnet18.pth' }.",
        "FakkelError: download: https://example.org/a does not end in the name of a file. Pass { name: 'resnet18.pth' }.",
        "FakkelError: download: sha256: expected 8 to 64 hexadecimal digits, got 'abc'",
        "FakkelError: download: md5: expected 32 hexadecimal digits, got 'abc'",
        "FakkelError: download: retries: expected a whole number from 0 up, got -1",
        "FakkelError: download: unknown option 'sha256'. Known: name, checksum, headers, retries, onProgress, signal, folder, root",
        "FakkelError: download: options come as one object, { name, checksum, headers, retries, onProgress, signal, folder, root }; got folder",
        "FakkelError: fetchFile: unknown option 'folder'. Known: name, checksum, headers, retries, onProgress, signal",
      ]
    `);
  });
});

test('the cache: $FAKKEL_HOME, else $XDG_CACHE_HOME/fakkel, else ~/.cache/fakkel', async () => {
  vi.stubEnv('FAKKEL_HOME', '/a');
  vi.stubEnv('XDG_CACHE_HOME', '/b');
  expect(await cacheFolder('checkpoints')).toBe('/a/checkpoints');
  vi.stubEnv('FAKKEL_HOME', '');
  expect(await cacheFolder()).toBe('/b/fakkel');
  vi.stubEnv('XDG_CACHE_HOME', '');
  vi.stubEnv('HOME', '/home/me');
  expect(await cacheFolder()).toBe('/home/me/.cache/fakkel');
});

import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { save, saveSharded } from '@fakkel/checkpoint';
import { manualSeed, nn, ones, tensor, type Tensor } from '@fakkel/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { builder, type WeightsRules } from '../builder.js';
import { googlenet, lenet5, resnet18, type WeightsProgress } from '../index.js';

const GOLDENS = new URL('../../test/goldens/weights/', import.meta.url);
const golden = JSON.parse(await readFile(new URL('tiny.json', GOLDENS), 'utf8')) as {
  file: string;
  bytes: number;
  input: number[];
  output: number[][];
};
const file = await readFile(new URL(golden.file, GOLDENS));
const digits = createHash('sha256').update(file).digest('hex').slice(0, 8);

/** A row for a model of this test; its address is that of a server here. */
const row = vi.hoisted(() => ({
  ...{ model: 'tiny', name: 'IMAGENET1K_V1', isDefault: true, url: '', sha256: '', numParams: 51 },
  ...{ acc1: 50, acc5: 80, minSize: [4, 4], recipe: '', cropSize: 4, resizeSize: 4, interpolation: 'bilinear' },
}));
vi.mock('./published.js', async (original) => {
  const { PUBLISHED } = await original<{ PUBLISHED: object[] }>();
  return { PUBLISHED: [...PUBLISHED, row] };
});

interface TinyOptions {
  numClasses?: number;
  extra?: boolean;
}
const make = ({ numClasses = 3 }: TinyOptions) =>
  new nn.Sequential(
    new nn.Conv2d(1, 2, 3),
    new nn.BatchNorm2d(2),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(8, numClasses),
  );
const rules: WeightsRules<ReturnType<typeof make>, TinyOptions> = {};
const tiny = builder('tiny', make, rules);

let folder: string;
let server: Server;
let base: string;
let served: Record<string, Uint8Array>;
let requests: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fakkel-weights-'));
  vi.stubEnv('FAKKEL_HOME', folder);
  served = { [`/models/${golden.file}`]: file };
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.url!);
    const body = served[request.url!];
    if (body) response.end(body);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(row, { url: `${base}/models/${golden.file}`, sha256: digits });
});
afterEach(async () => {
  delete rules.prepare;
  delete rules.finish;
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

/** Whether the model is the golden's: PyTorch's outputs, in evaluation mode. */
async function check(net: ReturnType<typeof make>) {
  expect(net.training).toBe(true); // as torchvision gives it
  const output = (await net
    .eval()(tensor(golden.input).reshape([2, 1, 4, 4]))
    .toArray()) as number[][];
  output.flat().forEach((value, i) => expect(value).toBeCloseTo(golden.output.flat()[i], 6));
  net.train();
}

const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: Error) =>
      `${error.name}: ${error.message.replaceAll(folder, 'FOLDER').replaceAll(base.slice(7), 'HOST').replaceAll(digits, 'DIGITS')}`,
  );

describe('published weights', () => {
  test('are downloaded once, checked, and loaded', async () => {
    expect(golden.file).toBe(`tiny-${digits}.pth`);
    const progress: WeightsProgress[] = [];
    await check(await tiny({ weights: 'DEFAULT', onProgress: (p) => progress.push(p) }));
    await check(await tiny({ weights: 'IMAGENET1K_V1' }));
    await check(await tiny({ weights: 'Tiny_Weights.IMAGENET1K_V1' }));
    expect(requests).toEqual([`/models/${golden.file}`]);
    expect(await readdir(path.join(folder, 'checkpoints'))).toEqual([golden.file]);
    const phases = [...new Set(progress.map((p) => `${p.phase} ${p.file}`))];
    expect(phases).toEqual([`download ${golden.file}`, `load ${golden.file}`]);
    expect(progress.at(-1)).toMatchObject({ loaded: progress.at(-1)!.total });
    expect(progress.filter((p) => p.phase === 'download').at(-1)).toMatchObject({ loaded: golden.bytes });
  });

  test('in a folder of one’s own, where a file may have been put by hand', async () => {
    const own = path.join(folder, 'mine');
    await mkdir(own);
    await writeFile(path.join(own, golden.file), file);
    await check(await tiny({ weights: 'DEFAULT', cacheFolder: own }));
    expect(requests).toEqual([]);
    await writeFile(path.join(own, golden.file), 'something else');
    expect(await messageOf(tiny({ weights: 'DEFAULT', cacheFolder: own }))).toMatchInlineSnapshot(`
      "DownloadError: FOLDER/mine/tiny-DIGITS.pth: expected SHA-256 beginning with DIGITS, the file has f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8: it is damaged, or another file.
      Delete it, and it is downloaded anew from http://HOST/models/tiny-DIGITS.pth, or put the published file there."
    `);
  });

  test('that are not those: nothing is kept', async () => {
    row.sha256 = 'f37072fd';
    expect(await messageOf(tiny({ weights: 'DEFAULT' }))).toMatchInlineSnapshot(`
      "DownloadError: tiny-DIGITS.pth: can't be downloaded from http://HOST/models/tiny-DIGITS.pth: expected SHA-256 beginning with f37072fd, the downloaded file has DIGITS79dba7b41625cb20351895498116933f2bfa9dad7a522c756fc91cf3.
      What came is removed. Try again; if it stays so, the address has another file."
    `);
    expect(await readdir(path.join(folder, 'checkpoints'))).toEqual([]);
  });

  test('offline: the error names file, folder and address', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await messageOf(tiny({ weights: 'DEFAULT' }))).toMatchInlineSnapshot(`
      "DownloadError: tiny-DIGITS.pth: can't be downloaded from http://HOST/models/tiny-DIGITS.pth: fetch failed (connect ECONNREFUSED HOST).
      Get it by other means and put it into FOLDER/checkpoints as tiny-DIGITS.pth: it is used from there."
    `);
  });

  test('stop with their signal', async () => {
    const reason = new Error('enough');
    await expect(tiny({ weights: 'DEFAULT', signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('of another number of classes: the error says how to get there', async () => {
    expect(await messageOf(resnet18({ weights: 'DEFAULT', numClasses: 10 }))).toMatchInlineSnapshot(
      `"FakkelError: resnet18: the weights IMAGENET1K_V1 are for 1000 classes, got numClasses: 10. Give the model a new last layer: adapt(await resnet18({ weights: 'IMAGENET1K_V1' }), { numClasses: 10 })."`,
    );
  });

  test('that there are not', async () => {
    expect(await messageOf(lenet5({ weights: 'DEFAULT' }))).toMatchInlineSnapshot(
      `"FakkelError: lenet5: torchvision has published no weights for it. Pass weights: the path or address of a file (.pth, .safetensors)."`,
    );
    expect(await messageOf(resnet18({ weights: 'IMAGNET1K_V1' }))).toMatchInlineSnapshot(
      `"FakkelError: resnet18: there are no weights 'IMAGNET1K_V1'. Did you mean IMAGENET1K_V1? There are: IMAGENET1K_V1, DEFAULT; or pass the path (./IMAGNET1K_V1) or address of a file."`,
    );
    expect(await messageOf(resnet18({ weights: true as never }))).toMatchInlineSnapshot(
      `"FakkelError: resnet18: weights: expected 'DEFAULT', the name of an entry, an address, a path, or the bytes of a file, got true"`,
    );
  });

  test('have rules of their model, which hold for torchvision’s files alone', async () => {
    const prepare = vi.fn((options: TinyOptions) => ({ ...options, extra: true }));
    const finish = vi.fn((net: ReturnType<typeof make>) => net);
    Object.assign(rules, { prepare, finish });
    await tiny({ weights: 'DEFAULT' });
    expect(prepare).toHaveBeenLastCalledWith({});
    expect(finish).toHaveBeenCalledTimes(1);
    // Its name says that it is the published one, wherever it is.
    await tiny({ weights: path.join(folder, 'checkpoints', golden.file) });
    await tiny({ weights: `${base}/models/${golden.file}` });
    await tiny({ weights: new File([file], golden.file) });
    expect(finish).toHaveBeenCalledTimes(4);
    await writeFile(path.join(folder, 'own.pth'), file);
    await tiny({ weights: path.join(folder, 'own.pth') });
    await tiny({ weights: file });
    expect(finish).toHaveBeenCalledTimes(4);
  });
});

describe('weights of a file', () => {
  test('by path, URL, address, and as bytes', async () => {
    const own = path.join(folder, 'own.pth');
    await writeFile(own, file);
    served['/own.pth'] = file;
    for (const weights of [
      own,
      new URL(`file://${own}`),
      `file://${own}`,
      `${base}/own.pth`,
      new URL(`${base}/own.pth`),
      file,
      new Blob([file]),
    ]) {
      await check(await tiny({ weights }));
    }
    expect(requests).toEqual(['/own.pth']);
    const kept = path.join(folder, 'checkpoints', new URL(base).host.replace(':', '_'), 'own.pth');
    expect(await readFile(kept)).toEqual(file);
  });

  test('what Fakkel has saved, of as many classes as one likes', async () => {
    manualSeed(1);
    const net = lenet5({ numClasses: 4 });
    const own = path.join(folder, 'own.pth');
    await save(net.stateDict(), own);
    const again = await lenet5({ weights: own, numClasses: 4 });
    expect(await again.conv1.weight.data()).toEqual(await net.conv1.weight.data());
    expect(await messageOf(lenet5({ weights: own }))).toMatchInlineSnapshot(`
      "StateDictError: lenet5: the weights in FOLDER/own.pth are not those of this model with these options.
        fc2.weight: the module has float32[10,84], the state dict float32[4,84]
        fc2.bias: the module has float32[10], the state dict float32[4]
      Pass the options that they were trained with (numClasses …), and change the model afterwards: adapt(model, { numClasses }).
      To load what fits by name and shape: loadInto(lenet5(…), file, { strict: false, rename: (name) => (name === 'fc2.weight' || … ? null : name) }) of @fakkel/checkpoint."
    `);
    expect(await messageOf(tiny({ weights: own }))).toMatchInlineSnapshot(`
      "StateDictError: tiny: the weights in FOLDER/own.pth are not those of this model with these options.
        missing: 0.weight, 0.bias, 1.weight, 1.bias, 1.running_mean, 1.running_var, 1.num_batches_tracked, 4.weight, 4.bias
        unexpected: conv1.weight, conv1.bias, conv2.weight, conv2.bias, conv3.weight, conv3.bias, fc1.weight, fc1.bias, fc2.weight, fc2.bias
      Pass the options that they were trained with (numClasses …), and change the model afterwards: adapt(model, { numClasses }).
      To load what fits by name: loadInto(tiny(…), file, { strict: false }) of @fakkel/checkpoint."
    `);
    expect(await messageOf(tiny({ weights: path.join(folder, 'none.pth') }))).toMatchInlineSnapshot(
      `"CheckpointError: loadInto: cannot open FOLDER/none.pth: ENOENT: no such file or directory, open 'FOLDER/none.pth'"`,
    );
  });

  test('in shards, which are downloaded as well', async () => {
    manualSeed(1);
    const net = make({});
    const shards = path.join(folder, 'shards');
    await mkdir(shards);
    const index = path.join(shards, 'model.safetensors.index.json');
    await saveSharded(net.stateDict(), shards, { maxShardSize: 100 });
    const names = await readdir(shards);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) served[`/net/${name}`] = await readFile(path.join(shards, name));
    const x = ones([1, 1, 4, 4]);
    const expected = await net.eval()(x).toArray();
    for (const weights of [index, `${base}/net/model.safetensors.index.json`]) {
      const again = await tiny({ weights });
      expect(await again.eval()(x).toArray()).toEqual(expected);
    }
    expect(requests.length).toBe(names.length);
  });
});

const LOOK = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torchvision") is None)';
const python = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', LOOK]).status === 0);
const note = python ? '' : ' (skipped: no Python with torchvision here; apt-get install python3-torchvision)';

/** Saves torchvision's models with initial weights and running statistics of one batch, and prints what they compute. */
const TORCHVISION = `
import json, sys, warnings
import torch, torchvision
warnings.simplefilter('ignore')
torch.set_num_threads(1)
out = {}
for name in ('resnet18', 'googlenet'):
    torch.manual_seed(3)
    options = {'init_weights': False} if name == 'googlenet' else {}
    net = getattr(torchvision.models, name)(**options)
    with torch.no_grad():
        net(torch.randn(4, 3, 64, 64))
        net.eval()
        x = torch.randn(1, 3, 64, 64)
        if name == 'googlenet':
            net.transform_input = True
        out[name] = net(x)[0, :20].tolist()
    torch.save(net.state_dict(), f'{sys.argv[1]}/{name}.pth')
    torch.save(x, f'{sys.argv[1]}/{name}-input.pth')
json.dump(out, sys.stdout)
`;

test.skipIf(!python)(`files that torchvision’s models have saved${note}`, { timeout: 180_000 }, async () => {
  const { stdout } = await promisify(execFile)(python!, ['-c', TORCHVISION, folder]);
  const expected = JSON.parse(stdout) as Record<'resnet18' | 'googlenet', number[]>;
  const { load } = await import('@fakkel/checkpoint');
  const input = async (name: string) => (await load(path.join(folder, `${name}-input.pth`))) as Tensor;
  const compare = async (logits: Tensor, name: 'resnet18' | 'googlenet') => {
    const got = (await logits.data()).slice(0, 20);
    const scale = Math.max(...expected[name].map(Math.abs));
    expected[name].forEach((value, i) => expect(Math.abs(Number(got[i]) - value)).toBeLessThan(1e-4 * scale));
  };
  const net = await resnet18({ weights: path.join(folder, 'resnet18.pth') });
  await compare(net.eval()(await input('resnet18')), 'resnet18');
  // Under torchvision's name of the file it is taken for the published one: without auxiliary classifiers, input transformed.
  const published = path.join(folder, 'googlenet-1378be20.pth');
  await writeFile(published, await readFile(path.join(folder, 'googlenet.pth')));
  const inception = await googlenet({ weights: published });
  expect([inception.auxLogits, inception.transformInput, inception.aux1]).toEqual([false, true, null]);
  await compare(inception.eval()(await input('googlenet')) as Tensor, 'googlenet');
});

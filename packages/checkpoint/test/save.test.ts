import { device, manualSeed, nn, randn, tensor, type Tensor } from '@fakkel/core';
import { Adam } from '@fakkel/optim';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { load, loadInto, loadStateDict, optimizerState, save, saveSharded } from '../src/index.js';
import { computed, expected, path, plain } from './goldens.js';

const folder = mkdtempSync(join(tmpdir(), 'fakkel-checkpoint-'));
const hasTorch = spawnSync('/usr/bin/python3', ['-c', 'import torch'], { timeout: 60_000 }).status === 0;

const makeNet = (): nn.Module => new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2));

async function trained(): Promise<{ net: nn.Module; optimizer: Adam }> {
  manualSeed(0);
  const net = makeNet();
  const optimizer = new Adam(net.parameters(), { lr: 0.01 });
  (net as nn.Sequential)(randn([2, 1, 5, 5]))
    .square()
    .mean()
    .backward();
  await optimizer.step();
  return { net, optimizer };
}

const values = {
  ints: [0, 255, 256, -1, 70_000, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, 2n ** 70n, -(2n ** 70n), -128n],
  floats: [0.5, -0, 1e300, Infinity],
  text: ['', 'æøå ✓ 𝄞', 'x'.repeat(300)],
  flags: [true, false, null],
  bytes: Uint8Array.of(0, 1, 128, 255),
  set: new Set([1, 2]),
  map: new Map<unknown, unknown>([
    [1, 'one'],
    ['1', 'text'],
    ['__proto__', 2],
  ]),
};

describe('what was saved is loaded again', () => {
  test('values of every kind', async () => {
    const back = (await load(await save(values))) as Map<string, any>;
    expect(Object.fromEntries(back)).toEqual({ ...values, ints: [...values.ints.slice(0, -1), -128] });
  });

  test('tensors of every dtype and size', async () => {
    const tensors = {
      float32: tensor([1.5, -0]),
      float64: tensor([0.1], { dtype: 'float64' }),
      int32: tensor([-5, 7], { dtype: 'int32' }),
      bool: tensor([true, false]),
      scalar: tensor(3),
      empty: tensor([], { shape: [0, 3] }),
    };
    const back = await loadStateDict(await save(tensors));
    for (const [name, value] of Object.entries(tensors)) {
      expect(await plain(back.get(name)), name).toEqual(await plain(value));
    }
  });

  test.each(Object.keys(expected).filter((file) => file.endsWith('.zip.pth')))('%s', async (file) => {
    const value = await load(path(file));
    expect(await plain(await load(await save(value)))).toEqual(computed(expected[file]));
  });

  test('tensors that are there twice are one, cyclic and deep values too', async () => {
    const w = tensor([1, 2]);
    const value: any = { a: w, b: [w] };
    value.self = value;
    let deep: unknown = 'bottom';
    for (let i = 0; i < 20_000; i++) deep = [deep];
    value.deep = deep;
    const back = (await load(await save(value))) as Map<string, any>;
    expect(back.get('a') === back.get('b')[0]).toBe(true);
    expect(back.get('self') === back).toBe(true);
    let at = back.get('deep');
    for (let i = 0; i < 20_000; i++) [at] = at;
    expect(at).toBe('bottom');
  });

  test('a model and its optimizer', async () => {
    const { net, optimizer } = await trained();
    const file = await save({ model: net, optimizer: optimizer.stateDict(), epoch: 3 });
    const [other, again] = [makeNet(), makeNet()];
    const resumed = new Adam(other.parameters());
    other.loadStateDict(await loadStateDict(file));
    const checkpoint = (await load(file)) as Map<string, any>;
    resumed.loadStateDict(await optimizerState(checkpoint.get('optimizer')));
    expect(await plain((await load(await save(resumed.stateDict()))) as Tensor)).toEqual(
      await plain((await load(await save(optimizer.stateDict()))) as Tensor),
    );
    expect(checkpoint.get('epoch')).toBe(3);
    again.loadStateDict(checkpoint.get('model'));
  });

  test('PyTorch’s optimizer, whose steps are tensors', async () => {
    manualSeed(0);
    const net = new nn.Sequential(
      new nn.Conv2d(2, 4, 3),
      new nn.BatchNorm2d(4),
      new nn.Flatten(),
      new nn.Linear(16, 3),
    );
    const optimizer = new Adam(net.parameters());
    const checkpoint = (await load(path('training.legacy.pth'))) as Map<string, any>;
    optimizer.loadStateDict(await optimizerState(checkpoint.get('optimizer')));
    expect(optimizer.paramGroups[0].lr).toBe(0.01);
    expect(optimizer.stateDict().state[0].step).toBe(2);
    await expect(optimizerState(checkpoint.get('state_dict'))).rejects.toThrow(
      'expected a dict with state and param_groups',
    );
  });
});

describe('writing', () => {
  test('the value is that of the call, though training goes on', async () => {
    const net = new nn.Linear(2, 1);
    const before = await net.bias!.toArray();
    const saving = save(net);
    net.bias!.assign(net.bias!.add(1));
    await net.bias!.data();
    expect(await (await loadStateDict(await saving)).get('bias')!.toArray()).toEqual(before);
  });

  test('the same bytes each time, contents at multiples of 64 bytes, counters in int64', async () => {
    const net = makeNet();
    const bytes = await save(net.stateDict());
    expect(await save(net)).toEqual(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let entries = 0;
    for (let at = 0; at + 4 < bytes.length; at++) {
      if (view.getUint32(at, true) !== 0x04034b50) continue;
      entries++;
      expect((at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true)) % 64).toBe(0);
    }
    expect(entries).toBe(10);
    expect(new TextDecoder('latin1').decode(bytes)).toContain('torch\nLongStorage\n');
  });

  test('a file is there as a whole or not at all', async () => {
    const target = join(folder, 'whole.pth');
    await save({ x: tensor([1]) }, pathToFileURL(target));
    const before = readFileSync(target);
    const reference = await device('reference');
    const failing = tensor([1, 2], { device: reference }).add(1);
    failing.data = () => Promise.reject(new Error('lost'));
    await expect(save({ x: failing }, target)).rejects.toThrow('lost');
    expect(readFileSync(target)).toEqual(before);
    expect(readdirSync(folder).filter((name) => name.includes('part'))).toEqual([]);
    await expect(save({}, join(folder, 'no', 'such', 'folder.pth'))).rejects.toThrow('cannot write');
    await expect(save({}, 'https://example.com/x.pth')).rejects.toThrow('is no path');
  });

  test('a shared parameter is written once, and read under both names', async () => {
    const [first, second] = [new nn.Linear(100, 100), new nn.Linear(100, 100)];
    second.weight = first.weight;
    const net = new nn.Sequential(first, second);
    const bytes = await save(net);
    expect(bytes.length).toBeLessThan(60_000);
    const before = await first.weight.data();
    let last = { loaded: 0, total: -1 };
    await loadInto(net, bytes, { onProgress: (progress) => (last = progress) });
    expect(last.loaded).toBe(last.total);
    expect(second.weight).toBe(first.weight);
    expect(await first.weight.data()).toEqual(before);
  });

  test('progress, to a stream', async () => {
    const seen: number[] = [];
    const chunks: Uint8Array[] = [];
    const stream = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk.slice()) });
    await save({ a: tensor([1, 2]), b: tensor([1]) }, stream, { onProgress: ({ saved }) => seen.push(saved) });
    expect(seen).toEqual([0, 8, 12]);
    expect(await plain(await load(await new Blob(chunks as BlobPart[]).arrayBuffer()))).toMatchObject({
      dict: [
        ['a', {}],
        ['b', {}],
      ],
    });
  });

  test('what has no counterpart is named with its place', async () => {
    await expect(save({ a: [1, () => 1] })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: save: the value["a"][1] is a function ; a checkpoint holds tensors, modules (their state dicts), Maps, Sets, arrays, plain objects, numbers, bigints, strings, booleans, bytes and null]`,
    );
    await expect(save({ a: new Date() })).rejects.toThrow('the value["a"] is an object of class Date');
    await expect(save({ a: Float32Array.of(1) })).rejects.toThrow('wrap it in tensor(…)');
  });
});

describe('sharded safetensors', () => {
  test('shards and index as Hugging Face’s, in a folder and as bytes', async () => {
    const state = new Map([
      ['a', tensor([1, 2, 3])],
      ['b', tensor([4])],
      ['large', tensor([5, 6, 7, 8, 9])],
      ['c', tensor([10])],
    ]);
    const target = join(folder, 'sharded');
    expect(await saveSharded(state, target, { maxShardSize: 16 })).toEqual([
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
      'model.safetensors.index.json',
    ]);
    const index = JSON.parse(readFileSync(join(target, 'model.safetensors.index.json'), 'utf8'));
    expect(index).toEqual({
      metadata: { total_size: 40 },
      weight_map: {
        a: 'model-00001-of-00003.safetensors',
        b: 'model-00001-of-00003.safetensors',
        large: 'model-00002-of-00003.safetensors',
        c: 'model-00003-of-00003.safetensors',
      },
    });
    const back = await loadStateDict(join(target, 'model.safetensors.index.json'));
    for (const [name, value] of state) expect(await plain(back.get(name))).toEqual(await plain(value));
    const files = await saveSharded(state, undefined, { maxShardSize: 16 });
    for (const [name, bytes] of files) expect(readFileSync(join(target, name))).toEqual(Buffer.from(bytes));
  });

  test('one file where all fits, read with its metadata', async () => {
    const files = await saveSharded(makeNet(), undefined, { maxShardSize: '5 GiB', name: 'net' });
    expect([...files.keys()]).toEqual(['net.safetensors']);
    const state = await loadStateDict(files.get('net.safetensors')!);
    expect(state.get('1.num_batches_tracked')!.dtype).toBe('int32');
  });

  test('an index that leads elsewhere, or to what is not there, is refused', async () => {
    const write = (name: string, weights: object): string => {
      writeFileSync(join(folder, name), JSON.stringify({ weight_map: weights }));
      return join(folder, name);
    };
    await expect(
      load(write('a.index.json', { x: '../secret.safetensors' })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: a.index.json: expected the index of a sharded checkpoint, { "weight_map": { … } }, but "x" is in "../secret.safetensors", which is no file beside it]`,
    );
    await expect(load(write('b.index.json', { x: 'missing.safetensors' }))).rejects.toThrow('cannot open');
    await expect(load(new TextEncoder().encode('{"weight_map":{"x":"y"}}'))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: the checkpoint: an index names files beside it, which bytes don't have; pass its path or address, or load the shards one by one]`,
    );
    await expect(saveSharded(new Map(), undefined, { maxShardSize: '5 pounds' })).rejects.toThrow('maxShardSize');
  });
});

describe('PyTorch reads what was saved', () => {
  test.skipIf(!hasTorch)(
    'values, tensors, a model that continues, an optimizer (skipped without /usr/bin/python3’s torch)',
    async () => {
      const { net, optimizer } = await trained();
      const file = join(folder, 'torch.pth');
      await save(
        {
          ...values,
          model: net,
          optimizer: optimizer.stateDict(),
          half: tensor([1.5, 2]),
          flags8: tensor([true, false]),
        },
        file,
      );
      const script = `
import json, sys, torch
c = torch.load(sys.argv[1])
net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
optimizer = torch.optim.Adam(net.parameters())
print(net.load_state_dict(c['model']))
optimizer.load_state_dict(c['optimizer'])
assert c['model']['1.num_batches_tracked'].dtype == torch.int64 and type(c['model']).__name__ == 'OrderedDict'
assert c['ints'][9] == 2**70 and c['ints'][10] == -2**70 and c['bytes'] == bytes([0, 1, 128, 255]) and c['set'] == {1, 2}
assert c['map'] == {1: 'one', '1': 'text', '__proto__': 2} and c['flags8'].dtype == torch.bool
assert list(optimizer.state_dict()['state']) == [0, 1, 2, 3] and optimizer.param_groups[0]['lr'] == 0.01
torch.save(c, sys.argv[2])
print(json.dumps({k: v.flatten().tolist() for k, v in c['model'].items()}))
`;
      const back = join(folder, 'back.pth');
      const run = spawnSync('/usr/bin/python3', ['-c', script, file, back], { encoding: 'utf8' });
      expect(run.stderr).toBe('');
      const [report, weights] = run.stdout.trim().split('\n');
      expect(report).toBe('<All keys matched successfully>');
      for (const [name, numbers] of Object.entries(JSON.parse(weights))) {
        expect(Array.from(await net.stateDict().get(name)!.data()), name).toEqual(numbers);
      }
      // And what PyTorch wrote of it is what was saved.
      expect(await plain(await load(back))).toEqual(await plain(await load(file)));
    },
  );
});

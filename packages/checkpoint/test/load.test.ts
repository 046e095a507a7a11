import { type Tensor } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { load, loadStateDict } from '../src/index.js';
import { bytesOf, computed, expected, path, plain } from './goldens.js';

describe.each(Object.keys(expected))('%s', (file) => {
  test('from its path: what PyTorch says is in it', async () => {
    expect(await plain(await load(path(file)))).toEqual(computed(expected[file]));
  });

  test('from bytes and from a Blob, with its checksums verified', async () => {
    const value = computed(expected[file]);
    const bytes = bytesOf(file);
    expect(await plain(await load(bytes))).toEqual(value);
    expect(await plain(await load(new Blob([bytes as BlobPart]), { verify: true }))).toEqual(value);
  });
});

describe('values', () => {
  test('views that are the same are one tensor', async () => {
    for (const file of ['shared.zip.pth', 'shared.legacy.pth']) {
      const value = (await load(path(file))) as Map<string, any>;
      expect(value.get('b') === value.get('a')).toBe(true);
      expect(value.get('list')[1] === value.get('a')).toBe(true);
      expect(value.get('view') === value.get('a')).toBe(false);
    }
  });

  test('a cyclic value is cyclic here too', async () => {
    const value = (await load(path('cyclic.zip.pth'))) as Map<string, any>;
    expect(value.get('self')).toBe(value);
    expect(value.get('list')[0]).toBe(value);
  });

  test('keys such as __proto__ are keys', async () => {
    const value = (await load(path('nested.zip.pth'))) as Map<string, any>;
    expect(value.get('__proto__')).toEqual(new Map([['polluted', 1]]));
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('progress goes from 0 to the bytes of all tensors, shared ones once', async () => {
    const seen: { loaded: number; total: number; file: string }[] = [];
    await load(path('shared.zip.pth'), { onProgress: (progress) => seen.push(progress) });
    expect(seen[0]).toEqual({ loaded: 0, total: 60, file: 'shared.zip.pth' });
    expect(seen.at(-1)).toEqual({ loaded: 60, total: 60, file: 'shared.zip.pth' });
  });

  test('progress of parts of compressed storages and of strided tensors ends at the total', async () => {
    for (const [file, verify] of [
      ['strided.zip.pth', false],
      ['strided.zip.pth', true],
      ['strided.legacy.pth', false],
      ['compressed.zip.pth', false],
    ] as const) {
      let last = { loaded: 0, total: -1 };
      await load(path(file), { verify, onProgress: (progress) => (last = progress) });
      expect(last.loaded, file).toBe(last.total);
    }
  });
});

describe('loadStateDict', () => {
  const names = [
    '0.weight',
    '0.bias',
    '1.weight',
    '1.bias',
    '1.running_mean',
    '1.running_var',
    '1.num_batches_tracked',
    '3.weight',
    '3.bias',
  ];
  test.each(['state_dict', 'data_parallel', 'training'])(
    'finds the weights in %s, without wrappers’ prefixes',
    async (file) => {
      for (const format of ['zip', 'legacy']) {
        const state = await loadStateDict(path(`${file}.${format}.pth`));
        expect([...state.keys()]).toEqual(names);
      }
    },
  );

  test('key, prefix and rename', async () => {
    const options = {
      key: 'state_dict',
      prefix: '3.',
      rename: (name: string) => (name === 'bias' ? null : `fc.${name}`),
    };
    const state = await loadStateDict(path('training.zip.pth'), options);
    expect([...state.keys()]).toEqual(['fc.weight']);
    expect((state.get('fc.weight') as Tensor).shape).toEqual([3, 16]);
  });

  test('what is not found is named, with what is there', async () => {
    await expect(loadStateDict(path('nested.zip.pth'))).rejects.toThrow(
      /found no state dict .* it holds a dict \{ ints: list of 14,/,
    );
    await expect(loadStateDict(path('training.zip.pth'), { key: 'ema' })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: training.zip.pth: no "ema": at "ema" it holds a dict { epoch: number, arch: string, state_dict: dict of 9, best_acc1: tensor, optimizer: dict of 2 }]`,
    );
    await expect(
      loadStateDict(path('training.zip.pth'), { prefix: 'body.' }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: training.zip.pth: no tensor's name begins with "body."; it has 0.weight, 0.bias, 1.weight, 1.bias, 1.running_mean, 1.running_var, 1.num_batches_tracked, 3.weight, … (9 in all)]`,
    );
    await expect(
      loadStateDict(path('training.zip.pth'), { rename: () => 'x' }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: training.zip.pth: two tensors are called "x" (rename gave it to "0.bias")]`,
    );
  });

  test('unknown options are refused', async () => {
    await expect(
      load(path('shared.zip.pth'), { mapLocation: 'cpu' } as any),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TypeError: load: unknown option 'mapLocation'; it has device, onProgress, verify]`,
    );
  });
});

describe('refused, saying what to do', () => {
  test.each([
    'model',
    'torchscript',
    'complex',
    'quantized',
    'sparse',
    'int64',
    'pickle',
    'pickled_tensor',
    'schedule',
    'column_major',
  ])('%s', async (kind) => {
    await expect(load(path(`refused.${kind}.pth`))).rejects.toThrowErrorMatchingSnapshot();
  });
});

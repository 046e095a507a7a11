import { describe, expect, test } from 'vitest';
import { Buffer, loadSafetensors, manualSeed, nn, noGrad, ones, randn, saveSafetensors, tensor } from '../index.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

describe('modules in files', () => {
  test('a state dict survives the way through a file, under PyTorch’s names and dtypes', async () => {
    manualSeed(0);
    const make = (): nn.Sequential =>
      new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new nn.Flatten(), new nn.Linear(8, 2));
    const [net, other] = [make(), make()];
    await net(randn([3, 1, 4, 4])).data(); // moves the running statistics
    const bytes = await saveSafetensors(net, { epoch: '3' });
    const { tensors } = decodeSafetensors(bytes);
    expect([...tensors.keys()]).toEqual([...net.stateDict().keys()]);
    expect(tensors.get('1.num_batches_tracked')).toMatchObject({
      dtype: 'int64',
      shape: [],
      data: BigInt64Array.of(1n),
    });
    expect(tensors.get('0.weight')).toMatchObject({ dtype: 'float32', shape: [2, 1, 3, 3] });
    const file = loadSafetensors(bytes);
    expect(file.metadata).toEqual({ epoch: '3' });
    expect(other.loadStateDict(file.tensors)).toEqual({ missing: [], unexpected: [] });
    const x = randn([2, 1, 4, 4]);
    expect(await noGrad(() => other.eval()(x)).toArray()).toEqual(await noGrad(() => net.eval()(x)).toArray());
  });

  test('what was read does not change when the bytes do', async () => {
    const bytes = await saveSafetensors(new Map([['x', tensor([1, 2])]]));
    const { tensors } = loadSafetensors(bytes);
    bytes.fill(0, bytes.length - 8);
    expect(await tensors.get('x')!.toArray()).toEqual([1, 2]);
  });

  test('writing while training goes on writes the values as of the call', async () => {
    const cell = new Buffer(ones([2]));
    const saving = saveSafetensors(new Map([['x', cell.detach()]]));
    cell.assign(cell.mul(5));
    await cell.data();
    expect(
      await loadSafetensors(await saving)
        .tensors.get('x')!
        .toArray(),
    ).toEqual([1, 1]);
  });
});

describe('dtypes at the boundary', () => {
  const read = async (raw: Parameters<typeof encodeSafetensors>[0]): Promise<unknown[]> => {
    const t = loadSafetensors(encodeSafetensors(raw)).tensors.get('x')!;
    return [t.dtype, await t.toArray()];
  };
  test('half precision becomes float32', async () => {
    expect(await read([['x', { dtype: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xc100) }]])).toEqual([
      'float32',
      [1, -2.5],
    ]);
    expect(await read([['x', { dtype: 'bfloat16', shape: [2], data: Uint16Array.of(0x3f80, 0xc020) }]])).toEqual([
      'float32',
      [1, -2.5],
    ]);
  });
  test('integers become int32', async () => {
    expect(await read([['x', { dtype: 'int64', shape: [2], data: BigInt64Array.of(-5n, 7n) }]])).toEqual([
      'int32',
      [-5, 7],
    ]);
    expect(await read([['x', { dtype: 'uint8', shape: [1], data: Uint8Array.of(200) }]])).toEqual(['int32', [200]]);
  });
  test('float64, int32 and bool stay', async () => {
    expect(await read([['x', { dtype: 'float64', shape: [1], data: Float64Array.of(0.1) }]])).toEqual([
      'float64',
      [0.1],
    ]);
    expect(await read([['x', { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) }]])).toEqual([
      'bool',
      [true, false],
    ]);
  });
  test('an int64 that int32 does not hold is an error, not another number', () => {
    const bytes = encodeSafetensors([['step', { dtype: 'int64', shape: [1], data: BigInt64Array.of(2n ** 40n) }]]);
    expect(() => loadSafetensors(bytes)).toThrowErrorMatchingInlineSnapshot(
      `[SafetensorsError: safetensors: tensor 'step' holds 1099511627776, which int32 does not hold (−2147483648 to 2147483647)]`,
    );
  });
});

test('a file that is cut off says what is missing', async () => {
  const bytes = await saveSafetensors(new Map([['x', ones([100])]]));
  expect(() => loadSafetensors(bytes.subarray(0, 200))).toThrowErrorMatchingInlineSnapshot(
    `[SafetensorsError: decodeSafetensors: by its header the file has 472 bytes (tensor "x" ends there), but it has 200; it is cut short]`,
  );
});

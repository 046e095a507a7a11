import { expect, test } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.js';
import { device, Device, grad, noGrad, Parameter, tensor } from '../index.js';

const elsewhere = (): Device => new Device('elsewhere', createReferenceBackend());

test('an unknown dtype', () => {
  expect(() => tensor([1]).to('int64' as never)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: to: unknown dtype 'int64'. Known: float32, float64, int32, bool]`,
  );
});

test('neither a dtype nor a device', () => {
  expect(() => tensor([1]).to(3 as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: to: expected a dtype or a device, got number 3]`,
  );
  expect(() => tensor([1]).to(device('cpu') as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: to: expected a dtype or a device, got an object of class Promise. device(…) is asynchronous: await it first]`,
  );
});

test('to its own dtype or device is the tensor itself', () => {
  const x = tensor([1]);
  expect(x.to('float32')).toBe(x);
  expect(x.to(x.device)).toBe(x);
});

test('a gradient comes back in the dtype of the input', async () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const [g] = grad(x.double().square().sum(), [x]);
  expect(g!.dtype).toBe('float32');
  expect(await g!.toArray()).toEqual([2, 4]);
});

test('a computed value moves to another device, and its gradient back', async () => {
  const there = elsewhere();
  const x = tensor([1, 2], { requiresGrad: true });
  const y = x.mul(3).to(there);
  expect(y.device).toBe(there);
  expect(await y.add(1).toArray()).toEqual([4, 7]);
  const [g] = grad(y.square().sum(), [x]);
  expect(g!.device).toBe(x.device);
  expect(await g!.toArray()).toEqual([18, 36]);
});

test('data moves without waiting', () => {
  const moved = tensor([1, 2]).to(elsewhere());
  expect(moved._storage!.pending).toBeNull();
});

test('what moves is the value as of the call', async () => {
  const p = new Parameter(tensor([1, 2]));
  const moved = noGrad(() => p.mul(1)).to(elsewhere());
  const own = p.to(elsewhere());
  p.assign(tensor([3, 4]));
  expect(await moved.toArray()).toEqual([1, 2]);
  expect(await own.toArray()).toEqual([1, 2]);
});

test('a value whose run fails has failed on the other device, too', async () => {
  const outside = tensor([3], { dtype: 'int32' }).add(1);
  const moved = tensor([1, 2]).indexSelect(0, outside).to(elsewhere());
  await expect(moved.add(1).data()).rejects.toThrow('index 4 is out of range');
});

test('clone of a parameter is a snapshot', async () => {
  const p = new Parameter(tensor([1, 2]));
  const before = p.clone();
  p.assign(p.mul(10));
  expect(await p.toArray()).toEqual([10, 20]);
  expect(await before.toArray()).toEqual([1, 2]);
});

import type { Tensor } from '@fakkel/core';
import { expectTypeOf, test } from 'vitest';
import {
  DataLoader,
  digits,
  holdOut,
  ImageFolder,
  mnist,
  StackDataset,
  stratifiedSplit,
  WebDataset,
  type HostArray,
  type Subset,
  type WebSample,
} from './index.js';

type Sample<D> = D extends { prepare(raw: never): infer T } ? Exclude<Awaited<T>, undefined> : never;

test('a WebDataset’s samples follow from its fields and its transform', () => {
  const _plain = new WebDataset('a.tar', { fields: ['jpg;png', 'cls', 'txt', 'json', 'seg.png'] });
  expectTypeOf<Sample<typeof _plain>>().toEqualTypeOf<[HostArray, number, string, unknown, HostArray]>();
  const _transformed = new WebDataset('a.tar', { fields: ['png', 'cls'], transform: (image) => image.shape });
  expectTypeOf<Sample<typeof _transformed>>().toEqualTypeOf<[readonly number[], number]>();
  const _named = new WebDataset('a.tar');
  expectTypeOf<Sample<typeof _named>>().toEqualTypeOf<WebSample>();
});

test('batches of it are tensors', async () => {
  for await (const [x, y] of new DataLoader(new WebDataset('a.tar', { fields: ['jpg', 'cls'] }))) {
    expectTypeOf(x).toEqualTypeOf<Tensor>();
    expectTypeOf(y).toEqualTypeOf<Tensor>();
  }
});

test('transforms decide what image datasets hand out', () => {
  expectTypeOf(mnist()).resolves.toHaveProperty('get').returns.toEqualTypeOf<[HostArray, number]>();
  const named = mnist({ transform: (image) => image.numel(), targetTransform: (label) => `class ${label}` });
  expectTypeOf(named).resolves.toHaveProperty('get').returns.toEqualTypeOf<[number, string]>();
  const folder = ImageFolder.open('root', { transform: () => true });
  expectTypeOf(folder).resolves.toHaveProperty('get').returns.resolves.toEqualTypeOf<[boolean, number]>();
});

test('splits, stacks and guards keep the samples', () => {
  const [train, validation] = stratifiedSplit(digits(), [0.9, 0.1]);
  expectTypeOf(train).toEqualTypeOf<Subset<[HostArray, number]>>();
  expectTypeOf(validation).toEqualTypeOf(train);
  expectTypeOf(holdOut(train).get).returns.toEqualTypeOf<[HostArray, number] | Promise<[HostArray, number]>>();
  const _stacked = new StackDataset({ a: digits(), b: train });
  expectTypeOf<Awaited<ReturnType<typeof _stacked.get>>>().toEqualTypeOf<{
    a: [HostArray, number];
    b: [HostArray, number];
  }>();
});

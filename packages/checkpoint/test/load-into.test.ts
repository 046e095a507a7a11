import {
  device,
  Generator,
  manualSeed,
  nn,
  ones,
  saveSafetensors,
  setDefaultDevice,
  stats,
  tensor,
} from '@fakkel/core';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { load, loadInto, save, saveSharded } from '../src/index.js';
import { bytesOf, path, plain } from './goldens.js';

const folder = mkdtempSync(join(tmpdir(), 'fakkel-load-into-'));
const makeNet = (): nn.Sequential =>
  new nn.Sequential(new nn.Conv2d(2, 4, 3), new nn.BatchNorm2d(4), new nn.Flatten(), new nn.Linear(16, 3));
const snapshot = async (net: nn.Module): Promise<unknown> => plain(net.stateDict());

describe.each(['state_dict.zip.pth', 'state_dict.legacy.pth', 'data_parallel.zip.pth', 'training.zip.pth'])(
  '%s',
  (file) => {
    test.each(['reference', 'onnxruntime'])(
      'into a model on %s: as loadStateDict, and the model computes with it',
      async (backend) => {
        const before = await device('reference');
        setDefaultDevice(await device(backend));
        try {
          manualSeed(3);
          const [net, other] = [makeNet(), makeNet()];
          expect(await loadInto(net, path(file))).toEqual({ missing: [], unexpected: [] });
          const value = (await load(path(file))) as Map<any, any>;
          const state: Map<string, any> = value.get('state_dict') ?? value;
          other.loadStateDict(new Map([...state].map(([name, t]) => [name.replace('module.', ''), t])));
          expect(await snapshot(net)).toEqual(await snapshot(other));
          const x = ones([2, 2, 4, 4]);
          expect(await net.eval()(x).toArray()).toEqual(await other.eval()(x).toArray());
        } finally {
          setDefaultDevice(before);
        }
      },
    );
  },
);

describe('what does not fit', () => {
  test('is told as by loadStateDict, before a byte of data is read, and nothing has changed', async () => {
    const net = new nn.Sequential(
      new nn.Conv2d(2, 4, 3),
      new nn.BatchNorm2d(4),
      new nn.Flatten(),
      new nn.Linear(16, 5),
      new nn.Linear(5, 2),
    );
    const before = await snapshot(net);
    const seen: number[] = [];
    await expect(loadInto(net, path('state_dict.zip.pth'), { onProgress: ({ loaded }) => seen.push(loaded) })).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [StateDictError: loadInto: state_dict.zip.pth: the state dict does not fit Sequential; nothing was loaded.
        missing: 4.weight, 4.bias
        3.weight: the module has float32[5,16], the state dict float32[3,16]
        3.bias: the module has float32[5], the state dict float32[3]
      Pass { strict: false } to load what fits by name.]
    `);
    expect(seen).toEqual([0]);
    expect(await snapshot(net)).toEqual(before);
  });

  test('strict: false loads what is there by name, and reports the rest', async () => {
    const net = new nn.Sequential(new nn.Conv2d(2, 4, 3));
    const report = await loadInto(net, path('state_dict.zip.pth'), { strict: false });
    expect(report.missing).toEqual([]);
    expect(report.unexpected).toContain('3.weight');
    const state = (await load(path('state_dict.zip.pth'))) as Map<string, any>;
    expect(await plain(net.stateDict().get('0.weight'))).toEqual(await plain(state.get('0.weight')));
  });

  test('a file that is cut short changes nothing', async () => {
    const net = new nn.Linear(4, 3);
    const before = await snapshot(net);
    const bytes = await saveSafetensors(new nn.Linear(4, 3));
    await expect(loadInto(net, bytes.subarray(0, -4))).rejects.toThrow('cut short');
    expect(await snapshot(net)).toEqual(before);
  });

  test('a read that fails halfway changes nothing', async () => {
    const net = makeNet();
    const before = await snapshot(net);
    const live = stats().backend.liveBuffers;
    const onProgress = ({ loaded }: { loaded: number }): void => {
      if (loaded > 300) throw new Error('no more');
    };
    await expect(loadInto(net, path('state_dict.zip.pth'), { onProgress })).rejects.toThrow('no more');
    expect(await snapshot(net)).toEqual(before);
    expect(stats().backend.liveBuffers).toBe(live);
  });
});

describe('into models', () => {
  test('initial weights that are loaded over are never drawn, and the generator is where it would be', async () => {
    const file = await saveSafetensors(
      new Map([
        ['weight', ones([300, 300])],
        ['bias', ones([300])],
      ]),
    );
    const uniform = vi.spyOn(Generator.prototype, 'uniform');
    manualSeed(5);
    const net = new nn.Linear(300, 300);
    await loadInto(net, file);
    expect(await net.weight.sum().item()).toBe(90_000);
    expect(uniform.mock.calls.filter(([out]) => out.length > 300)).toEqual([]);
    const next = await new nn.Linear(2, 2).weight.toArray();
    manualSeed(5);
    const drawn = new nn.Linear(300, 300);
    await drawn.weight.data();
    expect(await new nn.Linear(2, 2).weight.toArray()).toEqual(next);
    uniform.mockRestore();
  });

  test('snapshots and running work keep the old values', async () => {
    const net = new nn.Linear(1, 1);
    const old = net.stateDict();
    const before = await plain(old);
    const y = net(tensor([[2]]));
    const [w, b] = [await net.weight.item(), await net.bias!.item()];
    await loadInto(net, await save({ weight: tensor([[3]]), bias: tensor([1]) }));
    expect(await y.item()).toBeCloseTo(2 * w + b, 5);
    expect(await net(tensor([[2]])).item()).toBe(7);
    expect(await plain(old)).toEqual(before);
  });

  test('other dtypes are converted: half precision, and float64 into float32', async () => {
    const net = new nn.Linear(2, 1);
    await loadInto(
      net,
      await save({ weight: tensor([[1, 2]], { dtype: 'float64' }), bias: tensor([3], { dtype: 'int32' }) }),
    );
    expect(await net(ones([1, 2])).item()).toBe(6);
    expect(net.weight.dtype).toBe('float32');
  });

  test('a sharded checkpoint', async () => {
    const net = makeNet();
    const target = join(folder, 'sharded');
    await saveSharded(net, target, { maxShardSize: 200 });
    const other = makeNet();
    await loadInto(other, join(target, 'model.safetensors.index.json'));
    expect(await snapshot(other)).toEqual(await snapshot(net));
  });

  test('a model whose own names begin with module. keeps them', async () => {
    class Wrapped extends nn.Module {
      module = makeNet();
      override forward(x: any): any {
        return this.module(x);
      }
    }
    const net = new Wrapped();
    await loadInto(net, path('data_parallel.zip.pth'));
    const plainNet = makeNet();
    await loadInto(plainNet, path('data_parallel.zip.pth'));
    expect(await snapshot(net.module)).toEqual(await snapshot(plainNet));
  });
});

describe('from an address', () => {
  let server: Server;
  let url = '';
  const requests: (string | undefined)[] = [];
  const large = join(folder, 'large.pth');

  beforeAll(async () => {
    writeFileSync(large, await save({ weight: ones([1200, 1000]), bias: ones([1200]) }));
    server = createServer((request, response) => {
      const bytes = request.url!.includes('large') ? bytesFrom(large) : bytesOf(request.url!.split('/').at(-1)!);
      const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '');
      requests.push(request.headers.range);
      if (request.url!.startsWith('/gone')) return void response.writeHead(404).end();
      if (!range || request.url!.startsWith('/plain')) return void response.end(bytes);
      const [start, end] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
      // What a page sees of a server of another origin that does not expose the header.
      const hidden = request.url!.startsWith('/hidden');
      response.writeHead(206, hidden ? {} : { 'Content-Range': `bytes ${start}-${end}/${bytes.length}` });
      response.end(bytes.subarray(start, end + 1));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterAll(() => void server.close());

  test('by ranges: a small file in one request, a large one in few', async () => {
    requests.length = 0;
    const net = makeNet();
    await loadInto(net, `${url}/state_dict.zip.pth`);
    expect(requests.length).toBe(1);
    const other = makeNet();
    await loadInto(other, path('state_dict.zip.pth'));
    expect(await snapshot(net)).toEqual(await snapshot(other));
    requests.length = 0;
    const linear = new nn.Linear(1000, 1200);
    await loadInto(linear, `${url}/large.pth`);
    expect(await linear.weight.sum().item()).toBe(1_200_000);
    expect(requests.length).toBeLessThan(6);
  });

  test('from a server without ranges', async () => {
    const value = await load(new URL(`${url}/plain/shared.zip.pth`));
    expect(await plain(value)).toEqual(await plain(await load(path('shared.zip.pth'))));
  });

  test('from a server that gives parts and hides of how much', async () => {
    const linear = new nn.Linear(1000, 1200);
    requests.length = 0;
    await loadInto(linear, `${url}/hidden/large.pth`);
    expect(await linear.weight.sum().item()).toBe(1_200_000);
    expect(requests).toEqual([expect.stringMatching(/^bytes=0-/), undefined]);
    // A part that is not full is all.
    const value = await load(`${url}/hidden/shared.zip.pth`);
    expect(await plain(value)).toEqual(await plain(await load(path('shared.zip.pth'))));
    expect(requests).toHaveLength(3);
  });

  test('an error names file and answer', async () => {
    await expect(load(`${url}/gone/x/shared.zip.pth`)).rejects.toThrow(/shared\.zip\.pth: http.* answered 404/);
    await expect(load('http://127.0.0.1:9/x.pth')).rejects.toThrow('x.pth: cannot fetch http://127.0.0.1:9/x.pth');
  });
});

function bytesFrom(file: string): Uint8Array {
  return new Uint8Array(readFileSync(file));
}

import { Cell, Device, Parameter, checkNumerics, evaluate, flush, manualSeed, memory, nn, noGrad, ones, randn, scope, setMemoryBudget, stats, tensor, zeros, cat, where, type Backend, type Tensor } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { expect, test } from 'vitest';
import { freshDevice, TwoLayerNet } from './helpers.js';

async function faulty() {
  let failRun: number[] = []; let failDownload = 0; let n = 0;
  const device = await freshDevice((backend): Backend => new Proxy(backend, { get(target, name) {
    if (name === 'compile') return async (p: any) => { const e = await target.compile(p); return { dispose: () => e.dispose(), run: async (...a: any[]) => { n++; if (failRun.includes(n)) throw new Error('hiccup ' + n); return (e.run as any)(...a); } }; };
    if (name === 'download') return async (b: any) => { if (failDownload > 0) { failDownload--; throw new Error('download broke'); } return target.download(b); };
    const v = Reflect.get(target, name) as any; return typeof v === 'function' ? v.bind(target) : v; } }));
  return { device, fail: (...k: number[]) => { failRun = k.map((i) => n + i); }, failDownload: (k = 1) => { failDownload = k; } };
}
const rest = async (d: Device) => { await flush(d); await (d._runtime as any).tail; expect(memory(d).totalBuffers).toBe(stats(d).backend.liveBuffers); };

test('three queued runs, the first fails: head is last good', async () => {
  const { device, fail } = await faulty();
  const c = new Cell(tensor([1], { device }));
  await c.add(0).data();
  fail(1);
  const ps: Promise<unknown>[] = [];
  for (let i = 0; i < 4; i++) { c.assign(c.add(1)); ps.push(c.data().catch((e) => e.message)); await Promise.resolve(); await Promise.resolve(); }
  await Promise.all(ps);
  expect(await c.item()).toBe(1);
  c.assign(c.add(1)); expect(await c.item()).toBe(2);
  await rest(device);
  expect(memory(device).buffers.state).toBe(1);
});
test('first fails, second independent good: no leak', async () => {
  const { device, fail } = await faulty();
  const c = new Cell(tensor([1], { device }));
  c.assign(c.add(1)); await c.data();
  fail(1);
  c.assign(c.add(1)); const a = c.data().catch(() => 0); await Promise.resolve(); await Promise.resolve();
  c.assign(tensor([5], { device }).mul(2)); const b = c.data(); 
  await a; expect((await b)[0]).toBe(10);
  expect(await c.item()).toBe(10);
  c.assign(c.add(1)); expect(await c.item()).toBe(11);
  await rest(device);
  expect(memory(device).buffers.state).toBe(1);
});
test('failing download of a run that wrote a cell', async () => {
  const { device, failDownload } = await faulty();
  const c = new Cell(tensor([1], { device }));
  c.assign(c.add(1)); await c.data();
  const live = stats(device).backend.liveBuffers;
  failDownload();
  const y = c.mul(3); c.assign(c.add(1));
  const r = await y.data().catch((e) => e);
  console.log('y', r);
  console.log('cell', await c.data().catch((e) => e));
  await rest(device);
  expect(stats(device).backend.liveBuffers).toBe(live);
});
test('assign of value in flight that fails keeps the cell', async () => {
  const { device, fail } = await faulty();
  const c = new Cell(tensor([1], { device }));
  c.assign(c.add(1)); await c.data();
  fail(1);
  const y = tensor([1,2,3], { device }).sum().reshape([1]);
  const p = y.data().catch((e) => e); await Promise.resolve(); await Promise.resolve();
  c.assign(y);
  await p;
  expect(await c.item()).toBe(2);
});
test('cell moved between devices while writes pending', async () => {
  const a = await freshDevice(); const b = await freshDevice();
  const net = new nn.Linear(1, 1).to(a);
  const w = new Parameter(tensor([1], { device: a }));
  w.assign(w.add(1)); 
  w._moveTo(b);
  expect(await w.item()).toBe(2);
  w.assign(w.add(1)); const p = w.data(); await Promise.resolve(); await Promise.resolve();
  w._moveTo(a);
  expect((await p)[0]).toBe(3);
  expect(await w.item()).toBe(3);
  await rest(a); await rest(b);
});
test('step scheduled, snapshot, then load', async () => {
  const d = await freshDevice();
  const c = new Cell(tensor([1], { device: d })); 
  c.assign(c.add(1)); const y = c.mul(2);
  const p = y.data(); await Promise.resolve(); await Promise.resolve();
  const snap = c.detach();
  c.assign(tensor([7], { device: d }));
  expect((await p)[0]).toBe(4);
  expect(await snap.item()).toBe(2);
  expect(await c.item()).toBe(7);
  await rest(d);
});
test('dispose while queued', async () => {
  const d = await freshDevice();
  const c = new Cell(tensor([1], { device: d })); 
  c.assign(c.add(1)); const p = c.data(); await Promise.resolve(); await Promise.resolve();
  c.dispose();
  expect((await p)[0]).toBe(2);
  await rest(d);
  expect(stats(d).backend.liveBuffers).toBe(0);
});
test('swap', async () => {
  const d = await freshDevice();
  const a = new Cell(tensor([1], { device: d })), b = new Cell(tensor([2], { device: d }));
  a.assign(a.add(10)); b.assign(b.add(10)); await flush(d);
  const [ta, tb] = [a.detach(), b.detach()];
  a.assign(tb); b.assign(ta);
  expect([await a.item(), await b.item()]).toEqual([12, 11]);
  a.assign(a.add(1)); b.assign(b.add(1)); 
  const t = a.detach(); a.assign(b); b.assign(t);
  expect([await a.item(), await b.item()]).toEqual([12, 13]);
  a.assign(b); b.assign(a); a.assign(a);
  expect([await a.item(), await b.item()]).toEqual([13, 13]);
  await rest(d);
  expect(memory(d).buffers.state).toBeLessThanOrEqual(2);
});
test('snapshot of a large pending write that is superseded', async () => {
  const d = await freshDevice();
  const w = new Cell(ones([600, 600], { device: d }));
  const c = new Cell(ones([600, 600], { device: d }));
  w.assign(w.add(1)); await flush(d);
  const v = w.add(1); v.sum();
  c.assign(v);
  const s = c.detach();
  c.sum();
  c.assign(zeros([600, 600], { device: d }));
  w.assign(w.mul(0)); await flush(d);
  expect((await s.data())[0]).toBe(3);
  await rest(d);
});
test('flush with a stale visible does not lose writes', async () => {
  const d = await freshDevice();
  const w = new Cell(ones([600, 600], { device: d })); w.assign(w.add(1)); await flush(d);
  const big = w.mul(2); await big.sum().item();
  w.assign(w.add(1)); await flush(d);
  const v = big.sum(); 
  const c = new Cell(tensor([1], { device: d })); c.assign(c.add(1));
  await flush(d);
  expect(await c.item()).toBe(2);
  await expect(v.item()).rejects.toThrow();
  const v2 = big.sum(); c.assign(c.add(1));
  await expect(evaluate(v2, c.mul(1))).rejects.toThrow();
  expect(await c.item()).toBe(3);
});
test('cache eviction with queued runs', async () => {
  const d = await freshDevice();
  const ps: Promise<any>[] = [];
  for (let i = 1; i <= 200; i++) { ps.push(ones([i], { device: d }).exp().sum().item().catch((e) => e)); await Promise.resolve(); }
  const r = await Promise.all(ps);
  for (let i = 1; i <= 200; i++) expect(r[i - 1]).toBeCloseTo(i * Math.E, 2);
});
test('hooks on parameters persist over steps', async () => {
  const w = new Parameter(tensor([1])); let n = 0;
  w.registerHook(() => void n++);
  const o = new SGD([w], { lr: 0.1 });
  for (let i = 0; i < 3; i++) { o.zeroGrad(); w.sum().backward(); await o.step(); }
  expect(n).toBe(3);
});
test('checkNumerics toggled in flight', async () => {
  const d = await freshDevice();
  const c = new Cell(tensor([1], { device: d }));
  c.assign(c.add(1)); await c.data();
  checkNumerics(true);
  c.assign(c.add(1)); let p = c.data(); await Promise.resolve(); await Promise.resolve(); await Promise.resolve(); await Promise.resolve(); await Promise.resolve();
  checkNumerics(false);
  expect((await p)[0]).toBe(3);
  await rest(d);
  c.assign(c.add(1)); p = c.data(); await Promise.resolve(); await Promise.resolve(); await Promise.resolve(); await Promise.resolve(); await Promise.resolve();await Promise.resolve();
  checkNumerics(true);
  expect((await p)[0]).toBe(4);
  checkNumerics(false);
  await rest(d);
});
test('sum over size one', async () => {
  expect(await tensor([[true], [true]]).sum(1).toArray()).toEqual([1, 1]);
  expect(tensor([[true], [true]]).sum(1).dtype).toBe('int32');
  const x = tensor([1, 2, 3]);
  expect(await cat([zeros([0]), x]).toArray()).toEqual([1, 2, 3]);
  expect(await cat([zeros([0]), x.mul(2)]).toArray()).toEqual([2, 4, 6]);
});
test('scalar param on another device keeps its gradient', async () => {
  const d = await freshDevice();
  const w = new Parameter(tensor(2));
  let y: Tensor; 
  try { y = ones([3], { device: d }).mul(w); } catch (e) { console.log((e as Error).message); return; }
  y.sum().backward();
  expect(w.grad && await w.grad.item()).toBe(3);
});

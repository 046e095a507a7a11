/**
 * Convolution and pooling in random geometries beside the reference backend's: each form of the lowering is right in
 * every corner, such as windows in the padding, cells that no window reads, and channels that do not fill a block.
 */
import { type Aval, type Backend, type Program, type ProgramNode, type TypedArray } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { ort, reference, webgpuForms } from './one-op.js';

const SAMPLES = 25;

/** A small generator, so that the cases are the same at each run. */
let state = 7;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const integer = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const oneOf = (...values: number[]): number => values[integer(0, values.length - 1)];
const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const float32 = (shape: readonly number[]): Aval => ({ shape, dtype: 'float32' });
const noise = (shape: readonly number[]): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, () => random() - 0.5);

type Node = Pick<ProgramNode, 'op' | 'attrs' | 'inputs' | 'avals'>;

/** What the outputs of the last node are, on `on`. */
async function results(on: Backend, inputs: readonly [Aval, TypedArray][], nodes: readonly Node[]) {
  let next = inputs.length;
  const numbered = nodes.map((node) => ({ ...node, outputs: node.avals.map(() => next++), lastUses: [] }));
  const program: Program = {
    inputs: inputs.map(([aval]) => ({ aval, role: 'data' })),
    constants: [],
    nodes: numbered,
    outputs: numbered[numbered.length - 1].outputs.map((value) => ({ value })),
  };
  const executable = await on.compile(program);
  const buffers = inputs.map(([aval, data]) => on.upload(data, aval));
  const outputs = await executable.run(
    buffers,
    buffers.map(() => false),
  );
  const data = await on.download(outputs);
  for (const buffer of [...buffers, ...outputs]) on.release(buffer);
  executable.dispose();
  return data.map((array) => Array.from(array, Number));
}

async function expectEqual(inputs: readonly [Aval, TypedArray][], nodes: readonly Node[]): Promise<void> {
  const expected = await results(reference, inputs, nodes);
  for (const backend of [ort, webgpuForms]) {
    const actual = await results(backend, inputs, nodes);
    const worst = actual.map((array, k) =>
      array.reduce((most, a, i) => {
        const e = expected[k][i];
        const difference = Object.is(a, e) || a === e ? 0 : Math.abs(a - e) / (1 + Math.abs(e));
        return Math.max(most, Number.isNaN(difference) ? Infinity : difference);
      }, 0),
    );
    expect(Math.max(...worst), JSON.stringify(nodes)).toBeLessThan(1e-5);
  }
}

interface Geometry {
  readonly attrs: {
    readonly stride: number[];
    readonly padding: number[][];
    readonly dilation: number[];
    readonly groups: number;
  };
  readonly x: Aval;
  readonly w: Aval;
  readonly y: Aval;
}

function convolution(axes: number): Geometry {
  for (;;) {
    const each = <T>(f: () => T): T[] => Array.from({ length: axes }, f);
    const groups = oneOf(1, 1, 1, 2, 5);
    const size = each(() => integer(1, 9));
    const kernel = each(() => integer(1, 4));
    const stride = each(() => integer(1, 3));
    const dilation = each(() => oneOf(1, 1, 2, 3));
    const padding = each(() => [integer(-2, 3), integer(-2, 3)]);
    const out = size.map(
      (n, i) => Math.floor((n + padding[i][0] + padding[i][1] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1,
    );
    const left = size.map((n, i) => n + Math.min(0, padding[i][0]) + Math.min(0, padding[i][1]));
    if (out.some((n) => n < 1) || left.some((n) => n < 1)) continue;
    const channels = (): number => (groups === 1 ? oneOf(1, 3, 6, 16, 18, 32) : integer(1, 4));
    const [batch, c, o] = [integer(1, 9), channels(), channels()];
    return {
      attrs: { stride, padding, dilation, groups },
      x: float32([batch, c * groups, ...size]),
      w: float32([o * groups, c, ...kernel]),
      y: float32([batch, o * groups, ...out]),
    };
  }
}

describe.each([1, 2, 3])('convolution along %i axes', (axes) => {
  test('forward and both gradients', async () => {
    for (let i = 0; i < SAMPLES; i++) {
      const { attrs, x, w, y } = convolution(axes);
      const inputSize = x.shape.slice(2);
      const kernelSize = w.shape.slice(2);
      const cases: [string, object, Aval, Aval, Aval][] = [
        ['conv', attrs, x, w, y],
        ['convInputGrad', { ...attrs, inputSize }, y, w, x],
        ['convWeightGrad', { ...attrs, kernelSize }, x, y, w],
      ];
      for (const [op, opAttrs, a, b, result] of cases) {
        const node = { op, attrs: opAttrs as Node['attrs'], inputs: [0, 1], avals: [result] };
        await expectEqual(
          [
            [a, noise(a.shape)],
            [b, noise(b.shape)],
          ],
          [node],
        );
      }
    }
  }, 120_000);
});

interface Windows {
  readonly kernel: number[];
  readonly stride: number[];
  readonly before: number[];
  /** What ceil mode adds after. */
  readonly extra: number[];
  readonly dilation: number[];
  readonly x: Aval;
  readonly out: number[];
}

function windows(axes: number, dilated: boolean): Windows {
  for (;;) {
    const each = <T>(f: () => T): T[] => Array.from({ length: axes }, f);
    const size = each(() => integer(1, 9));
    const kernel = each(() => integer(1, 4));
    const stride = oneOf(0, 1) ? [...kernel] : each(() => integer(1, 4));
    const before = kernel.map((k) => integer(0, Math.floor(k / 2)));
    const extra = stride.map((s) => oneOf(0, 1) * integer(0, s - 1));
    const dilation = each(() => (dilated ? integer(1, 3) : 1));
    const out = size.map(
      (n, i) => Math.floor((n + 2 * before[i] + extra[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1,
    );
    // The last window starts in the input or the padding before.
    if (out.some((n, i) => n < 1 || (n - 1) * stride[i] >= size[i] + before[i])) continue;
    return { kernel, stride, before, extra, dilation, x: float32([integer(1, 3), integer(1, 4), ...size]), out };
  }
}

describe.each([1, 2, 3])('pooling along %i axes', (axes) => {
  test('max pooling with ties, NaN and infinities, and its gradient', async () => {
    for (let i = 0; i < SAMPLES; i++) {
      const { kernel, stride, before, extra, dilation, x, out } = windows(axes, true);
      const padding = before.map((n, axis) => [n, n + extra[axis]]);
      const y = float32([...x.shape.slice(0, 2), ...out]);
      const data = noise(x.shape).map((v) => Math.round(v * 4));
      const pool: Node = {
        op: 'maxPool',
        attrs: { kernel, stride, padding, dilation },
        inputs: [0],
        avals: [y, { ...y, dtype: 'int32' }],
      };
      const spiced = data.map((v) => {
        const kind = i % 2 ? random() : 1;
        if (kind < 0.2) return NaN;
        return kind < 0.5 ? -Infinity : kind < 0.55 ? Infinity : v;
      });
      await expectEqual([[x, spiced]], [pool]);
      const gradient: Node = {
        op: 'maxPoolGrad',
        attrs: { inputSize: x.shape.slice(2) },
        inputs: [1, 3],
        avals: [x],
      };
      await expectEqual(
        [
          [x, data],
          [y, noise(y.shape)],
        ],
        [pool, gradient],
      );
    }
  }, 120_000);

  test('average pooling and its gradient', async () => {
    for (let i = 0; i < SAMPLES; i++) {
      const { kernel, stride, before, extra: ceilExtra, x, out } = windows(axes, false);
      const y = float32([...x.shape.slice(0, 2), ...out]);
      const attrs = {
        kernel,
        stride,
        padding: before.map((n) => [n, n]),
        ceilExtra,
        countIncludePad: oneOf(0, 1) === 1,
        divisor: oneOf(0, 0, 3) || null,
      };
      await expectEqual([[x, noise(x.shape)]], [{ op: 'avgPool', attrs, inputs: [0], avals: [y] }]);
      const inputSize = x.shape.slice(2);
      const gradient = { op: 'avgPoolGrad', attrs: { ...attrs, inputSize }, inputs: [0], avals: [x] };
      await expectEqual([[y, noise(y.shape)]], [gradient]);
    }
  }, 120_000);
});

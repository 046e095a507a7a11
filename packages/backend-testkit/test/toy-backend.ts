/** A complete backend: each core op is a function from the index of an element to its value. Short, not fast. */
import { defineBackend, interpretProgram, threefryUniform } from '@fakkel/core';
import type { Aval, Backend, DeviceBuffer, KernelCall, TypedArray } from '@fakkel/core';

type Index = readonly number[];
type Buffer = Aval & DeviceBuffer & { readonly data: TypedArray; readonly at: (i: Index) => number };
/** The element `i` of the output, or one of each output, from the inputs and the attributes. */
type Op = (x: readonly Buffer[], attrs: any, i: Index, out: Aval) => number | readonly number[];

const known: Record<string, Index[]> = {};
/** Every index of a shape, in row-major order. */
const indices = (shape: Index): Index[] => (known[String(shape)] ??= shape.reduce(extend, [[]]));
const extend = (all: Index[], n: number): Index[] => all.flatMap((i) => count(n).map((k) => [...i, k]));
const count = (n: number) => Array.from({ length: n }, (_, k) => k);
const total = (shape: Index, f: (i: Index) => number) => indices(shape).reduce((sum, i) => sum + f(i), 0);
const put = (i: Index, dim: number, value: number) => i.map((v, d) => (d === dim ? value : v));
const isInside = (i: Index, shape: Index) => i.every((v, d) => Number.isInteger(v) && v >= 0 && v < shape[d]);
const atOr = (other: number, x: Buffer, i: Index) => (isInside(i, x.shape) ? x.at(i) : other);
/** The row-major position of an index. Axes of size 1 repeat and missing ones are in front, so it broadcasts. */
const position = (shape: Index, i: Index) =>
  shape.reduce((at, size, d) => at * size + (size === 1 ? 0 : i[d + i.length - shape.length]), 0);

/** The elements of x that a reduction over `dims` puts into the element `i`. */
function reduced(x: Buffer, dims: Index, keepdim: boolean, i: Index): number[] {
  const first = keepdim ? i : dims.reduce((at, d) => at.toSpliced(d, 0, 0), i as number[]);
  const rest = indices(x.shape.map((size, d) => (dims.includes(d) ? size : 1)));
  return rest.map((k) => x.at(first.map((v, d) => v + k[d])));
}
/** Negative where a comes before b: NaN is the largest. */
const order = (a: number, b: number) => Number(a > b) - Number(a < b) || Number(isNaN(a)) - Number(isNaN(b));
const find = (lane: number[], extreme: number) => lane.findIndex((v) => v === extreme || Object.is(v, extreme));

/** Where in the input the cell `k` of the window `s` lies, and which window has `p` as its cell `k`. */
const cell = (a: any, s: Index, k: Index) => s.map((v, d) => v * a.stride[d] + offset(a, k[d], d));
const window = (a: any, p: Index, k: Index) => p.map((v, d) => (v - offset(a, k[d], d)) / a.stride[d]);
const offset = (a: any, k: number, d: number): number => k * (a.dilation?.[d] ?? 1) - a.padding[d][0];
/** What the average of the window `s` divides by. */
const divisor = (a: any, size: Index, s: Index): number => {
  const counts = (v: number, d: number) => (a.countIncludePad ? v < size[d] + a.padding[d][1] : v >= 0 && v < size[d]);
  return a.divisor ?? Math.max(1, indices(a.kernel).filter((k) => cell(a, s, k).every(counts)).length);
};

/** 2x/√π · e^(−x²) · (1 + 2x²/3 · (1 + 2x²/5 · (1 + …))), whose terms all have one sign. */
function erf(of: number): number {
  const x = Math.min(Math.max(of, -6), 6);
  const series = count(200).reduceRight((s, n) => 1 + (s * 2 * x * x) / (2 * n + 3), 1);
  return ((2 * x) / Math.sqrt(Math.PI)) * Math.exp(-x * x) * series;
}

// prettier-ignore
const map = (f: (a: number, b: number) => number | boolean): Op => ([a, b], _, i) => Number(f(a.at(i), b?.at(i))),
  reduce = (f: (lane: number[]) => number): Op => ([x], a, i) => f(reduced(x, a.dims ?? [a.dim], a.keepdim, i));
// prettier-ignore
const OPS: Record<string, Op> = {
  neg: map((x) => -x), abs: map(Math.abs), sign: map(Math.sign), exp: map(Math.exp), expm1: map(Math.expm1),
  log: map(Math.log), log1p: map(Math.log1p), sqrt: map(Math.sqrt), sin: map(Math.sin), cos: map(Math.cos),
  tanh: map(Math.tanh), floor: map(Math.floor), ceil: map(Math.ceil), trunc: map(Math.trunc), erf: map(erf),
  round: map((x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))), isfinite: map(isFinite),
  cast: ([x], { dtype }, i) => (dtype === 'bool' ? Number(x.at(i) !== 0) : x.at(i)), copy: map((x) => x),
  add: map((a, b) => a + b), sub: map((a, b) => a - b), div: map((a, b) => a / b), pow: map((a, b) => a ** b),
  mul: ([a, b], _, i) => a.dtype === 'int32' ? Math.imul(a.at(i), b.at(i)) : a.at(i) * b.at(i),
  maximum: map(Math.max), minimum: map(Math.min), powScalar: ([x], { exponent }, i) => x.at(i) ** exponent,
  remainder: map((a, b) => a - b * Math.floor(a / b)), floorDivide: map((a, b) => Math.floor(a / b)),
  eq: map((a, b) => a === b), ne: map((a, b) => a !== b), lt: map((a, b) => a < b), le: map((a, b) => a <= b),
  gt: map((a, b) => a > b), ge: map((a, b) => a >= b), logicalAnd: map((a, b) => a && b), logicalOr: map((a, b) => a || b),
  logicalXor: map((a, b) => a !== b), logicalNot: map((x) => !x), where: ([c, a, b], _, i) => (c.at(i) ? a : b).at(i),
  sum: reduce((v) => v.reduce((a, b) => a + b, 0)), prod: reduce((v) => v.reduce((a, b) => a * b, 1)),
  amax: reduce((v) => Math.max(...v)), argmax: reduce((v) => find(v, Math.max(...v))),
  amin: reduce((v) => Math.min(...v)), argmin: reduce((v) => find(v, Math.min(...v))),
  cumsum: ([x], { dim, reverse }, i) =>
    total([x.shape[dim]], ([k]) => ((reverse ? k >= i[dim] : k <= i[dim]) ? x.at(put(i, dim, k)) : 0)),
  reshape: ([x], { shape }, i) => x.data[position(shape, i)], expand: map((x) => x),
  permute: ([x], { dims }, i) => x.at(i.map((_, d) => i[dims.indexOf(d)])),
  pad: ([x, value], { pads }, i) => atOr(value.data[0], x, i.map((v, d) => v - pads[d][0])),
  flip: ([x], { dims }, i) => x.at(i.map((v, d) => (dims.includes(d) ? x.shape[d] - 1 - v : v))),
  narrow: ([x, start], { dim, step }, i) => x.at(put(i, dim, start.data[0] + i[dim] * step)),
  sliceScatter: ([base, x, start], { dim, step }, i) => atOr(base.at(i), x, put(i, dim, (i[dim] - start.data[0]) / step)),
  cat: (x, { dim }, i) => x.flatMap((p) => count(p.shape[dim]).map((k) => () => p.at(put(i, dim, k))))[i[dim]](),
  gather: ([x, index], { dim }, i) => x.at(put(i, dim, index.at(i))),
  indexSelect: ([x, index], { dim }, i) => x.at(put(i, dim, index.data[i[dim]])),
  scatterAdd: ([base, index, src], { dim }, i) => base.at(i) + total([index.shape[dim]], ([k]) =>
    atOr(-1, index, put(i, dim, k)) === i[dim] ? src.at(put(i, dim, k)) : 0),
  indexAdd: ([base, index, src], { dim }, i) =>
    base.at(i) + total(index.shape, ([k]) => (index.data[k] === i[dim] ? src.at(put(i, dim, k)) : 0)),
  matmul: ([a, b], { transA, transB }, i) => total([a.shape.at(transA ? -2 : -1)!], ([k]) =>
    a.at([...i.slice(0, -2), ...(transA ? [k, i.at(-2)!] : [i.at(-2)!, k])]) *
    b.at([...i.slice(0, -2), ...(transB ? [i.at(-1)!, k] : [k, i.at(-1)!])])),
  conv: ([x, w], a, [n, o, ...s]) => total(w.shape.slice(1), ([c, ...k]) => w.at([o, c, ...k]) *
    atOr(0, x, [n, Math.floor((o * a.groups) / w.shape[0]) * w.shape[1] + c, ...cell(a, s, k)])),
  convInputGrad: ([g, w], a, [n, c, ...p]) => total([w.shape[0] / a.groups, ...w.shape.slice(2)], ([j, ...k]) => {
    const o = (Math.floor(c / w.shape[1]) * w.shape[0]) / a.groups + j;
    return atOr(0, g, [n, o, ...window(a, p, k)]) * w.at([o, c % w.shape[1], ...k]);
  }),
  convWeightGrad: ([x, g], a, [o, c, ...k], w) => total(g.shape.toSpliced(1, 1), ([n, ...s]) => g.at([n, o, ...s]) *
    atOr(0, x, [n, Math.floor((o * a.groups) / g.shape[1]) * w.shape[1] + c, ...cell(a, s, k)])),
  maxPool: ([x], a, [n, c, ...s]) => {
    const cells = indices(a.kernel).map((k) => [n, c, ...cell(a, s, k)]).filter((i) => isInside(i, x.shape));
    const best = cells[find(cells.map(x.at), Math.max(...cells.map(x.at)))];
    return [x.at(best), position(x.shape.slice(2), best.slice(2))];
  },
  maxPoolGrad: ([g, at], _, [n, c, ...p], out) => total(g.shape.slice(2), (s) =>
    at.at([n, c, ...s]) === position(out.shape.slice(2), p) ? g.at([n, c, ...s]) : 0),
  avgPool: ([x], a, [n, c, ...s]) =>
    total(a.kernel, (k) => atOr(0, x, [n, c, ...cell(a, s, k)])) / divisor(a, x.shape.slice(2), s),
  avgPoolGrad: ([g], a, [n, c, ...p], out) => total(a.kernel, (k) =>
    atOr(0, g, [n, c, ...window(a, p, k)]) / divisor(a, out.shape.slice(2), window(a, p, k))),
  sort: ([x], { dim, descending }, i) => {
    const lane = reduced(x, [dim], true, put(i, dim, 0));
    const from = count(lane.length).sort((j, k) => order(lane[j], lane[k]) * (descending ? -1 : 1))[i[dim]];
    return [lane[from], from];
  },
  random: ([{ data }], { shape }, i) =>
    threefryUniform(new Float64Array(position(shape, i) + 1), data[0], data[1]).at(-1)!,
};

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array };
function create(): Backend {
  const live = new Set<DeviceBuffer>();
  let [runs, id] = [0, 0];
  const make = (values: ArrayLike<number>, aval: Aval): Buffer => {
    const data = ARRAYS[aval.dtype].from(values);
    const buffer: Buffer = { ...aval, id: id++, aval, data, at: (i) => data[position(aval.shape, i)] };
    live.add(buffer);
    return buffer;
  };
  const kernel = ({ op, inputs, outputAvals, attrs }: KernelCall<Buffer>) => {
    const elements = indices(outputAvals[0].shape).map((i) => [OPS[op](inputs, attrs, i, outputAvals[0])].flat());
    // prettier-ignore
    return outputAvals.map((aval, n) => make(elements.map((e) => e[n]), aval));
  };
  const kernels = Object.fromEntries(Object.keys(OPS).map((op) => [op, kernel]));
  const release = (buffer: DeviceBuffer) => void live.delete(buffer);
  const dtypes = ['float32', 'int32', 'bool'] as const;
  return {
    name: 'toy',
    apiVersion: 1,
    capabilities: { dtypes, deterministic: true, resident: false, memoryBudget: 2 ** 28, blocking: true },
    supports: (op) => Object.hasOwn(OPS, op) || { reason: `the toy backend has no kernel for '${op}'` },
    upload: make,
    download: async (buffers) => buffers.map((buffer) => (buffer as Buffer).data.slice()),
    release,
    compile: interpretProgram({ kernels, constant: make, release, onRun: () => void runs++ }),
    lost: new Promise(() => {}),
    stats: () => ({ liveBuffers: live.size, liveBytes: 0, peakBytes: 0, runs, kernels: {} }),
    dispose: async () => live.clear(),
  };
}

export default defineBackend({ name: 'toy', create: async () => create() });

/**
 * Elementwise ops of one input. A loop for each op, so that each compiles to its own straight code.
 */
import type { TypedArray } from '../../dtype.js';
import { erf } from '../../random/erf.js';
import type { HostCall, HostKernel, KernelTable } from './kernel.js';
import { intPow, pow, roundHalfEven } from './math.js';

type Loop = (y: TypedArray, x: TypedArray, n: number) => void;

const unary =
  (loop: Loop): HostKernel =>
  ({ inputs, outputs }) =>
    loop(outputs[0], inputs[0], outputs[0].length);

/** Written out where the op is hot; the rest share `map`, whose time the function itself dominates. */
const map = (f: (x: number) => number): HostKernel =>
  unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = f(x[i]);
  });

function powScalar({ inputs: [x], outputs: [y], outputAvals, attrs }: HostCall): void {
  const exponent = attrs.exponent as number;
  const n = y.length;
  if (outputAvals[0].dtype === 'int32') for (let i = 0; i < n; i++) y[i] = intPow(x[i], exponent);
  else if (exponent === 2) for (let i = 0; i < n; i++) y[i] = x[i] * x[i];
  else if (exponent === 3) for (let i = 0; i < n; i++) y[i] = x[i] * x[i] * x[i];
  else if (exponent === -1) for (let i = 0; i < n; i++) y[i] = 1 / x[i];
  // √ differs from x^½ at −0 and −∞ only.
  else if (exponent === 0.5) for (let i = 0; i < n; i++) y[i] = x[i] === -Infinity ? Infinity : Math.sqrt(x[i] + 0);
  else for (let i = 0; i < n; i++) y[i] = pow(x[i], exponent);
}

function cast({ inputs: [x], inputAvals, outputs: [y], outputAvals }: HostCall): void {
  // Typed arrays convert by themselves: rounding to float32, truncating to int32.
  if (outputAvals[0].dtype !== 'bool' || inputAvals[0].dtype === 'bool') y.set(x);
  else for (let i = 0; i < y.length; i++) y[i] = x[i] !== 0 ? 1 : 0;
}

export const unaryKernels: KernelTable = {
  neg: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = -x[i];
  }),
  abs: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = Math.abs(x[i]);
  }),
  sign: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = x[i] > 0 ? 1 : x[i] < 0 ? -1 : 0;
  }),
  exp: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = Math.exp(x[i]);
  }),
  expm1: map(Math.expm1),
  log: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = Math.log(x[i]);
  }),
  log1p: map(Math.log1p),
  sqrt: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = Math.sqrt(x[i]);
  }),
  sin: map(Math.sin),
  cos: map(Math.cos),
  tanh: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = Math.tanh(x[i]);
  }),
  erf: map(erf),
  floor: map(Math.floor),
  ceil: map(Math.ceil),
  round: map(roundHalfEven),
  trunc: map(Math.trunc),
  isfinite: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = Number.isFinite(x[i]) ? 1 : 0;
  }),
  logicalNot: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = x[i] === 0 ? 1 : 0;
  }),
  relu: unary((y, x, n) => {
    // NaN stays NaN, and −0 becomes 0.
    for (let i = 0; i < n; i++) y[i] = x[i] <= 0 ? 0 : x[i];
  }),
  sigmoid: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = 1 / (1 + Math.exp(-x[i]));
  }),
  square: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = x[i] * x[i];
  }),
  rsqrt: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = 1 / Math.sqrt(x[i]);
  }),
  reciprocal: unary((y, x, n) => {
    for (let i = 0; i < n; i++) y[i] = 1 / x[i];
  }),
  powScalar,
  cast,
  copy: ({ inputs, outputs }) => outputs[0].set(inputs[0]),
};

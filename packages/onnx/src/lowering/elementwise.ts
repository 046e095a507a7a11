/**
 * Arithmetic and functions of each element. Comparisons, logic and conversion are in logic.ts.
 */
import { type GraphBuilder, int, type Value } from './graph.js';
import { type Call, type Lowering, type Rule, rule, type Rules } from './rule.js';

/** An op that ONNX has under another name. */
export const as =
  (opType: string): Rule =>
  ({ graph }, { inputs }) => [graph.node(opType, inputs)];

/** A rule whose one output is an expression of the inputs. */
export const expression =
  (write: (graph: GraphBuilder, ...inputs: Value[]) => Value): Rule =>
  ({ graph }, { inputs }) => [write(graph, ...inputs)];

/** A rule for floats and one for int32. */
const byDType =
  (float: Rule, int32: Rule): Rule =>
  (lowering, call) =>
    (call.inputAvals[0].dtype === 'int32' ? int32 : float)(lowering, call);

/** −1, 0 or 1; 0 for NaN, which `Sign` would keep. WebGPU has no `Sign`. */
const sign: Rule = ({ graph }, { inputs: [x], inputAvals }) => {
  const dtype = inputAvals[0].dtype as 'float32' | 'int32';
  const [zero, one, minusOne] = [0, 1, -1].map((n) => graph.scalar(n, dtype));
  const negative = graph.node('Where', [graph.node('Less', [x, zero]), minusOne, zero]);
  return [graph.node('Where', [graph.node('Greater', [x, zero]), one, negative])];
};

/** eˣ − 1 = tanh(x/2) · (eˣ + 1), in which nothing cancels. */
const expm1 = expression((graph, x) => {
  const half = graph.node('Tanh', [graph.node('Mul', [x, graph.scalar(0.5)])]);
  return graph.node('Mul', [half, graph.node('Add', [graph.node('Exp', [x]), graph.scalar(1)])]);
});

/**
 * ln(1 + x) = ln u + (x − (u − 1)) / u to first order in what the rounded sum u = 1 + x lost of x.
 *
 * Where nothing was lost (also at −1 and ∞) it is ln u.
 */
const log1p = expression((graph, x) => {
  const one = graph.scalar(1);
  const u = graph.node('Add', [x, one]);
  const kept = graph.node('Sub', [u, one]);
  const log = graph.node('Log', [u]);
  const lost = graph.node('Div', [graph.node('Sub', [x, kept]), u]);
  return graph.node('Where', [graph.node('Equal', [kept, x]), log, graph.node('Add', [log, lost])]);
});

const trunc = expression((graph, x) =>
  graph.node('Where', [graph.node('Less', [x, graph.scalar(0)]), graph.node('Ceil', [x]), graph.node('Floor', [x])]),
);

const not = (graph: GraphBuilder, x: Value): Value => graph.node('Not', [x]);

/** The remainder with the dividend's sign, and whether the quotient that belongs to it is one above the floor. */
function truncatedRemainder(graph: GraphBuilder, a: Value, b: Value): { rest: Value; isAbove: Value } {
  const zero = graph.scalar(0);
  const rest = graph.node('Mod', [a, b], { fmod: int(1) });
  const differs = graph.node('Xor', [graph.node('Less', [rest, zero]), graph.node('Less', [b, zero])]);
  return { rest, isAbove: graph.node('And', [differs, not(graph, graph.node('Equal', [rest, zero]))]) };
}

const remainder = expression((graph, a, b) => {
  const { rest, isAbove } = truncatedRemainder(graph, a, b);
  return graph.node('Where', [isAbove, graph.node('Add', [rest, b]), rest]);
});

/** ⌊a/b⌋, also where a/b itself rounds up to the next integer: (a − rest) / b is an integer but for its rounding. */
const floorDivide = expression((graph, a, b) => {
  const { rest, isAbove } = truncatedRemainder(graph, a, b);
  const above = graph.node('Div', [graph.node('Sub', [a, rest]), b]);
  const floor = graph.node('Where', [isAbove, graph.node('Sub', [above, graph.scalar(1)]), above]);
  const byZero = graph.node('Equal', [b, graph.scalar(0)]);
  return graph.node('Where', [byZero, graph.node('Div', [a, b]), graph.node('Round', [floor])]);
});

/**
 * A divisor that integers can be divided by, and the factor that makes up for it: 0 is an error in ONNX Runtime, and
 * the smallest integer by −1 a trap of the processor.
 */
function safeDivisor(graph: GraphBuilder, b: Value): { divisor: Value; factor: Value } {
  const [zero, one, minusOne] = [0, 1, -1].map((n) => graph.scalar(n, 'int32'));
  const isOdd = graph.node('Or', [graph.node('Equal', [b, zero]), graph.node('Equal', [b, minusOne])]);
  return { divisor: graph.node('Where', [isOdd, one, b]), factor: graph.node('Where', [isOdd, b, one]) };
}

const intRemainder = expression((graph, a, b) => graph.node('Mod', [a, safeDivisor(graph, b).divisor]));

const intFloorDivide = expression((graph, a, b) => {
  const { divisor, factor } = safeDivisor(graph, b);
  const zero = graph.scalar(0, 'int32');
  const truncated = graph.node('Div', [a, divisor]);
  const differs = graph.node('Xor', [graph.node('Less', [a, zero]), graph.node('Less', [divisor, zero])]);
  const isExact = graph.node('Equal', [graph.node('Mul', [truncated, divisor]), a]);
  const isAbove = graph.node('And', [differs, not(graph, isExact)]);
  const floor = graph.node('Sub', [truncated, graph.cast(isAbove, 'int32')]);
  return graph.node('Mul', [floor, factor]);
});

/** Squares and products, which wrap; ONNX Runtime's `Pow` of integers goes through double precision. */
function intPowScalar(graph: GraphBuilder, x: Value, exponent: number): Value | null {
  let power: Value | null = null;
  for (let square = x, e = exponent; e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) power = power === null ? square : graph.node('Mul', [power, square]);
    if (e > 1) square = graph.node('Mul', [square, square]);
  }
  return power;
}

/** The same with exponents that are data: a factor for each of their bits. */
const intPow = expression((graph, a, b) => {
  const constant = (n: number): Value => graph.scalar(n, 'int32');
  const bit = (e: Value, i: number): Value =>
    graph.cast(graph.node('Mod', [graph.node('Div', [e, constant(2 ** i)]), constant(2)]), 'bool');
  const exponent = graph.node('Max', [b, constant(0)]);
  let power = constant(1);
  let square = a;
  for (let i = 0; i < 31; i++) {
    power = graph.node('Mul', [power, graph.node('Where', [bit(exponent, i), square, constant(1)])]);
    square = graph.node('Mul', [square, square]);
  }
  // To a negative power: the integer part, which is 0 but for bases of ±1.
  const isUnit = graph.node('Equal', [graph.node('Abs', [a]), constant(1)]);
  const isOdd = graph.cast(graph.node('Mod', [b, constant(2)]), 'bool');
  const unit = graph.node('Where', [isOdd, a, constant(1)]);
  const inverse = graph.node('Where', [isUnit, unit, constant(0)]);
  return graph.node('Where', [graph.node('Less', [b, constant(0)]), inverse, power]);
});

function powScalar({ graph }: Lowering, { attrs, inputs: [x], inputAvals }: Call<{ exponent: number }>): Value[] {
  const [{ dtype, shape }] = inputAvals;
  if (dtype !== 'int32') return [graph.node('Pow', [x, graph.scalar(attrs.exponent)])];
  const ones = (): Value => graph.node('Expand', [graph.scalar(1, 'int32'), graph.vector(shape)]);
  return [intPowScalar(graph, x, attrs.exponent) ?? ones()];
}

export const elementwise: Rules = {
  neg: as('Neg'),
  abs: as('Abs'),
  sign,
  exp: as('Exp'),
  expm1,
  log: as('Log'),
  log1p,
  sqrt: as('Sqrt'),
  sin: as('Sin'),
  cos: as('Cos'),
  tanh: as('Tanh'),
  erf: as('Erf'),
  floor: as('Floor'),
  ceil: as('Ceil'),
  round: as('Round'),
  trunc,
  add: as('Add'),
  sub: as('Sub'),
  mul: as('Mul'),
  div: as('Div'),
  maximum: as('Max'),
  minimum: as('Min'),
  remainder: byDType(remainder, intRemainder),
  floorDivide: byDType(floorDivide, intFloorDivide),
  pow: byDType(as('Pow'), intPow),
  powScalar: rule(powScalar),
};

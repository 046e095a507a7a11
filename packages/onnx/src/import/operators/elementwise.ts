/**
 * Arithmetic, comparisons and logic, with broadcasting both ways. What is known on the host stays there.
 */
import { isTensor, type Tensor, where } from '@fakkel/core';
import { dtypeOfCode, nameOfCode } from '../../dtypes.js';
import { OnnxError } from '../../errors.js';
import { type Call, type Operator, type OperatorTable } from '../call.js';
import { coreDType, Host, hostOf, integers, isFloating, mapHost } from '../host.js';
import { asTensor, type Value } from '../values.js';

/** Whether a tensor or host value holds integers. */
const isInteger = (x: Value): boolean =>
  isTensor(x) ? x.dtype === 'int32' : !isFloating(x.dtype) && x.dtype !== 'bool';

/** A host value of one element beside a tensor: a number, which enters a program as an input. */
function operand(value: Value, beside: Tensor): Tensor | number {
  if (isTensor(value)) return value;
  const fits = value.data.length === 1 && value.shape.length <= beside.ndim && coreDType(value.dtype) === beside.dtype;
  return fits && beside.dtype !== 'bool' && Number.isFinite(value.data[0]) ? value.data[0] : value.on(beside.device);
}

/** A function of two values, on the host where both are there. */
function binary(
  onTensors: (a: Tensor, b: Tensor | number) => Tensor,
  onHost: (a: number, b: number, isIntegers: boolean) => number,
  result?: 'bool',
): (call: Call, a: Value, b: Value) => Value {
  return (call, a, b) => {
    if (!isTensor(a) && !isTensor(b)) {
      const whole = isInteger(a);
      return mapHost([a, b], result ?? a.dtype, (x, y) => onHost(x, y, whole));
    }
    if (isTensor(a)) return onTensors(a, operand(b, a));
    return onTensors(asTensor(a, call.around.device), b as Tensor);
  };
}

const twoInputs =
  (fn: (call: Call, a: Value, b: Value) => Value): Operator =>
  (call) =>
    fn(call, call.value(0), call.value(1));

const anyNumber =
  (fn: (call: Call, a: Value, b: Value) => Value): Operator =>
  (call) =>
    call.values().reduce((a, b) => fn(call, a, b));

/** Integers are divided towards zero, as in C. */
function quotient(a: Tensor, b: Tensor | number): Tensor {
  if (a.dtype !== 'int32') return a.div(b);
  const down = a.floorDivide(b);
  const back = a.remainder(b);
  // Where the sign is negative and something is left, the floor lies one below.
  return down.add(back.ne(0).logicalAnd(down.lt(0)).to('int32'));
}

const add = binary(
  (a, b) => a.add(b),
  (a, b) => a + b,
);
const subtract = binary(
  (a, b) => a.sub(b),
  (a, b) => a - b,
);
const multiply = binary(
  (a, b) => a.mul(b),
  (a, b) => a * b,
);
const divide = binary(quotient, (a, b, whole) => {
  if (whole && b === 0) throw new OnnxError('an integer is divided by zero.');
  return a / b;
});
const maximum = binary(
  (a, b) => a.maximum(b),
  (a, b) => Math.max(a, b),
);
const minimum = binary(
  (a, b) => a.minimum(b),
  (a, b) => Math.min(a, b),
);
const comparison = (
  onTensors: (a: Tensor, b: Tensor | number) => Tensor,
  onHost: (a: number, b: number) => boolean,
): Operator => twoInputs(binary(onTensors, (a, b) => Number(onHost(a, b)), 'bool'));

/** The exponent may be of another type; the result has the base's. */
function power(call: Call): Value {
  const [base, exponent] = [call.value(0), call.value(1)];
  if (!isTensor(base) && !isTensor(exponent)) return mapHost([base, exponent], base.dtype, Math.pow);
  const x = asTensor(base, call.around.device);
  if (!isTensor(exponent) && exponent.data.length === 1 && exponent.shape.length <= x.ndim) {
    return x.pow(exponent.data[0]).to(x.dtype);
  }
  return x.pow(asTensor(exponent, call.around.device)).to(x.dtype);
}

/** Python's remainder, or C's with `fmod`. */
function modulo(call: Call): Value {
  const fmod = call.flag('fmod');
  const onHost = (a: number, b: number): number => (fmod ? a % b : a - Math.floor(a / b) * b);
  const onTensors = (a: Tensor, b: Tensor | number): Tensor => {
    if (!fmod) return a.remainder(b);
    if (a.dtype === 'int32') return a.sub(quotient(a, b).mul(b));
    return a.sub(a.div(b).trunc().mul(b));
  };
  return binary(onTensors, onHost)(call, call.value(0), call.value(1));
}

const unary =
  (onTensor: (x: Tensor) => Tensor, onHost: (x: number) => number): Operator =>
  (call) => {
    const x = call.value(0);
    return isTensor(x) ? onTensor(x) : mapHost([x], x.dtype, onHost);
  };

/** Half to even, as IEEE 754. */
function roundEven(x: number): number {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

function select(call: Call): Value {
  const [condition, a, b] = call.values();
  const hosts = [condition, a, b].filter((value): value is Host => !isTensor(value));
  if (hosts.length === 3) return mapHost(hosts, (a as Host).dtype, (c, x, y) => (c ? x : y));
  const { device } = call.around;
  return where(asTensor(condition, device), asTensor(a, device), asTensor(b, device));
}

function cast(call: Call): Value {
  const code = call.int('to', 0);
  const dtype = dtypeOfCode(code);
  if (dtype === undefined || dtype === 'string') {
    throw new OnnxError(`it casts to ${dtype ?? nameOfCode(code)}, which is not supported.`);
  }
  const x = call.value(0);
  return isTensor(x) ? x.to(coreDType(dtype)) : mapHost([x], dtype, (value) => value);
}

/** The second input says to what. */
function castLike(call: Call): Value {
  const [x, like] = call.values();
  if (isTensor(like)) return asTensor(x, call.around.device).to(like.dtype);
  return isTensor(x) ? x.to(coreDType(like.dtype)) : mapHost([x], like.dtype, (value) => value);
}

/** Versions up to 10 have the bounds as attributes, later ones as inputs; an infinite bound is none. */
function clip(call: Call): Value {
  const bounds = (['min', 'max'] as const).map((name, i): Value | null => {
    const attribute = call.opset < 11 ? call.float(name) : undefined;
    if (attribute !== undefined) return new Host('float32', [], [attribute]);
    return call.opset >= 11 && call.has(i + 1) ? call.value(i + 1) : null;
  });
  const x = call.value(0);
  const isHost = (value: Value | null): value is Host => value !== null && !isTensor(value);
  if (!isTensor(x) && bounds.every((bound) => bound === null || isHost(bound))) {
    const [low, high] = bounds.map((bound, i) => (isHost(bound) ? bound.data[0] : i === 0 ? -Infinity : Infinity));
    return mapHost([x], x.dtype, (value) => Math.min(Math.max(value, low), high));
  }
  const tensor = call.tensor(0);
  const unbounded = tensor.dtype === 'int32' ? 2 ** 31 - 1 : 3.4028234663852886e38;
  const [low, high] = bounds.map((bound) => {
    if (bound === null || isTensor(bound)) return bound;
    return Math.abs(bound.data[0]) >= unbounded ? null : bound.data[0];
  });
  return low === null && high === null ? tensor : tensor.clamp(low, high);
}

/** `value` in one of its forms; sparse ones and strings are refused where the file is read. */
function constant(call: Call): Value {
  const tensor = call.constant('value');
  if (tensor) return hostOf(tensor);
  const [float, floats, int, ints] = [
    call.float('value_float'),
    call.floats('value_floats'),
    call.int('value_int'),
    call.ints('value_ints'),
  ];
  if (float !== undefined) return new Host('float32', [], [float]);
  if (floats !== undefined) return new Host('float32', [floats.length], floats);
  if (int !== undefined) return integers([int], []);
  if (ints !== undefined) return integers(ints);
  throw new OnnxError(`it has no value of a kind that is supported (value, value_float(s), value_int(s)).`);
}

const infinite: Operator = (call) => {
  const x = call.tensor(0);
  const [positive, negative] = [call.flag('detect_positive', true), call.flag('detect_negative', true)];
  if (positive && negative) return x.isinf();
  const none = x.ne(x);
  if (positive) return x.isinf().logicalAnd(x.gt(0));
  return negative ? x.isinf().logicalAnd(x.lt(0)) : none.logicalAnd(none.logicalNot());
};

/** Mean of all inputs. */
const average: Operator = (call) => {
  const sum = call.values().reduce((a, b) => add(call, a, b));
  return divide(call, sum, new Host('float32', [], [call.inputs.length]));
};

export const elementwise: OperatorTable = {
  Add: twoInputs(add),
  Sub: twoInputs(subtract),
  Mul: twoInputs(multiply),
  Div: twoInputs(divide),
  Pow: power,
  Mod: modulo,
  Sum: anyNumber(add),
  Mean: average,
  Max: anyNumber(maximum),
  Min: anyNumber(minimum),
  Equal: comparison(
    (a, b) => a.eq(b),
    (a, b) => a === b,
  ),
  Less: comparison(
    (a, b) => a.lt(b),
    (a, b) => a < b,
  ),
  LessOrEqual: comparison(
    (a, b) => a.le(b),
    (a, b) => a <= b,
  ),
  Greater: comparison(
    (a, b) => a.gt(b),
    (a, b) => a > b,
  ),
  GreaterOrEqual: comparison(
    (a, b) => a.ge(b),
    (a, b) => a >= b,
  ),
  And: comparison(
    (a, b) => a.logicalAnd(b),
    (a, b) => a !== 0 && b !== 0,
  ),
  Or: comparison(
    (a, b) => a.logicalOr(b),
    (a, b) => a !== 0 || b !== 0,
  ),
  Xor: comparison(
    (a, b) => a.logicalXor(b),
    (a, b) => a !== b,
  ),
  Not: (call) => {
    const x = call.value(0);
    return isTensor(x) ? x.logicalNot() : mapHost([x], 'bool', (value) => Number(value === 0));
  },
  Where: select,
  Clip: clip,
  Cast: cast,
  CastLike: castLike,
  Constant: constant,
  Identity: (call) => call.value(0),
  Abs: unary((x) => x.abs(), Math.abs),
  Neg: unary(
    (x) => x.neg(),
    (x) => -x,
  ),
  Sign: unary((x) => x.sign(), Math.sign),
  Exp: unary((x) => x.exp(), Math.exp),
  Log: unary((x) => x.log(), Math.log),
  Sqrt: unary((x) => x.sqrt(), Math.sqrt),
  Reciprocal: unary(
    (x) => x.reciprocal(),
    (x) => 1 / x,
  ),
  Floor: unary((x) => x.floor(), Math.floor),
  Ceil: unary((x) => x.ceil(), Math.ceil),
  Round: unary((x) => x.round(), roundEven),
  Sin: unary((x) => x.sin(), Math.sin),
  Cos: unary((x) => x.cos(), Math.cos),
  Tan: unary((x) => x.sin().div(x.cos()), Math.tan),
  Erf: (call) => call.tensor(0).erf(),
  IsNaN: (call) => call.tensor(0).isnan(),
  IsInf: infinite,
};

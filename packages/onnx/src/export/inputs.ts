/**
 * What a network is called with, flattened: names, shapes and dtypes of its inputs.
 */
import { type Aval, type DType, isTensor, type nn, type Shape, type Tensor } from '@fakkel/core';
import { OnnxError } from '../errors.js';

/** An input: a tensor, a shape with a dtype, or a shape, whose dtype is that of the first parameter. */
export type OnnxInput = Tensor | Aval | Shape;

/**
 * What an exported network is called with: its input, or an array of the arguments of its forward. In place of tensors
 * arguments may be arrays and objects that hold inputs; everything else is passed on as it is.
 */
export type OnnxInputs = OnnxInput | readonly unknown[];

export interface Flattened {
  /** The arguments, with avals for inputs. */
  readonly args: readonly unknown[];
  /** In the order of their positions. */
  readonly inputs: readonly { readonly path: string; readonly aval: Aval }[];
}

export function flattenInputs(model: nn.Module, inputs: OnnxInputs): Flattened {
  const dtype = model.parameters()[0]?.dtype ?? 'float32';
  const found: { path: string; aval: Aval }[] = [];
  const leaf = (path: string, aval: Aval): Aval => {
    found.push({ path, aval });
    return aval;
  };
  const walk = (path: string, value: unknown): unknown => {
    const aval = avalOf(value, dtype);
    if (aval) return leaf(path, aval);
    const join = (key: string): string => (path === '' ? key : `${path}.${key}`);
    if (Array.isArray(value)) return value.map((item, i) => walk(join(String(i)), item));
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(join(key), item)]));
  };
  const single = avalOf(inputs, dtype);
  const args = single
    ? [leaf('', single)]
    : Array.isArray(inputs)
      ? inputs.map((arg, i) => walk(inputs.length === 1 ? '' : String(i), arg))
      : null;
  if (args === null || found.length === 0) {
    throw new OnnxError(
      `exportOnnx: expected a tensor or a shape such as [1, 3, 224, 224], or an array of the arguments of forward.`,
    );
  }
  return { args, inputs: found };
}

function avalOf(value: unknown, dtype: DType): Aval | null {
  if (isTensor(value)) return { shape: value.shape, dtype: value.dtype };
  if (Array.isArray(value)) {
    return value.length > 0 && value.every((n) => typeof n === 'number') ? { shape: value, dtype } : null;
  }
  const { shape, dtype: own } = (value ?? {}) as Partial<Aval>;
  return Array.isArray(shape) && typeof own === 'string' ? { shape: shape as Shape, dtype: own } : null;
}

/** The same arguments with other inputs: arrays and objects are walked in the same order. */
export function withInputs(args: readonly unknown[], inputs: readonly Aval[]): readonly unknown[] {
  let position = 0;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    if ('shape' in value && 'dtype' in value) return inputs[position++];
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)]));
  };
  return args.map(walk);
}

/** The names of what a network returned, by the places that stand for its tensors. */
export function outputPaths(output: unknown): string[] {
  const paths: string[] = [];
  const walk = (path: string, value: unknown): void => {
    if (typeof value === 'number' && !(value in paths)) paths[value] = path;
    if (typeof value !== 'object' || value === null) return;
    const entries = value instanceof Map ? [...value] : Object.entries(value);
    for (const [key, item] of entries) walk(path === '' ? String(key) : `${path}.${String(key)}`, item);
  };
  walk('', output);
  return paths;
}

/**
 * Printing as Python does, so that a printed transform reads as in torchvision.
 */

/** A float as Python's `repr`: `0.5`, `1.0`, `1e-05`. */
export function pyFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

type Value = number | string | boolean | null | undefined | readonly number[];

/** As Python prints it: whole numbers as int, arrays as lists, nothing as None. */
export function py(value: Value): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : pyFloat(value);
  return typeof value === 'string' ? value : `[${value.map(py).join(', ')}]`;
}

/** `[0.5, 1.0]`. */
export const pyFloats = (values: ArrayLike<number>): string => `[${Array.from(values, pyFloat).join(', ')}]`;

/** `(32, 32)`. */
export const pyTuple = (values: readonly number[]): string => `(${values.map(py).join(', ')})`;

/** `(0.08, 1.0)`. */
export const pyFloatTuple = (values: readonly number[]): string => `(${values.map(pyFloat).join(', ')})`;

/** `name=value, …`, without those that are undefined. */
export function fields(values: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

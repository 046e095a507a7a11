/**
 * Printing as Python does, so that a printed module reads as in PyTorch.
 */

/** A float as Python's `repr`: `0.1`, `1.0`, `1e-05`, `inf`. */
export function pyFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

export function pyBool(value: boolean): string {
  return value ? 'True' : 'False';
}

/** A number or string as it is, an array as a tuple: `(5, 5)`, `(3,)`. */
export function pyTuple(value: number | string | null | readonly (number | null)[]): string {
  if (value === null) return 'None';
  if (typeof value !== 'object') return String(value);
  const items = value.map((item) => (item === null ? 'None' : String(item)));
  return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
}

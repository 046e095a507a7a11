/**
 * Which tolerance applies to which op in which precision.
 */
import type { Tolerance } from './compare.js';
import type { FloatDType } from './golden.js';

/** One number sets both parts of a {@link Tolerance}. */
export type ToleranceLike = number | Tolerance;

export type Tolerances = { readonly [dtype in FloatDType]?: ToleranceLike };

/** What a backend may allow itself beyond the defaults (1e-5 in float32, 1e-9 in float64). */
export interface ToleranceOptions extends Tolerances {
  /** By op, as the cases call it: `{ sin: { float32: { relative: 1e-5, absolute: 5e-4 } } }`. */
  readonly ops?: Readonly<Record<string, Tolerances>>;
}

const DEFAULTS: Required<Tolerances> = { float32: 1e-5, float64: 1e-9 };

/** Results that are the same bits everywhere: numbers from a counter-based generator. */
const EXACT_OPS = new Set(['random']);

/** The tolerance of `op` in `dtype`. */
export function toleranceOf(op: string, dtype: FloatDType, options: ToleranceOptions = {}): Tolerance {
  if (EXACT_OPS.has(op)) return { relative: 0, absolute: 0 };
  const chosen = options.ops?.[op]?.[dtype] ?? options[dtype] ?? DEFAULTS[dtype];
  return typeof chosen === 'number' ? { relative: chosen, absolute: chosen } : chosen;
}

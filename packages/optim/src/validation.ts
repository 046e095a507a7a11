import { FakkelError } from '@fakkel/core';

/** Throws PyTorch's errors for options that must not be negative; NaN is no number either. */
export function checkAtLeastZero(name: string, options: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(options)) {
    if (!(value >= 0)) throw new FakkelError(`${name}: Invalid ${what}: ${value}. It must be a number ≥ 0.`);
  }
}

/** Throws PyTorch's errors unless `betas` are two decay rates. */
export function checkBetas(name: string, betas: unknown): void {
  if (!Array.isArray(betas) || betas.length !== 2) {
    throw new FakkelError(`${name}: betas must be two numbers, such as [0.9, 0.999], got ${String(betas)}.`);
  }
  betas.forEach((beta: number, i) => {
    if (!(beta >= 0 && beta < 1)) {
      throw new FakkelError(`${name}: Invalid beta parameter at index ${i}: ${beta}. It must be ≥ 0 and < 1.`);
    }
  });
}

/** Throws unless `value` is a finite number. */
export function checkNumber(name: string, what: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new FakkelError(`${name}: ${what} must be a finite number, got ${String(value)}.${given(name, what, value)}`);
  }
}

/** Throws unless `value` is a whole number of at least 1. */
export function checkCount(name: string, what: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1) {
    throw new FakkelError(
      `${name}: ${what} must be a whole number of at least 1, got ${String(value)}.${given(name, what, value)}`,
    );
  }
}

/** PyTorch takes these by position. */
function given(name: string, what: string, value: unknown): string {
  return value === undefined ? ` Options come in an object: new ${name}(optimizer, { ${what}: … }).` : '';
}

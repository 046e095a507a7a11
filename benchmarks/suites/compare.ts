/**
 * Whether engines compute the same: the times of two different computations say nothing.
 */
import type { Steps } from '../engines/protocol.js';

/** Of the values: float32 in another order of additions, after three updates. */
const TOLERANCE = 1e-3;
/** Of what the updates change of the loss: a wrong gradient shows here, where the loss has hardly moved. */
const CHANGE_TOLERANCE = 1e-2;

const worst = (a: readonly number[], b: readonly number[], scale: (b: number) => number): number =>
  a.reduce((max, value, i) => {
    const difference = Math.abs(value - b[i]) / scale(b[i]);
    return difference <= max ? max : difference; // NaN counts as the worst
  }, 0);

/** Since the first step. */
const changes = (losses: readonly number[]): number[] => losses.map((loss) => loss - losses[0]);

/** What differs from the expected losses and logits, or undefined. */
export function difference(actual: Steps, expected: Steps): string | undefined {
  const losses = worst(actual.losses, expected.losses, Math.abs);
  const changed = changes(expected.losses);
  const change = Math.max(...changed.map(Math.abs));
  const wrong = change > 0 ? worst(changes(actual.losses), changed, () => change) : 0;
  if (!(losses <= TOLERANCE && wrong <= CHANGE_TOLERANCE) || actual.losses.length !== expected.losses.length) {
    return `losses ${show(actual.losses)}, expected ${show(expected.losses)}`;
  }
  if (actual.logits && expected.logits) {
    const largest = Math.max(...expected.logits.map(Math.abs));
    const logits = worst(actual.logits, expected.logits, () => largest);
    if (!(logits <= TOLERANCE)) return `logits differ by ${logits.toExponential(1)} of the largest`;
  }
  return undefined;
}

export const show = (losses: readonly number[]): string => losses.map((loss) => loss.toFixed(5)).join(' ');

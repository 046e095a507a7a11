/** Numbers and names as people read them, in the terminal and in the report. */

import type { Device } from '@fakkel/core';

/** `reference`, `cpu (onnxruntime:cpu)`: what was asked for, and the engine that it gave. */
export function deviceText({ name, backend }: Device): string {
  return name === backend.name ? name : `${name} (${backend.name})`;
}

/** `98.3 %`; all correct is the only 100 %. */
export function percent(share: number): string {
  const rounded = (share * 100).toFixed(1);
  return `${rounded === '100.0' ? (share === 1 ? '100' : '99.9') : rounded} %`;
}

/** `0.0123`, `1.24e-5`: three significant digits at any size. */
export function lossText(loss: number): string {
  return loss !== 0 && Math.abs(loss) < 1e-3 ? loss.toExponential(2) : loss.toFixed(4);
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `1,438`. */
export function count(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

/** `1 image`, `2 images`. */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}

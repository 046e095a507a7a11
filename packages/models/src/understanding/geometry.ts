/**
 * What convolution and pooling do to sizes, with the numbers put in.
 */
import type { nn, Shape } from '@fakkel/core';

/** Windows that an operation moves over its input: a convolution's, or a pooling's. One number an axis. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Before and after. Ceil mode is in what comes after. */
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  /** 1 for pooling. */
  readonly groups: number;
}

type Pairs = readonly (readonly [number, number])[];

/** The windows of an operation; null where it has none. */
export function windowsOf({ name, attrs, inputs }: nn.TracedOperation): Windows | null {
  const of = attrs as unknown as Partial<Windows> & { padding: Pairs; ceilExtra?: readonly number[] };
  switch (name) {
    case 'conv':
    case 'convInputGrad': {
      const kernel = inputs[1].shape.slice(2);
      return { kernel, stride: of.stride!, padding: of.padding, dilation: of.dilation!, groups: of.groups! };
    }
    case 'maxPool':
    case 'avgPool': {
      const { kernel, stride, ceilExtra } = of;
      const padding = of.padding.map(([before, after], i) => [before, after + (ceilExtra?.[i] ?? 0)] as const);
      return { kernel: kernel!, stride: stride!, padding, dilation: of.dilation ?? kernel!.map(() => 1), groups: 1 };
    }
    default:
      return null;
  }
}

/** How the output's size comes about, an axis; axes that are equal once: `⌊(32 + 2·0 − 5)/1⌋ + 1 = 28`. */
export function sizeFormula(operation: nn.TracedOperation): string {
  const { name, inputs, outputs, attrs } = operation;
  const [from, to] = [inputs[0].shape, outputs[0].shape];
  const windows = windowsOf(operation);
  if (windows) {
    const lines = windows.kernel.map((_, i) =>
      (name === 'convInputGrad' ? grown : slid)(windows, i, from[i + 2], to[i + 2]),
    );
    return [...new Set(lines)].join('; ');
  }
  if (name === 'cat') {
    const { dim } = attrs as { dim: number };
    return `${inputs.map(({ shape }) => shape[dim]).join(' + ')} = ${to[dim]}`;
  }
  if (name === 'reshape' && from.length > 2 && to.length === 2) return `${from.slice(1).join('·')} = ${to[1]}`;
  return '';
}

function slid({ kernel, stride, padding, dilation }: Windows, i: number, from: number, to: number): string {
  const [before, after] = padding[i];
  const padded = before === after ? `2·${before}` : `${before} + ${after}`;
  const reach = dilation[i] === 1 ? `${kernel[i]}` : `${dilation[i]}·(${kernel[i]} − 1) − 1`;
  return `⌊(${from} + ${padded} − ${reach})/${stride[i]}⌋ + 1 = ${to}`;
}

/** Of a transposed convolution. */
function grown({ kernel, stride, padding, dilation }: Windows, i: number, from: number, to: number): string {
  const [before, after] = padding[i];
  const padded = before === after ? `2·${before}` : `${before} − ${after}`;
  const extra = to - ((from - 1) * stride[i] - before - after + dilation[i] * (kernel[i] - 1) + 1);
  return `(${from} − 1)·${stride[i]} − ${padded} + ${dilation[i]}·(${kernel[i]} − 1)${extra > 0 ? ` + ${extra}` : ''} + 1 = ${to}`;
}

/** `3×3, stride 2, padding 1`: numbers that are equal in all axes once. */
export function windowText({ kernel, stride, padding, dilation, groups }: Windows): string {
  const pads = padding.map(([before, after]) => (before === after ? `${before}` : `${before} and ${after}`));
  return [
    kernel.join('×'),
    ...(stride.some((n) => n !== 1) ? [`stride ${once(stride)}`] : []),
    pads.every((p) => p === '0')
      ? 'no padding'
      : `padding ${pads.some((p) => p.includes('and')) ? [...new Set(pads)].join('; ') : once(pads)}`,
    ...(dilation.some((n) => n !== 1) ? [`dilation ${once(dilation)}`] : []),
    ...(groups > 1 ? [`${groups} groups`] : []),
  ].join(', ');
}

const once = (list: readonly (string | number)[]): string => [...new Set(list)].join('×');

/** How many elements of a weight there are, as a product in the lecture's order: kernels times what a kernel has. */
export function product(shape: Shape): string {
  if (shape.length < 3) return shape.join('·') || '1';
  // A kernel: its height and width, then its channels.
  const [count, channels, ...cells] = shape;
  return `${count}·(${shape.length === 3 ? shape.slice(1).join('·') : [...cells, channels].join('·')})`;
}

/** What an output sees of the input: cells, and how far apart neighbours' are. */
export interface Field {
  readonly size: readonly number[];
  readonly step: readonly number[];
}

/**
 * The receptive field behind an operation: r + (reach − 1)·step in each axis, where reach is what the kernel spans and
 * step the product of the strides so far. Null from where all positions are mixed.
 */
export function fieldBehind(operation: nn.TracedOperation, before: Field | null): Field | null {
  const windows = windowsOf(operation);
  const { name, inputs, outputs } = operation;
  if (before === null || outputs[0].shape.length <= 2 || name === 'convInputGrad') return null;
  if (!windows) return outputs[0].shape.length === inputs[0].shape.length ? before : null;
  if (windows.kernel.length !== before.size.length) return null;
  return {
    size: before.size.map((r, i) => r + windows.dilation[i] * (windows.kernel[i] - 1) * before.step[i]),
    step: before.step.map((s, i) => s * windows.stride[i]),
  };
}

/**
 * Layers of any number of inputs against PyTorch: parameters, printing, forward, gradients, and what is written to them.
 */
import { describe, expect, test } from 'vitest';
import { float32, golden, maxDifference } from '../../test/golden.js';
import { manualSeed, nn, tensor, type Parameter, type Tensor } from '../index.js';

interface Data {
  shape: number[];
  dtype: 'float32' | 'int32';
  data: string;
}
interface Case {
  class: string;
  args: unknown[];
  printed: string;
  state: Record<string, Data>;
  inputs: Data[];
  output: Data;
  gradient?: Data;
  inputGradients?: (Data | null)[];
  parameterGradients?: Record<string, Data>;
  after: Record<string, Data>;
}

const values = ({ dtype, data }: Data): Float32Array | Int32Array =>
  dtype === 'int32' ? new Int32Array(float32(data).buffer) : float32(data);
const toTensor = (data: Data): Tensor => tensor(values(data), { shape: data.shape });

async function expectClose(actual: Tensor, expected: Data, what: string): Promise<void> {
  expect([...actual.shape], what).toEqual(expected.shape);
  expect(actual.dtype, what).toBe(expected.dtype);
  const wanted = values(expected);
  const scale = Math.max(1, ...Array.from(wanted, Math.abs));
  expect(maxDifference(await actual.data(), wanted) / scale, what).toBeLessThanOrEqual(5e-6);
}

async function expectState(module: nn.Module, expected: Record<string, Data>): Promise<void> {
  const state = module.stateDict();
  expect([...state.keys()]).toEqual(Object.keys(expected));
  for (const [name, value] of state) await expectClose(value, expected[name], name);
}

/** Arguments with their tensors. */
function read(arg: unknown): unknown {
  if (typeof arg !== 'object' || arg === null) return arg;
  if ('tensor' in arg) return toTensor(arg.tensor as Data);
  return Array.isArray(arg) ? arg.map(read) : Object.fromEntries(Object.entries(arg).map(([k, v]) => [k, read(v)]));
}

type Layer = nn.Module & ((...inputs: Tensor[]) => Tensor);

function make({ class: name, args }: Case): Layer {
  const own = args.map(read);
  if (name === 'Embedding.fromPretrained') {
    return nn.Embedding.fromPretrained(...(own as Parameters<typeof nn.Embedding.fromPretrained>));
  }
  return new (nn as unknown as Record<string, new (...args: unknown[]) => Layer>)[name](...own);
}

describe.each(['resizing', 'pooling', 'vectors', 'losses'])('%s', (file) => {
  const title = (c: Case): string =>
    `${c.class}(${JSON.stringify(c.args, (_, v: unknown) => (typeof v === 'object' && v && 'tensor' in v ? 'tensor' : v)).slice(1, -1)})`;
  test.each(golden<Case[]>(`nn/layers-${file}`).map((c) => [title(c), c] as const))('%s', async (_, c) => {
    manualSeed(0);
    const module = make(c);
    expect(module.toString()).toBe(c.printed);
    await expectState(module, c.state);
    const inputs = c.inputs.map((data, i) =>
      c.inputGradients?.[i] ? toTensor(data).detach().requiresGrad_() : toTensor(data),
    );
    const output = module(...inputs);
    await expectClose(output, c.output, 'output');
    if (c.gradient) {
      output.backward({ gradient: toTensor(c.gradient) });
      for (const [i, expected] of c.inputGradients!.entries()) {
        if (expected) await expectClose(inputs[i].grad!, expected, `gradient of input ${i}`);
      }
      const parameters = new Map<string, Parameter>(module.namedParameters());
      expect([...parameters.keys()]).toEqual(Object.keys(c.parameterGradients!));
      for (const [name, p] of parameters)
        await expectClose(p.grad!, c.parameterGradients![name], `gradient of ${name}`);
    } else {
      expect(output.requiresGrad).toBe(false);
    }
    await expectState(module, c.after);
  });
});

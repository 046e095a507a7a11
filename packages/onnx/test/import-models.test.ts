/** Networks as `torch.onnx.export` writes them, with what PyTorch computes: `tools/goldens/onnx_import.py`. */
import { readdirSync, readFileSync } from 'node:fs';
import { nn, type Tensor, tensor } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { describe, expect, test } from 'vitest';
import { importOnnx } from '../src/index.js';
import { expectClose, type GoldenArray, goldenTensor, goldenValues } from './import-helpers.js';

interface Golden {
  opset: number;
  keys: string[];
  input: GoldenArray;
  output: GoldenArray;
  training?: {
    losses: number[];
    norms: Record<string, GoldenArray>;
    output: GoldenArray;
    buffers: Record<string, GoldenArray>;
  };
}

const folder = new URL('./goldens/import/', import.meta.url);
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder)));
const goldenOf = (name: string): Golden => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Golden;

const names = readdirSync(folder)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -'.onnx'.length));
const close = { rtol: 1e-4, atol: 1e-5 };

test.each(names)('%s computes what PyTorch computes', async (name) => {
  const { input, output } = goldenOf(name);
  const y = importOnnx(bytesOf(name))(goldenTensor(input));
  expect([...y.shape]).toEqual(output.shape);
  expectClose(await y.data(), goldenValues(output), close);
});

const trained = names.filter((name) => goldenOf(name).training);

describe.each(trained)('%s, exported for training,', (name) => {
  const { input, keys, training } = goldenOf(name);

  test("has PyTorch's keys, up to those that the exporter computes", () => {
    const own = [...importOnnx(bytesOf(name)).stateDict().keys()];
    // Weights of linear layers on more than two axes are transposed by the exporter, which names them anew.
    expect(own.filter((key) => !key.includes('::')).filter((key) => !keys.includes(key))).toEqual([]);
    expect(own.length).toBe(keys.length);
  });

  test('trains as PyTorch does', async () => {
    const { losses, norms, output: after, buffers } = training!;
    const model = importOnnx(bytesOf(name)).train();
    const x = goldenTensor(input);
    const labels = tensor(Int32Array.from({ length: x.shape[0] }, (_, i) => i % 5));
    const optimizer = new SGD(model.parameters(), { lr: 0.02, momentum: 0.9 });
    const criterion = new nn.CrossEntropyLoss();
    for (const [step, expected] of losses.entries()) {
      optimizer.zeroGrad();
      const loss: Tensor = criterion(model(x), labels);
      loss.backward();
      if (step === 0) {
        for (const [key, parameter] of model.namedParameters()) {
          if (!(key in norms)) continue;
          expectClose([await parameter.grad!.norm().item()], goldenValues(norms[key]), { rtol: 1e-3, atol: 1e-6 });
        }
      }
      await optimizer.step();
      expect(Math.abs((await loss.item()) - expected)).toBeLessThan(1e-5 * Math.max(1, expected));
    }
    for (const [key, buffer] of model.namedBuffers()) {
      expectClose(await buffer.data(), goldenValues(buffers[key]), close);
    }
    expectClose(await model.eval()(x).data(), goldenValues(after), { rtol: 1e-3, atol: 1e-4 });
  });
});

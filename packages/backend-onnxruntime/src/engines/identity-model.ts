/**
 * A model that does nothing, for finding out whether an engine starts.
 */
import { encodeModel, IR_VERSION, OPSET } from '@fakkel/onnx';

export function identityModel(): Uint8Array {
  const value = (name: string) => ({ name, dtype: 'float32', shape: [1] }) as const;
  const nodes = [{ opType: 'Identity', name: 'identity', inputs: ['x'], outputs: ['y'] }];
  const graph = { name: 'start', nodes, inputs: [value('x')], outputs: [value('y')], initializers: [] };
  return encodeModel({ irVersion: IR_VERSION, opsets: { '': OPSET }, producerName: 'fakkel', graph });
}

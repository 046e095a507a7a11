/**
 * A model that does nothing, for finding out whether an engine starts.
 */
import { encodeModel, IR_VERSION, type OnnxModel, OPSET } from '@fakkel/onnx';

const value = (name: string) => ({ name, dtype: 'float32', shape: [1] }) as const;

export const identity: OnnxModel = {
  irVersion: IR_VERSION,
  opsets: { '': OPSET },
  producerName: 'fakkel',
  graph: {
    name: 'start',
    nodes: [{ opType: 'Identity', name: 'identity', inputs: ['x'], outputs: ['y'] }],
    inputs: [value('x')],
    outputs: [value('y')],
    initializers: [],
  },
};

export const identityModel = (): Uint8Array => encodeModel(identity);

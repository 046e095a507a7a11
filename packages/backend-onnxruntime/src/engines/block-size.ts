/**
 * Which blocked layout ONNX Runtime's convolutions have on this processor.
 */
import { encodeModel, IR_VERSION, OPSET } from '@fakkel/onnx';
import type { InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';

/**
 * The channels in a block; 1 where there is no blocked layout. The op that makes blocks rounds the channels up to one.
 */
export async function probeBlockSize(ort: {
  InferenceSession: InferenceSessionFactory;
  Tensor: TensorConstructor;
}): Promise<number> {
  const model = encodeModel({
    irVersion: IR_VERSION,
    opsets: { '': OPSET, 'com.microsoft.nchwc': 1 },
    graph: {
      name: 'blocks',
      nodes: [{ opType: 'ReorderInput', domain: 'com.microsoft.nchwc', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', dtype: 'float32', shape: [1, 4, 1, 1] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['n', 'c', 'h', 'w'] }],
    },
  });
  try {
    const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
    const { y } = await session.run({ x: new ort.Tensor('float32', new Float32Array(4), [1, 4, 1, 1]) });
    await session.release();
    return y.dims[1];
  } catch {
    return 1;
  }
}

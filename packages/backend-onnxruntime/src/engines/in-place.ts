/**
 * Outputs in place. onnxruntime-node 1.30 fills the preallocated outputs of a run and then copies each of them into a
 * fresh array all the same: 94 MB a step for ResNet-18 with momentum, more than the update itself. It converts outputs
 * one by one in the graph's order, and refuses the first one that is no tensor, after the run is done and before
 * anything is copied. So the graph gets a first output that is no tensor, and the refusal says that all went well.
 * Whether a build behaves like that is tried when the engine starts; where not, outputs are fetched as usual.
 */
import { encodeModel, IR_VERSION, type OnnxModel, OPSET } from '@fakkel/onnx';
import type { InferenceSession, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';

/** The output that is no tensor. */
const MARKER = 'marker';

const REFUSAL = 'Non tensor type is temporarily not supported.';

/** Errors of a run are thrown, with their text; they are not printed as well. */
export const QUIET: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** The model with the marker as its first output. */
export function withMarker(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const one = { name: `${MARKER}_item`, dtype: 'float32', shape: [], data: new Uint8Array(4) } as const;
  return {
    ...model,
    graph: {
      ...graph,
      // First of the nodes: leaves of the graph run in their reverse order, and it is to hold nothing up.
      nodes: [{ opType: 'SequenceConstruct', inputs: [one.name], outputs: [MARKER] }, ...graph.nodes],
      initializers: [one, ...(graph.initializers ?? [])],
      outputs: [{ name: MARKER }, ...graph.outputs],
    },
  };
}

/** Runs a session of a model with the marker: the outputs are in `fetches`. */
export async function runInPlace(
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
  fetches: InferenceSession.FetchesType,
): Promise<void> {
  try {
    await session.run(feeds, { ...(fetches as object), [MARKER]: null }, QUIET);
  } catch (error) {
    if (!(error instanceof Error) || error.message !== REFUSAL) throw error;
  }
}

/** Whether this build fills outputs in place and then refuses the marker. */
export async function fillsInPlace(
  ort: { InferenceSession: InferenceSessionFactory; Tensor: TensorConstructor },
  options: InferenceSession.SessionOptions,
): Promise<boolean> {
  const value = (name: string) => ({ name, dtype: 'float32', shape: [1] }) as const;
  const nodes = [{ opType: 'Neg', inputs: ['x'], outputs: ['y'] }];
  const graph = { name: 'in_place', nodes, inputs: [value('x')], outputs: [value('y')], initializers: [] };
  const tensor = (n: number) => new ort.Tensor('float32', Float32Array.of(n), [1]);
  try {
    const model = withMarker({ irVersion: IR_VERSION, opsets: { '': OPSET }, graph });
    const session = await ort.InferenceSession.create(encodeModel(model), options);
    const y = tensor(0);
    await runInPlace(session, { x: tensor(1) }, { y });
    await session.release();
    return y.data[0] === -1;
  } catch {
    return false;
  }
}

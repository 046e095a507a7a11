/**
 * What ONNX Runtime says, as errors of Fakkel.
 */
import { BackendError, FakkelError, OutOfRangeError } from '@fakkel/core';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A session that could not be built. */
export function buildError(name: string, error: unknown): Error {
  if (error instanceof FakkelError) return error;
  const message = messageOf(error);
  return (
    rangeError(message, error) ??
    new BackendError(`compile: ${name} can't build a session: ${message}`, { cause: error })
  );
}

/** A run that failed. */
export function runError(name: string, error: unknown): Error {
  if (error instanceof FakkelError) return error;
  const message = messageOf(error);
  const range = rangeError(message, error);
  if (range) return range;
  const node = failedNode(message);
  if (!node) return new BackendError(`run: ${name} failed: ${message}`, { cause: error });
  return new BackendError(
    `${node.op}: ${name} failed in its ${node.operator}: ${node.status}. The same program on device('reference') ` +
      `shows whether the cause lies in the data.`,
    { cause: error },
  );
}

interface FailedNode {
  /** The operator of ONNX. */
  readonly operator: string;
  /** The op of the program. */
  readonly op: string;
  /** `NodeOptions.outOfRange`, if the node has one. */
  readonly outOfRange: string | undefined;
  readonly status: string;
}

/** Names of nodes are `op/outOfRange/operator_number`, the middle part where there is one. */
const FAILED_NODE = /running (\w+) node\. Name:'(\w+)\/(?:([^'/]+)\/)?[^']*' Status Message: ([^]*)/;

function failedNode(message: string): FailedNode | null {
  const match = FAILED_NODE.exec(message);
  if (!match) return null;
  const [, operator, op, outOfRange, status] = match;
  return { operator, op, outOfRange, status: status.trim() };
}

/** How the kernels of Gather, GatherElements, GatherND, ScatterElements and ScatterND put it. */
const OUT_OF_RANGE = /out of data bounds|out of range value|invalid indice/i;

function rangeError(message: string, cause: unknown): OutOfRangeError | null {
  const node = failedNode(message);
  if (node?.outOfRange === undefined || !OUT_OF_RANGE.test(node.status)) return null;
  const found = /idx=(\d+)|indice = (\d+)/.exec(node.status);
  const text = found
    ? node.outOfRange.replace('#', String(Number(found[1] ?? found[2]) | 0)) // as int32: `toUnsigned`
    : node.outOfRange.replace(/^(\w+) #/, 'some $1');
  return new OutOfRangeError(`${node.op}: ${text}`, { cause });
}

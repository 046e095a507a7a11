import { FakkelError } from '@fakkel/core';

/** A model that is not one, or holds what this package does not read; the message names the node, attribute or tensor. */
export class OnnxError extends FakkelError {
  override name = 'OnnxError';
}

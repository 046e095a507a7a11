/**
 * What Fakkel throws. Every message begins with the op or function, says what was expected and what came, then what
 * to do about it.
 */

/** The base of all errors that Fakkel throws. */
export class FakkelError extends Error {
  override name = 'FakkelError';
}

/** Shapes that do not fit an operation. */
export class ShapeError extends FakkelError {
  override name = 'ShapeError';
}

/** An element type that an operation does not take. */
export class DTypeError extends FakkelError {
  override name = 'DTypeError';
}

/** Tensors of two devices in one operation, or a device that is gone. */
export class DeviceError extends FakkelError {
  override name = 'DeviceError';
}

/** An index, a label or an axis outside its range. */
export class OutOfRangeError extends FakkelError {
  override name = 'OutOfRangeError';
}

/** A misuse of gradients: backward through nothing, twice, or through replaced weights. */
export class AutogradError extends FakkelError {
  override name = 'AutogradError';
}

/** A state dict that does not fit the module or optimizer. */
export class StateDictError extends FakkelError {
  override name = 'StateDictError';
}

/** The first NaN or Inf that the checking mode met. */
export class NonFiniteError extends FakkelError {
  override name = 'NonFiniteError';
}

/**
 * A value that was not kept and can no longer be computed, because a cell that it depends on has moved on. Never a
 * silent answer from newer weights.
 */
export class StaleTensorError extends FakkelError {
  override name = 'StaleTensorError';
}

/** A backend that cannot run here; the message says why and how to install it. */
export class BackendUnavailableError extends FakkelError {
  override name = 'BackendUnavailableError';
}

/** A backend that failed to compile or run a program. `cause` holds its own error. */
export class BackendError extends FakkelError {
  override name = 'BackendError';
}

/** Something that PyTorch can do and JavaScript cannot; the message says what to write instead. */
export class NotInTypeScriptError extends FakkelError {
  override name = 'NotInTypeScriptError';
}

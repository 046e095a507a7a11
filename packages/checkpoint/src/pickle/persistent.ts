/**
 * Storages by the persistent ids of PyTorch's pickles.
 */
import { CheckpointError, show } from '../errors.js';
import { type Pickled, PickledClass, StorageRef } from './classes.js';

/** `('storage', torch.FloatStorage, key, location, elements)`, and in the legacy format a view. */
export function storageOf(file: string, id: Pickled): StorageRef {
  const damaged = (): never => {
    throw new CheckpointError(`${file}: malformed reference to a storage; the file is damaged`);
  };
  if (!Array.isArray(id)) return damaged();
  const [kind, type, key, , elements, view] = id;
  if (kind === 'module') {
    throw new CheckpointError(
      `${file}: it is a whole model (with the source of ${show(pickledName(type))}), not its weights: in Python, ` +
        `torch.save(model.state_dict(), 'model.pth')`,
    );
  }
  if (kind !== 'storage' || !(type instanceof PickledClass) || type.value?.dtype === undefined) return damaged();
  if ((typeof key !== 'string' && typeof key !== 'number') || !isCount(elements)) return damaged();
  if (view === undefined || view === null) return new StorageRef(String(key), type.value.dtype, elements);
  // The legacy format: a part of the storage named by the root key.
  if (!Array.isArray(view) || !isCount(view[1]) || !isCount(view[2])) return damaged();
  return new StorageRef(String(key), type.value.dtype, elements, view[1]);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const pickledName = (value: Pickled): string => (value instanceof PickledClass ? value.name : 'a class');

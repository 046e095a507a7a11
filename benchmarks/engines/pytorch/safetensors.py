"""Safetensors without a package: length of the header, header in JSON, elements."""
import json
import struct

import torch

_DTYPES = {"F32": torch.float32, "I32": torch.int32, "I64": torch.int64}


def load(path):
    """The tensors of a file by name."""
    tensors = {}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            file.seek(8 + length + begin)
            data = bytearray(file.read(end - begin))
            tensors[name] = torch.frombuffer(data, dtype=_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors

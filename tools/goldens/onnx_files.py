"""Small ONNX files, one for each way of holding data, and what is in them, for packages/onnx/src.

/usr/bin/python3 tools/goldens/onnx_files.py     writes packages/onnx/test/goldens/onnx/*

Reads nothing. Made with ONNX 1.12 (Debian 12: apt-get install python3-onnx), whose checker has passed them. `index.json`
says what each tensor holds, read back by `onnx.numpy_helper`: its bytes, little-endian, in base64.
"""
import base64
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, checker, helper, numpy_helper

OUT = Path(__file__).resolve().parents[2] / 'packages/onnx/test/goldens/onnx'
OUT.mkdir(parents=True, exist_ok=True)
index = {}


def write(name, model, checked=True):
    if checked:
        checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    assert len(data) <= 50_000, (name, len(data))
    (OUT / f'{name}.onnx').write_bytes(data)


def model(graph, opset=17, **fields):
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)], ir_version=8)
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def value(name, shape=(2, 3), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


NAMES = {
    'FLOAT': ('float32', [0.0, -1.5, 3.4028234663852886e38, 1e-45, float('inf'), 0.1]),
    'DOUBLE': ('float64', [0.0, -1.5, 1e300, 5e-324, float('-inf'), 0.1]),
    'INT8': ('int8', [0, -128, 127, -1, 1, 5]),
    'UINT8': ('uint8', [0, 255, 128, 1, 2, 5]),
    'INT16': ('int16', [0, -32768, 32767, -1, 1, 5]),
    'UINT16': ('uint16', [0, 65535, 32768, 1, 2, 5]),
    'INT32': ('int32', [0, -(2**31), 2**31 - 1, -1, 1, 5]),
    'UINT32': ('uint32', [0, 2**32 - 1, 2**31, 1, 2, 5]),
    'INT64': ('int64', [0, -(2**63), 2**63 - 1, -1, 1, 5]),
    'UINT64': ('uint64', [0, 2**64 - 1, 2**63, 1, 2, 5]),
    'BOOL': ('bool', [False, True, True, False, False, True]),
    'FLOAT16': ('float16', [0.0, -1.5, 65504.0, 6e-8, float('inf'), 0.1]),
}


def fields_and_raw():
    """Each element type twice: in the field for its type, and as raw data."""
    tensors, expected = [], {}
    for onnx_name, (dtype, values) in NAMES.items():
        code = getattr(TensorProto, onnx_name)
        array = np.array(values, dtype=np.dtype(dtype)).reshape(2, 3)
        if onnx_name == 'FLOAT16':
            field = helper.make_tensor(f'{dtype}_field', code, [2, 3], array.flatten().tolist())
        else:
            field = helper.make_tensor(f'{dtype}_field', code, [2, 3], values)
        raw = numpy_helper.from_array(array, f'{dtype}_raw')
        assert not field.HasField('raw_data') and raw.HasField('raw_data')
        for tensor in (field, raw):
            back = numpy_helper.to_array(tensor)
            assert back.dtype == array.dtype and (back.tobytes() == array.tobytes()), onnx_name
            tensors.append(tensor)
            expected[tensor.name] = {
                'dtype': dtype,
                'shape': [2, 3],
                'data': base64.b64encode(array.tobytes()).decode(),
            }
    # bfloat16 has no NumPy type: the upper halves of float32.
    bits = (np.array([0.0, -1.5, 1e38, 1.0, float('inf'), 3.0], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    field = TensorProto(name='bfloat16_field', data_type=TensorProto.BFLOAT16, dims=[2, 3])
    field.int32_data.extend(bits.tolist())
    raw = TensorProto(name='bfloat16_raw', data_type=TensorProto.BFLOAT16, dims=[2, 3], raw_data=bits.tobytes())
    tensors += [field, raw]
    for tensor in (field, raw):
        expected[tensor.name] = {
            'dtype': 'bfloat16',
            'shape': [2, 3],
            'data': base64.b64encode(bits.tobytes()).decode(),
        }
    text = helper.make_tensor('text', TensorProto.STRING, [2], ['plain'.encode(), 'grün ∑'.encode()])
    empty = helper.make_tensor('empty', TensorProto.FLOAT, [0, 3], [])
    scalar = helper.make_tensor('scalar', TensorProto.FLOAT, [], [2.5])
    expected['text'] = {'dtype': 'string', 'shape': [2], 'data': '', 'strings': ['plain', 'grün ∑']}
    expected['empty'] = {'dtype': 'float32', 'shape': [0, 3], 'data': ''}
    expected['scalar'] = {
        'dtype': 'float32',
        'shape': [],
        'data': base64.b64encode(np.float32(2.5).tobytes()).decode(),
    }
    tensors += [text, empty, scalar]
    graph = helper.make_graph(
        [helper.make_node('Identity', ['x'], ['y'])], 'tensors', [value('x')], [value('y')], initializer=tensors
    )
    write('tensors', model(graph))
    index['tensors'] = expected


def attributes():
    """Each type of attribute, on nodes of a domain that the checker does not know."""
    tensor = numpy_helper.from_array(np.array([1.5, -2.0], np.float32), 't')
    body = helper.make_graph([helper.make_node('Relu', ['x'], ['inner'])], 'body', [], [value('inner')])
    node = helper.make_node(
        'Everything',
        ['x', '', 'x'],
        ['y'],
        name='all',
        domain='test.fakkel',
        an_int=-3,
        zero=0,
        most=2**63 - 1,
        least=-(2**63),
        safe=2**53 - 1,
        a_float=0.1,
        a_string='grün',
        a_tensor=tensor,
        a_graph=body,
        some_ints=[1, -1, 2**62],
        some_floats=[0.5, float('inf')],
        some_strings=['a', ''],
        some_tensors=[tensor, tensor],
        some_graphs=[body],
    )
    graph = helper.make_graph([node], 'attributes', [value('x', ['n', None])], [value('y', ['n', 0])])
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid('', 17), helper.make_opsetid('test.fakkel', 2)],
        ir_version=8,
        producer_name='fakkel goldens',
        producer_version='1',
        domain='org.example',
        model_version=7,
        doc_string='Every type of attribute.',
    )
    helper.set_model_props(made, {'author': 'nobody', 'ключ': 'значение'})
    write('attributes', made)


def branches():
    """If with two sub-graphs that read a name of the graph around them."""
    then_branch = helper.make_graph([helper.make_node('Relu', ['x'], ['a'])], 'then', [], [value('a')])
    else_branch = helper.make_graph([helper.make_node('Neg', ['x'], ['b'])], 'else', [], [value('b')])
    node = helper.make_node('If', ['c'], ['y'], then_branch=then_branch, else_branch=else_branch)
    graph = helper.make_graph(
        [node],
        'branches',
        [value('c', [], TensorProto.BOOL), value('x')],
        [value('y')],
        value_info=[value('unused', ['n', 4])],
    )
    write('branches', model(graph))


def unsupported():
    """What is read with an error."""
    relu = lambda **fields: helper.make_node('Relu', ['x'], ['y'], **fields)
    io = ([value('x')], [value('y')])

    dense = numpy_helper.from_array(np.array([1.0], np.float32), 'sparse')
    indices = numpy_helper.from_array(np.array([2], np.int64), 'i')
    sparse = helper.make_sparse_tensor(dense, indices, [6])
    graph = helper.make_graph([relu()], 'g', *io, sparse_initializer=[sparse])
    write('sparse-initializer', model(graph))

    node = helper.make_node('Constant', [], ['y'], name='const', sparse_value=sparse)
    graph = helper.make_graph([node], 'g', [], [value('y', [6])])
    write('sparse-attribute', model(graph))

    node = helper.make_node('Optional', [], ['o'], type=helper.make_tensor_type_proto(TensorProto.FLOAT, [2]))
    graph = helper.make_graph([node, relu()], 'g', *io)
    write('type-attribute', model(graph))

    function = helper.make_function(
        'local', 'Twice', ['a'], ['b'], [helper.make_node('Add', ['a', 'a'], ['b'])], [helper.make_opsetid('', 17)]
    )
    graph = helper.make_graph([helper.make_node('Twice', ['x'], ['y'], domain='local')], 'g', *io)
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid('', 17), helper.make_opsetid('local', 1)],
        functions=[function],
        ir_version=8,
    )
    write('functions', made, checked=False)

    sequence = helper.make_tensor_sequence_value_info('s', TensorProto.FLOAT, [2])
    graph = helper.make_graph([helper.make_node('SequenceConstruct', ['x'], ['s'])], 'g', [value('x', [2])], [sequence])
    write('sequence', model(graph))

    complex_one = numpy_helper.from_array(np.array([1j], np.complex64), 'complex')
    graph = helper.make_graph([relu()], 'g', *io, initializer=[complex_one])
    write('complex', model(graph))

    outside = TensorProto(name='w', data_type=TensorProto.FLOAT, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    for key, text in {'location': 'weights.bin', 'offset': '64', 'length': '24'}.items():
        outside.external_data.add(key=key, value=text)
    graph = helper.make_graph([helper.make_node('Add', ['x', 'w'], ['y'])], 'g', *io, initializer=[outside])
    write('external', model(graph), checked=False)


fields_and_raw()
attributes()
branches()
unsupported()
text = json.dumps(index, ensure_ascii=False, separators=(',', ':')).replace('},', '},\n') + '\n'
assert len(text.encode()) <= 50_000
(OUT / 'index.json').write_text(text)

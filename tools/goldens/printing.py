"""How PyTorch prints tensors: packages/core/test/goldens/printing.json. Each case is a shape, a dtype, the numbers and the text."""
import json, pathlib, torch

torch.manual_seed(0)
cases = {
    'scalar': torch.tensor(3.14159),
    'whole scalar': torch.tensor(3.0),
    'vector': torch.tensor([1.5, -2.25, 3.0]),
    'whole numbers': torch.tensor([1.0, 20.0, -3.0]),
    'matrix': torch.randn(3, 4),
    'three axes': torch.randn(2, 2, 3),
    'four axes': torch.randn(1, 2, 2, 2),
    'small and large': torch.tensor([1e-5, 1.0, 12345.678]),
    'tiny': torch.tensor([1e-7, 2e-7]),
    'large': torch.tensor([1e9, 2e9]),
    'large whole': torch.tensor([123456789.0, 1.0]),
    'wide range': torch.tensor([0.001, 1000.5]),
    'nan and inf': torch.tensor([1.5, float('nan'), float('inf'), -float('inf')]),
    'nan and whole': torch.tensor([1.0, float('nan'), 2.0]),
    'zeros': torch.zeros(2, 3),
    'integers': torch.tensor([[1, -20], [300, 4]], dtype=torch.int32),
    'integer scalar': torch.tensor(7, dtype=torch.int32),
    'bool': torch.tensor([True, False]),
    'double': torch.tensor([1.5, 2.5], dtype=torch.float64),
    'long vector wraps': torch.randn(30),
    'long rows wrap': torch.randn(2, 24),
    'summarized vector': torch.arange(2000.0),
    'summarized matrix': torch.arange(2500.0).reshape(50, 50),
    'empty': torch.zeros(0),
    'empty matrix': torch.zeros(0, 3),
    'negative zero': torch.tensor([-0.0, 1.0]),
    'summarized mixed': torch.linspace(-1, 1, 1200).reshape(4, 300),
}
out = {}
for name, t in cases.items():
    out[name] = {
        'shape': list(t.shape),
        'dtype': str(t.dtype).removeprefix('torch.'),
        'data': [str(v) if isinstance(v, float) and v != v or v in (float('inf'), -float('inf')) else v for v in t.flatten().tolist()]
        if t.numel() <= 1000 else None,
        'text': str(t),
    }
path = pathlib.Path(__file__).parents[2] / 'packages/core/test/goldens/printing.json'
path.write_text(json.dumps(out, indent=1) + '\n')

"""Gated units and functions that squash, beyond silu and sigmoid; softmin."""
import torch
import torch.nn.functional as F

from op_cases.activation import POINTS
from op_cases.golden import INF, NAN, Family, f, vals

gates = Family('gates')


def family(name, fn, special=(NAN, INF, -INF)):
    gates.op(name, fn)
    gates.s('values', vals(*POINTS))
    gates.s('two axes', f(2, 3))
    gates.s('NaN and infinities', vals(*special), _grad=False)


family('geluTanh', lambda x, a: F.gelu(x[0], approximate='tanh'), special=(NAN, INF))
family('mish', lambda x, a: F.mish(x[0]), special=(NAN, INF))
gates.s('far out', vals(-700.0, -40.0, 19.5, 20.5, 700.0))
family('hardswish', lambda x, a: F.hardswish(x[0]), special=(NAN, INF))
gates.s('gradient at the kinks', vals(-3.0, 3.0, -3.5, 3.5, 0.0))
gates.op('glu', lambda x, a: F.glu(x[0], a.get('dim', -1)))
gates.s('the last axis', f(2, 6))
gates.s('channels of images', f(2, 4, 2, 2), dim=1)
gates.s('NaN and infinities', vals(NAN, 1.0, INF, 2.0, NAN, -INF), _grad=False)
gates.s('no rows', f(0, 4))
# Not F.hardsigmoid: in 1.13 its gradient has 1/6 rounded to float32, in float64 too. That of relu6 has the same kinks.
family('hardsigmoid', lambda x, a: F.relu6(x[0] + 3) / 6)
gates.s('gradient at the kinks', vals(-3.0, 3.0, -3.5, 3.5, 0.0))
family('softsign', lambda x, a: F.softsign(x[0]))
gates.s('gradient at zero', vals(0.0, -0.0))
family('tanhshrink', lambda x, a: F.tanhshrink(x[0]))
gates.s('at zero', vals(0.0, -0.0, 1.0))
family('scaledTanh', lambda x, a: a.get('amplitude', 1.7159) * torch.tanh(x[0] * a.get('slope', 2 / 3)))
gates.s('amplitude and slope', vals(*POINTS), amplitude=0.5, slope=2)
gates.op('softmin', lambda x, a: F.softmin(x[0], a['dim']))
gates.s('rows', f(2, 5), dim=1)
gates.s('the first of three axes', f(3, 2, 2), dim=-3)
gates.s('large', vals(1000.0, -1000.0, 999.0), dim=0)
gates.s('a scalar', vals(2.0, shape=[]), dim=0)

FAMILIES = [gates]

"""Activations with parameters or with a smooth bend; relu, sigmoid and tanh are among the unary functions."""
import torch.nn.functional as F

from op_cases.golden import INF, NAN, Family, f, vals

activation = Family('activation')
POINTS = (-30.0, -3.25, -1.0, -0.2, 0.3, 1.0, 4.5, 30.0)


def family(name, fn, special=(NAN, INF, -INF), **samples):
    activation.op(name, fn)
    activation.s('values', vals(*POINTS))
    activation.s('two axes', f(2, 3))
    activation.s('NaN and infinities', vals(*special), _grad=False)


family('leakyRelu', lambda x, a: F.leaky_relu(x[0], a.get('negativeSlope', 0.01)))
activation.s('a slope', vals(*POINTS), negativeSlope=0.3)
activation.s('gradient at zero', vals(0.0, -0.0), negativeSlope=0.3)
family('elu', lambda x, a: F.elu(x[0], a.get('alpha', 1.0)))
activation.s('alpha', vals(*POINTS), alpha=0.5)
activation.s('gradient at zero', vals(0.0), alpha=0.5)
family('gelu', lambda x, a: F.gelu(x[0]), special=(NAN, INF))
family('silu', lambda x, a: F.silu(x[0]), special=(NAN, INF))
family('logsigmoid', lambda x, a: F.logsigmoid(x[0]))
family('softplus', lambda x, a: F.softplus(x[0], a.get('beta', 1), a.get('threshold', 20)))
activation.s('beta', vals(*POINTS), beta=2)
activation.s('threshold', vals(*POINTS), threshold=2)
family('hardtanh', lambda x, a: F.hardtanh(x[0], a.get('minVal', -1.0), a.get('maxVal', 1.0)))
activation.s('other bounds', vals(*POINTS), minVal=-2, maxVal=0.5)
family('relu6', lambda x, a: F.relu6(x[0]))
activation.s('gradient at the bounds', vals(0.0, 6.0, 3.0))

FAMILIES = [activation]

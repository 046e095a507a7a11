"""The cases of the conformance kit: one op family a file, as PyTorch computes them."""

/**
 * The `nn.utils` namespace: tools for parameters and gradients, under PyTorch's names in camelCase.
 */
export {};

/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

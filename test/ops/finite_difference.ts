// Derivatives of a float64 function by central differences: what gradients are checked against.

/** d f / d x at x, to about 1e-9 relative for functions of moderate size. */
export function numericGradient(f: (x: Float64Array) => number, x: ArrayLike<number>): Float64Array {
  const at = Float64Array.from(x);
  return Float64Array.from(x, (value, i) => {
    const h = 1e-5 * Math.max(1, Math.abs(value));
    at[i] = value + h;
    const above = f(at);
    at[i] = value - h;
    const below = f(at);
    at[i] = value;
    return (above - below) / (2 * h);
  });
}

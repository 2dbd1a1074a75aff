// How far a value lies from the recent ones, in standard deviations: marks spikes of loss and gradient norm.
//
//   z = (x - mean) / std      of the last 128 values, x included; null until there are so many
//
// Terminal and report mark what lies far above (base/spike.ts). Nothing acts on it: it is a reading.

/** Number of values that a z-score compares with. */
export const WINDOW = 128;

/** Adds a value to the recent ones, of which WINDOW stay, and gives its z-score; 0 where all are equal. */
export function zScore(recent: number[], value: number): number | null {
  recent.push(value);
  if (recent.length > WINDOW) recent.shift();
  if (recent.length < WINDOW) return null;
  const mean = recent.reduce((a, b) => a + b, 0) / WINDOW;
  const variance = recent.reduce((a, b) => a + (b - mean) ** 2, 0) / WINDOW;
  return variance > 0 ? (value - mean) / Math.sqrt(variance) : 0;
}

// JSON as gpt writes it.
//
// For machines (run.jsonl, report.json, --json): JSON has no NaN and no infinity, and a diverging run has both. They are
// written as the strings "NaN", "Infinity" and "-Infinity", as protocol buffers do; Python's float(), pandas and
// JavaScript's Number() read them back.

/** One line of JSON. Throws what JSON.stringify throws: on cycles and bigints. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_key, inner) =>
    typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner,
  );

/** A JSON file that people read too: indented, with a line end. */
export const jsonFileText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The value of a text. Where it is no JSON, throws what `refuse` makes of the parser's message. */
export function parseJson(text: string, refuse: (message: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

/** A JSON object: no list, no null. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// What fuzz.mjs needs to know of a file format. A new reader becomes a target by one object in targets/ and its name in
// targets.ts; everything else (mutations, limits, hangs, crashes, replays) is the same for all.

/** A reader, with valid files from which damaged ones are made. */
export interface Target {
  readonly name: string;
  /** Name of the file under test, relative to the folder of the cases: 'case.bin', 'step-000020/config.json'. */
  readonly file: string;
  /** Whether the format is text: then tokens are replaced too, not only bytes. */
  readonly text: boolean;
  /** Valid files, small ones: each must be read without an error, and none may take more than milliseconds. */
  seeds(): readonly Buffer[] | Promise<readonly Buffer[]>;
  /** Files written by hand to hurt. They come first, as they are, and are then mutated like the seeds. */
  hostile?(): readonly Buffer[];
  /** Text that is put into text files, beside that of mutate.ts. */
  readonly dictionary?: readonly string[];
  /** A part of the file that has a syntax of its own; half of the cases mutate it instead of the whole. */
  inner?(file: Buffer): Inner | undefined;
  /** Writes the files that stand beside the one under test, once. */
  prepare?(folder: string): void | Promise<void>;
  /**
   * Reads the file as a user's command would, and uses everything that it says. A GptError that names the file is a
   * good outcome. Anything else that is thrown is a bug: also a plain Error where what was read contradicts itself.
   */
  read(path: string): unknown;
  /** Other files that an error may name instead: those that contradict the one under test. */
  readonly beside?: readonly string[];
  /** Bytes that a reader may allocate at once for a file of this size. Default: twice the size. */
  allowed?(size: number): number;
  /** A constant beside that, e.g. the blocks of a stream. Default: 64 KiB. */
  readonly slack?: number;
}

/** Part of a file, and how it goes back into the whole. */
export interface Inner {
  readonly body: Buffer;
  readonly text: boolean;
  wrap(body: Buffer): Buffer;
}

/** Throws when what a reader returned contradicts itself. */
export function consistent(condition: boolean, what: string): void {
  if (!condition) throw new Error(`inconsistent: ${what}`);
}

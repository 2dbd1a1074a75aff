// Every error that a user can cause. An error says three things: what is wrong, where, and what to do.
// Anything else that is thrown is a bug in gpt: it is printed as one, and exits with 1.

/**
 * 1 bug, 2 usage or config, 3 device or backend, 4 data or file, 5 diverged, 6 out of memory.
 * (129, 130 and 143 are not errors: SIGHUP, SIGINT or SIGTERM stopped the run, after it had saved.)
 */
export type ExitCode = 1 | 2 | 3 | 4 | 5 | 6;

/** An error with an exit code, one line on what is wrong and where, and one on what to do about it. */
export class GptError extends Error {
  /** Of the command line. */
  readonly exitCode: ExitCode;
  /** What to do about it. */
  readonly fix: string;
  constructor(exitCode: ExitCode, what: string, fix: string) {
    super(what);
    this.name = new.target.name;
    this.exitCode = exitCode;
    this.fix = fix;
  }
}

/** Exit 2: the command line or the configuration is wrong. */
export class ConfigError extends GptError {
  constructor(what: string, fix: string) {
    super(2, what, fix);
  }
}

/** Exit 3: the chosen backend or device is not there. */
export class DeviceError extends GptError {
  constructor(what: string, fix: string) {
    super(3, what, fix);
  }
}

/** Exit 4: a file is missing, damaged, or not what it should be. */
export class DataError extends GptError {
  constructor(what: string, fix: string) {
    super(4, what, fix);
  }
}

/** Exit 5: loss or gradient is no longer a finite number. */
export class DivergedError extends GptError {
  constructor(what: string, fix: string) {
    super(5, what, fix);
  }
}

/** Exit 6: the run does not fit into memory. */
export class MemoryError extends GptError {
  constructor(what: string, fix: string) {
    super(6, what, fix);
  }
}

/** A shape that an op refuses. Exit 1: the model code, not the user, calls ops. */
export class ShapeError extends GptError {
  constructor(op: string, name: string, got: readonly number[], want: string) {
    super(1, `${op}: ${name} has shape [${got}], expected ${want}`, `internal: check the caller of ${op}`);
  }
}

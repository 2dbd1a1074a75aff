/** Two libraries, by their paths from the root. */
export interface Sim {
  readonly libcuda: string;
  readonly libcublasLt: string;
}

/** Why the simulated machine cannot be built or run here, or undefined. */
export function whyNoSim(): Promise<string | undefined>;

/** All kernel sources, from the root. */
export function kernelSources(): string[];

/** Both libraries, and what the compiler warns of. */
export function buildSim(options?: {
  readonly folder?: string;
}): Promise<Sim & { readonly compiled: number; readonly warnings: string }>;

/** The libcuda of sources of which some have another text, in a folder of its own. The rest must have been built. */
export function buildMutant(options: {
  readonly folder: string;
  readonly mutants: Readonly<Record<string, string>>;
  readonly base?: string;
}): Promise<Sim>;

/** The environment in which the addon loads these libraries. */
export function simEnvironment(sim: Sim): { GPT_LIBCUDA: string; GPT_LIBCUBLASLT: string };

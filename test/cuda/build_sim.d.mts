/** Libraries, by their paths from the root. */
export interface Sim {
  readonly libcuda: string;
  readonly libcublasLt: string;
  readonly libnvrtc: string;
}

/** Why the simulated machine cannot be built or run here, or undefined. */
export function whyNoSim(): Promise<string | undefined>;

/** All kernel sources, from the root. */
export function kernelSources(): string[];

/** The libraries, and what the compiler warns of. */
export function buildSim(options?: {
  readonly folder?: string;
}): Promise<Sim & { readonly compiled: number; readonly warnings: string }>;

/** The libcuda of sources of which some have another text, in a folder of its own. The rest must have been built. */
export function buildMutant(options: {
  readonly folder: string;
  readonly mutants: Readonly<Record<string, string>>;
  readonly base?: string;
}): Promise<Sim>;

/** The environment in which the addon loads these libraries, and gives every tensor an allocation of its own. */
export function simEnvironment(sim: Sim): Readonly<Record<string, string>>;

/** Those of g++ for kernels, but for the optimization. */
export const KERNEL_FLAGS: readonly string[];

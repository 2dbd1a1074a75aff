// The npm package, installed without npm: its tarball is extracted into the node_modules of an empty project, beside links
// to what the lock file says it needs at run time, and to nothing else. Programs run with no PATH: no compiler, no cmake.

import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nativeIsBuilt } from '../../src/backends/build_folder.js';

const repository = path.join(import.meta.dirname, '../..');

/** An installed package. */
export interface Installed {
  /** The project's folder. */
  readonly project: string;
  /** The package's folder in it. */
  readonly folder: string;
  /** Its files, as npm lists them. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Bytes of the tarball. */
  readonly bytes: number;
}

/** Packs and installs. The addons are those that `npm run build` made. */
export function install(): Installed {
  const base = mkdtempSync(path.join(tmpdir(), 'gpt-package-'));
  const run = (program: string, args: readonly string[]) =>
    execFileSync(program, args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const { platform, arch, execPath } = process;
  if (nativeIsBuilt()) run(execPath, ['scripts/pack_addons.mjs', `${platform}-${arch}`]);
  const [packed] = JSON.parse(run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', base]));
  const project = path.join(base, 'project');
  const modules = path.join(project, 'node_modules');
  const folder = path.join(modules, 'tfgpt');
  mkdirSync(folder, { recursive: true });
  run('tar', ['-xzf', path.join(base, packed.filename), '--strip-components=1', '-C', folder]);
  for (const name of runtimePackages()) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(repository, 'node_modules', name), path.join(modules, name));
  }
  mkdirSync(path.join(modules, '.bin'));
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  for (const [name, file] of Object.entries<string>(bin)) {
    symlinkSync(path.join('../tfgpt', file), path.join(modules, '.bin', name));
  }
  return { project, folder, files: packed.files, bytes: packed.size };
}

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

/** Packages of the lock file, by their folder, that npm installs for a user. */
export function locked(): [folder: string, Locked][] {
  const { packages } = JSON.parse(readFileSync(path.join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  return Object.entries(packages).filter(([folder, { dev }]) => folder !== '' && !dev);
}

const runtimePackages = (): string[] =>
  locked()
    .map(([folder]) => folder)
    .filter((folder) => folder.lastIndexOf('node_modules/') === 0)
    .map((folder) => folder.slice('node_modules/'.length));

/** Exit code and output of a program of the project. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of the project by this Node. */
export function node({ project }: Installed, args: readonly string[]): Promise<Ended> {
  const env = { PATH: '/nowhere', HOME: project, GPT_LIBCUDA: '/nowhere', GPT_THREADS: '2' };
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: project, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    ),
  );
}

/** Runs the installed command. */
export const tfgpt = (installed: Installed, ...args: string[]): Promise<Ended> =>
  node(installed, ['node_modules/.bin/tfgpt', ...args]);

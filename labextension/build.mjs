// Builds the extension into mlstack_nb/labextension and the widget beside its Python part: types are checked, then
// everything is packed.
// `--dev` keeps what is there and adds source maps; `--clean` only removes.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const find = createRequire(path.join(root, 'package.json')).resolve;
const widget = 'mlstack_nb/notebook/widget/built';
const isDev = process.argv.includes('--dev');

function node(...args) {
  execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
}

function inPackage(name, file) {
  return path.join(path.dirname(find(`${name}/package.json`)), file);
}

if (!isDev) {
  for (const made of ['labextension/lib', 'mlstack_nb/labextension', widget]) {
    rmSync(path.join(root, made), { recursive: true, force: true });
  }
}
if (!process.argv.includes('--clean')) {
  if (!existsSync(path.join(root, 'node_modules'))) {
    console.error('The packages of package.json are not here. Type: npm ci');
    process.exit(1);
  }
  node(find('typescript/bin/tsc'), '-p', 'labextension', ...(isDev ? ['--sourceMap'] : []));
  node(
    inPackage('@jupyter/builder', 'lib/build-labextension.js'),
    '--core-package-file',
    inPackage('@jupyterlab/core-meta', 'core.package.json'),
    root,
    ...(isDev ? ['--development'] : [])
  );
  await buildWidget();
}

// One file for any front end, with its style inside: every panel's state has it, so React gives way to Preact.
async function buildWidget() {
  const { build } = await import('esbuild');
  const shared = { absWorkingDir: root, bundle: true, minify: true, legalComments: 'none', logLevel: 'warning' };
  const style = await build({ ...shared, entryPoints: ['labextension/style/widget.css'], write: false });
  await build({
    ...shared,
    entryPoints: ['labextension/src/widget/index.ts'],
    outfile: `${widget}/widget.js`,
    format: 'esm',
    target: 'es2022',
    define: { MLSTACK_STYLE: JSON.stringify(style.outputFiles[0].text), 'process.env.NODE_ENV': '"production"' },
    alias: { react: 'preact/compat', 'react-dom': 'preact/compat' },
    external: ['@hpcc-js/wasm-graphviz'] // the widget lays out by itself
  });
}

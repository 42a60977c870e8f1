// Copies the libraries of the pages from node_modules into static/vendor/, and
// builds the icon modules from the icon package's files. The result is not
// committed: package-lock.json says exactly what it is made of.
//
// It does not bundle or minify. Bare imports become relative ones, because an
// import map would be inline script, which our Content-Security-Policy refuses.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const from = (/** @type {string} */ path) => join(root, 'node_modules', path);
const into = (/** @type {string} */ path) => join(root, 'static', 'vendor', path);

/** What is copied: file in node_modules, name in static/vendor/. */
const MODULES = [
  ['preact/dist/preact.module.js', 'preact.js'],
  ['preact/hooks/dist/hooks.module.js', 'hooks.js'],
  ['htm/dist/htm.module.js', 'htm.js'],
  ['@preact/signals-core/dist/signals-core.module.js', 'signals-core.js'],
  ['@preact/signals/dist/signals.module.js', 'signals.js'],
  ['uplot/dist/uPlot.esm.js', 'uplot.js'],
];
const STYLES = [['uplot/dist/uPlot.min.css', 'uplot.css']];

/** Types for the editor and `tsc`, which read the package's own. */
const TYPES = [
  ['preact.d.ts', "export * from 'preact';\n"],
  ['hooks.d.ts', "export * from 'preact/hooks';\n"],
  ['htm.d.ts', 'declare const htm: { bind<T>(h: (...of: any[]) => T): (strings: TemplateStringsArray, ...values: any[]) => T };\nexport default htm;\n'],
  ['signals-core.d.ts', "export * from '@preact/signals-core';\n"],
  ['signals.d.ts', "export * from '@preact/signals';\n"],
  ['uplot.d.ts', "export { default } from 'uplot';\n"],
];

/** Bare specifiers and the file each becomes. */
const SPECIFIERS = new Map([
  ['preact', './preact.js'],
  ['preact/hooks', './hooks.js'],
  ['htm', './htm.js'],
  ['@preact/signals-core', './signals-core.js'],
]);

/** Icons of the consoles. Add a name here and run `npm run vendor`. */
const ICONS = [
  'activity', 'alarm-clock', 'archive', 'arrow-down', 'arrow-left', 'arrow-right', 'arrow-up',
  'arrow-up-right', 'at-sign', 'ban', 'bell', 'bell-off', 'bell-ring', 'book-open', 'bot', 'calendar',
  'chart-line', 'check', 'check-check', 'chevron-down', 'chevron-left', 'chevron-right', 'chevron-up',
  'circle', 'circle-alert', 'circle-check', 'circle-dot', 'circle-help', 'circle-user', 'clock', 'copy',
  'corner-down-left', 'corner-up-left', 'download', 'ellipsis', 'external-link', 'eye', 'eye-off', 'file-text', 'filter',
  'flag', 'flask-conical', 'gauge', 'globe', 'grip-vertical', 'hand', 'history', 'hourglass', 'inbox', 'info',
  'keyboard', 'key-round', 'layers', 'link', 'list', 'list-checks', 'loader-circle', 'lock', 'log-out', 'mail',
  'menu', 'message-circle', 'message-square', 'message-square-text', 'minus', 'moon', 'octagon-alert',
  'panel-right', 'pause', 'pencil', 'phone', 'play', 'plus', 'radio', 'refresh-cw', 'repeat', 'rotate-ccw',
  'route', 'save', 'scroll-text', 'search', 'send', 'settings', 'shield', 'sliders-horizontal', 'smile', 'sparkles',
  'star', 'sticky-note', 'sun', 'tag', 'timer', 'trash-2', 'trending-down', 'trending-up', 'triangle-alert',
  'undo-2', 'upload', 'user', 'user-check', 'user-plus', 'user-search', 'users', 'volume-2', 'volume-x', 'wifi-off', 'x', 'zap',
];

/** The few icons of the widget, in a file of its own so that it stays small. */
const WIDGET_ICONS = ['arrow-up', 'bot', 'check', 'check-check', 'chevron-down', 'circle-alert', 'clock', 'user-round', 'wifi-off', 'x'];

function rewrite(/** @type {string} */ source, /** @type {string} */ file) {
  const out = source
    .replace(/(\bfrom\s*|\bimport\s*)(["'])([^"'./\s][^"'\s]*)\2/g, (_all, keyword, quote, name) => {
      const to = SPECIFIERS.get(name);
      if (!to) throw new Error(`${file} imports "${name}", which scripts/vendor.mjs does not copy`);
      return `${keyword}${quote}${to}${quote}`;
    })
    .replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n');
  return out;
}

/** `send` -> `send`, `arrow-left` -> `arrowLeft`, `trash-2` -> `trash2`. */
const exportName = (/** @type {string} */ name) => name.replace(/-(.)/g, (_all, letter) => letter.toUpperCase());

/** Reads one icon as a list of `[tag, attributes]`, the shapes inside its `<svg>`. */
async function icon(/** @type {string} */ name) {
  const svg = await readFile(from(`lucide-static/icons/${name}.svg`), 'utf8');
  const inner = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>'));
  const shapes = [...inner.matchAll(/<([a-z]+)\s([^>]*?)\s*\/>/g)].map(([, tag, attributes]) => [
    tag,
    Object.fromEntries([...attributes.matchAll(/([a-z0-9-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
  ]);
  if (shapes.length === 0) throw new Error(`no shapes in the icon "${name}"`);
  return shapes;
}

async function icons(/** @type {string[]} */ names, /** @type {string} */ file) {
  const lines = await Promise.all(names.map(async (name) => `export const ${exportName(name)} = ${JSON.stringify(await icon(name))};`));
  const head = '// Icons of Lucide (ISC license, see licenses.txt), as lists of shapes on a 24 by 24 grid.\n';
  await writeFile(into(file), `${head}${lines.join('\n')}\n`);
}

async function licenses() {
  const packages = ['preact', 'htm', '@preact/signals', '@preact/signals-core', 'uplot', 'lucide-static'];
  const texts = await Promise.all(
    packages.map(async (name) => {
      const { version, license } = JSON.parse(await readFile(from(`${name}/package.json`), 'utf8'));
      const text = await readFile(from(`${name}/LICENSE`), 'utf8');
      return `${name} ${version} (${license})\n\n${text.trim()}\n`;
    }),
  );
  await writeFile(into('licenses.txt'), texts.join(`\n${'-'.repeat(72)}\n\n`));
}

await rm(into('.'), { recursive: true, force: true });
await mkdir(into('.'), { recursive: true });
for (const [file, name] of MODULES) await writeFile(into(name), rewrite(await readFile(from(file), 'utf8'), file));
for (const [file, name] of STYLES) await writeFile(into(name), await readFile(from(file), 'utf8'));
for (const [name, text] of TYPES) await writeFile(into(name), text);
await icons(ICONS, 'icons.js');
await icons(WIDGET_ICONS, 'icons-widget.js');
await licenses();
process.stderr.write(`static/vendor: ${MODULES.length} modules, ${ICONS.length + WIDGET_ICONS.length} icons\n`);

import js from '@eslint/js';
import globals from 'globals';

const rules = {
  eqeqeq: ['error', 'always'],
  'prefer-const': 'error',
  'no-var': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
  // What people write is text. Markup is never made from strings, and code never.
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  'no-restricted-properties': ['error', { property: 'innerHTML' }, { property: 'outerHTML' }, { property: 'insertAdjacentHTML' }, { property: 'setHTMLUnsafe' }, { object: 'document', property: 'write' }, { property: 'dangerouslySetInnerHTML' }],
  'no-restricted-syntax': [
    'error',
    { selector: "Property[key.name='dangerouslySetInnerHTML']", message: 'Text is set as text.' },
    { selector: "Property[key.name='innerHTML']", message: 'Text is set as text.' },
    // The server takes comments out line by line (src/http/lean.rs).
    { selector: 'TemplateElement[value.raw=/\\n[ \\t]*\\/[*\\/]/]', message: 'A line of a text must not begin like a comment.' },
  ],
};

export default [
  { ignores: ['static/vendor/', 'target/', 'node_modules/', '.deps/'] },
  js.configs.recommended,
  { files: ['static/**/*.js'], languageOptions: { globals: globals.browser }, rules },
  { files: ['static/**/*.test.js', 'tests/**/*.mjs', 'scripts/**/*.mjs', '*.config.js'], languageOptions: { globals: { ...globals.node, ...globals.browser } }, rules },
];

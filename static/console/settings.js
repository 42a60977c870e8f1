// Small settings of this browser: sound and appearance.

import { storage } from '../shared/dom.js';

const THEMES = ['system', 'light', 'dark'];
const kept = storage();

export const settings = {
  get sound() {
    return kept.get('baton.sound') !== 'off';
  },
  set sound(on) {
    kept.set('baton.sound', on ? 'on' : 'off');
  },
  get theme() {
    const theme = kept.get('baton.theme') ?? 'system';
    return THEMES.includes(theme) ? theme : 'system';
  },
  set theme(theme) {
    kept.set('baton.theme', theme === 'system' ? null : theme);
    showTheme();
  },
};

/** The appearance after this one. */
export function nextTheme() {
  return THEMES[(THEMES.indexOf(settings.theme) + 1) % THEMES.length];
}

export function showTheme() {
  const { theme } = settings;
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

// The three forms as data, what is checked before they are sent, and what is
// said when they are refused. Pure: no page, no network.

/** @typedef {{ title: string, intro: string, path: string, fields: string[], needsToken: boolean, isNew: boolean, action: string, busy: string }} Form */

export const SHORTEST_PASSWORD = 12;

/** @type {Record<string, Form>} */
export const FORMS = {
  '/login': {
    title: 'Log in',
    intro: 'With the e-mail address you were invited with.',
    path: '/login',
    fields: ['email', 'password'],
    needsToken: false,
    isNew: false,
    action: 'Log in',
    busy: 'Logging in…',
  },
  '/setup': {
    title: 'Create the first admin',
    intro: 'This link works once. Everybody else is invited from the admin console.',
    path: '/setup',
    fields: ['name', 'email', 'password'],
    needsToken: true,
    isNew: true,
    action: 'Create and log in',
    busy: 'Creating…',
  },
  '/invite': {
    title: 'Choose your password',
    intro: 'You were invited, or asked for a new password. The name stays as it is if you leave it empty.',
    path: '/invites/accept',
    fields: ['name', 'password'],
    needsToken: true,
    isNew: true,
    action: 'Save and log in',
    busy: 'Saving…',
  },
};

/**
 * What is wrong with what was typed, by field.
 * @param {Form} form
 * @param {Record<string, string>} values
 * @returns {Record<string, string>}
 */
export function check(form, values) {
  /** @type {Record<string, string>} */
  const problems = {};
  const has = (/** @type {string} */ field) => form.fields.includes(field);
  // An invitation already knows a name; it may be left as it is.
  if (has('name') && form.path === '/setup' && values.name.trim() === '') problems.name = 'Enter your name.';
  if (has('email') && !/^\S+@\S+$/.test(values.email.trim())) problems.email = 'Enter an e-mail address, such as ana@example.com.';
  if (values.password === '') problems.password = 'Enter a password.';
  else if (form.isNew && [...values.password].length < SHORTEST_PASSWORD) problems.password = `The password needs at least ${SHORTEST_PASSWORD} characters.`;
  return problems;
}

/** A refusal in plain words. */
export function said(/** @type {string} */ code, /** @type {number} */ status, message = '') {
  if (code === 'no_token') return 'This address is not complete. Open the whole link you were given.';
  if (status === 0) return 'The server did not answer. What you typed is still here; try again.';
  if (status === 429) return 'Too many tries. Wait a minute, then try again.';
  if (status === 410 || code === 'invalid_token' || code === 'token_invalid' || code === 'token_expired' || code === 'token_used') return 'This link was used already or has expired. Ask for a new one.';
  if (code === 'disabled' || code === 'account_disabled') return 'This account is switched off. Ask an admin.';
  if (status === 401) return 'E-mail address and password do not fit together.';
  if (status >= 500) return 'The server had a problem. What you typed is still here; try again in a moment.';
  return message || 'The server did not accept this.';
}

/**
 * Where to go after a login: the page that was asked for if it is one of ours,
 * else the console that fits the role.
 */
export function nextPage(/** @type {string|null} */ next, /** @type {string|undefined} */ role, path = '/login') {
  if (next && /^\/(agent|admin)(?=$|[/?#])/.test(next)) return next;
  if (path === '/setup') return '/admin';
  return role === 'admin' ? '/admin' : '/agent';
}

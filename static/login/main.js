// Login, the first admin (/setup) and an invitation (/invite): three small forms
// on one page. What was typed stays when something goes wrong, except nothing
// of it is ever kept in the browser.

import { eye, eyeOff, circleAlert } from '../vendor/icons.js';
import { api } from '../shared/api.js';
import { html, Icon, render, useEffect, useRef, useState } from '../shared/html.js';
import { check, FORMS, nextPage, said } from './forms.js';

function Page() {
  const form = FORMS[location.pathname.replace(/\/+$/, '')] ?? FORMS['/login'];
  const parameters = new URLSearchParams(location.search);
  const token = parameters.get('token') ?? '';
  const [values, setValues] = useState(/** @type {Record<string, string>} */ ({ name: '', email: '', password: '' }));
  const [problems, setProblems] = useState(/** @type {Record<string, string>} */ ({}));
  const [failure, setFailure] = useState(form.needsToken && !token ? said('no_token', 0) : '');
  const [isBusy, setBusy] = useState(false);
  const [isShown, setShown] = useState(false);
  const element = useRef(null);

  useEffect(() => {
    document.title = `${form.title} · Baton`;
    /** @type {any} */ (element.current)?.querySelector('input')?.focus();
  }, []);

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const found = check(form, values);
    setProblems(found);
    setFailure('');
    const first = form.fields.find((field) => found[field]);
    if (first) {
      /** @type {any} */ (element.current).querySelector(`[name="${first}"]`)?.focus();
      return;
    }
    setBusy(true);
    try {
      const body = Object.fromEntries(form.fields.filter((field) => values[field] !== '').map((field) => [field, field === 'password' ? values[field] : values[field].trim()]));
      const answer = await api.post(form.path, form.needsToken ? { token, ...body } : body);
      const role = answer?.account?.role;
      if (!role && form.path !== '/login') {
        location.replace('/login');
        return;
      }
      location.replace(nextPage(parameters.get('next'), role, form.path));
    } catch (error) {
      const { code, status, message, problems: listed = [] } = /** @type {any} */ (error);
      const own = listed.filter((/** @type {any} */ one) => form.fields.includes(one.field));
      if (own.length > 0) setProblems(Object.fromEntries(own.map((/** @type {any} */ one) => [one.field, sentence(one.message)])));
      else setFailure(said(code, status, message));
      setBusy(false);
    }
  };
  const typed = (/** @type {any} */ event) => {
    const { name, value } = event.currentTarget;
    setValues({ ...values, [name]: value });
    if (problems[name]) setProblems({ ...problems, [name]: '' });
  };

  return html`
    <p class="brand"><${Mark} /> Baton</p>
    <form class="stack" ref=${element} novalidate onSubmit=${submit} aria-describedby=${failure ? 'failure' : null}>
      <div>
        <h1>${form.title}</h1>
        <p class="intro">${form.intro}</p>
        <div role="alert" id="failure">${failure && html`<p class="notice bad"><${Icon} shapes=${circleAlert} /> <span>${failure}</span></p>`}</div>
      </div>
      ${form.fields.includes('name') && html`<${Field} name="name" label="Your name" hint="Visitors see it when you join." autocomplete="name" value=${values.name} problem=${problems.name} onInput=${typed} />`}
      ${form.fields.includes('email') && html`<${Field} name="email" type="email" label="E-mail" autocomplete="username" value=${values.email} problem=${problems.email} onInput=${typed} />`}
      <${Field}
        name="password"
        type=${isShown ? 'text' : 'password'}
        label="Password"
        hint=${form.isNew ? 'At least 12 characters. A few words that only you put together are best.' : null}
        autocomplete=${form.isNew ? 'new-password' : 'current-password'}
        value=${values.password}
        problem=${problems.password}
        onInput=${typed}
      >
        <button type="button" class="button plain only-icon" aria-label=${isShown ? 'Hide the password' : 'Show the password'} aria-pressed=${isShown ? 'true' : 'false'} onClick=${() => setShown(!isShown)}>
          <${Icon} shapes=${isShown ? eyeOff : eye} />
        </button>
      <//>
      <button type="submit" class="button primary large" aria-disabled=${isBusy ? 'true' : null} disabled=${isBusy}>${isBusy ? form.busy : form.action}</button>
    </form>
  `;
}

/** The server's words as a sentence. */
const sentence = (/** @type {string} */ text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

function Field(/** @type {any} */ { name, label, hint, problem, type = 'text', value, autocomplete, onInput, children }) {
  const described = [problem && `${name}-problem`, hint && `${name}-hint`].filter(Boolean).join(' ');
  return html`<div class="field">
    <label for=${name}>${label}</label>
    <div class="with-button">
      <input
        class="input"
        id=${name}
        name=${name}
        type=${type}
        value=${value}
        autocomplete=${autocomplete}
        autocapitalize=${name === 'name' ? 'words' : 'none'}
        spellcheck=${false}
        dir="auto"
        required
        aria-invalid=${problem ? 'true' : null}
        aria-describedby=${described || null}
        onInput=${onInput}
      />
      ${children}
    </div>
    ${problem && html`<p class="problem" id=${`${name}-problem`}>${problem}</p>`}
    ${hint && html`<p class="hint" id=${`${name}-hint`}>${hint}</p>`}
  </div>`;
}

/** The product's mark: a mood that rises. */
function Mark() {
  return html`<svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true" fill="var(--accent)">
    <rect x="2" y="12" width="4" height="6" rx="1" /><rect x="8" y="7" width="4" height="11" rx="1" /><rect x="14" y="2" width="4" height="16" rx="1" />
  </svg>`;
}

const root = /** @type {HTMLElement} */ (document.getElementById('login'));
render(html`<${Page} />`, root);
root.removeAttribute('aria-busy');

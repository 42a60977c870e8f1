// Who may log in, as what, and which work they get. Links for a first or a new
// password are shown once: the server keeps only their hash.

import { userPlus, users } from '../../vendor/icons.js';
import { api } from '../../shared/api.js';
import { initials } from '../../shared/format.js';
import { html, Icon, useState } from '../../shared/html.js';
import { account, learnPeople, leave, toast, useUnsaved } from '../app_state.js';
import { ChoicesField, Confirm, Copyable, Empty, Failed, FormFoot, Head, LoadingRows, SelectField, TextField, useLoad, useSave, When, WordsField } from '../parts.js';
import { write } from '../routes.js';
import { Split } from './split.js';
import { TeamTabs, TIERS } from './team.js';

/** @type {[string, string][]} */
const ROLES = [['agent', 'Agent: answers visitors'], ['supervisor', 'Supervisor: also sees everything and tunes'], ['admin', 'Admin: also manages people, queues and widgets']];

export function Agents(/** @type {any} */ { route }) {
  const { data, error, reload } = useLoad(async (signal) => {
    const [{ accounts }, { queues }] = await Promise.all([api.get('/accounts', { signal }), api.get('/queues', { signal })]);
    return { accounts, queues };
  }, []);
  // A link that was just made, shown until one goes elsewhere.
  const [link, setLink] = useState(/** @type {{ id: string, url: string, isNew: boolean } | null} */ (null));
  const changed = () => {
    reload();
    learnPeople();
  };
  const accounts = [...(data?.accounts ?? [])].sort((a, b) => Number(a.disabled) - Number(b.disabled) || a.name.localeCompare(b.name));
  const chosen = accounts.find((one) => one.id === route.id);
  const list = error
    ? html`<${Failed} what="The accounts" error=${error} onRetry=${reload} />`
    : !data
      ? html`<${LoadingRows} rows=${5} label="Accounts are loading" />`
      : html`<ul class="list rows" aria-label="Accounts">
            ${accounts.map(
              (one) => html`<li key=${one.id}>
                <a class=${`row item-row${one.disabled ? ' is-disabled' : ''}`} href=${write({ page: 'agents', id: one.id })} aria-current=${one.id === route.id ? 'true' : null}>
                  <span class="avatar" aria-hidden="true">${initials(one.name)}</span>
                  <span class="grow item-main">
                    <span class="cluster"><bdi class="strong">${one.name}</bdi>${one.id === account.value?.id && html`<span class="tag">you</span>`}${one.role !== 'agent' && html`<span class="tag">${one.role}</span>`}${one.disabled && html`<span class="tag bad">disabled</span>`}${one.invited && !one.disabled && html`<span class="tag warn">invited</span>`}</span>
                    <span class="small quiet">${one.email} · ${one.capacity} at once${one.tier > 1 ? ` · tier ${one.tier}` : ''}${one.skills.length ? ` · ${one.skills.join(', ')}` : ''}</span>
                  </span>
                </a>
              </li>`,
            )}
          </ul>
          ${accounts.length === 1 && html`<${Empty} icon=${users} title="So far only you" action=${html`<a class="button" href=${write({ page: 'agents', id: 'new' })}><${Icon} shapes=${userPlus} /> Invite somebody</a>`}>Each agent gets a link that works once and chooses their own password.<//>`}`;
  const detail =
    route.id === 'new'
      ? html`<${Invite} key="new" onInvited=${(/** @type {any} */ answer) => (changed(), setLink({ id: answer.account.id, url: answer.invite_url, isNew: true }))} />`
      : chosen
        ? html`<${AgentForm} key=${route.id} one=${chosen} queues=${data?.queues ?? []} skills=${[...new Set([...(data?.queues ?? []), ...accounts].flatMap((each) => each.skills))]} link=${link?.id === chosen.id ? link : null} onLink=${setLink} onSaved=${changed} />`
        : route.id && data
          ? html`<${Empty} icon=${users} title="This account is not there">The address may be an old one.<//>`
          : null;
  return html`
    <${Head} title="Queues & agents" action=${html`<a class="button primary" href=${write({ page: 'agents', id: 'new' })}><${Icon} shapes=${userPlus} /> Invite</a>`}>Where handed-over conversations wait, and who answers them.<//>
    <${TeamTabs} here="agents" />
    <${Split} list=${list} detail=${detail} back=${write({ page: 'agents' })} />
  `;
}

function Invite(/** @type {any} */ { onInvited }) {
  const [form, setForm] = useState({ name: '', email: '', role: 'agent' });
  const save = useSave();
  const put = (/** @type {any} */ change) => setForm({ ...form, ...change });
  const isDirty = form.name !== '' || form.email !== '';
  useUnsaved(isDirty, 'The invitation');
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    /** @type {Record<string, string>} */
    const problems = {};
    if (form.name.trim() === '') problems.name = 'Write their name.';
    if (!/^\S+@\S+$/.test(form.email.trim())) problems.email = 'Write an e-mail address, as ana@shop.example.';
    if (Object.keys(problems).length > 0) return save.refuse(problems);
    const answer = await save.run(() => api.post('/accounts', { name: form.name.trim(), email: form.email.trim(), role: form.role }));
    if (answer === undefined) return undefined;
    onInvited(answer);
    toast(`${answer.account.name} is invited. Give them the link.`);
    leave({ page: 'agents', id: answer.account.id });
    return undefined;
  };
  return html`<form class="editor" onSubmit=${submit} novalidate>
    <h2>Invite somebody</h2>
    <${TextField} label="Name" value=${form.name} onValue=${(/** @type {string} */ name) => put({ name })} maxlength="100" required autofocus problem=${save.problems.name} hint="Visitors see it. They may change it when they accept." />
    <${TextField} label="E-mail" type="email" value=${form.email} onValue=${(/** @type {string} */ email) => put({ email })} required autocomplete="off" problem=${save.problems.email} hint="They log in with it. Nothing is sent: you give them the link." />
    <${SelectField} label="Role" value=${form.role} onValue=${(/** @type {string} */ role) => put({ role })} options=${ROLES} problem=${save.problems.role} />
    <${FormFoot} save=${save} isDirty=${isDirty} isNew saveWord="Make the link" onCancel=${() => leave({ page: 'agents' })} />
  </form>`;
}

const fields = (/** @type {any} */ { name, role, capacity, tier, skills, queues }) => ({ name, role, capacity, tier, skills, queues });

function AgentForm(/** @type {any} */ { one, queues, skills, link, onLink, onSaved }) {
  const [start, setStart] = useState(() => fields(one));
  const [form, setForm] = useState(start);
  const [asking, setAsking] = useState(/** @type {'disable' | 'reset' | null} */ (null));
  const save = useSave();
  const other = useSave();
  const put = (/** @type {any} */ change) => setForm({ ...form, ...change });
  const isDirty = JSON.stringify(form) !== JSON.stringify(start);
  const isSelf = one.id === account.value?.id;
  useUnsaved(isDirty, `What you changed of ${start.name}`);

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (form.name.trim() === '') return save.refuse({ name: 'Write a name.' });
    const capacity = Number(form.capacity);
    if (!Number.isInteger(capacity) || capacity < 0 || capacity > 100) return save.refuse({ capacity: 'A whole number from 0 to 100.' });
    const body = { ...form, name: form.name.trim(), capacity };
    const answer = await save.run(() => api.patch(`/accounts/${one.id}`, body));
    if (answer === undefined) return undefined;
    const saved = fields(answer.account);
    setStart(saved);
    setForm(saved);
    onSaved();
    toast(`${saved.name} is saved.`);
    return undefined;
  };
  const close = () => {
    setAsking(null);
    other.clear();
  };
  const disable = async () => {
    const done = await other.run(() => api.patch(`/accounts/${one.id}`, { disabled: !one.disabled }));
    if (done === undefined) return;
    onSaved();
    close();
    toast(one.disabled ? `${one.name} may log in again.` : `${one.name} is locked out.`);
  };
  const reset = async () => {
    const answer = await other.run(() => api.post(`/accounts/${one.id}/reset`));
    if (answer === undefined) return;
    onLink({ id: one.id, url: answer.reset_url, isNew: false });
    onSaved();
    close();
    toast('The link is made. Give it to them.');
  };

  return html`<form class="editor" onSubmit=${submit} novalidate>
    <h2><bdi>${start.name}</bdi></h2>
    <p class="small quiet">${one.email} · ${one.invited ? 'has not accepted yet' : html`last logged in <${When} at=${one.last_login_at} isAgo />`}</p>
    ${link &&
    html`<div class="notice info one-time">
      <${Copyable} label=${link.isNew ? 'Link to join' : 'Link for a new password'} text=${link.url} hint="It works once and is shown only now. Send it to them in a way only they can read." />
    </div>`}
    <${TextField} label="Name" value=${form.name} onValue=${(/** @type {string} */ name) => put({ name })} maxlength="100" required problem=${save.problems.name} />
    <${SelectField} label="Role" value=${form.role} onValue=${(/** @type {string} */ role) => put({ role })} options=${ROLES} problem=${save.problems.role} hint=${isSelf ? 'This is you: with another role you may not come back here.' : null} />
    <${TextField} label="Conversations at once" inputmode="numeric" class="short" value=${String(form.capacity)} onValue=${(/** @type {string} */ capacity) => put({ capacity: /^\d+$/.test(capacity) ? Number(capacity) : capacity })} problem=${save.problems.capacity} />
    <${SelectField} label="Tier" value=${String(form.tier)} onValue=${(/** @type {string} */ tier) => put({ tier: Number(tier) })} options=${TIERS} problem=${save.problems.tier} />
    <${WordsField} label="Skills" value=${form.skills} onValue=${(/** @type {any} */ value) => put({ skills: value })} suggestions=${skills} problem=${save.problems.skills} hint="Type a word and press Enter. They are offered what needs no more than these." />
    ${queues.length > 0 && html`<${ChoicesField} label="Queues" value=${form.queues} onValue=${(/** @type {any} */ value) => put({ queues: value })} options=${queues.map((/** @type {any} */ queue) => [queue.id, queue.name])} problem=${save.problems.queues} hint="None chosen: all of them." />`}
    <${FormFoot} save=${save} isDirty=${isDirty} onCancel=${() => (isDirty ? (setForm(start), save.clear()) : leave({ page: 'agents' }))} />
    <section class="danger-zone" aria-label="Access">
      <h3>Access</h3>
      <div class="cluster">
        <button type="button" class="button" onClick=${() => setAsking('reset')}>${one.invited ? 'Make a new link to join' : 'Make a link for a new password'}</button>
        ${!isSelf && html`<button type="button" class=${`button ${one.disabled ? '' : 'danger'}`} onClick=${() => setAsking('disable')}>${one.disabled ? 'Let them in again' : 'Disable'}</button>`}
      </div>
    </section>
    ${asking === 'disable' &&
    html`<${Confirm} title=${one.disabled ? `Let ${one.name} in again?` : `Disable ${one.name}?`} yes=${one.disabled ? 'Let them in' : 'Disable'} isDanger=${!one.disabled} isBusy=${other.isBusy} failure=${other.failure} onNo=${close} onYes=${disable}>
      <p>${one.disabled ? 'They may log in with the password they had.' : 'They are logged out at once and may not log in. What they hold goes back to the queue; what they wrote stays.'}</p>
    <//>`}
    ${asking === 'reset' &&
    html`<${Confirm} title=${one.invited ? 'Make a new link?' : `A new password for ${one.name}?`} yes="Make the link" isDanger=${false} isBusy=${other.isBusy} failure=${other.failure} onNo=${close} onYes=${reset}>
      <p>${one.invited ? 'An earlier link stops working.' : 'You get a link that works once. With it they choose a new password.'}</p>
    <//>`}
  </form>`;
}

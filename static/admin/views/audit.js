// Who changed what, and when. Nothing in here can be changed.

import { scrollText } from '../../vendor/icons.js';
import { api, query } from '../../shared/api.js';
import { html, useState } from '../../shared/html.js';
import { nameOf } from '../app_state.js';
import { Empty, Failed, Head, LoadingRows, useLoad, When } from '../parts.js';
import { write } from '../routes.js';

/** @type {Record<string, string>} */
const ACTIONS = {
  'account.setup': 'created the first admin', 'account.create': 'invited', 'account.change': 'changed the account of', 'account.password': 'set a password for', 'account.reset': 'made a link for',
  'queue.create': 'added the queue', 'queue.change': 'changed the queue', 'queue.remove': 'removed the queue',
  'knowledge.create': 'added to the knowledge', 'knowledge.change': 'changed in the knowledge', 'knowledge.remove': 'removed from the knowledge',
  'canned.save': 'saved the canned reply', 'canned.remove': 'removed the canned reply',
  'widget.create': 'added the widget', 'widget.change': 'changed the widget', 'widget.remove': 'removed the widget',
  'policy.publish': 'published the policy',
  'label.message': 'labeled a message in', 'label.message.remove': 'took back the label of a message in',
  'label.conversation': 'labeled the conversation', 'label.conversation.remove': 'took back the label of the conversation',
  'model.adopt': 'adopted the model', 'model.rollback': 'rolled back to the model',
  'person.export': 'exported what is held of', 'person.erase': 'erased what was held of',
};

const action = (/** @type {string} */ code) => (Object.hasOwn(ACTIONS, code) ? ACTIONS[code] : code.replaceAll('.', ' ').replaceAll('_', ' '));

/** Names for the ids of what was changed, as far as it is still there. */
async function namesOf(/** @type {AbortSignal} */ signal) {
  const lists = await Promise.all(
    [['/queues', 'queues', 'id', 'name'], ['/knowledge', 'knowledge', 'id', 'title'], ['/canned', 'canned', 'id', 'shortcut'], ['/widgets', 'widgets', 'key', 'name']].map(async ([path, list, id, name]) => {
      const answer = await api.get(path, { signal }).catch(() => ({ [list]: [] }));
      return answer[list].map((/** @type {any} */ one) => [one[id], one[name]]);
    }),
  );
  return new Map(lists.flat());
}

export function Audit() {
  const { data, error, reload, set } = useLoad(async (signal) => {
    const [answer, names] = await Promise.all([api.get('/audit', { signal }), namesOf(signal)]);
    return { ...answer, names };
  }, []);
  const [isBusy, setBusy] = useState(false);
  const more = async () => {
    setBusy(true);
    try {
      const answer = await api.get(`/audit${query({ before: data.next })}`);
      set({ ...data, entries: [...data.entries, ...answer.entries], next: answer.next });
    } finally {
      setBusy(false);
    }
  };
  return html`
    <${Head} title="Audit">Who changed what, and when.<//>
    <div class="panel">
      ${error
        ? html`<${Failed} what="The audit" error=${error} onRetry=${reload} />`
        : !data
          ? html`<${LoadingRows} rows=${8} label="The audit is loading" />`
          : data.entries.length === 0
            ? html`<${Empty} icon=${scrollText} title="Nothing was changed yet">Every change of accounts, queues, knowledge, widgets, labels, policy and model is kept here with its author.<//>`
            : html`<ol class="list audit" aria-label="Changes, newest first">
                  ${data.entries.map(
                    (/** @type {any} */ entry) => html`<li key=${entry.id} class="audit-row">
                      <span class="audit-at small quiet"><${When} at=${entry.at} /></span>
                      <span class="audit-what"><bdi class="strong">${nameOf(entry.account)}</bdi> ${action(entry.action)} <${Target} entry=${entry} names=${data.names} /></span>
                      ${detail(entry, data.names) && html`<span class="audit-detail small quiet written">${detail(entry, data.names)}</span>`}
                    </li>`,
                  )}
                </ol>
                ${data.next && html`<p class="more"><button type="button" class="button" disabled=${isBusy} onClick=${more}>${isBusy ? 'Loading…' : 'Older changes'}</button></p>`}`}
    </div>
  `;
}

function Target(/** @type {any} */ { entry, names }) {
  const { target, account } = entry;
  if (!target) return null;
  if (target.startsWith('cnv_')) return html`<a class="mono small" href=${write({ page: 'conversations', id: target })}>${target}</a>`;
  const name = target.startsWith('agt_') ? nameOf(target) : names.get(target);
  if (!name) return html`<bdi class="mono small">${target}</bdi>`;
  return name === nameOf(account) ? 'themselves' : html`<bdi>${name}</bdi>`;
}

/** What more is known: not the name again, and not the server's word for the kind of link. */
function detail(/** @type {any} */ entry, /** @type {Map<string, string>} */ names) {
  if (!entry.detail || entry.detail === names.get(entry.target) || entry.action === 'account.password') return '';
  return entry.action.startsWith('account.') ? entry.detail.replaceAll('_', ' ') : entry.detail;
}

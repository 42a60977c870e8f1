// What a whole conversation was: whether a person was called at the right moment.
// Saved at once, like the labels of its messages.

import { flag } from '../../vendor/icons.js';
import { clock } from '../../shared/format.js';
import { html, Icon } from '../../shared/html.js';
import { takesPlace, verdicts, withVerdict } from '../labels/label.js';
import { WHOLE } from '../labels/labeling.js';
import { Failure, SaveNote, useLabeling } from './label_row.js';

export function LabelWhole(/** @type {any} */ { labeling, wasCalled, entries, onShow }) {
  useLabeling(labeling, WHOLE);
  const whole = labeling.get(WHOLE).value;
  const place = typeof whole?.position === 'number' ? entries.find((/** @type {any} */ one) => one.position === whole.position) : null;
  const choices = verdicts(wasCalled, whole?.label);
  const chosen = choices.find(({ code }) => code === whole?.label);
  return html`<section class="whole" aria-labelledby="whole-title">
    <div class="spread">
      <h3 id="whole-title">${wasCalled ? 'Was a person called at the right moment?' : 'No person was called. Was that right?'}</h3>
      <${SaveNote} labeling=${labeling} of=${WHOLE} />
    </div>
    <div class="cluster" role="group" aria-labelledby="whole-title">
      ${choices.map(
        ({ code, word, hint }) => html`<button key=${code} type="button" class="button compact whole-choice" aria-pressed=${whole?.label === code ? 'true' : 'false'} title=${hint} onClick=${() => labeling.set(WHOLE, withVerdict(whole, code))}>${word}</button>`,
      )}
    </div>
    <p class="small quiet whole-more">
      ${!chosen
        ? 'Not said yet. It is counted under Learning and helps to set the line.'
        : takesPlace(chosen.code) && place
          ? html`${cap(chosen.hint)}. <${Icon} shapes=${flag} size=${12} /> At <button type="button" class="link-button" onClick=${() => onShow(place.position)}>the message of ${clock(place.at)}</button>.`
          : takesPlace(chosen.code)
            ? `${cap(chosen.hint)}. Mark the message at which a person should have come with its flag.`
            : `${cap(chosen.hint)}.`}
    </p>
    <${Failure} labeling=${labeling} of=${WHOLE} />
  </section>`;
}

const cap = (/** @type {string} */ text) => `${text.charAt(0).toLocaleUpperCase()}${text.slice(1)}`;

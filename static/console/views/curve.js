// The score over the visitor's messages, with the line at which a person is
// called and the lower one below which it counts as calm again. SVG for the
// curve; the figures stand beside it as text.

import { html } from '../../shared/html.js';
import { score } from '../../shared/format.js';

const WIDTH = 280;
const HEIGHT = 88;
const PAD = 6;

/** Places scores in the box: one step to the right for each message. */
export function place(/** @type {number[]} */ values) {
  const step = values.length > 1 ? (WIDTH - 2 * PAD) / (values.length - 1) : 0;
  return values.map((value, index) => ({ x: values.length > 1 ? PAD + index * step : WIDTH / 2, y: height(value) }));
}

/** Height of a score: 0 at the bottom, 1 at the top, nothing outside. */
export function height(/** @type {number} */ value) {
  return PAD + (1 - Math.max(0, Math.min(1, value))) * (HEIGHT - 2 * PAD);
}

export function Curve(/** @type {any} */ { scores, threshold, leave, onPick }) {
  const values = scores.map((/** @type {any} */ { score: value }) => value);
  const points = place(values);
  const path = points.map(({ x, y }, index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join(' ');
  const last = points.at(-1);
  const area = last ? `${path} L${last.x.toFixed(1)} ${HEIGHT} L${points[0].x.toFixed(1)} ${HEIGHT} Z` : '';
  const newest = values.at(-1);
  const said = `Score over ${values.length} ${values.length === 1 ? 'message' : 'messages'}: ${values.slice(-8).map(score).join(', ')}. Line ${score(threshold)}.`;
  return html`<figure class="curve">
    <div class="curve-box">
      <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${said}>
        <line class="curve-base" x1="0" x2=${WIDTH} y1=${HEIGHT - 0.5} y2=${HEIGHT - 0.5} />
        ${typeof leave === 'number' && html`<line class="curve-leave" x1="0" x2=${WIDTH} y1=${height(leave)} y2=${height(leave)} />`}
        ${typeof threshold === 'number' && html`<line class="curve-line" x1="0" x2=${WIDTH} y1=${height(threshold)} y2=${height(threshold)} />`}
        ${points.length > 1 && html`<path class="curve-area" d=${area} /><path class="curve-path" d=${path} />`}
        ${points.map(
          ({ x, y }, index) => html`<circle
            key=${index}
            class=${`curve-point${values[index] >= threshold ? ' is-over' : ''}`}
            cx=${x}
            cy=${y}
            r=${index === points.length - 1 ? 4 : points.length > 24 ? 1.5 : 2.5}
            onClick=${() => onPick(scores[index].position)}
          ><title>${score(values[index])}</title></circle>`,
        )}
      </svg>
    </div>
    <figcaption>
      <span>score <strong class="tabular">${score(newest)}</strong></span>
      <span><span class="key key-line" aria-hidden="true"></span> line <span class="tabular">${score(threshold)}</span></span>
      ${typeof leave === 'number' && html`<span><span class="key key-leave" aria-hidden="true"></span> calm below <span class="tabular">${score(leave)}</span></span>`}
    </figcaption>
  </figure>`;
}

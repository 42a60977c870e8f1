// The score over the visitor's messages, for one policy or two: the curve, the
// line at which a person is called, the lower one below which it is calm again,
// and where it escalated. SVG in the width it has; the same figures stand in the
// page as text, so the picture is a picture.

import { score as said } from '../../shared/format.js';
import { html, useEffect, useRef, useState } from '../../shared/html.js';

const HEIGHT = 168;
const TOP = 20;
const BOTTOM = 20;
const LEFT = 28;
const RIGHT = 12;

/**
 * @typedef {{ name: string, kind: 'main' | 'other', scores: number[], line: number | null, leave: number | null, escalated: number[] }} Series
 * `escalated` holds indexes into `scores`.
 */

function useWidth(/** @type {any} */ element) {
  const [width, setWidth] = useState(480);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(200, Math.round(entry.contentRect.width))));
    watch.observe(element.current);
    return () => watch.disconnect();
  }, []);
  return width;
}

/** @param {{ series: Series[], selected?: number | null, label?: string }} properties */
export function Chart({ series, selected = null, label = 'Score' }) {
  const box = useRef(null);
  const width = useWidth(box);
  const count = Math.max(...series.map(({ scores }) => scores.length), 0);
  const x = (/** @type {number} */ index) => (count > 1 ? LEFT + 8 + (index * (width - LEFT - RIGHT - 16)) / (count - 1) : (LEFT + width - RIGHT) / 2);
  const y = (/** @type {number} */ value) => TOP + (1 - Math.max(0, Math.min(1, value))) * (HEIGHT - TOP - BOTTOM);
  const main = series.find(({ kind }) => kind === 'main') ?? series[0];
  const every = Math.max(1, Math.ceil(count / Math.max(1, Math.floor((width - LEFT) / 36))));
  const text = series.map((one) => `${series.length > 1 ? `${one.name}: ` : ''}${one.scores.map(said).join(', ') || 'nothing'}${one.line !== null ? `; line ${said(one.line)}` : ''}`).join('. ');

  return html`<figure class="chart">
    <div class="chart-box" ref=${box}>
      <svg width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${`${label} by message. ${text}`}>
        ${[0, 0.5, 1].map((value) => html`<g key=${value}><line class="chart-grid" x1=${LEFT} x2=${width - RIGHT} y1=${y(value)} y2=${y(value)} /><text class="chart-tick" x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${value}</text></g>`)}
        ${Array.from({ length: count }, (_, index) => index % every === 0 && html`<text class="chart-tick" key=${index} x=${x(index)} y=${HEIGHT - 4} text-anchor="middle">${index + 1}</text>`)}
        ${selected !== null && selected >= 0 && selected < count && html`<line class="chart-selected" x1=${x(selected)} x2=${x(selected)} y1=${TOP} y2=${HEIGHT - BOTTOM} />`}
        ${[...series].reverse().map(
          (one) => html`<g key=${one.kind} class=${`chart-${one.kind}`}>
            ${one.leave !== null && one === main && html`<line class="chart-leave" x1=${LEFT} x2=${width - RIGHT} y1=${y(one.leave)} y2=${y(one.leave)} />`}
            ${one.line !== null && html`<line class="chart-line" x1=${LEFT} x2=${width - RIGHT} y1=${y(one.line)} y2=${y(one.line)} />`}
            ${one.scores.length > 1 && html`<path class="chart-curve" d=${one.scores.map((value, index) => `${index ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join(' ')} />`}
            ${one.scores.map((value, index) => html`<circle key=${index} class="chart-point" cx=${x(index)} cy=${y(value)} r=${one === main ? 3.5 : 2.5} />`)}
            ${one.escalated.map((index) => one.scores[index] !== undefined && html`<path key=${`e${index}`} class="chart-mark" d=${mark(x(index), y(one.scores[index]))} />`)}
          </g>`,
        )}
      </svg>
    </div>
    <figcaption class="chart-legend">
      ${series.map((one) => html`<span key=${one.kind}><span class=${`key key-${one.kind}`} aria-hidden="true"></span>${series.length > 1 ? one.name : 'score'}${one.line !== null ? html`, line <span class="tabular">${said(one.line)}</span>` : ''}</span>`)}
      ${main && main.leave !== null && html`<span><span class="key key-leave" aria-hidden="true"></span>calm below <span class="tabular">${said(main.leave)}</span></span>`}
      ${series.some(({ escalated }) => escalated.length > 0) && html`<span><span class="key key-mark" aria-hidden="true">▲</span>escalated</span>`}
    </figcaption>
  </figure>`;
}

/** A triangle above a point. */
const mark = (/** @type {number} */ x, /** @type {number} */ y) => `M${x} ${y - 14} l5 8 h-10 Z`;

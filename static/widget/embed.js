// The loader that sites include: draws the launcher, makes the iframe when it is
// first needed, boots the visitor from the site's origin. Styles go through the
// CSSOM alone, for sites with a strict policy. Conversations live in the iframe.
(() => {
  const script = document.currentScript;
  const { key, theme, accent, position, identity } = script.dataset;
  if (!key || document.querySelector('baton-widget')) return;
  const base = new URL('./', script.src);
  const locale = script.dataset.locale || document.documentElement.lang || '';
  const words = /^de\b/i.test(locale)
    ? { open: 'Fragen? Schreiben Sie uns', close: 'Fenster schließen', unread: (n) => `, ${n} ungelesen`, refused: 'Auf dieser Seite noch nicht eingerichtet.' }
    : { open: 'Questions? Write to us', close: 'Close', unread: (n) => `, ${n} unread`, refused: 'Not set up for this site yet.' };

  // Kept on the site: the color, and whether there may be news.
  const kept = `baton:${key}`;
  const remember = (value) => { try { localStorage[kept] = value; } catch { /* refused */ } };
  const recall = () => { try { return localStorage[kept]; } catch { /* refused */ } };

  const sheet = `:host{all:initial}
button,div div{position:fixed;bottom:20px;inset-inline-end:20px;z-index:2147483000}
button{width:56px;height:56px;padding:0;border:0;border-radius:50%;cursor:pointer;color:#fff;background:#14181d;box-shadow:0 4px 16px #0005;display:grid;place-items:center}
button:hover{filter:brightness(1.12)}
button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px #14181d}
svg{width:26px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
b{position:absolute;top:-4px;inset-inline-end:-4px;min-width:22px;box-sizing:border-box;padding:0 6px;border:2px solid #fff;border-radius:11px;background:#b3261e;color:#fff;font:600 12px/18px system-ui, sans-serif}
div div{bottom:88px;width:384px;height:min(640px, 100dvh - 108px);border-radius:12px;overflow:hidden;background:#fff;color:#14181d;color-scheme:light;box-shadow:0 8px 40px #0004;transition:opacity .12s}
.dark{background:#171b20;color:#e9edf1;color-scheme:dark}
.shut{visibility:hidden;opacity:0}
iframe{display:block;width:100%;height:100%;border:0}
p{margin:40px 24px;font:15px/1.45 system-ui, sans-serif;text-align:center}
[hidden]{display:none}
.left button,.left div{inset-inline:20px auto}
@media (max-width:480px), (max-height:560px) {
div div,.left div{bottom:0;inset-inline:auto 0;height:100dvh;border-radius:0}
.open > button{display:none}
}
@media (max-width:480px){div div{width:100%}}
@media (prefers-reduced-motion:reduce){div div{transition:none}}
@media print{div{display:none}}`;

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const svg = (tag, attributes, ...children) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    element.append(...children);
    return element;
  };
  const shape = (d) => svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': true }, svg('path', { d }));

  const host = make('baton-widget');
  const root = host.attachShadow({ mode: 'open' });
  const style = new CSSStyleSheet();
  style.replaceSync(sheet);
  root.adoptedStyleSheets = [style];
  const bubble = shape('M2.992 16.342a2 2 0 0 1 .094 1.167l-1.065 3.29a1 1 0 0 0 1.236 1.168l3.413-.998a2 2 0 0 1 1.099.092 10 10 0 1 0-4.777-4.719');
  const cross = shape('M18 6 6 18M6 6l12 12');
  const count = make('b', { hidden: true });
  const launcher = make('button', { type: 'button', title: words.open }, bubble, count);
  const panel = make('div', { className: 'shut' });
  const all = make('div', { className: position === 'left' ? 'left' : '', dir: document.documentElement.dir || 'ltr' }, launcher, panel);
  root.append(all);

  let frame, is_open, is_ready, early;
  let unread = 0;

  const paint = (color) => {
    if (!/^#[0-9a-f]{6}$/i.test(color || '')) return;
    const [r, g, b] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
    launcher.style.background = color;
    launcher.style.color = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
  };
  const name = () => {
    count.hidden = is_open || !unread;
    count.textContent = unread > 99 ? '99+' : unread;
    launcher.title = is_open ? words.close : words.open;
    launcher.ariaExpanded = !!is_open;
    launcher.ariaLabel = launcher.title + (count.hidden ? '' : words.unread(unread));
  };
  const tell = (message) => is_ready && frame.contentWindow.postMessage({ baton: 1, ...message }, base.origin);

  // This call carries the site's origin: that is the gate.
  async function boot(visitor) {
    try {
      const response = await fetch(new URL('api/v1/widget/boot', base), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key, locale: locale || undefined, visitor, identity, page: location.origin + location.pathname }),
      });
      const answer = await response.json();
      if (response.ok) return { visitor: answer.visitor, ticket: answer.ticket };
      if (/40[34]/.test(response.status)) refuse(answer.detail);
      return { error: { status: response.status, code: answer.code } };
    } catch {
      if (!is_ready) refuse();
      return { error: { status: 0, code: 'unreachable' } };
    }
  }

  function refuse(detail) {
    console.error(`Baton: ${location.origin} cannot use ${key}.`, detail || '');
    frame = is_ready = early = null;
    panel.replaceChildren(make('p', { textContent: words.refused }));
  }

  function load() {
    if (frame) return;
    const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
    panel.classList.toggle('dark', dark);
    const about = new URLSearchParams({ host: location.origin, locale, theme: theme || '', identity: identity ? '1' : '' });
    frame = make('iframe', { title: words.open, src: `${new URL('widget', base)}?key=${encodeURIComponent(key)}#${about}` });
    panel.replaceChildren(frame);
  }

  function show(open) {
    if (open) load();
    // A newcomer's boot runs while the iframe loads.
    if (open && !recall()) early ??= boot();
    is_open = open;
    all.classList.toggle('open', open);
    panel.classList.toggle('shut', !open);
    (open ? bubble : cross).replaceWith(open ? cross : bubble);
    name();
    tell({ type: open ? 'open' : 'close' });
    if (open) frame?.focus();
    else launcher.focus();
  }

  addEventListener('message', async ({ data, source, origin }) => {
    if (!frame || source !== frame.contentWindow || origin !== base.origin || data?.baton !== 1) return;
    if (data.type === 'ready') {
      is_ready = true;
      if (is_open) tell({ type: 'open' });
    } else if (data.type === 'boot') {
      const answer = await ((!data.visitor && early) || boot(data.visitor));
      early = 0;
      tell({ type: 'booted', id: data.id, answer });
    } else if (data.type === 'unread') {
      unread = Number(data.count) || 0;
      name();
    } else if (data.type === 'look') {
      frame.title = data.name || words.open;
      if (!accent) paint(data.accent);
      remember((data.accent || '#14181d') + (data.has_news ? '+' : ''));
    } else if (data.type === 'close') show(false);
  });
  launcher.onclick = () => show(!is_open);
  launcher.onpointerenter = launcher.onfocus = load;
  all.onkeydown = (event) => {
    if (event.key === 'Escape' && is_open) show(false);
  };

  paint(accent || recall()?.slice(0, 7));
  name();
  const begin = () => {
    document.body.append(host);
    // Who wrote before sees news at once.
    if (recall()?.endsWith('+')) (window.requestIdleCallback || setTimeout)(load);
  };
  if (document.body) begin();
  else addEventListener('DOMContentLoaded', begin);
  window.Baton = Object.freeze({ open: () => is_open || show(true), close: () => is_open && show(false) });
})();

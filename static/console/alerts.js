// Makes an offer impossible to miss without getting in the way: a sound, the
// page's title, a notification. It decides nothing; main.js says when.

/** Two short rising notes, made here so that no file has to be fetched. */
export function createSound() {
  /** @type {AudioContext|null} */
  let context = null;

  /** Browsers allow sound only after a key or a click; this is called on the first of them. */
  const unlock = () => {
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
    context ??= new AudioContext();
    if (context.state === 'suspended') context.resume().catch(() => {});
  };

  const note = (/** @type {AudioContext} */ on, /** @type {number} */ frequency, /** @type {number} */ after) => {
    const start = on.currentTime + after;
    const oscillator = on.createOscillator();
    const gain = on.createGain();
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.18, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, start + 0.35);
    oscillator.connect(gain).connect(on.destination);
    oscillator.start(start);
    oscillator.stop(start + 0.4);
  };

  return {
    unlock,
    play() {
      if (!context || context.state !== 'running') return false;
      note(context, 660, 0);
      note(context, 880, 0.16);
      return true;
    },
  };
}

/** The title: an offer first, then what is unread, then the page's name. */
export function title(/** @type {{offers: string[], unread: number}} */ { offers, unread }) {
  if (offers.length > 0) return `▸ ${offers[0]}${offers.length > 1 ? ` +${offers.length - 1}` : ''} · Baton`;
  return unread > 0 ? `(${unread}) Baton` : 'Baton';
}

/** `unsupported`, `granted`, `denied` or `default`. */
export function notificationState() {
  return typeof Notification === 'undefined' ? 'unsupported' : Notification.permission;
}

/** Asks for leave to notify. Only ever called from a click. */
export async function askToNotify() {
  if (typeof Notification === 'undefined') return 'unsupported';
  return Notification.requestPermission();
}

/**
 * Notifies only when the page is not looked at.
 * @param {{ tag: string, title: string, body: string, onOpen: () => void }} what
 */
export function notify({ tag, title: head, body, onOpen }) {
  if (notificationState() !== 'granted' || !document.hidden) return null;
  try {
    const notification = new Notification(head, { body, tag });
    notification.onclick = () => {
      window.focus();
      notification.close();
      onOpen();
    };
    return notification;
  } catch {
    return null; // Android's Chromium wants a service worker for this; sound and title remain.
  }
}

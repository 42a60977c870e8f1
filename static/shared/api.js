// Calls to /api/v1: JSON in, JSON out, problem details as errors.
// It does not retry and keeps nothing.

const TIMEOUT_MS = 15_000;

/** A call that failed. `code` is the server's stable word, `unreachable` when there was no answer. */
export class ApiError extends Error {
  constructor(/** @type {number} */ status, /** @type {{ code?: string, title?: string, detail?: string, problems?: any[] }} */ problem) {
    super(problem.detail || problem.title || problem.code || `status ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? (status === 0 ? 'unreachable' : 'unexpected');
    /** @type {any[]} */
    this.problems = problem.problems ?? [];
  }
}

/** @type {Set<() => void>} */
const signed_out = new Set();

/** Runs when a call says that the login is over (401). Returns a function that stops it. */
export function onSignedOut(/** @type {() => void} */ run) {
  signed_out.add(run);
  return () => signed_out.delete(run);
}

/**
 * @param {'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} method
 * @param {string} path below `/api/v1`, as `/queues`
 * @param {unknown} [body]
 * @param {{ signal?: AbortSignal, timeout_ms?: number }} [options]
 * @returns {Promise<any>} the parsed body; null where there is none
 */
export async function call(method, path, body, options = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET') headers['x-baton-csrf'] = '1';
  const timeout = AbortSignal.timeout(options.timeout_ms ?? TIMEOUT_MS);
  /** @type {Response} */ let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: options.signal && 'any' in AbortSignal ? AbortSignal.any([options.signal, timeout]) : (options.signal ?? timeout),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, { code: 'unreachable', detail: 'The server did not answer.' });
  }
  const text = await response.text();
  /** @type {any} */ let answer = null;
  try {
    answer = text === '' ? null : JSON.parse(text);
  } catch {
    // A proxy's own page, not ours.
  }
  if (response.ok) return answer;
  if (response.status === 401) for (const run of signed_out) run();
  throw new ApiError(response.status, answer ?? { detail: `The server answered with status ${response.status}.` });
}

/** `query({ q: 'mara', before: null })` is `?q=mara`: empty values are left out. */
export function query(/** @type {Record<string, string | number | null | undefined>} */ values) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

export const api = Object.freeze({
  get: (/** @type {string} */ path, /** @type {{ signal?: AbortSignal }} */ options = {}) => call('GET', path, undefined, options),
  post: (/** @type {string} */ path, /** @type {unknown} */ body = {}, /** @type {{ signal?: AbortSignal, timeout_ms?: number }} */ options = {}) => call('POST', path, body, options),
  put: (/** @type {string} */ path, /** @type {unknown} */ body) => call('PUT', path, body),
  patch: (/** @type {string} */ path, /** @type {unknown} */ body) => call('PATCH', path, body),
  delete: (/** @type {string} */ path) => call('DELETE', path),
});

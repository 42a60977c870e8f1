// The pages, who sees them, and their addresses: `#/conversations/cnv_1?state=agent`.
// Pure.

/** @typedef {{ page: string, id: string | null, query: Record<string, string> }} Route */

/** @type {{ page: string, title: string, role: 'supervisor' | 'admin', nav?: string, group?: string }[]} */
export const PAGES = [
  { page: 'live', title: 'Live', role: 'supervisor' },
  { page: 'conversations', title: 'Conversations', role: 'supervisor' },
  { page: 'tuning', title: 'Tuning', role: 'supervisor' },
  { page: 'learning', title: 'Learning', role: 'supervisor' },
  { page: 'knowledge', title: 'Knowledge', role: 'supervisor' },
  { page: 'canned', title: 'Canned replies', role: 'supervisor' },
  { page: 'queues', title: 'Queues & agents', role: 'admin' },
  { page: 'agents', title: 'Queues & agents', role: 'admin', group: 'queues' },
  { page: 'widgets', title: 'Widget', role: 'admin' },
  { page: 'persons', title: 'Persons', role: 'admin' },
  { page: 'audit', title: 'Audit', role: 'admin' },
];

const RANK = /** @type {Record<string, number>} */ ({ agent: 0, supervisor: 1, admin: 2 });

export function may(/** @type {string} */ role, /** @type {string} */ needed) {
  return (RANK[role] ?? 0) >= (RANK[needed] ?? 9);
}

/** The pages in the navigation of a role. */
export function navigation(/** @type {string} */ role) {
  return PAGES.filter((page) => !page.group && may(role, page.role));
}

/** @returns {Route} */
export function read(/** @type {string} */ hash) {
  const [path, search = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s);
  const [page, ...rest] = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return '';
    }
  });
  const known = PAGES.some((one) => one.page === page);
  return { page: known ? page : 'live', id: (known && rest.join('/')) || null, query: Object.fromEntries(new URLSearchParams(search)) };
}

export function write(/** @type {{ page: string, id?: string | null, query?: Record<string, string | null | undefined> }} */ { page, id, query = {} }) {
  const search = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  const text = search.toString();
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ''}${text ? `?${text}` : ''}`;
}

/** The route that this role may see: its own, or the first page. */
export function allowed(/** @type {Route} */ route, /** @type {string} */ role) {
  const page = PAGES.find((one) => one.page === route.page);
  return page && may(role, page.role) ? route : { page: 'live', id: null, query: {} };
}

// The address and the page's state stay one thing.
//
// Back, Forward: Streamlit starts a run of the entry's page with the entry's parameters, and the
// server opens the state that they say. Until it has answered, whatever Streamlit would add to
// the history is older than the visitor's move and is dropped. When a run ends and the move is
// still unanswered (a click came in between and its run took the place), it is asked for again.
// A choice: Streamlit adds an entry for it. It is let through when it says something new.
// The end of a run: the present entry is replaced by what is shown; nothing is added.

export default function ({ data, setStateValue }) {
  const desk = (window.kdAddress ??= install());
  if (data.final) {
    settle(desk, data);
    return;
  }
  desk.send = (move) => setStateValue("back", move);
  hear(desk, data.opened);
}

/** Listen once in the life of the document, however often the part is mounted. */
function install() {
  const desk = { waits: false, answered: 0, run: "", marks: new Set(["v"]) };
  const add = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  desk.replace = (url) => {
    replace(history.state, "", url);
    remember(desk);
  };
  history.pushState = (state, title, url) => {
    const target = desk.waits ? null : admitted(desk, new URL(url ?? location.href, location.href));
    if (target) add(state, title, target);
    remember(desk);
  };
  history.replaceState = (state, title, url) => {
    if (!desk.waits) replace(state, title, url);
    remember(desk);
  };
  window.addEventListener("popstate", () => {
    // where only the part behind # is another, there is nothing to answer
    desk.waits ||= desk.path !== location.pathname || desk.search !== location.search;
    remember(desk);
  });
  remember(desk);
  return desk;
}

/** The address that a new entry may have, or null when there is to be none. */
function admitted(desk, url) {
  const bare = !url.searchParams.has("v");
  if (url.pathname !== location.pathname) {
    // another page of the same state: Streamlit empties the parameters on its way there
    return url.pathname + (bare ? location.search : url.search);
  }
  if (bare || choices(desk, url.search) === choices(desk, location.search)) return null;
  return url.pathname + url.search;
}

/** The server names the last move that it has answered, at the start of each run. */
function hear(desk, opened) {
  const fresh = opened.count > desk.answered;
  desk.answered = opened.count;
  const same = choices(desk, new URLSearchParams(opened.query)) === choices(desk, location.search);
  if (fresh && same && opened.page === leaf(location.pathname)) desk.waits = false;
}

/** What is shown at the end of a run replaces what the address says; each run does it once. */
function settle(desk, { final, run }) {
  if (desk.run === run) return;
  desk.run = run;
  desk.marks = new Set(final.marks);
  if (desk.waits) {
    const query = Object.fromEntries(new URLSearchParams(location.search));
    desk.send?.({ turn: Date.now(), page: leaf(location.pathname), query });
    return;
  }
  const name = leaf(location.pathname);
  const length = location.pathname.length - (final.pages.includes(name) ? name.length : 0);
  const base = location.pathname.slice(0, length);
  const path = (base.endsWith("/") ? base : `${base}/`) + final.page;
  const search = `?${new URLSearchParams(final.query)}`;
  if (path !== location.pathname || search !== location.search) desk.replace(path + search + location.hash);
}

function remember(desk) {
  desk.path = location.pathname;
  desk.search = location.search;
}

/** The visitor's choices in an address, in one order, without the marks. */
function choices(desk, search) {
  const pairs = [...new URLSearchParams(search)].filter(([name]) => !desk.marks.has(name));
  return JSON.stringify(pairs.sort());
}

/** The last part of a path; "" for the first page. */
function leaf(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

// Ask the lab what is new of a run, often while it runs and seldom while the tab is hidden. The page is
// not run again: this is a plain address that answers with the new lines.

const PACE = 600; // ms between two looks at a run that learns
const SLOW = 2000; // at one that waits, or whose twin is still at work
const HIDDEN = 6000; // while the tab is not seen
const LONGEST = 15_000; // between two tries while the lab is away

/** Where the address lies: beside the page, whatever path a proxy puts both under. */
export function addressOf(run) {
  const folder = window.location.pathname.replace(/\/+$/, "").split("/").slice(0, -1).join("/");
  return `${folder}/kd/live/${encodeURIComponent(run)}`;
}

/**
 * Poll from look() until stop(). ask() gives the query, take(answer, clock, query) receives what came,
 * pace() is "live", "slow" or "done"; trouble(sentence or "") when the lab is away or back.
 */
export function makePoll(run, { ask, take, pace, trouble }) {
  const poll = { timer: 0, tag: "", failed: 0, over: false, busy: null };
  const later = (wait) => {
    clearTimeout(poll.timer);
    if (!poll.over) poll.timer = setTimeout(look, wait);
  };
  const rest = () => (document.hidden ? HIDDEN : pace() === "live" ? PACE : SLOW);

  async function look() {
    if (poll.busy || poll.over) return;
    poll.busy = new AbortController();
    const query = ask();
    try {
      const news = await fetched(run, query, poll);
      if (poll.failed) trouble("");
      poll.failed = 0;
      if (news && !poll.over) take(news.body, news.clock, query);
      if (news?.body.student.more) later(0);
      else if (pace() !== "done") later(rest());
    } catch (cause) {
      if (poll.over) return;
      if (cause.gone) return trouble(cause.message);
      const wait = Math.min(PACE * 2 ** poll.failed++, LONGEST);
      const seconds = Math.max(1, Math.round(wait / 1000));
      trouble(`${cause.message} Trying again in ${seconds} s; a run goes on by itself meanwhile.`);
      later(wait);
    } finally {
      poll.busy = null;
    }
  }

  const seen = () => document.hidden || pace() === "done" || later(0);
  document.addEventListener("visibilitychange", seen);
  return {
    look,
    stop() {
      poll.over = true;
      clearTimeout(poll.timer);
      poll.busy?.abort();
      document.removeEventListener("visibilitychange", seen);
    },
  };
}

/** {body, clock}, or null when nothing is new; an Error with a plain sentence otherwise. */
async function fetched(run, query, poll) {
  const headers = poll.tag && poll.query === query ? { "If-None-Match": poll.tag } : {};
  const url = `${addressOf(run)}?${query}`;
  let answer;
  try {
    const patience = AbortSignal.any([poll.busy.signal, AbortSignal.timeout(10_000)]);
    answer = await fetch(url, { headers, cache: "no-store", signal: patience });
  } catch {
    throw new Error("The lab does not answer.");
  }
  if (answer.status === 304) return null;
  if (answer.status === 404) throw Object.assign(new Error("There is no such run here any more."), { gone: true });
  if (!answer.ok) throw new Error(`The lab answered with an error (${answer.status}).`);
  if (!answer.headers.get("content-type")?.includes("json")) {
    const message = "This server has no live address for runs: start the lab with python -m app.";
    throw Object.assign(new Error(message), { gone: true });
  }
  const body = await answer.json();
  [poll.tag, poll.query] = [answer.headers.get("etag") ?? "", query];
  return { body, clock: Number(answer.headers.get("kd-clock")) };
}

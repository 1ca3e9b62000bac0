// A run as it learns, and as it learned: it asks the lab for what is new and draws it at once. The
// page hears of a moment when it is let go, of the metric, and once of each run that comes to its end.

import { el, painter, speaker, stateOf, theme } from "../../../../parts/draw.js";
import { makePlayer } from "../../../../parts/player.js";
import { integer } from "../../../../parts/words.js";
import { makeChart } from "./curves.js";
import { makeNumbers, paintNumbers, stateLine } from "./numbers.js";
import { makePeople, paintPeople, placeholders, tableOfPeople } from "./people.js";
import { makePoll } from "./poll.js";
import {
  absorb, csvOf, hasNoMoments, isDone, isOver, METRICS, metricsOf, newFilm, OVER, pairsHead, questionOf, sentenceOf,
  viewAt,
} from "./sums.js";
import { paintCurves } from "./views.js";

const PLAY = 150; // ms per moment while it plays

// what only a run that learned something has
const PICTURES = ".numbers, .control, .curves, .pairshead, .pairs, .legend, .asTable, .progress";
const OF_MOMENTS = ".pairs, .legend, .asTable"; // what a run without moments cannot have
const OF_GRADES = ".pairshead, .pairs, .legend, .asTable"; // what a pretraining cannot have

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => gather(root, data.gap));
  part.send = (name, message) => setStateValue(name, { ...message, n: Date.now() });
  obey(part, data);
  part.sizes ??= new ResizeObserver(part.ask);
  part.sizes.observe(part.curves);
  (window.kdLive ??= {})[data.target] = () => ({
    csv: csvOf(part.film, part.data),
    sentence: part.words.finding.textContent,
  });
  part.ask();
  return () => {
    part.poll?.stop();
    part.poll = null;
    part.sizes?.disconnect();
    part.sizes = null;
    part.stop();
    clearInterval(part.seconds);
    part.seconds = 0;
    delete window.kdLive?.[data.target];
  };
}

/** The part's elements and state, the same for all its calls. film: what is known of the run. */
function gather(root, gap) {
  const find = (selector) => root.querySelector(selector);
  const part = {
    root,
    film: newFilm(),
    input: find("#wstep"),
    output: find("output"),
    start: find(".start"),
    newest: find(".newest"),
    curves: find(".curves"),
    host: find(".pairs"),
    bar: find(".progress"),
    table: find(".asTable"),
  };
  const texts = ["finding", "trouble", "state", "pairshead", "legend"];
  part.words = Object.fromEntries(texts.map((name) => [name, find(`.${name}`)]));
  part.speak = speaker(find("[data-spoken]"));
  part.ask = painter(() => paint(part));
  part.numbers = makeNumbers(find(".numbers"), gap);
  part.input.oninput = () => choose(part, part.film.ticks[Number(part.input.value)]);
  part.input.onchange = () => tellMoment(part);
  part.stop = makePlayer(part.start, PLAY, {
    begin: () => {
      if (part.step < 0) part.step = part.film.ticks[0] ?? -1;
    },
    step: () => {
      choose(part, part.film.ticks.find((step) => step > part.step));
      return part.step >= 0;
    },
    done: () => tellMoment(part),
  });
  part.newest.onclick = () => {
    choose(part, -1);
    tellMoment(part);
  };
  part.table.ontoggle = () => part.ask();
  const follow = (share) => (share === null ? tellMoment(part) : choose(part, nearest(part.film, share)));
  part.charts = { loss: makeChart("Loss, its weighted terms", follow), metric: makeChart("Validation", follow),
    agreement: makeChart("Agreement with the teacher", follow), distance: makeChart("Distance to the truth", follow) };
  part.curves.replaceChildren(...Object.values(part.charts).map((chart) => chart.node));
  part.switches = Object.entries(METRICS).map(([key, { name }]) => {
    const press = () => {
      part.metric = key;
      part.send("at", { [part.data.graded ? "wmetric" : "rpretrain"]: key });
      part.ask();
    };
    return [key, el("button", { type: "button", onclick: press }, name)];
  });
  part.charts.metric.extra.replaceChildren(...part.switches.map(([, button]) => button));
  placeholders(part.host, 20);
  return part;
}

/** Take what the page says: another run, another moment or metric; begin to ask the lab. */
function obey(part, data) {
  if (part.data?.run !== data.run) {
    part.poll?.stop();
    Object.assign(part, { film: filmOf(data.run), people: null, poll: null, ends: { ...data.over } });
    for (const chart of Object.values(part.charts)) chart.top = 0;
    placeholders(part.host, 20);
  } else if (!data.over.run && isOver(part.film)) {
    part.ends = { ...data.over }; // begun anew: its end is news again
  }
  part.film.subject = data.subject;
  if (part.data?.step !== data.step || part.data?.run !== data.run) part.step = data.step;
  if (part.data?.metric !== data.metric || part.data?.run !== data.run) part.metric = data.metric;
  part.data = data;
  part.seconds ||= setInterval(() => isDone(part.film) || part.ask(), 1000); // the clock of the time left
  const pace = () => {
    if (!part.film.status || !isOver(part.film)) return part.film.status?.state === "queued" ? "slow" : "live";
    return isDone(part.film) ? "done" : "slow";
  };
  part.poll ??= makePoll(data.run, {
    pace,
    ask: () => questionOf(part.film),
    take: (answer, clock, question) => question === questionOf(part.film) && receive(part, answer, clock),
    trouble: (sentence) => {
      part.words.trouble.hidden = !sentence;
      part.words.trouble.textContent = sentence;
    },
  });
  const isOldNews = isDone(part.film) && data.over.run && data.over.twin; // its end was told before
  if (!isOldNews) part.poll.look();
}

/** What is known of a run stays while a rerun of the page puts the part elsewhere. */
function filmOf(run) {
  const films = (window.kdFilms ??= new Map());
  const film = films.get(run) ?? newFilm();
  films.delete(run);
  films.set(run, film);
  if (films.size > 4) films.delete(films.keys().next().value);
  return film;
}

/** Take an answer of the lab in; the page hears once of each run that has ended. */
function receive(part, answer, clock) {
  const checks = part.film.checks.length;
  const state = part.film.status?.state;
  absorb(part.film, answer, clock);
  const { film } = part;
  const ends = { run: isOver(film), twin: !film.twin || OVER.includes(film.twin.state) };
  if ((ends.run && !part.ends.run) || (ends.run && ends.twin && !part.ends.twin)) {
    part.ends = ends;
    part.send("ended", { run: part.data.run, state: film.status.state });
  }
  part.ask();
  if (film.checks.length !== checks || film.status.state !== state) {
    part.speak(sentenceOf(film, part.metric, here(part)));
  }
}

/** The step with something to show that is nearest to a share of all steps; -1 where there is none. */
function nearest(film, share) {
  const far = (step) => Math.abs(step - share * film.total);
  return film.ticks.reduce((best, step) => (far(step) < far(best) ? step : best), film.ticks[0] ?? -1);
}

/** Show a step; the last one, or -1, is the newest there is, and stays so. */
function choose(part, step) {
  part.step = step === undefined || step === part.film.ticks.at(-1) ? -1 : step;
  part.ask();
}

/** Tell the page which step is shown, unless it knows. */
function tellMoment(part) {
  if (part.data.step === part.step && part.sentStep === part.step) return;
  part.sentStep = part.step;
  part.send("at", { wstep: part.step });
}

/** What is shown: the view of the chosen step, or of the newest. */
function here(part) {
  const { film } = part;
  const step = part.step < 0 ? film.ticks.at(-1) : film.ticks.findLast((tick) => tick <= part.step);
  return viewAt(film, part.metric, step ?? film.ticks[0] ?? 0);
}

function paint(part) {
  const { film, words, metric } = part;
  if (!film.status) return void (words.finding.textContent = "Opening the run…");
  const view = here(part);
  const nothing = isOver(film) && !film.ticks.length; // no axis and no empty boxes then
  showWhatItHas(part, nothing, hasNoMoments(film));
  words.finding.textContent = sentenceOf(film, metric, view);
  words.state.textContent = stateLine(film);
  const newest = film.ticks.at(-1) ?? 0;
  part.bar.firstElementChild.style.width = `${film.total ? (100 * newest) / film.total : 0}%`;
  part.bar.setAttribute("aria-valuemax", film.total || 1);
  part.bar.setAttribute("aria-valuenow", newest);
  paintControl(part, view);
  paintNumbers(part.numbers, film, metric, view, part.data.graded);
  paintCurves(part, view);
  for (const [key, button] of part.switches) button.setAttribute("aria-pressed", String(key === metric));
  if (film.probe && part.people?.probe !== film.probe) part.people = peopleOf(part);
  if (part.people) paintPeople(part.people, view.moment);
  words.pairshead.textContent = pairsHead(film, view);
  words.legend.textContent = film.probe ? legend(film) : "";
  if (part.table.open && part.people) part.table.lastElementChild.replaceChildren(tableOfPeople(part.people));
}

/** Hide what this run cannot have: all pictures where nothing was learned; grades of a pretraining. */
function showWhatItHas({ root, data: { graded }, charts, switches }, nothing, unwatched) {
  const show = (node, shown) => void (node.style.display = shown ? "" : "none");
  for (const node of root.querySelectorAll(PICTURES)) show(node, !nothing);
  if (!graded) for (const node of root.querySelectorAll(OF_GRADES)) show(node, false);
  if (unwatched) for (const node of root.querySelectorAll(OF_MOMENTS)) show(node, false);
  for (const chart of [charts.agreement, charts.distance]) show(chart.node, graded && !unwatched);
  for (const [key, button] of switches) show(button, key in metricsOf(graded));
}

function peopleOf({ host, film }) {
  return { ...makePeople(host, film.probe), subject: film.subject };
}

function legend({ probe: { grades, teacher, truth }, subject }) {
  const up = `teacher${teacher ? "" : " (not known here)"}`;
  return (
    `Columns: ${grades.join(", ")}, from left to right. ` +
    (subject === "teacher" ? "Downwards: the teacher, at T = 1. " :
      `Upwards: ${up}; downwards: student, both at T = 1. `) +
    `Solid frame: the label.${truth ? " Dashed: the truth." : ""} ` +
    "The pairs are of the validation split, evenly spread over its grades, never trained on."
  );
}

function paintControl(part, view) {
  const { film, input } = part;
  const at = Math.max(film.ticks.indexOf(view.step), 0);
  for (const control of [input, part.start]) control.disabled = film.ticks.length < 2;
  input.max = Math.max(film.ticks.length - 1, 0);
  input.value = at;
  part.newest.disabled = part.step < 0;
  part.newest.textContent = isOver(film) ? "End" : "Newest";
  const newest = part.step < 0 && !isOver(film) ? ", newest" : "";
  part.output.textContent = film.ticks.length ? `step ${integer(view.step)}${newest}` : "no step yet";
  input.setAttribute("aria-valuetext", `${part.output.textContent} of ${integer(film.total)}`);
}

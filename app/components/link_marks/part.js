// Marks are no choice of the visitor's: they replace the address, and never add an entry to it.

export default function ({ data }) {
  const own = new Set(data.names);
  const said = location.search.slice(1).split("&").filter(Boolean);
  const kept = said.filter((pair) => !own.has(pair.split("=")[0]));
  const marks = Object.entries(data.marks).map((pair) => pair.map(encodeURIComponent).join("="));
  const wanted = `?${[...kept, ...marks].join("&")}`;
  if (new Set(said).size === new Set([...said, ...kept, ...marks]).size && said.length === kept.length + marks.length) return;
  history.replaceState(history.state, "", location.pathname + wanted + location.hash);
}

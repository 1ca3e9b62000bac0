// How numbers read: the twin of app/kit/texts.py, which tests/browser/test_words.py compares.

const WHOLE = new Intl.NumberFormat("en"); // toLocaleString makes one at every call

/** A number with so many decimals; a dash for what is no number. */
export function number(value, digits = 3) {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}

/** A number with a true minus; what rounds to 0 has no sign. */
export function decimal(value, digits) {
  const text = number(value, digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** A difference with its sign, a true minus. */
export function signed(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
}

/** A share as percent; what rounds to 0 has no sign. */
export function percent(value, digits = 0) {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(100 * value).toFixed(digits);
  return `${value < 0 && Number(text) !== 0 ? "−" : ""}${text} %`;
}

/** A whole number with a comma at each thousand. */
export function integer(value) {
  return WHOLE.format(value);
}

/** A probability in the room of six letters: small ones as a power of ten. */
export function probability(p) {
  if (!Number.isFinite(p)) return "–";
  if (p <= 0) return "0";
  return p >= 0.0995 ? p.toFixed(2) : p >= 0.00095 ? p.toFixed(3) : scientific(p, 0);
}

/** A number as a power of ten: 2.5e−4. */
export function scientific(value, digits) {
  return value.toExponential(digits).replace("e-", "e−");
}

/** A temperature; its width stays the same while it is dragged. */
export function degrees(T) {
  return T >= 10 ? T.toFixed(1) : T.toFixed(2);
}

/** A time in seconds as hours, minutes and seconds. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A text that begins with a capital letter. */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A text cut to so many letters, with an ellipsis where something is missing. */
export function shortened(text, letters) {
  return text.length > letters ? `${text.slice(0, letters - 1).trimEnd()}…` : text;
}

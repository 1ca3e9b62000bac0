// Small shapes on a canvas, each with a rim of the paper's color so that it stands out on any ground.

/** Lines through places [x, y], a line per list. */
export function stroke(context, shapes, style, wide) {
  context.strokeStyle = style;
  context.lineWidth = wide;
  for (const places of shapes) {
    context.beginPath();
    places.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
}

/** A filled circle in the present color. */
export function circle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}

/** A filled circle with a rim of paper. */
export function disk(context, [x, y], radius, ink, paper) {
  context.fillStyle = paper;
  circle(context, x, y, radius + 2);
  context.fillStyle = ink;
  circle(context, x, y, radius);
}

/** A filled diamond with a rim of paper. */
export function diamond(context, [x, y], ink, paper) {
  for (const [size, style] of [[10, paper], [8, ink]]) {
    context.fillStyle = style;
    context.beginPath();
    [[0, -size], [size, 0], [0, size], [-size, 0]].forEach(([dx, dy]) => context.lineTo(x + dx, y + dy));
    context.fill();
  }
}

/** A circle's line. */
export function ring(context, [x, y], radius, ink, paper) {
  for (const [style, wide] of [[paper, 5], [ink, 2]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.stroke();
  }
}

/** Where the student really stands: a hollow square. */
export function hollow(context, [x, y], ink, paper) {
  for (const [style, wide] of [[paper, 5], [ink, 2.5]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.strokeRect(x - 7, y - 7, 14, 14);
  }
}

/** A text around a place. */
export function centeredText(context, words, [x, y], ink) {
  context.fillStyle = ink;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(words, x, y + 0.5);
}

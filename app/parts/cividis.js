// The color scale of numbers, readable with any color vision: cividis.

const CIVIDIS = [
  [0, 32, 76], [0, 48, 111], [42, 64, 108], [72, 82, 107], [94, 98, 110], [114, 115, 116],
  [135, 132, 121], [158, 150, 119], [182, 169, 113], [208, 190, 103], [235, 211, 87], [255, 234, 70],
];

/** Color [r, g, b] of a share 0..1 of the scale; its low end stays visible on either background. */
export function shade(t, dark) {
  const at = (dark ? 0.3 + 0.7 * t : 0.62 * (1 - t)) * (CIVIDIS.length - 1);
  const low = Math.min(CIVIDIS.length - 2, Math.floor(at));
  return CIVIDIS[low].map((c, k) => Math.round(c + (CIVIDIS[low + 1][k] - c) * (at - low)));
}

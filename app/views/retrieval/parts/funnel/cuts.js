// What the funnel shows and what it is worth: the twin of kdcore/retrieval/funnel.py.

/** Places by falling score, of equal ones the lower id first. */
export function orderBy(places, scores, ids) {
  return [...places].sort((a, b) => scores[b] - scores[a] || ids[a] - ids[b]);
}

/** nDCG of gains in the order shown against the best of all ads; NaN where nothing is worth. */
export function ndcgOf(gains, best, depth) {
  const dcg = (values) => {
    let sum = 0;
    for (let i = 0; i < Math.min(depth, values.length); i++) sum += values[i] / Math.log2(i + 2);
    return sum;
  };
  const ideal = dcg(best);
  return ideal > 0 ? dcg(gains) / ideal : NaN;
}

/** One query's places after ANN, after the student and after the teacher. */
export function ordersOf(query, candidates, reordered) {
  const { ids, student, teacher } = query;
  const found = Array.from({ length: Math.min(candidates, ids.length) }, (_, i) => i);
  const byStudent = orderBy(found, student, ids);
  const top = orderBy(byStudent.slice(0, reordered), teacher, ids);
  return [found, byStudent, [...top, ...byStudent.slice(reordered)]];
}

/** Mean nDCG after each step, over the queries that have a best order; n: how many those are. */
export function stepsOf(queries, candidates, reordered, depth) {
  const sums = [0, 0, 0];
  let n = 0;
  for (const query of queries) {
    const values = ordersOf(query, candidates, reordered).map((order) =>
      ndcgOf(order.slice(0, depth).map((place) => query.gains[place]), query.best, depth),
    );
    if (!Number.isFinite(values[0])) continue;
    n += 1;
    values.forEach((value, i) => (sums[i] += value));
  }
  return { values: sums.map((sum) => (n ? sum / n : NaN)), n };
}

/** What a perfect next step would reach with the first ads of each query. */
export function ceilingOf(queries, first, depth) {
  let sum = 0;
  let n = 0;
  for (const query of queries) {
    const gains = Array.from(query.gains.slice(0, first)).sort((a, b) => b - a);
    const value = ndcgOf(gains, query.best, depth);
    if (!Number.isFinite(value)) continue;
    n += 1;
    sum += value;
  }
  return n ? sum / n : NaN;
}

/** Milliseconds per query of each step: the query's vector with the search, student, teacher. */
export function timesOf(times, candidates, reordered) {
  return [times.query + times.search, times.student * candidates, times.teacher * reordered];
}

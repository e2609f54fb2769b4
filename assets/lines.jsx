// Lines over time as SVG, with unit, axes and a reading under the pointer. What was not measured is
// a gap, never a zero.

import { memo, useState } from "react";

import { nice } from "$/public/charts.jsx";
import * as format from "$/public/format.js";

const W = 600;
const H = 100;
const MOST_POINTS = 240;

/**
 * One chart.
 *
 * `series` are `{name, colour, values, now, isFilled, pick}` beside `times` (Unix seconds); `from` and
 * `to` the ends of the axis; `goal` a dashed line `{value, name}`; `say` turns a value into words;
 * `pick` says what stands for several samples that share a point.
 */
export const Lines = memo(function Lines({ title, unit, series, times, from, to, say, goal = null, least = 1, empty = "Nothing in this time" }) {
  const [at, setAt] = useState(null);
  const points = series.map(({ values, pick }) => reduced(times, values, { from, to, pick }));
  const known = points.flat().filter(Boolean);
  const top = nice(Math.max(least, ...known.map(([, value]) => value), goal?.value ?? 0));
  const x = (time) => (((time - from) / (to - from)) * W).toFixed(1);
  const y = (value) => (H - (value / top) * H).toFixed(1);
  const isEmpty = !known.length;
  const reading = at === null ? null : nearest(times, from + at * (to - from));
  const shown = (each) => (reading === null ? each.now : each.values[reading] === null || each.values[reading] === undefined ? "–" : say(each.values[reading]));
  const point = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  return (
    <figure className="chart">
      <figcaption>{title} <span className="unit">{unit}</span>
        {reading !== null && <span className="unit now">{format.clock(times[reading] * 1000)}</span>}</figcaption>
      <div className="plot">
        <div className="y" aria-hidden="true">{[1, 0.5, 0].map((share) => <span key={share}>{say(top * share, true)}</span>)}</div>
        <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" onPointerMove={point} onPointerLeave={() => setAt(null)}
          aria-label={`${title}, ${unit}: ${series.map((each) => `${each.name} ${each.now}`).join(", ")}`}>
          <rect width={W} height={H} fill="transparent" />
          {[0, 0.5, 1].map((share) => <path key={share} className="grid" d={`M0 ${H * share}H${W}`} />)}
          {goal && <path className="limit" d={`M0 ${y(goal.value)}H${W}`} />}
          {series.map((each, index) => <Line key={each.name} runs={runs(points[index])} x={x} y={y} colour={each.colour} isFilled={each.isFilled} />)}
          {reading !== null && <path className="reading" d={`M${x(times[reading])} 0V${H}`} />}
        </svg>
        {isEmpty && <p className="meta plot-empty">{empty}</p>}
        <div className="x" aria-hidden="true">{[0, 0.25, 0.5, 0.75, 1].map((share) => <span key={share}>{axisTime(from + share * (to - from), to - from)}</span>)}</div>
      </div>
      <div className="keys">
        {series.map((each) => <span key={each.name} className={`key-${each.colour}`}><i /><span className="quiet">{each.name}</span> <b>{shown(each)}</b></span>)}
        {goal && <span className="key-goal"><i /><span className="quiet">{goal.name}</span> <b>{say(goal.value)}</b></span>}
      </div>
    </figure>
  );
});

function Line({ runs: parts, x, y, colour, isFilled }) {
  return parts.map((run) => {
    const path = `M${run.map(([time, value]) => `${x(time)} ${y(value)}`).join("L")}`;
    const [first, last] = [run[0][0], run.at(-1)[0]];
    return (
      <g key={first} className={`ink-${colour}`}>
        {isFilled && <path className="under" d={`${path}L${x(last)} ${H}L${x(first)} ${H}Z`} />}
        <path className="ln" d={run.length === 1 ? `${path}h0.01` : path} />
      </g>
    );
  });
}

/** At most MOST_POINTS of [time, value], or null where nothing was measured; on a fixed grid. */
function reduced(times, values, { from, to, pick = Math.max }) {
  const width = Math.max(1, Math.ceil((to - from) / MOST_POINTS));
  const found = new Map();
  times.forEach((time, index) => {
    if (time < from || time > to) return;
    const place = Math.floor(time / width) * width;
    const before = found.get(place);
    const value = values[index];
    if (value === null || value === undefined) found.set(place, before ?? null);
    else found.set(place, before === null || before === undefined ? value : pick(before, value));
  });
  return [...found].map(([time, value]) => (value === null ? null : [time, value]));
}

/** The stretches without a gap. */
function runs(points) {
  const parts = [[]];
  for (const point of points) {
    if (point) parts.at(-1).push(point);
    else if (parts.at(-1).length) parts.push([]);
  }
  return parts.filter((part) => part.length);
}

function nearest(times, time) {
  if (!times.length) return null;
  let best = 0;
  times.forEach((each, index) => {
    if (Math.abs(each - time) < Math.abs(times[best] - time)) best = index;
  });
  return Math.abs(times[best] - time) > 5 ? null : best;
}

const axisTime = (seconds, span) => (span <= 120 ? format.clock(seconds * 1000).split(", ").pop() : format.minute(seconds * 1000));

// Small charts as SVG: a spark beside a number, stacked bars over time with unit and axes.

import * as format from "$/public/format.js";

const W = 600;
const H = 100;

/** A line without axis beside a number; nothing when there is nothing to draw. */
export function Spark({ values, colour }) {
  if (values.length < 2 || values.every((value) => value === 0)) return <span />;
  const top = Math.max(...values);
  const points = values.map((value, index) => `${((index / (values.length - 1)) * 72).toFixed(1)} ${(26 - (value / top) * 23).toFixed(1)}`);
  return (
    <svg className={`spark ${colour}`} viewBox="0 0 72 28" preserveAspectRatio="none" aria-hidden="true">
      <path className="under" d={`M${points.join("L")}L72 28L0 28Z`} />
      <path d={`M${points.join("L")}`} />
    </svg>
  );
}

/** The end of an axis that people would have chosen, and that its lines divide evenly. */
export function nice(top) {
  if (top <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(top));
  return [1, 2, 4, 8, 10].find((step) => step * power >= top) * power;
}

/**
 * Stacked series over time.
 *
 * `series` are `{name, colour, values, now}`; `labels` the times below; `unit` stands in the title.
 */
export function Stack({ title, unit, series, labels }) {
  const count = series[0].values.length;
  const sums = Array.from({ length: count }, (_, index) => series.reduce((sum, each) => sum + each.values[index], 0));
  const top = nice(Math.max(...sums, 0));
  const divisions = [4, 2, 1].find((parts) => top % parts === 0) ?? 2;
  const lines = Array.from({ length: divisions + 1 }, (_, index) => 1 - index / divisions);
  const isEmpty = sums.every((sum) => sum === 0);
  let below = sums.map(() => 0);
  const shapes = series.map(({ name, colour, values }) => {
    const from = below;
    below = below.map((value, index) => value + values[index]);
    return <Shape key={name} colour={colour} from={from} to={below} top={top} />;
  });
  return (
    <figure className="chart">
      <figcaption>{title} <span className="unit">{unit}</span></figcaption>
      <div className="plot">
        <div className="y" aria-hidden="true">{lines.map((share) => <span key={share}>{scale(top * share)}</span>)}</div>
        <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label={`${title}, ${unit}: ${series.map((each) => `${each.name} ${each.now}`).join(", ")}`}>
          {lines.map((share) => <path key={share} className="grid" d={`M0 ${H - share * H}H${W}`} />)}
          {shapes}
        </svg>
        {isEmpty && <p className="meta plot-empty">Nothing in this time</p>}
        <div className="x" aria-hidden="true">{labels.map((label, index) => <span key={index}>{label}</span>)}</div>
      </div>
      <div className="keys">
        {series.map(({ name, colour, now }) => <span key={name} className={`key-${colour}`}><i /><span className="quiet">{name}</span> <b>{now}</b></span>)}
      </div>
    </figure>
  );
}

function Shape({ colour, from, to, top }) {
  const y = (value) => (H - (value / top) * H).toFixed(2);
  const step = W / to.length;
  const gap = to.length > 40 ? 0.08 : 0.12;
  return to.map((value, index) => value > from[index] && (
    <rect key={index} className={`area-${colour}`} x={index * step + step * gap} width={step * (1 - 2 * gap)} y={y(value)} height={(((value - from[index]) / top) * H).toFixed(2)} />
  ));
}

function scale(value) {
  if (value === 0) return "0";
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(2))} M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))} k`;
  if (value >= 1000) return format.count(value);
  return String(Number(value.toPrecision(2)));
}

// One step under the waterfall: its arguments, its recorded result, its raw events.

import { memo, useState } from "react";

import { Json, likeRows } from "$/public/code.jsx";
import { EventLog } from "$/public/event_log.jsx";
import * as format from "$/public/format.js";
import { Marked } from "$/public/knowledge_text.jsx";
import { Copy, Icon } from "$/public/parts.jsx";

const AS_TASK = { running: "working", finished: "completed", failed: "failed", stopped: "canceled" };
const WORD = { running: "Running", finished: "Finished", failed: "Failed", stopped: "Stopped" };

/** The step of that id, until it is closed. */
export function Inspector({ watch, step, onClose, now }) {
  const [tab, setTab] = useState("io");
  const isRunning = step.state === "running";
  const to = isRunning ? watch.task.version : step.last_version;
  const said = watch.task.said.filter((each) => each.step === step.id);
  const messages = new Set(said.map((each) => each.id));
  const belongs = ({ data }) => data?.step === step.id || messages.has(data?.message);
  const state = AS_TASK[step.state];
  return (
    <section className="inspect" aria-label={`Step ${step.name}`}>
      <header>
        <span className={`k-${step.kind}`}><Icon name={`k-${step.kind}`} /></span>
        <h2 className="clip">{step.name}</h2>
        <span className={`state pill s-${state}`}><Icon name={`s-${state}`} /><span className="label">{WORD[step.state]}</span></span>
        {step.finish_reason && <span className="tag">{step.finish_reason.replaceAll("_", " ")}</span>}
        <span className="grow" />
        <Facts step={step} now={now} to={to} />
        <Copy text={step.id} label="Copy the step’s id" />
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={onClose}><Icon name="close" size={14} /></button>
      </header>
      <div className="tabs" role="tablist">
        <button type="button" role="tab" aria-selected={tab === "io"} onClick={() => setTab("io")}>Arguments and result</button>
        <button type="button" role="tab" aria-selected={tab === "events"} onClick={() => setTab("events")}>Raw events <span className="n">{format.count(to - step.version + 1)}</span></button>
      </div>
      {tab === "io" ? <InOut step={step} said={said} version={`${step.id}.${step.last_version}.${step.state}`} letters={isRunning ? said.at(-1)?.text.length : 0} />
        : <EventLog key={step.id} watch={watch} from={step.version} to={to} belongs={belongs} />}
    </section>
  );
}

function Facts({ step, now, to }) {
  return (
    <div className="facts">
      <span>Took <b>{format.duration(format.between(step.started_at, step.ended_at, now))}</b></span>
      {step.first_token !== null && <span>First token <b>{format.duration(step.first_token)}</b></span>}
      {step.usage && <span>Tokens <b>↑{format.count(step.usage.input ?? 0)} ↓{format.count(step.usage.output ?? 0)}</b></span>}
      {step.cost !== null && step.cost > 0 && <span>Cost <b>{format.money(step.cost)}</b></span>}
      <span>Versions <b>{format.count(step.version)}–{format.count(to)}</b></span>
      <span>Attempt <b>{step.attempt}</b></span>
    </div>
  );
}

const LONGEST = 20_000; // characters of a text shown at once
const TAIL = 2_000; // characters at least of one that is being written

/** Drawn anew only when the step has changed, or is being written. */
const InOut = memo(function InOut({ step, said }) {
  const text = JSON.stringify(step.result);
  const rows = step.result && typeof step.result === "object" ? likeRows(step.result) : null;
  const what = step.result?.passages ? "passage" : "row";
  return (
    <div className="io">
      <section aria-label="Arguments">
        <h3>Arguments <Copy text={() => JSON.stringify(step.arguments, null, 2)} label="Copy the arguments" size={12} /></h3>
        <Json value={step.arguments} />
      </section>
      <section aria-label="Result">
        <h3>Result {step.result !== null && <span className="num">{rows ? `${format.plural(rows.length, what)} · ` : ""}{format.size(text)}</span>}
          {step.result !== null && <Copy text={() => JSON.stringify(step.result, null, 2)} label="Copy the result" size={12} />}</h3>
        <Result step={step} said={said} />
      </section>
    </div>
  );
}, (before, now) => before.version === now.version && before.letters === now.letters);

/** A result as its kind is read best: passages, what a model said, or any JSON. */
function Recorded({ value }) {
  if (value?.passages?.every?.((passage) => typeof passage?.text === "string")) return <Passages passages={value.passages} />;
  if (typeof value?.text !== "string" || !Array.isArray(value.tool_calls)) return <Json value={value} />;
  return (
    <>
      {value.text && <pre tabIndex={0}>{value.text.slice(0, LONGEST)}</pre>}
      {value.text.length > LONGEST && <p className="meta">The first {format.count(LONGEST)} of {format.count(value.text.length)} characters; copying takes all.</p>}
      {value.tool_calls.length > 0 && <Json value={{ tool_calls: value.tool_calls }} />}
      {!value.text && !value.tool_calls.length && <p className="meta">It said nothing</p>}
    </>
  );
}

function Passages({ passages }) {
  if (!passages.length) return <p className="meta">No passage was found</p>;
  return (
    <ol className="passages">
      {passages.map((passage, index) => (
        <li key={index}>
          <span className="cite">{passage.n ?? index + 1}</span>
          <p className="clip"><b>{passage.title}</b> <span className="meta">{passage.location}</span></p>
          <span className="meta num" title="Fused score of the search, higher is nearer">{passage.score?.toFixed(4)}</span>
          <p className="text" dir="auto"><Marked text={passage.text} isCut /></p>
        </li>
      ))}
    </ol>
  );
}

function Result({ step, said }) {
  if (step.state === "failed") return <div className="ending bad"><Icon name="s-failed" className="s-failed" /><p><b>{format.words(step.code)}</b> {step.reason}</p></div>;
  if (step.state === "stopped") return <p className="meta">The task ended while this ran; it has no result.</p>;
  if (step.state === "running") {
    const written = said.at(-1)?.text;
    if (!written) return <p className="meta">Not yet known: the step is running.</p>;
    const start = Math.max(0, Math.floor(written.length / TAIL - 1) * TAIL); // moves seldom: what is shown stands still
    return <pre tabIndex={0} className="running"><span>{written.slice(start)}</span></pre>;
  }
  return (
    <>
      <Recorded value={step.result} />
      <p className="meta above">Recorded once: a later attempt reads this instead of doing the step again.</p>
    </>
  );
}

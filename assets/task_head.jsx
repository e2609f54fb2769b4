// What stands above a task: title, state, time, tokens, cost, budget, agent, who asked; and cancel.

import { useEffect, useState } from "react";
import { Link } from "react-router";

import { read, send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useConnection } from "$/public/live.js";
import { useMay } from "$/public/may.js";
import { Dialog, Icon, State } from "$/public/parts.jsx";

/** The head. */
export function TaskHead({ watch, task, now }) {
  const { usage, cost } = task;
  const tokens = (usage.input ?? 0) + (usage.output ?? 0);
  const cached = usage.input ? Math.round(((usage.cached_read ?? 0) / usage.input) * 100) : 0;
  const elapsed = format.between(task.submitted_at, task.ended_at, now);
  return (
    <header className="taskhead">
      <h1 className="clip" dir="auto" title={task.title}>{task.title}</h1>
      <div className="row head-actions">
        <Version watch={watch} task={task} />
        <Cancel task={task} />
      </div>
      <div className="gauges">
        <State state={task.state} isPill />
        <Gauge name="Elapsed" title={`Submitted ${format.exact(task.submitted_at)}`}><b>{format.duration(elapsed)}</b></Gauge>
        <Gauge name="Tokens" unit="tok" title={`${format.count(usage.input ?? 0)} read, ${format.count(usage.output ?? 0)} written`}>
          <b>{format.count(tokens)}</b>
          {cached > 0 && <span className="meta desk-only num">{cached} % cached</span>}
        </Gauge>
        <Gauge name="Cost"><b>{format.money(cost)}</b></Gauge>
        <Budget task={task} elapsed={elapsed} />
        {task.attempt > 1 && <Gauge name="Attempt"><b>{task.attempt}</b></Gauge>}
        <span className="grow desk-only" />
        <span className="gauge agent-gauge desk-only"><span>Agent</span><Link className="link clip" title={task.agent_name} to={`/agents/${task.agent_name}`}>{task.agent_name}</Link><span className="meta">v{task.agent_version}</span></span>
        <span className="gauge desk-only"><span>Started by</span><span title={format.exact(task.submitted_at)}>{format.actor(task.submitted_by)}, {task.submitted_at && format.clock(task.submitted_at)}</span></span>
      </div>
    </header>
  );
}

function Gauge({ name, unit, title, children }) {
  return <span className="gauge" title={title}><span className="desk-only">{name}</span>{children}{unit && <span className="phone-only meta">{unit}</span>}</span>;
}

/** Where this page stands in the stream, and whether it is sure to be at its end. */
function Version({ watch, task }) {
  const { name } = useConnection();
  const word = { live: "live", catching: "catching up", connecting: "connecting" }[name] ?? "not live";
  return (
    <span className="meta num version" title="Every event of this task up to this version is shown">
      Version {format.count(task.version)}, {format.isFinal(task.state) ? "the last" : word}
      {watch.problem && <span className="error"> {watch.problem.message}</span>}
    </span>
  );
}

/** The limit of the agent that is nearest, as a bar. */
function Budget({ task, elapsed }) {
  const [limits, setLimits] = useState(null);
  useEffect(() => {
    if (!task.agent) return undefined;
    let isGone = false;
    read(`/agents/${encodeURIComponent(task.agent)}/versions/${task.agent_version}`)
      .then(({ spec }) => isGone || setLimits(spec.limits)).catch(() => {}); // the bar is left out
    return () => {
      isGone = true;
    };
  }, [task.agent, task.agent_version]);
  if (!limits) return null;
  const tokens = (task.usage.input ?? 0) + (task.usage.output ?? 0);
  const shares = [
    [task.cost / 1e6 / limits.money, `$${limits.money.toFixed(2)}`],
    [tokens / limits.tokens, `${format.count(limits.tokens)} tokens`],
    [task.steps.length / limits.steps, format.plural(limits.steps, "step")],
    [elapsed / limits.seconds, format.duration(limits.seconds).replace(/\.0+ s/, " s")],
  ].sort((one, other) => other[0] - one[0]);
  const [share, of] = shares[0];
  const percent = Math.min(100, Math.round(share * 100));
  const look = share >= 0.8 ? "warn" : format.isFinal(task.state) ? "" : "work";
  return (
    <span className="budget desk-only" title={`The nearest limit of the agent; the others: ${shares.slice(1).map((each) => each[1]).join(", ")}`}>
      <span>Budget</span>
      <span className="meter"><i className={look} style={{ width: `${percent}%` }} /></span>
      <span>{percent} % of {of}</span>
    </span>
  );
}

/** Asks in words; the answer of the worker comes as an event. */
function Cancel({ task }) {
  const [isAsking, setAsking] = useState(false);
  const [isSent, setSent] = useState(false);
  const [problem, setProblem] = useState(null);
  const mayCancel = useMay()("ask");
  if (format.isFinal(task.state) || !mayCancel) return null;
  const isRequested = isSent || task.cancel_requested_by;
  const cancel = async () => {
    setProblem(null);
    try {
      await send("POST", `/tasks/${task.id}/cancel`);
      setSent(true);
      setAsking(false);
    } catch (failure) {
      setProblem(failure);
    }
  };
  return (
    <>
      <button type="button" className="btn danger" disabled={Boolean(isRequested)} onClick={() => setAsking(true)}>
        <Icon name="stop" size={14} />{isRequested ? "Stopping" : "Cancel task"}
      </button>
      {isAsking && (
        <Dialog title="Cancel this task?" onClose={() => setAsking(false)}>
          <div className="dialog-body">
            <p>The agent stops within a second. What it wrote until then stays, and the task cannot be taken up again.</p>
            {problem && <p className="error" role="alert">{problem.message}</p>}
          </div>
          <footer>
            <button type="button" className="btn" onClick={() => setAsking(false)} autoFocus>Let it work</button>
            <button type="button" className="btn danger" onClick={cancel}><Icon name="stop" size={14} />Cancel task</button>
          </footer>
        </Dialog>
      )}
    </>
  );
}
